"""`Trainer.fit` over right-padded batches: the loop of the trainers that are built on transformers.

What it does: views to batches, batches to as many rows per pass as fit the memory, guarded steps,
the deadline before every pass. When memory runs out it computes activations again instead of
keeping them, then takes fewer rows per pass; the gradient stays the same.
What it does not: open a model or know its loss; a backend brings `Trained` and `Compute`.
Imports neither transformers nor peft: Unsloth must be the first of them that a process imports.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from kit.arc.seeds import derive_seed
from kit.augment.views import View
from kit.budget.clock import Deadline
from kit.encode.encoding import Encoded, Encoding
from kit.engine.memory import is_out_of_memory
from kit.engine.memory_needs import STATE_BYTES
from kit.finetune.batches import IGNORE, Batch, encode_views, pad_batch
from kit.finetune.schedule import learning_rate, steps_to_take, view_batches
from kit.finetune.stepping import GuardedSteps
from kit.finetune.trainer import Adapter, FinetuneConfig, FitReport

_ROOM = 0.7
"""Share of the free memory that kept activations may take; the rest is for what is not counted."""

logger = logging.getLogger(__name__)


class Trained(Protocol):
    """What a fit changes, and how it is put back."""

    parameters: list[nn.Parameter]

    def reset(self, seed: int) -> None:
        """The start of a fit."""
        ...

    def restore(self) -> None:
        """The base model as it was, after a fit."""
        ...

    def write(self, out: Path, task_id: str) -> Adapter:
        """What was trained, as a folder."""
        ...


class Compute(Protocol):
    """How a backend's model is run.

    Attributes:
        device: where batches go.
        scaled: whether losses must be scaled (float16).
    """

    device: str
    scaled: bool

    def loss_sum(self, batch: Batch) -> Tensor:
        """Cross entropy in nats summed over the targets of a batch, ready for `backward`."""
        ...

    def kept_bytes(self, num_tokens: int) -> int:
        """Memory of a pass over so many tokens that keeps its activations."""
        ...

    def free_bytes(self) -> int:
        """Memory that is free for activations; what earlier passes left behind is given back."""
        ...

    def set_checkpointing(self, on: bool) -> None:
        """Whether activations are computed again in the backward pass instead of kept."""
        ...


class PaddedLoop:
    """See the module docstring; `fit` is `Trainer.fit`."""

    def __init__(
        self, trained: Trained, compute: Compute, encoding: Encoding, config: FinetuneConfig
    ) -> None:
        self._trained = trained
        self._compute = compute
        self._encoding = encoding
        self._config = config
        self._rows = config.batch_views
        self._keeps = config.checkpointing != "on"
        self._s_per_token = 0.0

    def fit(
        self,
        task_id: str,
        views: Sequence[View],
        num_steps: int,
        seed: int,
        out: Path,
        deadline: Deadline,
    ) -> tuple[Adapter, FitReport]:
        """See `Trainer.fit`."""
        trained = self._trained
        trained.reset(derive_seed(seed, task_id, "adapter"))
        try:
            # Encoding hundreds of views is work too: none when there is no time to use it.
            idle = num_steps == 0 or deadline.passed()
            encoded = [] if idle else encode_views(task_id, views, self._encoding)
            with torch.random.fork_rng(enabled=self._config.dropout > 0):
                if self._config.dropout > 0:
                    torch.manual_seed(derive_seed(seed, task_id, "dropout"))
                order_seed = derive_seed(seed, task_id, "order")
                report = self._run_steps(encoded, num_steps, order_seed, deadline)
            return trained.write(out, task_id), report
        finally:
            trained.restore()

    def _run_steps(
        self, encoded: Sequence[Encoded], num_steps: int, seed: int, deadline: Deadline
    ) -> FitReport:
        if not encoded:
            return FitReport(0, (), 0, "done" if num_steps == 0 else "deadline")
        config, compute = self._config, self._compute
        num_steps = steps_to_take(num_steps, len(encoded), config)
        lengths = [len(e) for e in encoded]
        self._plan_memory(max(lengths))
        batches = view_batches(lengths, config.batch_views, seed)
        kind = torch.device(compute.device).type
        steps = GuardedSteps(self._trained.parameters, config, compute.scaled, kind)
        losses: list[float] = []
        tokens = 0
        for step in range(num_steps):
            chosen = [encoded[index] for index in next(batches)]
            outcome = "again"
            while outcome == "again":
                loss = self._gradient(chosen, steps, deadline)
                if loss is None:
                    return FitReport(len(losses), tuple(losses), tokens, "deadline")
                outcome = steps.take(loss, learning_rate(step, num_steps, config))
            if outcome == "taken":
                losses.append(loss)
                tokens += sum(map(len, chosen))
            elif steps.is_hopeless:
                return FitReport(len(losses), tuple(losses), tokens, "nan")
        return FitReport(len(losses), tuple(losses), tokens, "done")

    def _plan_memory(self, longest: int) -> None:
        """Whether to keep activations in this fit, by what the longest views would need."""
        if self._config.checkpointing == "auto":
            need = self._compute.kept_bytes(self._rows * longest)
            # Nothing but the weights is there yet: gradients and the optimiser's state come later.
            trained = sum(parameter.numel() for parameter in self._trained.parameters)
            free = self._compute.free_bytes() - STATE_BYTES * trained
            keeps = self._keeps and need <= _ROOM * free
        else:
            keeps = self._keeps
        self._compute.set_checkpointing(not keeps)

    def _gradient(
        self, chosen: Sequence[Encoded], steps: GuardedSteps, deadline: Deadline
    ) -> float | None:
        """Mean loss in nats per target; its gradient is left with `steps`. None if the deadline
        comes, or is expected to come, before it is done.

        Raises:
            RuntimeError, MemoryError: a single view does not fit the memory.
        """
        while True:
            try:
                return self._add_up(chosen, steps, deadline)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or not self._can_step_down():
                    raise
                logger.warning("memory ran out in training: %s", str(error).partition("\n")[0])
            # Behind the handler, so that the failed pass and its tensors are gone.
            self._step_down(len(chosen))

    def _can_step_down(self) -> bool:
        return self._keeps or self._rows > 1

    def _step_down(self, num_views: int) -> None:
        """The next cheaper way to the same gradient, for this fit and all that follow."""
        if self._keeps:
            self._keeps = False
            self._compute.set_checkpointing(True)
        else:
            self._rows = max(1, min(self._rows, num_views) // 2)
        self._compute.free_bytes()

    def _add_up(
        self, chosen: Sequence[Encoded], steps: GuardedSteps, deadline: Deadline
    ) -> float | None:
        compute, config = self._compute, self._config
        steps.zero()
        parts = [
            pad_batch(chosen[start : start + self._rows], config.loss_on, compute.device)
            for start in range(0, len(chosen), self._rows)
        ]
        count = sum(int((part.labels != IGNORE).sum()) for part in parts)
        total = 0.0
        for part in parts:
            if deadline.remaining_s() <= part.num_tokens * self._s_per_token:
                return None
            began_s = deadline.clock.now_s()
            loss = compute.loss_sum(part) / count
            steps.backward(loss)
            total += loss.item()
            # The fastest pass so far: the first may have compiled kernels.
            spent_s = deadline.clock.now_s() - began_s
            s_per_token = spent_s / part.num_tokens
            self._s_per_token = min(self._s_per_token or s_per_token, s_per_token)
        return total
