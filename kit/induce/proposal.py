"""What a family of programs offers, and what the search makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import Program


@dataclass(frozen=True, slots=True)
class Proposal:
    """A program that a family believes in.

    Attributes:
        bits: description length: log2 of the choices made, plus what its tables cost, minus what
            evidence the family itself has gathered (left-out pairs it predicts).
        left_out: share of left-out demonstrations that the family predicts when it is run on
            the others; None where it has not tried.
    """

    program: Program
    bits: float
    left_out: float | None = None


Family = Callable[[Problem, Meter], Iterator[Proposal]]
"""Yields proposals for a problem, best first, until the meter says stop. It must be a pure function
of the problem (the meter can only cut it short), and reads nothing else."""
