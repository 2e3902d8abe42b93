"""Crews for engines that need processes of their own: who works where, and where adapters lie.

What it does: opens `RoundsExecutor` over pools of child processes, with rounds that fit the disk.
"""

from __future__ import annotations

import hashlib
import math
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from kit.budget.clock import Clock, SystemClock
from kit.solve.work import SolverSpec
from kit.workers.crew import Open
from kit.workers.executor import Staffing, WorkersConfig, open_executor
from kit.workers.rounds import ROUND_TASKS, RoundsExecutor, hand_in_s

WRITE_S = 90.0
"""A trainer may take so long behind its deadline to write what it has trained: gigabytes, from a
model of billions of weights."""

_GRACE_SHARE = 0.9
"""Of the time that is kept for handing in, so much may be waited for a server: one step of it may
take seconds, what came of a batch is lost with it, and the rest brings back what is left."""

_DISK_SHARE = 0.5
"""Of a disk's free space, what the adapters of a round may take."""


def open_rounds(
    config: WorkersConfig,
    specs: Mapping[str, SolverSpec],
    staffing: Staffing,
    run_folder: Path,
    gpus: Sequence[str] = (),
    until_s: float = math.inf,
    clock: Clock | None = None,
    adapter_bytes: int = 0,
) -> RoundsExecutor:
    """The executor for engines that need processes of their own; starts the search at once.

    Args:
        specs: what the crews "train", "serve" and "search" open.
        run_folder: gets a folder of logs and scratch files for each crew; adapters lie there or on
            the machine's own disk, wherever there is more room.
        gpus: each has its own trainer and its own server; without any, one process serves.
        until_s: instant at which the run ends.
        adapter_bytes: of one adapter; 0 where that does not count.
    Raises:
        ValueError: workers that are no child processes were asked for.
    """
    if config.executor != "pool":
        raise ValueError(
            f"workers.executor={config.executor}: these engines need processes of their own, "
            "use workers.executor=pool"
        )

    clock = clock or SystemClock()
    # What a trainer has learned is lost when it is killed while it writes.
    serve_s = _GRACE_SHARE * hand_in_s(until_s - clock.now_s())
    patience_s = {"train": WRITE_S, "serve": serve_s, "search": 0.0}

    def opens(name: str, crew: Staffing, devices: Sequence[str]) -> Open:
        own = replace(config, grace_s=max(config.grace_s, patience_s[name]))
        return lambda: open_executor(own, specs[name], crew, run_folder / name, gpus=devices)

    adapters, room = _roomy_folder(run_folder)
    round_tasks = ROUND_TASKS
    if adapter_bytes:
        round_tasks = int(_DISK_SHARE * room / adapter_bytes)
    return RoundsExecutor(
        train=opens("train", Staffing(staffing.count, staffing.threads), gpus),
        serve=opens("serve", Staffing(max(1, len(gpus)), staffing.threads), gpus),
        search=opens("search", Staffing(staffing.search, 1), ()) if staffing.search else None,
        adapters=adapters,
        clock=clock,
        until_s=until_s,
        alternate=config.alternate,
        round_tasks=min(ROUND_TASKS, max(staffing.count, round_tasks)),
    )


def _roomy_folder(run_folder: Path) -> tuple[Path, int]:
    """A folder for adapters on the disk with most room, and that room in bytes: a contest's working
    folder holds 20 GB and is handed in, the machine's own disk holds more."""
    temporary = Path(tempfile.gettempdir())
    run_folder.mkdir(parents=True, exist_ok=True)
    own, other = (shutil.disk_usage(place).free for place in (run_folder, temporary))
    if own >= other:
        return run_folder / "adapters", own
    # Of this run alone, and found again by the next start of it if this one is killed.
    name = hashlib.sha256(str(run_folder.resolve()).encode()).hexdigest()[:16]
    folder = temporary / f"arc-ttt-kit-adapters-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    return folder, other
