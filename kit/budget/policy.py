"""What decides in a run, as an interface: state in, plans out, no clock of its own and no files.

The run (`kit.pipeline`) drives a policy with the real clock; a replay drives it with a fake one
over recorded outcomes, in this loop (any executor, any number of workers):

    policy = open_legs(setup)                  # or OrderedPolicy(plans, stop_s)
    while True:
        for plan in policy.next_plans(now_s, free, free_search):
            end_s = min(now_s + recorded seconds of plan, policy.deadline_s(plan, now_s))
        ... go to the earliest end; now_s is that instant
        policy.finish(plan, stage_s, counts, cut, lost)
        policy.judge(plan.task_id, outlook)    # of all the task's outcomes so far together

A plan is finished once and judged after it. `next_plans` counts its plans as started; an empty
list while something is running means "ask again when it has ended", while nothing is running it
means the end. What a plan of the model asks for is (num_steps, num_test_views, num_score_views,
round); with `LegsSetup.levels` only those combinations are ever planned, so that all of them can
have been recorded, and with `LegsSetup.slices_s` the same of searches (`search_s`). Every search
begins anew, so that one of another length has the outcome of the longest recorded one below it.

`OrderedPolicy` covers "id order with fixed steps", "shortest first" and an oracle's order: they
differ in the list of plans that it is given.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from kit.budget.outlook import Outlook
from kit.budget.plan import Plan


@dataclass(frozen=True, slots=True)
class Level:
    """A size that the model's plans may have, see `Plan`."""

    num_steps: int
    num_test_views: int
    num_score_views: int = 0


class Policy(Protocol):
    """Decides what is worked on next; see the module docstring for how it is driven."""

    def next_plans(self, now_s: float, free: int, free_search: int = 0) -> list[Plan]:
        """What free workers do next; fewer plans than workers when nothing more fits.

        Args:
            free: workers that take everything, or everything but searches where those have
                workers of their own.
            free_search: workers that take searches only.
        """
        ...

    def deadline_s(self, plan: Plan, now_s: float) -> float:
        """The instant after which a plan that starts now is cut."""
        ...

    def predicted_s(self, plan: Plan) -> float:
        """Seconds that a plan will probably take."""
        ...

    def finish(
        self,
        plan: Plan,
        stage_s: Mapping[str, float],
        counts: Mapping[str, int],
        cut: bool = False,
        lost: bool = False,
    ) -> None:
        """Count a result.

        Args:
            stage_s, counts: of the result, see `kit.solve.work.WorkResult`.
            cut: a deadline shortened it.
            lost: it failed and brought no candidate.
        """
        ...

    def judge(self, task_id: str, outlook: Outlook) -> None:
        """What a task's answers look like now."""
        ...


class OrderedPolicy:
    """Plans one after another in a given order, whatever comes of them."""

    def __init__(self, plans: Iterable[Plan], stop_s: float = math.inf) -> None:
        """Start with nothing done.

        Args:
            plans: in the order in which they are handed out; the seconds of one plan are not
                looked at, as in the kits that work in the order of task ids.
            stop_s: instant at which the run ends.
        """
        self._waiting = deque(plans)
        self._stop_s = stop_s

    def next_plans(self, now_s: float, free: int, free_search: int = 0) -> list[Plan]:
        """The next plans of the list, as many as workers are free."""
        if now_s >= self._stop_s:
            return []
        return [self._waiting.popleft() for _ in range(min(free, len(self._waiting)))]

    def deadline_s(self, plan: Plan, now_s: float) -> float:
        """The end of the run."""
        return self._stop_s

    def predicted_s(self, plan: Plan) -> float:
        """What a search was given; of other plans nothing is known."""
        return plan.search_s

    def finish(
        self,
        plan: Plan,
        stage_s: Mapping[str, float],
        counts: Mapping[str, int],
        cut: bool = False,
        lost: bool = False,
    ) -> None:
        """Nothing is learned from a result."""

    def judge(self, task_id: str, outlook: Outlook) -> None:
        """Nothing is decided from it."""
