"""Cuts a model's vocabulary to the tokens that one text format needs.

Rows of the embedding and the output head are gathered straight in the safetensors files, so the
logits of the tokens that stay are those of the original; the tokenizer is rebuilt so that text of
the format becomes the same tokens as before. Does not retrain, quantise or merge anything, and
does not change how text is split: a tokenizer that joins digits goes on joining them.

    python -m kit cut-vocabulary MODEL OUT --format chat
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.arc.exits import EXIT_REFUSED
from kit.encode.formats import TEXT_FORMATS, choose_chat
from kit.encode.needed_tokens import check_same_tokens, needed_tokens
from kit.encode.text import TextEncoding, filled_format
from kit.encode.tokenizer import FolderTokenizer, read_json
from kit.encode.tokenizer_cut import cut_tokenizer

VOCABULARY_TENSORS = (
    "embed_tokens.weight",
    "lm_head.weight",
    "lm_head.bias",
    "wte.weight",
    "embed_in.weight",
    "embed_out.weight",
)
"""Ends of the names of tensors with one row per token (Llama, Qwen, Mistral, GPT-2, GPT-NeoX)."""

_INDEX = "model.safetensors.index.json"
_ID_LISTS = ("suppress_tokens", "begin_suppress_tokens", "bad_words_ids", "forced_decoder_ids")


@dataclass(frozen=True, slots=True)
class CutReport:
    """What a cut did.

    Attributes:
        kept, before: tokens after and before.
        removed_bytes: of weights.
    """

    kept: int
    before: int
    removed_bytes: int


def cut_vocabulary(model_dir: Path, out_dir: Path, format_name: str) -> CutReport:
    """A copy of a model folder that knows only the tokens of a text format.

    Args:
        model_dir: Hugging Face folder with config.json, tokenizer.json and safetensors files.
        out_dir: new folder; appears only when it is complete.
        format_name: one of `kit.encode.formats.TEXT_FORMATS`; written to arc_format.json.
    Raises:
        FileNotFoundError: no tokenizer or no safetensors weights.
        FileExistsError: `out_dir` is there already.
        ValueError: unknown format, or a kind of model or tokenizer that is not handled.
    """
    if out_dir.exists():
        raise FileExistsError(f"{out_dir} exists; name a folder that does not")
    settings = read_json(model_dir / "arc_format.json")
    tokenizer = FolderTokenizer(model_dir)
    if format_name != settings.get("format", format_name):
        settings = {name: settings[name] for name in ("chat",) if name in settings}
    form = filled_format(tokenizer, format_name, settings)
    _check_config(model_dir, tokenizer.config)
    # Refuses a tokenizer that cannot spell the format, before any work.
    TextEncoding(model_dir, format_name, settings=settings)
    kept = needed_tokens(model_dir, tokenizer, form)
    new_ids = {old: new for new, old in enumerate(kept)}
    partial = out_dir.with_name(out_dir.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    chat = settings.get("chat") or choose_chat(tokenizer.added)
    _write_json(partial / "arc_format.json", {**settings, "format": format_name, "chat": chat})
    _write_configs(model_dir, partial, tokenizer, new_ids)
    check_same_tokens(tokenizer, FolderTokenizer(partial), kept, form)
    removed = cut_weights(model_dir, partial, kept)
    os.replace(partial, out_dir)
    return CutReport(len(kept), tokenizer.vocab_size, removed)


def cut_weights(model_dir: Path, out_dir: Path, kept: Sequence[int]) -> int:
    """Writes all safetensors files anew with only the kept rows; returns the bytes removed."""
    import torch
    from safetensors import safe_open
    from safetensors.torch import save_file

    rows = torch.tensor(kept, dtype=torch.int64)
    total = removed = gathered = 0
    for path in _weight_files(model_dir):
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        for name, tensor in tensors.items():
            if name.endswith(VOCABULARY_TENSORS):
                if len(tensor) <= kept[-1]:
                    raise ValueError(f"{path}: {name} has {len(tensor)} rows, needs {kept[-1] + 1}")
                tensors[name] = tensor.index_select(0, rows)
                removed += tensor.nbytes - tensors[name].nbytes
                gathered += 1
        total += sum(tensor.nbytes for tensor in tensors.values())
        save_file(tensors, out_dir / path.name, metadata={"format": "pt"})
    if not gathered:
        raise ValueError(
            f"{model_dir}: no tensor with a row per token; known names end with "
            f"{', '.join(VOCABULARY_TENSORS)}"
        )
    index = read_json(model_dir / _INDEX)
    if index:
        metadata = {**index.get("metadata", {}), "total_size": total}
        _write_json(out_dir / _INDEX, {**index, "metadata": metadata})
    return removed


def _weight_files(model_dir: Path) -> list[Path]:
    index = read_json(model_dir / _INDEX)
    names = sorted(set(index["weight_map"].values())) if index else ["model.safetensors"]
    files = [model_dir / Path(name).name for name in names]
    for path in files:
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such file; only safetensors weights are read")
    return files


def _check_config(model_dir: Path, config: Mapping[str, Any]) -> None:
    _weight_files(model_dir)
    if not isinstance(config.get("vocab_size"), int):
        raise ValueError(f"{model_dir}/config.json names no vocab_size")
    if "quantization_config" in config:
        raise ValueError(f"{model_dir}: quantised weights cannot be cut; cut first, then quantise")


def _write_configs(
    model_dir: Path, out_dir: Path, tokenizer: FolderTokenizer, new_ids: Mapping[int, int]
) -> None:
    _write_json(out_dir / "tokenizer.json", cut_tokenizer(tokenizer.spec, new_ids))
    config = {**_renumbered(tokenizer.config, new_ids), "vocab_size": len(new_ids)}
    _write_json(out_dir / "config.json", config)
    generation = read_json(model_dir / "generation_config.json")
    if generation:
        _write_json(out_dir / "generation_config.json", _renumbered(generation, new_ids))
    # Nothing else of the settings: lists of special tokens would bring lost ones back.
    settings = {
        **tokenizer.named,
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
    }
    if tokenizer.settings.get("add_bos_token") is not None:
        settings["add_bos_token"] = tokenizer.settings["add_bos_token"]
    _write_json(out_dir / "tokenizer_config.json", settings)


def _renumbered(config: Mapping[str, Any], new_ids: Mapping[int, int]) -> dict[str, Any]:
    result = {}
    for name, value in config.items():
        if name in _ID_LISTS:
            continue
        if name.endswith("_token_id"):
            many = isinstance(value, list)
            value = [new_ids.get(i) for i in value] if many else new_ids.get(value)
        result[name] = value
    return result


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `python -m kit cut-vocabulary`."""
    parser.add_argument("model", type=Path, help="Hugging Face model folder")
    parser.add_argument("out", type=Path, help="new folder for the cut model")
    parser.add_argument("--format", required=True, choices=sorted(TEXT_FORMATS), help="text format")


def run(args: argparse.Namespace) -> int:
    """Cuts and prints one line; exit code 0, or 2 where a model cannot be cut so."""
    try:
        report = cut_vocabulary(args.model, args.out, args.format)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_REFUSED
    print(
        f"{args.out}: {report.kept} of {report.before} tokens kept for format {args.format}, "
        f"{report.removed_bytes / 2**20:.1f} MiB of weights removed"
    )
    return 0
