"""What candidates offer at all, said without any of the rules that choose among them."""

from __future__ import annotations

from collections.abc import Iterable

from kit.arc.candidate import Candidate
from kit.arc.grid import Grid, shape


def is_offered(candidates: Iterable[Candidate], grid: Grid) -> bool:
    """Whether candidates hold a grid, or all its rows, or all its columns.

    A vote by rows may fill in what nobody proposed, but only in a shape that somebody did, from
    rows that stand in the same place of grids of that width; likewise by columns.
    """
    grids = [candidate.grid for candidate in candidates]
    if shape(grid) not in map(shape, grids):
        return False
    return grid in grids or _of_rows(grids, grid) or _of_rows(map(_turned, grids), _turned(grid))


def _of_rows(grids: Iterable[Grid], grid: Grid) -> bool:
    rows = {(len(one[0]), y, row) for one in grids for y, row in enumerate(one)}
    return all((len(grid[0]), y, row) in rows for y, row in enumerate(grid))


def _turned(grid: Grid) -> Grid:
    return tuple(zip(*grid, strict=True))
