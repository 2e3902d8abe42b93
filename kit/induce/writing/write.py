"""Programs written by a language model for one task, as candidates with their evidence.

What it does: has programs sampled, and runs each; where none reproduces all demonstrations, the
best are shown their first mistake and sampled again, once. What it does not: open the writer or
the sandbox, or choose attempts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kit.arc.candidate import Candidate
from kit.arc.seeds import derive_seed
from kit.arc.task import Task
from kit.induce.meter import Meter
from kit.induce.sandbox.sandbox import Sandbox
from kit.induce.writing.harvest import Harvest, Written
from kit.induce.writing.prompt import (
    Fits,
    ProgramFormat,
    failed_report,
    first_turns,
    program_format,
    repair_turns,
    wrong_report,
)
from kit.induce.writing.settings import WritingConfig
from kit.induce.writing.writer import Ask, PromptTooLongError, Turn, Writer, WriterError

FIRST_SHARE = 0.7
"""Of the time, for the first round where a second may follow."""

LAST_SHARE = 0.95
"""Of the time left, for the last round; what is then there must still be run."""

REPAIRED = 8
"""Failing programs that are shown their mistake."""

REPAIR_SHARE = 0.5
"""Samples of the repair round, as a share of those of the first."""


@dataclass(frozen=True, slots=True)
class WritingResult:
    """What came of writing programs for one task.

    Attributes:
        candidates: with source "llm_program", best first for every test input.
        counts: facts for the report: "written" (texts), "written_unread" (of those without a
            program), "written_same" (repeat another), "written_ran" (distinct programs run),
            "written_<status>" (of those, by `Outcome.status`), "written_syntax" (of the errors,
            do not parse), "written_partly" (reproduce some but not all pairs), "written_covering"
            (texts whose program reproduces all pairs), "written_repaired" (of those, from the
            repair round). Absent means 0.
        cut: the meter stopped it before it was done.
        failure: why the writer fell silent, None when it did not.
    """

    candidates: tuple[Candidate, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    cut: bool = False
    failure: str | None = None


def write_programs(
    task: Task,
    writer: Writer,
    sandbox: Sandbox,
    meter: Meter,
    seed: int,
    config: WritingConfig,
    round_index: int = 0,
) -> WritingResult:
    """Have programs written, run and repaired until the meter stops or all are done.

    The meter is looked at before every program; one that runs is stopped by the sandbox's own
    limits.

    Args:
        seed: of all draws.
        round_index: noted in the candidates.
    Raises:
        SandboxError: no program can be run; never because of what a program does.
        FileNotFoundError, ValueError: the file of texts cannot be used.
    """
    form = program_format(config.format, config.texts)
    harvest = Harvest(task, sandbox)
    commission = _Commission(task, form, writer, harvest, meter, seed, config)
    failure, cut = None, False
    try:
        part = meter.part(FIRST_SHARE if config.repair else LAST_SHARE)
        turns = commission.first_round(part)
        cut = part.is_over()
        if config.repair and not harvest.covering() and not meter.is_over():
            part = meter.part(LAST_SHARE)
            commission.repair(turns, part)
            cut = cut or part.is_over()
    except WriterError as error:
        failure = str(error)
    return WritingResult(
        harvest.candidates(round_index),
        {name: count for name, count in sorted(harvest.counts.items()) if count},
        cut=cut or meter.is_over(),
        failure=failure,
    )


@dataclass(frozen=True, slots=True)
class _Commission:
    """One call of `write_programs`: its arguments, and where the programs go.

    Attributes:
        meter: of running programs; those of writing end a little earlier.
    """

    task: Task
    form: ProgramFormat
    writer: Writer
    harvest: Harvest
    meter: Meter
    seed: int
    config: WritingConfig

    def first_round(self, part: Meter) -> tuple[Turn, ...]:
        """Gather programs from the task alone; the conversation that asked for them.

        Raises:
            WriterError: nobody answers.
        """
        refused = math.inf
        while True:
            turns = first_turns(self.form, self.task, self._shorter(refused))
            seed = derive_seed(self.seed, "first")
            ask = Ask(turns, self.config.num_programs, seed, self.form.opening)
            try:
                self._gather([ask], part)
            except PromptTooLongError:
                # A server knows its context better than we do: less is shown next time.
                refused = _length(turns)
            else:
                return turns

    def repair(self, turns: tuple[Turn, ...], part: Meter) -> None:
        """Show the best failing programs their mistake, and gather what comes of it.

        Raises:
            WriterError: nobody answers.
        """
        failing = self.harvest.failing()[:REPAIRED]
        asks = []
        for index, program in enumerate(failing):
            shown = repair_turns(self.form, turns, program.source, self._report(program))
            if self.writer.fits(shown):
                count = math.ceil(REPAIR_SHARE * self.config.num_programs / len(failing))
                seed = derive_seed(self.seed, "repair", index)
                asks.append(Ask(shown, count, seed, self.form.opening))
        if asks:
            self._gather(asks, part, repaired=True)

    def _gather(self, asks: Sequence[Ask], part: Meter, repaired: bool = False) -> None:
        """Run what is written, as it comes."""
        for _, text in self.writer.write(asks, part):
            self.harvest.add(text, repaired)
            if self.meter.is_over():
                break

    def _report(self, program: Written) -> str:
        """What is wrong with a program."""
        index, pair, got = self.harvest.fault(program)
        if got is not None:
            return wrong_report(self.form, index, pair, got)
        message = program.outcome.message or program.outcome.status
        return failed_report(self.form, index, message)

    def _shorter(self, refused: float) -> Fits:
        """Whether a conversation fits and has fewer characters than the one that was refused."""
        return lambda turns: self.writer.fits(turns) and _length(turns) < refused


def _length(turns: Sequence[Turn]) -> int:
    return sum(len(turn.text) for turn in turns)
