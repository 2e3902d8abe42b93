"""Views cut to a number of tokens by whole demonstrations, for want of memory.

What it does: leaves out demonstrations from the front, as an encoding does at the end of its
context. What it does not: decide when (`kit.budget.state` plans it, `kit.solve.phases` does it once
by itself when training runs out of memory).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kit.arc.grid import Grid
from kit.augment.views import View


def view_tokens(view: View) -> int:
    """About how many tokens a view has: one per cell and one per row."""
    pairs = sum(_tokens(pair.input) + _tokens(pair.output) for pair in view.examples)
    answer = 0 if view.answer is None else _tokens(view.answer)
    return pairs + _tokens(view.query) + answer


def _tokens(grid: Grid) -> int:
    return len(grid) * (len(grid[0]) + 1)


def cut_view(view: View, max_tokens: int) -> View:
    """The view with as many of its last demonstrations as fit, of at least one.

    Args:
        max_tokens: 0 for no limit.
    """
    while max_tokens and len(view.examples) > 1 and view_tokens(view) > max_tokens:
        view = replace(view, examples=view.examples[1:])
    return view


def cut_views(views: Sequence[View], max_tokens: int) -> tuple[View, ...]:
    """`cut_view` of each."""
    return tuple(cut_view(view, max_tokens) for view in views)


def half_of(views: Sequence[View]) -> int:
    """Half the tokens of the longest view."""
    return max(map(view_tokens, views), default=2) // 2
