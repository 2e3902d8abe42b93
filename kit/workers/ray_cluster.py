"""A Ray cluster: reached or refused in one line, and how many workers it gets.

What it does: connects this process, once, and reads what the nodes offer. What it does not: start
workers (`kit.workers.ray_launcher`), or copy anything to other machines: the kit, the packages it
needs and the model lie at the same paths on every node.

Ray is an optional package: requirements-ray.txt.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kit.workers.executor import SMALL_MODEL_BYTES, Staffing, WorkersConfig

if TYPE_CHECKING:
    from types import ModuleType

INSTALL = "pip install -r requirements-ray.txt"

_NAMESPACE = "arc-ttt-kit"
"""Tells a connection that was made here from one that the caller's process had before."""

_REACH_S = 5.0
"""A head node that does not take a connection within this is not there. Ray itself would try for
half a minute."""


class ClusterError(ValueError):
    """The cluster cannot be used; the message says why and what is allowed."""


@dataclass(frozen=True, slots=True)
class Node:
    """What one machine of a cluster offers.

    Attributes:
        cpus, gpus: that Ray may give away there.
    """

    cpus: int
    gpus: int


def load_ray() -> ModuleType:
    """The package.

    Raises:
        ClusterError: it is not installed.
    """
    # Ray would tell its makers about this cluster.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise ClusterError(
            f"--executor ray: the package ray is not installed here: {INSTALL}, or use "
            "--executor pool"
        ) from error
    return ray


def connect(address: str) -> None:
    """Connect this process to a cluster; nothing changes where it is connected to one.

    Args:
        address: "HOST:PORT" of the head node, "auto" or "local".
    Raises:
        ClusterError: Ray is missing, or there is no such cluster.
    """
    ray = load_ray()
    if ray.is_initialized():
        return
    if address not in ("auto", "local"):
        _check_reachable(address)
    try:
        with _own_signals():
            ray.init(
                address=address,
                namespace=_NAMESPACE,
                log_to_driver=False,
                logging_level=logging.ERROR,
                include_dashboard=False if address == "local" else None,
            )
    except (ConnectionError, RuntimeError, ValueError, OSError, AssertionError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ClusterError(
            f"--ray-address {address}: no cluster that this machine is part of ({lines[0]}); "
            "start one with `ray start --head`, or join one with `ray start --address HOST:PORT`"
        ) from error


def disconnect() -> None:
    """Leave the cluster if `connect` entered it; one that "local" started ends."""
    ray = load_ray()
    if ray.is_initialized() and ray.get_runtime_context().namespace == _NAMESPACE:
        with _own_signals():
            ray.shutdown()


def nodes() -> tuple[Node, ...]:
    """The living machines of the cluster."""
    ray = load_ray()
    found = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return tuple(Node(int(r.get("CPU", 0)), int(r.get("GPU", 0))) for r in found)


def choose_cluster_staffing(
    config: WorkersConfig, machines: tuple[Node, ...], model_bytes: int, searches: bool
) -> Staffing:
    """Workers and threads for a cluster: one on each GPU and searches on the cores they leave;
    without GPUs one on each core, or for a large model one on each machine.

    Raises:
        ClusterError: no machine gives a core away.
    """
    cpus, gpus = sum(node.cpus for node in machines), sum(node.gpus for node in machines)
    if not cpus:
        raise ClusterError("--executor ray: no machine of the cluster gives a core away")
    if gpus and model_bytes:
        count = config.count or gpus
        threads = config.threads or 1
        search = config.search or max(0, cpus - count * threads) if searches else 0
        return Staffing(count, threads, search)
    largest = max(node.cpus for node in machines)
    threads = config.threads or (1 if model_bytes < SMALL_MODEL_BYTES else largest)
    count = config.count or max(1, sum(node.cpus // threads for node in machines))
    return Staffing(count, threads, config.search if searches and model_bytes else 0)


def _check_reachable(address: str) -> None:
    """Refuse an address that is none, or at which nobody answers."""
    match = re.fullmatch(r"([\w.-]+):(\d{1,5})", address)
    if match is None:
        raise ClusterError(
            f"--ray-address {address}: must be HOST:PORT of the head node (as in `ray start "
            "--address`), auto, or local"
        )
    host, port = match[1], int(match[2])
    try:
        socket.create_connection((host, port), timeout=_REACH_S).close()
    except (OSError, OverflowError) as error:
        raise ClusterError(
            f"--ray-address {address}: nobody answers there ({error}); `ray status` on the head "
            "node says its address"
        ) from error


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Ray puts its own handlers in the place of ours; they come back at the end."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            with contextlib.suppress(ValueError):  # not the main thread: nothing was changed
                signal.signal(number, handler)
