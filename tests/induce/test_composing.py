"""Programs of three parts."""

from __future__ import annotations

import numpy as np

from kit.induce.composing import compose
from kit.induce.program import call, parse_program


def test_names_are_kept_apart_and_results_handed_on() -> None:
    middle = parse_program(
        "small = turn_image(input, 'left_right')\noutput = turn_image(small, 'up_down')"
    )
    before = (call("strip_frame", "$input", target="small"),)
    after = (call("add_frame", "$core", 4),)
    whole = compose(before, middle, after)
    assert whole.text() == (
        "small = strip_frame(input)\n"
        "small_2 = turn_image(small, 'left_right')\n"
        "core = turn_image(small_2, 'up_down')\n"
        "output = add_frame(core, 4)"
    )
    assert parse_program(whole.text()) == whole
    grid = np.array([[5, 5, 5, 5], [5, 1, 2, 5], [5, 5, 5, 5]], np.uint8)
    got = whole.run(grid)
    assert got is not None and got.tolist() == [[4, 4, 4, 4], [4, 2, 1, 4], [4, 4, 4, 4]]


def test_without_lines_around_it_the_middle_is_unchanged() -> None:
    middle = parse_program("output = turn_image(input, 'left_right')")
    assert compose((), middle, ()) == middle


def test_lines_after_may_use_the_input() -> None:
    middle = parse_program("output = turn_image(input, 'same')")
    after = (call("block_side", "$input", target="side"), call("enlarge", "$core", "$side", 1))
    assert "output = enlarge(core, side, 1)" in compose((), middle, after).text()
