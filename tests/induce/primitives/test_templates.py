"""complete_copies, copy_to_dots, recolour_occurrences."""

from __future__ import annotations

import numpy as np

from kit.induce.primitives.templates import complete_copies, copy_to_dots, recolour_occurrences
from kit.induce.values import Image

MODEL = np.array([[1, 1, 0], [0, 1, 2], [0, 0, 3]], np.uint8)


def marked(turned: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A grid with the model and the 2s and 3s of a turned one, and the completed grid."""
    whole = np.zeros((12, 14), np.uint8)
    whole[1:4, 1:4] = MODEL
    given = whole.copy()
    height, width = turned.shape
    place = np.s_[5 : 5 + height, 7 : 7 + width]
    whole[place] = turned
    given[place] = np.where(turned > 1, turned, 0)
    return given, whole


def test_complete_copies() -> None:
    given, whole = marked(MODEL)
    image = complete_copies(Image(given), "any8", "same", 1, True)
    assert image is not None and np.array_equal(image.cells, whole)


def test_complete_copies__turned_and_enlarged() -> None:
    given, whole = marked(np.ascontiguousarray(np.rot90(MODEL)))
    image = complete_copies(Image(given), "any8", "rotations", 1, True)
    assert image is not None and np.array_equal(image.cells, whole)
    assert complete_copies(Image(given), "any8", "same", 1, True) is None
    given, whole = marked(np.kron(MODEL, np.ones((2, 2), np.uint8)))
    image = complete_copies(Image(given), "any8", "same", 4, True)
    assert image is not None and np.array_equal(image.cells, whole)


def test_complete_copies__the_template_may_vanish() -> None:
    given, whole = marked(MODEL)
    whole[1:4, 1:4] = 0
    image = complete_copies(Image(given), "any8", "same", 1, False)
    assert image is not None and np.array_equal(image.cells, whole)


def test_complete_copies__undefined_without_marks_or_colours() -> None:
    assert complete_copies(Image(MODEL), "any8", "all", 2, True) is None
    assert complete_copies(Image(np.zeros((3, 3), np.uint8)), "any8", "all", 2, True) is None
    assert complete_copies(Image(np.eye(3, dtype=np.uint8)), "colour4", "all", 2, True) is None


def test_copy_to_dots() -> None:
    cells = np.zeros((3, 9), np.uint8)
    cells[:, 1] = cells[1, :3] = 4
    cells[1, 6] = 2
    for own, colour in ((True, 4), (False, 2)):
        image = copy_to_dots(Image(cells), "any8", own, True)
        assert image is not None
        assert np.array_equal(image.cells[:, 5:8] == colour, cells[:, :3] == 4)
        assert np.array_equal(image.cells[:, :3], cells[:, :3])
    image = copy_to_dots(Image(cells), "any8", True, False)
    assert image is not None and not image.cells[:, :3].any()


def test_copy_to_dots__undefined_without_dots_or_a_middle_cell() -> None:
    assert copy_to_dots(Image(np.ones((3, 3), np.uint8)), "any8", True, True) is None
    assert copy_to_dots(Image(np.zeros((3, 3), np.uint8)), "any8", True, True) is None
    even = np.array([[1, 1, 0, 2]], np.uint8)
    assert copy_to_dots(Image(even), "any8", True, True) is None


def test_recolour_occurrences() -> None:
    cells = np.array([[1, 1, 0, 1], [1, 0, 0, 1], [0, 0, 0, 0], [1, 1, 1, 0]], np.uint8)
    image = recolour_occurrences(Image(cells), 1, 5, "same", "##/#.")
    assert image is not None
    assert image.cells.tolist()[:2] == [[5, 5, 0, 1], [5, 0, 0, 1]]
    image = recolour_occurrences(Image(cells), 1, 5, "rotations", "#/#")
    assert image is not None and (image.cells == 5).sum() == 8


def test_recolour_occurrences__undefined_where_there_is_none() -> None:
    cells = np.zeros((2, 2), np.uint8)
    assert recolour_occurrences(Image(cells), 1, 5, "all", "##") is None
    assert recolour_occurrences(Image(cells), 1, 5, "all", "###") is None
