"""The model card of a fine-tuned base: data, seed, compute, losses before and after."""

from __future__ import annotations

import csv
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from textwrap import fill

import torch

from kit.pretrain.base_learner import Learner
from kit.pretrain.base_origin import CHECKSUM, ORIGINAL, RE_ARC, RULES
from kit.pretrain.base_settings import BaseConfig
from kit.pretrain.history import CSV_FILE
from kit.pretrain.training_flops import sum_text


def base_card(
    learner: Learner, base: Path, format_name: str, notes: Mapping[str, object], out: Path
) -> str:
    """Markdown; the losses are read from the history in `out`."""
    config = learner.config
    what = "fine-tuned on ARC-like tasks" if learner.step else "as it was"
    flops = learner.trained.flops_per_token * learner.tokens
    items = (
        f"Text format: {format_name} (`arc_format.json`); at most {config.max_tokens} tokens a "
        f"task.",
        f"Data: {notes[RE_ARC]} re-arc rules, the demonstrations of {notes[ORIGINAL]} ARC-AGI-1 "
        f"training tasks, {notes[RULES]} procedural rules and random programs of the kit; 2 to "
        f"{config.max_pairs} pairs a task; {_geometry(config)}; colours permuted.",
        "Never trained on: evaluation sets, ARC-AGI-2, ConceptARC, Mini-ARC, the 40 development "
        "tasks and their generators (`kit/pretrain/dev_tasks.py`), training tasks 40853293 and "
        "caa06a1f, the held-out generators of `kit/pretrain/rules`. What the base had seen before "
        "is not known here.",
        f"Loss on all outputs from the second on. AdamW, peak rate {config.finetune().lr:g}, "
        f"warm-up {config.warmup_steps} steps, cosine, batch {config.batch_tasks}, gradients "
        f"clipped at {config.max_grad_norm:g}, weight decay {config.weight_decay:g}, seed "
        f"{config.seed}.",
        f"Compute: {learner.step} of {config.num_steps()} steps, {learner.tokens:,} tokens, "
        f"{flops:.1e} FLOPs, {learner.seconds / 60:.1f} minutes of training on "
        f"{_hardware(learner)}. {sum_text(base, flops)}",
    )
    listed = "\n".join(
        fill(item, 100, initial_indent="- ", subsequent_indent="  ") for item in items
    )
    parts = (f"# {base.name}, {what}", _origin(base, config, learner, notes), listed, _losses(out))
    return "\n\n".join(part for part in parts if part) + "\n\nThe licence is the base's.\n"


def _origin(base: Path, config: BaseConfig, learner: Learner, notes: Mapping[str, object]) -> str:
    """What it is and where it comes from."""
    how = {
        "full": "all weights trained",
        "lora": f"LoRA of rank {config.rank} on all linear layers, merged",
        "4bit": f"LoRA of rank {config.rank} beside weights in 4 bits (NF4), merged into full ones",
    }[config.method]
    if not learner.step:
        how = "not trained: the row to compare with"
    return (
        f"`python -m kit pretrain --base {base.name}`: {learner.trained.num_weights:,} weights, "
        f"{how}.\nThe base's weights have sha256 {notes[CHECKSUM]}."
    )


def _geometry(config: BaseConfig) -> str:
    whole = "all of them turned or mirrored as a whole" if config.symmetries else ""
    share = f"{100 * config.wrap_share:g}% with symmetries on inputs, outputs or both"
    parts = [part for part in (whole, share if config.wrap_share else "") if part]
    return ", ".join(parts) or "no symmetries"


def _hardware(learner: Learner) -> str:
    if learner.device == "cpu":
        return f"{torch.get_num_threads()} of {os.cpu_count()} cores ({platform.machine()})"
    return torch.cuda.get_device_name(learner.device)


def _losses(out: Path) -> str:
    """A table of the held-out questions before and after; empty if none were asked."""
    path = out / CSV_FILE
    if not path.is_file():
        return ""
    with path.open(newline="", encoding="utf-8") as file:
        table = csv.DictReader(file)
        rows, columns = [*table], table.fieldnames or []
    text = ""
    for name in (c.removesuffix(" loss") for c in columns if c.endswith(" loss")):
        asked = [row for row in rows if row[f"{name} loss"]]
        cells = [f"{row[f'{name} loss']} ({row[f'{name} right']})" for row in asked]
        text += f"| {name} | {cells[0]} | {cells[-1]} |\n"
    head = "| loss in nats per token (share right), held out | before | after |\n|---|---|---|\n"
    return (head + text).rstrip() if text else ""
