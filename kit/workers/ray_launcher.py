"""Workers as actors of a Ray cluster; implements `kit.workers.process.Launcher`.

What it does: one actor for each worker, placed by Ray, whose messages are streamed back. Restarts,
second tries and silence are the pool's business, so that Ray restarts nothing by itself. An actor
whose machine is gone is replaced on another as soon as one has room.
What it does not: copy files; see `kit.workers.ray_cluster`.
"""

from __future__ import annotations

import json
import logging
import queue
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import Any

from kit.workers.executor import Staffing
from kit.workers.process import Events, Message, child_variables
from kit.workers.ray_cluster import connect, disconnect, load_ray, nodes
from kit.workers.service import serve

_END_S = 1.0
"""Most seconds that all readers are waited for after their actors were killed."""


class Host:
    """The actor: a worker's thread, and a stream of what it says."""

    def __init__(self) -> None:
        self._told: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._said: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def tell(self, text: str) -> None:
        """A message as JSON."""
        self._told.put(text)

    def run(self, opening: str) -> Iterator[str]:
        """Messages as JSON, until the solver does not open."""
        logging.basicConfig(level=logging.INFO)
        message = {**json.loads(opening), "scratch": tempfile.mkdtemp(prefix="arc-ttt-kit-")}
        threading.Thread(target=self._serve, args=(message,), daemon=True).start()
        while (text := self._said.get()) is not None:
            yield text

    def _serve(self, opening: Message) -> None:
        try:
            serve(
                opening,
                lambda: json.loads(self._told.get()),
                lambda said: self._said.put(json.dumps(said)),
            )
        finally:
            self._said.put(None)


class RayLauncher:
    """See the module docstring."""

    def __init__(self, address: str, staffing: Staffing) -> None:
        """Connect.

        Raises:
            ClusterError: Ray is missing, or there is no such cluster.
        """
        connect(address)
        self._staffing = staffing
        self._gpus = sum(node.gpus for node in nodes())
        self._children: list[RayChild] = []

    def start(self, index: int, opening: Message, events: Events) -> RayChild:
        """See `Launcher`."""
        searches = index >= self._staffing.count
        threads = 1 if searches else opening["threads"]
        gpus = 0.0
        if self._gpus and not searches:
            gpus = min(1.0, self._gpus / self._staffing.count)
        options = {
            "num_cpus": threads,
            "num_gpus": gpus,
            # One thread streams, the other takes what the worker is told.
            "max_concurrency": 2,
            "max_restarts": 0,
            "runtime_env": {"env_vars": child_variables(threads)},
        }
        child = RayChild(opening, options, events)
        self._children.append(child)
        return child

    def log_of(self, index: int) -> str:
        """Ray keeps what actors print on their own machine."""
        return "/tmp/ray/session_latest/logs on the worker's machine"

    def close(self) -> None:
        """Leave the cluster; a connection that the caller had before stays."""
        # A reader that is waiting when the connection ends takes the process along.
        until_s = time.monotonic() + _END_S
        for child in self._children:
            child.join(max(0.0, until_s - time.monotonic()))
        self._children.clear()
        disconnect()


class RayChild:
    """One actor; implements `kit.workers.process.Child`."""

    def __init__(self, opening: Message, options: dict[str, Any], events: Events) -> None:
        """Ask for it; it begins when a machine has room for it."""
        self.begun = False
        self._ray = load_ray()
        self._end, self._no_memory = "stopped answering", False
        self._actor = self._ray.remote(Host).options(**options).remote()
        stream = self._actor.run.options(num_returns="streaming").remote(json.dumps(opening))
        self._reader = threading.Thread(
            target=self._read, args=(stream, events), name="answers", daemon=True
        )
        self._reader.start()

    def tell(self, message: Message) -> None:
        """See `Child`."""
        self._actor.tell.remote(json.dumps(message))

    def kill(self) -> None:
        """See `Child`."""
        self._ray.kill(self._actor, no_restart=True)

    def bury(self) -> None:
        """Nothing is left of it here."""

    def how_it_ended(self) -> str:
        """See `Child`."""
        return self._end

    def ran_out(self) -> bool:
        """See `Child`; as far as Ray has killed it or knows who did."""
        return self._no_memory

    def join(self, seconds: float) -> None:
        """Wait for its last message."""
        self._reader.join(timeout=seconds)

    def _read(self, stream: Any, events: Events) -> None:
        """Turn its answers into events until it is gone."""
        try:
            for reference in stream:
                message = json.loads(self._ray.get(reference))
                self.begun = True
                events.put((self, message))
        except self._ray.exceptions.RayError as error:
            self._end = _reason(error)
            self._no_memory = isinstance(error, self._ray.exceptions.OutOfMemoryError)
        events.put((self, {"kind": "gone"}))


def _reason(error: Exception) -> str:
    """Why an actor is gone, in the words of Ray's first line about it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"is gone ({type(error).__name__}: {lines[0][:100] if lines else 'no reason given'})"
