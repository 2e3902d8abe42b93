"""An item on its way through a pool: how often it was tried, and what is known of it.

What it does not: decide whether it is tried again (`kit.workers.pool` does).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from kit.solve.wire import from_plain
from kit.solve.work import WorkItem, WorkResult
from kit.workers.executor import describe

MAX_TRIES = 2
"""An item that loses its workers is tried so often."""


def after_tries(tries: int) -> str:
    """What to add to a failure that was the last of so many."""
    return f", given up after {tries} tries" if tries > 1 else ""


@dataclass(slots=True, eq=False)
class Job:
    """See the module docstring.

    Attributes:
        partial: what its worker has published of it.
    """

    item: WorkItem
    tries: int = 0
    partial: WorkResult | None = None

    @property
    def may_try_again(self) -> bool:
        """Whether it may have another worker. A batch has one only: any of its tasks may have
        taken that along, and only its sender can try them one by one."""
        return self.tries < MAX_TRIES and not self.item.batch

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
        known = self.remains(f"its worker {how}{after_tries(self.tries)}", cut=False)
        # Told like want of memory that a worker notices itself, so that the next plan is smaller.
        return replace(known, counts={**known.counts, "out_of_memory": 1}) if ran_out else known
