"""State of one pre-training run: weights, their average, optimisers, step; and its checkpoints.

On CPU cores every thread runs forward and backward on its own sequences (better than several
threads inside every small operation). On a GPU the batch is one padded rectangle. Arithmetic is
bfloat16 where the hardware multiplies it fast, the weights themselves stay float32.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from kit.arc.seeds import derive_seed
from kit.encode.encoding import Encoded
from kit.engine.llama import RotaryTable
from kit.engine.machine import choose_dtype
from kit.engine.shape import ModelShape
from kit.engine.weights import LayerWeights, Weights
from kit.pretrain.loss import num_targets, sum_loss
from kit.pretrain.muon import Muon
from kit.pretrain.sequences import chunks, deal
from kit.pretrain.settings import Data, PretrainConfig, Schedule

CHECKPOINT = "checkpoint.safetensors"

CPU_CHUNK_TOKENS, GPU_CHUNK_TOKENS = 1280, 65536
"""Tokens of one forward and backward pass. On a CPU few, so that activations stay in the cache:
6% faster than half a batch of 8192 at 3.5M weights; on a GPU what fits with much room."""


class CheckpointError(ValueError):
    """A checkpoint that does not belong to this run; the message says why."""


def init_weights(shape: ModelShape, seed: int) -> Weights:
    """Fresh float32 weights: normal with sd 1/sqrt(fan in), residual outputs zero."""
    generator = torch.Generator().manual_seed(derive_seed(seed, "init"))

    def matrix(rows: int, columns: int) -> Tensor:
        return torch.randn(rows, columns, generator=generator) * columns**-0.5

    d, heads = shape.hidden, shape.num_heads + 2 * shape.num_kv_heads
    layers = tuple(
        LayerWeights(
            input_norm=torch.ones(d),
            qkv=matrix(heads * shape.head_dim, d),
            qkv_bias=None,
            q_norm=None,
            k_norm=None,
            o=torch.zeros(d, shape.num_heads * shape.head_dim),
            post_norm=torch.ones(d),
            gate_up=matrix(2 * shape.ffn, d),
            down=torch.zeros(d, shape.ffn),
        )
        for _ in range(shape.num_layers)
    )
    embed = torch.randn(shape.vocab, d, generator=generator) * 0.5 * d**-0.5
    return Weights(embed, layers, torch.ones(d), embed)


class Run:
    """Weights, optimisers, schedule and step counter of one pre-training run.

    Attributes:
        schedule: of the learning rate; whoever drives the run sets it.
        data: what it was trained on, in order; none for a run of which nobody said.
        seconds: spent on it so far, of all cores together on a CPU, where a run may be one of
            several programs; by the clock on a GPU.
    """

    def __init__(
        self, shape: ModelShape, config: PretrainConfig, threads: int, device: str = "cpu"
    ) -> None:
        self.shape, self.config, self.device = shape, config, device
        self.threads = threads if device == "cpu" else 1
        start = init_weights(shape, config.seed)
        self.average = start.map(lambda t: t.clone().to(device))
        self.weights = start.map(lambda t: t.to(device).requires_grad_())
        self.schedule = Schedule(config.warmup_steps)
        parameters = list(self.weights.tensors())
        self._matrices = [p for p in parameters[1:] if p.ndim == 2]
        self._rest = [p for p in parameters if not any(p is m for m in self._matrices)]
        self._muon = Muon(self._matrices)
        self._adamw = torch.optim.AdamW(
            self._rest, lr=config.lr_rest, betas=(0.9, 0.95), weight_decay=0.0
        )
        self._rotary = RotaryTable(shape, device)
        self._dtype = choose_dtype("auto", device)
        self._pool = ThreadPoolExecutor(self.threads)
        self.data: tuple[Data, ...] = ()
        self.step = 0
        self.tokens = 0
        self.seconds = 0.0

    def _autocast(self) -> torch.autocast:
        enabled = self._dtype != torch.float32
        return torch.autocast(self.device, dtype=torch.bfloat16, enabled=enabled)

    def _grads(self, batch: Sequence[Encoded]) -> tuple[list[Tensor], float, int]:
        """Gradients of the summed loss, that loss, and the number of targets."""
        torch.set_num_threads(1)
        parameters = [*self._matrices, *self._rest]
        sums = [torch.zeros_like(p) for p in parameters]
        total, count = 0.0, 0
        limit = CPU_CHUNK_TOKENS if self.device == "cpu" else GPU_CHUNK_TOKENS
        for chunk in chunks(batch, limit):
            with self._autocast():
                loss, _ = sum_loss(self.shape, self.weights, self._rotary, chunk, self.device)
            torch._foreach_add_(sums, torch.autograd.grad(loss, parameters))
            total, count = total + loss.item(), count + sum(map(num_targets, chunk))
        return sums, total, count

    def train_step(self, batch: Sequence[Encoded]) -> float:
        """One update from `batch`; returns the mean loss in nats per target token."""
        scale = self.schedule.lr_scale(self.step)
        parts = list(self._pool.map(self._grads, deal(batch, self.threads)))
        count = sum(n for _, _, n in parts)
        grads = parts[0][0]
        for other, _, _ in parts[1:]:
            torch._foreach_add_(grads, other)
        torch._foreach_div_(grads, float(count))
        norm = torch.sqrt(torch.stack([g.square().sum() for g in grads]).sum())
        split = len(self._matrices)
        # Muon's update does not depend on the gradient's length; the rest is clipped.
        self._muon.step(grads[:split], self.config.lr_matrices * scale, self._pool)
        clip = min(1.0, 1.0 / (norm.item() + 1e-6))
        for parameter, grad in zip(self._rest, grads[split:], strict=True):
            parameter.grad = grad * clip
        self._adamw.param_groups[0]["lr"] = self.config.lr_rest * scale
        self._adamw.step()
        self._follow()
        self.step += 1
        self.tokens += sum(map(len, batch))
        return sum(loss for _, loss, _ in parts) / count

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the average towards the weights; early on it forgets faster, the start soonest."""
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        new = [t.detach() for t in self.weights.tensors()]
        torch._foreach_lerp_(list(self.average.tensors()), new, 1 - decay)

    @torch.no_grad()
    def evaluate(self, batch: Sequence[Encoded]) -> tuple[float, float]:
        """(mean loss in nats per target token, share of answers all right) of the average."""

        def one(part: Sequence[Encoded]) -> list[tuple[float, int, Tensor]]:
            torch.set_num_threads(1)
            results = []
            for chunk in chunks(part, CPU_CHUNK_TOKENS):
                with torch.no_grad(), self._autocast():
                    loss, right = sum_loss(
                        self.shape, self.average, self._rotary, chunk, self.device
                    )
                results.append((loss.item(), sum(map(num_targets, chunk)), right))
            return results

        results = [r for part in self._pool.map(one, deal(batch, self.threads)) for r in part]
        loss, count = sum(r[0] for r in results), sum(r[1] for r in results)
        return loss / count, float(torch.cat([r[2] for r in results]).float().mean())

    def save(self, path: Path) -> None:
        """Write a checkpoint, complete or not at all."""
        tensors = {f"w{i}": t.detach() for i, t in enumerate(self.weights.tensors())}
        tensors |= {f"e{i}": t for i, t in enumerate(self.average.tensors())}
        tensors |= {f"m{i}": b for i, b in enumerate(self._muon.buffers)}
        state = self._adamw.state_dict()["state"]
        for i, values in state.items():
            tensors |= {f"a{i}.{k}": v.detach().clone() for k, v in values.items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        record = {
            "step": self.step,
            "tokens": self.tokens,
            "seconds": self.seconds,
            "config": asdict(self.config),
            "shape": asdict(self.shape),
            "schedule": asdict(self.schedule),
            "data": [asdict(data) for data in self.data],
        }
        temporary = path.with_suffix(".tmp")
        copies = {k: v.contiguous().cpu() for k, v in tensors.items()}
        save_file(copies, temporary, metadata={"run": json.dumps(record)})
        os.replace(temporary, path)

    def load(self, path: Path) -> None:
        """Continue from a checkpoint written by `save`.

        Raises:
            CheckpointError: it is of another shape or other hyper-parameters.
        """
        record = read_record(path)
        for name, own in (("shape", asdict(self.shape)), ("config", asdict(self.config))):
            theirs = record[name]
            if theirs != own:
                other = {k: theirs.get(k) for k in own if theirs.get(k) != own[k]}
                mine = {k: own[k] for k in other}
                raise CheckpointError(f"{path}: {name} was {other}, this run's is {mine}")
        tensors = load_file(path, self.device)
        self.step, self.tokens = record["step"], record["tokens"]
        self.seconds = record["seconds"]
        self.schedule = Schedule(**record["schedule"])
        self.data = tuple(Data(**data) for data in record.get("data", ()))
        with torch.no_grad():
            for letter, weights in (("w", self.weights), ("e", self.average)):
                for i, tensor in enumerate(weights.tensors()):
                    tensor.copy_(tensors[f"{letter}{i}"])
            for i, buffer in enumerate(self._muon.buffers):
                buffer.copy_(tensors[f"m{i}"])
        keys = ("step", "exp_avg", "exp_avg_sq")
        there = [i for i in range(len(self._rest)) if f"a{i}.step" in tensors]
        state = {i: {k: tensors[f"a{i}.{k}"] for k in keys} for i in there}
        groups = self._adamw.state_dict()["param_groups"]
        self._adamw.load_state_dict({"state": state, "param_groups": groups})

    @torch.no_grad()
    def start_from(self, weights: Weights) -> None:
        """Take over weights, not the state of any optimiser."""
        for own in (self.weights, self.average):
            for tensor, source in zip(own.tensors(), weights.tensors(), strict=True):
                tensor.copy_(source)


def read_record(path: Path) -> dict:
    """What a checkpoint says of itself: step, tokens, seconds, config, shape, schedule.

    Raises:
        FileNotFoundError: there is none.
        CheckpointError: the file is none of ours, or damaged.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no checkpoint to resume from")
    try:
        with safe_open(path, framework="pt") as file:
            record = json.loads((file.metadata() or {})["run"])
        ModelShape(**record["shape"]), PretrainConfig(**record["config"])
        return record
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{path}: damaged, or not a checkpoint of this version of the kit ({error})"
        ) from error
