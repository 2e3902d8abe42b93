"""Honest programs, and those that merely fail: answers, statuses and messages.

pytest tests/induce/sandbox/test_runner.py
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from kit.induce.sandbox.limits import MAX_SOURCE_BYTES, MIB, Limits
from kit.induce.sandbox.runner import MechanismBroken, Sandbox, SandboxError
from tests.induce.sandbox.sandboxes import (
    GRID,
    HONEST,
    SHORT,
    TURNED,
    make,
    mechanisms,
    still_works,
)

ROOT = Path(__file__).resolve().parents[3]
PATIENT = Limits(cpu_s=5.0, wall_s=20.0)


@pytest.fixture(scope="module", params=["best", "weak"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with make(request.param, PATIENT) as opened:
        yield opened


def function(statement: str, before: str = "") -> str:
    return f"{before}\ndef transform(grid):\n    {statement}"


def test_answers_come_in_the_order_of_the_inputs(sandbox: Sandbox) -> None:
    inputs = [GRID, ((5,),), ((0, 9, 1),)]
    outcome = sandbox.run(HONEST, inputs)
    assert outcome.status == "ok" and outcome.message == ""
    assert outcome.outputs == (TURNED, ((5,),), ((1,), (9,), (0,)))
    assert all(type(cell) is int for row in outcome.outputs[0] or () for cell in row)


@pytest.mark.parametrize(
    "statement",
    [
        "return [[1, 2], [3, 4]]",
        "return ((1, 2), (3, 4))",
        "return [np.array([1, 2]), (3, 4)]",
        "return grid.astype(float)",
        "return np.asfortranarray(grid).astype(np.uint8)",
        "return [[np.int64(1), 2.0], [3, 4]]",
        "return np.ma.array(grid)",
    ],
)
def test_everything_that_is_plainly_a_grid_counts(sandbox: Sandbox, statement: str) -> None:
    assert sandbox.run(function(statement), [GRID]).outputs == (GRID,)


def test_true_and_false_are_one_and_nought(sandbox: Sandbox) -> None:
    assert sandbox.run(function("return grid > 2"), [GRID]).outputs == (((0, 0), (1, 1)),)


def test_the_grid_is_an_array_of_its_own_and_numpy_is_there(sandbox: Sandbox) -> None:
    spoil = "grid += 1 - 1; assert isinstance(grid, np.ndarray) and grid.dtype == int"
    assert sandbox.run(function(f"{spoil}; grid[:] = 7; return grid"), [GRID] * 2).outputs == (
        (((7, 7), (7, 7)),) * 2
    )


@pytest.mark.parametrize(
    "line",
    [
        "import numpy as np",
        "from collections import Counter, deque, defaultdict",
        "import itertools, functools, math, copy, heapq, random, re, statistics, operator",
        "from typing import List, Tuple, Optional",
        "from dataclasses import dataclass",
        "from numpy.lib.stride_tricks import sliding_window_view",
        "import numpy.ma, numpy.fft, numpy.linalg, numpy.random",
        "import sys; sys.setrecursionlimit(5000)",
        "import os, json, time, string, enum",
        "from __future__ import annotations",
    ],
)
def test_usual_imports_work(sandbox: Sandbox, line: str) -> None:
    assert sandbox.run(function("return grid", line), [GRID]).status == "ok"


def test_usual_definitions_work(sandbox: Sandbox) -> None:
    before = """
from collections import namedtuple
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple
P = namedtuple("P", "y x")
class Q(NamedTuple):
    y: int
@dataclass(frozen=True)
class R:
    y: int = 1
class C(Enum):
    RED = 2
"""
    statement = "return [[P(1, 2).y, Q(2).y, R().y, C.RED.value]]"
    assert sandbox.run(function(statement, before), [GRID]).outputs == (((1, 2, 1, 2),),)


def test_recursion_that_ends_works(sandbox: Sandbox) -> None:
    before = "import sys\nsys.setrecursionlimit(10**5)\ndef f(n): return n and 1 + f(n - 1)"
    assert sandbox.run(function("return [[f(20000) % 7]]", before), [GRID]).outputs == (((1,),),)


def test_one_input_that_fails_does_not_spoil_the_others(sandbox: Sandbox) -> None:
    source = "def transform(grid):\n    x = 1\n    return [[1 // (grid[0, 0] - 1)]]"
    outcome = sandbox.run(source, [((2,),), ((1,),), ((2,),)])
    assert outcome.status == "ok"  # numpy divides by zero with a warning only
    source = "def transform(grid):\n    x = 1\n    return [[1 // (int(grid[0, 0]) - 1)]]"
    outcome = sandbox.run(source, [((2,),), ((1,),), ((2,),)])
    assert outcome.status == "error" and outcome.outputs == (((1,),), None, ((1,),))
    assert outcome.message.startswith("ZeroDivisionError: ")
    assert outcome.message.endswith("(line 3)")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def transform(grid)\n    return grid", "SyntaxError: expected ':' (line 1)"),
        ("\n\nx = 1 +", "SyntaxError: invalid syntax (line 3)"),
        ("def transform(grid):\nreturn grid", "IndentationError: "),
        ("x = 1", "defines no function transform(grid)"),
        ("transform = 5", "defines no function transform(grid)"),
        ("", "defines no function transform(grid)"),
        ("import torch", "ModuleNotFoundError: No module named 'torch' (line 1)"),
        ("x = 1\ny = z", "NameError: name 'z' is not defined (line 2)"),
        ("def transform(): return 1", "takes 0 positional arguments but 1 was given"),
        ("a\0b", "null bytes"),
        ("raise SystemExit", "SystemExit"),
        (function("return 5"), "transform returned an int, not a grid"),
        (function("return [1, 2]"), "array of shape (2,), not a grid of 1 to 30"),
        (function("return np.zeros((31, 5))"), "array of shape (31, 5), not a grid"),
        (function("return [[12]]"), "a cell of colour 12; colours are 0 to 9"),
        (function("return [[0.5]]"), "cells that are not whole numbers"),
        (function("def g(): raise KeyError('k')\n    g()"), "KeyError: 'k' (line 3)"),
    ],
)
def test_what_went_wrong_is_said_in_one_line(sandbox: Sandbox, source: str, message: str) -> None:
    outcome = sandbox.run(source, [GRID])
    # In a weak sandbox a missing module is refused before it is missed.
    assert message in outcome.message or "not allowed in the sandbox: import" in outcome.message
    assert outcome.status == "error" and outcome.outputs == (None,)


def test_what_was_answered_before_a_limit_is_kept() -> None:
    with make("best") as opened:
        source = function("while grid[0, 0] == 2: continue\n    return grid")
        outcome = opened.run(source, [((1,),), ((2,),), ((3,),)])
    assert outcome.status == "timeout" and outcome.outputs == (((1,),), None, None)
    assert outcome.message == "the program took more than 0.4 s"


def test_processor_time_is_limited_too() -> None:
    with make("best", Limits(cpu_s=1.0, wall_s=30.0)) as opened:
        begun_s = time.monotonic()
        outcome = opened.run(function("while True: continue"), [GRID])
        assert time.monotonic() - begun_s < 20
    assert outcome.status == "timeout"
    assert outcome.message == "the program used more than 1 s of processor time"


def test_memory_is_limited_on_top_of_the_interpreter() -> None:
    with make("best", Limits(memory_bytes=128 * MIB, wall_s=20.0)) as opened:
        fits = function("x = np.ones(10 << 20); return grid")  # 80 of 128 MiB
        assert opened.run(fits, [GRID]).status == "ok"
        outcome = opened.run(function("x = np.ones(17 << 20); return grid"), [GRID] * 2)
    assert outcome.status == "memory" and outcome.outputs == (None, None)
    assert "MemoryError" in outcome.message


@pytest.mark.parametrize("source", ["#" * (MAX_SOURCE_BYTES + 1), "x = '\ud800'"])
def test_some_texts_are_never_run(sandbox: Sandbox, source: str) -> None:
    outcome = sandbox.run(source, [GRID, GRID])
    assert outcome.status == "refused" and outcome.outputs == (None, None) and outcome.message


def test_random_answers_and_the_order_of_sets_repeat(sandbox: Sandbox) -> None:
    before = "import random\nrandom_numbers = np.random.default_rng"
    statement = (
        "words = {str(i) for i in range(20)}; "
        "return [[random.randrange(10), np.random.randint(10), int(list(words)[0]) % 10]] "
    )
    outcomes = [sandbox.run(function(statement, before), [GRID, GRID]) for _ in range(4)]
    assert outcomes[0].status == "ok"
    assert len({outcome.outputs for outcome in outcomes}) == 1
    assert outcomes[0].outputs[0] == outcomes[0].outputs[1]


def test_no_inputs_is_a_test_of_loading(sandbox: Sandbox) -> None:
    assert sandbox.run(HONEST, []).status == "ok"
    assert sandbox.run("x =", []).status == "error"


def test_a_new_child_takes_the_place_of_a_dead_one() -> None:
    with make("best") as opened:
        for _ in range(2):
            opened._child()._process.kill()
            time.sleep(0.05)
            assert still_works(opened)


def test_a_child_that_dies_or_stops_in_the_middle_is_the_end_of_one_program_only() -> None:
    with make("best", Limits(wall_s=30.0)) as opened:
        pid = opened._child()._process.pid
        timer = threading.Timer(0.3, os.kill, (pid, signal.SIGKILL))
        timer.start()
        outcome = opened.run(function("while True: continue"), [GRID])
        timer.join()
        assert outcome.status == "crashed" and outcome.outputs == (None,)
        assert "took the sandbox along" in outcome.message
        assert still_works(opened)


def gone(group: int, within_s: float = 10.0) -> bool:
    """Whether every process of a group ends soon."""
    until_s = time.monotonic() + within_s
    while time.monotonic() < until_s:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("kind", ["best", "weak"])
def test_closing_leaves_no_process_behind(kind: str) -> None:
    opened = make(kind)
    group = opened._child()._process.pid
    opened.close()
    opened.close()
    assert gone(group)
    with pytest.raises(SandboxError, match="the sandbox is closed"):
        opened.run(HONEST, [GRID])


@pytest.mark.parametrize("kind", ["best", "weak"])
def test_the_death_of_this_process_leaves_none_behind_either(kind: str) -> None:
    code = f"""
import os, signal
from tests.induce.sandbox.sandboxes import SHORT, mechanisms
from kit.induce.sandbox.runner import Sandbox
sandbox = Sandbox({mechanisms(kind)!r}, SHORT)
print(sandbox._child()._process.pid, flush=True)
signal.setitimer(signal.ITIMER_REAL, 0.2)  # the signal that it sends kills
sandbox.run("while True: continue", [])
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == -signal.SIGALRM, ran.stderr
    assert gone(int(ran.stdout))


def test_a_mechanism_that_does_not_work_is_named() -> None:
    if os.geteuid() == 0:
        pytest.skip("root can become anybody")
    with pytest.raises(MechanismBroken, match="PermissionError") as caught:
        Sandbox(("unprivileged user",), SHORT)
    assert caught.value.mechanism == "unprivileged user"


def test_an_honest_program_costs_milliseconds() -> None:
    with make("best", PATIENT) as opened:
        instants_s = [time.monotonic()]
        for _ in range(50):
            opened.run(HONEST, [GRID] * 3)
            instants_s.append(time.monotonic())
    best_s = min(after - before for before, after in pairwise(instants_s))
    assert best_s < 0.1, f"{best_s:.3f} s at best; 0.007 s on a machine that is not busy"


@pytest.mark.parametrize("name", ["cpu_s", "wall_s", "memory_bytes", "output_bytes"])
def test_limits_are_positive(name: str) -> None:
    with pytest.raises(ValueError, match="limits must be positive"):
        Limits(**{name: 0})
