"""One rehearsal of the contest: the real run on a machine that is not there, in virtual time.

What it does: finds the tasks in a simulated mount as a run does, opens the real run folder,
scheduler, pools of workers and rounds, and carries the real loop out on a clock that is set
forward. Engines are stand-ins (`kit.solve.rehearsed`), and so is the search. What it does not:
know how good a model is; the accuracy is given.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from kit.arc.datasets import resolve_tasks
from kit.arc.task import Task
from kit.budget.calibrate import GPU_SPEED
from kit.budget.cost import unmeasured_rates
from kit.budget.legs import LegScheduler, open_legs
from kit.budget.setup import LegsSetup, measure_tasks
from kit.budget.virtual_clock import PacedClock, VirtualClock
from kit.card_costs import rates_of
from kit.card_memory import MOST_TOKENS, fitted, room_of, wish_of
from kit.config import Config, make_config
from kit.encode.cells import CellEncoding
from kit.engine.cards import CARDS, MACHINES, Machine
from kit.engine.engine_costs import EngineCosts, predict_costs
from kit.engine.known_shapes import find_shape
from kit.engine.memory_needs import weight_bytes
from kit.engine.memory_plan import MemoryPlan, plan_memory
from kit.engine.shape import ModelShape
from kit.interrupt import StopGuard
from kit.job import KAGGLE_BUDGET_S, Job, open_folder
from kit.pipeline import Run, RunSetup
from kit.rehearsal_costs import given_costs
from kit.rehearsal_outcome import End, Outcome, Watcher, make_outcome
from kit.request import parse_request
from kit.solve.rehearsed import RehearsedSolver
from kit.solve.rehearsed_luck import Chances, Rehearsed
from kit.solve.work import Solver
from kit.submit.lock import SUBMISSION_NAME
from kit.workers.executor import Executor, Staffing, choose_staffing
from kit.workers.rounds import RoundsExecutor
from kit.workers.virtual import open_virtual_pool

LIMIT_S = 12 * 3600.0
"""What Kaggle allows a notebook; the kit plans with KAGGLE_BUDGET_S of it."""

INSTALL_S = 300.0
"""Before `submission.py` starts: wheels (240 s at most) and the doctor."""

POLLS = 8640
"""Looks at crews that have nothing to say, in a whole rehearsal: every 5 s in one of 12 hours, and
no more than one a second. A run looks more often; each look costs real time here."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that one rehearsal after another has in common.

    Attributes:
        costs: what work takes.
        expected: what the scheduler takes it to cost before the first task is done.
        limit_s: after which the contest would end the notebook.
        budget_s: what the kit plans with, from the notebook's start.
        fits_tokens: longest sequence that the memory plan leaves.
        staffing: of the machine.
    """

    machine: Machine
    shape: ModelShape
    memory: MemoryPlan
    costs: EngineCosts
    expected: EngineCosts
    config: Config
    chances: Chances
    limit_s: float
    budget_s: float
    staffing: Staffing

    @property
    def fits_tokens(self) -> float:
        """Longest sequence that the memory plan leaves; inf where it leaves all."""
        return room_of(self.memory)

    def stop_s(self, started_s: float) -> float:
        """Instant after which nothing is waited for."""
        return started_s + self.config.budget.stop_after_s()


def set_stage(
    like: str, model: str, hours: float, chances: Chances, overrides: Sequence[str] = (),
    costs_file: Path | None = None,
) -> Stage:  # fmt: skip
    """Plan the machine's memory and costs.

    Args:
        costs_file: see `kit.rehearsal_costs`; None for the predicted costs.

    Raises:
        ValueError: no such machine or model, it does not fit, or the file holds something else;
            says why with numbers.
    """
    if like not in MACHINES:
        raise ValueError(f"--like {like}: no such machine; there are {', '.join(MACHINES)}")
    machine, shape = MACHINES[like], find_shape(model)
    card = CARDS[machine.card]
    config = make_config(machine.preset, overrides)
    memory = plan_memory(shape, card, wish_of(config, min(MOST_TOKENS, shape.max_positions)))
    limit_s = 3600 * hours
    budget_s = limit_s * KAGGLE_BUDGET_S / LIMIT_S
    install_s = min(INSTALL_S, budget_s / 10)
    budget = replace(config.budget, time_s=budget_s - install_s, remember_costs=False)
    config = replace(fitted(config, memory), budget=budget)
    own = replace(config.workers, search=config.workers.search or machine.cores - machine.cards)
    bytes_held = weight_bytes(shape, nf4=False)
    staffing = choose_staffing(own, bytes_held, machine.cards, config.solve.legs != "ttt")
    expected = predict_costs(shape, machine.card, memory)
    costs = given_costs(costs_file, expected) if costs_file else expected
    return Stage(
        machine, shape, memory, costs, expected, config, chances, limit_s, budget_s, staffing
    )


def rehearse(stage: Stage, mount_root: Path, out: Path, seed: int, speedup: float = 0.0) -> Outcome:
    """One run over what lies in a mount.

    Args:
        speedup: real time passes by this factor slower; 0 for as fast as can be computed.
    """
    began_s = time.monotonic()
    task_set = resolve_tasks(None, mount_root)
    tasks = tuple(task_set.tasks.values())
    started_s = stage.budget_s - stage.config.budget.time_s
    clock = PacedClock(started_s, speedup) if speedup else VirtualClock(started_s)
    config = replace(stage.config, seed=seed)
    request = replace(parse_request(["--out", str(out)]), config=config)
    job = Job(request, config, task_set, tasks, out / SUBMISSION_NAME, started_s)
    watcher = Watcher()
    folder = open_folder(job)
    with closing(folder), closing(open_crews(stage, seed, clock, out)) as executor:
        poll_s = max(1.0, stage.limit_s / POLLS)
        setup = RunSetup(tasks, config, clock, started_s, job.stop_at_s(), poll_s=poll_s)
        policy = open_policy(stage, config, tasks, started_s, job.stop_at_s())
        run = Run(setup, policy, executor, folder.journal, folder.submission, watcher, StopGuard())
        report = run.work()
    right = watcher.right(tasks, job.submission_path)
    end = End(seed, clock.now_s(), stage.limit_s, right, time.monotonic() - began_s)
    return make_outcome(end, report, watcher, tasks)


def open_policy(
    stage: Stage, config: Config, tasks: Sequence[Task], began_s: float, stop_s: float
) -> LegScheduler:
    """The scheduler that a run on that machine would have, before anything is measured there."""
    model_bytes, legs = weight_bytes(stage.shape, nf4=False), config.solve.legs
    unmeasured = unmeasured_rates(model_bytes, stage.staffing.threads, GPU_SPEED)
    setup = LegsSetup(
        config=config.budget,
        sizes=measure_tasks(tasks),
        seed=config.seed,
        stop_s=stop_s,
        began_s=began_s,
        workers=stage.staffing.count,
        threads=stage.staffing.threads,
        searchers=stage.staffing.search,
        has_model=legs != "search",
        has_search=legs != "ttt",
        model_bytes=model_bytes,
        batch_views=config.finetune.batch_views,
        samples_per_view=config.generate.samples_per_view,
        rates=rates_of(stage.expected, config.finetune.batch_views, unmeasured),
        fits_tokens=stage.fits_tokens,
    )
    return open_legs(setup)


def open_crews(stage: Stage, seed: int, clock: VirtualClock, out: Path) -> Executor:
    """Trainers, servers and searchers of the machine: the real rounds over the real pools."""
    rehearsed = Rehearsed(
        stage.costs, stage.chances, stage.config.augment, stage.config.generate, seed,
        stage.config.budget.num_steps, stage.config.finetune.batch_views, stage.fits_tokens,
    )  # fmt: skip
    encoding = CellEncoding(max_tokens=MOST_TOKENS)
    scratch = out / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)

    def opens(own: VirtualClock, folder: Path) -> Solver:
        return RehearsedSolver(rehearsed, own, encoding, folder)

    def crew(count: int, open_s: float) -> Executor:
        return open_virtual_pool(clock, Staffing(count, 1), opens, open_s, scratch)

    staffing = stage.staffing
    return RoundsExecutor(
        train=lambda: crew(staffing.count, stage.costs.open_train_s),
        serve=lambda: crew(staffing.count, stage.costs.open_serve_s),
        search=(lambda: crew(staffing.search, 15.0)) if staffing.search else None,
        adapters=out / "adapters",
        clock=clock,
        until_s=stage.stop_s(clock.now_s()),
        alternate=stage.config.workers.alternate,
        rest=clock.advance,
    )
