"""Covering outputs with layers, against the primitives that lay them and brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kit.induce.enumeration.cover import (
    DOT_BITS,
    MAX_LAYERS,
    OWN_USES,
    PAINT_BITS,
    Cover,
    Layers,
    Use,
    _gains,
    first_layers,
    greedy_cover,
    make_layers,
    pack,
    painted,
    whole_layers,
)
from kit.induce.primitives.layers import OPEN, lay, lay_below
from kit.induce.values import Image

words = arrays(
    np.uint64,
    st.tuples(st.integers(1, 4), st.just(3)),
    elements=st.one_of(st.integers(0, 2**64 - 1), st.sampled_from([0, 2**64 - 1, 1, 2**63])),
)


def bits_of(sets: np.ndarray) -> np.ndarray:
    """(N, 64 W) bool."""
    return np.unpackbits(np.ascontiguousarray(sets).view(np.uint8), axis=-1).astype(bool)


@settings(deadline=None)
@given(words, st.data())
def test_gains_are_counted_bits(writes: np.ndarray, data: st.DataObject) -> None:
    mask = data.draw(arrays(np.uint64, writes.shape, elements=st.integers(0, 2**64 - 1)))
    keep_all = data.draw(arrays(bool, len(writes)))
    right = np.where(keep_all[:, None], writes, writes & mask)
    open_cells = data.draw(arrays(np.uint64, 3, elements=st.integers(0, 2**64 - 1)))
    opened = bits_of(open_cells)
    expected = [
        -1 if (w & opened & ~r).any() else int((w & opened).sum())
        for w, r in zip(bits_of(writes), bits_of(right), strict=True)
    ]
    assert _gains(writes, right, open_cells).tolist() == expected


@settings(deadline=None)
@given(arrays(bool, st.tuples(st.integers(0, 3), st.integers(1, 150))))
def test_packed_masks_hold_their_cells_in_order(mask: np.ndarray) -> None:
    sets = pack(mask)
    assert sets.dtype == np.uint64 and sets.flags.c_contiguous
    back = bits_of(sets)
    assert np.array_equal(back[:, : mask.shape[1]], mask) and not back[:, mask.shape[1] :].any()


C, T = 7, 4
"""Cells of the demonstrations, of the tests."""

colours = st.sampled_from([0, 0, 1, 2])
cases = st.tuples(
    arrays(np.uint8, st.tuples(st.integers(1, 5), st.just(C + T)), elements=colours),
    arrays(np.uint8, C, elements=colours),
)
PAINTS = (
    Use("paint 2", PAINT_BITS, np.full(C + T, 2, np.uint8)),
    Use("dot", DOT_BITS, np.repeat(np.array([1, 2, 3], np.uint8), [4, 3, 4]), 9),
)
DOTS = [(slice(0, 4), 1), (slice(4, 7), 2), (slice(7, 11), 3)]
"""Where the dot has which colour."""


def layers_of(case: tuple[np.ndarray, np.ndarray]) -> Layers:
    pieces, wanted = case
    return make_layers(pieces, np.arange(len(pieces)) * 2.5, wanted, PAINTS)


def counted(skipped: int = 0) -> np.ndarray:
    mask = np.ones((1, C), bool)
    mask[0, :skipped] = False
    return pack(mask)[0]


def laid(layers: Layers, chosen: tuple[int, ...]) -> np.ndarray:
    """What the primitives make of layers, example by example."""
    shown = []
    for cells, dot in DOTS:
        canvas = None
        for index in chosen:
            use = layers.uses[layers.use[index]]
            how = Image(np.array([[dot]], np.uint8)) if use.name == "dot" else use.name
            image = Image(layers.pieces[layers.piece[index], cells][None])
            canvas = lay(image, how) if canvas is None else lay_below(canvas, image, how)
        shown.append(np.full(cells.stop - cells.start, OPEN) if canvas is None else canvas.cells[0])
    return np.concatenate(shown)


@settings(max_examples=60, deadline=None)
@given(cases, st.data())
def test_what_is_painted_is_what_the_primitives_lay(
    case: tuple[np.ndarray, np.ndarray], data: st.DataObject
) -> None:
    layers = layers_of(case)
    if not len(layers.piece):
        return
    any_layer = st.integers(0, len(layers.piece) - 1)
    chosen = tuple(data.draw(st.lists(any_layer, max_size=4)))
    assert np.array_equal(painted(layers, Cover(chosen, 0.0, False)), laid(layers, chosen))


@settings(max_examples=60, deadline=None)
@given(cases)
def test_bit_sets_of_layers_are_what_they_paint(case: tuple[np.ndarray, np.ndarray]) -> None:
    layers, wanted = layers_of(case), case[1]
    writes, right = bits_of(layers.writes)[:, :C], bits_of(layers.right)[:, :C]
    for index in range(len(layers.piece)):
        cells = painted(layers, Cover((index,), 0.0, False))[:C]
        assert np.array_equal(writes[index], cells != OPEN)
        assert np.array_equal(right[index], cells == wanted)
        assert right[index].any()
        assert layers.bits[index] == (
            2.5 * layers.piece[index] + layers.uses[layers.use[index]].bits
        )
    assert (np.diff(layers.bits) >= 0).all()


@settings(max_examples=60, deadline=None)
@given(cases)
def test_no_layer_is_missing(case: tuple[np.ndarray, np.ndarray]) -> None:
    """Every use of every piece that writes a cell rightly, or a cheaper one that does the same."""
    layers = layers_of(case)
    pieces, wanted = case
    have = {(painted(layers, Cover((i,), 0, False)).tobytes()) for i in range(len(layers.piece))}
    every = Layers(
        pieces, np.arange(len(pieces)), np.zeros(len(pieces), int), *[np.zeros(0)] * 3, layers.uses
    )
    for use in range(len(layers.uses)):
        every.use[:] = use
        for piece in range(len(pieces)):
            cells = painted(every, Cover((piece,), 0, False))
            if (cells[:C] == wanted).any():
                assert cells.tobytes() in have


@settings(max_examples=100, deadline=None)
@given(cases, st.integers(0, C - 1), st.booleans(), st.integers(1, 30))
def test_a_greedy_cover_writes_no_wrong_cell_that_counts(
    case: tuple[np.ndarray, np.ndarray], skipped: int, begin: bool, limit: int
) -> None:
    layers, wanted, counts = layers_of(case), case[1], counted(skipped)
    limit = min(limit, len(layers.piece))
    beginnings = first_layers(layers, counts, limit, 3) if begin else []
    for first in (None, *beginnings):
        cover = greedy_cover(layers, counts, first, limit)
        seen = painted(layers, cover)[skipped:C]
        silent = seen == OPEN
        assert np.array_equal(seen[~silent], wanted[skipped:][~silent])
        assert cover.done == (not silent.any())
        assert len(set(cover.layers)) == len(cover.layers) <= MAX_LAYERS
        assert all(index < limit for index in cover.layers)
        assert cover.bits == pytest.approx(sum(layers.bits[i] for i in cover.layers))
        assert first is None or cover.layers[0] == first


@settings(max_examples=60, deadline=None)
@given(cases)
def test_a_greedy_cover_ends_only_where_no_layer_helps(
    case: tuple[np.ndarray, np.ndarray],
) -> None:
    layers, wanted = layers_of(case), case[1]
    cover = greedy_cover(layers, counted(), None, len(layers.piece))
    now = painted(layers, cover)[:C]
    for index in range(len(layers.piece)):
        more = painted(layers, Cover((*cover.layers, index), 0.0, False))[:C]
        new = more != now
        assert not new.any() or (more[new] != wanted[new]).any()


@settings(max_examples=40, deadline=None)
@given(cases)
def test_greed_finds_a_cover_wherever_there_is_one(case: tuple[np.ndarray, np.ndarray]) -> None:
    """A right layer stays right when others are laid above it, so greed cannot lose a cover."""
    layers, wanted = layers_of(case), case[1]
    count = len(layers.piece)
    possible = any(
        np.array_equal(painted(layers, Cover(chosen, 0.0, False))[:C], wanted)
        for size in (1, 2, 3)
        for chosen in itertools.permutations(range(min(count, 7)), size)
    )
    cover = greedy_cover(layers, counted(), None, count)
    assert cover.done or not possible


@settings(max_examples=60, deadline=None)
@given(cases, st.integers(0, C - 1))
def test_whole_layers_explain_everything_that_counts(
    case: tuple[np.ndarray, np.ndarray], skipped: int
) -> None:
    layers, wanted = layers_of(case), case[1]
    expected = [
        index
        for index in range(len(layers.piece))
        if (painted(layers, Cover((index,), 0, True))[skipped:C] == wanted[skipped:]).all()
    ]
    assert whole_layers(layers, counted(skipped), 100) == expected
    assert whole_layers(layers, counted(skipped), 1) == expected[:1]


@settings(max_examples=40, deadline=None)
@given(cases, st.integers(1, 4))
def test_beginnings_differ_and_the_best_come_first(
    case: tuple[np.ndarray, np.ndarray], number: int
) -> None:
    layers, counts = layers_of(case), counted()
    found = first_layers(layers, counts, len(layers.piece), number)
    gains = _gains(layers.writes, layers.right, counts)
    explained = [bits_of(layers.writes[i]).tobytes() for i in found]
    assert len(found) <= number and len(set(explained)) == len(explained)
    assert [gains[i] for i in found] == sorted((gains[i] for i in found), reverse=True)
    assert all(gains[i] > 0 for i in found)
    assert not found or gains[found[0]] == gains.max()


def test_no_cover_has_more_layers_than_allowed() -> None:
    wanted = np.arange(1, 10, dtype=np.uint8)
    pieces = np.diag(wanted)
    layers = make_layers(pieces, np.zeros(9), wanted, ())
    cover = greedy_cover(layers, pack(np.ones((1, 9), bool))[0], None, len(layers.piece))
    assert len(cover.layers) == MAX_LAYERS and not cover.done


def test_without_pieces_there_is_nothing() -> None:
    layers = make_layers(np.zeros((0, 5), np.uint8), np.zeros(0), np.ones(3, np.uint8), ())
    counts = pack(np.ones((1, 3), bool))[0]
    assert greedy_cover(layers, counts, None, 0) == Cover((), 0.0, False)
    assert whole_layers(layers, counts, 3) == first_layers(layers, counts, 0, 3) == []
    assert (painted(layers, Cover((), 0.0, False)) == OPEN).all()


def test_the_shorter_of_equal_layers_is_taken() -> None:
    pieces = np.array([[1, 2, 3], [1, 2, 4]], np.uint8)
    layers = make_layers(pieces, np.array([5.0, 3.0]), np.array([1, 2], np.uint8), ())
    cover = greedy_cover(layers, pack(np.ones((1, 2), bool))[0], None, len(layers.piece))
    assert cover == Cover((0,), 3.0 + OWN_USES[0].bits, True)
    assert painted(layers, cover).tolist() == [1, 2, 4]
