"""State of one pre-training run: weights, optimisers, step; and its checkpoints."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from kit.arc.seeds import derive_seed
from kit.encode.cells import VOCAB
from kit.encode.encoding import Encoded
from kit.engine.llama import PackedCausal, RotaryTable, forward
from kit.engine.shape import ModelShape
from kit.engine.weights import LayerWeights, Weights
from kit.finetune.loss_mask import loss_mask
from kit.pretrain.muon import Muon

CHECKPOINT = "checkpoint.safetensors"

BUNDLED_SHAPE = ModelShape(
    family="llama",
    vocab=VOCAB,
    hidden=160,
    num_layers=8,
    num_heads=5,
    num_kv_heads=5,
    head_dim=32,
    ffn=448,
    norm_eps=1e-6,
    rope_theta=10000.0,
    rope_scaling=None,
    qkv_bias=False,
    qk_norm=False,
    tied=True,
    max_positions=32768,
)


@dataclass(frozen=True, slots=True)
class PretrainConfig:
    """Hyper-parameters of a run.

    Attributes:
        batch_tokens: tokens of a step over all threads.
        lr_matrices: Muon's; lr_rest: AdamW's for embedding and norms.
        warmup_steps: linear; decay_share: last share of the planned time, linear to zero.
    """

    batch_tokens: int = 8192
    lr_matrices: float = 0.02
    lr_rest: float = 3e-3
    warmup_steps: int = 30
    decay_share: float = 0.25
    seed: int = 0


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


def sum_loss(
    shape: ModelShape, weights: Weights, rotary: RotaryTable, batch: Sequence[Encoded]
) -> tuple[Tensor, int, Tensor]:
    """(cross-entropy summed over targets in nats, number of targets, exact-match flags (B,))."""
    lengths = [len(e) for e in batch]
    tokens = torch.from_numpy(np.concatenate([e.tokens for e in batch]))
    positions = torch.from_numpy(np.concatenate([e.positions for e in batch]))
    starts = np.cumsum([0, *lengths[:-1]])
    targets = [np.flatnonzero(loss_mask(e, "outputs")) for e in batch]
    where = torch.from_numpy(np.concatenate([t + s for t, s in zip(targets, starts, strict=True)]))
    hidden = forward(shape, weights, rotary, tokens, positions, PackedCausal(lengths))
    logits = F.linear(hidden[where - 1], weights.head)
    loss = F.cross_entropy(logits, tokens[where], reduction="sum")
    right = (logits.argmax(-1) == tokens[where]).split([len(t) for t in targets])
    last = [e.output_spans[-1][1] - e.output_spans[-1][0] for e in batch]
    exact = torch.stack([r[-n:].all() for r, n in zip(right, last, strict=True)])
    return loss, len(where), exact


class Run:
    """Weights, optimisers and step counter of one pre-training run."""

    def __init__(self, shape: ModelShape, config: PretrainConfig, threads: int) -> None:
        self.shape, self.config, self.threads = shape, config, threads
        self.weights = init_weights(shape, config.seed).map(lambda t: t.requires_grad_())
        parameters = list(self.weights.tensors())
        self._matrices = [p for p in parameters[1:] if p.ndim == 2]
        self._rest = [p for p in parameters if not any(p is m for m in self._matrices)]
        self._muon = Muon(self._matrices)
        self._adamw = torch.optim.AdamW(
            self._rest, lr=config.lr_rest, betas=(0.9, 0.95), weight_decay=0.0
        )
        self._rotary = RotaryTable(shape, "cpu")
        self._pool = ThreadPoolExecutor(threads)
        self.step = 0
        self.tokens = 0

    def _grads(self, batch: Sequence[Encoded]) -> tuple[tuple[Tensor, ...], float, int]:
        torch.set_num_threads(1)
        loss, count, _ = sum_loss(self.shape, self.weights, self._rotary, batch)
        grads = torch.autograd.grad(loss, [*self._matrices, *self._rest])
        return grads, loss.item(), count

    def train_step(self, batch: Sequence[Encoded], lr_scale: float) -> float:
        """One update from `batch`; returns the mean loss in nats per target token."""
        parts = list(self._pool.map(self._grads, _split(batch, self.threads)))
        count = sum(n for _, _, n in parts)
        grads = [sum(g) / count for g in zip(*(g for g, _, _ in parts), strict=True)]
        norm = torch.sqrt(sum(g.square().sum() for g in grads))
        clip = min(1.0, 1.0 / (norm.item() + 1e-6))
        split = len(self._matrices)
        self._muon.step(grads[:split], self.config.lr_matrices * lr_scale)
        for parameter, grad in zip(self._rest, grads[split:], strict=True):
            parameter.grad = grad * clip
        self._adamw.param_groups[0]["lr"] = self.config.lr_rest * lr_scale
        self._adamw.step()
        self.step += 1
        self.tokens += sum(map(len, batch))
        return sum(loss for _, loss, _ in parts) / count

    @torch.no_grad()
    def evaluate(self, batch: Sequence[Encoded]) -> tuple[float, float]:
        """(mean loss in nats per target token, share of answers all right) without training."""
        results = [sum_loss(self.shape, self.weights, self._rotary, [e]) for e in batch]
        total, count = sum(r[0].item() for r in results), sum(r[1] for r in results)
        return total / count, float(torch.cat([r[2] for r in results]).float().mean())

    def save(self, folder: Path) -> None:
        """Write a checkpoint, complete or not at all."""
        tensors = {f"w{i}": t.detach() for i, t in enumerate(self.weights.tensors())}
        tensors |= {f"m{i}": b for i, b in enumerate(self._muon.buffers)}
        state = self._adamw.state_dict()["state"]
        for i, values in state.items():
            tensors |= {f"a{i}.{k}": v.detach().clone() for k, v in values.items()}
        folder.mkdir(parents=True, exist_ok=True)
        meta = {"step": str(self.step), "tokens": str(self.tokens)}
        meta["config"] = json.dumps(asdict(self.config))
        temporary = folder / "checkpoint.tmp"
        save_file({k: v.contiguous() for k, v in tensors.items()}, temporary, metadata=meta)
        os.replace(temporary, folder / CHECKPOINT)

    def load(self, folder: Path) -> None:
        """Continue from a checkpoint written by `save`."""
        path = folder / CHECKPOINT
        with safe_open(path, framework="pt") as file:
            meta = file.metadata()
        tensors = load_file(path)
        self.step, self.tokens = int(meta["step"]), int(meta["tokens"])
        with torch.no_grad():
            for i, tensor in enumerate(self.weights.tensors()):
                tensor.copy_(tensors[f"w{i}"])
            for i, buffer in enumerate(self._muon.buffers):
                buffer.copy_(tensors[f"m{i}"])
        state = {
            i: {k: tensors[f"a{i}.{k}"] for k in ("step", "exp_avg", "exp_avg_sq")}
            for i in range(len(self._rest))
        }
        self._adamw.load_state_dict(
            {"state": state, "param_groups": self._adamw.state_dict()["param_groups"]}
        )


def _split(batch: Sequence[Encoded], parts: int) -> list[list[Encoded]]:
    """The batch dealt out so that every part has about the same number of tokens."""
    dealt: list[list[Encoded]] = [[] for _ in range(parts)]
    sizes = [0] * parts
    for encoded in sorted(batch, key=len, reverse=True):
        smallest = sizes.index(min(sizes))
        dealt[smallest].append(encoded)
        sizes[smallest] += len(encoded)
    return [part for part in dealt if part]
