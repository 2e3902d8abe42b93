"""The scheduler on 202 tasks that were really recorded: no worse than the best fixed amounts.

pytest tests/validate/test_replay_recorded.py
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from kit import replay
from kit.pretrain.dev_tasks import DEVELOPMENT
from kit.validate.traces_file import read_trace

TRACE = Path(__file__).parents[1] / "data" / "trace.jsonl.xz"


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[float]]:
    """Policy -> tasks solved at rising budgets, of the half that nothing was fitted on."""
    table = tmp_path_factory.mktemp("replay") / "curves.csv"
    assert replay.main([str(TRACE), "--csv", str(table)]) == 0
    curves: dict[str, list[float]] = defaultdict(list)
    with table.open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            curves[row["policy"]].append(float(row["solved"]))
    return curves


def test_the_trace_is_of_development_tasks_alone() -> None:
    tasks = read_trace(TRACE).tasks
    assert len(tasks) >= 200
    assert {held.source for held in tasks.values()} == {
        DEVELOPMENT, "concept_arc_challenges.json", "mini_arc_challenges.json"
    }  # fmt: skip


def test_the_scheduler_is_no_worse_than_the_best_fixed_amount(solved) -> None:
    ours, middle = solved["ours"], len(solved["ours"]) // 2
    for rival in ("shortest", "id"):
        assert ours[middle] >= solved[rival][middle]
        assert all(a >= 0.95 * b for a, b in zip(ours, solved[rival], strict=True))
    assert all(a <= b + 1e-9 for a, b in zip(ours, solved["oracle"], strict=True))


def test_the_area_under_its_curve_is_near_that_of_all_knowing(solved) -> None:
    def area(values: list[float]) -> float:
        # Budgets are equally far apart in their logarithm.
        return math.fsum((a + b) / 2 for a, b in pairwise(values))

    assert area(solved["ours"]) >= 0.85 * area(solved["oracle"])
