"""How programs and samples become one order: truth tables of every rule, no vote crosses inputs."""

from __future__ import annotations

import random

import pytest

from kit.arc.candidate import Candidate, ProgramEvidence
from kit.arc.task import Pair, Task
from kit.rank.arbitrate import Arbitration, answer_log_odds, arbitrate, make_legs
from kit.rank.calibration import Weights, log_odds, logit, probability, sample_features
from kit.rank.choose import RankConfig, choose, join, program_outlook
from kit.rank.guess import guess_outputs
from kit.rank.pool import CandidatePool
from kit.rank.programs import program_answers
from kit.rank.tally import Ranking

A, B, C, D = ((1,),), ((2,),), ((3,),), ((4,),)
TASK = Task("t", (Pair(((5, 6),), ((5, 6),)),), (((7, 8),), ((9, 9),)))
RULES: tuple[Arbitration, ...] = ("press", "induction_first", "calibrated")


def sample(grid, test_index=0, group="identity"):
    return Candidate("t", test_index, grid, "sample", group, -1.0, 3)


def program(grid, confidence=0.5, pairs=3, test_index=0, family="lines", **more):
    evidence = ProgramEvidence(family, 10.0, pairs, 3, more.pop("left_out", None), confidence)
    text = more.pop("text", f"output = f({grid}, {family!r})")
    source = more.pop("source", "search")
    return Candidate("t", test_index, grid, source, "program", program=text, evidence=evidence)


def joined(candidates, rule: Arbitration):
    return join(CandidatePool(tuple(candidates)).at("t", 0), RankConfig("flat", arbitration=rule))


TTT = (*[sample(A)] * 3, *[sample(B)] * 2)
"""The model's two: A, then B."""

TRUTH = [
    # programs that cover all pairs, others -> press, induction first
    ((), (), (A, B), (A, B)),
    ((C,), (), (C, A), (C, A)),
    ((A,), (), (A, B), (A, B)),
    ((B,), (), (B, A), (B, A)),
    ((C, D), (), (A, B), (C, D)),
    ((A, C), (), (A, B), (A, C)),
    ((C, D, A), (), (A, B), (C, D)),
    ((), (C,), (A, B), (A, B)),
    ((C,), (D,), (C, A), (C, A)),
    ((A,), (D,), (A, B), (A, B)),
]


@pytest.mark.parametrize(("covering", "partial", "press", "induction"), TRUTH)
def test_the_truth_table_of_the_published_rules(covering, partial, press, induction) -> None:
    found = [program(grid, 0.9 - i / 10) for i, grid in enumerate(covering)]
    found += [program(grid, 0.95, pairs=2) for grid in partial]
    assert joined([*TTT, *found], "press").grids[:2] == press
    assert joined([*TTT, *found], "induction_first").grids[:2] == induction
    assert joined([*TTT, *found], "ttt_only").grids == (A, B)
    assert joined([*TTT, *found], "program_only").grids == (*covering, *partial)


@pytest.mark.parametrize("rule", RULES)
def test_programs_fill_both_attempts_where_the_model_has_nothing(rule: Arbitration) -> None:
    found = [program(B, 0.2, pairs=1), program(C, 0.3), program(A, 0.1, pairs=2)]
    grids = joined(found, rule).grids
    assert grids == (C, A, B), "all pairs covered first, then the share of pairs"
    assert joined(found[:1], rule).grids == (B,)


@pytest.mark.parametrize("rule", RULES)
def test_one_sample_and_one_partial_program_fill_both_attempts(rule: Arbitration) -> None:
    assert set(joined([sample(A), program(C, 0.3, pairs=2)], rule).grids) == {A, C}
    first = joined([sample(A), program(C, 0.3), program(D, 0.2)], "press").grids
    assert first == (A, C, D), "no unique program: the model's, then covering programs"


@pytest.mark.parametrize("rule", [*RULES, "program_only", "ttt_only"])
def test_cheap_guesses_come_last(rule: Arbitration) -> None:
    config = RankConfig("flat", arbitration=rule)
    nothing, _ = choose(CandidatePool(), TASK, config)
    assert nothing.attempts == guess_outputs(TASK, 0) and nothing.reason == "guess: no candidate"
    one, _ = choose(CandidatePool((sample(A), program(A))), TASK, config)
    assert one.attempts[0] == A and one.attempts[1] in guess_outputs(TASK, 0)
    assert one.reason.endswith("; attempt 2 guessed")


@pytest.mark.parametrize("rule", [*RULES, "program_only", "ttt_only"])
def test_votes_of_one_test_input_never_reach_another(rule: Arbitration) -> None:
    config = RankConfig("flat", arbitration=rule)
    here = (sample(A), program(C, 0.9))
    there = (*[sample(B, 1)] * 9, program(D, 0.99, test_index=1), program(A, 0.9, test_index=1))
    alone = choose(CandidatePool(here), TASK, config)
    both = choose(CandidatePool((*here, *there)), TASK, config)
    assert both[0] == alone[0]
    assert both[1] == choose(CandidatePool(there), TASK, config)[1]
    assert not {B, D} & set(both[0].attempts)


def test_programs_of_two_inputs_that_differ_at_one_are_one_answer_at_the_other() -> None:
    # |F| is counted for every test input alone.
    found = [
        program(C, 0.9, text="p"),
        program(C, 0.8, text="q"),
        program(A, 0.9, test_index=1, text="p"),
        program(D, 0.8, test_index=1, text="q"),
    ]
    pool = CandidatePool((*TTT, sample(B, 1), *found))
    first, second = choose(pool, TASK, RankConfig("flat", arbitration="press"))
    assert first.attempts == (C, A) and second.attempts[0] == B


def test_reasons_say_what_decided() -> None:
    wins = joined([*TTT, program(C, 0.9), program(C, 0.4, family="cells")], "press").reason
    assert wins == (
        "press: 2 programs (cells+lines) cover all pairs, confidence 0.90; "
        "attempt 2 is the model's best (flat: 3 of 5 votes)"
    )
    same = joined([*TTT, program(A, 0.9)], "press").reason
    assert same.startswith("press: both agree; 1 program (lines) covers all pairs, confidence 0.90")
    many = joined([*TTT, program(C), program(D)], "press").reason
    assert many == "flat: 3 of 5 votes; press: 2 answers of covering programs"
    none = joined([*TTT, program(C, pairs=1)], "induction_first").reason
    assert none == "flat: 3 of 5 votes; no program covers all pairs"
    calibrated = joined([*TTT, program(C, 0.9)], "calibrated").reason
    assert calibrated.startswith("calibrated: probability 0.")


def test_a_later_round_adds_answers_and_renews_evidence_but_loses_nothing() -> None:
    early = [program(A, 0.9, text="a"), program(B, 0.5, text="b")]
    late = [
        Candidate("t", 0, A, "search", "program", program="a", round=1,
                  evidence=ProgramEvidence("lines", 10.0, 3, 3, None, 0.3)),
        Candidate("t", 0, C, "search", "program", program="c", round=1,
                  evidence=ProgramEvidence("lines", 10.0, 3, 3, None, 0.4)),
    ]  # fmt: skip
    answers = program_answers([*early, *late])
    assert [answer.grid for answer in answers] == [B, C, A]
    assert [answer.votes for answer in answers] == [1, 1, 1], "a program is found once"


def test_sources_count_as_independent_families_of_one_source_do_not() -> None:
    (one,) = program_answers([program(A, 0.5), program(A, 0.5, family="cells")])
    (two,) = program_answers([program(A, 0.5), program(A, 0.5, source="llm_program", text="def")])
    assert (one.confidence, two.confidence) == (0.5, 0.75)
    assert one.families == ("cells", "lines") and one.votes == 2


@pytest.mark.parametrize(
    ("second", "third", "order"),
    [
        (dict(confidence=0.5), dict(confidence=0.46, family="cells"), (A, C, B)),
        (dict(confidence=0.5), dict(confidence=0.40, family="cells"), (A, B, C)),
        (dict(confidence=0.5), dict(confidence=0.46), (A, B, C)),
        (dict(confidence=0.5, family="rays"), dict(confidence=0.46, family="cells"), (A, B, C)),
        (dict(confidence=0.5), dict(confidence=0.49, pairs=2, family="cells"), (A, B, C)),
    ],
)
def test_attempt_2_comes_from_another_family_where_that_costs_little(second, third, order) -> None:
    found = [program(A, 0.9), program(B, **second), program(C, **third)]
    assert tuple(answer.grid for answer in program_answers(found)) == order


def test_a_program_without_evidence_is_known_to_cover_nothing() -> None:
    old = Candidate("t", 0, C, "search", "program", program="c")
    assert joined([*TTT, old], "induction_first").grids == (A, B, C)


@pytest.mark.parametrize(
    ("first", "others", "convinced"),
    [
        (dict(confidence=0.8), [], True),
        (dict(confidence=0.79), [], False),
        (dict(confidence=0.3, left_out=1.0), [], True),
        (dict(confidence=0.3, left_out=0.9), [], False),
        (dict(confidence=0.3, left_out=1.0), [dict(confidence=0.1)], False),
        (dict(confidence=0.99, pairs=2), [], False),
    ],
)
def test_what_convinces(first, others, convinced) -> None:
    found = [program(A, **first), *(program(B, **other) for other in others)]
    one_test = Task("t", TASK.train, TASK.test[:1])
    assert program_outlook(CandidatePool(tuple(found)), one_test)[0] == convinced
    both = CandidatePool((*found, program(A, 0.9, test_index=1)))
    assert program_outlook(both, TASK) == (convinced, 1.0)
    # A test input without any program is not solved.
    assert not program_outlook(CandidatePool(tuple(found)), TASK)[0]


def test_the_calibrated_rule_takes_the_two_most_probable() -> None:
    strong, weak = program(C, 0.95), program(D, 0.01)
    assert joined([*TTT, strong, weak], "calibrated").grids[0] == C
    assert joined([*TTT, strong, weak], "calibrated").grids[1] == A
    only = joined([*[sample(A)] * 8, program(D, 0.01)], "calibrated")
    assert only.grids == (A, D) and 0 < only.margin <= 1
    # Both legs together are worth more than either alone.
    legs = make_legs(
        program_answers([program(A, 0.5), program(C, 0.5)]), Ranking((A, B), 0.2, ""), TTT
    )
    odds = answer_log_odds(legs, Weights({"bias": 0.0, "confidence": 1.0}, {"bias": -1.0,
                                          "share": 2.0}, "test"))  # fmt: skip
    assert odds[A] == pytest.approx(0.0 + 1.2)
    assert (odds[C], odds[B]) == (pytest.approx(0.0), pytest.approx(-1.0 + 0.8))


def test_log_odds_stay_in_bounds() -> None:
    assert probability(logit(0.3)) == pytest.approx(0.3)
    assert (logit(0.0), logit(1.0)) == (-8.0, 8.0)
    assert log_odds(sample_features(1.0, 0, 1.0), {"share": 1e9}) == 8.0


@pytest.mark.parametrize("rule", [*RULES, "program_only", "ttt_only"])
def test_order_never_matters_and_nothing_is_lost(rule: Arbitration) -> None:
    rng = random.Random(5)
    for _ in range(500):
        held = [sample(rng.choice((A, B, C))) for _ in range(rng.randrange(4))]
        held += [
            program(rng.choice((A, B, C, D)), rng.choice((0.1, 0.9)), rng.choice((2, 3)),
                    family=rng.choice(("lines", "cells")), left_out=rng.choice((None, 1.0)))
            for _ in range(rng.randrange(5))
        ]  # fmt: skip
        ranking = joined(held, rule)
        assert joined(rng.sample(held, len(held)), rule) == ranking
        assert len(set(ranking.grids)) == len(ranking.grids) and 0 <= ranking.margin <= 1
        if rule in RULES:
            assert set(ranking.grids) == {c.grid for c in held}


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must be one of press, induction_first, .* got 'fair'"):
        RankConfig(arbitration="fair")  # type: ignore[arg-type]
    empty = make_legs((), Ranking((), 0.0, ""), ())
    assert arbitrate(empty, "press").grids == ()
