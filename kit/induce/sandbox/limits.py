"""What one program may use. What it does not: enforce anything, see `confine` and `nursery`."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20

MAX_SOURCE_BYTES = 64 * 2**10
"""A longer source text is refused. Programs for one grid task have a few thousand characters."""

EXIT_MEMORY = 77
"""Exit code of a program's process that has no memory left to say so."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one program, that is of one `Sandbox.run` over all of its inputs.

    Besides these, and not to be loosened: no process, no thread, no file, no socket.

    Attributes:
        cpu_s: processor seconds; the kernel counts whole ones, so it is rounded up.
        wall_s: seconds until it is killed, whatever it does.
        memory_bytes: address space on top of what the interpreter with numpy has anyway.
        output_bytes: all that it may answer, as JSON; more kills it.
    """

    cpu_s: float = 2.0
    wall_s: float = 5.0
    memory_bytes: int = 512 * MIB
    output_bytes: int = MIB

    def __post_init__(self) -> None:
        if min(self.cpu_s, self.wall_s, self.memory_bytes, self.output_bytes) <= 0:
            raise ValueError(f"limits must be positive, got {self}")
