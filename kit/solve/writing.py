"""The writing leg of one item: programs that a language model writes, as candidates.

What it does: opens the writer and the sandbox when the first item asks for them, gives the writing
its meter, keeps what can be an answer. What it does not: write or run programs
(`kit.induce.writing`, `kit.induce.sandbox`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from kit.budget.clock import Clock
from kit.induce.meter import Meter
from kit.induce.sandbox.sandbox import Sandbox, open_sandbox
from kit.induce.writing.settings import WritingConfig
from kit.induce.writing.write import WritingResult, write_programs
from kit.induce.writing.writer import Writer, open_writer
from kit.solve.draft import Draft
from kit.solve.searching import usable_candidates
from kit.solve.work import WorkItem, WorkResult


@dataclass(frozen=True, slots=True)
class WritingDesk:
    """Who writes, and where what was written is run; opened once per worker."""

    writer: Writer
    sandbox: Sandbox
    config: WritingConfig

    def close(self) -> None:
        """Free both."""
        self.writer.close()
        self.sandbox.close()


def open_desk(config: WritingConfig, threads: int, device: str) -> WritingDesk:
    """A writer and a sandbox as the options name them; imports torch for a model run here.

    Args:
        device: see `kit.induce.writing.writer.open_writer`.
    Raises:
        SandboxError: only a weak sandbox works here, and that is not allowed.
        WriterError, FileNotFoundError, ValueError: nobody can write; says why.
    """
    sandbox = open_sandbox(config.allow_weak_sandbox)
    try:
        return WritingDesk(open_writer(config, threads, device), sandbox, config)
    except BaseException:
        sandbox.close()
        raise


def write_item(item: WorkItem, open_: Callable[[], WritingDesk], clock: Clock) -> WorkResult:
    """Have programs written until the plan's time is used up, its deadline has come, or all are
    done.

    Args:
        open_: hands over the desk; what it raises is the item's failure.
    """
    draft, plan = Draft(item, clock), item.plan
    with draft.stage("write"):
        desk = open_()
        slice_end_s = clock.now_s() + (plan.search_s or math.inf)
        meter = Meter(clock, min(slice_end_s, item.deadline_s))
        found: WritingResult = write_programs(
            item.task, desk.writer, desk.sandbox, meter, plan.seed, desk.config, plan.round
        )
        draft.candidates.extend(usable_candidates(found.candidates, item.task))
        draft.counts.update(found.counts)
        draft.counts["candidates"] = len(draft.candidates)
        draft.cut = found.cut
        if found.failure is not None:
            draft.note_failure("write", found.failure)
    return draft.result()
