"""The output is a region of the input: an object, a panel, a frame's inside, chosen by features.

Many ways to cut the input, several views of a region, then perhaps a turn or other colours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kit.induce.areas.box_features import Boxes
from kit.induce.areas.choosing import Choice, Goal
from kit.induce.areas.region_views import (
    ROLES,
    VIEWS,
    painted_view,
    region_view,
    shrunk,
    view_shape,
)
from kit.induce.areas.regions import REGION_KINDS
from kit.induce.families.chosen import Plan, cut_grids, propose_choices
from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import Statement, call
from kit.induce.proposal import Proposal
from kit.induce.readings.turns import TURNS, UNTURNS

VIEW_BITS = {"box": 0.0, "own": 1.0, "rest": 3.0, "inside": 2.0, "grown": 4.0}
TURN_BITS = 4.0
POST_BITS = {"table": 3.0, "most": 3.0, "least": 3.5, "exchange": 3.0, "grid_least": 4.0,
             "shrink": 3.0, "clear": 1.0}  # fmt: skip


@dataclass(frozen=True)
class Cut(Plan):
    """Cut the chosen region out, turn it, change its colours.

    Attributes:
        view: a key of VIEW_BITS.
        post: "same", a name of `TURNS`, one of ROLES, "shrink", or "table" (colours are changed
            by a table learned from the chosen regions).
    """

    view: str
    post: str

    def answer(self, grid: int, index: int) -> np.ndarray | None:
        """See `Plan`."""
        if self.post in ROLES:
            return painted_view(self.boxes[grid], index, self.view, self.post)
        picture = region_view(self.boxes[grid], index, self.view)
        if picture is None or self.post == "table":
            return picture
        return shrunk(picture) if self.post == "shrink" else TURNS[self.post](picture)

    def finish(self, choice: Choice) -> tuple[tuple[Statement, ...], float] | None:
        """See `Plan`."""
        if self.post in ROLES:
            return (call("cut_painted", "$chosen", self.view, self.post),), 0.0
        if self.post == "same":
            return (call("cut_out", "$chosen", self.view),), 0.0
        cut = call("cut_out", "$chosen", self.view, target="cut")
        if self.post in TURNS:
            return (cut, call("turn_image", "$cut", self.post)), 0.0
        if self.post == "shrink":
            return (cut, call("shrink", "$cut")), 0.0
        table = self._colour_table(choice)
        if table is None:
            return None
        return (cut, call("map_colours", "$cut", table)), 2.0 * len(table)

    def _colour_table(self, choice: Choice) -> dict[int, int] | None:
        """Old colour -> new colour; None where it is no function or changes nothing."""
        table: dict[int, int] = {}
        for grid, output in enumerate(self.problem.outputs):
            picture = self.answer(grid, int(np.flatnonzero(choice.kept[grid])[0]))
            more = None if picture is None else _function(picture, output)
            if more is None or any(table.get(k, v) != v for k, v in more.items()):
                return None
            table |= more
        changed = {k: v for k, v in sorted(table.items()) if k != v}
        return changed or None


@dataclass(frozen=True)
class _Colour(Plan):
    """A block in the chosen region's colour."""

    def answer(self, grid: int, index: int) -> np.ndarray | None:
        """See `Plan`."""
        return np.full(self.problem.outputs[0].shape, self.boxes[grid].things[index].colour)

    def finish(self, choice: Choice) -> tuple[tuple[Statement, ...], float] | None:
        """See `Plan`."""
        height, width = self.problem.outputs[0].shape
        return (call("colour_of", "$chosen", height, width),), 0.0


def propose_crops(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Programs that choose a region and cut it out."""
    if problem.same_size or not problem.inputs:
        return
    yield from propose_choices(list(_plans(problem, meter)), meter)


def _plans(problem: Problem, meter: Meter) -> Iterator[Plan]:
    """All ways to read the outputs as regions that have a right one in every pair."""
    flat = len({o.shape for o in problem.outputs}) == 1 and all(
        (o == o[0, 0]).all() for o in problem.outputs
    )
    for kind in REGION_KINDS:
        if not meter.spend(6 * len(problem.grids)):
            return
        boxes = cut_grids(problem, kind)
        if boxes is None:
            continue
        for view in VIEWS:
            if not meter.spend(2):
                return
            yield from _view_plans(problem, kind, boxes, view)
        if flat:
            right = tuple(
                np.array([t.colour == int(o[0, 0]) for t in b.things])
                for b, o in zip(boxes, problem.outputs, strict=False)
            )
            if all(r.any() for r in right):
                yield _Colour(problem, kind, boxes, 2.0, Goal(right))


def _view_plans(problem: Problem, kind: str, boxes: tuple[Boxes, ...], view: str) -> Iterator[Cut]:
    """The plans of one view: as it is, else turned, painted, shrunk, recoloured."""
    posts: dict[str, list[np.ndarray]] = {}
    for grid, (box, output) in enumerate(zip(boxes, problem.outputs, strict=False)):
        matches = [_matches(box, i, view, output) for i in range(len(box.things))]
        everywhere = set().union(*matches)
        for post in everywhere if grid == 0 else everywhere & posts.keys():
            posts.setdefault(post, []).append(np.array([post in m for m in matches]))
        posts = {p: flags for p, flags in posts.items() if len(flags) == grid + 1}
        if not posts:
            return
    for post in ["same"] if "same" in posts else sorted(posts):
        bits = VIEW_BITS[view] + (0.0 if post == "same" else POST_BITS.get(post, TURN_BITS))
        yield Cut(problem, kind, boxes, bits, Goal(tuple(posts[post])), view, post)


def _matches(boxes: Boxes, index: int, view: str, output: np.ndarray) -> frozenset[str]:
    """What has to be done to a view so that it is the output; empty where nothing does it."""
    height, width = view_shape(boxes, index, view)
    if (height, width) not in (output.shape, output.shape[::-1]):
        return _shrinks(boxes, index, view, output)
    picture = region_view(boxes, index, view)
    if picture is None:
        return frozenset()
    found = {t for t in TURNS if np.array_equal(picture, TURNS[UNTURNS[t]](output))}
    if picture.shape == output.shape:
        if _function(picture, output) is not None:
            found.add("table")
        for role in ROLES:
            painted = painted_view(boxes, index, view, role)
            if painted is not None and np.array_equal(painted, output):
                found.add(role)
    return frozenset(found)


def _shrinks(boxes: Boxes, index: int, view: str, output: np.ndarray) -> frozenset[str]:
    """Whether a view is the output in larger."""
    height, width = view_shape(boxes, index, view)
    if height <= output.shape[0] or height * output.shape[1] != width * output.shape[0]:
        return frozenset()
    picture = region_view(boxes, index, view)
    small = None if picture is None else shrunk(picture)
    return frozenset(("shrink",) if small is not None and np.array_equal(small, output) else ())


def _function(picture: np.ndarray, output: np.ndarray) -> dict[int, int] | None:
    """The colour table that makes one picture the other, if it tells at least two colours apart."""
    pairs = np.unique(picture.astype(int) * 10 + output)
    table = {int(p) // 10: int(p) % 10 for p in pairs}
    if len(table) != len(pairs) or (len(set(table.values())) < 2 and len(table) > 1):
        return None
    return table
