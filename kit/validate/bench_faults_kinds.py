"""The faults that a run may meet: when each strikes, with what options, and how the run may end.

What it does not: harm anything (`bench_faults_strikes`), or judge what is left.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass

from kit.validate.bench_faults_strikes import (
    Scene,
    allow_writing,
    clock_variables,
    close_memory,
    cut_journal,
    damage_adapter,
    fill_disk,
    forbid_writing,
    from_the_start,
    kill_both,
    kill_parent,
    mount_disk,
    open_memory,
    signal_worker,
    start_second,
    terminate,
    unmount_disk,
    write_clock,
)


def _nothing(scene: Scene) -> None:
    """For kinds that need no preparation or repair."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault.

    Attributes:
        strike: harms a run; whether there was something to harm.
        options: of the run, behind all others.
        ends: the run ends by it and is resumed with the time that is left.
        codes: exit codes that a run may end with.
        when: earliest and latest moment, as shares of the budget.
        before_end_s: strikes so long before the end instead.
        after_file: strikes when there is a submission; before that, such a run is refused.
        writable: answers can be written all the same.
        prepare, heal: before the run, and after it.
        variables: of the run's environment.
        shown_by: what a task's failure in the journal says when it has struck.
    """

    name: str
    strike: Callable[[Scene], bool]
    options: tuple[str, ...] = ()
    ends: bool = False
    codes: tuple[int, ...] = (0,)
    when: tuple[float, float] = (0.05, 0.85)
    before_end_s: float | None = None
    after_file: bool = False
    writable: bool = True
    prepare: Callable[[Scene], None] = _nothing
    heal: Callable[[Scene], None] = _nothing
    variables: Callable[[Scene], dict[str, str]] = lambda scene: {}
    shown_by: str | None = None


_SHARED = (
    "solve.legs=ttt",
    "finetune.shared=true",
    "finetune.batch_views=1",
    "budget.num_steps=1",
)

KINDS: tuple[Kind, ...] = (
    Kind("none", from_the_start),
    Kind("kill -9 of a worker", lambda scene: signal_worker(scene, signal.SIGKILL)),
    Kind("kill -9 of the parent", kill_parent, ends=True),
    Kind("kill -9 of both", kill_both, ends=True),
    Kind("out of memory", close_memory, heal=open_memory),
    Kind(
        "loss is no number",
        from_the_start,
        options=("solve.legs=ttt", "finetune.lr=1e30"),
        shown_by="no number",
    ),
    Kind(
        "hung worker",
        lambda scene: signal_worker(scene, signal.SIGSTOP),
        options=("workers.silent_s=3",),
    ),
    Kind(
        "disk full",
        fill_disk,
        codes=(0, 1),
        after_file=True,
        writable=False,
        prepare=mount_disk,
        heal=unmount_disk,
    ),
    Kind(
        "read-only output",
        forbid_writing,
        codes=(0, 1),
        after_file=True,
        writable=False,
        heal=allow_writing,
    ),
    Kind("wall clock jumps", from_the_start, prepare=write_clock, variables=clock_variables),
    Kind("SIGTERM 5 s before the end", terminate, codes=(143,), before_end_s=5.0),
    Kind("journal cut", cut_journal, ends=True),
    Kind("damaged adapter", damage_adapter, options=_SHARED, ends=True, when=(0.6, 0.8)),
    Kind("two runs in one folder", start_second, after_file=True),
)


def pick_kinds(names: str | None) -> tuple[Kind, ...]:
    """Kinds whose names hold one of the words, separated by commas; all for None.

    Raises:
        ValueError: a word that is in no name.
    """
    if names is None:
        return KINDS
    words = [word.strip() for word in names.split(",") if word.strip()]
    for word in words:
        if not any(word in kind.name for kind in KINDS):
            raise ValueError(f"--kinds {word}: no such fault; there are {', '.join(_names())}")
    return tuple(kind for kind in KINDS if any(word in kind.name for word in words))


def _names() -> list[str]:
    return [kind.name for kind in KINDS]
