"""One task from plan to candidates, with a scripted model."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from kit.arc.grid import Grid
from kit.arc.task import Pair, Task
from kit.augment.settings import AugmentConfig
from kit.augment.views import test_views as make_views
from kit.budget.plan import Plan
from kit.encode.cells import CellEncoding
from kit.finetune.trainer import Adapter
from kit.generate.decode import GenerateConfig
from kit.rank.choose import RankConfig, choose
from kit.rank.pool import CandidatePool
from kit.solve.phases import solve_item
from kit.solve.toolbox import Toolbox
from kit.solve.work import WorkItem, WorkResult
from tests.fakes import FakeClock, MemorisingTrainer, ScriptedSampler, query_of

A: Grid = ((1, 2, 3), (4, 5, 6))
B: Grid = ((7, 8), (9, 0), (1, 2))
C: Grid = ((3, 3, 1), (1, 3, 3), (2, 1, 2))
TASK = Task("t", tuple(Pair(g, g) for g in (A, B, C)), (A, C))
PLAN = Plan("t", num_train_views=12, num_steps=5, num_test_views=8, num_score_views=4, seed=11)


@dataclass
class Bench:
    """A toolbox of fakes and the clock they share."""

    tools: Toolbox
    trainer: MemorisingTrainer
    sampler: ScriptedSampler
    clock: FakeClock

    def solve(
        self, plan: Plan = PLAN, in_s: float = math.inf, task: Task = TASK, **kwargs: object
    ) -> WorkResult:
        item = WorkItem(task, plan, self.clock.now_s() + in_s)
        return solve_item(item, self.tools, self.clock, **kwargs)  # type: ignore[arg-type]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    clock = FakeClock(100.0)
    trainer, sampler = MemorisingTrainer(clock=clock), ScriptedSampler(clock=clock)
    tools = Toolbox(CellEncoding(), trainer, sampler, AugmentConfig(), GenerateConfig(), tmp_path)
    return Bench(tools, trainer, sampler, clock)


def recolours_last(query: Grid, request: object) -> Grid:
    """Right in some views only: the first cell of the view's frame is taken for another."""
    first = (query[0][0] + query[0][1]) % 10
    return ((first, *query[0][1:]), *query[1:])


def test_a_full_plan(bench: Bench) -> None:
    result = bench.solve()
    assert (result.failure, result.cut) == (None, False)
    assert sorted(result.stage_s) == ["check", "sample", "score", "train"]
    assert result.counts["steps"] == 5
    assert result.counts["prompts"] == result.counts["completions"] == 16
    assert {c.test_index: c.grid for c in result.candidates} == {0: A, 1: C}
    assert len({c.group for c in result.candidates if c.test_index == 0}) == 8
    assert result.peak_rss_bytes > 10**6
    assert all(request.adapter is not None for request in bench.sampler.sampled)


def test_nothing_is_left_of_the_adapter(bench: Bench, tmp_path: Path) -> None:
    bench.solve()
    bench.trainer.fail = RuntimeError("broken")
    bench.solve()
    assert len(bench.trainer.folders) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_scratch_folder_that_cannot_be_written_costs_no_answer(
    bench: Bench, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.touch()
    result = replace_bench(bench, replace(bench.tools, scratch=file)).solve()
    assert result.candidates and result.failure is None
    assert not any(folder.parent.exists() for folder in bench.trainer.folders)


def test_no_steps_means_the_base_model(bench: Bench) -> None:
    result = bench.solve(replace(PLAN, num_steps=0))
    assert bench.trainer.fits == []
    assert "train" not in result.stage_s
    assert {request.adapter for request in bench.sampler.sampled} == {None}
    assert len(result.candidates) == 16


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (MemoryError(), "train: MemoryError: "),
        (RuntimeError("CUDA out of memory. Tried\nto"), "train: RuntimeError: CUDA out of memory"),
        (ValueError("no view fits the context"), "train: ValueError: no view fits"),
    ],
)
def test_failed_training_leaves_the_base_model(
    bench: Bench, error: Exception, failure: str
) -> None:
    bench.trainer.fail = error
    result = bench.solve()
    assert result.failure is not None
    assert result.failure.startswith(failure)
    assert "\n" not in result.failure
    assert {request.adapter for request in bench.sampler.sampled} == {None}
    assert len(result.candidates) == 16


def test_a_loss_that_is_no_number_leaves_the_base_model(bench: Bench) -> None:
    bench.trainer.stopped = "nan"
    result = bench.solve()
    assert result.failure == "train: the loss was no number after 5 steps"
    assert {request.adapter for request in bench.sampler.sampled} == {None}
    assert result.candidates


def test_distinct_candidates_are_scored_under_shared_views_in_the_original_frame(
    bench: Bench,
) -> None:
    bench.sampler.rule = recolours_last
    result = bench.solve()
    for test_index in (0, 1):
        grids = list(dict.fromkeys(c.grid for c in result.candidates if c.test_index == test_index))
        scores = [s for s in result.scores if s.test_index == test_index]
        assert len(grids) > 1
        assert [score.grid for score in scores] == grids
        assert {len(score.logprobs_nats) for score in scores} == {PLAN.num_score_views}
    # Recomputed by hand: each candidate seen through each of the first sampling views.
    asked = {r.key[:2]: r for r in bench.sampler.sampled}
    (score, *_) = result.scores
    for view_index in range(PLAN.num_score_views):
        request = asked[view_index, 0]
        right = bench.tools.encoding.answer_tokens(recolours_last(query_of(request.prompt), None))
        scored = next(r for r in bench.sampler.scored if r.key == (view_index, 0))
        assert score.logprobs_nats[view_index] == -float((scored.answers[0] != right).sum())


def test_agreement_needs_no_scoring(bench: Bench) -> None:
    result = bench.solve()
    assert result.scores == () and "scored" not in result.counts


def test_the_first_answer_is_the_guess_for_the_other_views(bench: Bench) -> None:
    bench.solve()
    later = [request for request in bench.sampler.sampled if request.key[0] > 0]
    assert len(later) == 14
    assert all(request.draft == query_of(request.prompt) for request in later)


def test_what_is_drawn_depends_on_the_seed_alone(bench: Bench) -> None:
    first = bench.solve()
    other_task = replace(TASK, task_id="other")
    bench.solve(replace(PLAN, task_id="other"), task=other_task)
    again = bench.solve()
    assert (first.candidates, first.scores) == (again.candidates, again.scores)
    assert bench.trainer.fits[0] == bench.trainer.fits[2]
    bench.solve(replace(PLAN, seed=12))
    assert bench.trainer.fits[3][1] != bench.trainer.fits[0][1]


def test_training_that_is_slow_leaves_time_for_sampling(bench: Bench) -> None:
    bench.trainer.step_s, bench.sampler.second_s = 1.0, 0.1
    result = bench.solve(replace(PLAN, num_steps=1000), in_s=100.0)
    assert 60 <= result.counts["steps"] <= 66
    assert result.cut
    assert result.failure is None
    assert len(result.candidates) == 16
    assert {request.adapter is None for request in bench.sampler.sampled} == {False}


def test_short_time_skips_training_not_sampling(bench: Bench) -> None:
    bench.sampler.second_s = 0.01
    result = bench.solve(in_s=1.2)
    assert bench.trainer.fits == []
    assert result.counts["skipped_training"] == 1
    assert result.cut
    assert len(result.candidates) == 16


def test_the_deadline_in_sampling_keeps_what_there_is_of_each_test_input(bench: Bench) -> None:
    bench.sampler.second_s = 1.0
    result = bench.solve(replace(PLAN, num_steps=0, num_score_views=0), in_s=5.0)
    assert result.cut
    assert {c.test_index for c in result.candidates} == {0, 1}
    assert len(result.candidates) == result.counts["completions"] == 5
    assert result.counts["reject_truncated"] == 11


def test_a_view_counts_for_all_candidates_or_for_none(bench: Bench) -> None:
    bench.sampler.rule, bench.sampler.second_s = recolours_last, 1.0
    result = bench.solve(replace(PLAN, num_steps=0), in_s=19.5)
    assert result.cut
    for test_index in (0, 1):
        lengths = {len(s.logprobs_nats) for s in result.scores if s.test_index == test_index}
        assert len(lengths) <= 1
    assert result.counts["scored"] > 0


def test_a_passed_deadline_is_an_empty_result(bench: Bench) -> None:
    result = bench.solve(in_s=-1.0)
    assert (result.candidates, result.cut, result.failure) == ((), True, None)


@pytest.mark.parametrize("room", [1, 3, 7])
def test_little_memory_means_smaller_parts(bench: Bench, room: int) -> None:
    whole = bench.solve()
    bench.sampler.room = room
    result = bench.solve()
    assert result.failure is None
    assert result.candidates == whole.candidates


def test_no_memory_at_all_is_a_failure_of_the_stage(bench: Bench) -> None:
    bench.sampler.room = 0
    result = bench.solve()
    assert result.failure == "sample: RuntimeError: DefaultCPUAllocator: can't allocate memory"
    assert result.candidates == ()


def test_failed_scoring_keeps_the_candidates(bench: Bench) -> None:
    bench.sampler.rule = recolours_last
    bench.sampler.score_fail = ZeroDivisionError("odd")
    published: list[WorkResult] = []
    result = bench.solve(publish=published.append)
    assert result.failure == "score: ZeroDivisionError: odd"
    assert len(result.candidates) == 16
    assert [p.candidates for p in published] == [result.candidates]


def test_answers_that_are_no_grid_are_counted(bench: Bench) -> None:
    bench.sampler.rule = lambda query, request: None
    result = bench.solve()
    assert (result.candidates, result.scores) == ((), ())
    assert result.counts["reject_truncated"] == 16


def test_views_that_do_not_fit_are_counted(bench: Bench) -> None:
    tools = replace(bench.tools, encoding=CellEncoding(max_tokens=30))
    result = replace_bench(bench, tools).solve()
    assert result.counts["context"] == 16
    assert result.candidates == ()
    assert result.failure is None


def replace_bench(bench: Bench, tools: Toolbox) -> Bench:
    return Bench(tools, bench.trainer, bench.sampler, bench.clock)


def test_a_task_with_one_demonstration_is_asked_without_training(bench: Bench) -> None:
    task = replace(TASK, train=TASK.train[:1])
    result = bench.solve(task=task)
    assert result.counts["skipped_training"] == 1
    assert not result.cut
    assert result.candidates


def test_samples_per_view_count_only_with_a_temperature(bench: Bench) -> None:
    plan = replace(PLAN, samples_per_view=3, num_score_views=0)
    assert bench.solve(plan).counts["prompts"] == 16
    warm = replace_bench(bench, replace(bench.tools, generate=GenerateConfig(temperature=1.0)))
    bench.sampler.sampled.clear()
    counts = warm.solve(plan).counts
    assert (counts["prompts"], counts["read_prompts"]) == (48, 16)
    assert len({request.seed for request in bench.sampler.sampled}) == 48


def test_the_result_makes_a_prediction(bench: Bench) -> None:
    result = bench.solve()
    pool = CandidatePool(result.candidates, result.scores)
    predictions = choose(pool, TASK, RankConfig())
    assert [p.attempts[0] for p in predictions] == [A, C]


def test_sampling_views_are_the_task_seen_through_its_transforms(bench: Bench) -> None:
    bench.solve()
    first = next(r for r in bench.sampler.sampled if r.key == (0, 0, 0))
    (identity,) = make_views(TASK, 0, 1, 0, AugmentConfig())
    assert first.prompt.tokens.tolist() == bench.tools.encoding.encode(identity).tokens.tolist()


def test_an_adapter_that_is_given_is_used_and_nothing_is_trained(bench: Bench) -> None:
    given = Adapter("shared", Path("somewhere"), "lora", "abc")
    item = WorkItem(TASK, PLAN, adapter=given)
    result = solve_item(item, bench.tools, bench.clock)
    assert bench.trainer.fits == []
    assert {request.adapter for request in bench.sampler.sampled} == {given}
    assert result.failure is None


def test_a_union_trains_one_adapter_on_all_its_tasks(bench: Bench, tmp_path: Path) -> None:
    other = replace(TASK, task_id="other")
    plan = replace(PLAN, task_id="shared")
    out = tmp_path / "shared"
    item = WorkItem(TASK, plan, union=(TASK, other), adapter_out=out)
    result = solve_item(item, bench.tools, bench.clock)
    ((name, views, steps, _),) = bench.trainer.fits
    assert (name, steps) == ("shared", plan.num_steps)
    assert {view.task_id for view in views} == {TASK.task_id, "other"}
    assert result.adapter is not None and result.adapter.path == out
    assert bench.sampler.sampled == []


def test_an_item_with_a_place_for_its_adapter_only_trains(bench: Bench, tmp_path: Path) -> None:
    """The same fit as in an item that goes on to answer."""
    out = tmp_path / "kept"
    result = solve_item(WorkItem(TASK, PLAN, adapter_out=out), bench.tools, bench.clock)
    assert result.adapter is not None and result.adapter.path == out and out.is_dir()
    assert (bench.sampler.sampled, result.candidates) == ([], ())
    assert list(result.stage_s) == ["train"]
    bench.solve()
    assert bench.trainer.fits[0] == bench.trainer.fits[1]
