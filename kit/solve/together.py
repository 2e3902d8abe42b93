"""Several tasks answered side by side, so that their requests reach the sampler in one call.

What it does: every task goes through `solve_item` unchanged, in a thread of its own; whenever all
that are not done wait for the model, what they ask is put together and asked at once, each request
under its own task's adapter. Threads only wait and count; the model is used by the calling thread
alone. What it does not: train; tasks come with their adapters, or none.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from kit.budget.clock import Clock, Deadline
from kit.engine.memory import is_out_of_memory
from kit.generate.sampler import Completion, Sampler, SampleRequest, ScoreRequest
from kit.solve.phases import solve_item
from kit.solve.toolbox import Toolbox
from kit.solve.work import Publish, WorkItem, WorkResult

logger = logging.getLogger(__name__)


def solve_together(item: WorkItem, toolbox: Toolbox, clock: Clock, publish: Publish) -> WorkResult:
    """Answer all tasks of `item.batch`; their results are in the `batch` of the result.

    Seconds of a stage are those of the batch shared out evenly.

    Args:
        publish: given what is known of the whole batch, whenever more is known of a task.
    """
    desk = _Desk(toolbox.sampler)
    known: list[WorkResult] = [
        WorkResult(part.task.task_id, part.plan, failure="it was not begun") for part in item.batch
    ]
    mutex = threading.Lock()

    def keep(place: int, result: WorkResult, tell: bool) -> None:
        with mutex:
            known[place] = _shared_out(result, len(known))
            if tell:
                publish(_gathered(item, known))

    def work(place: int) -> None:
        part = replace(item.batch[place], deadline_s=item.deadline_s)
        own = replace(toolbox, sampler=_Port(desk, place))
        try:
            result = solve_item(part, own, clock, lambda partial: keep(place, partial, True))
            keep(place, result, False)
        except Exception as error:
            logger.exception("task %s", part.task.task_id)
            failed = WorkResult(part.task.task_id, part.plan, failure=_in_short(error))
            keep(place, failed, False)
        finally:
            desk.leave()

    for place in range(len(known)):
        threading.Thread(target=work, args=(place,), name=f"task-{place}", daemon=True).start()
    desk.serve(len(known))
    return _gathered(item, known)


def _gathered(item: WorkItem, known: Sequence[WorkResult]) -> WorkResult:
    return WorkResult(item.task.task_id, item.plan, batch=tuple(known))


def _in_short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]


def _shared_out(result: WorkResult, tasks: int) -> WorkResult:
    return replace(result, stage_s={name: s / tasks for name, s in result.stage_s.items()})


@dataclass(frozen=True, slots=True, eq=False)
class _Order:
    """What one task asks, and where its answers go: answers, then None; or an exception."""

    kind: Literal["sample", "score"]
    place: int
    requests: Sequence[SampleRequest | ScoreRequest]
    deadline: Deadline
    answers: queue.SimpleQueue[Any] = field(default_factory=queue.SimpleQueue)


class _Desk:
    """Takes orders from tasks and asks the sampler when all of them wait."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler
        self._events: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()

    def post(self, order: _Order) -> None:
        """Leave an order."""
        self._events.put(order)

    def leave(self) -> None:
        """A task is done and will order nothing more."""
        self._events.put(None)

    def serve(self, tasks: int) -> None:
        """Fulfil orders until all tasks have left."""
        orders: list[_Order] = []
        while tasks:
            event = self._events.get()
            if event is None:
                tasks -= 1
            else:
                orders.append(event)
            if tasks and len(orders) == tasks:
                orders.sort(key=lambda order: order.place)  # not in the order of threads
                for kind in ("sample", "score"):
                    self._fulfil([order for order in orders if order.kind == kind])
                orders = []

    def _fulfil(self, orders: Sequence[_Order]) -> None:
        """Ask for orders of one kind in one call; what they had got before a failure stays.

        Where that call fails, each order is asked for alone, so that only those that cannot be
        fulfilled fail. Want of memory is told to all: they ask for less then.
        """
        if not orders:
            return
        answered: set[tuple[int, ...]] = set()
        alone = False
        try:
            self._ask(orders, answered)
        except Exception as error:
            alone = len(orders) > 1 and not is_out_of_memory(error)
            if alone:
                logger.warning("asks %d tasks one by one: %s", len(orders), _in_short(error))
            for order in () if alone else orders:
                order.answers.put(error)
        # Behind the handler, so that what the failed call held is free.
        for order in orders:
            rest = [r for r in order.requests if (order.place, *r.key) not in answered]
            if alone and rest:
                self._fulfil([replace(order, requests=rest)])
            else:
                order.answers.put(None)

    def _ask(self, orders: Sequence[_Order], answered: set[tuple[int, ...]]) -> None:
        """Hand answers on as they come, and note whose they were: (place of the task, own key).

        Raises:
            Exception: what the sampler raised.
        """
        places = {order.place: order for order in orders}
        latest = max((order.deadline for order in orders), key=lambda deadline: deadline.at_s)
        merged: list[Any] = [
            replace(request, key=(order.place, *request.key))
            for order in orders
            for request in order.requests
        ]
        if orders[0].kind == "sample":
            for completion in self._sampler.sample(merged, latest):
                place, *key = completion.key
                answered.add(completion.key)
                places[place].answers.put(replace(completion, key=tuple(key)))
        else:
            for (place, *key), scores in self._sampler.score(merged, latest):
                answered.add((place, *key))
                places[place].answers.put((tuple(key), scores))


class _Port:
    """The sampler as one task sees it; implements `Sampler`."""

    def __init__(self, desk: _Desk, place: int) -> None:
        self._desk, self._place = desk, place

    def sample(self, requests: Sequence[SampleRequest], deadline: Deadline) -> Iterator[Completion]:
        """See `Sampler.sample`."""
        return self._ask(_Order("sample", self._place, requests, deadline))

    def score(
        self, requests: Sequence[ScoreRequest], deadline: Deadline
    ) -> Iterator[tuple[tuple[int, ...], tuple[float, ...]]]:
        """See `Sampler.score`."""
        return self._ask(_Order("score", self._place, requests, deadline))

    def close(self) -> None:
        """Nothing is held."""

    def _ask(self, order: _Order) -> Iterator[Any]:
        self._desk.post(order)
        while (answer := order.answers.get()) is not None:
            if isinstance(answer, Exception):
                raise answer
            yield answer
