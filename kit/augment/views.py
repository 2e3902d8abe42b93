"""A task seen through a transform: what a model is trained on and asked.

Training views are made in `kit.augment.training`; predictions are mapped back to the task's own
frame in `kit.generate.decode`, nowhere else.
"""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from kit.arc.grid import Grid
from kit.arc.seeds import python_rng
from kit.arc.task import Pair, Task
from kit.augment.colours import used_colours
from kit.augment.draw import (
    ALL_ELEMENTS,
    PAPER_ELEMENTS,
    draw_order,
    take_distinct,
    transform_stream,
)
from kit.augment.frames import Frames
from kit.augment.settings import DEFAULT, AugmentConfig
from kit.augment.transform import IDENTITY, Transform

ORDER_TRIES = 20
"""Draws of an example order for a transform before one that it already had is accepted."""


@dataclass(frozen=True, slots=True)
class View:
    """Demonstrations, a query and (in training only) its answer, all already transformed.

    Attributes:
        task_id: the task it was made from.
        test_index: which test input the query is; None for training views.
        examples: demonstrations in the order in which the model reads them.
        query: the input to answer.
        answer: the held-out output in training views; None in test views.
        transform: for test views, what maps the original frame to this view, so that
            `transform.inverse()` maps a prediction back. Training views may also have been
            through augmenters that cannot be inverted.
    """

    task_id: str
    test_index: int | None
    examples: tuple[Pair, ...]
    query: Grid
    answer: Grid | None
    transform: Transform = IDENTITY


def view_content(view: View) -> Hashable:
    """What a model sees of a view: equal for views that are the same question."""
    return view.examples, view.query, view.answer


def test_views(
    task: Task, test_index: int, num_views: int, seed: int, config: AugmentConfig = DEFAULT
) -> tuple[View, ...]:
    """Up to `num_views` distinct views of one test input, the untouched one first.

    Any number of first views is balanced over the symmetries: all 8 in mode "draw", with drawn
    colours and example orders; in mode "paper" its 6 with drawn orders and untouched colours, so
    that 12 views are the paper's two orders per symmetry. More views with the same seed begin
    with the fewer ones.

    Returns:
        Fewer than `num_views` where the task has no more distinct ones.
    Raises:
        ValueError: no such test input, or a negative number of views.
    """
    if not 0 <= test_index < len(task.test):
        raise ValueError(
            f"task {task.task_id}: test_index must be 0 to {len(task.test) - 1}, got {test_index}"
        )
    rng = python_rng(seed, task.task_id, "test_views", test_index)
    stream = _test_view_stream(rng, task, test_index, config)
    return take_distinct(num_views, stream, key=view_content)


test_views.__test__ = False  # its name is the pipeline's word, not a test's


def _test_view_stream(
    rng: random.Random, task: Task, test_index: int, config: AugmentConfig
) -> Iterator[View]:
    """Endless views, the untouched one first."""
    frames = Frames(task.train, task.test)
    for transform, order in _framings(rng, task, config):
        yield View(
            task_id=task.task_id,
            test_index=test_index,
            examples=tuple(frames.pair(index, transform) for index in order),
            query=frames.query(test_index, transform),
            answer=None,
            transform=transform,
        )


def _framings(
    rng: random.Random, task: Task, config: AugmentConfig
) -> Iterator[tuple[Transform, tuple[int, ...]]]:
    """Endless (transform, example order), first the natural ones; orders that a transform has
    not had yet where possible, so that every transform gets its share of distinct views."""
    natural = tuple(range(len(task.train)))
    taken: set[tuple[Transform, tuple[int, ...]]] = set()
    for transform in _test_transforms(rng, task, config):
        order = draw_order(rng, natural) if config.order and taken else natural
        for _ in range(ORDER_TRIES if config.order else 0):
            if (transform, order) not in taken:
                break
            order = draw_order(rng, natural)
        taken.add((transform, order))
        yield transform, order


def _test_transforms(rng: random.Random, task: Task, config: AugmentConfig) -> Iterator[Transform]:
    if config.mode == "paper":
        return transform_stream(rng, PAPER_ELEMENTS, "none")
    elements = ALL_ELEMENTS if config.dihedral else (IDENTITY.dihedral,)
    return transform_stream(rng, elements, config.colours, used_colours(task))
