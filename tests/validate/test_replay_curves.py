"""Comparing policies over a trace: halves, intervals, areas, fitting, and the command itself.

pytest tests/validate/test_replay_curves.py
"""

from __future__ import annotations

import csv
import xml.etree.ElementTree
from pathlib import Path

import numpy as np
import pytest

from kit.budget.value import NAMES, solved_chance
from kit.budget.value_fit import fit_table
from kit.budget.value_table import TABLE
from kit.rank.choose import RankConfig
from kit.replay import main
from kit.validate.replay_curves import (
    POLICIES,
    Curve,
    area,
    halves,
    interval,
    ratio_interval,
    usual_budgets,
    whole_tasks,
)
from kit.validate.replay_fit import make_examples
from kit.validate.replay_world import World
from kit.validate.traces import TracedTask
from kit.validate.traces_file import TraceFile
from tests.validate.trace_makers import LEVELS, make_trace, make_traced, random_tasks


def write_trace(path: Path, tasks: list[TracedTask]) -> Path:
    """A file with these tasks."""
    file = TraceFile(path, make_trace(tasks).head)
    for held in tasks:
        file.add_task(held)
        for piece in held.pieces:
            file.add_piece(piece)
        if held.done:
            file.finish(held.task.task_id, sorted(held.done))
    return path


def test_halves_depend_on_ids_alone() -> None:
    tasks = random_tasks(2, 8)
    first, second = halves(tasks)
    names = {held.task.task_id for held in first}
    assert len(first) + len(second) == 8
    assert names == {held.task.task_id for held in halves(tasks[::-1])[0]}
    assert {h.task.task_id for h in halves(tasks[:3])[0]} <= names


def test_only_tasks_that_were_recorded_whole_are_compared() -> None:
    whole, part = make_traced("a", 3, 1.0, 30), make_traced("b", 3, 1.0, 30)
    half_done = TracedTask(part.task, part.answers, part.source, part.pieces, frozenset({"ttt"}))
    assert whole_tasks(make_trace([half_done, whole])) == [whole]


def test_usual_budgets_span_the_recorded_work() -> None:
    tasks = random_tasks(4, 5)
    budgets = usual_budgets(tasks, 2)
    ratios = np.array(budgets[1:]) / np.array(budgets[:-1])
    assert np.allclose(ratios, ratios[0])
    assert budgets[-1] == pytest.approx(max(10.0, usual_budgets(tasks, 1)[-1] / 2))


def test_intervals_hold_the_estimate_and_shrink_to_it_without_spread() -> None:
    shares = np.array([1.0, 0.0, 0.5, 1.0, 0.0])
    low, high = interval(shares)
    assert low < shares.sum() < high
    assert interval(np.ones(4)) == (4.0, 4.0)
    assert ratio_interval(shares, shares) == (1.0, 1.0, 1.0)
    ratio, low, high = ratio_interval(np.ones(5), shares)
    assert ratio == 2.0 and low <= 2.0 <= high
    assert ratio_interval(np.ones(3), np.zeros(3)) == (np.inf, np.inf, np.inf)


def test_an_area_lies_between_the_ends_of_its_curve() -> None:
    flat = Curve(np.full((4, 3), 0.5), ("",) * 4)
    rising = Curve(np.array([[0.0], [1.0], [1.0]]), ("",) * 3)
    assert area(flat) == pytest.approx(1.5)
    assert area(rising) == pytest.approx(0.75)


def test_examples_tell_solved_tasks_from_others() -> None:
    tasks = [make_traced(f"t{i}", 3, [0.3, 99.0][i % 2], 999) for i in range(8)]
    world = World(tasks, RankConfig())
    examples = make_examples(world, LEVELS.score_views)
    for kind, held in examples.items():
        assert held.features.shape == (len(held.solved), len(NAMES[kind]))
        assert ((held.solved >= 0) & (held.solved <= 1)).all()
        assert np.isfinite(held.features).all()
    # Nothing is left to do for a task that a first search solves, and other searches are useless.
    assert set(examples["search"].solved) == {0.0, 1.0}
    table = fit_table(examples, TABLE, "a test")
    done, lost = (world.worth(t.task.task_id, world.slices(t.task.task_id)[:1]) for t in tasks[:2])
    size = make_size(tasks[0])
    assert solved_chance(table, done.outlook, size) > 0.7
    assert solved_chance(table, lost.outlook, size) < 0.3


def make_size(held: TracedTask) -> object:
    """The size of a task."""
    from kit.budget.cost import measure_task

    return measure_task(held.task)


def test_the_command_compares_writes_and_repeats_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_trace(tmp_path / "t.jsonl", random_tasks(7, 10))
    words = [str(path), "--budget", "10s,60s", "--seeds", "2"]
    files = ["--csv", str(tmp_path / "c.csv"), "--svg", str(tmp_path / "c.svg")]
    assert main([*words, *files, "--fit", str(tmp_path / "table.py")]) == 0
    first = capsys.readouterr().out
    assert main(words) == 0
    assert first.endswith(capsys.readouterr().out.partition("\n")[2])
    assert "Brier score" in first and "ours / shortest" in first and "median 10 s" in first
    rows = list(csv.DictReader((tmp_path / "c.csv").open(encoding="utf-8")))
    assert [row["policy"] for row in rows] == [*POLICIES, *POLICIES]
    best = {row["budget_s"]: float(row["solved"]) for row in rows if row["policy"] == "oracle"}
    assert all(float(row["solved"]) <= best[row["budget_s"]] + 1e-9 for row in rows)
    xml.etree.ElementTree.parse(tmp_path / "c.svg")
    compile((tmp_path / "table.py").read_text(encoding="utf-8"), "table.py", "exec")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--policy", "best"], "--policy best: no such policy; there are id, shortest, ours"),
        (["--budget", "soon"], "not a duration"),
        (["--workers", "0"], "--seeds and --workers must be 1 or more"),
        (["--polcy", "id"], "did you mean '--policy'?"),
    ],
)
def test_a_wrong_request_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    path = write_trace(tmp_path / "t.jsonl", random_tasks(7, 6))
    assert main([str(path), *words]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_too_few_tasks_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_trace(tmp_path / "t.jsonl", [make_traced("a", 3, 1.0, 30)])
    assert main([str(path)]) == 2
    assert "1 tasks are whole of 1: too few for two halves" in capsys.readouterr().err
