"""The value table of models that nothing was recorded with.

`kit.budget.value_table` was fitted on answers of the bundled model, whose votes are seldom right
even where all views agree. Of a model of billions of weights that would be wrong by far: too little
trust in agreement, and further adapters for tasks that are solved. For such models the weights of
votes and training are set by hand until somebody traces one (`python -m kit trace`, then
`python -m kit replay --fit`); those of programs and searches, which know no model, are the fitted.
"""

from __future__ import annotations

from kit.budget.value import NAMES, Table
from kit.budget.value_table import TABLE

FITTED_BYTES = 50_000_000
"""Weights files up to which a model is taken to be of the bundled one's kind (5 MB)."""

_VOTES = {"asked": 0.0, "share": 2.0, "lead": 1.5, "held": 0.5, "agree": 1.0, "learnt": 0.0}

_FITTED = dict(zip(NAMES["solved"], TABLE.weights["solved"], strict=True))

PRIOR = Table(
    weights={
        "solved": tuple({**_FITTED, **_VOTES}.values()),
        "search": TABLE.weights["search"],
        "model": (
            -3.0,  # bias
            -0.8,  # size
            -7.5,  # untrained
            0.5,  # steps
            0.2,  # views
            0.1,  # scored
            0.3,  # promise
            0.0,  # covered
            -0.2,  # searched
        ),
        "again": (
            -3.6,  # bias
            -0.6,  # size
            -7.5,  # untrained
            0.4,  # steps
            0.2,  # views
            0.1,  # scored
            0.0,  # covered
            1.0,  # share
            0.5,  # held
            -1.0,  # mute
            0.0,  # learnt
        ),
    },
    provenance=f"programs and searches: {TABLE.provenance}; votes, model and again: set by hand",
)


def table_of(model_bytes: int) -> Table:
    """The table for a model whose weights files have this size."""
    return TABLE if model_bytes <= FITTED_BYTES else PRIOR
