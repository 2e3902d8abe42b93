"""Recorded outcomes as a world that plans can be carried out in, without doing any work.

What it does: says what a plan brings and how long it takes, from the pieces of a trace, and what
all pieces of a task are worth together. What it does not: decide anything (`kit.budget`), or let
time pass (`kit.validate.replay`).

Where a plan was not recorded as it stands:

- It is rounded down: the model's to the most steps, then views, that were recorded and are not more
  than it asks for, and it takes the seconds of those; a search brings what the longest recorded one
  brings that is not longer, and takes its own seconds (a search that had ended, its real ones).
- A round that was not recorded is given an adapter of the task that was not used yet; where there
  is none, the seconds pass and bring nothing new.
- A plan that its deadline cuts brings what the largest recorded one would that fits.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kit.arc.task import Task
from kit.budget.outlook import Outlook
from kit.budget.plan import Plan
from kit.rank.choose import RankConfig, choose
from kit.rank.outlook import task_outlook
from kit.rank.pool import CandidatePool
from kit.validate.traces import Piece, TracedTask

_LEAST_S = 1e-3
"""No work takes no time: a policy that asks for nothing for ever still comes to its end."""

_ROUNDING = 1 + 1e-6
"""Plans write their seconds with three digits."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a plan would have brought.

    Attributes:
        piece: None where it brings nothing.
        seconds: that its worker is busy.
        stage_s, counts: as in `kit.solve.work.WorkResult`.
    """

    piece: Piece | None
    seconds: float
    stage_s: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    cut: bool = False
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Worth:
    """What a set of pieces of one task comes to.

    Attributes:
        right: per test output, whether one of the two attempts is right.
        outlook: what can be seen of it without the answers.
    """

    right: tuple[bool, ...]
    outlook: Outlook

    @property
    def share(self) -> float:
        """Of the outputs that are right, 0..1."""
        return sum(self.right) / len(self.right)


class World:
    """The recorded tasks of a replay; remembers what sets of pieces are worth."""

    def __init__(
        self, tasks: Iterable[TracedTask], config: RankConfig, first_seed: int = 0
    ) -> None:
        """Start with nothing looked up.

        Args:
            first_seed: index of the recorded seed that plays the first round.
        """
        self._tasks = {traced.task.task_id: traced for traced in tasks}
        self._config = config
        self._worth: dict[tuple[object, ...], Worth] = {}
        seeds = {p.seed for traced in self._tasks.values() for p in traced.pieces}
        self._seeds = max(seeds, default=0) + 1
        self._first_seed = first_seed
        self._pieces = {name: _sort_pieces(held) for name, held in self._tasks.items()}
        self._names: dict[Hashable, int] = {}

    def with_first_seed(self, first_seed: int) -> World:
        """The same world with another recorded seed in the first round."""
        return self._sharing(World(self._tasks.values(), self._config, first_seed))

    def part(self, tasks: Iterable[TracedTask]) -> World:
        """The same world with some of its tasks only."""
        return self._sharing(World(tasks, self._config, self._first_seed))

    def _sharing(self, other: World) -> World:
        """Another world that remembers together with this one."""
        other._worth, other._names, other._seeds = self._worth, self._names, self._seeds
        return other

    @property
    def tasks(self) -> tuple[Task, ...]:
        """As a scheduler sees them."""
        return tuple(traced.task for traced in self._tasks.values())

    def slices(self, task_id: str) -> Sequence[Piece]:
        """The searches of a task, the shortest first."""
        return self._pieces[task_id].slices

    def samples(self, task_id: str, scored: bool = True) -> Sequence[Piece]:
        """The model's pieces of a task, with product of experts or without."""
        held = self._pieces[task_id]
        return held.scored if scored else held.unscored

    def worth(self, task_id: str, pieces: Sequence[Piece]) -> Worth:
        """What pieces are worth together, in the order in which they were done."""
        trained = [piece for piece in pieces if piece.observed]
        newest = trained[-1].key if trained else None
        names = frozenset(self._name(piece) for piece in pieces if piece.pool.candidates)
        key = task_id, names, newest
        if key not in self._worth:
            observed = trained[-1].observed if trained else {}
            self._worth[key] = self._judge(self._tasks[task_id], pieces, observed)
        return self._worth[key]

    def _name(self, piece: Piece) -> int:
        """Equal for pieces that say the same: a longer search often finds nothing more."""
        place = piece.task_id, piece.key, bool(piece.pool.scores)
        if place not in self._names:
            said: Hashable = place
            if piece.leg == "search":
                said = tuple(replace(c, round=0) for c in piece.pool.candidates)
            self._names[place] = self._names.setdefault(said, len(self._names))
        return self._names[place]

    def _judge(
        self, traced: TracedTask, pieces: Sequence[Piece], observed: Mapping[str, float]
    ) -> Worth:
        pool = CandidatePool()
        for piece in sorted(pieces, key=lambda piece: piece.key):
            pool = pool.merge(piece.pool)
        predictions = choose(pool, traced.task, self._config)
        right = tuple(
            grid in prediction.attempts
            for grid, prediction in zip(traced.answers, predictions, strict=True)
        )
        return Worth(right, task_outlook(traced.task, pool, predictions, observed))

    def outcome(self, plan: Plan, allowed_s: float, done: Sequence[Piece]) -> Outcome:
        """What a plan brings when it may take `allowed_s` seconds.

        Args:
            done: pieces of the task that are done already.
        Raises:
            ValueError: a leg that is never recorded.
        """
        if plan.leg == "search":
            return self._search(plan, allowed_s)
        if plan.leg == "write":
            raise ValueError("a trace holds no programs written by a language model")
        return self._ask(plan, allowed_s, done)

    def _search(self, plan: Plan, allowed_s: float) -> Outcome:
        """A search of any length."""
        until_s = min(plan.search_s, allowed_s)
        fitting = [p for p in self.slices(plan.task_id) if p.search_s <= until_s * _ROUNDING]
        piece = fitting[-1] if fitting else None
        if piece is not None and piece.counts.get("search_over"):
            seconds, counts = piece.seconds, dict(piece.counts)
        else:
            seconds, counts = until_s, {}
            if piece is not None:
                seconds = max(until_s, piece.seconds)
                counts = dict(piece.counts)
        cut = plan.search_s > allowed_s * _ROUNDING and not counts.get("search_over")
        seconds = max(_LEAST_S, min(seconds, allowed_s))
        lost = piece is not None and piece.failure is not None and not piece.pool.candidates
        return Outcome(piece, seconds, {"search": seconds}, counts, cut, lost)

    def _ask(self, plan: Plan, allowed_s: float, done: Sequence[Piece]) -> Outcome:
        """Training, sampling and scoring at a recorded level."""
        asked = self.samples(plan.task_id, bool(plan.num_score_views))
        choice = self._nearest(plan, asked, done)
        if choice is None:
            return Outcome(None, _LEAST_S)
        if choice.seconds <= allowed_s:
            lost = choice.failure is not None and not choice.pool.candidates
            seconds = max(_LEAST_S, choice.seconds)
            return Outcome(choice, seconds, choice.stage_s, choice.counts, choice.cut, lost)
        smaller = [
            p
            for p in asked
            if p.seed == choice.seed
            and p.steps <= choice.steps
            and p.views <= choice.views
            and p.seconds <= allowed_s
        ]
        piece = max(smaller, key=lambda p: (p.steps, p.views), default=None)
        stages = piece.stage_s if piece is not None else {}
        counts = piece.counts if piece is not None else {}
        return Outcome(piece, max(_LEAST_S, allowed_s), stages, counts, cut=True)

    def _nearest(self, plan: Plan, pieces: Sequence[Piece], done: Sequence[Piece]) -> Piece | None:
        """The recorded piece that a plan is rounded down to."""
        used = {(piece.seed, piece.steps) for piece in done if piece.leg == "ttt"}
        wanted = (plan.round + self._first_seed) % self._seeds
        fitting = [p for p in pieces if p.steps <= plan.num_steps] or [
            p for p in pieces if p.steps == min(held.steps for held in pieces)
        ]

        def place(piece: Piece) -> tuple[bool, bool, int, bool, int]:
            few = piece.views <= plan.num_test_views
            return (
                (piece.seed, piece.steps) not in used,
                piece.seed == wanted and plan.round < self._seeds,
                piece.steps,
                few,
                piece.views if few else -piece.views,
            )

        return max(fitting, key=place, default=None)


@dataclass(frozen=True, slots=True)
class _Pieces:
    """The pieces of one task: searches by length, the model's by seed, steps, views."""

    slices: tuple[Piece, ...]
    scored: tuple[Piece, ...]
    unscored: tuple[Piece, ...]


def _sort_pieces(traced: TracedTask) -> _Pieces:
    pieces = sorted(traced.pieces, key=lambda piece: piece.key)
    search = sorted((p for p in pieces if p.leg == "search"), key=lambda p: p.search_s)
    scored = tuple(p for p in pieces if p.leg == "ttt")
    return _Pieces(tuple(search), scored, tuple(p.unscored() for p in scored))
