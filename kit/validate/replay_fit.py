"""Rows for fitting the value table: what was seen of a task, what was done, what came of it.

What it does: walks through sets of recorded pieces that a run could have reached, in order. What it
does not: fit (`kit.budget.value_fit`), or choose which tasks to fit on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kit.budget.cost import TaskSize, measure_task
from kit.budget.policy import Level
from kit.budget.value import NAMES, Kind, Work, solved_features, work_features
from kit.budget.value_fit import Examples
from kit.validate.replay_world import World, Worth
from kit.validate.traces import Piece


@dataclass(frozen=True, slots=True)
class _Row:
    """One example of one kind."""

    kind: Kind
    features: tuple[float, ...]
    solved: float


def make_examples(world: World, score_views: int) -> dict[Kind, Examples]:
    """Examples of every kind from all tasks of a world.

    Rows of one task say nearly the same, so that N of them count as much as the square root of N
    independent ones.

    Args:
        score_views: of the recording.
    """
    rows: dict[Kind, list[tuple[_Row, float]]] = {kind: [] for kind in NAMES}
    for task in world.tasks:
        held = list(_rows(world, task.task_id, measure_task(task), score_views))
        for kind in NAMES:
            own = [row for row in held if row.kind == kind]
            rows[kind] += [(row, len(own) ** -0.5) for row in own]
    return {kind: _examples(kind, held) for kind, held in rows.items()}


def _examples(kind: Kind, rows: Sequence[tuple[_Row, float]]) -> Examples:
    features = np.array([row.features for row, _ in rows]).reshape(len(rows), len(NAMES[kind]))
    return Examples(
        features,
        np.array([row.solved for row, _ in rows]),
        np.array([weight for _, weight in rows]),
    )


def _rows(world: World, name: str, size: TaskSize, score_views: int) -> Iterator[_Row]:
    """All rows of one task."""
    slices = (None, *world.slices(name))
    samples = [(p, score_views) for p in world.samples(name)]
    if score_views:
        samples += [(piece, 0) for piece in world.samples(name, scored=False)]
    for place, search in enumerate(slices):
        before = world.worth(name, _given(search))
        last_s = search.search_s if search is not None else 0.0
        if search is not None:
            yield _Row("solved", solved_features(before.outlook, size), before.share)
        for longer in slices[place + 1 :]:
            work = Work(longer.search_s, last_s)  # type: ignore[union-attr]
            yield from _work_row(world, name, size, _given(search), work, _given(longer))
    # The model behind no search, a medium one and the longest; others would say the same again.
    for place in sorted({0, len(slices) // 2, len(slices) - 1}):
        yield from _model_rows(world, name, size, slices[place], samples)


def _model_rows(
    world: World,
    name: str,
    size: TaskSize,
    search: Piece | None,
    samples: Sequence[tuple[Piece, int]],
) -> Iterator[_Row]:
    """What the model adds to a search, what is seen then, and what a second seed adds to that."""
    last_s = search.search_s if search is not None else 0.0
    widest = max((piece.views for piece, _ in samples), default=0)
    for piece, scored in samples:
        work = Work(0.0, last_s, Level(piece.steps, piece.views, scored))
        yield from _work_row(world, name, size, _given(search), work, (piece,))
        done = _given(search, piece)
        worth = world.worth(name, done)
        yield _Row("solved", solved_features(worth.outlook, size), worth.share)
        for other, also in samples if piece.views == widest else ():
            if other.seed > piece.seed and (other.views, also) == (widest, scored):
                again = Work(0.0, last_s, Level(other.steps, other.views, also), again=True)
                yield from _work_row(world, name, size, done, again, (other,))


def _work_row(
    world: World,
    name: str,
    size: TaskSize,
    done: tuple[Piece, ...],
    work: Work,
    more: tuple[Piece, ...],
) -> Iterator[_Row]:
    """The row of one piece of work; none where nothing was left to solve."""
    before = world.worth(name, done)
    if all(before.right):
        return
    after = world.worth(name, done + more)
    yield _Row(work.kind, work_features(before.outlook, size, work), _newly(before, after))


def _newly(before: Worth, after: Worth) -> float:
    """Of the outputs that were wrong, the share that is right now."""
    came = [now for was, now in zip(before.right, after.right, strict=True) if not was]
    return math.fsum(came) / len(came)


def _given(*pieces: Piece | None) -> tuple[Piece, ...]:
    return tuple(piece for piece in pieces if piece is not None)
