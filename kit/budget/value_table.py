"""The value table; written by `kit.budget.value_fit.table_module`, see there.

Weights in the order of `kit.budget.value.NAMES`.
"""

from __future__ import annotations

from kit.budget.value import Table

TABLE = Table(
    weights={
        "solved": (
            -2.8394,  # bias
            4.3554,  # covered
            1.2984,  # trust
            0.0,  # asked
            2.0,  # share
            1.5,  # lead
            0.5,  # held
            1.0,  # agree
            0.0,  # size
            0.0,  # learnt
        ),
        "search": (
            -2.013,  # bias
            0.9817,  # longer
            -0.071,  # size
            0.2135,  # promise
            -0.0475,  # covered
            -0.115,  # late
        ),
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
    provenance=(
        "solved (programs) and search: fitted on journals of runs over ConceptARC, "
        "Mini-ARC and the 40 development tasks and on 36 traced ones of them, searches of "
        "0.1 to 2.5 seconds; model, again and how votes count: set by hand. `python -m "
        "kit replay TRACE... --fit` fits them all"
    ),
)
