"""What one start of a run leaves for the next: the record of its request, and the check of it.

What it does: describes a run so that a later start can tell whether it is the same one. What it
does not: read or write the journal itself (`kit.submit.journal`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kit.arc.task import Task
from kit.config import Config, ConfigError, to_json
from kit.submit.journal import Record
from kit.submit.records import digest, task_digest

# More time, or other workers, do not change what an answer is made from. With other legs nothing
# becomes wrong either: what a leg has proposed stays in its tasks' pools.
_FREE_TO_CHANGE = ("budget.time_s", "workers.", "solve.legs")

# Grids stay candidates whoever wrote them, and their scores were always compared across adapters:
# each round of a task trains its own. Adapters end with the process that trained them.
_ENGINES = ("solve.trainer", "solve.sampler", "finetune.quantize")


def run_record(
    config: Config, tasks: Sequence[Task], code: str, ids: Sequence[str] | None = None
) -> Record:
    """The first record of a start: resolved options, task set and code version.

    Args:
        ids: of the tasks that are worked on; None for all of them.
    """
    worked = [task.task_id for task in tasks] if ids is None else list(ids)
    data = {"config": to_json(config), "tasks": task_digest(tasks), "code": code, "ids": worked}
    return Record("run", digest(data), data)


def code_version() -> str:
    """A name of the source of `kit`, whatever its version number says."""
    folder = Path(__file__).resolve().parent
    return digest(
        [
            [path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8")]
            for path in sorted(folder.rglob("*.py"))
        ]
    )


def check_resumable(earlier: Record, now: Record) -> str | None:
    """Whether results of an earlier start still count; a remark where that needs one.

    Engines may change, unless one adapter serves all tasks: it outlives the engine it was trained
    for, and vLLM's counts the positions of tokens otherwise than the kit's own.

    Raises:
        ConfigError: other tasks, or other options that answers depend on.
    """
    if earlier.data["tasks"] != now.data["tasks"]:
        raise ConfigError("--resume: the run in --out was made for other tasks; use another --out")
    free = _FREE_TO_CHANGE
    if not earlier.data["config"]["finetune"].get("shared"):
        free += _ENGINES
    changed = [
        f"{key} was {old}, is {new}"
        for key, (old, new) in _differences(earlier.data["config"], now.data["config"]).items()
        if not key.startswith(free)
    ]
    if changed:
        raise ConfigError(
            f"--resume: the run in --out has other options ({'; '.join(changed[:3])}); "
            "give the same ones or another --out"
        )
    if earlier.data["code"] != now.data["code"]:
        return "the code has changed since; what is done is kept"
    return None


def _differences(old: Any, new: Any, prefix: str = "") -> dict[str, tuple[Any, Any]]:
    """Dotted key -> (old, new) of all values that differ."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return {} if old == new else {prefix.rstrip("."): (old, new)}
    found: dict[str, tuple[Any, Any]] = {}
    for key in dict.fromkeys((*old, *new)):
        found |= _differences(old.get(key), new.get(key), f"{prefix}{key}.")
    return found
