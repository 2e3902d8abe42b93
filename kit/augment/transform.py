"""Invertible transforms of a whole task: one of 8 symmetries, then a colour permutation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kit.arc.grid import NUM_COLOURS, Grid, as_array, from_array

IDENTITY_COLOURS = tuple(range(NUM_COLOURS))

DIHEDRAL_NAMES = (
    "identity",
    "rotate90",
    "rotate180",
    "rotate270",
    "flip_lr",
    "transpose",
    "flip_ud",
    "anti_transpose",
)
"""Name of each dihedral element. Element d is: mirror left-right if d >= 4, then d % 4 quarter
turns counter-clockwise (numpy's rot90)."""

_INVERSE_DIHEDRAL = (0, 3, 2, 1, 4, 5, 6, 7)


@dataclass(frozen=True, slots=True)
class Transform:
    """A symmetry of the square followed by a bijection of the 10 colours.

    Attributes:
        dihedral: 0..7, see DIHEDRAL_NAMES.
        colours: colours[c] is what colour c becomes; a permutation of 0..9.
    """

    dihedral: int = 0
    colours: tuple[int, ...] = IDENTITY_COLOURS

    def __post_init__(self) -> None:
        if not 0 <= self.dihedral < 8:
            raise ValueError(f"dihedral must be 0 to 7, got {self.dihedral}")
        if sorted(self.colours) != list(range(NUM_COLOURS)):
            raise ValueError(f"colours must be a permutation of 0 to 9, got {self.colours}")

    @property
    def name(self) -> str:
        """Name of the symmetry, the group under which votes are counted."""
        return DIHEDRAL_NAMES[self.dihedral]

    def apply(self, grid: Grid) -> Grid:
        """The grid seen through this transform."""
        return from_array(self.apply_array(as_array(grid)))

    def apply_array(self, array: np.ndarray) -> np.ndarray:
        """Like `apply` for an (H, W) array of colours."""
        if self.dihedral >= 4:
            array = array[:, ::-1]
        array = np.rot90(array, self.dihedral % 4)
        return np.asarray(self.colours, dtype=np.uint8)[array]

    def inverse(self) -> Transform:
        """The transform that undoes this one: `t.inverse().apply(t.apply(g)) == g`."""
        back = [0] * NUM_COLOURS
        for colour, image in enumerate(self.colours):
            back[image] = colour
        return Transform(_INVERSE_DIHEDRAL[self.dihedral], tuple(back))


IDENTITY = Transform()
