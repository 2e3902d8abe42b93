"""Conversations that ask for programs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kit.arc.task import Pair, Task
from kit.encode.formats import WORDS
from kit.induce.writing.prompt import (
    FORMATS,
    failed_report,
    first_turns,
    program_format,
    repair_turns,
    wrong_report,
)
from kit.induce.writing.writer import PromptTooLongError

SMALL = Pair(((1, 2), (3, 4)), ((0,),))
LARGE = Pair(((5,) * 9,) * 9, ((6,) * 9,) * 9)
TASK = Task("t", (SMALL, LARGE, SMALL), (((7, 8, 9),), ((0, 0),)))


def anything(turns: object) -> bool:
    return True


@pytest.mark.parametrize("name", FORMATS)
def test_everything_is_said_in_order(name: str) -> None:
    form = FORMATS[name]
    system, user = first_turns(form, TASK, anything)
    assert (system.role, user.role) == ("system", "user")
    assert "{" not in system.text + user.text
    grids = [g for pair in TASK.train for g in (pair.input, pair.output)] + list(TASK.test)
    place = 0
    for grid in grids:
        place = user.text.index(form.grid_text(grid), place) + 1
    assert user.text.index("Example 3") > user.text.index("Example 2") > 0
    assert "transform" in user.text[place:] and "```" not in user.text


def test_words_name_each_colour_and_its_number() -> None:
    text = first_turns(FORMATS["words"], TASK, anything)[-1].text
    assert "Blue Red\nGreen Yellow" in text
    assert all(f"{index} is {word}" in text for index, word in enumerate(WORDS))


def test_digits_write_numbers() -> None:
    assert "1 2\n3 4" in first_turns(FORMATS["digits"], TASK, anything)[-1].text


def test_the_largest_demonstrations_are_left_out_first() -> None:
    form = FORMATS["digits"]
    whole = len(first_turns(form, TASK, anything)[-1].text)
    (_, user) = first_turns(form, TASK, lambda turns: len(turns[-1].text) < whole)
    assert form.grid_text(LARGE.input) in user.text
    assert form.grid_text(TASK.test[1]) not in user.text
    (_, user) = first_turns(form, TASK, lambda turns: len(turns[-1].text) < whole - 50)
    assert form.grid_text(LARGE.input) not in user.text
    assert user.text.count("1 2\n3 4") == 2 and "Example 2" in user.text
    with pytest.raises(PromptTooLongError, match="task t: one demonstration"):
        first_turns(form, TASK, lambda turns: False)


def test_a_test_output_cannot_be_in_it() -> None:
    assert not hasattr(TASK.test[0], "output")


def test_a_repair_shows_program_and_mistake() -> None:
    form = FORMATS["digits"]
    first = first_turns(form, TASK, anything)
    report = wrong_report(form, 0, SMALL, ((9, 9),))
    turns = repair_turns(form, first, "def transform(grid): {output}", report)
    assert turns[:2] == first
    assert [turn.role for turn in turns[2:]] == ["assistant", "user"]
    assert "def transform(grid): {output}" in turns[2].text
    for part in ("example 1", "1 2\n3 4", "9 9", "transform"):
        assert part in turns[3].text
    failed = failed_report(form, 2, "IndexError: {index} (line 3)")
    assert "example 3: IndexError: {index} (line 3)" in failed


def test_texts_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "texts.json"
    path.write_text(json.dumps({"system": "", "ask": "Go."}))
    form = program_format("words", path)
    assert form == replace(FORMATS["words"], system="", ask="Go.")
    (user,) = first_turns(form, TASK, anything)
    assert user.text.endswith("\n\nGo.")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not readable as JSON"),
        ("[]", "must hold a JSON object"),
        ('{"aks": "x"}', r"no text 'aks' \(did you mean 'ask'"),
        ('{"ask": 3}', "text ask must be a string, got 3"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "texts.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        program_format("words", path)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"'word' \(did you mean 'words'\?\), known: words, digits"
    ):
        program_format("word")
