"""Covering the outputs with layers: greedy choice among pieces that write no wrong cell.

A layer is a piece (an image of the output's size on every example) and a use of it (all cells,
filled ones, empty ones, filled ones in one colour). Layers are chosen from the top down: each may
write only what the ones above left open, must be right there on the demonstrations that count,
and should explain as many open cells as possible.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from kit.induce.primitives.layers import OPEN

MAX_LAYERS = 8


@numba.njit(cache=True)
def _gains(writes, right, open_cells):  # type: ignore[no-untyped-def]
    """Open cells that each layer explains; -1 for one that would write a wrong cell.

    Args:
        writes, right: (L, W) uint64 bit sets of cells that a layer writes, writes rightly.
        open_cells: (W,) uint64.
    """
    layers, words = writes.shape
    gains = np.zeros(layers, np.int32)
    for i in range(layers):
        total = 0
        for w in range(words):
            written = writes[i, w] & open_cells[w]
            if written & ~right[i, w]:
                total = -1
                break
            # Bits set in a word: pairs, nibbles, bytes, then all bytes added up.
            v = written - ((written >> np.uint64(1)) & np.uint64(0x5555555555555555))
            v = (v & np.uint64(0x3333333333333333)) + (
                (v >> np.uint64(2)) & np.uint64(0x3333333333333333)
            )
            v = (v + (v >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
            total += (v * np.uint64(0x0101010101010101)) >> np.uint64(56)
        gains[i] = total
    return gains


@dataclass(frozen=True, slots=True)
class Use:
    """A way to use a piece as a layer.

    Attributes:
        name: as `kit.induce.primitives.layers.lay` takes it; "dot" for the filled cells in the
            colour of a one-cell image.
        bits: that it adds to the length.
        colours: (C + T,) uint8, what is painted on the cells of all examples; None for the
            piece's own colours.
        dot: column of the one-cell image; None without one.
    """

    name: str
    bits: float
    colours: np.ndarray | None = None
    dot: int | None = None


OWN_USES = (Use("all", 1.0), Use("filled", 1.5), Use("empty", 3.0))
PAINT_BITS, DOT_BITS = 4.0, 5.0


@dataclass(frozen=True, slots=True)
class Layers:
    """All layers of one output-size hypothesis.

    Attributes:
        pieces: (P, C) uint8, every piece on all demonstrations, then on all tests, flat.
        piece: (L,) piece of each layer.
        use: (L,) its use, an index into `uses`.
        bits: (L,) float, length of each layer.
        writes, right: (L, W) bit sets over the demonstrations' cells.
    """

    pieces: np.ndarray
    piece: np.ndarray
    use: np.ndarray
    bits: np.ndarray
    writes: np.ndarray
    right: np.ndarray
    uses: tuple[Use, ...]


@dataclass(frozen=True, slots=True)
class Cover:
    """Layers from the top down that explain the demonstrations that count.

    Attributes:
        layers: indices into `Layers`.
        bits: of all of them.
        done: whether nothing is left open on the demonstrations that count.
    """

    layers: tuple[int, ...]
    bits: float
    done: bool


def pack(mask: np.ndarray) -> np.ndarray:
    """(N, C) bool as (N, W) uint64 bit sets."""
    packed = np.packbits(mask, axis=1)
    padding = -packed.shape[1] % 8
    return np.ascontiguousarray(np.pad(packed, ((0, 0), (0, padding)))).view(np.uint64)


def make_layers(
    pieces: np.ndarray, piece_bits: np.ndarray, wanted: np.ndarray, paints: tuple[Use, ...]
) -> Layers:
    """Every use of every piece that writes at least one cell rightly.

    Args:
        pieces: (P, C + T) uint8, cells of demonstrations and tests, cheapest pieces first.
        piece_bits: (P,).
        wanted: (C,) uint8, cells of the demonstrations' outputs.
        paints: uses that paint filled cells.
    """
    seen = pieces[:, : wanted.size]
    filled = seen > 0
    equal = seen == wanted
    uses = (*OWN_USES, *paints)
    different = _first_of_equal(pieces > 0)
    parts = []
    for number, use in enumerate(uses):
        keep = np.arange(len(pieces)) if use.name in ("all", "filled") else different
        if use.name == "all":
            writes, right = np.ones_like(filled), equal
        elif use.name == "filled":
            writes, right = filled, filled & equal
        elif use.name == "empty":
            writes, right = ~filled, ~filled & (wanted == 0)
        else:
            writes, right = filled, filled & (wanted == use.colours[: wanted.size])
        keep = keep[right[keep].any(axis=1)]
        number_of = np.full(len(keep), number)
        parts.append(
            (keep, number_of, piece_bits[keep] + use.bits, pack(writes[keep]), pack(right[keep]))
        )
    piece, use_of, bits, writes, right = (np.concatenate(p) for p in zip(*parts, strict=True))
    order = np.argsort(bits, kind="stable")
    return Layers(
        pieces,
        piece[order],
        use_of[order],
        bits[order],
        np.ascontiguousarray(writes[order]),
        np.ascontiguousarray(right[order]),
        uses,
    )


def _first_of_equal(masks: np.ndarray) -> np.ndarray:
    """Indices of the rows that no earlier row equals, ascending."""
    seen: dict[bytes, int] = {}
    for index, row in enumerate(np.packbits(masks, axis=1)):
        seen.setdefault(row.tobytes(), index)
    return np.fromiter(seen.values(), np.int64, len(seen))


def greedy_cover(layers: Layers, counts: np.ndarray, first: int | None, limit: int) -> Cover:
    """Layers chosen one by one, the most explained cells first, the shorter of equals.

    Args:
        counts: (W,) bit set of the demonstrations' cells that count.
        first: layer to begin with; None for the best.
        limit: only the first `limit` layers (the shortest) may be used.
    """
    open_cells = counts.copy()
    chosen: list[int] = []
    while open_cells.any() and len(chosen) < MAX_LAYERS:
        if first is not None and not chosen:
            best = first
        else:
            gains = _gains(layers.writes[:limit], layers.right[:limit], open_cells)
            best = int(gains.argmax()) if gains.size else -1
            if best < 0 or gains[best] <= 0:
                break
        chosen.append(best)
        open_cells &= ~layers.writes[best]
    return Cover(tuple(chosen), float(layers.bits[chosen].sum()), not open_cells.any())


def first_layers(layers: Layers, counts: np.ndarray, limit: int, number: int) -> list[int]:
    """The best layers to begin with, by cells explained, no two explaining the same cells."""
    gains = _gains(layers.writes[:limit], layers.right[:limit], counts)
    found: list[int] = []
    explained: set[bytes] = set()
    for index in np.argsort(-gains, kind="stable")[: 20 * number].tolist():
        key = (layers.writes[index] & counts).tobytes()
        if gains[index] > 0 and key not in explained:
            explained.add(key)
            found.append(index)
        if len(found) == number:
            break
    return found


def whole_layers(layers: Layers, counts: np.ndarray, number: int) -> list[int]:
    """The shortest layers that explain everything by themselves."""
    gains = _gains(layers.writes, layers.right, counts)
    total = int(np.unpackbits(counts.view(np.uint8)).sum())
    return np.flatnonzero(gains == total)[:number].tolist()


def painted(layers: Layers, cover: Cover) -> np.ndarray:
    """(C + T,) uint8: the picture that a cover gives on all examples, OPEN where it is silent."""
    canvas = np.full(layers.pieces.shape[1], OPEN, np.uint8)
    for index in cover.layers:
        cells = layers.pieces[layers.piece[index]]
        use = layers.uses[layers.use[index]]
        visible = (cells == 0) if use.name == "empty" else (cells > 0) | (use.name == "all")
        colours = cells if use.colours is None else use.colours
        canvas = np.where((canvas == OPEN) & visible, colours, canvas).astype(np.uint8)
    return canvas
