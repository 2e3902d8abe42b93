"""Running families and pooling what they find."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.budget.clock import SystemClock
from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import Program, parse_program, single
from kit.induce.proposal import Family, Proposal
from kit.induce.search import (
    CHECK_NODES,
    LEFT_OUT_TRIES,
    MAX_PROPOSALS,
    Found,
    SearchLog,
    Stage,
    pooled,
    run_stages,
)
from tests.induce.pictures import problem

FLIP, TURN = single("flip_lr"), single("rotate180")
FLIPPED = problem(("12", "21"), ("30/04", "03/40"), ("5/6", "5/6"), tests=("78", "1/2"))


def offer(*programs: Program, left_out: float | None = None, bits: float = 3.0) -> Family:
    def propose(problem: Problem, meter: Meter) -> Iterator[Proposal]:
        for program in programs:
            yield Proposal(program, bits, left_out)

    return propose


def search(*stages: Stage, nodes: float = math.inf, posed: Problem = FLIPPED) -> SearchLog:
    return run_stages(posed, stages, Meter(SystemClock(), nodes=nodes), SearchLog())


def test_what_is_found() -> None:
    log = search(Stage("flips", offer(FLIP), 1000))
    assert log.found == [Found("flips", FLIP, 3.0, 3, 1.0, (((8, 7),), ((1,), (2,))))]
    assert log.done == ["flips"] and log.failures == {} and not log.cut


def test_partial_programs_are_kept_with_what_they_reproduce() -> None:
    (found,) = search(Stage("flips", offer(TURN), 1000)).found
    assert found.pairs == 1 and found.left_out is None


def test_programs_that_reproduce_nothing_are_not() -> None:
    posed = problem(("12", "21"), tests=("34",))
    assert search(Stage("a", offer(single("trim")), 1000), posed=posed).found == []


@pytest.mark.parametrize(
    "source",
    [
        "output = picture('21')",  # right on one pair, an answer everywhere
        "a = picture('21')\noutput = lay(a, 'empty')",  # no pair
        "a = keep_colour(input, 1)\nb = flip_lr(a)\noutput = trim(b)",  # undefined on most
    ],
)
def test_an_answer_is_a_legal_grid(source: str) -> None:
    posed = problem(("12", "21"), ("22", "21"), tests=("333", "34"))
    for found in search(Stage("a", offer(parse_program(source)), 1000), posed=posed).found:
        answers = [a for a in found.answers if a is not None]
        assert answers and all(0 <= c <= 9 for a in answers for row in a for c in row)


def test_open_cells_are_no_answer() -> None:
    posed = problem(("12", "12"), ("34", "34"), tests=("50", "56"))
    (found,) = search(Stage("a", offer(single("lay", "filled")), 1000), posed=posed).found
    assert found.answers == (None, ((5, 6),))


def test_a_program_that_answers_no_test_is_dropped() -> None:
    posed = problem(("12", "12"), tests=("00",))
    assert search(Stage("a", offer(single("trim")), 1000), posed=posed).found == []


def test_a_failing_family_is_noted_and_costs_the_others_nothing() -> None:
    def fail(problem: Problem, meter: Meter) -> Iterator[Proposal]:
        yield Proposal(FLIP, 1.0)
        raise KeyError("gone")

    log = search(
        Stage("a", fail, 1000),
        Stage("b", offer(single("trim", 1)), 1000),
        Stage("c", offer(FLIP), 1000),
    )
    assert log.done == ["c"] and [f.family for f in log.found] == ["c"]
    assert log.failures["a"] == "KeyError: 'gone'"
    assert log.failures["b"].startswith("TypeError: trim() takes 1 positional argument but 2")


def test_an_endless_family_is_cut_short() -> None:
    def endless(problem: Problem, meter: Meter) -> Iterator[Proposal]:
        while True:
            yield Proposal(FLIP, 1.0)

    log = search(Stage("endless", endless, 1000))
    assert len(log.found) == MAX_PROPOSALS


def test_a_family_that_never_proposes_ends_with_its_nodes() -> None:
    def busy(problem: Problem, meter: Meter) -> Iterator[Proposal]:
        while meter.spend():
            continue
        yield from ()

    meter = Meter(SystemClock(), nodes=1000)
    log = run_stages(
        FLIPPED, [Stage("busy", busy, 70), Stage("b", offer(FLIP), 90)], meter, SearchLog()
    )
    assert log.done == ["busy", "b"] and len(log.found) == 1 and not log.cut
    assert meter.spent == 71 + CHECK_NODES


@pytest.mark.parametrize("nodes", [0, 1, 30, 500])
def test_the_end_of_the_meter_is_told(nodes: int) -> None:
    def busy(problem: Problem, meter: Meter) -> Iterator[Proposal]:
        while meter.spend():
            continue
        yield from ()

    log = search(*(Stage(name, busy, math.inf, share=1.0) for name in "abc"), nodes=nodes)
    assert log.cut
    log = search(Stage("a", busy, math.inf, share=1.0), nodes=nodes)
    assert log.cut, "also when it ends in the last stage"


def test_a_log_goes_on() -> None:
    log = search(Stage("a", offer(FLIP), 1000))
    assert run_stages(FLIPPED, [Stage("b", offer(TURN), 9)], Meter(SystemClock()), log) is log
    assert log.done == ["a", "b"] and [f.family for f in log.found] == ["a", "b"]


def test_left_out_pairs_are_asked_of_the_reduced_problem() -> None:
    asked: list[tuple[int, int]] = []

    def learn(problem: Problem, meter: Meter) -> Iterator[Proposal]:
        asked.append((len(problem.inputs), len(problem.tests)))
        yield Proposal(FLIP if len(problem.inputs) == 3 else TURN, 1.0)

    (found,) = search(Stage("learn", learn, 1000)).found
    assert asked == [(3, 2), (2, 1), (2, 1), (2, 1)]
    assert found.left_out == 1 / 3


def test_a_family_that_was_stopped_has_not_failed() -> None:
    def slow(posed: Problem, meter: Meter) -> Iterator[Proposal]:
        # Dear on the reduced problems, which have one pair less.
        if len(posed.inputs) == 3 or meter.spend(500):
            yield Proposal(FLIP, 3.0)

    (found,) = search(Stage("slow", slow, 1000)).found
    assert found.left_out is None
    (found,) = search(Stage("slow", slow, 10_000)).found
    assert found.left_out == 1.0


def test_a_family_has_two_tries_for_a_left_out_pair() -> None:
    wrong = single("negative")
    for number, share in ((LEFT_OUT_TRIES - 1, 1.0), (LEFT_OUT_TRIES, 0.0)):
        log = search(Stage("a", offer(*[wrong] * number, FLIP), 1000))
        assert [f.left_out for f in log.found if f.program == FLIP] == [share]


def test_what_the_family_knows_itself_is_believed() -> None:
    (found,) = search(Stage("a", offer(FLIP, left_out=0.25), 1000)).found
    assert found.left_out == 0.25


def test_nothing_is_left_out_where_the_stage_says_so_or_one_pair_is_all() -> None:
    (found,) = search(Stage("a", offer(FLIP), 1000, leave_out=False)).found
    assert found.left_out is None
    posed = problem(("12", "21"), tests=("34",))
    (found,) = search(Stage("a", offer(FLIP), 1000), posed=posed).found
    assert found.left_out is None


GRIDS = (((1,),), ((2,),), ((3, 4),), None)
found_items = st.builds(
    Found,
    st.sampled_from("abc"),
    st.just(FLIP),
    st.just(1.0),
    st.just(1),
    st.none(),
    st.tuples(st.sampled_from(GRIDS), st.sampled_from(GRIDS)),
)


@settings(deadline=None)
@given(st.lists(st.tuples(found_items, st.floats(0, 1)), max_size=8), st.integers(0, 1))
def test_families_count_once_each_and_strengthen_each_other(
    items: list[tuple[Found, float]], test: int
) -> None:
    found = [item for item, _ in items]
    pool = pooled(found, dict(enumerate(trust for _, trust in items)), test)
    assert set(pool) == {f.answers[test] for f in found} - {None}
    for answer, trust in pool.items():
        by_family = {
            name: max(p for f, p in items if f.family == name and f.answers[test] == answer)
            for name in sorted({f.family for f in found if f.answers[test] == answer})
        }
        wrong = math.prod(1 - p for p in by_family.values())
        assert trust == pytest.approx(1 - wrong)
        assert max(by_family.values()) - 1e-12 <= trust <= 1
