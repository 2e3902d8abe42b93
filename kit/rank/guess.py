"""Cheap guesses: what to answer when no model has answered yet, within a millisecond.

What it does: tries a few families of fixed rules (symmetries with a colour map, tilings, scalings,
sub-blocks, boxes, constants). A rule that reproduces every demonstration comes first; then follow
guesses that only get the size, or the most common content, right. Plain Python on tuples, because
it runs before anything heavy is imported and converting to arrays would cost more than it saves.
What it does not: search; rules are never composed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import chain

from kit.arc.grid import MAX_SIDE, NUM_COLOURS, Grid, shape
from kit.arc.task import Pair, Task

Rule = Callable[[Grid], Grid]
Pairs = Sequence[Pair]

MAX_TILES = 25
"""Tilings with more copies than this are not tried: none of the public tasks needs them."""


@lru_cache(maxsize=1024)
def guess_outputs(task: Task, test_index: int) -> tuple[Grid, Grid]:
    """The two best cheap guesses for one test input; always two different valid grids.

    Remembered: they fill the first file and stand in again whenever a pool runs out.
    """
    seen: list[Grid] = []
    for grid in guesses(task, test_index):
        if grid not in seen:
            seen.append(grid)
        if len(seen) == 2:
            break
    return seen[0], seen[1]


def guesses(task: Task, test_index: int) -> Iterator[Grid]:
    """Valid guesses for one test input, best first, equal ones possibly repeated; at least two
    distinct ones."""
    query = task.test[test_index]
    for rule in fitting_rules(task.train):
        if _is_valid(grid := rule(query)):
            yield grid
    for grid in chain(_likely(task.train, query), _blanks(task.train, query)):
        if _is_valid(grid):
            yield grid


def fitting_rules(pairs: Pairs) -> Iterator[Rule]:
    """Rules that reproduce every demonstration, simplest first; none without demonstrations."""
    if not pairs:
        return
    yield from _symmetry_rules(pairs)
    outputs = [pair.output for pair in pairs]
    if outputs.count(outputs[0]) == len(outputs):
        yield partial(_constant, outputs[0])
    for rule in chain(_size_rules(pairs), (partial(_box, None), partial(_box, 0))):
        if all(rule(pair.input) == pair.output for pair in pairs):
            yield rule
    yield from _tile_rules(pairs)


def _is_valid(grid: Grid) -> bool:
    return 1 <= len(grid) <= MAX_SIDE and 1 <= len(grid[0]) <= MAX_SIDE


def _constant(output: Grid, _: Grid) -> Grid:
    return output


def turned(grid: Grid, dihedral: int) -> Grid:
    """The grid under symmetry 0..7, as `kit.augment.transform.Transform` numbers them."""
    if dihedral >= 4:
        grid = tuple(row[::-1] for row in grid)
    for _ in range(dihedral % 4):
        grid = tuple(zip(*grid, strict=True))[::-1]
    return grid


def _symmetry_rules(pairs: Pairs) -> Iterator[Rule]:
    """One of 8 symmetries followed by a constant colour map learnt from the demonstrations."""
    for dihedral in range(8):
        colours = _colour_map(pairs, dihedral)
        if colours is not None:
            yield partial(_turned_recoloured, dihedral, colours)


def _colour_map(pairs: Pairs, dihedral: int) -> tuple[int, ...] | None:
    """What each colour becomes after the symmetry, unseen colours themselves; None if the
    demonstrations contradict a constant map."""
    known: dict[int, int] = {}
    for pair in pairs:
        height, width = shape(pair.input)
        if shape(pair.output) != ((width, height) if dihedral % 2 else (height, width)):
            return None
        for old, new in zip(turned(pair.input, dihedral), pair.output, strict=True):
            for a, b in zip(old, new, strict=True):
                if known.setdefault(a, b) != b:
                    return None
    return tuple(known.get(c, c) for c in range(NUM_COLOURS))


def _recoloured(colours: Sequence[int], grid: Grid) -> Grid:
    return tuple(tuple(map(colours.__getitem__, row)) for row in grid)


def _turned_recoloured(dihedral: int, colours: Sequence[int], grid: Grid) -> Grid:
    return _recoloured(colours, turned(grid, dihedral))


def _ratio(pairs: Pairs, grow: bool) -> tuple[int, int] | None:
    """(rows, columns) by which every output is a whole multiple of its input, or with `grow`
    False every input of its output; None if there is no such constant pair."""
    found: tuple[int, int] | None = None
    for pair in pairs:
        large, small = (pair.output, pair.input) if grow else (pair.input, pair.output)
        (large_h, large_w), (h, w) = shape(large), shape(small)
        ratio = large_h // h, large_w // w
        if large_h % h or large_w % w or found not in (None, ratio):
            return None
        found = ratio
    return found


def _size_rules(pairs: Pairs) -> Iterator[Rule]:
    """Rules of a constant size ratio other than 1, still to be checked."""
    if (ratio := _ratio(pairs, grow=True)) and ratio != (1, 1):
        yield partial(_magnified, *ratio)
    if (ratio := _ratio(pairs, grow=False)) and ratio != (1, 1):
        yield partial(_sampled, *ratio)
        if ratio[0] * ratio[1] <= MAX_TILES:
            yield from (
                partial(_block, *ratio, y, x) for y in range(ratio[0]) for x in range(ratio[1])
            )


def _magnified(rows: int, columns: int, grid: Grid) -> Grid:
    """Every cell as a block of rows x columns cells; empty where that is too large."""
    if len(grid) * rows > MAX_SIDE or len(grid[0]) * columns > MAX_SIDE:
        return ()
    wide = (tuple(c for c in row for _ in range(columns)) for row in grid)
    return tuple(row for row in wide for _ in range(rows))


def _sampled(rows: int, columns: int, grid: Grid) -> Grid:
    """The first cell of every block of rows x columns cells."""
    return tuple(row[::columns] for row in grid[::rows])


def _block(rows: int, columns: int, y: int, x: int, grid: Grid) -> Grid:
    """Part (y, x) of a grid cut into rows x columns parts; may be empty for small grids."""
    height, width = len(grid) // rows, len(grid[0]) // columns
    return tuple(row[x * width : (x + 1) * width] for row in grid[y * height : (y + 1) * height])


def _box(background: int | None, grid: Grid) -> Grid:
    """The smallest rectangle around all cells but the background, by default the most common
    colour; the whole grid where there is nothing else."""
    if background is None:
        background = _common_colour([grid])
    rows = [y for y, row in enumerate(grid) if any(c != background for c in row)]
    columns = [
        x for x, col in enumerate(zip(*grid, strict=True)) if any(c != background for c in col)
    ]
    if not rows:
        return grid
    return tuple(row[columns[0] : columns[-1] + 1] for row in grid[rows[0] : rows[-1] + 1])


def _tile_rules(pairs: Pairs) -> Iterator[Rule]:
    """The output as copies of the input, the copy at each place under its own fixed symmetry."""
    ratio = _ratio(pairs, grow=True)
    if not ratio or not 1 < ratio[0] * ratio[1] <= MAX_TILES:
        return
    places = {(y, x): tuple(range(8)) for y in range(ratio[0]) for x in range(ratio[1])}
    for pair in pairs:
        images = [turned(pair.input, d) for d in range(8)]
        for (y, x), fitting in places.items():
            tile = _block(*ratio, y, x, pair.output)
            places[y, x] = tuple(d for d in fitting if images[d] == tile)
            if not places[y, x]:
                return
    yield partial(_tiled, [[places[y, x][0] for x in range(ratio[1])] for y in range(ratio[0])])


def _tiled(plan: Sequence[Sequence[int]], grid: Grid) -> Grid:
    """Copies of the grid, each under the symmetry that `plan` has in its place. Symmetries that
    swap the sides stand for themselves only on square grids, else the grid is copied as it is.
    Empty where the result is too large."""
    if len(grid) * len(plan) > MAX_SIDE or len(grid[0]) * len(plan[0]) > MAX_SIDE:
        return ()
    square = len(grid) == len(grid[0])
    images = [turned(grid, d if square or d % 2 == 0 else 0) for d in range(8)]
    return tuple(
        tuple(chain.from_iterable(images[d][y] for d in line))
        for line in plan
        for y in range(len(grid))
    )


def _likely(pairs: Pairs, query: Grid) -> Iterator[Grid]:
    """Guesses that no demonstration confirms: first those of the expected size."""
    outputs = [pair.output for pair in pairs]
    sizes = {shape(output) for output in outputs}
    if _ratio(pairs, grow=True) == (1, 1):
        yield _recoloured(_majority_colours(pairs), query)
        yield query
    if len(sizes) == 1:
        yield _most_common_output(outputs)
        yield _cell_majority(outputs)
    for rule in _size_rules(pairs):
        yield rule(query)
    if outputs:
        yield _most_common_output(outputs)
    yield query


def _majority_colours(pairs: Pairs) -> tuple[int, ...]:
    """What each colour most often becomes in demonstrations of equal size; ties keep it, then go
    to the smaller colour."""
    counts: Counter[tuple[int, int]] = Counter()
    for pair in pairs:
        for old, new in zip(pair.input, pair.output, strict=True):
            counts.update(zip(old, new, strict=True))
    return tuple(
        max(range(NUM_COLOURS), key=lambda b, a=a: (counts[a, b], b == a, -b))
        for a in range(NUM_COLOURS)
    )


def _most_common_output(outputs: Sequence[Grid]) -> Grid:
    """The most frequent output, the first of them on a tie."""
    return Counter(outputs).most_common(1)[0][0]


def _cell_majority(outputs: Sequence[Grid]) -> Grid:
    """The most frequent colour of each cell of outputs of one size."""
    return tuple(
        tuple(Counter(cells).most_common(1)[0][0] for cells in zip(*rows, strict=True))
        for rows in zip(*outputs, strict=True)
    )


def _common_colour(grids: Sequence[Grid]) -> int:
    """The most frequent colour, the smallest on a tie."""
    counts = Counter(chain.from_iterable(chain.from_iterable(grids)))
    return max(counts, key=lambda colour: (counts[colour], -colour))


def _blanks(pairs: Pairs, query: Grid) -> Iterator[Grid]:
    """Grids of one colour: the commonest first, so that there are always two distinct guesses."""
    outputs = [pair.output for pair in pairs]
    size = shape(outputs[0]) if len({shape(o) for o in outputs}) == 1 else shape(query)
    first = _common_colour(outputs or [query])
    for colour in (first, *(c for c in range(NUM_COLOURS) if c != first)):
        yield ((colour,) * size[1],) * size[0]
