"""Kernel facilities that confine the process that calls them; for the sandbox's child only.

Two independent walls, each enough for the attacks in `attacks` and used together where both work:

- namespaces: a file system that is empty and read-only, no network, no sight of other processes.
  Entered without any privilege through a user namespace.
- seccomp: system calls other than those that computing needs fail. Through the package pyseccomp,
  which needs the system's libseccomp.

In front of them, everywhere: resource limits, which forbid every new file descriptor, process and
thread; as root, an unprivileged user, because root may exceed limits. The interpreter is forked
with all modules loaded, so that an honest program needs no file.

What it does not: undo anything, or protect against faults of the kernel itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import math
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

NOBODY = 65534
"""The unprivileged user and group of Linux systems."""

# Source: Linux uapi headers sched.h, mount.h, prctl.h, capability.h.
_CLONE_ALL = (
    0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
)
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REC, _MS_PRIVATE = 1, 2, 4, 8, 1 << 14, 1 << 18
_MNT_DETACH = 2
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_CAPABILITY_VERSION_3 = 0x20080522

# Settings of the new namespaces: nothing in the kernel that would outlive a program.
_NOTHING_TO_KEEP = (
    ("user/max_user_namespaces", "0"),
    ("kernel/shmmni", "0"),
    ("kernel/msgmni", "0"),
    ("kernel/sem", "0 0 0 0"),
)

# What computing in an interpreter that has loaded everything needs: memory, time, its own open
# descriptors, its own signal handling. Nothing here names a file, a process or an address.
_ALLOWED_CALLS = (
    "brk", "clock_getres", "clock_gettime", "clock_nanosleep", "close", "exit", "exit_group",
    "futex", "getcpu", "getegid", "geteuid", "getgid", "getpid", "getppid", "getrandom",
    "getrusage", "gettid", "gettimeofday", "getuid", "lseek", "madvise", "membarrier", "mmap",
    "mprotect", "mremap", "munmap", "nanosleep", "read", "restart_syscall", "rseq",
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sched_getaffinity", "sched_yield",
    "set_robust_list", "sigaltstack", "sysinfo", "time", "times", "uname", "write", "writev",
)  # fmt: skip


def renounce_privileges() -> None:
    """No program this process starts gains rights, no other process looks into this one."""
    if sys.platform == "linux":
        _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        _call("prctl", _PR_SET_DUMPABLE, 0, 0, 0, 0)
        # When memory runs out the kernel shall take this process, not the one that holds the work.
        with contextlib.suppress(OSError):  # some containers forbid it, and can do without
            Path("/proc/self/oom_score_adj").write_text("800", encoding="ascii")


def become_nobody() -> None:
    """Leave root's rights for good.

    Raises:
        OSError: this is not root, or the user does not exist in this container.
    """
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def enter_namespaces() -> None:
    """Continue in a process of its own world; the old one only waits for it and ends with it.

    Source: pivot_root(2), the section on pivot_root(".", "."); user_namespaces(7).

    Raises:
        OSError: the kernel or the container does not allow it; the process is unusable then.
    """
    user, group = os.geteuid(), os.getegid()
    _call("prctl", _PR_SET_DUMPABLE, 1, 0, 0, 0)  # or the maps below belong to root
    _call("unshare", _CLONE_ALL)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"0 {user} 1"),
        ("gid_map", f"0 {group} 1"),
    ):
        Path("/proc/self", name).write_text(text, encoding="ascii")
    for name, text in _NOTHING_TO_KEEP:
        with contextlib.suppress(OSError):  # read-only in some containers; the probe will tell
            Path("/proc/sys", name).write_text(text, encoding="ascii")
    _empty_the_file_system()
    _drop_capabilities()
    _call("prctl", _PR_SET_DUMPABLE, 0, 0, 0, 0)
    child = os.fork()
    if child:
        _stand_by(child)
    die_with_parent()


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends, however that comes."""
    if sys.platform == "linux":
        _call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _empty_the_file_system() -> None:
    """Make an empty read-only folder the root, and let go of the old one."""
    _call("mount", None, b"/", None, _MS_REC | _MS_PRIVATE, None)
    flags = _MS_RDONLY | _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
    # Any folder will do to mount it on; this one was needed above, so it is there.
    _call("mount", b"tmpfs", b"/proc", b"tmpfs", flags, b"size=4k,mode=755")
    os.chdir("/proc")
    _call("pivot_root", b".", b".")
    _call("umount2", b".", _MNT_DETACH)
    os.chdir("/")


def _drop_capabilities() -> None:
    """Give up what the user namespace granted."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _call("capset", header, nothing)


def _stand_by(child: int) -> None:
    """Be the process that the parent started: hold nothing open, end when the child ends."""
    os.closerange(0, os.sysconf("SC_OPEN_MAX"))
    os.waitpid(child, 0)
    os._exit(0)


def system_call_filter() -> Any:
    """The filter (a pyseccomp.SyscallFilter); its `load` puts this process behind it for good.

    Raises:
        ModuleNotFoundError: pyseccomp is not installed.
        RuntimeError: libseccomp is not.
        OSError: the filter cannot be built.
    """
    import pyseccomp

    chosen = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
    for name in _ALLOWED_CALLS:
        # Some exist on some processors only.
        with contextlib.suppress(OSError):
            chosen.add_rule(pyseccomp.ALLOW, name)
    return chosen


def address_space_bytes() -> int:
    """What this process has mapped; 0 where the system does not tell."""
    statm = Path("/proc/self/statm")
    if not statm.is_file():
        return 0
    return int(statm.read_text(encoding="ascii").split()[0]) * resource.getpagesize()


def limit_resources(cpu_s: float, memory_bytes: int) -> None:
    """Hard limits for this process: processor time, memory, and nothing new to hold or start.

    Args:
        memory_bytes: address space in all, the interpreter's included.
    """
    seconds = math.ceil(cpu_s)
    # The first signal tells how it ended; a program that ignores it gets one second more.
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    for name, value in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 0),  # those that are open stay usable, no other can be opened
    ):
        resource.setrlimit(name, (value, value))


def _call(name: str, *arguments: object) -> None:
    """Call a function of the C library that returns -1 on failure.

    Raises:
        OSError: it did; the message names the function.
    """
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments) == -1:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
