"""The reference trainer: transformers and stock peft with a plain loop, for any causal model.

Trains on right-padded batches. Does not accumulate gradients and does not scale losses, so
float16 may end in "nan" where bfloat16 does not. The kit's own engine has a faster trainer for
Llama-family models; both start from the same adapter and read views in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import torch
import torch.nn.functional as F
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from torch import Tensor, nn

from kit.arc.names import did_you_mean
from kit.arc.seeds import derive_seed
from kit.augment.views import View
from kit.budget.clock import Deadline
from kit.encode.encoding import Encoded, Encoding
from kit.engine.transformers_model import logits_at, open_transformers_model
from kit.finetune.adapter_dir import LoraSettings, write_full_adapter, write_lora_adapter
from kit.finetune.batches import IGNORE, Batch, encode_views, pad_batch
from kit.finetune.lora_init import initial_lora_a
from kit.finetune.schedule import learning_rate, view_batches
from kit.finetune.trainer import Adapter, FinetuneConfig, FitReport


class PeftTrainer:
    """Implements `Trainer`; see the module docstring.

    Args:
        model_path: a Hugging Face folder.
        dtype: of the base model: "auto", "float32", "bfloat16" or "float16". LoRA weights are
            float32 in any case. Method "full" always trains in float32, because small steps
            vanish in the rounding of shorter formats.
        device: where torch runs it, e.g. "cpu" or "cuda".
    Raises:
        FileNotFoundError, ModelError: the folder cannot be loaded.
        ValueError: a target that is no linear layer of the model.
    """

    def __init__(
        self,
        model_path: Path,
        dtype: str,
        encoding: Encoding,
        config: FinetuneConfig,
        device: str = "cpu",
    ) -> None:
        self._encoding = encoding
        self._config = config
        self._device = device
        self._trained: _Trained
        if config.method == "full":
            self._trained = _FullWeights(open_transformers_model(model_path, "float32", device))
        else:
            base = open_transformers_model(model_path, dtype, device)
            self._trained = _LoraWeights(base, config, str(model_path))

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

    def close(self) -> None:
        """Free the model."""
        del self._trained

    def _run_steps(
        self, encoded: Sequence[Encoded], num_steps: int, seed: int, deadline: Deadline
    ) -> FitReport:
        if not encoded:
            return FitReport(0, (), 0, "done" if num_steps == 0 else "deadline")
        config = self._config
        batches = view_batches([len(e) for e in encoded], config.batch_views, seed)
        stepper = _Stepper(self._trained.model, self._trained.parameters, config)
        losses: list[float] = []
        tokens = 0
        for step in range(num_steps):
            if deadline.passed():
                return FitReport(step, tuple(losses), tokens, "deadline")
            chosen = [encoded[index] for index in next(batches)]
            batch = pad_batch(chosen, config.loss_on, self._device)
            tokens += batch.num_tokens
            loss = stepper.step(batch, learning_rate(step, num_steps, config))
            if loss is None:
                return FitReport(step, tuple(losses), tokens, "nan")
            losses.append(loss)
        return FitReport(num_steps, tuple(losses), tokens, "done")


def batch_loss(model: nn.Module, batch: Batch) -> Tensor:
    """Mean cross entropy in nats over all tokens of a batch that carry loss."""
    columns = (batch.labels != IGNORE).any(0).nonzero().squeeze(1)
    logits = logits_at(
        model,
        columns,
        tokens=batch.tokens,
        attention=batch.attention,
        positions=batch.positions,
    )
    return F.cross_entropy(
        logits.flatten(0, 1), batch.labels[:, columns].flatten(), ignore_index=IGNORE
    )


class _Stepper:
    """AdamW on a list of parameters that never leaves them broken."""

    def __init__(
        self, model: nn.Module, parameters: list[nn.Parameter], config: FinetuneConfig
    ) -> None:
        self._model = model
        self._parameters = parameters
        self._max_norm = config.max_grad_norm
        self._before = [torch.empty_like(p) for p in parameters]
        # The rate is set before each step.
        self._optimizer = torch.optim.AdamW(parameters, lr=0.0, weight_decay=config.weight_decay)

    def step(self, batch: Batch, lr: float) -> float | None:
        """The loss before the step; None when it did not stay finite and was taken back."""
        loss = batch_loss(self._model, batch)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self._parameters, self._max_norm)
        with torch.no_grad():
            torch._foreach_copy_(self._before, self._parameters)
        for group in self._optimizer.param_groups:
            group["lr"] = lr
        self._optimizer.step()
        if loss.isfinite() and all(bool(p.isfinite().all()) for p in self._parameters):
            return loss.item()
        with torch.no_grad():
            torch._foreach_copy_(self._parameters, self._before)
        return None


class _Trained(Protocol):
    """What a fit changes, and how it is put back."""

    model: nn.Module
    parameters: list[nn.Parameter]

    def reset(self, seed: int) -> None: ...
    def restore(self) -> None: ...
    def write(self, out: Path, task_id: str) -> Adapter: ...


class _LoraWeights:
    """One peft adapter that is reset in place for every task."""

    def __init__(self, base: nn.Module, config: FinetuneConfig, model_name: str) -> None:
        _check_targets(base, config.targets)
        self._settings = LoraSettings(config.rank, config.alpha, config.targets, model_name)
        lora = LoraConfig(
            task_type="CAUSAL_LM",
            r=config.rank,
            lora_alpha=config.alpha,
            lora_dropout=config.dropout,
            target_modules=list(config.targets),
        )
        # peft draws a start of its own, which `reset` replaces: keep that off the global generator.
        with torch.random.fork_rng():
            self.model: PeftModel = get_peft_model(base, lora)
        self.model.train()
        named = [(n, p) for n, p in self.model.named_parameters() if p.requires_grad]
        self._named = named
        self.parameters = [parameter for _, parameter in named]

    @torch.no_grad()
    def reset(self, seed: int) -> None:
        for name, parameter in self._named:
            module, _, rest = name.removeprefix("base_model.model.").rpartition(".lora_")
            if rest.startswith("A."):
                start = initial_lora_a(seed, module, *parameter.shape)
                parameter.copy_(torch.from_numpy(start))
            else:
                parameter.zero_()
            parameter.grad = None

    def restore(self) -> None:
        """Nothing: the base weights were never touched."""

    def write(self, out: Path, task_id: str) -> Adapter:
        # Embeddings are never trained here, and asking for them would look for the base model.
        state = get_peft_model_state_dict(self.model, save_embedding_layers=False)
        weights = {name: tensor.detach().float().cpu().numpy() for name, tensor in state.items()}
        return write_lora_adapter(out, task_id, weights, self._settings)


class _FullWeights:
    """All weights, put back from a copy after every fit."""

    def __init__(self, base: nn.Module) -> None:
        self.model = base.train().requires_grad_(True)
        # A tied output head is listed once, under the embedding's name.
        self._named = list(base.named_parameters())
        self.parameters = [parameter for _, parameter in self._named]
        self._base = [parameter.detach().clone() for parameter in self.parameters]

    def reset(self, seed: int) -> None:
        """Nothing is drawn: the start is the base model, which `restore` has put back."""

    @torch.no_grad()
    def restore(self) -> None:
        torch._foreach_copy_(self.parameters, self._base)
        for parameter in self.parameters:
            parameter.grad = None

    def write(self, out: Path, task_id: str) -> Adapter:
        changed = {
            name: parameter.detach().cpu().numpy()
            for (name, parameter), base in zip(self._named, self._base, strict=True)
            if not torch.equal(parameter, base)
        }
        return write_full_adapter(out, task_id, changed)


def _check_targets(model: nn.Module, targets: Sequence[str]) -> None:
    """Refuse targets that peft would silently skip."""
    linear = sorted(
        {name.rpartition(".")[2] for name, m in model.named_modules() if isinstance(m, nn.Linear)}
    )
    for target in targets:
        if target not in linear:
            raise ValueError(
                f"finetune.targets: {target!r} is no linear layer of this model"
                f"{did_you_mean(target, linear)}; "
                f"it has {', '.join(linear)}"
            )
    if not targets:
        raise ValueError(f"finetune.targets is empty; this model has {', '.join(linear)}")
