"""The plain choice of tokens under a grammar."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from kit.arc.seeds import numpy_rng
from kit.encode.cells import END, ROW_OUT, VOCAB, CellEncoding
from kit.generate.stepwise import StepwiseAnswer, answer_logprob

CELLS = CellEncoding("contiguous")
GRAMMAR = CELLS.grammar
PLACE = {int(token): place for place, token in enumerate(GRAMMAR.alphabet)}


def write_randomly(seed: int, temperature: float) -> tuple[StepwiseAnswer, np.ndarray]:
    """A finished answer from random logits that favour ends, and the (A, V) logits."""
    rng = numpy_rng(seed, "stepwise")
    answer, rows = StepwiseAnswer(GRAMMAR, temperature, seed), []
    while not answer.finished:
        row = rng.normal(size=VOCAB)
        row[[ROW_OUT, END]] += 1.5
        rows.append(row)
        answer.write(row[GRAMMAR.alphabet])
    return answer, np.stack(rows)


@pytest.mark.parametrize("temperature", [0.0, 0.5, 1.0, 3.0])
def test_answers_are_grids_and_score_as_written(temperature):
    for seed in range(30):
        answer, logits = write_randomly(seed, temperature)
        tokens = np.array(answer.tokens)
        grid = CELLS.decode(tokens)
        np.testing.assert_array_equal(CELLS.answer_tokens(grid), tokens)
        assert answer_logprob(GRAMMAR, tokens, logits) == pytest.approx(answer.logprob_nats)


def test_greedy_takes_the_best_legal_token_and_the_lowest_of_equals():
    answer = StepwiseAnswer(GRAMMAR, 0.0, 0)
    logits = np.zeros(len(GRAMMAR.alphabet))
    logits[PLACE[END]] = 100.0  # not legal before the first row is closed
    assert answer.write(logits) == 0
    assert answer.logprob_nats == pytest.approx(-np.log(10))
    logits[PLACE[ROW_OUT]] = 50.0
    assert answer.write(logits) == ROW_OUT
    assert answer.write(logits) == END
    assert answer.finished


def test_draws_follow_the_probabilities():
    logits = np.zeros(len(GRAMMAR.alphabet))
    logits[:3] = [2.0, 1.0, 3.0]
    counts = Counter(StepwiseAnswer(GRAMMAR, 0.5, seed).write(logits) for seed in range(4000))
    wanted = np.exp(logits[:10] / 0.5)
    wanted /= wanted.sum()
    for token in range(10):
        assert counts[token] / 4000 == pytest.approx(wanted[token], abs=0.03)


def test_an_illegal_answer_is_impossible():
    logits = np.zeros((2, VOCAB))
    assert answer_logprob(GRAMMAR, np.array([3, END]), logits) == -np.inf
    assert answer_logprob(GRAMMAR, np.array([ROW_OUT, 3]), logits) == -np.inf
