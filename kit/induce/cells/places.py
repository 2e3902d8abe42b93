"""Features of a cell from where it is: in the grid, near what is filled, in its panel."""

from __future__ import annotations

import numpy as np

from kit.induce.cells.scene import NO_COLOUR, Planes, Scene

MOST_PANELS = 40


def place_planes(scene: Scene, planes: Planes) -> None:
    """Position in the grid, absolute, from the far side, and modulo small numbers."""
    y, x = scene.index
    far_y, far_x = scene.height - 1 - y, scene.width - 1 - x
    spread = scene.spread
    for name, value in (
        ("row", y), ("column", x), ("row_from_below", far_y), ("column_from_right", far_x),
    ):  # fmt: skip
        planes.number(f"place.{name}", spread(value))
        for modulus in (2, 3, 4):
            planes.number(f"place.{name}_mod_{modulus}", spread(value % modulus))
    for modulus in (2, 3, 4):
        planes.number(f"place.sum_mod_{modulus}", (y + x) % modulus)
        planes.number(f"place.difference_mod_{modulus}", (y - x) % modulus)
    edge = np.minimum(np.minimum(y, far_y), np.minimum(x, far_x))
    planes.number("place.edge_distance", edge)
    planes.number("place.edge_parity", edge % 2)
    planes.number("place.on_edge", edge == 0)
    planes.number("place.on_side_edge", spread((x == 0) | (far_x == 0)))
    planes.number("place.on_flat_edge", spread((y == 0) | (far_y == 0)))
    planes.number("place.corner", spread(((x == 0) | (far_x == 0)) & ((y == 0) | (far_y == 0))))
    planes.number("place.on_diagonals", (y == x).astype(np.int32) + 2 * (y == far_x))
    planes.number("place.any_diagonal", (y == x) | (y == far_x))
    planes.number("place.half_rows", spread(np.sign(y - far_y)))
    planes.number("place.half_columns", spread(np.sign(x - far_x)))


def distance_planes(scene: Scene, planes: Planes) -> None:
    """Nearest filled cell: how far, which colour."""
    for name, diagonal in (("4", False), ("8", True)):
        far, colour = scene.nearest(diagonal)
        planes.number(f"distance.steps{name}", far)
        planes.number(f"distance.parity{name}", np.where(far > 0, far % 2, -1))
        planes.number(f"distance.within_2_{name}", (far >= 0) & (far <= 2))
        planes.colour(f"distance.colour{name}", colour)


def inside_planes(scene: Scene, planes: Planes) -> None:
    """Enclosed cells: background that cannot reach the edge, and by which colour."""
    for name, diagonal in (("4", False), ("8", True)):
        empty = np.ascontiguousarray(~scene.filled).astype(np.uint8)
        labels, count = scene.labels(diagonal, True, -1)
        edge = np.zeros(count + 1, bool)
        for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
            edge[side] = True
        planes.number(f"inside.enclosed{name}", ~edge[labels] & (empty > 0))
        planes.number(f"inside.own_reaches_edge{name}", edge[labels])
        sizes = np.bincount(labels.ravel(), minlength=count + 1)
        hole = np.where(~edge[labels] & (empty > 0), sizes[labels], 0)
        planes.number(f"inside.hole_size{name}", hole)
        planes.number(f"inside.hole_parity{name}", np.where(hole > 0, hole % 2 + 1, 0))
        largest = hole.max()
        planes.number(
            f"inside.largest_hole{name}",
            (hole > 0).astype(np.int32) + ((hole == largest) & (hole > 0)),
        )
    up, down, left, right = scene.rays[0][:4] != NO_COLOUR
    planes.number("inside.surrounded", (up & down & left & right) & ~scene.filled)


def grid_planes(scene: Scene, planes: Planes) -> None:
    """What is the same for all cells: colours by how frequent they are, numbers of things."""
    counts = scene.colour_counts
    present = [int(c) for c in np.flatnonzero(counts)]
    by_count = sorted(present, key=lambda c: (-int(counts[c]), c))
    full = np.ones(scene.cells.shape, np.int32)
    planes.colour("grid.most_common", full * (by_count[0] if present else NO_COLOUR))
    planes.colour("grid.second", full * (by_count[1] if len(present) > 1 else NO_COLOUR))
    planes.colour("grid.least_common", full * (by_count[-1] if present else NO_COLOUR))
    planes.colour("grid.majority", full * int(np.bincount(scene.cells.ravel()).argmax()))
    planes.number("grid.colours", full * len(present))
    labels, count = scene.labels(True, True)
    largest = NO_COLOUR
    if count:
        label = int(np.bincount(labels.ravel())[1:].argmax()) + 1
        largest = int(scene.cells.ravel()[np.flatnonzero(labels.ravel() == label)[0]])
    planes.colour("grid.largest_object_colour", full * largest)
    planes.number("grid.objects", full * count)
    planes.number("grid.filled", full * int(scene.filled.sum()))
    for name, y, x in (
        ("top_left", 0, 0), ("top_right", 0, -1), ("bottom_left", -1, 0), ("bottom_right", -1, -1),
    ):  # fmt: skip
        planes.colour(f"grid.{name}", full * int(scene.cells[y, x]))
    planes.number("grid.symmetric", full * _symmetry(scene.cells))
    _role_planes(scene, planes, by_count, largest)


def _symmetry(cells: np.ndarray) -> int:
    return int(np.array_equal(cells, cells[:, ::-1])) + 2 * int(np.array_equal(cells, cells[::-1]))


def _role_planes(scene: Scene, planes: Planes, by_count: list[int], largest: int) -> None:
    """Masks relative to colours that play a role: rarest, second, of the largest object."""
    for role, colour in (
        ("rarest", by_count[-1] if by_count else NO_COLOUR),
        ("commonest", by_count[0] if by_count else NO_COLOUR),
        ("largest", largest),
    ):
        mask = scene.cells == colour
        hits = scene.rays[0] == colour
        planes.number(f"grid.is_{role}", mask)
        planes.number(f"grid.row_has_{role}", scene.spread(mask.any(1, keepdims=True)))
        planes.number(f"grid.column_has_{role}", scene.spread(mask.any(0, keepdims=True)))
        planes.number(f"grid.sees4_{role}", hits[:4].any(0))
        planes.number(f"grid.sees8_{role}", hits.any(0))
        planes.number(f"grid.in_box_of_{role}", _box(mask))
        padded = np.pad(mask, 1)
        height, width = mask.shape
        parts = [
            padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
            for dy in (-1, 0, 1)
            for dx in (-1, 0, 1)
        ]
        planes.number(f"grid.touches_{role}", np.any(parts, axis=0) & ~mask)


def _box(mask: np.ndarray) -> np.ndarray:
    """The bounding box of a mask, as a mask."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = np.zeros(mask.shape, bool)
    if rows.size:
        box[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return box


def box_planes(scene: Scene, planes: Planes) -> None:
    """Inside the bounding box of all cells of a colour, of everything."""
    planes.number("box.of_all", _box(scene.filled))
    for colour in range(10):
        planes.number(f"box.of_{colour}", _box(scene.cells == colour))


def _ranges(line: np.ndarray) -> list[tuple[int, int]]:
    """Half-open stretches between lines."""
    stretches, start = [], 0
    for i, cut in enumerate([*line.tolist(), True]):
        if cut:
            if i > start:
                stretches.append((start, i))
            start = i + 1
    return stretches


def panel_planes(scene: Scene, planes: Planes) -> None:
    """Position in, index of, and contents of the panel between separating lines."""
    cells = scene.cells
    rows = (cells == cells[:, :1]).all(1) & (cells[:, 0] != scene.background)
    columns = (cells == cells[:1]).all(0) & (cells[0] != scene.background)
    if not (rows.any() or columns.any()):
        return
    downs, rights = _ranges(rows), _ranges(columns)
    if not 1 < len(downs) * len(rights) <= MOST_PANELS:
        return
    names = ("row", "column", "y", "x", "index", "count", "rank")
    values = {n: np.full(cells.shape, -1, np.int32) for n in names}
    colours = {
        n: np.full(cells.shape, NO_COLOUR, np.int32) for n in ("colour", "overview", "centre")
    }
    sizes = [int(scene.filled[a:b, c:d].sum()) for a, b in downs for c, d in rights]
    for i, (a, b) in enumerate(downs):
        for j, (c, d) in enumerate(rights):
            part = np.s_[a:b, c:d]
            size = sizes[i * len(rights) + j]
            values["row"][part], values["column"][part] = i, j
            values["index"][part] = i * len(rights) + j
            values["y"][part] = np.arange(b - a)[:, None]
            values["x"][part] = np.arange(d - c)[None]
            values["count"][part] = size
            values["rank"][part] = sum(s > size for s in sizes)
            counts = np.bincount(cells[part].ravel(), minlength=10)
            counts[scene.background] = 0
            colours["colour"][part] = int(counts.argmax()) if counts.any() else NO_COLOUR
            colours["centre"][part] = int(cells[(a + b - 1) // 2, (c + d - 1) // 2])
    for name, plane in values.items():
        planes.number(f"panel.{name}", plane)
    planes.number(
        "panel.least_rank", np.where(values["count"] < 0, -1, values["count"] == min(sizes))
    )
    planes.number(
        "panel.checker", np.where(values["row"] < 0, -1, (values["row"] + values["column"]) % 2)
    )
    planes.number(
        "panel.border",
        (values["row"] == 0)
        | (values["row"] == len(downs) - 1)
        | (values["column"] == 0)
        | (values["column"] == len(rights) - 1),
    )
    for name in ("colour", "centre"):
        planes.colour(f"panel.{name}", colours[name])
    _meta_planes(scene, planes, downs, rights, values)


def _meta_planes(
    scene: Scene,
    planes: Planes,
    downs: list[tuple[int, int]],
    rights: list[tuple[int, int]],
    values: dict[str, np.ndarray],
) -> None:
    """For panels of one size: the cell at this place in the other panels together."""
    if len({b - a for a, b in downs}) > 1 or len({d - c for c, d in rights}) > 1:
        return
    parts = np.stack([scene.cells[a:b, c:d] for a, b in downs for c, d in rights]).astype(np.int32)
    shown = np.where(parts != scene.background, parts, -1)
    top = shown.max(0)
    filled = (shown >= 0).sum(0)
    inside = values["y"] >= 0
    y, x = np.maximum(values["y"], 0), np.maximum(values["x"], 0)
    planes.colour("panel.any_other", np.where(inside & (top[y, x] >= 0), top[y, x], NO_COLOUR))
    planes.number("panel.others_filled", np.where(inside, filled[y, x], -1))
    # The panels seen as one small picture: what that picture holds at this cell's own place.
    if (len(downs), len(rights)) == parts.shape[1:]:
        flat = parts.reshape(len(downs), len(rights), *parts.shape[1:])
        index = np.maximum(values["index"], 0)
        busiest = int((shown >= 0).sum((1, 2)).argmax())
        row, column = index // len(rights), index % len(rights)
        planes.colour(
            "panel.of_busiest",
            np.where(
                inside, flat[busiest // len(rights), busiest % len(rights)][row, column], NO_COLOUR
            ),
        )
