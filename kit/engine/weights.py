"""Weights of a Llama-family model in the engine's layout, read from and written to safetensors.

q, k, v and gate, up are kept fused ((Q+K+V, D) and (2F, D)): one large matrix product instead of
three or two. Only safetensors is read; pickle files are never opened.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from kit.engine.shape import ModelError, ModelShape

INDEX_FILE = "model.safetensors.index.json"

_MOST_NAMED = 3
"""Tensors that a message names."""


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """One transformer block.

    Attributes:
        qkv: ((n_head + 2 n_kv) * head_dim, D); qkv_bias: its bias or None.
        q_norm, k_norm: (head_dim,) or None.
        o: (D, n_head * head_dim).
        gate_up: (2F, D), gate first; down: (D, F).
    """

    input_norm: Tensor
    qkv: Tensor
    qkv_bias: Tensor | None
    q_norm: Tensor | None
    k_norm: Tensor | None
    o: Tensor
    post_norm: Tensor
    gate_up: Tensor
    down: Tensor


@dataclass(frozen=True, slots=True)
class Weights:
    """All weights: embed (V, D), layers, norm (D,), head (V, D; the same tensor when tied)."""

    embed: Tensor
    layers: tuple[LayerWeights, ...]
    norm: Tensor
    head: Tensor

    def tensors(self) -> Iterator[Tensor]:
        """Every distinct tensor once, in a fixed order."""
        yield self.embed
        for layer in self.layers:
            for field in fields(layer):
                tensor = getattr(layer, field.name)
                if tensor is not None:
                    yield tensor
        yield self.norm
        if self.head is not self.embed:
            yield self.head

    def map(self, change: Callable[[Tensor], Tensor]) -> Weights:
        """The same structure with `change` applied to each distinct tensor once."""
        embed = change(self.embed)
        layers = tuple(
            replace(
                layer,
                **{
                    f.name: change(getattr(layer, f.name))
                    for f in fields(layer)
                    if getattr(layer, f.name) is not None
                },
            )
            for layer in self.layers
        )
        norm = change(self.norm)
        head = embed if self.head is self.embed else change(self.head)
        return Weights(embed, layers, norm, head)


def replace_named(weights: Weights, shape: ModelShape, tensors: dict[str, Tensor]) -> Weights:
    """Weights in which the tensors given by Hugging Face name take the place of the old ones."""
    return weights_from_named({**to_named_tensors(weights, shape), **tensors}, shape, "adapter")


def load_weights(folder: Path, shape: ModelShape, dtype: torch.dtype) -> Weights:
    """The weights in a Hugging Face folder (one file or shards with an index).

    Raises:
        FileNotFoundError: no safetensors file.
        ModelError: a shard is broken, a tensor is missing, has the wrong shape or would be left
            out.
    """
    tensors = {name: t.to(dtype) for name, t in _read_tensors(folder).items()}
    return weights_from_named(tensors, shape, str(folder))


def weights_from_named(tensors: dict[str, Tensor], shape: ModelShape, where: str) -> Weights:
    """Weights from tensors under their Hugging Face names.

    Raises:
        ModelError: a tensor is missing, has the wrong shape or would be left out; `where` starts
            the message.
    """
    taken: set[str] = set()

    def take(name: str, *size: int) -> Tensor:
        if name not in tensors:
            raise ModelError(f"{where}: tensor {name} is missing")
        if tuple(tensors[name].shape) != size:
            got = tuple(tensors[name].shape)
            raise ModelError(f"{where}: {name} has shape {got}, expected {size}")
        taken.add(name)
        return tensors[name]

    d = shape.hidden
    embed = take("model.embed_tokens.weight", shape.vocab, d)
    layers = tuple(_take_layer(take, f"model.layers.{i}.", shape) for i in range(shape.num_layers))
    norm = take("model.norm.weight", d)
    head = embed if shape.tied else take("lm_head.weight", shape.vocab, d)
    _refuse_unused({n: t for n, t in tensors.items() if n not in taken}, embed, where)
    return Weights(embed, layers, norm, head)


def _refuse_unused(unused: dict[str, Tensor], embed: Tensor, where: str) -> None:
    """Refuse a model of which something would be left out, so that it would answer otherwise.

    Old files hold the rotary frequencies, which follow from the configuration, and some a tied
    head beside the embedding; where that head differs, transformers does not tie them either.
    """
    names = [
        name
        for name, tensor in unused.items()
        if not name.endswith("rotary_emb.inv_freq")
        and not (name == "lm_head.weight" and torch.equal(tensor, embed))
    ]
    if names:
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        raise ModelError(
            f"{where}: the kit's engine would leave out {', '.join(sorted(names)[:_MOST_NAMED])}"
            f"{more}; transformers may know what to do with that (solve.trainer=peft "
            "solve.sampler=generate, or --engine transformers to fine-tune)"
        )


def _take_layer(take: Callable[..., Tensor], prefix: str, shape: ModelShape) -> LayerWeights:
    d, hd, f = shape.hidden, shape.head_dim, shape.ffn
    rows = {"q": shape.num_heads * hd, "k": shape.num_kv_heads * hd, "v": shape.num_kv_heads * hd}
    attention, mlp = prefix + "self_attn.", prefix + "mlp."
    bias = None
    if shape.qkv_bias:
        bias = torch.cat([take(f"{attention}{p}_proj.bias", n) for p, n in rows.items()])
    return LayerWeights(
        input_norm=take(prefix + "input_layernorm.weight", d),
        qkv=torch.cat([take(f"{attention}{p}_proj.weight", n, d) for p, n in rows.items()]),
        qkv_bias=bias,
        q_norm=take(attention + "q_norm.weight", hd) if shape.qk_norm else None,
        k_norm=take(attention + "k_norm.weight", hd) if shape.qk_norm else None,
        o=take(attention + "o_proj.weight", d, rows["q"]),
        post_norm=take(prefix + "post_attention_layernorm.weight", d),
        gate_up=torch.cat([take(f"{mlp}{p}_proj.weight", f, d) for p in ("gate", "up")]),
        down=take(mlp + "down_proj.weight", d, f),
    )


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a model, chosen as transformers does: a single `model.safetensors`,
    else those that the index names, else all. Adapters and other copies may lie beside them.

    Raises:
        ModelError: the index cannot be read.
    """
    single, index = folder / "model.safetensors", folder / INDEX_FILE
    if single.is_file():
        return [single]
    if not index.is_file():
        return sorted(folder.glob("*.safetensors"))
    try:
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{index}: not a readable index of weights ({error!r})") from error
    # Only names, never paths: an index must not lead out of its folder.
    return [folder / Path(name).name for name in sorted(names)]


def _read_tensors(folder: Path) -> dict[str, Tensor]:
    files = weight_files(folder)
    if not files:
        other = sorted(p.name for p in folder.glob("*.bin")) + sorted(
            p.name for p in folder.glob("*.pt*")
        )
        hint = f"; {other[0]} is a pickle file and is never opened" if other else ""
        raise FileNotFoundError(f"{folder}: no *.safetensors file{hint}")
    tensors: dict[str, Tensor] = {}
    for path in files:
        try:
            with safe_open(path, framework="pt") as shard:
                tensors.update({name: shard.get_tensor(name) for name in shard.keys()})  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise ModelError(f"{path}: not a readable safetensors file ({error})") from error
    return tensors


def to_named_tensors(weights: Weights, shape: ModelShape) -> dict[str, Tensor]:
    """Weights under their Hugging Face names, fused matrices split again."""
    named = {"model.embed_tokens.weight": weights.embed, "model.norm.weight": weights.norm}
    hd = shape.head_dim
    rows = (shape.num_heads * hd, shape.num_kv_heads * hd, shape.num_kv_heads * hd)
    for i, layer in enumerate(weights.layers):
        prefix = f"model.layers.{i}."
        attention, mlp = prefix + "self_attn.", prefix + "mlp."
        named[prefix + "input_layernorm.weight"] = layer.input_norm
        named[prefix + "post_attention_layernorm.weight"] = layer.post_norm
        for p, part in zip("qkv", layer.qkv.split(rows), strict=True):
            named[f"{attention}{p}_proj.weight"] = part
        if layer.qkv_bias is not None:
            for p, part in zip("qkv", layer.qkv_bias.split(rows), strict=True):
                named[f"{attention}{p}_proj.bias"] = part
        if layer.q_norm is not None and layer.k_norm is not None:
            named[attention + "q_norm.weight"] = layer.q_norm
            named[attention + "k_norm.weight"] = layer.k_norm
        named[attention + "o_proj.weight"] = layer.o
        gate, up = layer.gate_up.chunk(2)
        named |= {f"{mlp}gate_proj.weight": gate, f"{mlp}up_proj.weight": up}
        named[mlp + "down_proj.weight"] = layer.down
    if not shape.tied:
        named["lm_head.weight"] = weights.head
    return {name: tensor.detach().contiguous() for name, tensor in named.items()}


def save_shards(named: dict[str, Tensor], folder: Path, max_bytes: int) -> None:
    """Write tensors as model-0000x-of-0000y.safetensors of at most `max_bytes` with an index."""
    shards: list[dict[str, Tensor]] = [{}]
    size = 0
    for name, tensor in named.items():
        nbytes = tensor.numel() * tensor.element_size()
        if shards[-1] and size + nbytes > max_bytes:
            shards.append({})
            size = 0
        shards[-1][name] = tensor.clone()
        size += nbytes
    total = sum(t.numel() * t.element_size() for t in named.values())
    if len(shards) == 1:
        save_file(shards[0], folder / "model.safetensors", metadata={"format": "pt"})
        return
    index: dict[str, str] = {}
    for i, shard in enumerate(shards, start=1):
        name = f"model-{i:05d}-of-{len(shards):05d}.safetensors"
        save_file(shard, folder / name, metadata={"format": "pt"})
        index |= dict.fromkeys(shard, name)
    text = json.dumps({"metadata": {"total_size": total}, "weight_map": index}, indent=1)
    (folder / "model.safetensors.index.json").write_text(text + "\n", encoding="utf-8")
