"""Python's own hooks against a program that means harm: a hindrance, not a wall.

They stand in where the kernel's means are missing. A program that forges memory (numpy arrays
over chosen addresses, made-up bytecode, a fault of some C extension) gets round them; what it can
do then is what `probe` lists as not contained.
"""

from __future__ import annotations

import sys

_FORBIDDEN = (
    "open", "import", "code.__new__", "cpython.", "os.", "shutil.", "subprocess.", "pty.",
    "socket.", "ctypes.", "mmap.", "fcntl.", "resource.", "signal.", "syslog.", "tempfile.",
    "_thread.", "gc.", "sys.addaudithook", "sys.settrace", "sys.setprofile", "sys._current_frames",
    "pickle.", "marshal.", "urllib.",
)  # fmt: skip

_HIDDEN_MODULES = ("ctypes", "_ctypes", "posix", "pyseccomp", "resource", "signal")


def forbid() -> None:
    """From here on this process refuses to open, import, start or signal anything."""
    for name in sorted(sys.modules):
        if name.partition(".")[0] in _HIDDEN_MODULES:
            del sys.modules[name]
    sys.addaudithook(_refuse)


def _refuse(event: str, _arguments: object) -> None:
    """Raise for every event on the list; cannot be removed again."""
    if event.startswith(_FORBIDDEN):
        raise PermissionError(f"not allowed in the sandbox: {event}")
