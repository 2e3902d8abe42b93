"""Features of a cell from what lies around it: neighbours, rays, rows, columns, mirrors."""

from __future__ import annotations

import numpy as np

from kit.induce.cells.scene import NO_COLOUR, STEP_NAMES, STEPS, Planes, Scene


def own_planes(scene: Scene, planes: Planes) -> None:
    """The cell itself, absolutely and by the role that its colour plays in the grid."""
    cells = scene.cells
    planes.colour("own.colour", cells)
    planes.number("own.filled", scene.filled)
    counts = scene.colour_counts
    rank = np.zeros(10, np.int32)
    order = sorted((int(-counts[c]), c) for c in range(10) if counts[c])
    for place, (_, colour) in enumerate(order, 1):
        rank[colour] = place
    planes.number("own.rank", rank[cells])
    last = rank.max()
    planes.number("own.rank_from_last", np.where(rank > 0, last + 1 - rank, 0)[cells])
    planes.number("own.count", counts[cells])


def _count(hits: list[np.ndarray]) -> np.ndarray:
    total = np.zeros(hits[0].shape, np.int32)
    for hit in hits:
        total += hit
    return total


def near_planes(scene: Scene, planes: Planes) -> None:
    """The eight neighbours: colours, counts, counts by colour, bit masks."""
    beside = [scene.neighbour(dy, dx) for dy, dx in STEPS]
    for name, plane in zip(STEP_NAMES, beside, strict=True):
        planes.colour(f"near.{name}", plane)
    filled = [(b != scene.background) & (b != NO_COLOUR) for b in beside]
    same = [b == scene.cells for b in beside]
    for name, hits in (("filled", filled), ("same", same)):
        four, corners = _count(hits[:4]), _count(hits[4:])
        planes.number(f"near.{name}4", four)
        planes.number(f"near.{name}8", four + corners)
        planes.number(f"near.{name}_corners", corners)
        planes.number(
            f"near.{name}_mask4", sum(h.astype(np.int32) << k for k, h in enumerate(hits[:4]))
        )
        planes.number(
            f"near.{name}_mask8", sum(h.astype(np.int32) << k for k, h in enumerate(hits))
        )
    stack = np.stack(beside)
    for colour in range(10):
        hits = stack == colour
        four, all8 = hits[:4].sum(0), hits.sum(0)
        planes.number(f"near.count4_of_{colour}", four)
        planes.number(f"near.count8_of_{colour}", all8)
        planes.number(f"near.any4_of_{colour}", four > 0)
        planes.number(f"near.any8_of_{colour}", all8 > 0)
    shown = np.where(np.stack(filled), stack, -1)
    for name, part in (("4", shown[:4]), ("8", shown), ("_corners", shown[4:])):
        top = part.max(0)
        planes.colour(f"near.colour{name}", np.where(top >= 0, top, NO_COLOUR))
    sizes = np.stack([(stack == c).sum(0) for c in range(10)])
    planes.colour("near.majority8", sizes.argmax(0))
    sizes[scene.background] = 0
    most = sizes.argmax(0)
    planes.colour("near.majority_filled8", np.where(sizes.max(0) > 0, most, NO_COLOUR))
    left, right, up, down = beside[2], beside[3], beside[0], beside[1]
    planes.number("near.left_is_right", (left == right) & (left != scene.cells))
    planes.number("near.up_is_down", (up == down) & (up != scene.cells))


def ray_planes(scene: Scene, planes: Planes) -> None:
    """The first filled cell in each of eight directions."""
    hit, far = scene.rays
    for k, name in enumerate(STEP_NAMES):
        planes.colour(f"ray.{name}", hit[k])
    seen = far > 0
    for name, part in (("4", slice(0, 4)), ("_corners", slice(4, 8)), ("8", slice(0, 8))):
        planes.number(f"ray.seen{name}", seen[part].sum(0))
        shown = np.where(seen[part], hit[part], -1)
        top = shown.max(0)
        planes.colour(f"ray.colour{name}", np.where(top >= 0, top, NO_COLOUR))
        where = np.where(seen[part], far[part], 999)
        first = where.argmin(0)
        closest = np.take_along_axis(hit[part], first[None], 0)[0]
        planes.colour(f"ray.closest{name}", closest)
        planes.number(f"ray.distance{name}", where.min(0))
        for colour in range(10):
            planes.number(f"ray.sees{name}_{colour}", (hit[part] == colour).any(0))
    up, down, left, right, a, b, c, d = hit
    for name, one, two in (
        ("vertical", up, down), ("horizontal", left, right), ("falling", a, d), ("rising", b, c),
    ):  # fmt: skip
        both = (one == two) & (one != NO_COLOUR)
        planes.colour(f"ray.between_{name}", np.where(both, one, NO_COLOUR))
        planes.number(f"ray.seen_{name}", (one != NO_COLOUR).astype(np.int32) + (two != NO_COLOUR))
        either = np.where(one == NO_COLOUR, two, one)
        planes.colour(f"ray.either_{name}", either)
    between = np.where((up == down) & (up != NO_COLOUR), up, NO_COLOUR)
    between = np.where((left == right) & (left != NO_COLOUR), left, between)
    planes.colour("ray.between4", between)


def _majority(counts: np.ndarray) -> np.ndarray:
    """The most frequent colour of (10, ...) counts; NO_COLOUR where all are 0."""
    best = counts.argmax(0)
    return np.where(counts.max(0) > 0, best, NO_COLOUR)


def row_planes(scene: Scene, planes: Planes) -> None:
    """What the cell's row and its column hold."""
    one_hot = scene.cells[None] == np.arange(10)[:, None, None]
    ranks: dict[str, np.ndarray] = {}
    for name, axis in (("row", 2), ("column", 1)):
        counts = one_hot.sum(axis, keepdims=True)
        planes.number(f"{name}.uniform", scene.spread((counts > 0).sum(0) == 1))
        planes.number(f"{name}.colours", scene.spread((counts > 0).sum(0)))
        planes.colour(f"{name}.majority", scene.spread(counts.argmax(0)))
        for colour in range(10):
            planes.number(f"{name}.has_{colour}", scene.spread(counts[colour] > 0))
        counts[scene.background] = 0
        total = counts.sum(0)
        ranks[name] = total
        planes.colour(f"{name}.colour", scene.spread(_majority(counts)))
        planes.number(f"{name}.filled", scene.spread(total > 0))
        planes.number(f"{name}.count", scene.spread(total))
        planes.number(f"{name}.fullest", scene.spread(total == total.max()))
        planes.number(f"{name}.count_parity", scene.spread(total % 2))
        first = scene.cells[:, :1] if axis == 2 else scene.cells[:1]
        last = scene.cells[:, -1:] if axis == 2 else scene.cells[-1:]
        planes.colour(f"{name}.first", scene.spread(first))
        planes.colour(f"{name}.last", scene.spread(last))
        planes.number(
            f"{name}.ends_equal", scene.spread((first == last) & (first != scene.background))
        )
    cross = (ranks["row"] > 0).astype(np.int32) + (ranks["column"] > 0)
    planes.number("row.or_column_filled", cross)
    full = (one_hot.sum(2, keepdims=True) == scene.width).any(0)
    full_column = (one_hot.sum(1, keepdims=True) == scene.height).any(0)
    planes.number("row.is_line", scene.spread(full & (scene.cells[:, :1] != scene.background)))
    planes.number(
        "column.is_line", scene.spread(full_column & (scene.cells[:1] != scene.background))
    )


def mirror_planes(scene: Scene, planes: Planes) -> None:
    """The cells at mirrored and shifted places."""
    cells = scene.cells.astype(np.int32)
    views = [
        ("left_right", cells[:, ::-1]), ("up_down", cells[::-1]), ("point", cells[::-1, ::-1]),
    ]  # fmt: skip
    if scene.height == scene.width:
        views += [
            ("transposed", cells.T), ("antitransposed", cells[::-1, ::-1].T),
            ("turned_right", np.rot90(cells, -1)), ("turned_left", np.rot90(cells)),
        ]  # fmt: skip
    for name, view in views:
        planes.colour(f"mirror.{name}", view)
    for name, axis, shift in (("up", 0, -1), ("down", 0, 1), ("left", 1, -1), ("right", 1, 1)):
        planes.colour(f"mirror.rolled_{name}", np.roll(cells, shift, axis))
