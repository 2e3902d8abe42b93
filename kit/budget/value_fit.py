"""Fitting the value table from recorded outcomes, and saying how far its probabilities are true.

Pure numpy: rows of features and of what came out, no tasks and no answers. A row is made by
`solved_features` or `work_features`; what came out is 0..1, the share of a task's test outputs
(for work: of those that were not right before). Weights are drawn towards those of an earlier
table, so that a kind of which little was recorded keeps what was believed of it, and keep the
signs that `kit.budget.value` demands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kit.budget.value import FALLING, NAMES, RISING, Kind, Table

PRIOR_SPREAD, BIAS_SPREAD = 0.4, 2.0
"""How far weights are expected to lie from the earlier ones (standard deviation of a normal prior):
recorded lengths and levels span too little to say how their features count outside of it, while
how much is solved at all differs with model and tasks."""

_STEPS = 200
_BINS = 8

_HEADER = '''"""The value table; written by `kit.budget.value_fit.table_module`, see there.

Weights in the order of `kit.budget.value.NAMES`.
"""

from __future__ import annotations

from kit.budget.value import Table

TABLE = Table(
'''


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Recorded rows of one kind.

    Attributes:
        features: (N, F) float64, columns as in `NAMES`.
        solved: (N,) float64, 0..1.
        weight: (N,) float64, how much a row counts: many rows of one task are not independent.
    """

    features: np.ndarray
    solved: np.ndarray
    weight: np.ndarray

    def __post_init__(self) -> None:
        rows = len(self.solved)
        if self.features.shape[:1] != (rows,) or self.weight.shape != (rows,):
            raise ValueError(
                f"{rows} outcomes need {rows} rows and weights, got features of shape "
                f"{self.features.shape} and {len(self.weight)} weights"
            )


def fit_table(examples: Mapping[Kind, Examples], earlier: Table, provenance: str) -> Table:
    """A table fitted on what was recorded; kinds without rows keep the earlier weights."""
    weights = dict(earlier.weights)
    for kind, held in examples.items():
        if len(held.solved):
            weights[kind] = fit_weights(kind, held, np.array(earlier.weights[kind]))
    return Table(weights, provenance)


def fit_weights(kind: Kind, examples: Examples, earlier: np.ndarray) -> tuple[float, ...]:
    """Weights of one kind: penalised likelihood by projected Newton steps.

    Args:
        earlier: (F,) weights that the penalty draws towards.
    """
    x, y, counts = examples.features, examples.solved, examples.weight
    pull = np.full(x.shape[1], PRIOR_SPREAD**-2)
    pull[0] = BIAS_SPREAD**-2
    low, high = _bounds(kind)
    w = np.clip(earlier.astype(np.float64), low, high)
    for _ in range(_STEPS):
        p = _probability(x @ w)
        gradient = x.T @ (counts * (p - y)) + pull * (w - earlier)
        curvature = (x * (counts * p * (1 - p))[:, None]).T @ x + np.diag(pull)
        at_bound = ((w <= low) & (gradient > 0)) | ((w >= high) & (gradient < 0))
        free = ~at_bound
        step = np.zeros_like(w)
        step[free] = np.linalg.solve(curvature[np.ix_(free, free)], gradient[free])
        new = np.clip(w - _damped(step), low, high)
        done = bool(np.abs(new - w).max() < 1e-9)
        w = new
        if done:
            break
    return tuple(round(float(value), 4) for value in w)


def _damped(step: np.ndarray) -> np.ndarray:
    """A step that moves no weight by more than one, so that far starts do not overshoot."""
    return step / max(1.0, float(np.abs(step).max()))


def _bounds(kind: Kind) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest value of every weight."""
    names = NAMES[kind]
    low = np.array([0.0 if name in RISING else -np.inf for name in names])
    high = np.array([0.0 if name in FALLING else np.inf for name in names])
    return low, high


def predict(table: Table, kind: Kind, features: np.ndarray) -> np.ndarray:
    """(N,) probabilities of (N, F) features."""
    return _probability(features @ np.array(table.weights[kind]))


def _probability(log_odds: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(log_odds, -30, 30)))


def brier_score(predicted: np.ndarray, solved: np.ndarray, weight: np.ndarray) -> float:
    """Mean squared error of probabilities; 0 is perfect.

    Source: Brier 1950, "Verification of forecasts expressed in terms of probability".
    """
    return float(np.average((predicted - solved) ** 2, weights=weight))


def calibration_text(table: Table, examples: Mapping[Kind, Examples]) -> str:
    """Brier score and reliability of every kind: what was predicted beside what came out.

    Args:
        examples: best of tasks that the table was not fitted on.
    """
    return "\n".join(
        line
        for kind in NAMES
        if kind in examples and len(examples[kind].solved)
        for line in _kind_lines(table, kind, examples[kind])
    )


def _kind_lines(table: Table, kind: Kind, held: Examples) -> list[str]:
    """The lines of one kind."""
    p = predict(table, kind, held.features)
    base = float(np.average(held.solved, weights=held.weight))
    score = brier_score(p, held.solved, held.weight)
    plain = brier_score(np.full_like(p, base), held.solved, held.weight)
    lines = [
        f"{kind:<7} {len(p)} rows, Brier score {score:.4f} "
        f"({plain:.4f} if all were given their mean {base:.3f})"
    ]
    order = np.argsort(p, kind="stable")
    for part in np.array_split(order, min(_BINS, len(order))):
        said = float(np.average(p[part], weights=held.weight[part]))
        came = float(np.average(held.solved[part], weights=held.weight[part]))
        lines.append(f"        predicted {said:6.3f}  came {came:6.3f}  rows {len(part)}")
    return lines


def table_module(table: Table) -> str:
    """The source of `kit/budget/value_table.py` that holds a table."""
    lines = [_HEADER + "    weights={"]
    for kind, weights in table.weights.items():
        lines.append(f'        "{kind}": (')
        for name, value in zip(NAMES[kind], weights, strict=True):
            lines.append(f"            {value!r},  # {name}")
        lines.append("        ),")
    lines.append("    },\n    provenance=(")
    words = table.provenance.split()
    while words:
        line = words.pop(0)
        while words and len(line) + len(words[0]) < 80:
            line += f" {words.pop(0)}"
        lines.append(f"        {(line + (' ' if words else ''))!r}".replace("'", '"'))
    return "\n".join(lines) + "\n    ),\n)\n"
