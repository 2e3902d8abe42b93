"""The 8 symmetries form the dihedral group and go together with colour permutations."""

from __future__ import annotations

import random

import numpy as np
import pytest

from kit.augment.colours import uniform_permutation
from kit.augment.transform import IDENTITY, Transform

ASYMMETRIC = ((1, 2, 3), (4, 5, 6))

EVERY = [Transform(d, uniform_permutation(random.Random(d))) for d in range(8)]


def together(*transforms: Transform) -> Transform:
    """One after the other as one: the only of the 8 symmetries that does the same to a grid.

    The composition table is read off the pictures, so that it is nobody's formula.
    """
    turned, colours = ASYMMETRIC, IDENTITY.colours
    for transform in transforms:
        turned = Transform(transform.dihedral).apply(turned)
        colours = tuple(transform.colours[colour] for colour in colours)
    (dihedral,) = [d for d in range(8) if Transform(d).apply(ASYMMETRIC) == turned]
    return Transform(dihedral, colours)


@pytest.mark.parametrize("transform", EVERY)
def test_inverse_undoes_on_both_sides(transform: Transform, random_grid) -> None:
    rng = random.Random(0)
    for _ in range(50):
        grid = random_grid(rng, rng.randint(1, 30), rng.randint(1, 30))
        assert transform.inverse().apply(transform.apply(grid)) == grid
        assert transform.apply(transform.inverse().apply(grid)) == grid
    assert together(transform, transform.inverse()) == IDENTITY


def test_an_asymmetric_grid_has_8_images_and_composition_stays_inside() -> None:
    assert len({Transform(d).apply(ASYMMETRIC) for d in range(8)}) == 8
    for first in EVERY:
        row = {together(first, then).dihedral for then in EVERY}
        assert row == set(range(8))
        for then in EVERY:
            grid = ((1, 2), (3, 1), (0, 5))
            assert together(first, then).apply(grid) == then.apply(first.apply(grid))


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("identity", ((1, 2, 3), (4, 5, 6))),
        ("rotate90", ((3, 6), (2, 5), (1, 4))),
        ("rotate180", ((6, 5, 4), (3, 2, 1))),
        ("rotate270", ((4, 1), (5, 2), (6, 3))),
        ("flip_lr", ((3, 2, 1), (6, 5, 4))),
        ("flip_ud", ((4, 5, 6), (1, 2, 3))),
        ("transpose", ((1, 4), (2, 5), (3, 6))),
        ("anti_transpose", ((6, 3), (5, 2), (4, 1))),
    ],
)
def test_names_say_what_happens(name: str, image: tuple) -> None:
    (transform,) = [Transform(d) for d in range(8) if Transform(d).name == name]
    assert transform.apply(ASYMMETRIC) == image


@pytest.mark.parametrize("transform", EVERY)
def test_a_rule_commutes_with_its_conjugate(transform: Transform, random_grid) -> None:
    """t(f(x)) == (t f t^-1)(t(x)) for f: recolour 1 to 2, then flip top to bottom."""

    def rule(grid):
        return tuple(tuple(2 if cell == 1 else cell for cell in row) for row in grid)[::-1]

    rng = random.Random(5)
    back = transform.inverse()
    recolour = {transform.colours[1]: transform.colours[2]}
    flip = together(back, Transform(6), transform).dihedral
    for _ in range(20):
        grid = random_grid(rng, 5, 7)
        seen = transform.apply(grid)
        conjugate = Transform(flip).apply(
            tuple(tuple(recolour.get(cell, cell) for cell in row) for row in seen)
        )
        assert transform.apply(rule(grid)) == conjugate


def test_apply_leaves_the_array_alone() -> None:
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)
    EVERY[5].apply_array(array)
    assert array.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_bad_transforms_are_refused() -> None:
    with pytest.raises(ValueError, match="dihedral must be 0 to 7, got 8"):
        Transform(8)
    with pytest.raises(ValueError, match="permutation of 0 to 9"):
        Transform(0, (0,) * 10)
