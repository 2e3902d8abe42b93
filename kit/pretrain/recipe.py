"""Training the bundled model from nothing; `kit.pretrain.command` is its command line.

The learning rate warms up, stays, and decays at the end, so a run can be cut at any time: by a
number of steps (then the same seed gives the same weights), by minutes, or by a signal. What was
stable when the decay began is kept beside the checkpoint, so that a finished run can be taken up
again and go on as if it had never decayed.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kit.augment.views import View
from kit.pretrain.corpus import Corpus
from kit.pretrain.drawing import drawing_processes, drawn_batches
from kit.pretrain.history import History, Record
from kit.pretrain.run import CHECKPOINT, Run
from kit.pretrain.sequences import ALIGNED
from kit.pretrain.settings import Schedule, schedule_from_now, schedule_of_steps

LOG_EVERY = 25
SAVE_EVERY = 100
EVALUATE_EVERY = 200
STABLE = "stable.safetensors"


@dataclass(frozen=True, slots=True)
class Limits:
    """When a run ends, decay included: after `num_steps` in all, or `seconds` of this start; with
    neither when its own schedule says so.

    Attributes:
        decays: whether the learning rate decays at that end. A start that another one follows need
            not: what goes on from a decayed run goes on from before its decay.
    """

    num_steps: int | None = None
    seconds: float | None = None
    decays: bool = True


def resume(run: Run, folder: Path) -> None:
    """Take up a run: where it was cut, or before its decay if it had come to its end.

    Raises:
        FileNotFoundError, CheckpointError: see `Run.load`.
    """
    run.load(folder / CHECKPOINT)
    if run.schedule.is_over(run.step) and (folder / STABLE).is_file():
        run.load(folder / STABLE)


def train(
    run: Run,
    corpus: Corpus,
    held_out: Mapping[str, Sequence[View]],
    limits: Limits,
    out: Path,
    stop: threading.Event | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Train until the limits' end; False if `stop` was set before.

    Args:
        held_out: questions nothing is trained on, under the names that they are printed with.

    Writes checkpoints, the history and its plot to `out` now and then and at the end.
    """
    stretch = _Stretch(run, limits, out, clock)
    report = _Report(run, held_out, out)
    recent: list[float] = []
    drawn = drawn_batches(corpus, run.config, run.step, drawing_processes(run.device))
    for batch in drawn:
        stretch.maybe_decay()
        if stretch.is_over() or (stop is not None and stop.is_set()):
            break
        recent.append(run.train_step(batch))
        run.seconds += stretch.lap()
        if run.step % LOG_EVERY == 0:
            report.add(recent[-LOG_EVERY:], run.step % EVALUATE_EVERY == 0, stretch.rate())
        if run.step % SAVE_EVERY == 0:
            run.save(out / CHECKPOINT)
            report.write()
    run.save(out / CHECKPOINT)
    if recent:
        report.add(recent[-LOG_EVERY:], True, stretch.rate())
        report.write()
    return stretch.is_over()


class _Report:
    """What is printed and drawn of a run, earlier starts included."""

    def __init__(self, run: Run, held_out: Mapping[str, Sequence[View]], out: Path) -> None:
        self._run = run
        self._questions = {n: [ALIGNED.encode(v) for v in views] for n, views in held_out.items()}
        self._history = History(out, run.step)

    def add(self, losses: Sequence[float], ask: bool, tokens_per_s: float) -> None:
        """One line and one row; `ask` the held-out questions as well."""
        run, held_out = self._run, {}
        if ask:
            held_out = {name: run.evaluate(views) for name, views in self._questions.items()}
        rate = run.schedule.lr_scale(run.step)
        loss = float(np.mean(losses))
        record = Record(run.step, run.tokens, run.seconds, loss, rate, held_out)
        self._history.add(record)
        print(f"{record.line()}  {tokens_per_s:.0f} tok/s", flush=True)

    def write(self) -> None:
        """Curves as CSV and SVG."""
        self._history.write(f"Pre-training of {self._run.shape.num_parameters():,} weights")


class _Stretch:
    """One start of a run: its clock, its speed, and when its decay begins."""

    def __init__(self, run: Run, limits: Limits, out: Path, clock: Callable[[], float]) -> None:
        self._run, self._limits, self._out, self._clock = run, limits, out, clock
        self._begin = clock()
        self._meter = time.process_time if run.device == "cpu" else time.monotonic
        self._last = self._meter()
        self._first_step, self._first_tokens = run.step, run.tokens
        # A decay that has not begun is planned anew by the limits of this start.
        begin = run.schedule.decay_begin
        if begin is None or run.step < begin:
            if limits.num_steps is not None and limits.decays:
                run.schedule = schedule_of_steps(run.config, limits.num_steps, run.step)
            elif limits.seconds is not None or not limits.decays:
                run.schedule = Schedule(run.config.warmup_steps)

    def lap(self) -> float:
        """Seconds since the last call, as `Run.seconds` counts them."""
        now = self._meter()
        seconds, self._last = now - self._last, now
        return seconds

    def rate(self) -> float:
        """Tokens per second of this start."""
        return (self._run.tokens - self._first_tokens) / (self._clock() - self._begin)

    def is_over(self) -> bool:
        """Whether this start has come to its end."""
        run, limits = self._run, self._limits
        if limits.decays:
            return run.schedule.is_over(run.step)
        if limits.num_steps is not None:
            return run.step >= limits.num_steps
        return limits.seconds is not None and self._clock() - self._begin >= limits.seconds

    def maybe_decay(self) -> None:
        """Begin the decay when its time has come; keep what was stable."""
        run, seconds = self._run, self._limits.seconds
        if run.schedule.decay_begin is None and seconds is not None and self._limits.decays:
            share = 1 - run.config.decay_share
            if self._clock() - self._begin >= share * seconds:
                steps = run.step - self._first_step
                run.schedule = schedule_from_now(run.config, run.step, steps)
        if run.schedule.decay_begin == run.step:
            self._keep_stable()

    def _keep_stable(self) -> None:
        """The checkpoint before the decay, which does not know of it."""
        run, decaying = self._run, self._run.schedule
        run.schedule = Schedule(run.config.warmup_steps)
        run.save(self._out / CHECKPOINT)
        shutil.copyfile(self._out / CHECKPOINT, self._out / STABLE)
        run.schedule = decaying
