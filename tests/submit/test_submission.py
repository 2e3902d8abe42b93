"""The submission file: valid at every instant.

pytest tests/submit/test_submission.py
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit.arc.candidate import Prediction
from kit.arc.grid import check_grid
from kit.arc.task import Pair, Task
from kit.submit.submission import SubmissionError, SubmissionFile

TASKS = (
    Task("b", (Pair(((1, 2),), ((2, 1),)),), (((3, 4),), ((5, 6),))),
    Task("a", (Pair(((0,),), ((0,),)),), (((7,),),)),
)


def prediction(task_id: str, index: int, colour: int) -> Prediction:
    """Two one-cell attempts."""
    return Prediction(task_id, index, (((colour,),), ((colour + 1,),)), 0.5, "test")


def test_guesses_fill_every_test_input_in_order(tmp_path: Path) -> None:
    file = SubmissionFile(tmp_path / "submission.json", TASKS)
    file.save()
    content = json.loads((tmp_path / "submission.json").read_text())
    assert list(content) == ["b", "a"]
    assert [len(answers) for answers in content.values()] == [2, 1]
    for answers in content.values():
        for attempts in answers:
            assert list(attempts) == ["attempt_1", "attempt_2"]
            grids = [check_grid(grid, "here") for grid in attempts.values()]
            assert grids[0] != grids[1]


def test_predictions_go_to_their_places_only(tmp_path: Path) -> None:
    file = SubmissionFile(tmp_path / "s", TASKS)
    before = dict(file.answers)
    file.update([prediction("b", 1, 3)])
    assert file.answers["b"] == (before["b"][0], (((3,),), ((4,),)))
    assert file.answers["a"] == before["a"]
    content = json.loads(file.to_json())
    assert content["b"][1] == {"attempt_1": [[3]], "attempt_2": [[4]]}
    assert not file.update([prediction("b", 1, 3)]), "nothing has changed"
    assert file.update([prediction("b", 1, 4)])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (prediction("c", 0, 1), r"task c test\[0\]: a prediction for what is not"),
        (prediction("a", 1, 1), r"task a test\[1\]"),
        (prediction("a", 0, 9), r"task a test\[0\].attempt_2, row 0, column 0: .* got 10"),
        (Prediction("a", 0, ((), ((1,),)), 0.0, ""), "1 to 30 rows, got 0"),
        (Prediction("a", 0, (((1,),),), 0.0, ""), "two attempts are needed, got 1"),
    ],
)
def test_a_wrong_prediction_is_refused_and_changes_nothing(
    tmp_path: Path, wrong: Prediction, words: str
) -> None:
    file = SubmissionFile(tmp_path / "s", TASKS)
    before = file.to_json()
    with pytest.raises(SubmissionError, match=words):
        file.update([wrong])
    assert file.to_json() == before
