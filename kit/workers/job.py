"""An item on its way through a pool: how often it was tried, and what is known of it.

What it does not: decide whether it is tried again (`kit.workers.pool` does).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from kit.solve.wire import from_plain
from kit.solve.work import WorkItem, WorkResult
from kit.workers.executor import describe


@dataclass(slots=True, eq=False)
class Job:
    """See the module docstring.

    Attributes:
        partial: what its worker has published of it.
    """

    item: WorkItem
    tries: int = 0
    partial: WorkResult | None = None

    def read(self, plain: Any) -> WorkResult:
        """What a worker says of it; a failure when that cannot be read."""
        try:
            return from_plain(WorkResult, plain)
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            what = f"its worker sent what cannot be read ({describe(error)})"
            return self.remains(f"{what}; is the kit of one version everywhere?", cut=False)

    def remains(self, failure: str, cut: bool) -> WorkResult:
        """Its result when its worker is gone: what was published, and what happened."""
        known = self.partial or WorkResult(self.item.task.task_id, self.item.plan)
        return replace(known, failure=failure, cut=cut)

    def given_up(self, how: str, ran_out: bool) -> WorkResult:
        """Its result when it will not be tried again after its worker was lost.

        Args:
            ran_out: the worker seems to have been killed for want of memory.
        """
        tries = f", given up after {self.tries} tries" if self.tries > 1 else ""
        known = self.remains(f"its worker {how}{tries}", cut=False)
        # Told like want of memory that a worker notices itself, so that the next plan is smaller.
        return replace(known, counts={**known.counts, "out_of_memory": 1}) if ran_out else known
