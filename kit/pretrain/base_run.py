"""The loop that fine-tunes a base model: steps, held-out questions, checkpoints, history.

What happens in a step depends on (seed, step) alone, so that a run that was cut and resumed ends
with the weights of one that was not. What it does not: choose settings, or write the model.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from kit.encode.encoding import Encoded
from kit.pretrain.base_learner import Learner
from kit.pretrain.base_tasks import BaseTasks
from kit.pretrain.history import History, Record

EVALUATIONS = 8
"""How often in a whole run the held-out questions are asked, besides before and after."""
LOG_EVERY_S = 30.0
SAVE_EVERY_S = 300.0

Questions = Mapping[str, Sequence[Encoded]]


def fine_tune(
    learner: Learner,
    tasks: BaseTasks,
    held_out: Questions,
    out: Path,
    notes: Mapping[str, object],
    seconds: float = math.inf,
    stop: threading.Event | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Train to the end of the plan; False if `seconds` were over or `stop` was set before.

    Args:
        notes: goes into checkpoints; see `Learner.save`.
    Raises:
        Diverged: see `Learner.train_step`; the last checkpoint is from before.
    """
    loop = _Loop(learner, tasks, held_out, out, clock)
    num_steps = learner.config.num_steps()
    begin = saved_s = clock()
    if not learner.step:
        loop.record(ask=True)
    while learner.step < num_steps and clock() - begin < seconds:
        if stop is not None and stop.is_set():
            break
        loop.one_step()
        if clock() - saved_s >= SAVE_EVERY_S:
            loop.save(notes)
            saved_s = clock()
    loop.finish()
    loop.save(notes)
    return learner.step >= num_steps


class _Loop:
    """One start of a run: its clock, its losses since the last line, its history."""

    def __init__(
        self,
        learner: Learner,
        tasks: BaseTasks,
        held_out: Questions,
        out: Path,
        clock: Callable[[], float],
    ) -> None:
        self._learner, self._tasks, self._held_out = learner, tasks, held_out
        self._out, self._clock = out, clock
        self._history = History(out, learner.step)
        self._ask_every = max(1, learner.config.num_steps() // EVALUATIONS)
        self._recent: list[float] = []
        self._logged_s = clock()
        self._trained_s, self._first_tokens = 0.0, learner.tokens

    def one_step(self) -> None:
        """A step, and a line where one is due."""
        learner, begin = self._learner, self._clock()
        self._recent.append(learner.train_step(self._tasks.batch(learner.step)))
        took_s = self._clock() - begin
        learner.seconds += took_s
        self._trained_s += took_s
        ask = learner.step % self._ask_every == 0
        if ask or self._clock() - self._logged_s >= LOG_EVERY_S:
            self.record(ask)

    def record(self, ask: bool) -> None:
        """Put down and print where the run stands.

        Args:
            ask: whether the held-out questions are asked.
        """
        learner = self._learner
        losses = self._recent or [learner.evaluate(self._tasks.batch(learner.step))[0]]
        finetune = learner.config.finetune()
        record = Record(
            learner.step,
            learner.tokens,
            learner.seconds,
            float(np.mean(losses)),
            learner.lr() / finetune.lr,
            {n: learner.evaluate(q) for n, q in self._held_out.items()} if ask else {},
        )
        self._history.add(record)
        rate = (learner.tokens - self._first_tokens) / max(1e-9, self._trained_s)
        print(f"{record.line()}  {rate:.0f} tok/s", flush=True)
        self._recent.clear()
        self._logged_s = self._clock()

    def finish(self) -> None:
        """The last line of this start, unless it has just been printed."""
        if self._recent:
            self.record(ask=True)

    def save(self, notes: Mapping[str, object]) -> None:
        """Checkpoint, CSV and plot."""
        self._learner.save(self._out, notes)
        self._history.write("Fine-tuning a base model")
