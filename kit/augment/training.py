"""Training views of one task: its own demonstrations, each asked for in turn.

Two ways: `training_views` draws as many different views as asked; `paper_training_set` rebuilds
the set of Akyurek et al. 2024. Neither sees a test output, and test inputs only lend their
colours. With a loss on all outputs a view is one ordering of its pairs, so that the order of
demonstrations is itself training data.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from kit.arc.seeds import python_rng
from kit.arc.task import Pair, Task
from kit.augment.augmenters import PLAIN, Augmenter, draw_shift, paper_augmenters
from kit.augment.colours import draw_colours, used_colours
from kit.augment.draw import (
    ALL_ELEMENTS,
    draw_order,
    stratified,
    take_distinct,
    transform_stream,
)
from kit.augment.frames import Frames
from kit.augment.settings import DEFAULT, AugmentConfig
from kit.augment.splits import Split, base_splits, leave_two_out
from kit.augment.transform import IDENTITY, Transform
from kit.augment.views import View, view_content


def training_views(
    task: Task, num_views: int, seed: int, config: AugmentConfig = DEFAULT
) -> tuple[View, ...]:
    """Up to `num_views` distinct training views.

    In mode "draw" each pair is held out equally often, each symmetry used equally often, colours
    and example order drawn per view; more views with the same seed begin with the fewer ones. In
    mode "paper" this is `paper_training_set`, capped at `num_views` where that is lower.

    Returns:
        Fewer than `num_views` where the task has no more distinct ones; none for a task of one
        pair, unless views without examples are allowed.
    Raises:
        ValueError: a negative number of views.
    """
    if config.mode == "paper" and num_views > 0:
        return paper_training_set(task, replace(config, cap=min(config.cap, num_views)), seed)
    rng = python_rng(seed, task.task_id, "training_views")
    stream = _view_stream(rng, task, config.for_training())
    return take_distinct(num_views, stream, key=view_content)


def paper_training_set(
    task: Task, config: AugmentConfig = DEFAULT, seed: int = 0
) -> tuple[View, ...]:
    """The paper's training set of one task.

    `expand_splits` of leave-one-out, cut to `config.cap` by a seeded shuffle; when it is smaller,
    filled with a seeded draw from leave-two-out. The released code fills in the order of a salted
    hash; a seeded draw is the reproducible form of that.
    Source: arXiv 2411.07279, section 3.1, and its released code.
    """
    rng = python_rng(seed, task.task_id, "paper_training_set")
    config = config.for_training()
    views = list(expand_splits(rng, task, base_splits(len(task.train), config), config))
    if len(views) > config.cap:
        rng.shuffle(views)
    elif len(views) < config.cap and config.leave_out == 1 and not config.end_to_end:
        fill = leave_two_out(len(task.train), config.allow_no_examples)
        extra = list(expand_splits(rng, task, fill, config))
        rng.shuffle(extra)
        views = _distinct([*views, *extra])
    return tuple(views[: config.cap])


def expand_splits(
    rng: random.Random, task: Task, splits: Sequence[Split], config: AugmentConfig
) -> tuple[View, ...]:
    """Every split plain and through every augmenter, then a permuted copy of each of these.

    A copy has a drawn colour permutation and a drawn example order. Results with a grid beyond
    30 x 30 and repeats are left out; before that, N splits give 2 * 24 * N views with all
    augmenters and 2 * N with none.
    """
    camera = _Camera(task)
    used = used_colours(task)
    items = [
        (split, augmenter)
        for split in splits
        for augmenter in _fitting_augmenters(rng, task, split, config)
    ]
    plain = [camera.view(split, augmenter, IDENTITY) for split, augmenter in items]
    copies = [
        camera.view(
            _reordered(rng, split, config),
            augmenter,
            Transform(colours=draw_colours(rng, config.colours, used)),
        )
        for split, augmenter in items
    ]
    return tuple(_distinct([*plain, *copies]))


def _fitting_augmenters(
    rng: random.Random, task: Task, split: Split, config: AugmentConfig
) -> list[Augmenter]:
    """`PLAIN` and the augmenters whose results are small enough, with a shift of their own."""
    if config.augmenters == "none":
        return [PLAIN]
    pairs = [task.train[index] for index in (*split.examples, split.held_out)]
    augmenters = paper_augmenters(draw_shift(rng, pairs), turns=config.dihedral)
    return [PLAIN, *(augmenter for augmenter in augmenters if augmenter.fits(pairs))]


def _view_stream(rng: random.Random, task: Task, config: AugmentConfig) -> Iterator[View]:
    """Endless training views, balanced over held-out pairs and symmetries."""
    camera = _Camera(task)
    splits = base_splits(len(task.train), config)
    by_target = [
        [split for split in splits if split.held_out == target] for target in range(len(task.train))
    ]
    elements = ALL_ELEMENTS if config.dihedral else (IDENTITY.dihedral,)
    slots = zip(
        stratified(rng, by_target if splits else ()),
        transform_stream(rng, elements, config.colours, used_colours(task)),
        _augmenter_stream(rng, task.train, config),
        strict=False,
    )
    for choices, transform, augmenter in slots:
        split = _reordered(rng, rng.choice(choices), config)
        yield camera.view(split, augmenter, transform)


def _augmenter_stream(
    rng: random.Random, pairs: Sequence[Pair], config: AugmentConfig
) -> Iterator[Augmenter]:
    """Endless `PLAIN`, or `PLAIN` in turn with one that fits.

    Half of the views stay plain because the task's own sizes are what the test asks for, and a
    doubled grid costs up to four times the tokens.
    """
    if config.augmenters == "none":
        yield from itertools.repeat(PLAIN)
    while True:
        augmenters = paper_augmenters(draw_shift(rng, pairs), turns=False)
        for augmenter in draw_order(rng, [a for a in augmenters if a.fits(pairs)]):
            yield PLAIN
            yield augmenter


def _reordered(rng: random.Random, split: Split, config: AugmentConfig) -> Split:
    return Split(draw_order(rng, split.examples), split.held_out) if config.order else split


def _distinct(views: Iterable[View]) -> list[View]:
    """The first of each group of views with the same content, in order."""
    kept: dict[object, View] = {}
    for view in views:
        kept.setdefault(view_content(view), view)
    return list(kept.values())


class _Camera:
    """Makes training views of one task; each augmenter's arrays are computed once."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._frames: dict[Augmenter, Frames] = {}

    def view(self, split: Split, augmenter: Augmenter, transform: Transform) -> View:
        """The pairs of `split` through the augmenter, then the transform."""
        if augmenter not in self._frames:
            self._frames[augmenter] = Frames(self._task.train, change=augmenter.apply_array)
        frames = self._frames[augmenter]
        asked = frames.pair(split.held_out, transform)
        return View(
            task_id=self._task.task_id,
            test_index=None,
            examples=tuple(frames.pair(index, transform) for index in split.examples),
            query=asked.input,
            answer=asked.output,
            transform=transform,
        )
