"""Whatever a program's process says, the verdict is well-formed and nothing is raised.

pytest tests/induce/sandbox/test_verdict.py
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.arc.grid import check_grid
from kit.induce.sandbox.limits import EXIT_MEMORY, Limits
from kit.induce.sandbox.verdict import Account, judge

LIMITS = Limits()
GRID = ((1, 2),)

words = st.sampled_from(["output", "error", "failed", "memory", "x"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
lines = st.one_of(st.text(max_size=40), json_values.map(json.dumps))


@given(
    said=st.lists(st.tuples(st.sampled_from(["m", "n", ""]), lines), max_size=5),
    how=st.sampled_from(["hung up", "out of time", "said too much", "else"]),
    exit_code=st.integers(-70, 300),
    count=st.integers(0, 4),
)
def test_anything_said_is_judged(
    said: list[tuple[str, str]], how: str, exit_code: int, count: int
) -> None:
    text = "\n".join(f"{mark} {line}" for mark, line in said)
    verdict = judge(Account(text, how, exit_code, 0.1), "m", count, LIMITS)
    assert len(verdict.outputs) == count
    for grid in verdict.outputs:
        assert grid is None or check_grid(grid, "here") == grid
    assert (verdict.status == "ok") == (verdict.message == "")
    assert verdict.status != "ok" or None not in verdict.outputs


def judged(*said: str, how: str = "hung up", code: int = 0, cpu_s: float = 0.0) -> tuple[str, str]:
    text = "".join(f"m {line}\n" for line in said)
    verdict = judge(Account(text, how, code, cpu_s), "m", 2, LIMITS)
    return verdict.status, verdict.message


ANSWER = '{"output": [[1, 2]]}'


@pytest.mark.parametrize(
    ("how", "code", "cpu_s", "status", "message"),
    [
        ("out of time", -9, 0.0, "timeout", "more than 5 s"),
        ("said too much", -9, 0.0, "error", "more than 1048576 bytes"),
        ("hung up", -9, 1.5, "timeout", "more than 2 s of processor time"),
        ("hung up", -24, 0.4, "timeout", "more than 2 s of processor time"),
        ("hung up", -9, 0.1, "crashed", "killed by signal 9"),
        ("hung up", -11, 0.1, "crashed", "the interpreter crashed"),
        ("hung up", EXIT_MEMORY, 0.1, "memory", "more than 512 MiB"),
        ("hung up", 0, 0.1, "crashed", "exit code 0"),
    ],
)
def test_an_early_end_has_a_reason(
    how: str, code: int, cpu_s: float, status: str, message: str
) -> None:
    found = judged(ANSWER, how=how, code=code, cpu_s=cpu_s)
    assert found[0] == status and message in found[1]


def test_all_answers_count_however_the_process_ended() -> None:
    assert judged(ANSWER, ANSWER, how="out of time", code=-9) == ("ok", "")


def test_more_answers_than_inputs_are_none() -> None:
    assert judged(ANSWER, ANSWER, ANSWER)[0] == "crashed"


def test_a_forged_grid_is_refused_with_its_place() -> None:
    status, message = judged(ANSWER, '{"output": [[1], [77]]}')
    assert status == "error"
    assert (
        message == "the output of transform, row 1, column 0: a cell is an integer 0 to 9, got 77"
    )


def test_the_first_fault_is_told_and_memory_decides_the_status() -> None:
    first = '{"error": "first", "memory": false}'
    assert judged(first, '{"error": "second", "memory": true}') == ("memory", "first")


def test_a_program_that_does_not_load_is_told_once() -> None:
    assert judged('{"failed": "why", "memory": false}') == ("error", "why")


def test_lines_without_the_mark_of_this_run_do_not_exist() -> None:
    account = Account(f"x {ANSWER}\n{ANSWER}\nm{ANSWER}\n", "hung up", 0, 0.0)
    verdict = judge(account, "m", 1, LIMITS)
    assert verdict.outputs == (None,) and verdict.status == "crashed"
