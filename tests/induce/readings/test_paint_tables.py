"""Learning what strokes mean."""

from __future__ import annotations

from kit.induce.primitives.lines import cell_rays
from kit.induce.readings.paint_tables import covers_changes, learn_paints, table_bits, tables_of
from kit.induce.readings.strokes import OWN
from kit.induce.values import Image
from tests.induce.pictures import cells, problem


def learned(given: str, wanted: str, most: bool = False) -> dict[object, object]:
    posed = problem((given, wanted), tests=(given,))
    strokes = cell_rays(Image(posed.inputs[0]), "north", "colour", "through")
    assert strokes is not None
    tables = list(tables_of(learn_paints([strokes], posed, False, True)))
    return dict(tables[-1 if most else 0])


def test_labels_that_change_nothing_are_left_out() -> None:
    assert learned("0100/0000", "0111/0000") == {(1, "E"): "own"}


def test_paints() -> None:
    assert learned("1000", "1444") == {(1, "E"): 4}
    assert learned("100000", "146464") == {(1, "E"): (4, 6)}
    assert learned("100000", "140404") == {(1, "E"): (4, -1)}
    assert learned("100000", "141414") == {(1, "E"): (4, OWN)}


def test_crossed_strokes_need_tolerance_and_lie_below() -> None:
    given, wanted = "0010/0000/2000", "0010/0010/2222"
    assert learned(given, wanted) == {(2, "E"): "own"}
    assert list(learned(given, wanted, most=True).items()) == [((1, "S"), "own"), ((2, "E"), "own")]


def test_covers_changes() -> None:
    strokes = cell_rays(Image(cells("100/000")), "north", "any", "stop")
    assert strokes is not None
    assert covers_changes(strokes, cells("100/000"), cells("111/000"))
    assert not covers_changes(strokes, cells("100/000"), cells("111/001"))


def test_regular_sets_of_directions_are_cheap() -> None:
    cross: dict[object, object] = {(0, d): "own" for d in ("N", "E", "S", "W")}
    three = {label: paint for label, paint in cross.items() if label != (0, "N")}
    assert table_bits(cross) < table_bits(three)  # type: ignore[arg-type]
    assert table_bits({(0, "N"): "own"}) < table_bits({(0, "N"): 4})
    assert table_bits({(0, "N"): 4}) < table_bits({(0, "N"): (4, 5)})
