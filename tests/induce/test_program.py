"""Programs as texts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.induce.primitives.registry import primitives
from kit.induce.program import (
    Name,
    Program,
    ProgramError,
    Statement,
    apply_primitive,
    call,
    parse_program,
    run_statements,
    single,
)
from kit.induce.values import Image
from tests.induce.pictures import cells, image, text

NAMES = sorted(primitives())

atoms = st.one_of(st.integers(-(10**12), 10**12), st.text(max_size=6), st.none(), st.booleans())
literals = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(tuple), st.dictionaries(atoms, inner, max_size=3)
    ),
    max_leaves=8,
)
targets = st.sampled_from(["a", "b", "canvas", "x1", "größe", "input", "output"])


@st.composite
def programs(draw: st.DrawFn) -> Program:
    known, lines = ["input"], []
    for _ in range(draw(st.integers(1, 5))):
        names = st.sampled_from(known).map(Name)
        given = tuple(draw(st.lists(st.one_of(names, literals), max_size=4)))
        lines.append(Statement(draw(targets), draw(st.sampled_from(NAMES)), given))
        known.append(lines[-1].target)
    return Program((*lines[:-1], Statement("output", lines[-1].primitive, lines[-1].arguments)))


@settings(deadline=None)
@given(programs())
def test_a_program_comes_back_from_its_text(program: Program) -> None:
    again = parse_program(program.text())
    assert again == program
    assert again.text() == program.text()


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["output", " = ", "trim", "(", ")", "input", ", ", "{1: 2}", "[", "-", "1", "\n", "'a",
             ".x", "*", "**", "lambda: 0", "open", "__import__", "f'{input}'", "\0", "\ud800", ":=",
             "output = trim(input)"]
        ),
        max_size=12,
    ).map("".join)
)  # fmt: skip
def test_any_text_is_a_program_or_refused(source: str) -> None:
    try:
        program = parse_program(source)
    except ProgramError:
        return
    assert parse_program(program.text()) == program
    assert {line.primitive for line in program.statements} <= set(NAMES)


LINE = "a line is `name = primitive\\(arguments\\)`"
LITERAL = "arguments are names or literals"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "the last line of a program must be `output = ...`"),
        ("# nothing", "the last line of a program must be `output = ...`"),
        ("a = trim(input)", "the last line of a program must be `output = ...`"),
        ("output = trim(input)\na = trim(output)", "the last line of a program must be"),
        ("output = trim(input", "not a program: .*was never closed"),
        ("output = trim(input)\0", "not a program: .*null bytes"),
        ("output = trim(" + "(" * 500 + ")" * 500 + ")", "not a program: too many nested"),
        ("output = trim(" + "-" * 100_000 + "1)", "not a program: |line 1: "),
        ("output = " + "9" * 5000, "not a program: Exceeds the limit"),
        ("a = trim(input)\noutput = fly(a)", "line 2: no primitive is called 'fly'"),
        ("\n\noutput = trim(b)", "line 3: 'b' has no value yet"),
        ("output = trim(output)", "line 1: 'output' has no value yet"),
        ("output = input", LINE),
        ("output: Image = trim(input)", LINE),
        ("output += trim(input)", LINE),
        ("a = output = trim(input)", LINE),
        ("output, a = trim(input)", LINE),
        ("output = trim(image=input)", LINE),
        ("output = trim(**{})", LINE),
        ("output = input.trim(input)", LINE),
        ("output = (lambda: 0)()", LINE),
        ("import os", LINE),
        ("def output(): pass", LINE),
        ("if 1:\n  output = trim(input)", LINE),
        ("output = trim(trim(input))", LITERAL),
        ("output = trim(*input)", LITERAL),
        ("output = trim(input.cells)", LITERAL),
        ("output = trim([c for c in input])", LITERAL),
        ("output = trim(f'{input}')", LITERAL),
        ("output = trim((a := 1))", LITERAL),
        ("output = trim((input,))", LITERAL),
        ("output = trim({[]: 1})", LITERAL),
        ("output = trim(9 ** 9)", LITERAL),
    ],
)
def test_what_is_no_program(source: str, message: str) -> None:
    with pytest.raises(ProgramError, match=message):
        parse_program(source)


@pytest.mark.parametrize("name", ["print", "open", "eval", "__import__", "primitives", "cache"])
def test_only_primitives_exist(name: str) -> None:
    with pytest.raises(ProgramError, match=f"line 1: no primitive is called '{name}'"):
        parse_program(f"output = {name}('x')")


def test_comments_and_spaces_are_skipped() -> None:
    source = "# first\n\nhalf = flip_lr( input )  # and\noutput = trim(half)\n"
    assert parse_program(source).text() == "half = flip_lr(input)\noutput = trim(half)"


def test_names_and_literals_of_a_call() -> None:
    assert call("nth", "$a", 3, "b", target="c") == Statement("c", "nth", (Name("a"), 3, "b"))
    assert single("trim").text() == "output = trim(input)"


def test_a_program_runs_line_by_line() -> None:
    program = parse_program("a = flip_lr(input)\nb = trim(a)\noutput = flip_ud(b)")
    assert text(program.run(cells("000/120/300"))) == "03/21"


def test_a_name_that_is_given_twice_holds_the_last_value() -> None:
    program = parse_program("input = trim(input)\noutput = flip_lr(input)\noutput = trim(output)")
    assert text(program.run(cells("00/12"))) == "21"


def test_running_changes_no_input() -> None:
    grid = cells("012/300")
    before = grid.copy()
    for name in ("flip_lr", "trim", "negative", "rotate90"):
        single(name).run(grid)
    assert np.array_equal(grid, before)


def test_a_program_without_value_is_undefined() -> None:
    assert parse_program("a = trim(input)\noutput = flip_lr(a)").run(cells("000")) is None


@pytest.mark.parametrize("source", ["output = split_colours(input)", "output = empty(31, 1)"])
def test_what_is_no_grid_is_undefined(source: str) -> None:
    assert parse_program(source).run(cells("123")) is None


def test_statements_run_on_given_values() -> None:
    lines = (call("flip_lr", "$a"),)
    assert text(run_statements(lines, {"a": image("12", 5, 6)})) == "21"


def test_a_primitive_of_one_image_works_on_each_of_many() -> None:
    images = (image("010"), image("000"), image("220"))
    found = apply_primitive("trim", (images,))
    assert [text(i) for i in found] == ["1", "22"]
    assert apply_primitive("trim", ((image("0"),),)) is None
    assert isinstance(apply_primitive("trim", (image("010"),)), Image)


def arguments_of(source: str) -> tuple[Any, ...]:
    return parse_program(source).statements[-1].arguments


def test_literals() -> None:
    found = arguments_of("output = trim(input, -1, 'a\\n', None, True, (1, (2,)), {3: (4, '5')})")
    assert found == (Name("input"), -1, "a\n", None, True, (1, (2,)), {3: (4, "5")})
