"""Doing different things for different grids."""

from __future__ import annotations

import pytest

from kit.induce.primitives.conditional import grid_fact, picture_for, run_case
from kit.induce.program import ProgramError
from tests.induce.pictures import image, text


def test_grid_fact() -> None:
    assert grid_fact(image("121/343"), "left_right") is True
    assert grid_fact(image("121/344"), "left_right") is False
    with pytest.raises(KeyError, match="weather"):
        grid_fact(image("1"), "weather")


def test_picture_for() -> None:
    table = {1: "10/01", 2: "2"}
    assert text(picture_for(1, table)) == "10/01"
    assert picture_for(3, table) is None


def test_run_case() -> None:
    cases = {True: "output = flip_lr(input)", False: "output = flip_ud(input)"}
    assert text(run_case(image("12/34"), True, cases)) == "21/43"
    assert text(run_case(image("12/34"), False, cases)) == "34/12"


def test_run_case__none_stands_for_the_others() -> None:
    cases = {1: "output = flip_lr(input)", None: "output = flip_ud(input)"}
    assert text(run_case(image("12/34"), 5, cases)) == "34/12"
    assert run_case(image("12"), 5, {1: "output = flip_lr(input)"}) is None


def test_run_case__is_undefined_where_its_program_is() -> None:
    assert run_case(image("00"), 1, {1: "output = trim(input)"}) is None


def test_run_case__refuses_what_is_no_program() -> None:
    with pytest.raises(ProgramError, match="no primitive is called 'open'"):
        run_case(image("1"), 1, {1: "output = open('secrets')"})
