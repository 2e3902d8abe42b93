"""Programs under answers: the best one, each once, with what speaks for it."""

from __future__ import annotations

from pathlib import Path

from kit.arc.candidate import Candidate, ProgramEvidence
from kit.budget.plan import Plan
from kit.rank.pool import CandidatePool
from kit.solve.work import WorkResult
from kit.submit.journal import Journal
from kit.submit.records import result_record
from kit.validate.found_programs import program_of, programs_text, read_pool

A, B = ((1,),), ((2,),)


def program(grid: object, text: str, index: int = 0, pairs: int = 3) -> Candidate:
    evidence = ProgramEvidence("lines", 9.25, pairs, 3, 1.0, 0.75)
    return Candidate("t", index, grid, "search", "program", program=text, evidence=evidence)  # type: ignore[arg-type]


POOL = CandidatePool(
    (
        program(A, "output = f(input)\n", pairs=2),
        program(A, "a = g(input)\noutput = h(a)"),
        program(B, "a = g(input)\noutput = h(a)", index=1),
        Candidate("t", 0, B, "sample", "identity", -1.0),
    )
)


def test_the_program_with_most_evidence_is_shown_once() -> None:
    best = program_of(POOL, 0, A)
    assert best is not None and best.program == "a = g(input)\noutput = h(a)"
    assert program_of(POOL, 0, B) is None and program_of(POOL, 1, A) is None
    assert programs_text(POOL, [(A, B), (A, B)]) == (
        "program of attempt 1 of test 1, attempt 2 of test 2 (family lines, 9.2 bits, covers 3 of "
        "3 pairs, predicts 100% of left-out pairs, confidence 0.75):\n"
        "    a = g(input)\n    output = h(a)"
    )
    assert programs_text(POOL, [(B, B)]) == ""


def test_programs_are_read_from_a_journal(tmp_path: Path) -> None:
    assert read_pool(tmp_path, "t") == CandidatePool()
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append(result_record(WorkResult("t", Plan("t", leg="search"), POOL.candidates)))
    journal.append(result_record(WorkResult("u", Plan("u"), ())))
    assert read_pool(tmp_path, "t") == POOL
