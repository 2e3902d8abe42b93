"""Costs that are given to a rehearsal: what is taken, what is refused.

pytest tests/test_rehearsal_costs.py
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kit.rehearsal import set_stage
from kit.rehearsal_costs import given_costs
from kit.solve.rehearsed_luck import Chances


def stage(costs: Path | None = None):
    return set_stage("kaggle-l4x4", "qwen3-0.6b", 1.0, Chances(), (), costs)


@pytest.fixture
def written(tmp_path: Path):
    def write(content: object) -> Path:
        path = tmp_path / "costs.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def test_given_costs_take_the_place_of_predicted_ones(written) -> None:
    predicted = stage()
    made = stage(written({"train_token_s": 0.5, "requests": 3, "run_sigma": 0}))
    assert made.costs.source.startswith("train_token_s, requests, run_sigma given by ")
    assert made.costs.source.endswith(f"; the rest: {predicted.costs.source}")
    assert made.costs == replace(
        predicted.costs, train_token_s=0.5, requests=3, run_sigma=0, source=made.costs.source
    )
    assert made.expected == predicted.costs, "a run finds out by itself, on that machine too"


def test_where_all_costs_are_given_nothing_is_predicted(written) -> None:
    predicted = stage().costs
    names = [name for name in type(predicted).__dataclass_fields__ if name != "source"]
    path = written(dict.fromkeys(names, 1))
    assert given_costs(path, predicted).source == f"{', '.join(names)} given by {path}"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the file is empty"),
        ("[]", "an object of train_token_s, train_step_s, .* is needed"),
        ("{}", "an object of"),
        ({"train_tokens_s": 1}, "no cost is called 'train_tokens_s'; there are train_token_s"),
        ({"source": "me"}, "no cost is called 'source'"),
        ({"train_token_s": 0}, "train_token_s must be a number of 1e-09 to 100000, got 0"),
        ({"train_token_s": "1"}, "got '1'"),
        ({"train_token_s": True}, "got True"),
        ('{"train_token_s": NaN}', "got nan"),
        ('{"train_token_s": 1, "train_token_s": 2}', "'train_token_s' is there twice"),
        ({"task_sigma": 4}, "task_sigma must be a number of 0 to 3, got 4"),
        ({"requests": 1.5}, "requests must be a whole number of 1 to 100000, got 1.5"),
    ],
)
def test_other_files_are_refused(written, content: object, said: str) -> None:
    with pytest.raises(ValueError, match=rf"costs\.json: .*{said}"):
        stage(written(content))
