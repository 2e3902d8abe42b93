"""The programs behind answers, for people: read from a run's journal, printed as text.

What it does: finds, for an attempt, the best program that printed it, and says what speaks for it.
What it does not: run programs, or judge them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kit.arc.candidate import Candidate
from kit.arc.grid import Grid
from kit.rank.pool import CandidatePool
from kit.rank.programs import evidence_of, is_program
from kit.submit.journal import replay
from kit.submit.lock import JOURNAL_NAME
from kit.submit.records import last_results, pool_of
from kit.submit.submission import Attempts


def read_pool(run_folder: Path, task_id: str) -> CandidatePool:
    """Everything that a run proposed for a task; empty where there is no such run.

    Raises:
        JournalError: a journal of another version.
        OSError: it cannot be read.
    """
    results = last_results(replay(run_folder / JOURNAL_NAME).records)
    return pool_of(result for result in results if result.task_id == task_id)


def program_of(pool: CandidatePool, test_index: int, grid: Grid) -> Candidate | None:
    """The program with most evidence that printed a grid for a test input, None without any."""
    printed = [
        c
        for c in pool.candidates
        if is_program(c) and c.test_index == test_index and c.grid == grid and c.program
    ]
    return max(printed, key=_weight, default=None)


def _weight(candidate: Candidate) -> tuple[bool, float, float, int, str]:
    evidence = evidence_of(candidate)
    return (
        evidence.covers,
        evidence.confidence,
        -evidence.bits,
        candidate.round,
        str(candidate.program),
    )


def programs_text(pool: CandidatePool, answers: Sequence[Attempts]) -> str:
    """The programs that printed the attempts, each once; "" where none did."""
    places: dict[str, list[str]] = {}
    found: dict[str, Candidate] = {}
    for index, attempts in enumerate(answers):
        for number, grid in enumerate(attempts, 1):
            program = program_of(pool, index, grid)
            if program is not None and program.program is not None:
                where = f"attempt {number} of test {index + 1}"
                places.setdefault(program.program, []).append(where)
                found.setdefault(program.program, program)
    return "\n\n".join(_program_text(found[text], places[text]) for text in places)


def _program_text(candidate: Candidate, places: Sequence[str]) -> str:
    """One program under what speaks for it."""
    evidence = evidence_of(candidate)
    facts = [
        f"family {evidence.family}",
        f"{evidence.bits:.1f} bits",
        f"covers {evidence.pairs} of {evidence.num_pairs} pairs",
        f"confidence {evidence.confidence:.2f}",
    ]
    if evidence.left_out is not None:
        facts.insert(3, f"predicts {evidence.left_out:.0%} of left-out pairs")
    lines = [f"    {line}" for line in str(candidate.program).splitlines()]
    return "\n".join([f"program of {', '.join(places)} ({', '.join(facts)}):", *lines])
