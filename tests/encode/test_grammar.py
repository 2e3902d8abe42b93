"""The answer grammar: legal tokens are exactly those that lead to a rectangular grid."""

from __future__ import annotations

import random

import numpy as np
import pytest

from kit.arc.seeds import python_rng
from kit.encode.grammar import TextGrammar

DIGITS = tuple("0123456789")
WORDS = ("Black", "Blue", "Red", "Green", "Yellow", "Gray", "Pink", "Orange", "Purple", "Brown")
END = 999


def random_grid(rng: random.Random, height: int, width: int) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(rng.randrange(10) for _ in range(width)) for _ in range(height))


def spell(grid, cells, cell_sep, row_sep, prefix, suffix, terminated):
    rows = [cell_sep.join(cells[c] for c in row) for row in grid]
    body = "".join(r + row_sep for r in rows) if terminated else row_sep.join(rows)
    return prefix + body + suffix


def characters(*texts: str) -> dict[int, str]:
    return dict(enumerate(sorted(set("".join(texts)))))


def walk(grammar: TextGrammar, tokens) -> int:
    state = grammar.start
    for token in tokens:
        assert token in grammar.legal(state)
        state = grammar.step(state, token)
    return state


FORMATS = {
    "numpy": (DIGITS, " ", "]\n [", "[[", "]]#", False),
    "words": (WORDS, " ", "\n", "```\n", "\n```", False),
    "chat": (DIGITS, "", "\n", "", "", False),
    "architects": (DIGITS, "", "\n", "", "", True),
}


@pytest.mark.parametrize("name", FORMATS)
def test_all_sizes_are_accepted_character_by_character(name):
    cells, cell_sep, row_sep, prefix, suffix, terminated = FORMATS[name]
    table = characters(*cells, cell_sep, row_sep, prefix, suffix)
    ids = {text: token for token, text in table.items()}
    grammar = TextGrammar(table, cells, cell_sep, row_sep, prefix, suffix, [END], terminated)
    rng = python_rng(0, "grammar", name)
    sizes = [(1, 1), (30, 30), (1, 30), (30, 1)]
    sizes += [(rng.randint(1, 12), rng.randint(1, 12)) for _ in range(20)]
    for height, width in sizes:
        grid = random_grid(rng, height, width)
        text = spell(grid, cells, cell_sep, row_sep, prefix, suffix, terminated)
        state = walk(grammar, [ids[c] for c in text] + [END])
        assert grammar.is_final(state)
        assert len(grammar.legal(state)) == 0


def reject(grammar: TextGrammar, ids, text: str) -> None:
    with pytest.raises(KeyError):
        state = grammar.start
        for char in text:
            state = grammar.step(state, ids[char])
        grammar.step(state, END)


@pytest.mark.parametrize(
    "text",
    ["", "12\n3", "12\n345", "12\n", "\n12", "1" * 31, "\n".join("1" * 31), "1\n\n1"],
)
def test_what_is_no_grid_is_refused(text):
    cells, cell_sep, row_sep, prefix, suffix, _ = FORMATS["chat"]
    table = characters("".join(DIGITS) + "\n")
    ids = {text: token for token, text in table.items()}
    reject(TextGrammar(table, cells, cell_sep, row_sep, prefix, suffix, [END]), ids, text)


@pytest.mark.parametrize("text", ["12", "12\n34", "12\n3\n", "\n", "12\n\n"])
def test_terminated_rows_need_their_terminator(text):
    table = characters("".join(DIGITS) + "\n")
    ids = {text: token for token, text in table.items()}
    reject(TextGrammar(table, DIGITS, "", "\n", "", "", [END], terminated=True), ids, text)


@pytest.mark.parametrize("terminated", [False, True])
def test_random_walks_end_in_rectangles(terminated):
    """Any walk over legal tokens spells a grid, also with tokens that hold several cells."""
    table = characters("".join(DIGITS) + "\n")
    for index, text in enumerate(["00", "012", "1\n", "\n2", "7\n7", "99999"]):
        table[100 + index] = text
    grammar = TextGrammar(table, DIGITS, "", "\n", "", "", [END, END + 1], terminated)
    rng = python_rng(1, "walks")
    for _ in range(60):
        state, text = grammar.start, ""
        while not grammar.is_final(state):
            legal = grammar.legal(state)
            assert list(legal) == sorted(set(legal.tolist()))
            token = int(rng.choice(legal))
            text += table.get(token, "")
            state = grammar.step(state, token)
        if terminated:
            assert text.endswith("\n")
        rows = text.removesuffix("\n").split("\n") if terminated else text.split("\n")
        assert len(set(map(len, rows))) == 1
        assert 1 <= len(rows) <= 30
        assert 1 <= len(rows[0]) <= 30


def test_tokens_with_shared_letters_and_across_cells():
    table = {1: "Bl", 2: "ack", 3: "ue", 4: " Bl", 5: "Black Blue", 6: "Brown", 7: "Bro", 8: "\n"}
    grammar = TextGrammar(table, WORDS, " ", "\n", "", "", [END])
    assert grammar.legal(grammar.start).tolist() == [1, 5, 6, 7]
    after = grammar.step(grammar.start, 1)
    assert grammar.legal(after).tolist() == [2, 3]
    assert grammar.legal(grammar.step(after, 2)).tolist() == [4, 8, END]
    assert grammar.is_final(walk(grammar, [5, 8, 5, END]))


def test_a_token_must_not_run_past_the_width():
    table = {**characters("".join(DIGITS) + "\n"), 50: "000", 51: "0\n"}
    ids = {text: token for token, text in table.items()}
    grammar = TextGrammar(table, DIGITS, "", "\n", "", "", [END])
    state = walk(grammar, [ids["1"], ids["1"], ids["\n"], ids["1"]])
    legal = set(grammar.legal(state).tolist())
    assert 50 not in legal and 51 in legal and ids["0"] in legal and END not in legal


def test_thirty_rows_leave_only_the_end():
    table = characters("".join(DIGITS) + "\n")
    ids = {text: token for token, text in table.items()}
    grammar = TextGrammar(table, DIGITS, "", "\n", "", "", [END], terminated=True)
    state = walk(grammar, [ids["1"], ids["\n"]] * 30)
    assert grammar.legal(state).tolist() == [END]


def test_single_token_cells_agree_with_the_cell_grammar():
    from kit.encode.cells import END as CELL_END
    from kit.encode.cells import ROW_OUT, CellGrammar

    table = {**dict(enumerate(DIGITS)), ROW_OUT: "\n"}
    ours = TextGrammar(table, DIGITS, "", "\n", "", "", [CELL_END], terminated=True)
    theirs = CellGrammar()
    rng = python_rng(2, "cells")
    for _ in range(40):
        a, b = ours.start, theirs.start
        while not theirs.is_final(b):
            assert np.array_equal(ours.legal(a), theirs.legal(b))
            token = int(rng.choice(theirs.legal(b)))
            a, b = ours.step(a, token), theirs.step(b, token)
        assert ours.is_final(a)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"cells": DIGITS[:9]}, "10 distinct"),
        ({"cells": ("1",) * 10}, "10 distinct"),
        ({"row_sep": ""}, "row_sep"),
        ({"end_tokens": ()}, "end_tokens"),
    ],
)
def test_bad_formats_are_refused(change, match):
    arguments = {
        "token_strings": {0: "0"},
        "cells": DIGITS,
        "cell_sep": "",
        "row_sep": "\n",
        "prefix": "",
        "suffix": "",
        "end_tokens": [END],
    }
    with pytest.raises(ValueError, match=match):
        TextGrammar(**{**arguments, **change})
