"""Test-time training for ARC: tasks in, two attempts per test input out.

From a notebook or a script:

    import kit
    attempts = kit.solve("my_task.json", budget="60s")
    first, second = attempts[0]          # grids for the first test input

The program for whole task sets is `submission.py`; `python -m kit` lists everything else.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kit.arc.grid import Grid
    from kit.arc.task import Task

# The folder kit/solve becomes an attribute of this package when it is first imported. Done here,
# that cannot happen later and put the folder in the place of the function below.
_SOLVE_FOLDER = importlib.import_module("kit.solve")


def solve(
    task: Task | Mapping[str, object] | str | Path, budget: str = "60s", **overrides: object
) -> list[tuple[Grid, Grid]]:
    """Two attempts for every test input of one task.

    Args:
        task: a Task, a dict as in ARC's JSON files ({"train": [...], "test": [...]}; outputs of
            test pairs are ignored), or the path of a file with one task.
        budget: wall time for everything, e.g. "90s" or "10m"; loading torch is part of it.
        overrides: any option of a run; a dotted name is given as **{"finetune.lr": 1e-3}. The
            names preset, model, format and seed are options too.
    Returns:
        (attempt_1, attempt_2) per test input, in order; cheap guesses where time did not suffice.
    Raises:
        ValueError: no task, or an option that cannot be used; one line says why.
        RuntimeError: the model could not be used; the message is the worker's.
    """
    from kit.notebook import solve_task

    return solve_task(task, budget, overrides)
