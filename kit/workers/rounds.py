"""Training and serving in processes of their own: for engines that one process cannot hold both of.

What it does: implements `Executor` over two crews. A round of tasks is trained, one task per item;
then their adapters are served together, many tasks in one batch. On small GPUs the crews take
turns, because an engine gives its memory back only when its process ends: all of the round is
trained, the trainers' processes end, all of it is served. On large ones both stay.
A crew that is lost ends its own part only: without trainers the base model is asked, without
servers tasks come back as failures while the search goes on.
What it does not: decide what is done next (the scheduler hands out a round's plans one by one, and
this executor says how many it still takes), or run the search, which has a crew of its own.
"""

from __future__ import annotations

import shutil
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from kit.budget.clock import Clock
from kit.solve.work import WorkItem, WorkResult
from kit.workers.crew import Crew, Open
from kit.workers.executor import WorkersLost, unworked
from kit.workers.job import MAX_TRIES
from kit.workers.round_work import RoundWork, round_key, round_name

TRAIN_SHARE = 0.65
"""Most of an item's time, and of a run's, that training may take; as in `kit.solve.phases`."""

ROUND_TASKS = 48
"""Tasks in a round, at most. Each round starts two engines, minutes each on a GPU; a shorter one
has its first answers sooner."""

HAND_IN_S = 20.0
"""Before the end of a run what is served must be back: one step of a server may take seconds, and
the results of a batch come together."""

_HAND_IN_SHARE = 0.05
"""No more of the time than this goes to handing in."""

BATCH_TASKS = 8
"""Tasks that one process serves at once, at most: as many adapters share a batch of the engine."""


class RoundsExecutor:
    """See the module docstring.

    Args:
        train, serve, search: how the crews are started; None for no search.
        adapters: folder for adapters between training and serving.
        round_tasks: tasks in a round, at most.
        until_s: instant on `clock` at which the run ends.
        alternate: whether the first two take turns.
        rest: lets seconds pass while nobody works.
    """

    def __init__(
        self,
        train: Open,
        serve: Open,
        search: Open | None,
        adapters: Path,
        clock: Clock,
        until_s: float,
        alternate: bool = True,
        rest: Callable[[float], None] = time.sleep,
        round_tasks: int = ROUND_TASKS,
    ) -> None:
        self._train, self._serve = Crew("trainers", train, clock), Crew("servers", serve, clock)
        self._search = Crew("searchers", search, clock) if search is not None else None
        if self._search is not None:
            self._search.idle()  # opens it
        self._adapters = adapters
        self._clock = clock
        self._until_s = until_s - hand_in_s(until_s - clock.now_s())
        self._alternate = alternate
        self._round_tasks = round_tasks
        self._rest = rest
        self._fresh: deque[RoundWork] = deque()
        self._training: dict[str, RoundWork] = {}
        self._trained: deque[RoundWork] = deque()
        self._serving: dict[str, tuple[RoundWork, ...]] = {}
        self._train_until_s = self._until_s

    def submit(self, item: WorkItem) -> None:
        """Take a task into the round, or hand a search on."""
        if item.plan.leg != "ttt" and self._search is not None:
            self._search.submit(item)
            return
        work = RoundWork(item, item.deadline_s - self._clock.now_s())
        trains = item.adapter is None and (item.plan.num_steps > 0 or item.union)
        (self._fresh if trains else self._trained).append(work)

    def idle(self) -> int:
        """Tasks that this round still takes; none when its engines would open too late."""
        if self._serve.lost is not None or self._is_too_late():
            return 0
        serving = sum(map(len, self._serving.values()))
        busy = len(self._fresh) + len(self._training) + len(self._trained) + serving
        return max(0, self._round_tasks - busy)

    def _is_too_late(self) -> bool:
        """Whether the run ends before a task taken now could be served."""
        if not self._alternate:
            return False
        to_open_s = self._serve.took_s + (0.0 if self._train.is_open else self._train.took_s)
        return self._until_s - self._clock.now_s() < to_open_s

    def idle_search(self) -> int:
        """Free workers of the search."""
        return 0 if self._search is None else self._search.idle()

    def poll(self, timeout_s: float) -> list[WorkResult]:
        """See `Executor.poll`."""
        results = self._skip_training()
        self._hand_out()
        if self._search is not None:
            results += self._search.poll(0.0)
        crews = [crew for crew in (self._train, self._serve) if crew.is_open]
        wait_s = 0.0 if results else timeout_s / max(1, len(crews))
        for result in self._train.poll(wait_s):
            results += self._take_trained(result)
        for result in self._serve.poll(wait_s):
            results += self._take_served(result)
        results += self._without_servers(bool(results))
        if not (results or crews):
            self._rest(timeout_s)
        return results

    def problems(self) -> list[str]:
        """See `Executor.problems`."""
        crews = (self._train, self._serve, self._search)
        return [text for crew in crews if crew is not None for text in crew.problems]

    def close(self) -> None:
        """End all processes and delete adapters that wait."""
        for crew in (self._train, self._serve):
            crew.close()
        if self._search is not None:
            self._search.close()
        shutil.rmtree(self._adapters, ignore_errors=True)

    # Handing out

    def _hand_out(self) -> None:
        """Give crews what they can begin; where they take turns, first one, then the other."""
        turns = self._alternate
        if self._fresh and not (turns and self._is_serving()):
            self._hand_out_training()
        waits = turns and not self._is_serving() and (self._fresh or self._training)
        if self._trained and not waits:
            self._hand_out_serving()

    def _is_serving(self) -> bool:
        """Whether the servers' turn is not over: what is trained is served before they close."""
        return bool(self._serving) or (self._serve.is_open and bool(self._trained))

    def _hand_out_training(self) -> None:
        now_s = self._clock.now_s()
        if self._serve.is_open and self._is_too_late():
            # The servers could not open again: what is left is asked of the base model.
            self._trained.extend(self._fresh)
            self._fresh.clear()
            return
        if self._alternate and not self._train.is_open:
            self._serve.close()
            self._train_until_s = now_s + TRAIN_SHARE * (self._until_s - now_s)
        while self._fresh and now_s >= self._train_until_s:
            self._trained.append(self._fresh.popleft())
        self._order_fresh(now_s)
        while self._fresh and self._train.idle() > 0:
            work = self._fresh.popleft()
            item = work.item
            share_s = work.allowed_s if item.union else TRAIN_SHARE * work.allowed_s
            deadline_s = min(now_s + share_s + self._train.start_s(), self._train_until_s)
            out = item.adapter_out or self._adapters / work.key
            self._training[work.key] = work
            self._train.submit(replace(item, adapter_out=out, deadline_s=deadline_s))

    def _order_fresh(self, now_s: float) -> None:
        """The longest first where there is time for all, so that the round ends for all trainers at
        about the same time; else as they came, the cheapest first."""
        if not self._alternate:
            return
        allowed_s = sum(work.allowed_s for work in self._fresh)
        workers = max(1, self._train.idle() + len(self._training))
        if TRAIN_SHARE * allowed_s / workers <= self._train_until_s - now_s:
            longest = sorted(self._fresh, key=lambda work: work.allowed_s, reverse=True)
            self._fresh = deque(longest)

    def _hand_out_serving(self) -> None:
        if self._alternate:
            self._train.close()
        while self._trained and (idle := self._serve.idle()) > 0:
            # Guided self-scheduling: batches become smaller towards the end of a round, so that
            # all servers end at about the same time.
            share = -(-len(self._trained) // (idle + len(self._serving)))
            works = self._next_batch(min(BATCH_TASKS, share))
            allowed_s = sum(max(0.0, work.allowed_s) for work in works)
            start_s = self._serve.start_s(again=works[0].tries > 1)
            late_s = self._clock.now_s() + allowed_s + start_s
            parts = tuple(work.to_answer() for work in works)
            batch = replace(parts[0], batch=parts, deadline_s=min(late_s, self._until_s))
            self._serving[round_key(batch)] = tuple(works)
            self._serve.submit(batch)

    def _next_batch(self, most: int) -> list[RoundWork]:
        """Tasks for one server; one that has lost its server before goes alone."""
        works = [self._trained.popleft()]
        while not works[0].tries and len(works) < most and not self._trained[0].tries:
            works.append(self._trained.popleft())
        for work in works:
            work.tries += 1
        return works

    # Taking back

    def _take_trained(self, result: WorkResult) -> list[WorkResult]:
        """Queue a trained task to be served; the adapter of a union is a result of its own."""
        work = self._training.pop(round_name(result))
        if work.item.union:
            return [result]
        work.trained = result
        self._trained.append(work)
        return []

    def _take_served(self, result: WorkResult) -> list[WorkResult]:
        """Results of a batch; one that has lost its server is tried again, task by task."""
        works = self._serving.pop(round_name(result))
        lost = result.failure is not None and not result.cut
        may_try = lost and self._clock.now_s() < self._until_s
        joined = []
        for work in works:
            if may_try and work.tries < MAX_TRIES:
                work.keep(result)
                self._trained.append(work)
                continue
            joined.append(work.joined(result, alone=len(works) == 1))
            shutil.rmtree(self._adapters / work.key, ignore_errors=True)
        return joined

    # Going on without a crew

    def _skip_training(self) -> list[WorkResult]:
        """Without trainers, count what waits for them as a training that failed."""
        results: list[WorkResult] = []
        while self._fresh and self._train.lost is not None:
            work = self._fresh.popleft()
            self._training[work.key] = work
            results += self._take_trained(unworked(work.item, self._train.lost))
        return results

    def _without_servers(self, has_results: bool) -> list[WorkResult]:
        """Without servers, give back what waits for them; where nobody searches either, that is the
        end of the run, behind the last results.

        Raises:
            WorkersLost: nobody is left that could work, and there are no results.
        """
        why = self._serve.lost
        if why is None:
            return []
        if self._search is None or self._search.lost is not None:
            if has_results:
                return []
            raise WorkersLost(why)
        results = [unworked(work.item, why) for work in self._fresh]
        for work in self._trained:
            results.append(work.joined(unworked(work.item, why), alone=True))
            shutil.rmtree(self._adapters / work.key, ignore_errors=True)
        self._fresh.clear()
        self._trained.clear()
        return results


def hand_in_s(left_s: float) -> float:
    """Seconds before the end of a run that has so many left in which nothing is served any more,
    but what was served comes back."""
    return min(HAND_IN_S, _HAND_IN_SHARE * left_s)
