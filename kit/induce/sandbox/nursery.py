"""The sandbox's child: loads Python and numpy once, confines itself, forks one process a program.

Started by `channel` as `python -m kit.induce.sandbox.nursery SETTINGS` with an environment of its
own. Its first line says that it is ready, or which mechanism fails. Then it answers every JSON
line with one JSON line; it ends when its input does. It never looks into what a program says: that
is passed on as text, cut at a number of bytes and at a time.

The process of a program holds one descriptor of its own, a pipe that ends here and is thrown away
afterwards, so nothing it writes can pass for the answer of another program, and the words that mark
an answer (the nonce) are new for each. What a program may have left running is killed with it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from kit.induce.sandbox import confine, hooks
from kit.induce.sandbox.limits import EXIT_MEMORY
from kit.induce.sandbox.mechanisms import Mechanism
from kit.induce.sandbox.program_run import run_program

_ANSWERS = 3
_CHUNK_BYTES = 1 << 16

# What programs for grids import; the last one only where it is installed. A program cannot load
# anything else: there is no file it could load it from.
_MODULES = (
    "abc", "array", "bisect", "cmath", "collections.abc", "contextlib", "copy", "dataclasses",
    "datetime", "decimal", "encodings.ascii", "encodings.latin_1", "enum", "fractions",
    "functools", "hashlib", "heapq", "inspect", "io", "itertools", "math", "numbers", "operator",
    "pprint", "queue", "random", "re", "statistics", "string", "struct", "textwrap", "time",
    "traceback", "types", "typing", "typing_extensions", "warnings",
    "numpy.fft", "numpy.lib.stride_tricks", "numpy.linalg", "numpy.ma", "numpy.polynomial",
    "numpy.random", "numpy.typing", "scipy.ndimage",
)  # fmt: skip

# Run once in advance: what the interpreter loads and builds at its first use is then in all forks.
_FIRST_PROGRAM = "def transform(grid):\n    str(grid)\n    return grid.copy()"


class _Broken(Exception):
    """This process cannot be confined as asked."""

    def __init__(self, mechanism: Mechanism | None, message: str) -> None:
        super().__init__(message)
        self.mechanism = mechanism


@dataclass(slots=True)
class _Launch:
    """What the process of a program does before it runs it.

    Attributes:
        mapped_bytes: address space of the interpreter with all modules.
        put_behind_filter: None where there is no system call filter.
    """

    mapped_bytes: int
    hooks: bool
    put_behind_filter: Callable[[], None] | None = None


def main() -> None:
    """Serve one parent until it hangs up."""
    settings = json.loads(sys.argv[1])
    requests, answers = _private_streams()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        launch = _prepare(settings["mechanisms"])
    except _Broken as error:
        _send(answers, {"broken": error.mechanism, "message": str(error)})
        sys.exit(1)
    _send(answers, {"ready": True})
    for line in requests:
        _send(answers, _attend(json.loads(line), launch))


def _private_streams() -> tuple[Any, int]:
    """The pipes to the parent, moved away from descriptors 0 to 2, which then lead nowhere."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)
    return requests, answers


def _prepare(mechanisms: list[Mechanism]) -> _Launch:
    """Load what programs may import, then confine this process.

    Raises:
        _Broken: a mechanism does not work; the process must end.
    """
    with _blaming(None):
        for name in _MODULES:
            with contextlib.suppress(ModuleNotFoundError):
                importlib.import_module(name)
        run_program(_FIRST_PROGRAM, [[[0]]], _unheard)
        launch = _Launch(confine.address_space_bytes(), "python hooks" in mechanisms)
    if "seccomp" in mechanisms:
        with _blaming("seccomp"):  # built first: it reads files
            launch.put_behind_filter = confine.system_call_filter().load
    # An import of anything else then says that there is no such module.
    sys.path.clear()
    if "unprivileged user" in mechanisms:
        with _blaming("unprivileged user"):
            confine.become_nobody()
    if "namespaces" in mechanisms:
        with _blaming("namespaces"):
            confine.enter_namespaces()
    with _blaming(None):
        confine.renounce_privileges()
    gc.collect()
    gc.freeze()  # or the first collection in each program's process would copy all of it
    return launch


def _unheard(_line: str) -> None:
    """What the first program says."""


@contextlib.contextmanager
def _blaming(mechanism: Mechanism | None) -> Iterator[None]:
    """Turn what goes wrong inside into the failure of a mechanism."""
    try:
        yield
    except Exception as error:  # whatever it is, the parent is told and goes on without it
        raise _Broken(mechanism, f"{type(error).__name__}: {error}") from error


def _send(answers: int, message: dict[str, Any]) -> None:
    """Write one line; that the parent is gone shows in the next read."""
    data = json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"
    with contextlib.suppress(BrokenPipeError):
        while data:
            data = data[os.write(answers, data) :]


def _attend(request: dict[str, Any], launch: _Launch) -> dict[str, Any]:
    """Run one program; what it said, and how it ended."""
    limits = request["limits"]
    deadline_s = time.monotonic() + limits["wall_s"]
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        _be_the_program(request, sending, launch)
    os.close(sending)
    said, how = _listen(receiving, deadline_s, limits["output_bytes"])
    os.close(receiving)
    code, cpu_s = _end(child)
    return {
        "nonce": request["nonce"],
        "said": said.decode("ascii", errors="replace"),
        "how": how,
        "exit": code,
        "cpu_s": cpu_s,
    }


def _listen(receiving: int, deadline_s: float, limit_bytes: int) -> tuple[bytes, str]:
    """Everything a program says until it hangs up, says too much or is out of time."""
    chunks, left_bytes = [], limit_bytes
    while True:
        left_s = deadline_s - time.monotonic()
        if left_s <= 0 or not select.select([receiving], [], [], left_s)[0]:
            return b"".join(chunks), "out of time"
        chunk = os.read(receiving, min(_CHUNK_BYTES, left_bytes + 1))
        if not chunk:
            return b"".join(chunks), "hung up"
        if len(chunk) > left_bytes:
            return b"".join(chunks), "said too much"
        chunks.append(chunk)
        left_bytes -= len(chunk)


def _end(child: int) -> tuple[int, float]:
    """Kill a program with all it left behind; its exit code (negative: signal) and CPU seconds."""
    _kill_all_of(child)
    _, status, usage = os.wait4(child, 0)
    with contextlib.suppress(ChildProcessError):  # there are no others
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    return os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime


def _kill_all_of(child: int) -> None:
    """Kill a program's process and its group, or simply everything where that is possible."""
    targets = [-1] if os.getpid() == 1 else [child, -child]
    for target in targets:
        with contextlib.suppress(ProcessLookupError):  # it has no group of its own yet
            os.kill(target, signal.SIGKILL)


def _be_the_program(request: dict[str, Any], sending: int, launch: _Launch) -> NoReturn:
    """In the forked process: keep one descriptor, accept all limits, run the program, end."""
    limits, mark = request["limits"], request["nonce"]

    def say(line: str) -> None:
        data = f"{mark} {line}\n".encode("ascii")
        while data:
            data = data[os.write(_ANSWERS, data) :]

    code = 1
    try:
        os.setsid()
        confine.die_with_parent()
        os.dup2(sending, _ANSWERS)
        os.closerange(_ANSWERS + 1, sending + 1)
        confine.limit_resources(limits["cpu_s"], launch.mapped_bytes + limits["memory_bytes"])
        if launch.put_behind_filter is not None:
            launch.put_behind_filter()
        if launch.hooks:
            hooks.forbid()
        run_program(request["source"], request["inputs"], say)
        code = 0
    except MemoryError:
        code = EXIT_MEMORY
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
