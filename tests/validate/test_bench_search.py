"""Counting what searches and rules solve, on runs that are made up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")

from kit.arc.candidate import Candidate, Prediction, ProgramEvidence
from kit.arc.files import Entry, TaskSet, parse_tasks
from kit.budget.plan import Plan
from kit.rank.arbitrate import make_legs
from kit.rank.choose import RankConfig
from kit.rank.programs import program_answers
from kit.rank.tally import Ranking
from kit.solve.work import WorkResult
from kit.submit.journal import Journal
from kit.submit.records import prediction_record, result_record
from kit.validate import bench_join, bench_search
from kit.validate.bench_join_fit import Case, cross_fitted, fit_weights
from kit.validate.bench_main_job import MainJob

NAMES = ("a", "b", "c", "d")
RIGHT, WRONG, OTHER = ((1,),), ((2,),), ((3,),)
SOLUTIONS = {name: (RIGHT,) for name in NAMES}


def program(name: str, grid: object, family: str, confidence: float, pairs: int = 2) -> Candidate:
    evidence = ProgramEvidence(family, 9.0, pairs, 2, None, confidence)
    text = f"{family}{grid}"
    return Candidate(name, 0, grid, "search", "program", program=text, evidence=evidence)  # type: ignore[arg-type]


def sample(name: str, grid: object) -> Candidate:
    return Candidate(name, 0, grid, "sample", "identity", -1.0, 2)  # type: ignore[arg-type]


def results() -> list[WorkResult]:
    """a: programs right, model too; b: programs right alone; c: the model alone; d: nobody."""
    found = {
        "a": (program("a", RIGHT, "lines", 0.9), program("a", RIGHT, "cells", 0.5)),
        "b": (program("b", WRONG, "cells", 0.8), program("b", RIGHT, "lines", 0.6)),
        "c": (program("c", WRONG, "cells", 0.9),),
        "d": (program("d", RIGHT, "cells", 0.9, pairs=1),),
    }
    sampled = {"a": RIGHT, "b": WRONG, "c": RIGHT, "d": WRONG}
    made = []
    for number, name in enumerate(NAMES):
        plan = Plan(name, leg="search", search_s=0.5, seed=number)
        made.append(WorkResult(name, plan, found[name], (), {"search": 0.5}, {}, 2**20))
        asked = (sample(name, sampled[name]), sample(name, OTHER))
        made.append(WorkResult(name, Plan(name, seed=number), asked))
    return made


@pytest.fixture
def tasks() -> TaskSet:
    content = {"train": [{"input": [[5]], "output": [[6]]}], "test": [{"input": [[7]]}]}
    parsed = parse_tasks([Entry(name, name, content) for name in NAMES])
    return TaskSet(parsed, "made up")


def test_every_rule_is_counted_and_the_overlap(tasks: TaskSet) -> None:
    report = bench_join.make_report(results(), tasks, SOLUTIONS, RankConfig("flat"), fit=True)
    whole = {name: counts[1] for name, counts in report.data["solved"].items()}
    assert whole["program_only"] == 3 and whole["ttt_only"] == 2
    # press: b has two answers of covering programs, so the model's stand there; c is the model's
    # second attempt.
    assert whole["press"] == 2
    assert whole["induction_first"] == 3
    assert whole[bench_join.ORACLE] == whole[bench_join.POOL] == 4
    assert "of 3 outputs" in report.notes[0] and "33.3%" in report.notes[0]
    assert "provenance='fitted to 4 tasks of made up'" in report.notes[1]
    assert not set(NAMES) & set(json.dumps(report.data).split('"')), "no task is named"


def test_families_are_counted_by_their_best_answers() -> None:
    counts = bench_search.count_families(results(), SOLUTIONS)
    assert list(counts) == ["lines", "cells"]
    lines, cells = counts["lines"], counts["cells"]
    assert (lines.answered, lines.right, lines.alone) == (2, 2, 1)
    assert (lines.first, lines.first_right) == (1, 1)
    assert (cells.answered, cells.right, cells.alone) == (3, 1, 0)
    assert (cells.first, cells.first_right) == (3, 1)


def test_a_report_of_a_finished_run(tmp_path: Path, tasks: TaskSet) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    submission = {}
    for result in results()[::2]:
        journal.append(result_record(result))
        attempts = (result.candidates[0].grid, OTHER)
        journal.append(prediction_record([Prediction(result.task_id, 0, attempts, 0.5, "x")]))
        submission[result.task_id] = [{"attempt_1": attempts[0], "attempt_2": attempts[1]}]
    (tmp_path / "submission.json").write_text(json.dumps(submission))
    runs = {"9s": MainJob(tmp_path, 9.0, 12.0)}
    report = bench_search.make_report(runs, SOLUTIONS, [8.0, 1.0], "made up")
    assert report.data["9s"]["points"] == 2.0 and report.data["9s"]["search_s"] == 2.0
    assert report.data["9s"]["peak_mib"] == 1.0
    assert [row[2] for row in report.tables[1].rows] == ["1.00", "1.00", "1.00", "2.00"]
    assert "113.0 in 153 CPU-s" in report.notes[1] and "ready after 8.0 s" in report.notes[0]
    assert not set(NAMES) & set(json.dumps(report.data).split('"')), "no task is named"


def test_the_fit_finds_what_tells_right_from_wrong() -> None:
    cases = []
    for number in range(60):
        good = program("t", RIGHT, "lines", 0.9)
        bad = program("t", WRONG, "cells", 0.2)
        truth = RIGHT if number % 10 else WRONG
        legs = make_legs(program_answers([good, bad]), Ranking((OTHER,), 0.0, ""), ())
        cases.append(Case(f"t{number}", legs, truth))
    weights = fit_weights(cases, "test")
    assert weights.program["confidence"] > 0.3 and weights.sample["bias"] < 0
    assert len({id(w) for _, w in cross_fitted(cases, folds=3)}) == 3
    assert [case for case, _ in cross_fitted(cases, folds=3)] == cases
