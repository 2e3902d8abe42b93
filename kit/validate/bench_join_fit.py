"""Weights of the calibrated rule, fitted to a run whose solutions are known.

What it does: logistic regression with a ridge, one for answers of programs, one for answers of
samples. What it does not: install the weights; they are printed, to be put into
`kit.rank.calibration` with their provenance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kit.arc.grid import Grid
from kit.rank.arbitrate import Legs
from kit.rank.calibration import Weights, program_features, sample_features

RIDGE = 1.0
"""Weight of the penalty, as if each feature had been seen to mean nothing about once."""

STEPS = 30


@dataclass(frozen=True, slots=True)
class Case:
    """One test input: both legs, and the right answer."""

    task_id: str
    legs: Legs
    right: Grid


def fit_weights(cases: Iterable[Case], provenance: str) -> Weights:
    """Weights fitted to cases; a leg without any answer keeps a bias alone."""
    programs: list[tuple[Mapping[str, float], bool]] = []
    samples: list[tuple[Mapping[str, float], bool]] = []
    for case in cases:
        legs = case.legs
        programs += [(program_features(a), a.grid == case.right) for a in legs.programs]
        whole = max(1, sum(legs.votes.values()))
        samples += [
            (
                sample_features(legs.votes.get(grid, 0) / whole, place, legs.samples.margin),
                grid == case.right,
            )
            for place, grid in enumerate(legs.samples.grids)
        ]
    return Weights(logistic(programs), logistic(samples), provenance)


def logistic(rows: Sequence[tuple[Mapping[str, float], bool]]) -> dict[str, float]:
    """Weights by Newton's method; features are all in the first row."""
    if not rows:
        return {"bias": -3.0}
    names = list(rows[0][0])
    features = np.array([[row[name] for name in names] for row, _ in rows])
    wanted = np.array([float(label) for _, label in rows])
    ridge = RIDGE * np.eye(len(names))
    weights = np.zeros(len(names))
    for _ in range(STEPS):
        chance = 1.0 / (1.0 + np.exp(-np.clip(features @ weights, -30, 30)))
        slope = features.T @ (wanted - chance) - ridge @ weights
        curve = (features * (chance * (1 - chance))[:, None]).T @ features + ridge
        weights = weights + np.linalg.solve(curve, slope)
    return {name: round(float(w), 3) for name, w in zip(names, weights, strict=True)}


def cross_fitted(cases: Sequence[Case], folds: int = 5) -> list[tuple[Case, Weights]]:
    """Every case with weights that were fitted without its task."""
    names = sorted({case.task_id for case in cases})
    fold_of = {name: place % folds for place, name in enumerate(names)}
    fitted = {
        fold: fit_weights([c for c in cases if fold_of[c.task_id] != fold], f"fold {fold}")
        for fold in sorted(set(fold_of.values()))
    }
    return [(case, fitted[fold_of[case.task_id]]) for case in cases]
