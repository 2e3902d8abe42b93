"""Who works on items: the protocol, its settings, and how many workers a machine gets.

One loop serves all executors:

    while plans or running:
        while executor.idle() > 0 and (item := next item):
            executor.submit(item)
        for result in executor.poll(timeout_s=0.5):
            ...

Items are submitted one by one, so that the scheduler can decide late.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from kit.budget.clock import Clock, SystemClock
from kit.engine.memory import available_bytes
from kit.solve.work import SolverSpec, WorkItem, WorkResult
from kit.workers.devices import deal_devices

if TYPE_CHECKING:
    from kit.workers.process import Launcher

SMALL_MODEL_BYTES = 200 * 2**20
"""Below this a worker per core with one thread each beats one worker with all threads: tiny
matrix products do not gain from threads."""

WORKER_BYTES = 600 * 2**20
"""Memory of one worker besides its model: interpreter, torch and activations."""

WEIGHT_COPIES = 6
"""Copies of the weights a worker may hold: fp32 of bf16 files (2), gradients, two moments, one
to spare."""

_MOST_WORKERS = 256
"""More than any machine has use for; a slip of the keyboard shall not start a million."""

ExecutorName = Literal["inline", "pool", "ray"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WorkersConfig:
    """Processes that do the work.

    Attributes:
        executor: "pool" for child processes, "inline" for the calling process (notebooks, tests),
            "ray" for a cluster.
        ray_address: of the cluster, "HOST:PORT"; "auto" for the one this machine is part of,
            "local" for a new one on this machine.
        count: worker processes; 0 for one on each GPU, else it is chosen from cores, memory and
            the size of the model.
        threads: threads of each; 0 shares the cores out.
        search: more processes that search for programs only; 0 for one on each core that GPU
            workers leave, and none without a GPU, where all workers search.
        grace_s: how long after an item's deadline its worker is killed; engines in processes of
            their own are waited for longer (`kit.workers.open_rounds`).
        silent_s: a worker that shows no sign of life for so long is killed and its item tried
            again; 0 for never.
        stalled_s: the same for one whose solver does not ask the clock; loading a model must fit
            in.
        alternate: engines that train and engines that serve in processes of their own take turns
            on a GPU; false where both fit it at once.
    """

    executor: ExecutorName = "pool"
    ray_address: str = "auto"
    count: int = 0
    threads: int = 0
    search: int = 0
    grace_s: float = 2.0
    silent_s: float = 60.0
    stalled_s: float = 600.0
    alternate: bool = True

    def __post_init__(self) -> None:
        if self.executor not in get_args(ExecutorName):
            raise ValueError(
                f"workers.executor must be {', '.join(get_args(ExecutorName))}, "
                f"got {self.executor!r}"
            )
        for name in ("count", "threads", "search", "grace_s", "silent_s", "stalled_s"):
            if getattr(self, name) < 0:
                raise ValueError(f"workers.{name} must not be negative, got {getattr(self, name)}")
        for name in ("count", "search"):
            if getattr(self, name) > _MOST_WORKERS:
                raise ValueError(
                    f"workers.{name} must be {_MOST_WORKERS} at most, got {getattr(self, name)}"
                )


@dataclass(frozen=True, slots=True)
class Patience:
    """How long workers are waited for, see `WorkersConfig`."""

    grace_s: float = 2.0
    silent_s: float = 60.0
    stalled_s: float = 600.0


class WorkersLost(RuntimeError):
    """No worker could be started: the model does not load or the machine has no room for it."""


class Executor(Protocol):
    """Runs items; a failed item is a result, never a raise."""

    def submit(self, item: WorkItem) -> None:
        """Start an item, or keep it until a worker is free."""
        ...

    def idle(self) -> int:
        """Workers without an item, not below 0; without those of `idle_search`."""
        ...

    def idle_search(self) -> int:
        """Workers without an item that take searches only; where there are such workers, the
        others take no search."""
        ...

    def poll(self, timeout_s: float) -> list[WorkResult]:
        """Results that have come; waits up to `timeout_s` for the first one.

        Raises:
            WorkersLost: there is no worker left that could be started.
        """
        ...

    def problems(self) -> Sequence[str]:
        """Lines about kinds of workers that were lost while others went on; each of them is told
        again at every call."""
        ...

    def close(self) -> None:
        """Stop at once; items in work are dropped. May be called twice."""
        ...


@dataclass(frozen=True, slots=True)
class Staffing:
    """How many workers run, with how many threads each.

    Attributes:
        search: more workers, of one thread, that search for programs only.
    """

    count: int
    threads: int
    search: int = 0


def choose_staffing(
    config: WorkersConfig, model_bytes: int, devices: int = 0, searches: bool = False
) -> Staffing:
    """Workers and threads for this machine.

    Threads change the last digits of sums; a small model gets one whatever else is chosen, so that
    its answers are the same with any number of workers.

    Args:
        model_bytes: size of the weights files; 0 where no model is used.
        devices: GPUs; each gets a worker of its own, and the cores they leave search.
        searches: whether there is a search for programs.
    """
    cores, is_small = usable_cores(), model_bytes < SMALL_MODEL_BYTES
    count = 1 if config.executor == "inline" else config.count
    if devices and model_bytes:
        count = count or devices
        beside = searches and config.executor == "pool"
        search = config.search or max(0, cores - count) if beside else 0
        threads = config.threads or (1 if is_small else max(1, (cores - search) // count))
        return Staffing(count, threads, search)
    if not count:
        room = available_bytes() // (WORKER_BYTES + WEIGHT_COPIES * model_bytes)
        count = max(1, min(cores, room)) if is_small else 1
    search = config.search if searches and model_bytes and config.executor == "pool" else 0
    threads = config.threads or (1 if is_small else max(1, cores // count))
    return Staffing(count, threads, search)


def usable_cores() -> int:
    """Cores this process may use: affinity and, on Linux, the container's quota."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    quota = Path("/sys/fs/cgroup/cpu.max")
    if quota.is_file():
        limit, period = quota.read_text(encoding="ascii").split()[:2]
        if limit != "max":
            cores = min(cores, max(1, int(limit) // int(period)))
    return cores


def weights_bytes(model: Path) -> int:
    """Size of the safetensors files in a model folder."""
    return sum(path.stat().st_size for path in model.glob("*.safetensors"))


def open_executor(
    config: WorkersConfig,
    spec: SolverSpec,
    staffing: Staffing,
    run_folder: Path,
    clock: Clock | None = None,
    gpus: Sequence[str] = (),
) -> Executor:
    """The executor of `config`; returns at once, models are opened by the workers.

    Args:
        spec: the solver every worker opens.
        staffing: see `choose_staffing`.
        run_folder: gets workers/worker-<n>.log and scratch/worker-<n>/.
        gpus: of this machine, see `kit.workers.devices.gpu_devices`; the kinds "inline" and "ray"
            find theirs by themselves.
    Raises:
        ValueError: the cluster cannot be reached.
    """
    clock = clock or SystemClock()
    if config.executor == "inline":
        from kit.workers.inline import InlineExecutor

        return InlineExecutor(spec, staffing, run_folder, clock)
    from kit.workers.pool import PoolExecutor

    patience = Patience(config.grace_s, config.silent_s, config.stalled_s)
    launcher: Launcher
    if config.executor == "ray":
        from kit.workers.ray_launcher import RayLauncher

        launcher = RayLauncher(config.ray_address, staffing)
    else:
        from kit.workers.process import ProcessLauncher

        devices = deal_devices(staffing.count, staffing.search, gpus)
        launcher = ProcessLauncher(run_folder, devices)
    return PoolExecutor(spec, staffing, launcher, clock, patience)


def no_workers(name: str, why: str) -> str:
    """That a kind of workers, named in the plural, is lost for good."""
    return f"no {name} can be started: {why}"


def unworked(item: WorkItem, why: str) -> WorkResult:
    """The result of an item that no worker is left for."""
    return WorkResult(item.task.task_id, item.plan, failure=why)


def scratch_folder(run_folder: Path, index: int) -> Path:
    """An empty folder for worker `index`; what an earlier process left in it is removed."""
    folder = run_folder / "scratch" / f"worker-{index}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def guarded(item: WorkItem, solve: Callable[[], WorkResult]) -> WorkResult:
    """The result of `solve()`, or what is left when it raises: the one place that catches all."""
    try:
        return solve()
    except Exception as error:
        logger.exception("task %s, round %d", item.task.task_id, item.plan.round)
        return WorkResult(item.task.task_id, item.plan, failure=describe(error))


def describe(error: BaseException) -> str:
    """An error in one line: its kind and the first line of its message."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
