"""What the tests of ablations share: two tiny tasks and every variant with default options."""

from __future__ import annotations

from pathlib import Path

from kit.arc.candidate import Candidate
from kit.arc.task import Pair, Task
from kit.budget.settings import BudgetConfig
from kit.finetune.trainer import FinetuneConfig
from kit.rank.choose import RankConfig
from kit.rank.pool import CandidatePool
from kit.rank.pool_file import PoolEntry
from kit.solve.toolbox import ToolboxSettings
from kit.validate.ablate_run import Method
from kit.validate.ablate_variants import all_variants

GRID = ((1, 2), (3, 4))
TASKS = tuple(Task(f"t{i}", (Pair(GRID, GRID), Pair(GRID[::-1], GRID)), (GRID,)) for i in (1, 2))
KNOWN = all_variants(FinetuneConfig(), 64, 256, {"small": Path("small")})


def method(name: str, budget: BudgetConfig | None = None) -> Method:
    """A variant with default options."""
    variant = next(v for v in KNOWN if v.name == name)
    return Method(variant, ToolboxSettings(), budget or BudgetConfig(), RankConfig())


def entry(name: str, task_id: str, seed: int = 0, seconds: float = 2.0) -> PoolEntry:
    """An entry with one sample."""
    pool = CandidatePool((Candidate(task_id, 0, GRID, "sample", "identity", -1.0, view=0),))
    return PoolEntry(task_id, name, seed, pool, "m", {"train": seconds})
