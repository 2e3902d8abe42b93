"""Doing different things for different grids."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from kit.induce.primitives.measures import picture
from kit.induce.program import parse_program
from kit.induce.readings.grid_facts import grid_fact_of
from kit.induce.values import Image, make_image


def grid_fact(image: Image, name: str) -> Hashable:
    """One of the FACTS about a grid (kit.induce.readings.grid_facts)."""
    return grid_fact_of(image.cells, name)


def picture_for(fact: Hashable, pictures: Mapping[Hashable, str]) -> Image | None:
    """The picture that a table has for a fact, spelt as `picture` reads it; undefined where the
    table has none."""
    return picture(pictures[fact]) if fact in pictures else None


def run_case(image: Image, fact: Hashable, cases: Mapping[Hashable, str]) -> Image | None:
    """What the program that a table has for a fact makes of a grid; `None` as a key stands for
    all facts that are not in the table."""
    text = cases.get(fact, cases.get(None))
    cells = None if text is None else parse_program(text).run(image.cells)
    return None if cells is None else make_image(cells)
