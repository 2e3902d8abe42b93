"""Harmless versions of what a hostile program would do, to see whether the kernel stops it.

Each attack is a program for the sandbox. Its `transform` raises when it was stopped and returns a
grid when it got through; one that ends in another way than expected counts as having got through.
They use the C library directly, as a program does that has got round all of Python.

What is not here: attacks that cannot be tried without harm (filling a disk, killing the parent);
for these the same right is asked for in a form that does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from kit.induce.sandbox.outcome import Status

_PRELUDE = """
import ctypes, os, struct
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    result = getattr(libc, name)(*arguments)
    if result == -1:
        raise OSError(ctypes.get_errno(), name)
    return result
"""


@dataclass(frozen=True, slots=True)
class Target:
    """What the attacks aim at; all of it belongs to the probe.

    Attributes:
        pid: of this process.
        port: of a listening TCP socket on 127.0.0.1.
        folder: one that everybody may write to, with a file `victim` in it.
    """

    pid: int
    port: int
    folder: str


@dataclass(frozen=True, slots=True)
class Attack:
    """One hostile case.

    Attributes:
        name: what a program could do that gets through, e.g. "read files".
        body: statements of its `transform`; may use the names of Target in braces.
        stopped: how a sandbox that holds it ends.
    """

    name: str
    body: str
    stopped: tuple[Status, ...] = ("error",)

    def source(self, target: Target) -> str:
        """The program that attacks a target."""
        body = self.body.format(pid=target.pid, port=target.port, folder=target.folder)
        lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
        return f"{_PRELUDE}\ndef transform(grid):\n{lines}    return grid\n"


ATTACKS = (
    Attack("run for ever", "while True:\n    len(grid)", ("timeout",)),
    Attack("take more memory than allowed", "np.ones(100 << 27)", ("error", "memory")),
    Attack("read files", 'call("open", b"/etc/passwd", 0)'),
    Attack("create files", 'os.mkdir("{folder}/made")'),
    Attack("write files", 'call("open", b"{folder}/victim", 1)'),
    Attack("rename and remove files", 'call("rename", b"{folder}/victim", b"{folder}/gone")'),
    Attack("see which files exist", 'os.stat("{folder}")'),
    Attack(
        "use the network",
        'address = struct.pack("=H", 2) + struct.pack("!HI8x", {port}, 0x7F000001)\n'
        'call("connect", call("socket", 2, 1, 0), address, 16)',
    ),
    Attack("open sockets", 'call("socketpair", 1, 1, 0, (ctypes.c_int * 2)())'),
    Attack("start processes", 'if call("fork") == 0:\n    os._exit(0)'),
    Attack("become other programs", 'os.execv("/bin/sh", ["sh", "-c", "exit"])'),
    Attack("signal this process", "os.kill({pid}, 0)"),
    Attack("signal other processes", "os.kill(-1, 0)"),
    Attack("look into other processes", 'call("ptrace", 16, os.getppid() or 1, None, None)'),
    Attack(
        "raise its own limits",
        "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))",
    ),
    Attack("use rights of root", 'call("chroot", b"/")'),
    Attack("enter new namespaces", 'call("unshare", 0x10000000)'),
    Attack("leave shared memory behind", 'call("shmget", 0, 4096, 0o1600)'),
    Attack("leave messages behind", 'call("msgget", 0, 0o1600)'),
    Attack("leave semaphores behind", 'call("semget", 0, 1, 0o1600)'),
)
