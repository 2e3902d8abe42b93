"""The tokenizer of a Hugging Face model folder: text to ids with character offsets, and the text
of every token.

Reads `tokenizer.json` through the `tokenizers` package (imported on first use), and which tokens
begin and end a text from the JSON files beside it. Never touches the network, never runs code
from the folder. Folders with only a SentencePiece `tokenizer.model` are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_NAMED = ("bos_token", "eos_token", "pad_token", "unk_token")

# How SentencePiece vocabularies write a space, and a byte.
_SPACE = "\u2581"
_BYTE = re.compile("<0x([0-9A-F]{2})>")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file, {} where the file is missing.

    Raises:
        ValueError: it is no JSON object.
    """
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: not readable as JSON ({error})") from error
    if not isinstance(value, dict):
        raise ValueError(f"{path}: must hold a JSON object, got {type(value).__name__}")
    return value


class FolderTokenizer:
    """A tokenizer and its special tokens.

    Attributes:
        bos: ids that the tokenizer puts in front of every text; often one, may be none.
        eos: text of the token that ends a text.
        named: texts of special tokens by the setting that names them, e.g. "pad_token".
        spec, config, settings: parsed tokenizer.json, config.json and tokenizer_config.json; {}
            for one that is missing.
        added: ids of added tokens by text.
        vocab: ids of the model's tokens, by how the vocabulary spells them.
        texts: id -> text of ordinary tokens, as they read in the middle of a text; tokens that
            are no whole characters are left out.
        vocab_size: rows of the model's output, or the tokenizer's size where the config is silent.
        max_tokens: context of the model, None where the config is silent.

    Raises:
        FileNotFoundError: no tokenizer.json.
        ValueError: it cannot be read, or no end-of-text token is named.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "tokenizer.json"
        if not path.is_file():
            held = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
            raise FileNotFoundError(
                f"{path}: no such file; text formats need the tokenizer of the model. "
                f"The folder holds: {', '.join(held[:12]) or 'nothing'}"
            )
        self.spec = read_json(path)
        self.config = read_json(folder / "config.json")
        self.settings = read_json(folder / "tokenizer_config.json")
        self._tokenizer = _load(path)
        self.added = {t["content"]: int(t["id"]) for t in self.spec.get("added_tokens") or []}
        named = {name: _content(self.settings.get(name)) for name in _NAMED}
        self.named = {name: text for name, text in named.items() if text is not None}
        self._names = {token: text for text, token in self.added.items()}
        self.bos = self._find_bos()
        # Post-processing would add special tokens and trim white space off the offsets.
        self._tokenizer.post_processor = None
        self.eos = self._find_eos()
        self.vocab = self._tokenizer.get_vocab(with_added_tokens=False)
        self.texts = _token_texts(self.spec, self.vocab)
        for token in self.added.values():
            self.texts.pop(token, None)
        size = self._tokenizer.get_vocab_size(with_added_tokens=True)
        self.vocab_size = int(self.config.get("vocab_size") or size)
        self.max_tokens: int | None = self.config.get("max_position_embeddings")

    def encode(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids and [start, end) characters of a text, special tokens in it recognised."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return encoding.ids, encoding.offsets

    def pieces(self, text: str) -> list[str]:
        """A text cut where no token crosses, each piece as the tokenizer's model spells it."""
        parts = [text]
        for token in sorted(self.added, key=len, reverse=True):
            parts = [piece for part in parts for piece in part.split(token)]
        spelt = [self._spell(part) for part in parts if part]
        return [piece for part in spelt for piece in part]

    def _spell(self, text: str) -> list[str]:
        if self._tokenizer.normalizer is not None:
            text = self._tokenizer.normalizer.normalize_str(text)
        if self._tokenizer.pre_tokenizer is None:
            return [text]
        return [piece for piece, _ in self._tokenizer.pre_tokenizer.pre_tokenize_str(text)]

    def model_ids(self, piece: str) -> list[int]:
        """Ids of one of `pieces`."""
        return [token.id for token in self._tokenizer.model.tokenize(piece)]

    def spell(self, ids: Sequence[int]) -> str:
        """Text of ids, special tokens included; U+FFFD for what is no text."""
        return "".join(self._names.get(i) or self.texts.get(i, "\ufffd") for i in ids)

    def _find_bos(self) -> tuple[int, ...]:
        bare = self._tokenizer.encode("0", add_special_tokens=False).ids
        full = self._tokenizer.encode("0", add_special_tokens=True).ids
        # An end marker behind the text is cut off as well: only what stands in front is wanted.
        for count in range(len(full) - len(bare) + 1):
            if full[count : count + len(bare)] == bare and count:
                return tuple(full[:count])
        name = self.named.get("bos_token")
        if name and self.settings.get("add_bos_token") and full == bare:
            token = self._tokenizer.token_to_id(name)
            return () if token is None else (token,)
        return ()

    def _find_eos(self) -> str:
        name = self.named.get("eos_token")
        ids = self.config.get("eos_token_id")
        if name is None and ids is not None:
            name = self._tokenizer.id_to_token(ids[0] if isinstance(ids, list) else ids)
        if name is None or name not in self.added:
            raise ValueError(
                f"no end-of-text token: eos_token in tokenizer_config.json or eos_token_id in "
                f"config.json must name an added token of tokenizer.json, got {name!r}"
            )
        return name


def _load(path: Path) -> Any:
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the package raises bare Exception
        raise ValueError(f"{path}: not readable as a tokenizer ({error})") from error


def _content(token: object) -> str | None:
    """Text of a token that configs write as a string or as an object."""
    if isinstance(token, Mapping):
        token = token.get("content")
    return token if isinstance(token, str) else None


def _token_texts(spec: Mapping[str, Any], vocab: Mapping[str, int]) -> dict[int, str]:
    """Text of every token, by how the tokenizer's decoder spells it."""
    kinds = {part["type"] for part in _parts(spec.get("decoder"))}
    kinds |= {part["type"] for part in _parts(spec.get("pre_tokenizer"))}
    if "ByteLevel" in kinds:
        table = byte_table()
        texts = {}
        for spelt, token in vocab.items():
            try:
                texts[token] = bytes(table[c] for c in spelt).decode()
            except (KeyError, UnicodeDecodeError):
                continue
        return texts
    if kinds & {"Metaspace", "Replace", "ByteFallback"}:
        return _sentencepiece_texts(vocab)
    return {token: spelt for spelt, token in vocab.items()}


def _sentencepiece_texts(vocab: Mapping[str, int]) -> dict[int, str]:
    """Bytes stand for what has no token of its own; those from 128 on are parts of characters."""
    codes = {token: _BYTE.fullmatch(spelt) for spelt, token in vocab.items()}
    ids = {chr(int(m[1], 16)): token for token, m in codes.items() if m and int(m[1], 16) < 128}
    ids |= {spelt.replace(_SPACE, " "): t for spelt, t in vocab.items() if not codes[t]}
    return {token: text for text, token in ids.items()}


def _parts(part: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The steps of a decoder or pre-tokenizer, sequences taken apart."""
    if part is None:
        return []
    if part["type"] == "Sequence":
        inner = part.get("decoders") or part.get("pretokenizers") or []
        return [step for each in inner for step in _parts(each)]
    return [part]


def byte_table() -> dict[str, int]:
    """Byte that each letter of a byte-level vocabulary stands for.

    Source: Radford et al. 2019 (GPT-2): printable Latin-1 bytes stand for themselves, the other
    68 are numbered from code point 256 on.
    """
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    return {chr(b): b for b in printable} | {chr(256 + n): b for n, b in enumerate(others)}
