"""The value table; written by `kit.budget.value_fit.table_module`, see there.

Weights in the order of `kit.budget.value.NAMES`.
"""

from __future__ import annotations

from kit.budget.value import Table

TABLE = Table(
    weights={
        "solved": (
            -3.0267,  # bias
            4.6377,  # covered
            2.1197,  # trust
            -0.6158,  # asked
            0.9784,  # share
            0.3257,  # lead
            0.7685,  # held
            0.7367,  # agree
            0.0,  # size
            0.1266,  # learnt
        ),
        "search": (
            -2.6024,  # bias
            0.8209,  # longer
            0.0,  # size
            0.3076,  # promise
            0.1231,  # covered
            -0.3157,  # late
        ),
        "model": (
            -2.3079,  # bias
            -1.0819,  # size
            -7.2146,  # untrained
            0.7818,  # steps
            0.2,  # views
            0.0375,  # scored
            0.2157,  # promise
            -0.1694,  # covered
            -0.2659,  # searched
        ),
        "again": (
            -3.7528,  # bias
            -0.7431,  # size
            -7.5,  # untrained
            0.4067,  # steps
            0.2,  # views
            0.017,  # scored
            -0.3591,  # covered
            0.9724,  # share
            0.5186,  # held
            -1.0,  # mute
            -0.6681,  # learnt
        ),
    },
    provenance=(
        "fitted on 202 tasks of ConceptARC, Mini-ARC and the 40 development tasks, traced with "
        "the bundled model: searches of 0.05 to 3.8 seconds, 30 steps x 8 views under two seeds"
    ),
)
