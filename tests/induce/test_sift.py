"""From candidates to proposals."""

from __future__ import annotations

import math

import numpy as np

from kit.budget.clock import SystemClock
from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import single
from kit.induce.proposal import Proposal
from kit.induce.sift import ODD_ANSWER_BITS, answers_of, best_first, fits, sift

WIDE = np.array([[1, 2]], np.uint8)
PROBLEM = Problem((WIDE,), (WIDE[:, ::-1],), (np.array([[3, 4]], np.uint8),))
RIGHT = Proposal(single("turn_image", "left_right"), 2.0)
ALIKE = Proposal(single("turn_image", "half_turn"), 3.0)
WRONG = Proposal(single("turn_image", "same"), 0.0)


def meter(nodes: float = math.inf) -> Meter:
    return Meter(SystemClock(), nodes=nodes)


def test_fits() -> None:
    assert fits(RIGHT.program, PROBLEM)
    assert not fits(WRONG.program, PROBLEM)
    assert not fits(single("strip_frame"), PROBLEM)


def test_answers_of() -> None:
    answers = answers_of(RIGHT.program, PROBLEM)
    assert answers is not None and answers[0].tolist() == [[4, 3]]
    assert answers_of(single("strip_frame"), PROBLEM) is None


def test_only_right_programs_with_new_answers_pass() -> None:
    assert list(sift([WRONG, RIGHT, ALIKE], PROBLEM, meter())) == [RIGHT]


def test_it_stops_with_the_meter() -> None:
    assert list(sift([WRONG, RIGHT], PROBLEM, meter(nodes=4.0))) == []


def test_it_stops_at_the_most_wanted() -> None:
    assert list(sift([RIGHT], PROBLEM, meter(), most=0)) == []


def test_an_answer_that_equals_its_input_is_surcharged() -> None:
    problem = Problem(PROBLEM.inputs, PROBLEM.outputs, (np.array([[5, 5]], np.uint8),))
    (found,) = sift([RIGHT], problem, meter())
    assert found.bits == RIGHT.bits + ODD_ANSWER_BITS


def test_best_first_sorts_all_streams() -> None:
    assert best_first([ALIKE], [RIGHT, WRONG]) == [WRONG, RIGHT, ALIKE]
