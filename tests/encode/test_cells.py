"""The bundled model's encoding: both ways to count positions, and what a folder says of them.

pytest tests/encode/test_cells.py
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kit.arc.task import Pair
from kit.augment.views import View
from kit.encode import FormatError, open_encoding
from kit.encode.cells import LINE, CellEncoding
from kit.encode.encoding import ContextError

PAIR = Pair(((1, 2), (3, 4)), ((5, 6, 7),))
VIEW = View("x", None, (PAIR, PAIR), PAIR.input, PAIR.output)
ALIGNED, CONTIGUOUS = CellEncoding("aligned"), CellEncoding("contiguous")


def test_contiguous_sequences_differ_by_one_leading_token() -> None:
    aligned, line = ALIGNED.encode(VIEW), CONTIGUOUS.encode(VIEW)
    assert line.tokens[0] == LINE and LINE not in aligned.tokens
    assert np.array_equal(line.tokens[1:], aligned.tokens)
    assert line.positions.tolist() == list(range(len(line)))
    assert line.prefix_len == aligned.prefix_len + 1
    assert [(a + 1, b + 1) for a, b in aligned.output_spans] == list(line.output_spans)


@pytest.mark.parametrize("encoding", [ALIGNED, CONTIGUOUS], ids=["aligned", "contiguous"])
def test_an_answer_continues_its_prompt(encoding: CellEncoding) -> None:
    whole = encoding.encode(VIEW)
    prompt = encoding.encode(View("x", None, VIEW.examples, VIEW.query, None))
    answer = encoding.answer_tokens(PAIR.output)
    assert np.array_equal(np.concatenate([prompt.tokens, answer]), whole.tokens)
    positions = np.concatenate([prompt.positions, encoding.answer_positions(prompt, answer)])
    assert np.array_equal(positions, whole.positions)
    assert encoding.decode(answer) == PAIR.output


def test_the_leading_token_counts_towards_the_context() -> None:
    length = len(ALIGNED.encode(VIEW))
    assert CellEncoding("aligned", length).encode(VIEW).num_dropped == 0
    assert CellEncoding("contiguous", length).encode(VIEW).num_dropped == 1
    with pytest.raises(ContextError, match="do not fit 20 tokens"):
        CellEncoding("contiguous", 20).encode(VIEW)


def folder_saying(tmp_path: Path, **settings: object) -> Path:
    """A folder with these format settings."""
    text = json.dumps({"format": "cells", **settings})
    (tmp_path / "arc_format.json").write_text(text, encoding="utf-8")
    return tmp_path


def test_a_folder_offers_the_positions_it_was_trained_on(tmp_path: Path) -> None:
    both = folder_saying(tmp_path, positions="aligned", also=["contiguous"])
    assert open_encoding(both).encode(VIEW).tokens[0] != LINE
    assert open_encoding(both, positions="contiguous").encode(VIEW).tokens[0] == LINE


def test_positions_a_model_never_saw_are_refused(tmp_path: Path) -> None:
    only = folder_saying(tmp_path, positions="aligned")
    with pytest.raises(FormatError, match="trained on aligned positions, not on contiguous ones"):
        open_encoding(only, positions="contiguous")
    wrong = folder_saying(tmp_path, positions="aligned", also=["spiral"])
    with pytest.raises(FormatError, match="must be aligned or contiguous, got 'spiral'"):
        open_encoding(wrong)
