"""A task on its way through a round: what is known of it, and the one result that it comes to.

What it does not: decide when it is trained or served (`kit.workers.rounds` does).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from kit.solve.work import WorkItem, WorkResult
from kit.workers.job import after_tries


@dataclass(slots=True, eq=False)
class RoundWork:
    """See the module docstring.

    Attributes:
        allowed_s: seconds that the scheduler allows it, the waiting for its crew not counted.
        trained: what came of training; None before, and where training was left out.
        tries: how often it was given to a server.
        known: what a lost server had published of it.
    """

    item: WorkItem
    allowed_s: float
    trained: WorkResult | None = None
    tries: int = 0
    known: WorkResult | None = None

    @property
    def key(self) -> str:
        """Its name in a round."""
        return round_key(self.item)

    def to_answer(self) -> WorkItem:
        """The item that only asks, under the adapter if there is one."""
        adapter = self.trained.adapter if self.trained is not None else self.item.adapter
        return replace(self.item, plan=replace(self.item.plan, num_steps=0), adapter=adapter)

    def keep(self, batch: WorkResult) -> None:
        """Remember what a batch has brought for it, if that is more than nothing."""
        part = self._part(batch)
        if part is not None and part.candidates:
            self.known = part

    def joined(self, batch: WorkResult, alone: bool) -> WorkResult:
        """One result of both crews' work on it.

        Args:
            batch: the last one that it was part of.
            alone: there was nothing else in that batch, so that what it counts is of this task.
        """
        self.keep(batch)
        nothing = WorkResult(self.item.task.task_id, self.item.plan)
        trained = self.trained or nothing
        served = self._part(batch) or nothing
        if served.failure or batch.failure:
            served = replace(self.known or served, failure=served.failure)
        lost = batch.failure and batch.failure + ("" if batch.cut else after_tries(self.tries))
        failures = (trained.failure, served.failure, lost)
        skipped = self.item.plan.num_steps > 0 and self.trained is None
        return replace(
            served,
            plan=self.item.plan,
            stage_s={**trained.stage_s, **served.stage_s},
            counts={**trained.counts, **served.counts, **(batch.counts if alone else {})},
            observed={**trained.observed, **served.observed},
            peak_rss_bytes=max(trained.peak_rss_bytes, served.peak_rss_bytes),
            failure="; ".join(dict.fromkeys(failure for failure in failures if failure)) or None,
            cut=trained.cut or served.cut or batch.cut or skipped,
        )

    def _part(self, batch: WorkResult) -> WorkResult | None:
        return next((part for part in batch.batch if round_name(part) == self.key), None)


def round_key(item: WorkItem) -> str:
    """The name of an item in a round, and that of its folder."""
    return f"{item.plan.task_id}-{item.plan.round}"


def round_name(result: WorkResult) -> str:
    """The name of the item that a result is of."""
    return f"{result.plan.task_id}-{result.plan.round}"
