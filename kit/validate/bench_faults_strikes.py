"""How faults strike a run: each harms it from outside, at the instant of the call.

What it does not: decide which run meets which, or when (`bench_faults_kinds`). Linux only (process
table, resource limits of other processes); what needs the superuser has a weaker form for
everybody else.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kit.submit.lock import ADAPTER_NAME, JOURNAL_NAME
from kit.validate.bench_victim import Victim, children_of, kill, start

_WORKER_S, _WORKER_LOOKS = 3.0, 30
"""A run without a worker is given so long, in so many looks, to start one."""

_GROUP_BYTES = 2**20
_MEMORY_GROUPS = (
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
    (Path("/sys/fs/cgroup"), "memory.max"),
)
"""Where versions 1 and 2 of the kernel's control groups lie, and the file of their limit."""

_DISK_BYTES = 48 * 2**20
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

_JUMPING_CLOCK = '''\
"""A wall clock that goes to and fro by hours, for the program and its workers."""
import time
_true = time.time
time.time = lambda: _true() + (7200.0 if int(_true()) % 2 else -7200.0)
'''


@dataclass(slots=True)
class Scene:
    """One run and what surrounds it.

    Attributes:
        base: folder of this run's files; `out` lies in it.
        command: the run without --out and --resume.
        problems: promises that a strike has seen broken.
        notes: what else it wants to be seen in the report.
    """

    base: Path
    out: Path
    command: Sequence[str]
    rng: random.Random
    victim: Victim | None = None
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def running(self) -> Victim:
        """The run, which has been started."""
        assert self.victim is not None
        return self.victim


def from_the_start(scene: Scene) -> bool:
    """For what happens by the run's options or environment."""
    return True


def _a_worker(scene: Scene) -> int | None:
    """The process id of one worker, None when there is none for a while."""
    victim = scene.running()
    for _ in range(_WORKER_LOOKS):
        if found := children_of(victim.process.pid):
            return scene.rng.choice(found)
        if victim.process.poll() is not None:
            break
        time.sleep(_WORKER_S / _WORKER_LOOKS)
    return None


def signal_worker(scene: Scene, number: int) -> bool:
    """Send one worker a signal; False when there is none."""
    pid = _a_worker(scene)
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
    return True


def kill_parent(scene: Scene) -> bool:
    """kill -9 of the process that holds the files; its workers have to notice."""
    kill(scene.running(), "parent")
    return True


def kill_both(scene: Scene) -> bool:
    """kill -9 of everything at once."""
    kill(scene.running(), "group")
    return True


def close_memory(scene: Scene) -> bool:
    """Let a worker have no more memory than it has: at its next page the kernel kills it, where
    this user may limit memory so; elsewhere its next allocation fails."""
    pid = _a_worker(scene)
    if pid is None:
        return False
    try:
        if _limit_group(scene, pid):
            scene.notes.append("by a control group")
            return True
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[0])
        room = pages * _PAGE_BYTES + 2**20
        resource.prlimit(pid, resource.RLIMIT_AS, (room, room))
    except OSError:
        return False
    scene.notes.append("by RLIMIT_AS")
    return True


def _limit_group(scene: Scene, pid: int) -> bool:
    """Move a process into a control group of its own with next to no memory."""
    for root, name in _MEMORY_GROUPS:
        if not (root / "cgroup.procs").exists():
            continue
        folder = root / _group_name(scene)
        try:
            folder.mkdir(exist_ok=True)
            (folder / name).write_text(str(_GROUP_BYTES), encoding="ascii")
            (folder / "cgroup.procs").write_text(str(pid), encoding="ascii")
        except OSError:
            continue
        return True
    return False


def open_memory(scene: Scene) -> None:
    """Remove the control group; it is empty by then."""
    for root, _ in _MEMORY_GROUPS:
        with contextlib.suppress(OSError):
            (root / _group_name(scene)).rmdir()


def _group_name(scene: Scene) -> str:
    return f"arc-ttt-kit-{os.getpid()}-{scene.base.name}"


def mount_disk(scene: Scene) -> None:
    """A small disk of its own for the run, where this user may make one."""
    scene.out.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0 and shutil.which("mount"):
        size = f"size={_DISK_BYTES}"
        command = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(scene.out)]
        subprocess.run(command, capture_output=True, check=False)


def unmount_disk(scene: Scene) -> None:
    """Take the disk away again."""
    if os.path.ismount(scene.out):
        subprocess.run(["umount", "-l", str(scene.out)], capture_output=True, check=False)


def fill_disk(scene: Scene) -> bool:
    """Leave no byte on the run's own disk; without one, let its process write no larger files."""
    if not os.path.ismount(scene.out):
        scene.notes.append("by RLIMIT_FSIZE")
        limit = (256, resource.RLIM_INFINITY)
        resource.prlimit(scene.running().process.pid, resource.RLIMIT_FSIZE, limit)
        return True
    with contextlib.suppress(OSError), (scene.out / "filler").open("wb", buffering=0) as stream:
        for size in (2**20, 2**12, 1):
            with contextlib.suppress(OSError):
                while True:
                    stream.write(bytes(size))
    return True


def forbid_writing(scene: Scene) -> bool:
    """Let nothing be made or replaced in the run's folder."""
    if os.geteuid() == 0:
        subprocess.run(["chattr", "+i", str(scene.out)], capture_output=True, check=False)
    else:
        scene.out.chmod(0o555)
    try:
        (scene.out / "probe").touch()
    except OSError:
        return True
    (scene.out / "probe").unlink()
    return False


def allow_writing(scene: Scene) -> None:
    """Undo `forbid_writing`."""
    if os.geteuid() == 0:
        subprocess.run(["chattr", "-i", str(scene.out)], capture_output=True, check=False)
    elif scene.out.exists():
        scene.out.chmod(0o755)


def write_clock(scene: Scene) -> None:
    """Write what makes the wall clock of a Python process jump."""
    (scene.base / "clock").mkdir(parents=True, exist_ok=True)
    (scene.base / "clock" / "sitecustomize.py").write_text(_JUMPING_CLOCK, encoding="utf-8")


def clock_variables(scene: Scene) -> dict[str, str]:
    """The environment in which every Python process reads `write_clock`'s file first."""
    paths = [str(scene.base / "clock"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths)}


def terminate(scene: Scene) -> bool:
    """SIGTERM, as a batch system sends it."""
    scene.running().process.send_signal(signal.SIGTERM)
    return True


def cut_journal(scene: Scene) -> bool:
    """End the run and cut its journal anywhere."""
    kill(scene.running(), "group")
    path = scene.out / JOURNAL_NAME
    if not path.exists():
        return False
    os.truncate(path, scene.rng.randrange(path.stat().st_size + 1))
    return True


def damage_adapter(scene: Scene) -> bool:
    """End the run and change one byte in each file of the adapter that all tasks share."""
    kill(scene.running(), "group")
    files = sorted((scene.out / ADAPTER_NAME).glob("*"))
    for path in files:
        content = bytearray(path.read_bytes())
        content[scene.rng.randrange(len(content))] ^= 0xFF
        path.write_bytes(content)
    return bool(files)


def start_second(scene: Scene) -> bool:
    """A second run into the same folder; it has to be refused."""
    second = start(scene.command, scene.out, scene.base / "second.log")
    code, took_s = second.finish()
    if code != 2 or not re.search("in use by", second.last_words()):
        scene.problems.append(f"the second run was not refused (exit code {code}, {took_s:.1f} s)")
    return True
