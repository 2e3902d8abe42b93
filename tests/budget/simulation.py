"""A run without a machine: a policy driven over made-up tasks with a clock that jumps."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from kit.arc.task import Pair, Task
from kit.budget.cost import Rates, unmeasured_rates
from kit.budget.legs import LegScheduler, open_legs
from kit.budget.outlook import Outlook
from kit.budget.plan import SHARED, Plan
from kit.budget.settings import BudgetConfig
from kit.budget.setup import LegsSetup, measure_tasks

CONFIG = BudgetConfig(num_steps=32, min_steps=8, num_test_views=8, num_score_views=4)
MODEL_BYTES = 10_000_000


def make_task(task_id: str, side: int) -> Task:
    grid = ((1,) * side,) * side
    return Task(task_id, (Pair(grid, grid),) * 3, (grid,))


def make_tasks(count: int, seed: int = 0) -> list[Task]:
    """Tasks of many sizes."""
    rng = random.Random(seed)
    return [make_task(f"t{i:03}", rng.randint(2, 30)) for i in range(count)]


def make_setup(tasks: list[Task], config: BudgetConfig = CONFIG, **changes: object) -> LegsSetup:
    """A setup over made-up tasks."""
    setup = LegsSetup(
        config, measure_tasks(tasks), 7, config.stop_after_s(), model_bytes=MODEL_BYTES
    )
    return replace(setup, **changes)  # type: ignore[arg-type]


@dataclass
class Log:
    """What a simulated run did.

    Attributes:
        items: (start, end, plan), in the order in which they started.
        cut: plans that their deadline ended.
    """

    items: list[tuple[float, float, Plan]] = field(default_factory=list)
    cut: list[Plan] = field(default_factory=list)

    def of(self, leg: str, round_: int | None = None) -> list[tuple[float, float, Plan]]:
        return [
            item
            for item in self.items
            if item[2].leg == leg and round_ in (None, item[2].round)
        ]  # fmt: skip

    def plans(self, leg: str, round_: int | None = None) -> list[Plan]:
        return [plan for _, _, plan in self.of(leg, round_)]

    def seconds(self, leg: str) -> float:
        return sum(end - start for start, end, _ in self.of(leg))

    def end_s(self) -> float:
        return max((end for _, end, _ in self.items), default=0.0)


@dataclass
class World:
    """How plans go.

    Attributes:
        speed: of the machine, over what the prior believes.
        noise: of single plans.
        judge: what a task looks like after a plan.
        search_s: what a search takes of its seconds; less means that it was over.
        ready_s: when workers are.
        fault: what goes wrong with a plan: "lost", "cut", "memory" or "".
    """

    speed: float = 1.0
    noise: float = 0.2
    overhead_s: float = 0.01
    ready_s: float = 0.0
    judge: Callable[[Plan], Outlook] = lambda plan: Outlook(0.5)
    search_s: Callable[[Plan], float] = lambda plan: plan.search_s
    fault: Callable[[Plan], str] = lambda plan: ""
    rng: random.Random = field(default_factory=lambda: random.Random(1))

    def stages(self, plan: Plan, scheduler: LegScheduler, prior: Rates) -> dict[str, float]:
        """Seconds of every stage."""
        if plan.leg != "ttt":
            return {plan.leg: self.search_s(plan)}
        if plan.task_id == SHARED:
            return {"train": 5.0}
        return {
            stage: max(1e-6, units * prior.prior[stage] / self.speed)
            * self.rng.uniform(1 - self.noise, 1 + self.noise)
            for stage, units in scheduler.state.units(plan).items()
        }


def simulate(setup: LegsSetup, world: World | None = None) -> Log:
    """Run a whole budget."""
    world = world or World()
    scheduler, prior = open_legs(setup), unmeasured_rates(setup.model_bytes, setup.threads)
    log, now_s, running = Log(), 0.0, []
    free = Counter(any=setup.workers, search=setup.searchers)
    while True:
        for plan in scheduler.next_plans(now_s, free["any"], free["search"]):
            lane = "search" if setup.searchers and plan.leg == "search" else "any"
            free[lane] -= 1
            stage_s = world.stages(plan, scheduler, prior)
            start_s, deadline_s = max(now_s, world.ready_s), scheduler.deadline_s(plan, now_s)
            end_s = min(deadline_s, start_s + sum(stage_s.values()))
            log.items.append((start_s, end_s, plan))
            if end_s == deadline_s:
                log.cut.append(plan)
            entry = (end_s + world.overhead_s, len(log.items), lane, plan, stage_s)
            heapq.heappush(running, entry)
        if not running:
            return log
        now_s, _, lane, plan, stage_s = heapq.heappop(running)
        free[lane] += 1
        fault = world.fault(plan)
        cut = plan in log.cut or fault == "cut"
        counts = {"steps": 0 if cut else plan.num_steps, "completions": plan.num_test_views}
        if fault in ("lost", "memory"):
            stage_s, counts = {}, {"out_of_memory": 1} if fault == "memory" else {}
        if plan.leg == "search" and stage_s.get("search", plan.search_s) < plan.search_s - 1e-6:
            counts["search_over"] = 1
        scheduler.finish(plan, stage_s, counts, cut, lost=fault in ("lost", "memory"))
        if plan.task_id != SHARED:
            scheduler.judge(plan.task_id, world.judge(plan))
