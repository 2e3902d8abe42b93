"""Replay: a policy carried out over recorded outcomes with a clock that jumps from end to end.

What it does: hands a policy's plans to simulated workers, lets each take its recorded seconds, and
notes when which task was how far solved. Predicted costs are the policy's own, actual ones the
trace's, so that wrong predictions cost here what they cost in a run. What it does not: know where
outcomes come from (`kit.validate.replay_world`), or compare (`kit.validate.replay_curves`).
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

from kit.budget.plan import Plan
from kit.budget.policy import Policy
from kit.validate.replay_world import Outcome, World
from kit.validate.traces import Piece

_LATE_S = 1e-6
"""Sums of seconds are not exact; what ends this little behind the stop ends at it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One plan that was carried out.

    Attributes:
        began_s, ended_s: on the replay's clock, which starts at 0.
        share: of the task's outputs that are right behind it.
    """

    plan: Plan
    began_s: float
    ended_s: float
    cut: bool
    share: float


@dataclass(frozen=True, slots=True)
class Play:
    """One policy at one budget.

    Attributes:
        steps: in the order in which they ended; those that ended too late are not among them.
        shares: task -> share of its outputs that are right in the end, 0..1; of all tasks.
        done: task -> pieces that were done, in order.
    """

    steps: tuple[Step, ...]
    shares: Mapping[str, float]
    done: Mapping[str, tuple[Piece, ...]]

    @property
    def solved(self) -> float:
        """Tasks solved, with partial credit."""
        return sum(self.shares.values())


@dataclass(order=True, slots=True)
class _Running:
    """A plan in work; the earliest end comes first, of equal ones the one that began first."""

    ended_s: float
    number: int
    began_s: float = field(compare=False)
    plan: Plan = field(compare=False)
    outcome: Outcome = field(compare=False)


class Player:
    """Plays one policy once; `play` does it all."""

    def __init__(self, policy: Policy, world: World, stop_s: float, workers: int) -> None:
        self._policy = policy
        self._world = world
        self._stop_s = stop_s
        self._workers = workers
        self._running: list[_Running] = []
        self._numbers = itertools.count()
        self._steps: list[Step] = []
        names = [task.task_id for task in world.tasks]
        # One adapter counts once, however it was scored.
        self._done: dict[str, dict[tuple[object, ...], Piece]] = {name: {} for name in names}
        self._shares = {name: world.worth(name, ()).share for name in names}

    def play(self) -> Play:
        """Everything from the start to the stop."""
        now_s = 0.0
        while True:
            if now_s < self._stop_s:
                free = self._workers - len(self._running)
                for plan in self._policy.next_plans(now_s, free):
                    self._start(plan, now_s)
            if not self._running or self._running[0].ended_s > self._stop_s + _LATE_S:
                break
            ended = heapq.heappop(self._running)
            now_s = ended.ended_s
            self._finish(ended)
        done = {name: tuple(held.values()) for name, held in self._done.items()}
        return Play(tuple(self._steps), dict(self._shares), done)

    def _start(self, plan: Plan, now_s: float) -> None:
        until_s = min(self._policy.deadline_s(plan, now_s), self._stop_s)
        done = tuple(self._done[plan.task_id].values())
        outcome = self._world.outcome(plan, max(0.0, until_s - now_s), done)
        end_s = now_s + outcome.seconds
        heapq.heappush(self._running, _Running(end_s, next(self._numbers), now_s, plan, outcome))

    def _finish(self, ended: _Running) -> None:
        plan, outcome = ended.plan, ended.outcome
        name, held = plan.task_id, self._done[plan.task_id]
        if outcome.piece is not None:
            held.pop(outcome.piece.key, None)
            held[outcome.piece.key] = outcome.piece
        worth = self._world.worth(name, tuple(held.values()))
        self._shares[name] = worth.share
        step = Step(plan, ended.began_s, ended.ended_s, outcome.cut, worth.share)
        self._steps.append(step)
        self._policy.finish(plan, outcome.stage_s, outcome.counts, outcome.cut, outcome.lost)
        self._policy.judge(name, worth.outlook)
