"""What work is worth: the probability that a task is solved, and what more work would add to it.

Small logistic models over what is known of a task (`Outlook`, its size) and of the work:

    solved   the two attempts that the task has now are right
    search   a longer search solves a task that is not solved yet
    model    the same of the first training and sampling (without training: of sampling)
    again    the same of another adapter seed, after the first did not solve it

How steps, views and scoring by product of experts count is part of "model" and "again", so that
what more of each adds is a difference between two of their plans. The gain of work is the
probability that the task is not solved yet times that of being solved by the work.

What it does not: fit the numbers (`kit.budget.value_fit`; they lie in `kit.budget.value_table`), or
know any answer. Signs of the weights are fixed where the direction is beyond doubt.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from kit.budget.cost import TaskSize
from kit.budget.outlook import Outlook
from kit.budget.policy import Level

Kind = Literal["solved", "search", "model", "again"]

_MOST_LOGIT = 5.0
"""No evidence is trusted beyond this."""

NO_SEARCH_S = 0.02
"""Stands for the length of a search that never was."""

_LEAST_OCTAVES = 0.1
"""A search is taken to be longer than the last by this much at least."""

_USUAL_TOKENS, _USUAL_STEPS, _USUAL_VIEWS = 512, 64, 8
"""Where the features of size, steps and views are 0, so that weights can be read."""

NAMES: Mapping[Kind, tuple[str, ...]] = {
    "solved": (
        "bias", "covered", "trust", "asked", "share", "lead", "held", "agree", "size", "learnt",
    ),
    "search": ("bias", "longer", "size", "promise", "covered", "late"),
    "model": (
        "bias", "size", "untrained", "steps", "views", "scored", "promise", "covered", "searched",
    ),
    "again": (
        "bias", "size", "untrained", "steps", "views", "scored", "covered", "share", "held", "mute",
        "learnt",
    ),
}  # fmt: skip
"""Features of each model, in the order of its weights."""

RISING: frozenset[str] = frozenset(
    {"trust", "share", "lead", "held", "agree", "longer", "steps", "views", "scored", "promise"}
)
"""More of it never means a lower probability ..."""

FALLING: frozenset[str] = frozenset({"size", "untrained"})
"""... or a higher one."""


@dataclass(frozen=True, slots=True)
class Work:
    """Work that might be done on a task.

    Attributes:
        search_s: seconds of the search; 0 for work of the model.
        last_s: of the longest search so far.
        level: of the model's plan; None for a search.
        again: the model has been asked before.
    """

    search_s: float = 0.0
    last_s: float = 0.0
    level: Level | None = None
    again: bool = False

    @property
    def kind(self) -> Kind:
        """The model that says what it is worth."""
        if self.level is None:
            return "search"
        return "again" if self.again else "model"


@dataclass(frozen=True, slots=True)
class Table:
    """The weights of all models.

    Attributes:
        weights: kind -> one number per name in `NAMES`.
        provenance: what they were fitted on.
    """

    weights: Mapping[Kind, tuple[float, ...]]
    provenance: str

    def __post_init__(self) -> None:
        for kind, names in NAMES.items():
            if len(self.weights.get(kind, ())) != len(names):
                raise ValueError(f"a value table needs {len(names)} weights of {kind!r}")


def solved_features(outlook: Outlook, size: TaskSize) -> tuple[float, ...]:
    """What speaks for the answers of a task, in the order of `NAMES["solved"]`."""
    covered = outlook.chance > 0
    held = outlook.held_chance or 0.0
    return (
        1.0,
        float(covered),
        logit(outlook.chance) if covered else 0.0,
        float(outlook.votes > 0),
        outlook.share,
        outlook.lead,
        held,
        float(outlook.agree),
        _size(size),
        _learnt(outlook),
    )


def work_features(outlook: Outlook, size: TaskSize, work: Work) -> tuple[float, ...]:
    """What speaks for work on a task that is not solved, in the order of `NAMES[work.kind]`.

    Args:
        outlook: before the work.
    """
    covered = float(outlook.chance > 0)
    if work.level is None:
        last_s = max(work.last_s, NO_SEARCH_S)
        octaves = max(_LEAST_OCTAVES, math.log2(max(work.search_s, last_s) / last_s))
        late = math.log2(last_s)
        return (1.0, math.log(octaves), _size(size), outlook.promise, covered, late)
    level = (_size(size), *_level_features(work.level))
    if work.again:
        held = outlook.held_chance or 0.0
        mute = float(outlook.votes == 0)
        return (1.0, *level, covered, outlook.share, held, mute, _learnt(outlook))
    searched = math.log2(max(work.last_s, NO_SEARCH_S) / NO_SEARCH_S)
    return (1.0, *level, outlook.promise, covered, searched)


def _learnt(outlook: Outlook) -> float:
    """How probable a token of its own demonstrations the adapter found at last, 0..1; 0 where
    nothing was trained."""
    return 0.0 if outlook.loss_nats is None else math.exp(-max(0.0, outlook.loss_nats))


def _level_features(level: Level) -> tuple[float, float, float, float]:
    """untrained, steps, views, scored."""
    trained = level.num_steps > 0
    steps = math.log2(level.num_steps / _USUAL_STEPS) if trained else 0.0
    views = math.log2(level.num_test_views / _USUAL_VIEWS)
    return float(not trained), steps, views, float(level.num_score_views > 0)


def _size(size: TaskSize) -> float:
    """Octaves above a usual task, within +-3."""
    return min(3.0, max(-3.0, math.log2(max(1, size.longest_tokens) / _USUAL_TOKENS)))


def solved_chance(table: Table, outlook: Outlook, size: TaskSize) -> float:
    """Probability that a task's answers are right."""
    return probability(_sum(table.weights["solved"], solved_features(outlook, size)))


def work_chance(table: Table, outlook: Outlook, size: TaskSize, work: Work) -> float:
    """Probability that work solves a task which is not solved yet."""
    return probability(_sum(table.weights[work.kind], work_features(outlook, size, work)))


def search_chances(
    table: Table, outlook: Outlook, size: TaskSize, last_s: float, slices_s: np.ndarray
) -> np.ndarray:
    """(K,) `work_chance` of searches of K lengths."""
    before_s = max(last_s, NO_SEARCH_S)
    # Twice as long is where the feature "longer" is 0.
    rest = work_features(outlook, size, Work(2 * before_s, last_s))
    weights = table.weights["search"]
    octaves = np.maximum(_LEAST_OCTAVES, np.log2(np.maximum(slices_s / before_s, 1.0)))
    log_odds = _sum(weights, rest) + weights[NAMES["search"].index("longer")] * np.log(octaves)
    return 1.0 / (1.0 + np.exp(-log_odds))


def _sum(weights: tuple[float, ...], features: tuple[float, ...]) -> float:
    return math.fsum(w * x for w, x in zip(weights, features, strict=True))


def logit(chance: float) -> float:
    """Log-odds of a probability, bounded."""
    inside = min(1 - 1e-6, max(1e-6, chance))
    return min(_MOST_LOGIT, max(-_MOST_LOGIT, math.log(inside / (1 - inside))))


def probability(log_odds: float) -> float:
    """The probability of log-odds."""
    return 1.0 / (1.0 + math.exp(-min(30.0, max(-30.0, log_odds))))
