"""A tokenizer.json with most of its tokens taken out, the rest numbered anew.

The tokens that stay must be closed: whatever the full tokenizer builds on its way to a token that
stays, stays too, unless the token is always a whole word (a piece between cuts of the
pre-tokenizer). `kit.encode.vocabulary` chooses them so. Handles BPE, Unigram and word-level models.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def cut_tokenizer(spec: Mapping[str, Any], new_ids: Mapping[int, int]) -> dict[str, Any]:
    """A tokenizer.json's object that knows only the tokens in `new_ids` (old id -> new id).

    Raises:
        ValueError: a kind of model or post-processor that is not handled, or one that names a
            token which does not stay.
    """
    added = [
        {**token, "id": new_ids[token["id"]]}
        for token in spec.get("added_tokens") or []
        if token["id"] in new_ids
    ]
    return {
        **spec,
        "truncation": None,
        "padding": None,
        "added_tokens": sorted(added, key=lambda token: token["id"]),
        "post_processor": _cut_post_processor(spec.get("post_processor"), new_ids),
        "model": cut_model(spec["model"], new_ids),
    }


def cut_model(model: Mapping[str, Any], new_ids: Mapping[int, int]) -> dict[str, Any]:
    """The "model" part of a tokenizer.json; see `cut_tokenizer`."""
    # Old files leave the kind out.
    kind = model.get("type") or ("BPE" if "merges" in model else "WordLevel")
    if kind == "Unigram":
        return _cut_unigram(model, new_ids)
    if kind not in ("BPE", "WordLevel"):
        raise ValueError(f"tokenizer model must be BPE, Unigram or WordLevel, got {kind}")
    vocab = {t: new_ids[i] for t, i in model["vocab"].items() if i in new_ids}
    vocab = dict(sorted(vocab.items(), key=lambda item: item[1]))
    if kind == "WordLevel":
        return {**model, "vocab": vocab}
    if model.get("continuing_subword_prefix") or model.get("end_of_word_suffix"):
        raise ValueError("BPE with marks inside or at the end of words is not handled")
    merges = [_pair(merge) for merge in model["merges"]]
    kept = [[a, b] for a, b in merges if a in vocab and b in vocab and a + b in vocab]
    # Words that are one token are found whole, so that what they were merged from can go.
    return {**model, "vocab": vocab, "merges": kept, "ignore_merges": True}


def _pair(merge: str | list[str]) -> tuple[str, str]:
    """A merge's parts, which older files write as one string."""
    first, second = merge.split(" ") if isinstance(merge, str) else merge
    return first, second


def _cut_unigram(model: Mapping[str, Any], new_ids: Mapping[int, int]) -> dict[str, Any]:
    kept = sorted((new_ids[i], piece) for i, piece in enumerate(model["vocab"]) if i in new_ids)
    if [new for new, _ in kept] != list(range(len(kept))):
        raise ValueError("tokens of a Unigram model must come before all added tokens")
    unknown = model.get("unk_id")
    return {
        **model,
        "vocab": [piece for _, piece in kept],
        "unk_id": None if unknown is None else new_ids[unknown],
    }


def _cut_post_processor(
    processor: Mapping[str, Any] | None, new_ids: Mapping[int, int]
) -> dict[str, Any] | None:
    if processor is None:
        return None
    kind = processor["type"]
    if kind == "Sequence":
        steps = [_cut_post_processor(step, new_ids) for step in processor["processors"]]
        return {**processor, "processors": steps}
    if kind == "ByteLevel":
        return dict(processor)
    if kind != "TemplateProcessing":
        raise ValueError(f"post-processor must be ByteLevel or a template, got {kind}")
    specials = {
        name: {**token, "ids": [new_ids[i] for i in token["ids"]]}
        for name, token in processor["special_tokens"].items()
    }
    return {**processor, "special_tokens": specials}


def post_processor_ids(processor: Mapping[str, Any] | None) -> list[int]:
    """Ids that a post-processor puts into texts, which must stay."""
    if processor is None:
        return []
    inner = [i for step in processor.get("processors", []) for i in post_processor_ids(step)]
    templates = (processor.get("special_tokens") or {}).values()
    return inner + [i for token in templates for i in token["ids"]]
