"""Scores: the contest's rule on examples worked out by hand, and its properties."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.submit.submission import SubmissionError
from kit.validate.score import main, score

GRIDS = [((n,),) for n in range(4)]

SOLUTIONS_OF_ONE = st.lists(st.sampled_from(GRIDS), min_size=1, max_size=3).map(tuple)
CASES = st.dictionaries(st.sampled_from("abcdef"), SOLUTIONS_OF_ONE, min_size=1)


@given(CASES, st.randoms(use_true_random=False))
def test_the_score_is_the_mean_share_of_solved_outputs(solutions: Any, rng: Any) -> None:
    answers = {
        name: tuple((rng.choice(GRIDS), rng.choice(GRIDS)) for _ in outputs)
        for name, outputs in solutions.items()
    }
    result = score(answers, solutions)
    shares = [
        sum(output in pair for output, pair in zip(solutions[name], answers[name], strict=True))
        / len(solutions[name])
        for name in solutions
    ]
    assert result.mean == pytest.approx(sum(shares) / len(shares))
    assert result.points == pytest.approx(sum(shares))
    assert result.strict == shares.count(1.0)
    assert result.num_outputs == sum(map(len, solutions.values()))
    swapped = {n: tuple(pair[::-1] for pair in pairs) for n, pairs in answers.items()}
    assert score(swapped, solutions) == result


def test_partial_credit_by_hand() -> None:
    one, two = GRIDS[1], GRIDS[2]
    solutions = {"x": (one, two), "y": (one,), "z": (two,), "w": (one,)}
    answers = {"x": ((one, one), (one, one)), "y": ((two, one),), "z": ((one, one),)}
    result = score(answers, solutions)
    assert [task.solved for task in result.tasks] == [(True, False), (True,), (False,), (False,)]
    assert (result.mean, result.strict, result.outputs_solved) == (1.5 / 4, 1, 2)
    assert [task.task_id for task in result.tasks if not task.answered] == ["w"]


def test_what_cannot_be_scored_is_refused() -> None:
    one = GRIDS[1]
    with pytest.raises(SubmissionError, match="here: task x: 1 answers for 2 outputs"):
        score({"x": ((one, one),)}, {"x": (one, one)}, "here")
    with pytest.raises(
        SubmissionError, match=r"has none of the 1 tasks .* first is q, theirs is x"
    ):
        score({"q": ((one, one),)}, {"x": (one,)})
    with pytest.raises(ValueError, match="no solutions"):
        score({}, {})


def test_the_command_prints_a_table_or_json(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([files["submission"], "--solutions", files["solutions"]]) == 0
    text = capsys.readouterr().out
    assert "1.00 of 2 = 50.00%" in text
    assert "1 of 2 tasks" in text
    assert "2 of 3" in text
    assert main([files["submission"], "--tasks", files["tasks"], "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "score": 0.5,
        "points": 1.0,
        "tasks": 2,
        "strict": 1,
        "outputs_solved": 2,
        "outputs": 3,
        "unanswered": [],
        "solved": {"b": [True, True]},
    }


def test_unanswered_tasks_are_said(
    files: dict[str, str],
    submission: dict[str, Any],
    write: Callable[[str, object], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    del submission["a"]
    path = write("part.json", submission)
    assert main([str(path), "--solutions", files["solutions"]]) == 0
    assert "not answered       1: a" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone.json"], "gone.json: no such file"),
        (["SUB", "--solutions", "gone.json"], "gone.json: no such file"),
        (["SUB", "--solutions", "TASKS"], "is this a challenges file"),
        (["SOL", "--solutions", "SOL"], "is this a solutions file"),
        (["SUB", "--solutions", "SOL", "--tasks", "SOL"], "is this a solutions file"),
        (["SUB", "--tasks", "arc9-eval"], "'arc9-eval': no such file, folder or task set"),
        (["SUB", "--solution", "SOL"], "--solution: no such option (did you mean '--solutions'?)"),
        ([], "required: SUBMISSION"),
    ],
)
def test_mistakes_end_in_one_line_and_code_2(
    arguments: list[str],
    message: str,
    files: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    short = {"SUB": files["submission"], "SOL": files["solutions"], "TASKS": files["tasks"]}
    assert main([short.get(word, word) for word in arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert captured.out == ""
