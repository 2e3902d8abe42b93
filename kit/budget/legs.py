"""Who gets the next free worker: training and sampling, the search for programs, or writing them.

Where all workers take everything (a machine without a GPU), each decision goes to the first of

1. the search, while it has not used its share of the run,
2. writing programs, where that is asked for: once for every task without a convincing program,
3. training, while it has not used its own share: tasks without a convincing program first,
4. the search again,
5. training again, with what the search leaves.

Where the search has workers of its own, it keeps to them and they keep to it. What it does not:
decide how much a task gets; that is `kit.budget.scheduler` and `kit.budget.searching`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from kit.budget.plan import Plan
from kit.budget.scheduler import Scheduler
from kit.budget.searching import NODE_S, SearchState, next_search, search_deadline_s
from kit.budget.writing import WritingState, next_writing, writing_deadline_s


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of a task's answers.

    Attributes:
        margin: 0..1, of its least certain test input.
        convinced: programs that are probably right answer every test input.
        promise: 0..1, how near the best program is to covering all demonstrations.
    """

    margin: float
    convinced: bool = False
    promise: float = 0.0


class LegScheduler:
    """The state of all legs of a run, kept up to date by the one who runs it."""

    def __init__(
        self,
        ttt: Scheduler | None,
        search: SearchState | None = None,
        writing: WritingState | None = None,
        apart: bool = False,
        ttt_share_s: float = math.inf,
    ) -> None:
        """Start with legs that have done nothing yet; None for those that do not take part.

        Args:
            apart: the search has workers of its own.
            ttt_share_s: worker-seconds that training and sampling may take before the search
                goes on.
        """
        self._ttt = ttt
        self._search = search
        self._writing = writing
        self._apart = apart
        self._ttt_left_s = ttt_share_s

    def next_plans(self, now_s: float, free: int, free_search: int = 0) -> list[Plan]:
        """What free workers do next; fewer plans than workers when nothing more fits. The plans
        count as started.

        Args:
            free: workers that take everything, or everything but searches where those have
                workers of their own.
            free_search: workers that take searches only.
        """
        plans: list[Plan] = []
        while len(plans) < free and (plan := self._next_any(now_s)):
            plans.append(plan)
        own: list[Plan] = []
        while len(own) < free_search and (plan := self._next_search(now_s)):
            own.append(plan)
        return plans + own

    def _next_any(self, now_s: float) -> Plan | None:
        """For a worker that is not kept for searches."""
        plan = None if self._apart else self._next_search(now_s, within_share=True)
        plan = plan or self._next_writing(now_s)
        if plan is None and self._ttt_left_s > 0:
            plan = self._next_ttt(now_s)
        if plan is None and not self._apart:
            plan = self._next_search(now_s)
        return plan or self._next_ttt(now_s)

    def _next_ttt(self, now_s: float) -> Plan | None:
        if self._ttt is None:
            return None
        plan = next(iter(self._ttt.next_plans(now_s, 1)), None)
        if plan is not None:
            self._ttt_left_s -= self.predicted_s(plan)
        return plan

    def _next_search(self, now_s: float, within_share: bool = False) -> Plan | None:
        if self._search is None or (plan := next_search(self._search, now_s, within_share)) is None:
            return None
        self._search = self._search.started(plan)
        return plan

    def _next_writing(self, now_s: float) -> Plan | None:
        if self._writing is None or (plan := next_writing(self._writing, now_s)) is None:
            return None
        self._writing = self._writing.started(plan)
        return plan

    def deadline_s(self, plan: Plan, now_s: float) -> float:
        """The instant after which a plan that starts now is cut."""
        if plan.leg == "search" and self._search is not None:
            return search_deadline_s(self._search, plan, now_s)
        if plan.leg == "write" and self._writing is not None:
            return writing_deadline_s(self._writing, plan, now_s)
        assert self._ttt is not None
        return self._ttt.deadline_s(plan, now_s)

    def predicted_s(self, plan: Plan) -> float:
        """Seconds that a plan will probably take."""
        if plan.leg == "ttt" and self._ttt is not None:
            return self._ttt.state.p50_s(plan)
        return plan.search_s or plan.search_nodes * NODE_S

    def finish(
        self,
        plan: Plan,
        stage_s: Mapping[str, float],
        counts: Mapping[str, int],
        cut: bool = False,
        lost: bool = False,
    ) -> None:
        """Count a result, also one of an earlier start; of legs that no longer take part nothing.

        Args:
            stage_s, counts: of the result.
            cut: a deadline shortened it.
            lost: it failed and brought no candidate.
        """
        if plan.leg == "search" and self._search is not None:
            over = lost or bool(counts.get("search_over"))
            self._search = self._search.finished(plan, stage_s.get("search", 0.0), over)
        elif plan.leg == "write" and self._writing is not None:
            self._writing = self._writing.started(plan)
        elif plan.leg == "ttt" and self._ttt is not None:
            self._ttt_left_s += self.predicted_s(plan) - sum(stage_s.values())
            self._ttt.finish(plan, stage_s, counts, cut, lost)

    def judge(self, task_id: str, outlook: Outlook) -> None:
        """What a task's answers look like now."""
        if self._ttt is not None:
            self._ttt.set_margin(task_id, outlook.margin)
            self._ttt.hold_back(task_id, outlook.convinced)
        if self._search is not None:
            self._search = self._search.with_task(
                task_id, convinced=outlook.convinced, promise=outlook.promise
            )
        if self._writing is not None:
            self._writing = self._writing.with_task(task_id, convinced=outlook.convinced)
