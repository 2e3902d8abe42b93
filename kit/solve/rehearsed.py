"""Stand-ins for engines that are not there: they take the time that real ones would, and answer by
chance.

What it does: implements `Trainer`, `Sampler` and `Solver` on a clock that is set forward instead
of waited for; everything around them (views, prompts, decoding, deadlines) is the real thing. What
it does not: learn. Which tasks it solves is an assumption (`Chances`), drawn from the seed; a
right answer is the test input itself, whatever the task, because that is the one rule that is the
same under every view. No solutions are needed, and no score of it says anything about a model.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from kit.arc.candidate import Candidate, ProgramEvidence
from kit.arc.grid import Grid
from kit.arc.seeds import derive_seed, numpy_rng, python_rng
from kit.augment.views import View
from kit.budget.clock import Clock, Deadline
from kit.budget.virtual_clock import VirtualClock
from kit.encode.cells import IN_COLOUR, ROW_IN, CellEncoding
from kit.encode.encoding import Encoded
from kit.finetune.trainer import Adapter, FitReport
from kit.generate.sampler import Completion, SampleRequest, ScoreRequest
from kit.solve.phases import solve_item
from kit.solve.rehearsed_luck import Rehearsed
from kit.solve.thrift import view_tokens
from kit.solve.together import solve_together
from kit.solve.toolbox import Toolbox
from kit.solve.work import Publish, WorkItem, WorkResult

_VIEW_RIGHT = 0.6
"""Chance of a right answer under one view, for a task that is solved at all."""

_NATS = {True: -2.0, False: -8.0}
"""Log-probability of right and wrong answers to a task that is solved, before they are spread."""

_SEARCH_S = 2.0
"""Median seconds of the search that finds a program, where there is one."""


class RehearsedTrainer:
    """Implements `Trainer`; its adapters hold the number of steps in their digest."""

    def __init__(self, rehearsed: Rehearsed, clock: VirtualClock) -> None:
        self._rehearsed, self._clock = rehearsed, clock

    def fit(
        self,
        task_id: str,
        views: Sequence[View],
        num_steps: int,
        seed: int,
        out: Path,
        deadline: Deadline,
    ) -> tuple[Adapter, FitReport]:
        """See `Trainer.fit`."""
        sizes = [view_tokens(view) for view in views]
        longest, mean = max(sizes), sum(sizes) / len(sizes)
        if longest > self._rehearsed.most_tokens:
            raise RuntimeError(f"CUDA out of memory: a view of {longest} tokens")
        tokens = mean * self._rehearsed.batch_views
        step_s = self._rehearsed.costs.step_s(tokens) * self._rehearsed.pace(task_id, "train")
        # Like the real trainers: no step is begun that would end behind the deadline.
        steps = min(num_steps, int(deadline.remaining_s() / step_s))
        self._clock.advance(steps * step_s)
        out.mkdir(parents=True, exist_ok=True)
        losses = (0.3,) * steps
        stopped = "done" if steps == num_steps else "deadline"
        report = FitReport(steps, losses, int(steps * tokens), stopped)  # type: ignore[arg-type]
        return Adapter(task_id, out, "lora", f"{steps:064x}"), report

    def close(self) -> None:
        """Nothing is held."""


class RehearsedSampler:
    """Implements `Sampler` for the encoding with one token per cell."""

    def __init__(self, rehearsed: Rehearsed, clock: VirtualClock, encoding: CellEncoding) -> None:
        self._rehearsed, self._clock, self._encoding = rehearsed, clock, encoding

    def sample(self, requests: Sequence[SampleRequest], deadline: Deadline) -> Iterator[Completion]:
        """See `Sampler.sample`; what does not end in time comes unfinished."""
        costs, name = self._rehearsed.costs, _name(requests)
        pace = self._rehearsed.pace(name, "sample")
        for start in range(0, len(requests), costs.requests):
            wave = requests[start : start + costs.requests]
            answers = [_answer_tokens(request.prompt) for request in wave]
            read = costs.prompt_token_s * sum(len(request.prompt) for request in wave)
            made = costs.answers_s(sum(answers), max(answers), len(wave))
            in_time = self._take(pace * (read + made), deadline)
            for request in wave:
                yield self._completion(request, in_time)

    def score(
        self, requests: Sequence[ScoreRequest], deadline: Deadline
    ) -> Iterator[tuple[tuple[int, ...], tuple[float, ...]]]:
        """See `Sampler.score`."""
        pace = self._rehearsed.pace(_name(requests), "score")
        for request in requests:
            tokens = len(request.prompt) + sum(map(len, request.answers))
            if not self._take(pace * self._rehearsed.costs.prompt_token_s * tokens, deadline):
                return
            yield request.key, self._nats(request)

    def close(self) -> None:
        """Nothing is held."""

    def _take(self, seconds: float, deadline: Deadline) -> bool:
        """Let time pass, up to the deadline; whether that was enough."""
        left_s = deadline.remaining_s()
        self._clock.advance(min(seconds, left_s))
        return seconds <= left_s

    def _completion(self, request: SampleRequest, in_time: bool) -> Completion:
        if not in_time:
            return Completion(request.key, np.zeros(0, dtype=np.int64), 0.0, finished=False)
        query = query_of(request.prompt)
        parts = ("view", _digest(request.prompt), *request.key)
        right = self._knows(request) and self._rehearsed.luck(*parts) < _VIEW_RIGHT
        grid = query if right else _spoilt(query, self._rehearsed, parts)
        tokens = self._encoding.answer_tokens(grid)
        nats = _NATS[right] * (0.5 + self._rehearsed.luck("nats", *parts))
        return Completion(request.key, tokens, nats, finished=True)

    def _knows(self, request: SampleRequest | ScoreRequest) -> bool:
        """Whether the adapter solves its task; the base model's luck is of the prompt's."""
        if request.adapter is None:
            return self._rehearsed.luck("base", _digest(request.prompt)) < (
                self._rehearsed.chances.base
            )
        steps = int(request.adapter.sha256, 16)
        return self._rehearsed.solves(request.adapter.task_id, steps)

    def _nats(self, request: ScoreRequest) -> tuple[float, ...]:
        """Log-probabilities of a request's answers."""
        right = self._encoding.answer_tokens(query_of(request.prompt))
        knows, digest = self._knows(request), _digest(request.prompt)
        luck = [
            self._rehearsed.luck("score", digest, *answer.tolist()[:64])
            for answer in request.answers
        ]
        return tuple(
            _NATS[knows and np.array_equal(answer, right)] * (0.5 + part)
            for answer, part in zip(request.answers, luck, strict=True)
        )


class RehearsedSolver:
    """Implements `Solver` on a clock of its own; searches are rehearsed as well, for a real one
    would take its real time."""

    def __init__(
        self, rehearsed: Rehearsed, clock: VirtualClock, encoding: CellEncoding, scratch: Path
    ) -> None:
        self._rehearsed, self._clock = rehearsed, clock
        self._toolbox = Toolbox(
            encoding=encoding,
            trainer=RehearsedTrainer(rehearsed, clock),
            sampler=RehearsedSampler(rehearsed, clock, encoding),
            augment=rehearsed.augment,
            generate=rehearsed.generate,
            scratch=scratch,
        )

    def solve(self, item: WorkItem, clock: Clock, publish: Publish) -> WorkResult:
        """See `Solver.solve`."""
        if item.plan.leg == "search":
            return self._search(item)
        if item.batch:
            return solve_together(item, self._toolbox, clock, publish)
        return solve_item(item, self._toolbox, clock, publish)

    def close(self) -> None:
        """Nothing is held."""

    def _search(self, item: WorkItem) -> WorkResult:
        """A search that finds the answer of some tasks after some seconds, else takes all."""
        name, left_s = item.task.task_id, max(0.0, item.deadline_s - self._clock.now_s())
        until_s = min(item.plan.search_s, left_s)
        needed_s = math.inf
        if self._rehearsed.luck("search", name) < self._rehearsed.chances.search:
            spread = numpy_rng(derive_seed(self._rehearsed.seed, "needed"), name).normal()
            needed_s = _SEARCH_S * math.exp(1.5 * spread)
        found = needed_s <= until_s
        self._clock.advance(min(needed_s, until_s))
        seconds = {"search": max(1e-3, min(needed_s, until_s))}
        counts = {"search_over": 1} if found else {}
        candidates = tuple(_program(item, index) for index in range(len(item.task.test)))
        return WorkResult(
            name, item.plan, candidates if found else (), (), seconds, counts,
            cut=until_s < item.plan.search_s,
        )  # fmt: skip


def _program(item: WorkItem, index: int) -> Candidate:
    pairs = len(item.task.train)
    evidence = ProgramEvidence("rehearsed", 8.0, pairs, pairs, 1.0, 0.95)
    grid = item.task.test[index]
    return Candidate(
        item.task.task_id, index, grid, "search", "program", program="output = input",
        round=item.plan.round, evidence=evidence,
    )  # fmt: skip


def query_of(prompt: Encoded) -> Grid:
    """The test input that a prompt asks about, in its view's frame."""
    plane = prompt.tokens[prompt.prefix_len + 1 : -1]
    rows = np.split(plane, np.flatnonzero(plane == ROW_IN) + 1)[:-1]
    return tuple(tuple((row[:-1] - IN_COLOUR).tolist()) for row in rows)


def _answer_tokens(prompt: Encoded) -> int:
    """Length of an answer, taken from the last demonstration's."""
    if not prompt.output_spans:
        return 1
    start, end = prompt.output_spans[-1]
    return end - start


def _name(requests: Sequence[SampleRequest | ScoreRequest]) -> str:
    """The task that requests are for; of several tasks' the first."""
    adapter = requests[0].adapter if requests else None
    return adapter.task_id if adapter is not None else "base"


def _digest(prompt: Encoded) -> int:
    """A number that stands for a prompt."""
    return derive_seed(len(prompt), prompt.tokens.tobytes().hex())


def _spoilt(grid: Grid, rehearsed: Rehearsed, parts: Sequence[str | int]) -> Grid:
    """The grid with one cell changed."""
    rng = python_rng(derive_seed(rehearsed.seed, "spoilt"), *parts)
    row, column = rng.randrange(len(grid)), rng.randrange(len(grid[0]))
    colour = (grid[row][column] + rng.randrange(1, 10)) % 10
    cells = [list(line) for line in grid]
    cells[row][column] = colour
    return tuple(tuple(line) for line in cells)
