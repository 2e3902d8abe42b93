"""Traces: recorded outcomes of work on tasks, from which any order and amount of it is replayed.

What it does: the types, what a pool is worth, and the file format in words; it is read and written
by `kit.validate.traces_file`. What it does not: run anything (`kit.validate.traces_record`), or
decide anything (`kit.validate.replay`).

A trace is a file of JSON lines, UTF-8, `.jsonl` while it is being recorded and `.jsonl.xz` when it
is shipped. Every line is an object whose last field "crc" is the CRC-32 (8 hex digits) of the line
without it; a file that was cut while it was written loses its last line and nothing else. Kinds:

    trace   first line. v (1), machine {cpu, cores, python, seconds: cpu or wall}, model {name,
            bytes, files: {name: blake2b}}, options (of the stages that work), rank (how attempts
            are chosen), seed, and levels {steps, again, views, score_views, slices}: what was
            recorded of every task.
            Files of one recording have equal first lines; a recorder refuses to go on with another.
    task    task, source (set or file), train [[input, output], ...], test [input, ...],
            answers [output, ...], size {train_view_tokens, prompt_tokens, answer_tokens}: all that
            is known before any work (demonstrations, test inputs and cells follow from the grids).
            A grid is a string of digits, rows joined by "|".
    piece   one piece of work on one task, alone and from nothing:
              task, leg ("ttt" or "search"), seed (0, 1, ...: index of the adapter's seed),
              steps (optimiser steps), views (per test input), search_s (seconds of the slice);
              of the other leg 0.
              stage_s   seconds per stage: train, check, sample, score, search; pieces that share
                        one adapter all carry the seconds of its training.
              counts    of the work, see `kit.solve.work.WorkResult`.
              observed  what the stages saw of themselves (loss of the last steps, probability of
                        held-out demonstrations), see `WorkResult`; may be empty.
              pool      candidates and scores (`kit.rank.pool`), texts of programs replaced by
                        digests. Whoever chooses without product of experts leaves the scores out
                        and the seconds of "score" with them.
              evidence  what that pool alone shows of the task's answers: margin, share and lead
                        in votes, chance of the best program ...; see `kit.budget.outlook`.
              right     share of the test outputs that its two attempts get right, 0..1, and
                        right_votes: the same without the scores.
              failure, cut, peak_rss_bytes: as in `WorkResult`.
    done    task, legs: all pieces of these legs are there.
    end     lines, sha256 of all lines before; in packed files only.

Because pools are kept whole, the attempts of any set of pieces are chosen by the product's own rule
(`right_of`), so that a replay never has to assume how evidence adds up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kit.arc.grid import Grid
from kit.arc.task import Task
from kit.budget.outlook import Outlook
from kit.budget.plan import Leg
from kit.rank.choose import RankConfig, choose
from kit.rank.outlook import task_outlook
from kit.rank.pool import CandidatePool


@dataclass(frozen=True, slots=True)
class Piece:
    """One recorded piece of work; see the module docstring."""

    task_id: str
    leg: Leg
    seed: int = 0
    steps: int = 0
    views: int = 0
    search_s: float = 0.0
    stage_s: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    observed: Mapping[str, float] = field(default_factory=dict)
    pool: CandidatePool = field(default_factory=CandidatePool)
    evidence: Mapping[str, Any] = field(default_factory=dict)
    right: float = 0.0
    right_votes: float = 0.0
    failure: str | None = None
    cut: bool = False
    peak_rss_bytes: int = 0

    @property
    def key(self) -> tuple[str, int, int, int, float]:
        """What was done, apart from the task."""
        return self.leg, self.seed, self.steps, self.views, self.search_s

    @property
    def seconds(self) -> float:
        """Of all stages."""
        return sum(self.stage_s.values())

    def unscored(self) -> Piece:
        """The same work without product of experts."""
        stages = {name: s for name, s in self.stage_s.items() if name != "score"}
        counts = {name: n for name, n in self.counts.items() if name != "scored"}
        pool = CandidatePool(self.pool.candidates)
        return replace(self, stage_s=stages, counts=counts, pool=pool, right=self.right_votes)


@dataclass(frozen=True, slots=True)
class TracedTask:
    """A task with its answers and everything that was tried on it.

    Attributes:
        source: set or file that it is from.
        pieces: in the order in which they were recorded.
        done: legs all of whose pieces are there.
    """

    task: Task
    answers: tuple[Grid, ...]
    source: str
    pieces: tuple[Piece, ...] = ()
    done: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Trace:
    """What a trace file holds.

    Attributes:
        head: the first line.
        tasks: by id.
        good_bytes: length of the part of the unpacked text that can be trusted.
    """

    head: Mapping[str, Any]
    tasks: Mapping[str, TracedTask]
    good_bytes: int = 0


def right_of(traced: TracedTask, pool: CandidatePool, config: RankConfig) -> float:
    """Share of the test outputs that the two attempts chosen from a pool get right, 0..1."""
    predictions = choose(pool, traced.task, config)
    hits = [
        grid in prediction.attempts
        for grid, prediction in zip(traced.answers, predictions, strict=True)
    ]
    return sum(hits) / len(hits)


def evidence_of(
    task: Task, pool: CandidatePool, config: RankConfig, observed: Mapping[str, float]
) -> Outlook:
    """What a pool shows of itself, without any answer; what decisions are taken from.

    Args:
        observed: of the newest training.
    """
    return task_outlook(task, pool, choose(pool, task, config), observed)
