"""What came of running one program on several grids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kit.arc.grid import Grid

Status = Literal["ok", "error", "timeout", "memory", "crashed", "refused"]
"""ok: every input has an output. error: the text does not load, or an input raised or returned no
grid. timeout, memory: it met that limit. crashed: its process died, hung up or answered rubbish.
refused: it was never run."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one program.

    Attributes:
        outputs: one entry per input, None where there is no valid grid; what a program answered
            before it met a limit is kept.
        message: empty when ok; else the first thing that went wrong in one line, with its line
            number in the source where it has one, fit to be shown to the program's author.
    """

    status: Status
    outputs: tuple[Grid | None, ...]
    message: str
