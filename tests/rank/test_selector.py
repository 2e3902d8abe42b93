"""The learned rule: features by hand, files there and back, clear about broken ones.

pytest tests/rank/test_selector.py
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from kit.arc.candidate import Candidate, ViewScore
from kit.rank.pool import CandidatePool
from kit.rank.selector import FEATURES, Selector, SelectorError, grid_features, read_selector

A, B = ((1,),), ((2, 2),)


def sample(grid, group, view, nats) -> Candidate:
    return Candidate("t", 0, grid, "sample", group, nats, view=view)


POOL = CandidatePool(
    (
        sample(A, "identity", 0, -1.0),
        sample(B, "identity", 1, -2.0),
        sample(B, "transpose", 2, -0.5),
        sample(B, "transpose", 3, -0.5),
    ),
    (ViewScore("t", 0, A, (-1.0, -2.0)), ViewScore("t", 0, B, (-2.0, -3.0))),
)


def test_features_by_hand() -> None:
    found = grid_features(POOL)
    assert set(found) == {A, B} and all(set(f) == set(FEATURES) for f in found.values())
    assert found[A] == pytest.approx(
        {
            "bias": 1, "share": 0.25, "symmetries": 0.5, "untouched": 1, "shape_share": 0.25,
            "unscored": 0, "mean_nats": math.exp(-1.5), "behind": 0, "best_nats": math.exp(-1),
            "first_experts": 1, "first_vote": 0, "rivals": 1,
        }
    )  # fmt: skip
    assert found[B]["behind"] == pytest.approx(1.0) and found[B]["first_vote"] == 1


def test_weights_decide_and_ties_do_not_depend_on_order() -> None:
    assert Selector({"share": 2.0}, "").rank(POOL).grids == (B, A)
    assert Selector({"first_experts": 2.0}, "").rank(POOL).grids == (A, B)
    assert Selector({}, "").rank(POOL).grids == (A, B)
    empty = Selector({"share": 2.0}, "").rank(CandidatePool())
    assert (empty.grids, empty.margin) == ((), 0.0)


def test_a_file_gives_back_the_weights(tmp_path: Path) -> None:
    selector = Selector({"share": 1.5, "bias": -0.25}, "fitted on nothing")
    path = tmp_path / "weights.json"
    path.write_text(selector.to_json())
    assert read_selector(path) == selector


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "no weights of a selector"),
        ('{"weights": {"share": "much"}, "provenance": ""}', "no weights of a selector"),
        ('{"weights": {"size": 1}, "provenance": ""}', "no feature 'size'; features are bias"),
        ('{"weights": {"share": Infinity}, "provenance": ""}', "a weight is not finite"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "weights.json"
    path.write_text(text)
    with pytest.raises(SelectorError, match=message):
        read_selector(path)
