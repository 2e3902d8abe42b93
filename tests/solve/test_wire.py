"""Values over the pipe come out as they went in."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from kit.arc.candidate import Candidate, ProgramEvidence, ViewScore
from kit.arc.task import Pair, Task
from kit.budget.plan import Plan
from kit.finetune.trainer import FinetuneConfig
from kit.solve.wire import from_plain, to_plain
from kit.solve.work import WorkItem, WorkResult

GRID = ((1, 2, 3), (4, 5, 6))
EVIDENCE = ProgramEvidence("lines", 12.5, 2, 3, None, 0.25)


@dataclass(frozen=True, slots=True)
class Odd:
    """The kinds of field a settings class may have."""

    mode: Literal["a", "b"]
    where: Path
    pair: tuple[int, str]
    many: tuple[float, ...]
    maybe: FinetuneConfig | None = None


VALUES = [
    WorkItem(Task("t", (Pair(GRID, GRID),), (GRID, GRID)), Plan("t", seed=2**62), math.inf),
    WorkResult(
        "t",
        Plan("t", 1, 2, 3, 4, 5, 6, 7, 8, "search", 0.3),
        (
            Candidate("t", 0, GRID, "sample", "x", -0.1),
            Candidate("t", 1, GRID, "search", "x", evidence=EVIDENCE),
        ),
        (ViewScore("t", 0, GRID, (-1.0, -math.inf)),),
        {"train": 1.5},
        {"steps": 3},
        10**12,
        "é\n",
        True,
    ),
    Odd("a", Path("here"), (1, "x"), (0.0, 2.0), FinetuneConfig(targets=("q_proj",))),
    Odd("b", Path("here"), (1, "x"), ()),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_there_and_back(value: object) -> None:
    assert from_plain(type(value), json.loads(json.dumps(to_plain(value)))) == value


def test_other_things_are_refused() -> None:
    with pytest.raises(TypeError, match="a set cannot cross a process boundary"):
        to_plain({"x": {1, 2}})
    with pytest.raises(TypeError, match="expected the fields of Plan, got 3"):
        from_plain(Plan, 3)
