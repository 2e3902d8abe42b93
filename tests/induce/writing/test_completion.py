"""Programs cut out of texts, and when two are the same."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.induce.writing.completion import (
    MAX_PROGRAM_BYTES,
    normalised,
    program_bits,
    read_program,
)

BODY = "def transform(grid):\n    return grid.T\n"


@pytest.mark.parametrize(
    "text",
    [
        f"```python\n{BODY}```",
        f"```\n{BODY}\n```\nThis works since ...",
        f"Look:\n\n```py\n\n{BODY}\n\n```",
        f"~~~python\n{BODY}~~~",
        f"````python\n{BODY}````",
        f"```python\n{BODY}",
        f"```python\r\n{BODY}```".replace("\n", "\r\n").replace("\r\r", "\r"),
        f"```text\nexample\n```\nand\n```python\n{BODY}```",
        f"```python\n{BODY}```\nor\n```python\n{BODY.replace('.T', '')}```",
        f"<think>\n```python\n{BODY.replace('.T', '[::-1]')}```\n</think>\n```python\n{BODY}```",
        "1. so:\n" + "".join(f"   {x}\n" for x in f"```python\n{BODY}```".split("\n")),
        BODY,
        f"Here it is:\n\n{BODY}\nI hope that helps.",
        f"{BODY}```\nDone.",
    ],
    ids=str,
)
def test_the_program_is_found(text: str) -> None:
    assert read_program(text) == BODY


def test_what_belongs_to_it_comes_along() -> None:
    source = "import numpy as np\n\nK = 3\n\ndef f(x):\n    return x\n\n" + BODY
    assert read_program(f"Sure:\n{source}\nThis is it.") == source
    assert read_program(f"```python\n{source}```") == source


def test_a_block_that_a_new_one_interrupts_ends_there() -> None:
    assert read_program(f"```python\n{BODY}\n```python\nprint(1)\n```") == BODY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no code",
        "```python\nx = 1\n```",
        "```python\ndef transformed(grid):\n    return grid\n```",
        "call transform(grid) to do it",
        "```python\nclass A:\n    def transform(self):\n        return 1\n```",
    ],
)
def test_without_a_definition_there_is_none(text: str) -> None:
    assert read_program(text) is None


def test_a_program_that_is_too_long_is_none() -> None:
    rest = "    x = 1\n" * (MAX_PROGRAM_BYTES // 10 + 1)
    assert read_program(f"```python\n{BODY}{rest}```") is None
    assert read_program("x" * 10**7) is None


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    for whole in (text, f"```python\n{text}\n{BODY}", f"{BODY}{text}"):
        source = read_program(whole)
        assert source is None or "def transform" in source
        if source is not None:
            normalised(source)
            assert program_bits(source) > 0


@pytest.mark.parametrize(
    "other",
    [
        "# mirrored\ndef transform(grid):\n\n    return grid.T  # so\n",
        'def transform(grid):\n    """Mirror."""\n    return grid.T\n',
        '"""A program."""\ndef transform( grid ):\n        return grid . T',
    ],
)
def test_layout_and_remarks_do_not_count(other: str) -> None:
    assert normalised(other) == normalised(BODY)
    assert program_bits(other) == program_bits(BODY)


@pytest.mark.parametrize(
    "other",
    [
        "def transform(grid):\n    return grid.t\n",
        "def transform(grid):\n    return 'grid.T'\n",
        "def transform(grid):\n    if grid.size:\n        return grid.T\n",
        "def transform(grid:\n",
        "def transform(grid):\n\t x\n  y",
    ],
)
def test_everything_else_counts(other: str) -> None:
    assert normalised(other) != normalised(BODY)


def test_what_would_bring_a_parser_down_is_read() -> None:
    # In a process of its own, since the point is that it survives.
    code = """
from kit.induce.writing.completion import normalised, read_program
for nested in ("(" * 30000, "-" * 30000 + "1", "[" * 9000 + "]" * 9000, "x" + ".a" * 15000,
               "lambda:" * 4000 + "0", "not " * 8000 + "1"):
    normalised(read_program(f"```python\\ndef transform(grid):\\n    return {nested}\\n```"))
print("alive")
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ran.stdout == "alive\n", ran.stderr[-500:]
