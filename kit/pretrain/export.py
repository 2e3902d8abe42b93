"""Writing trained weights as an ordinary Hugging Face folder that the kit ships."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from kit.augment.views import View
from kit.encode.cells import END, PAD, START_INPUT, TOKEN_NAMES
from kit.engine.shape import ModelShape
from kit.engine.weights import Weights, save_shards, to_named_tensors
from kit.pretrain.run import Run
from kit.pretrain.sequences import ALIGNED
from kit.pretrain.settings import SIZES, TYPICAL_CONTEXT, schedule_of_steps
from kit.pretrain.sources import Sources

SHARD_BYTES = 15_000_000
_FORMAT = {"format": "cells", "positions": "aligned", "also": ["contiguous"]}


def model_card(run: Run, sources: Sources, scores: Mapping[str, tuple[float, float]]) -> str:
    """Markdown that says what the weights are, what they were trained on and what they can.

    Args:
        scores: (nats per output token, share of answers all right) by the questions' name.
    """
    shape, config = run.shape, run.config
    re_arc, arc, procedural = sources.counts()
    # Forward and backward: three times the forward's operations (Kaplan et al. 2020).
    flops = 3 * shape.flops_per_token(TYPICAL_CONTEXT) * run.tokens
    return f"""# The bundled ARC model

A Llama of {shape.num_parameters():,} weights ({shape.num_layers} layers, hidden size
{shape.hidden}, {shape.num_heads} heads of {shape.head_dim}, feed-forward {shape.ffn}), trained
from nothing in {run.seconds / 3600:.1f} hours of {_hardware(run)}{_command(run)}

- Data: {re_arc} re-arc rules (pairs generated with michaelhodel/re-arc, MIT), the
  demonstrations of {arc} ARC-AGI-1 training tasks (Apache-2.0), {procedural}
  procedural rules and random programs of the kit; all under random symmetries, colour
  permutations and orders.
- Never seen: evaluation sets, ARC-AGI-2, ConceptARC, Mini-ARC, the 40 development tasks and their
  generators (`kit/pretrain/dev_tasks.py`), training tasks 40853293 and caa06a1f, the held-out
  generators of `kit/pretrain/rules`.
- Training: {run.step} steps, {run.tokens / 1e6:.1f}M tokens, about {flops:.1e} FLOPs; learning rate
  {_decay(run)}; these are the averaged weights (decay {config.ema_decay}).
{_mixtures(run)}{_scores(scores)}- Format: one token per cell (`kit/encode/cells.py`), aligned
  positions, or contiguous ones behind the token `<line>` ({100 * config.contiguous_share:g}% of the
  sequences).
  Weights are MIT like the kit.
"""


def _command(run: Run) -> str:
    """The command that makes these weights, where one start did."""
    schedule, config = run.schedule, run.config
    if schedule != schedule_of_steps(config, run.step) or len(run.data) > 1:
        return (
            " by `python -m kit pretrain` in several starts (`--resume`) or by the clock,\n"
            f"seed {config.seed}: no single command makes these weights again."
        )
    options = f"{_size(run.shape)} --steps {run.step} --seed {config.seed}"
    return f":\n\n    python -m kit pretrain --re-arc FILES{options}"


def _decay(run: Run) -> str:
    schedule = run.schedule
    if schedule.decay_begin is None or run.step <= schedule.decay_begin:
        return "never decayed"
    if schedule.is_over(run.step):
        return f"decayed to zero over the last {schedule.decay_steps} steps"
    left = schedule.lr_scale(run.step)
    return f"decaying since step {schedule.decay_begin}, {left:.0%} of its peak at the end"


def _mixtures(run: Run) -> str:
    """What changed between one stretch of training and the next."""
    lines = []
    for before, after in itertools.pairwise(run.data):
        changed = [
            f"{name} {before.mixture.get(name)} -> {value}"
            for name, value in after.mixture.items()
            if before.mixture.get(name) != value
        ]
        lines.append(f"- From step {after.from_step} on: {', '.join(changed)}.\n")
    return "".join(lines)


def _scores(scores: Mapping[str, tuple[float, float]]) -> str:
    """The line about held-out questions, asked without any training on them."""
    told = [f"{name} {loss:.3f} ({right:.1%} all right)" for name, (loss, right) in scores.items()]
    return f"- Held out, nats per output token: {', '.join(told)}.\n" if told else ""


def _size(shape: ModelShape) -> str:
    """The option that asks for a shape; nothing for shapes that have no name."""
    names = [name for name, known in SIZES.items() if known == shape]
    return f" --size {names[0]}" if names else ""


def _hardware(run: Run) -> str:
    return "one CPU core" if run.device == "cpu" else torch.cuda.get_device_name()


def export_run(
    run: Run, sources: Sources, folder: Path, held_out: Mapping[str, Sequence[View]]
) -> None:
    """Write the averaged weights of a run with their card, scores and checksums.

    Args:
        held_out: questions that nothing was trained on, under the names that the card uses.
    """
    questions = {name: [ALIGNED.encode(view) for view in held] for name, held in held_out.items()}
    scores = {name: run.evaluate(encoded) for name, encoded in questions.items()}
    export_model(run.average, run.shape, folder, model_card(run, sources, scores))


def export_model(weights: Weights, shape: ModelShape, folder: Path, card: str) -> None:
    """Write config, tokenizer, format, model card and bfloat16 safetensors shards to `folder`.

    Args:
        card: text of the model card (README.md).
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / "config.json", _config(shape))
    _write_json(folder / "generation_config.json", {"eos_token_id": END, "pad_token_id": PAD})
    _write_json(folder / "arc_format.json", _FORMAT)
    _write_json(folder / "tokenizer.json", _tokenizer())
    _write_json(folder / "tokenizer_config.json", _tokenizer_config())
    for old in folder.glob("*.safetensors*"):
        old.unlink()
    named = {n: t.to(torch.bfloat16).cpu() for n, t in to_named_tensors(weights, shape).items()}
    save_shards(named, folder, SHARD_BYTES)
    shards = sorted(folder.glob("*.safetensors"))
    sums = [f"- `{p.name}`: {hashlib.sha256(p.read_bytes()).hexdigest()}" for p in shards]
    (folder / "README.md").write_text(
        "\n".join([card, "SHA-256:", "", *sums, ""]), encoding="utf-8"
    )


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def _config(shape: ModelShape) -> dict[str, object]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": START_INPUT,
        "eos_token_id": END,
        "pad_token_id": PAD,
        "head_dim": shape.head_dim,
        "hidden_act": "silu",
        "hidden_size": shape.hidden,
        "initializer_range": 0.02,
        "intermediate_size": shape.ffn,
        "max_position_embeddings": shape.max_positions,
        "mlp_bias": False,
        "num_attention_heads": shape.num_heads,
        "num_hidden_layers": shape.num_layers,
        "num_key_value_heads": shape.num_kv_heads,
        "rms_norm_eps": shape.norm_eps,
        "rope_parameters": {"rope_type": "default", "rope_theta": shape.rope_theta},
        "tie_word_embeddings": shape.tied,
        "dtype": "bfloat16",
        "vocab_size": shape.vocab,
    }


def _tokenizer() -> dict[str, object]:
    """One word per token, split at spaces: "<input> i0 i1 <row_in> ..."."""
    special = [(i, name) for i, name in enumerate(TOKEN_NAMES) if name.startswith("<")]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": i,
                "content": name,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for i, name in special
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordLevel",
            "vocab": {name: i for i, name in enumerate(TOKEN_NAMES)},
            "unk_token": TOKEN_NAMES[PAD],
        },
    }


def _tokenizer_config() -> dict[str, object]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": TOKEN_NAMES[START_INPUT],
        "eos_token": TOKEN_NAMES[END],
        "pad_token": TOKEN_NAMES[PAD],
        "unk_token": TOKEN_NAMES[PAD],
        "model_max_length": 8192,
    }
