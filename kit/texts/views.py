"""Training views of a text task: every demonstration asked for behind the others, shuffled.

Texts have no symmetries: the order of the demonstrations is all that can be varied.
Source: Akyurek et al. 2024, arXiv 2411.07279v2, section 5 (BIG-Bench Hard).
"""

from __future__ import annotations

from dataclasses import replace

from kit.arc.seeds import python_rng
from kit.texts.task import TextTask, TextView


def training_views(task: TextTask, num_views: int, seed: int) -> tuple[TextView, ...]:
    """`num_views` views, each demonstration held out equally often, orders drawn."""
    rng = python_rng(seed, task.task_id, "text views")
    views: list[TextView] = []
    while len(views) < num_views:
        held_out = list(range(len(task.train)))
        rng.shuffle(held_out)
        for index in held_out[: num_views - len(views)]:
            others = [pair for i, pair in enumerate(task.train) if i != index]
            rng.shuffle(others)
            held = task.train[index]
            view = TextView(task.instruction, tuple(others), held.input, held.output)
            views.append(replace(view, gapped=task.gapped))
    return tuple(views)


def test_views(task: TextTask, with_examples: bool) -> tuple[TextView, ...]:
    """One view per test input, behind all demonstrations or none."""
    shown = task.train if with_examples else ()
    return tuple(
        TextView(task.instruction, shown, query, gapped=task.gapped) for query in task.test
    )
