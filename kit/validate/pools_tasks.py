"""The tasks that pools are chosen for, and their solutions where they are known."""

from __future__ import annotations

from collections.abc import Mapping

from kit.arc.datasets import resolve_tasks
from kit.arc.solutions import resolve_solutions
from kit.arc.task import Solutions, Task
from kit.pretrain.dev_tasks import DEVELOPMENT
from kit.validate.ablate_tasks import find_tasks


def tasks_and_solutions(
    spec: str, solutions: str | None
) -> tuple[Mapping[str, Task], Solutions | None]:
    """Tasks by id, in their set's order.

    Args:
        spec: what `--tasks` may say, or "dev".
    Raises:
        TaskFileError: no such set or file.
    """
    if spec == DEVELOPMENT:
        tasks, right = find_tasks((spec,))
        return {task.task_id: task for task in tasks}, right
    found = resolve_tasks(spec)
    return found.tasks, resolve_solutions(solutions, found)
