"""A real Ray cluster on this machine, for the tests that are marked `ray`."""

from __future__ import annotations

import atexit
import os
from functools import cache
from typing import Any

import pytest

STORE_BYTES = 80 * 2**20


class Cluster:
    """Two nodes of one core each; nodes come and go."""

    def __init__(self) -> None:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        from ray.cluster_utils import Cluster as RayCluster

        head = {**self._node(), "include_dashboard": False}
        self._cluster = RayCluster(initialize_head=True, head_node_args=head)
        self._second: Any = None
        self.add_node()

    @property
    def address(self) -> str:
        """HOST:PORT of the head node."""
        return self._cluster.address

    def add_node(self) -> None:
        """Bring the second node (back)."""
        if self._second is None:
            self._second = self._cluster.add_node(**self._node())

    def kill_node(self) -> None:
        """End the second node and everything on it with SIGKILL."""
        self._cluster.remove_node(self._second, allow_graceful=False)
        self._second = None

    def shutdown(self) -> None:
        """End all of it."""
        self._cluster.shutdown()

    @staticmethod
    def _node() -> dict[str, int]:
        return {"num_cpus": 1, "object_store_memory": STORE_BYTES}


@cache
def _only_cluster() -> Cluster:
    """One for all modules: starting it takes longer than all tests that use it."""
    started = Cluster()
    atexit.register(started.shutdown)
    return started


@pytest.fixture
def cluster() -> Cluster:
    """Two living nodes."""
    pytest.importorskip("ray")
    started = _only_cluster()
    started.add_node()
    return started
