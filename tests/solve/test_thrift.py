"""One step down when memory runs out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from kit.arc.grid import Grid
from kit.arc.task import Pair, Task
from kit.augment.settings import AugmentConfig
from kit.augment.views import View
from kit.budget.clock import Deadline
from kit.budget.plan import Plan
from kit.encode.cells import CellEncoding
from kit.finetune.trainer import Adapter, FitReport
from kit.generate.decode import GenerateConfig
from kit.solve.phases import solve_item
from kit.solve.thrift import cut_view, cut_views, half_of, view_tokens
from kit.solve.toolbox import Toolbox
from kit.solve.work import WorkItem, WorkResult
from tests.fakes import FakeClock, MemorisingTrainer, ScriptedSampler

GRIDS: tuple[Grid, ...] = tuple(((colour,) * 4,) * 4 for colour in range(5))
TASK = Task("t", tuple(Pair(grid, grid) for grid in GRIDS), (GRIDS[0],))
PLAN = Plan("t", num_train_views=8, num_steps=4, num_test_views=4, num_score_views=2, seed=3)
VIEW = View("t", None, TASK.train, GRIDS[0], GRIDS[0])


@dataclass
class NarrowTrainer(MemorisingTrainer):
    """Has room for views up to a size only."""

    most_tokens: int = 0
    tried: list[int] = field(default_factory=list)

    def fit(
        self,
        task_id: str,
        views: tuple[View, ...],
        num_steps: int,
        seed: int,
        out: Path,
        deadline: Deadline,
    ) -> tuple[Adapter, FitReport]:
        self.tried.append(max(map(view_tokens, views)))
        if self.tried[-1] > self.most_tokens:
            out.mkdir(parents=True)
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        return super().fit(task_id, views, num_steps, seed, out, deadline)


def solve(tmp_path: Path, trainer: NarrowTrainer, plan: Plan = PLAN) -> WorkResult:
    sampler = ScriptedSampler()
    tools = Toolbox(CellEncoding(), trainer, sampler, AugmentConfig(), GenerateConfig(), tmp_path)
    result = solve_item(WorkItem(TASK, plan, 1e9), tools, FakeClock())
    lengths = {len(r.prompt.output_spans) for r in sampler.sampled}
    assert lengths and max(lengths) <= len(TASK.train)
    return replace(result, counts={**result.counts, "examples": max(lengths)})


@given(st.integers(0, 500))
def test_cut_views_fit_or_have_one_demonstration_and_lose_no_more_than_needed(limit: int) -> None:
    cut = cut_view(VIEW, limit)
    if limit == 0:
        assert cut == VIEW
    else:
        assert view_tokens(cut) <= limit or len(cut.examples) == 1
        assert cut.examples == VIEW.examples[len(VIEW.examples) - len(cut.examples) :]
        if len(cut.examples) < len(VIEW.examples):
            longer = replace(VIEW, examples=VIEW.examples[-len(cut.examples) - 1 :])
            assert view_tokens(longer) > limit


def test_training_that_runs_out_of_memory_is_done_once_more_with_less(tmp_path: Path) -> None:
    trainer = NarrowTrainer(most_tokens=130)
    result = solve(tmp_path, trainer)
    assert trainer.tried[0] > 130 >= trainer.tried[1] and len(trainer.tried) == 2
    assert result.failure is None and result.counts["steps"] == 4
    assert result.counts["out_of_memory"] == 1


def test_when_less_is_too_much_too_the_base_model_answers(tmp_path: Path) -> None:
    trainer = NarrowTrainer(most_tokens=10)
    result = solve(tmp_path, trainer)
    assert len(trainer.tried) == 2 and result.candidates
    assert result.failure is not None and "out of memory" in result.failure
    assert result.counts["out_of_memory"] == 1


def test_the_plan_carries_the_limit_to_every_stage(tmp_path: Path) -> None:
    trainer = NarrowTrainer(most_tokens=130)
    result = solve(tmp_path, trainer, replace(PLAN, max_view_tokens=130))
    assert len(trainer.tried) == 1 and "out_of_memory" not in result.counts
    assert (
        result.counts["examples"]
        < solve(tmp_path, NarrowTrainer(most_tokens=999)).counts["examples"]
    )


def test_half_of_no_views_is_a_number() -> None:
    assert half_of(()) == 1 and half_of((VIEW,)) == view_tokens(VIEW) // 2
    assert cut_views((VIEW,), 0) == (VIEW,)
