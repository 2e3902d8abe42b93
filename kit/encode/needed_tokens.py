"""Which tokens a text format needs: all that its texts can be made of, and all that the tokenizer
builds on the way to them.

Words of the format's fixed text are found by tokenizing sample conversations; what can occur
and around grids is decided exactly, for grids of any size.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from kit.arc.grid import Grid
from kit.arc.seeds import python_rng
from kit.arc.task import Pair
from kit.encode.prompt import TextFormat, write_prompt
from kit.encode.tokenizer import FolderTokenizer, read_json
from kit.encode.tokenizer_cut import post_processor_ids


def needed_tokens(model_dir: Path, tokenizer: FolderTokenizer, form: TextFormat) -> list[int]:
    """Sorted ids that must stay so that text of the format is tokenized as before."""
    special = _config_ids(model_dir, tokenizer)
    texts = [*sample_texts(form, "needed")]
    used = {token for text in texts for token in tokenizer.encode(text)[0]}
    special |= used & set(tokenizer.added.values())
    fits = GridPieces(form, tokenizer.added)
    grids = {token for token, text in tokenizer.texts.items() if text and fits.holds(text)}
    return sorted(special | grids | used | _parts_of_words(tokenizer, texts))


def _parts_of_words(tokenizer: FolderTokenizer, texts: Iterable[str]) -> set[int]:
    """Tokens that could arise inside words of the texts; for words of one token only that one."""
    vocab = tokenizer.vocab
    longest = max(map(len, vocab))
    found: set[int] = set()
    for word in sorted({word for text in texts for word in tokenizer.pieces(text)}):
        ids = tokenizer.model_ids(word)
        if len(ids) == 1:
            found.update(ids)
            continue
        for start in range(len(word)):
            ends = range(start + 1, min(start + longest, len(word)) + 1)
            found.update(vocab[word[start:e]] for e in ends if word[start:e] in vocab)
    return found


class GridPieces:
    """Which strings can be part of a grid's text, or of it and its surroundings.

    Args:
        form: a filled format.
        specials: texts of added tokens, over which no token reaches.
    """

    def __init__(self, form: TextFormat, specials: Iterable[str] = ()) -> None:
        befores, afters = _surroundings(form, specials)
        seps = [form.row_sep, *([form.cell_sep] if form.cell_sep else [])]
        inner = 10 + len(seps)
        self._pieces = (*form.cells, *seps, *befores, *afters)
        self._inside = range(inner)
        self._afters = range(inner + len(befores), len(self._pieces))
        cells = tuple(range(10))
        ends = (*(() if form.terminated else cells), *([10] if form.terminated else []))
        follows = {piece: (*range(10, inner), *(() if form.cell_sep else cells)) for piece in cells}
        follows |= {piece: cells for piece in range(10, inner + len(befores))}
        self._next = {p: (*f, *(self._afters if p in ends else ())) for p, f in follows.items()}
        self._starts: dict[str, list[tuple[int, int]]] = {}
        for piece in range(inner + len(befores)):
            for at, char in enumerate(self._pieces[piece]):
                self._starts.setdefault(char, []).append((piece, at))

    def holds(self, text: str) -> bool:
        """Whether `text` occurs in some conversation, for grids of any size, and part of it lies
        in a grid."""
        states = set(self._starts.get(text[0], ()))
        for index, char in enumerate(text):
            if index:
                states = {(p, at) for p, at in states if self._pieces[p][at : at + 1] == char}
            states = {after for piece, at in states for after in self._after(piece, at + 1)}
        return any(p in self._afters or (p in self._inside and at) for p, at in states)

    def _after(self, piece: int, at: int) -> Iterator[tuple[int, int]]:
        """States after a piece's character before `at`; one stays at the end of the last piece."""
        yield piece, at
        if at == len(self._pieces[piece]):
            yield from ((following, 0) for following in self._next.get(piece, ()))


def _surroundings(form: TextFormat, specials: Iterable[str]) -> tuple[list[str], list[str]]:
    """Texts that end where a grid's first cell begins, and that begin behind its last."""
    mark = "\ue000"
    marked = replace(form, cells=(mark,) * 10, row_sep=mark if form.terminated else form.row_sep)
    text = write_prompt(marked, [Pair(((0,),), ((0,),))] * 20, ((0,),)).text
    text += marked.answer_text(((0,),)) + form.answer_end
    for special in sorted(specials, key=len, reverse=True):
        text = text.replace(special, "\ue001")
    literals = re.split(f"{mark}+", text)
    # Some tokenizers put a space in front of the text behind a special token.
    befores = [" " + literal.split("\ue001")[-1] for literal in literals[:-1]]
    afters = [literal.split("\ue001")[0] for literal in literals[1:]]
    return sorted(set(befores)), sorted({after for after in afters if after})


def sample_texts(form: TextFormat, purpose: str) -> Iterator[str]:
    """Whole conversations with every colour at every edge and up to 20 demonstrations."""
    rng = python_rng(0, "vocabulary", purpose)

    def grid(height: int, width: int) -> Grid:
        return tuple(tuple(rng.randrange(10) for _ in range(width)) for _ in range(height))

    singles: list[Grid] = [((colour,),) for colour in range(10)]
    sizes = [(rng.randint(1, 8), rng.randint(1, 30)) for _ in range(40)]
    grids = singles + [grid(height, width) for height, width in sizes]
    for count in (*range(8), 20):
        for _ in range(2):
            examples = [Pair(rng.choice(grids), rng.choice(grids)) for _ in range(count)]
            prompt = write_prompt(form, examples, rng.choice(grids)).text
            yield prompt + form.answer_text(rng.choice(grids)) + form.answer_end
    for single in singles:
        prompt = write_prompt(form, [Pair(single, single)], single).text
        yield prompt + form.answer_text(single) + form.answer_end


def check_same_tokens(
    old: FolderTokenizer, new: FolderTokenizer, kept: Sequence[int], form: TextFormat
) -> None:
    """Compares two tokenizers on texts that were not used to choose the tokens.

    Raises:
        ValueError: they differ; the message holds the text.
    """
    for text in sample_texts(form, "check"):
        if [kept[token] for token in new.encode(text)[0]] != old.encode(text)[0]:
            raise ValueError(f"the cut tokenizer would read this text otherwise: {text[:200]!r}")
    if [kept[token] for token in new.bos] != list(old.bos):
        raise ValueError(f"the cut tokenizer would begin texts otherwise than with {old.bos}")


def _config_ids(model_dir: Path, tokenizer: FolderTokenizer) -> set[int]:
    """Ids that configs and the tokenizer refer to by number or name."""
    found = set(post_processor_ids(tokenizer.spec.get("post_processor"))) | {*tokenizer.bos}
    for config in (tokenizer.config, read_json(model_dir / "generation_config.json")):
        for name, value in config.items():
            if name.endswith("_token_id"):
                found.update(value if isinstance(value, list) else [value])
    names = [tokenizer.eos, tokenizer.spec["model"].get("unk_token")]
    names += tokenizer.named.values()
    every = {**tokenizer.vocab, **tokenizer.added}
    found |= {every.get(name) for name in names}
    unknown = tokenizer.spec["model"].get("unk_id")
    return {i for i in {*found, unknown} if i is not None and 0 <= i < tokenizer.vocab_size}
