"""Stand-ins for what is slow or needs a model; they implement the protocols of `kit`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from kit.arc.grid import Grid
from kit.augment.views import View
from kit.budget.clock import Deadline
from kit.encode.cells import IN_COLOUR, ROW_IN, CellEncoding
from kit.encode.encoding import Encoded
from kit.finetune.trainer import Adapter, FitReport
from kit.generate.sampler import Completion, SampleRequest, ScoreRequest


@dataclass
class FakeClock:
    """Time that passes only when a test says so."""

    time_s: float = 0.0

    def now_s(self) -> float:
        """The time that was set."""
        return self.time_s

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.time_s += seconds


def query_of(prompt: Encoded) -> Grid:
    """The test input that a cell-encoded prompt asks about, in the view's frame."""
    plane = prompt.tokens[prompt.prefix_len + 1 : -1]
    rows = np.split(plane, np.flatnonzero(plane == ROW_IN) + 1)[:-1]
    return tuple(tuple((row[:-1] - IN_COLOUR).tolist()) for row in rows)


def same_as_query(query: Grid, request: SampleRequest | ScoreRequest) -> Grid:
    """The rule of a task whose output is its input."""
    return query


@dataclass
class ScriptedSampler:
    """Answers prompts of the cell encoding by a rule, and notes what it was asked.

    Attributes:
        rule: (test input in the view's frame, request) -> answer in that frame; None for tokens
            that are no grid.
        second_s: time that each answer takes on `clock`.
        room: most requests in one call before memory runs out; None for no limit.
        fail: raised by every call.
        score_fail: raised by every call of `score`.
    """

    rule: Callable[[Grid, SampleRequest | ScoreRequest], Grid | None] = same_as_query
    clock: FakeClock | None = None
    second_s: float = 0.0
    room: int | None = None
    fail: Exception | None = None
    score_fail: Exception | None = None
    encoding: CellEncoding = field(default_factory=CellEncoding)
    sampled: list[SampleRequest] = field(default_factory=list)
    scored: list[ScoreRequest] = field(default_factory=list)
    closed: bool = False

    def _begin(self, requests: Sequence[object]) -> None:
        if self.fail is not None:
            raise self.fail
        if self.room is not None and len(requests) > self.room:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    def _spend(self) -> None:
        if self.clock is not None:
            self.clock.advance(self.second_s)

    def sample(self, requests: Sequence[SampleRequest], deadline: Deadline) -> Iterator[Completion]:
        """One completion per request, in reverse order, unfinished after the deadline."""
        self._begin(requests)
        for request in reversed(requests):
            if deadline.passed():
                yield Completion(request.key, np.zeros(0, dtype=np.int64), 0.0, finished=False)
                continue
            self.sampled.append(request)
            self._spend()
            answer = self.rule(query_of(request.prompt), request)
            tokens = np.zeros(3, dtype=np.int64)
            if answer is not None:
                tokens = self.encoding.answer_tokens(answer)
            yield Completion(request.key, tokens, -0.5, finished=True)

    def score(
        self, requests: Sequence[ScoreRequest], deadline: Deadline
    ) -> Iterator[tuple[tuple[int, ...], tuple[float, ...]]]:
        """Minus the number of tokens by which an answer differs from the rule's."""
        self._begin(requests)
        if self.score_fail is not None:
            raise self.score_fail
        for request in reversed(requests):
            if deadline.passed():
                return
            self.scored.append(request)
            self._spend()
            right = self.rule(query_of(request.prompt), request)
            tokens = self.encoding.answer_tokens(right or ((0,),))
            yield request.key, tuple(-_distance(tokens, answer) for answer in request.answers)

    def close(self) -> None:
        """Note it."""
        self.closed = True


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    return float("inf") if len(a) != len(b) else float(np.sum(a != b))


@dataclass
class MemorisingTrainer:
    """Writes an adapter folder that holds nothing, and notes what it was asked.

    Attributes:
        fail: raised by every fit.
        stopped: what its reports say.
        step_s: time that each step takes on `clock`; it stops at its deadline.
    """

    fail: Exception | None = None
    stopped: str = "done"
    clock: FakeClock | None = None
    step_s: float = 0.0
    fits: list[tuple[str, tuple[View, ...], int, int]] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    closed: bool = False

    def fit(
        self,
        task_id: str,
        views: Sequence[View],
        num_steps: int,
        seed: int,
        out: Path,
        deadline: Deadline,
    ) -> tuple[Adapter, FitReport]:
        """An adapter named after the task."""
        self.fits.append((task_id, tuple(views), num_steps, seed))
        out.mkdir(parents=True)
        (out / "adapter_config.json").write_text("{}", encoding="utf-8")
        self.folders.append(out)
        if self.fail is not None:
            raise self.fail
        steps, stopped = 0, self.stopped
        while steps < num_steps:
            if deadline.passed():
                stopped = "deadline"
                break
            steps += 1
            if self.clock is not None:
                self.clock.advance(self.step_s)
        report = FitReport(steps, (1.0,) * steps, 100 * steps, stopped)  # type: ignore[arg-type]
        return Adapter(task_id, out, "lora", "0" * 64), report

    def close(self) -> None:
        """Note it."""
        self.closed = True
