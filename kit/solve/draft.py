"""What is known of an item while it is worked on; a failing stage costs only its own part."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from kit.arc.candidate import Candidate, ViewScore
from kit.budget.clock import Clock
from kit.engine.memory import is_out_of_memory
from kit.finetune.trainer import Adapter
from kit.solve.work import WorkItem, WorkResult

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Draft:
    """A `WorkResult` in the making; the fields have the same meaning."""

    item: WorkItem
    clock: Clock
    candidates: list[Candidate] = field(default_factory=list)
    scores: list[ViewScore] = field(default_factory=list)
    stage_s: dict[str, float] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    observed: dict[str, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    cut: bool = False
    adapter: Adapter | None = None

    @contextmanager
    def stage(self, name: str, needed: bool = True) -> Iterator[None]:
        """Time a stage; an exception in it is logged and noted, and what follows goes on.

        Args:
            needed: the item has failed when the stage has; else the log alone tells.
        """
        began_s = self.clock.now_s()
        try:
            yield
        except Exception as error:
            logger.exception("task %s: stage %s", self.item.task.task_id, name)
            if needed:
                self.note_failure(name, error)
                if is_out_of_memory(error):
                    self.counts["out_of_memory"] = 1
        finally:
            self.stage_s[name] = self.clock.now_s() - began_s

    def note_failure(self, stage: str, error: object) -> None:
        """Remember in one line what went wrong."""
        kind = f"{type(error).__name__}: " if isinstance(error, Exception) else ""
        first = next(iter(str(error).strip().splitlines()), "")
        self.failures.append(f"{stage}: {kind}{first[:200]}")

    def result(self) -> WorkResult:
        """What is known now."""
        return WorkResult(
            task_id=self.item.task.task_id,
            plan=self.item.plan,
            candidates=tuple(self.candidates),
            scores=tuple(self.scores),
            stage_s=dict(self.stage_s),
            counts={name: count for name, count in sorted(self.counts.items()) if count},
            observed=dict(self.observed),
            peak_rss_bytes=peak_rss_bytes(),
            failure="; ".join(self.failures) or None,
            cut=self.cut,
            adapter=self.adapter,
        )


def peak_rss_bytes() -> int:
    """Most memory this process has held at once; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
