"""What work is worth, and the fit of it."""

from __future__ import annotations

import importlib.util
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.budget.cost import TaskSize
from kit.budget.outlook import Outlook
from kit.budget.policy import Level
from kit.budget.value import (
    FALLING,
    NAMES,
    RISING,
    Table,
    Work,
    search_chances,
    solved_chance,
    solved_features,
    work_chance,
    work_features,
)
from kit.budget.value_fit import (
    Examples,
    brier_score,
    calibration_text,
    fit_table,
    fit_weights,
    predict,
    table_module,
)
from kit.budget.value_prior import PRIOR, table_of
from kit.budget.value_table import TABLE

SIZE = TaskSize("t", 300, (400,), (50,))
SEEN = Outlook(0.4, False, 0.7, 0.3, 0.5, 0.25, 8, True, 0.6, 0.01)
WORKS = {
    "search": Work(6.0, 0.3),
    "model": Work(0.0, 0.3, Level(60, 8, 4)),
    "again": Work(0.0, 6.0, Level(60, 8), again=True),
}


def test_features_are_as_many_as_their_names() -> None:
    assert len(solved_features(SEEN, SIZE)) == len(NAMES["solved"])
    for kind, work in WORKS.items():
        assert work.kind == kind
        assert len(work_features(SEEN, SIZE, work)) == len(NAMES[kind])


def test_the_adapters_own_loss_is_seen() -> None:
    place = NAMES["solved"].index("learnt")
    chances = {None: 0.0, 0.0: 1.0, 0.5: math.exp(-0.5), -0.1: 1.0}
    for loss, learnt in chances.items():
        features = solved_features(replace(SEEN, loss_nats=loss), SIZE)
        assert features[place] == pytest.approx(learnt)
    again = work_features(SEEN, SIZE, WORKS["again"])
    assert again[NAMES["again"].index("learnt")] == pytest.approx(math.exp(-0.01))


def test_the_shipped_table_keeps_its_signs_and_says_where_it_is_from() -> None:
    for kind, names in NAMES.items():
        for name, weight in zip(names, TABLE.weights[kind], strict=True):
            assert weight >= 0 or name not in RISING, (kind, name)
            assert weight <= 0 or name not in FALLING, (kind, name)
    assert TABLE.provenance


def test_agreement_of_a_large_model_is_believed_as_that_of_the_bundled_one_is_not() -> None:
    agreed = Outlook(0.9, share=1.0, lead=1.0, votes=16, held_chance=1.0)
    bundled, large = (solved_chance(table_of(size), agreed, SIZE) for size in (5e6, 8e9))
    assert bundled < 0.5 < large
    found = Outlook(0.9, True, 1.0, 0.9)
    assert solved_chance(PRIOR, found, SIZE) == solved_chance(TABLE, found, SIZE)
    for kind, names in NAMES.items():
        for name, weight in zip(names, PRIOR.weights[kind], strict=True):
            assert weight >= 0 or name not in RISING, (kind, name)
            assert weight <= 0 or name not in FALLING, (kind, name)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=40)
def test_stronger_evidence_never_lowers_the_probability(a: float, b: float, other: float) -> None:
    low, high = sorted((a, b))
    for name in ("share", "lead", "held_chance"):
        weak, strong = (replace(SEEN, chance=other, **{name: value}) for value in (low, high))
        assert solved_chance(TABLE, weak, SIZE) <= solved_chance(TABLE, strong, SIZE) + 1e-12


@given(st.floats(0.05, 100.0), st.floats(1.5, 20.0))
@settings(max_examples=40)
def test_longer_searches_and_larger_plans_are_worth_no_less(last_s: float, factor: float) -> None:
    shorter, longer = Work(1.5 * last_s, last_s), Work(1.5 * last_s * factor, last_s)
    assert work_chance(TABLE, SEEN, SIZE, shorter) <= work_chance(TABLE, SEEN, SIZE, longer)
    steps = [Work(0.0, last_s, Level(n, 8)) for n in (0, 16, 64)]
    chances = [work_chance(TABLE, SEEN, SIZE, work) for work in steps]
    assert chances[1] <= chances[2]


def test_chances_of_many_searches_are_those_of_each() -> None:
    slices = np.array([0.5, 1.0, 6.0, 60.0])
    many = search_chances(TABLE, SEEN, SIZE, 0.3, slices)
    one = [work_chance(TABLE, SEEN, SIZE, Work(float(s), 0.3)) for s in slices]
    assert np.allclose(many, one)


def draw(rows: int, weights: np.ndarray, seed: int) -> Examples:
    """Rows of kind "search" whose outcomes follow these weights."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, len(weights)))
    x[:, 0] = 1.0
    p = 1 / (1 + np.exp(-x @ weights))
    return Examples(x, (rng.random(rows) < p).astype(float), np.ones(rows))


TRUE = np.array([-1.0, 0.8, -0.5, 1.2, 0.4, -0.3])


def test_a_fit_finds_the_weights_that_made_its_rows() -> None:
    found = fit_weights("search", draw(6000, TRUE, 1), np.zeros(6))
    assert np.allclose(found, TRUE, atol=0.25)


def test_few_rows_move_weights_little_and_none_not_at_all() -> None:
    few = draw(3, TRUE, 2)
    near = fit_weights("search", few, TRUE)
    assert np.allclose(near, TRUE, atol=1.0)
    none = {"search": Examples(np.zeros((0, 6)), np.zeros(0), np.zeros(0))}
    assert fit_table(none, TABLE, "x").weights == dict(TABLE.weights)


@given(st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_signs_are_kept_whatever_the_rows_say(seed: int) -> None:
    wrong = -TRUE
    found = fit_weights("search", draw(200, wrong, seed), np.zeros(6))
    for name, weight in zip(NAMES["search"], found, strict=True):
        assert weight >= 0 or name not in RISING
        assert weight <= 0 or name not in FALLING


def test_a_fitted_table_is_better_calibrated_than_the_mean_on_other_rows() -> None:
    table = fit_table({"search": draw(3000, TRUE, 3)}, TABLE, "made up")
    others = draw(3000, TRUE, 4)
    p = predict(table, "search", others.features)
    plain = np.full_like(p, others.solved.mean())
    score = brier_score(p, others.solved, others.weight)
    assert score < 0.9 * brier_score(plain, others.solved, others.weight)
    text = calibration_text(table, {"search": others})
    assert text.startswith("search  3000 rows, Brier score 0.")
    bins = [line.split() for line in text.splitlines()[1:]]
    assert all(abs(float(b[1]) - float(b[3])) < 0.1 for b in bins)


def test_a_table_survives_being_written_as_a_module(tmp_path: Path) -> None:
    path = tmp_path / "table.py"
    path.write_text(table_module(TABLE), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("written_table", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.TABLE.weights == TABLE.weights
    assert module.TABLE.provenance == TABLE.provenance


def test_rows_and_tables_of_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="3 outcomes need 3 rows"):
        Examples(np.zeros((2, 6)), np.zeros(3), np.zeros(3))
    with pytest.raises(ValueError, match="10 weights of 'solved'"):
        Table({"solved": (1.0,)}, "")  # type: ignore[dict-item]
