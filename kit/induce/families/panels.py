"""Programs that cut the input into panels and choose, overlay or count them.

What it does: cuts by lines or equal parts; a panel by number or property; overlays by table or
priority; one cell for each panel, also spread over the panels again. What it does not: change the
inside of panels (see `inverse_steps`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from kit.induce.families.panel_cuts import Cut, cuts_of
from kit.induce.meter import Meter
from kit.induce.primitives.panels import (
    unfold_panels,
)
from kit.induce.problem import Problem
from kit.induce.program import Program, Statement, call
from kit.induce.proposal import Proposal
from kit.induce.readings.panel_facts import (
    KINDS,
    NUMBERS,
    REFERENCES,
    compared_layers,
    panel_places,
    panel_values,
    panels_background,
    read_stack,
)
from kit.induce.sift import best_first, sift
from kit.induce.values import Image, Images

TABLED = ("uniform", *NUMBERS, "main_colour", "symmetric", "full", "empty", "mask")
"""Properties of a panel that a table may turn into a colour, simplest first."""


def propose_panels(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Programs over the panels of the input, cheapest cut first."""
    for cut in cuts_of(problem.grids, meter):
        candidates = best_first(
            _overlays(problem, cut),
            _choices(problem, cut),
            _small_grids(problem, cut),
            _comparisons(problem, cut),
        )
        yield from sift(candidates, problem, meter, nodes=8.0)


def _program(cut: Cut, *tail: Statement) -> Program:
    """The cut and what follows it."""
    return Program((cut.statement, *tail))


def _overlays(problem: Problem, cut: Cut) -> Iterator[Proposal]:
    """All panels over each other."""
    shapes = [{panel.cells.shape for panel in panels} for panels in cut.panels]
    wanted = [{output.shape} for output in problem.outputs]
    if shapes[: len(wanted)] != wanted or any(len(s) != 1 for s in shapes):
        return
    unfolded = tuple(unfold_panels(panels) or () for panels in cut.panels)
    unfold = call("unfold_panels", "$panels", target="unfolded")
    for panels, head, name, bits in ((cut.panels, (), "$panels", 0.0),
                                     (unfolded, (unfold,), "$unfolded", 2.0)):  # fmt: skip
        for tail, tail_bits in _overlay_tails(problem, panels, name):
            yield Proposal(_program(cut, *head, tail), cut.bits + bits + tail_bits)


def _overlay_tails(
    problem: Problem, panels: tuple[Images, ...], name: str
) -> Iterator[tuple[Statement, float]]:
    """Last lines that lay panels over each other."""
    yield call("overlay_panels", name), 1.0
    count = len(panels[0])
    if count > 9 or any(len(many) != count for many in panels):
        return
    pairs = [
        (np.stack([p.cells for p in many]), panels_background(many), output)
        for many, output in zip(panels, problem.outputs, strict=False)
    ]
    order = _learn_order(pairs)
    if order is not None:
        yield call("overlay_panels", name, order), 1.0 + math.log2(math.factorial(count))
    for reading, bits in (("filled", 1.0), ("count", 2.0), ("colours", 3.0)):
        table = _learn_table(pairs, reading)
        # A table that is nearly as long as what it explains explains nothing.
        if table is not None and 4 * len(table) <= 3 * sum(output.size for _, _, output in pairs):
            yield call("combine_panels", name, reading, table), bits + 0.8 * len(table)


def _learn_order(pairs: list[tuple[np.ndarray, int, np.ndarray]]) -> tuple[int, ...] | None:
    """Panels from the top one down, so that the overlay is the output; None if there is none."""
    left = list(range(len(pairs[0][0])))
    todo = [np.ones(output.shape, bool) for _, _, output in pairs]
    order = []
    while left:
        for index in left:
            shown = [s[index] != b for s, b, _ in pairs]
            if all(
                (s[index] == o)[t & m].all()
                for (s, _, o), t, m in zip(pairs, todo, shown, strict=True)
            ):
                break
        else:
            return None
        left.remove(index)
        order.append(index)
        todo = [t & ~m for t, m in zip(todo, shown, strict=True)]
    return tuple(order)


def _learn_table(
    pairs: list[tuple[np.ndarray, int, np.ndarray]], reading: str
) -> dict[int, int] | None:
    """Reading -> colour or copied panel, if the outputs are a function of the reading."""
    allowed: dict[int, list[int]] = {}
    count = len(pairs[0][0])
    for stack, background, output in pairs:
        keys = read_stack(stack, reading, background)
        for key in np.unique(keys).tolist():
            at = keys == key
            values = [-1 - k for k in range(count) if (stack[k][at] == output[at]).all()]
            colours = np.unique(output[at])
            if len(colours) == 1:
                # A copied filled cell generalises better than its colour, an empty one worse.
                values.insert(0 if colours[0] == background else len(values), int(colours[0]))
            kept = allowed.get(key, values)
            allowed[key] = [value for value in kept if value in values]
            if not allowed[key]:
                return None
    return {key: values[0] for key, values in sorted(allowed.items())}


def _comparisons(problem: Problem, cut: Cut) -> Iterator[Proposal]:
    """Every panel changed by a comparison with one of them."""
    if not problem.same_size:
        return
    for rank, word in enumerate(REFERENCES):
        pairs = []
        for given, output, panels in zip(problem.inputs, problem.outputs, cut.panels, strict=False):
            layers = compared_layers(Image(given), panels, word)
            if layers is None:
                break
            for stack, panel in zip(layers[0], panels, strict=True):
                h, w = panel.cells.shape
                shown = output[panel.y : panel.y + h, panel.x : panel.x + w]
                pairs.append((stack, layers[1], shown))
        else:
            table = _learn_table(pairs, "filled")
            if table is not None:
                line = call("compare_panels", "$input", "$panels", word, table)
                yield Proposal(_program(cut, line), cut.bits + 3.0 + rank + 0.8 * len(table))


def _choices(problem: Problem, cut: Cut) -> Iterator[Proposal]:
    """One of the panels."""
    for output, panels in zip(problem.outputs, cut.panels, strict=False):
        if not any(np.array_equal(panel.cells, output) for panel in panels):
            return
    least = min(len(panels) for panels in cut.panels)
    for index in range(-1, min(least, 9)):
        bits = 2.0 + math.log2(least)
        yield Proposal(_program(cut, call("panel_at", "$panels", index)), cut.bits + bits)
    yield Proposal(_program(cut, call("common_panel", "$panels")), cut.bits + 3.0)
    for rank, name in enumerate((*KINDS, *NUMBERS)):
        bits = cut.bits + 3.0 + 0.1 * rank
        yield Proposal(_program(cut, call("odd_panel", "$panels", name)), bits)
        if name in NUMBERS:
            for most in (True, False):
                tail = call("extreme_panel", "$panels", name, most)
                yield Proposal(_program(cut, tail), bits + 0.5 * (not most))


def _small_grids(problem: Problem, cut: Cut) -> Iterator[Proposal]:
    """One cell for each panel, as the output or spread over the panels of the input."""
    small = [_cell_per_panel(o, p) for o, p in zip(problem.outputs, cut.panels, strict=False)]
    turned = [_cell_per_panel(o.T, p) for o, p in zip(problem.outputs, cut.panels, strict=False)]
    if all(s is not None for s in small):
        spread: tuple[Statement, ...] = ()
    elif all(s is not None for s in turned):
        small, spread = turned, (call("turn_image", "$small", "transpose"),)
    else:
        small = [
            _uniform_panels(i, o, p)
            for i, o, p in zip(problem.inputs, problem.outputs, cut.panels, strict=False)
        ]
        if any(s is None for s in small):
            return
        spread = (call("fill_panels", "$input", "$panels", "$small"),)
    target = "small" if spread else "output"
    for primitive, arguments, bits in _cell_rules(cut, small):  # type: ignore[arg-type]
        line = call(primitive, "$panels", *arguments, target=target)
        yield Proposal(_program(cut, line, *spread), cut.bits + bits)


def _cell_rules(cut: Cut, small: list[list[int]]) -> Iterator[tuple[str, tuple[Any, ...], float]]:
    """Ways to colour a cell by its panel: primitive, arguments after the panels, bits."""
    yield "panels_to_cells", ("main_colour",), 1.0
    for rank, name in enumerate(TABLED):
        table: dict[Any, int] = {}
        if all(
            table.setdefault(value, colour) == colour
            for panels, colours in zip(cut.panels, small, strict=False)
            for value, colour in zip(panel_values(panels, name), colours, strict=True)
        ):
            ordered = dict(sorted(table.items()))
            yield "panels_to_cells", (name, ordered), 2.0 + 0.1 * rank + len(table)
    for name, most, colour in _marks(cut.panels[0], small[0]):
        bits = 3.0 + 0.05 * list(NUMBERS).index(name) + 1.5 * (colour is not None)
        yield "mark_extreme_panels", (name, most, colour), bits


def _marks(panels: Images, colours: list[int]) -> Iterator[tuple[str, bool, int | None]]:
    """Ways to mark extreme panels that give the cells of one pair: property, most, colour."""
    background = panels_background(panels)
    main = panel_values(panels, "main_colour")
    filled = [colour != background for colour in colours]
    for name in NUMBERS:
        values = panel_values(panels, name)
        for most in (True, False):
            target = max(values) if most else min(values)  # type: ignore[type-var]
            if filled != [value == target for value in values]:
                continue
            shown = [colour for colour in colours if colour != background]
            if shown == [m for m, f in zip(main, filled, strict=True) if f]:
                yield name, most, None
            if len(set(shown)) == 1:
                yield name, most, shown[0]


def _cell_per_panel(output: np.ndarray, panels: Images) -> list[int] | None:
    """The output's colour for each panel, if it has the shape of the arrangement."""
    rows, columns = panel_places(panels)
    if output.shape != (max(rows) + 1, max(columns) + 1):
        return None
    return [int(c) for c in output[rows, columns]]


def _uniform_panels(given: np.ndarray, output: np.ndarray, panels: Images) -> list[int] | None:
    """Each panel's colour in the output, if all are uniform there and nothing else changed."""
    if given.shape != output.shape:
        return None
    same = given == output
    colours = []
    for panel in panels:
        h, w = panel.cells.shape
        part = output[panel.y : panel.y + h, panel.x : panel.x + w]
        if (part != part[0, 0]).any():
            return None
        same[panel.y : panel.y + h, panel.x : panel.x + w] = True
        colours.append(int(part[0, 0]))
    return colours if same.all() else None
