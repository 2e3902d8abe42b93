"""What kind of sandbox this machine can have, found out by attacking it.

What it does: starts a child with every mechanism, leaves out those that do not work here, and runs
`attacks` in it without Python's hooks. What gets through decides the mode; nothing is concluded
from versions or settings. What it does not: prove that there is no other attack.
"""

from __future__ import annotations

import functools
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kit.induce.sandbox.attacks import ATTACKS, Target
from kit.induce.sandbox.limits import MIB, Limits
from kit.induce.sandbox.mechanisms import KERNEL_WALLS, Mechanism
from kit.induce.sandbox.runner import MechanismBroken, Sandbox, SandboxError

# An endless loop ends by its processor time; anything else that takes so long has got through.
_LIMITS = Limits(cpu_s=1.0, wall_s=20.0, memory_bytes=256 * MIB)
_GRID = ((0,),)

_ADVICE = {
    "seccomp": "pip install pyseccomp, and the system's libseccomp (Debian: libseccomp2)",
    "namespaces": "the kernel or the container forbids user namespaces",
}


@dataclass(frozen=True, slots=True)
class SandboxReport:
    """What was found out by really trying.

    Attributes:
        mode: strong when the kernel holds every attack that was tried, also against a program
            that has got round all of Python; none where no program can be run.
        mechanisms: what is in force, in the order in which it is applied.
        uncontained: what a program could do that gets round Python's own hooks.
        missing: mechanisms that do not work here, each with the reason.
    """

    mode: Literal["strong", "weak", "none"]
    mechanisms: tuple[Mechanism, ...]
    uncontained: tuple[str, ...]
    missing: tuple[str, ...]


@functools.cache
def probe() -> SandboxReport:
    """What this machine offers; takes a second or two, and remembers."""
    return examine(_wanted())


def examine(wanted: tuple[Mechanism, ...]) -> SandboxReport:
    """What a sandbox of these mechanisms, as far as they work here, is worth."""
    mechanisms, missing = wanted, []
    while True:
        try:
            sandbox = Sandbox(mechanisms, _LIMITS)
        except MechanismBroken as broken:
            if broken.mechanism not in mechanisms:
                return SandboxReport("none", (), (), (*missing, str(broken)))
            missing.append(_explain(broken))
            mechanisms = tuple(name for name in mechanisms if name != broken.mechanism)
        except SandboxError as error:
            return SandboxReport("none", (), (), (*missing, str(error)))
        else:
            break
    with sandbox:
        uncontained = _attack(sandbox)
    if not uncontained and set(mechanisms) & set(KERNEL_WALLS):
        return SandboxReport("strong", mechanisms, (), tuple(missing))
    return SandboxReport("weak", (*mechanisms, "python hooks"), uncontained, tuple(missing))


def _wanted() -> tuple[Mechanism, ...]:
    """Everything worth trying on this system."""
    if sys.platform != "linux":
        return ()
    return (*(("unprivileged user",) if os.geteuid() == 0 else ()), "namespaces", "seccomp")


def _explain(broken: MechanismBroken) -> str:
    advice = _ADVICE.get(str(broken.mechanism))
    return f"{broken.mechanism}: {broken}" + (f" ({advice})" if advice else "")


def _attack(sandbox: Sandbox) -> tuple[str, ...]:
    """Names of the attacks that got through."""
    with _target() as target:
        return tuple(
            attack.name
            for attack in ATTACKS
            if sandbox.run(attack.source(target), [_GRID]).status not in attack.stopped
        )


@contextmanager
def _target() -> Iterator[Target]:
    """Something to attack, for a moment."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        Path(folder, "victim").write_text("", encoding="ascii")
        for path in (folder, f"{folder}/victim"):
            os.chmod(path, 0o777)
        yield Target(os.getpid(), server.getsockname()[1], folder)
