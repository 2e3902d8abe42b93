"""What passes between the parent of a run and the process that solves one task.

Values only, free of torch, and all of them survive `kit.solve.wire` (JSON), so that the parent
and its workers need to share nothing but a pipe.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from kit.arc.candidate import Candidate, ViewScore
from kit.arc.task import Task
from kit.budget.clock import Clock
from kit.budget.plan import Plan
from kit.finetune.trainer import Adapter


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One task to work on.

    Attributes:
        deadline_s: instant on the system clock (`time.monotonic`) after which the best so far is
            handed back; `math.inf` for never.
        adapter: answers with this one; nothing is trained then.
        union: trains one adapter on the views of all these tasks, into `adapter_out`, instead of
            answering `task`.
        adapter_out: trains only, and writes the adapter there.
        batch: answers all these together, under their own adapters, instead of `task`.
    """

    task: Task
    plan: Plan
    deadline_s: float = math.inf
    adapter: Adapter | None = None
    union: tuple[Task, ...] = ()
    adapter_out: Path | None = None
    batch: tuple[WorkItem, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkResult:
    """What came of one item; also what is left of an item that failed.

    Attributes:
        stage_s: seconds per stage that ran: "train", "check", "sample", "score", "search",
            "write".
        counts: "steps" and "train_tokens" (optimiser), "prompts" (asked), "completions"
            (finished), "read_prompts" (once each, however often asked) and "prompt_tokens" (in
            them), "answer_tokens" (of the completions), "candidates" (decoded), "scored" (pairs of
            grid and view), "scored_tokens" (of their prompts and grids), "check_tokens" (the same
            of demonstrations that an adapter was asked about),
            "context" (views that did not fit), "reject_<reason>" (completions that were no grid),
            "skipped_training" (1 when time was short or there were no views),
            "out_of_memory" (1 when it ran out, even where less was enough then, and when the
            item was given up because its worker was killed as the kernel does it then);
            of a search "nodes", "search_over" (1 when nothing is left to try), "contradictions"
            (pairs set aside because another has the same input), "found_<family>"; of writing
            those of `kit.induce.writing.write`. Absent means 0.
        peak_rss_bytes: of the process so far; 0 where the system does not tell.
        failure: one line saying what went wrong, None when nothing did. Candidates that were
            found all the same are kept.
        cut: a deadline shortened the plan.
        adapter: that of an item with an `adapter_out`.
        batch: the results of an item's `batch`.
        observed: what the stages saw of themselves, for predictions of what more work would
            bring: "loss_nats" (per token, last tenth of the training steps), "held_chance"
            (0..1, see `kit.solve.observing`). Absent means not observed.
    """

    task_id: str
    plan: Plan
    candidates: tuple[Candidate, ...] = ()
    scores: tuple[ViewScore, ...] = ()
    stage_s: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    peak_rss_bytes: int = 0
    failure: str | None = None
    cut: bool = False
    adapter: Adapter | None = None
    observed: Mapping[str, float] = field(default_factory=dict)
    batch: tuple[WorkResult, ...] = ()


Publish = Callable[[WorkResult], None]
"""Takes the state of an unfinished item, so that it outlives the process that works on it."""


def discard(partial: WorkResult) -> None:
    """A `Publish` that keeps nothing, for callers that cannot lose their solver."""


class Solver(Protocol):
    """Whatever works on items in a worker; opened once per process."""

    def solve(self, item: WorkItem, clock: Clock, publish: Publish) -> WorkResult:
        """Work on one item until it is done or its deadline has passed."""
        ...

    def close(self) -> None:
        """Free memory and scratch files."""
        ...


SolverFactory = Callable[[Mapping[str, object], int, Path], Solver]
"""(settings, threads, scratch folder) -> Solver; imports what is heavy inside."""


@dataclass(frozen=True, slots=True)
class SolverSpec:
    """How a worker process opens its solver.

    Attributes:
        factory: "module:function" of a SolverFactory.
        settings: its first argument; plain JSON values.
    """

    factory: str
    settings: Mapping[str, object] = field(default_factory=dict)
