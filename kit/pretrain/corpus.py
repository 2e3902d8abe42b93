"""What the bundled model learns from: many pairs of many rules, drawn fresh at every step.

Sources: re-arc pairs (files given by the user, see README) and the ARC-AGI-1 training tasks.
Development tasks and tasks that reappear in the evaluation set are left out here, at the door
(`may_train_on`); evaluation sets never come near this folder.
"""

from __future__ import annotations

import json
import lzma
import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kit.arc.grid import NUM_COLOURS, from_array
from kit.arc.task import Pair
from kit.augment.transform import Transform
from kit.augment.views import View
from kit.encode.cells import pair_len
from kit.pretrain.dev_tasks import may_train_on


class CorpusError(ValueError):
    """A corpus file that cannot be read, or a corpus without rules."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule with pairs that follow it, smallest first.

    Attributes:
        pairs: grids as strings of digits, rows joined by "|": compact, and parsed when drawn.
        tokens: tokens of each pair, ascending.
    """

    rule_id: str
    pairs: tuple[tuple[str, str], ...]
    tokens: tuple[int, ...]

    def num_within(self, max_tokens: float) -> int:
        """How many pairs have at most `max_tokens` tokens."""
        return int(np.searchsorted(self.tokens, max_tokens, side="right"))


def _grid_text(text: str) -> np.ndarray:
    """(H, W) uint8 grid of "012|345"."""
    width = text.find("|") if "|" in text else len(text)
    flat = np.frombuffer((text + "|").encode(), dtype=np.uint8)
    return flat.reshape(-1, width + 1)[:, :width] - ord("0")


def _text_tokens(text: str) -> int:
    return len(text) + 1


def make_rule(rule_id: str, pairs: Iterable[tuple[str, str]]) -> Rule:
    """A rule with its pairs sorted by size; the encoding adds three markers to a pair."""
    sized = sorted((_text_tokens(a) + _text_tokens(b) + 3, a, b) for a, b in pairs)
    return Rule(rule_id, tuple((a, b) for _, a, b in sized), tuple(n for n, _, _ in sized))


def load_re_arc(folder: Path) -> list[Rule]:
    """Rules of re-arc files (`*.jsonl` or `*.jsonl.xz`: one line per task with id and pairs).

    Raises:
        CorpusError: no such files, or a line that is not of this form.
    """
    files = sorted([*folder.glob("re_arc*.jsonl"), *folder.glob("re_arc*.jsonl.xz")])
    if not files:
        raise CorpusError(f"{folder}: no re_arc*.jsonl or re_arc*.jsonl.xz in this folder")
    rules = []
    for path in files:
        opener = lzma.open if path.suffix == ".xz" else open
        with opener(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    record = json.loads(line)
                    rule_id, pairs = record["id"], [(a, b) for a, b in record["pairs"]]
                except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
                    raise CorpusError(f"{path}, line {number}: {error}") from error
                if may_train_on(rule_id):
                    rules.append(make_rule(f"re-arc {rule_id}", pairs))
    return rules


def _digits(grid: object) -> str:
    assert isinstance(grid, tuple)
    return "|".join("".join(map(str, row)) for row in grid)


def rules_of_pairs(pairs_by_task: dict[str, tuple[Pair, ...]]) -> list[Rule]:
    """Rules of ARC training tasks; ids that must not be trained on are left out."""
    return [
        make_rule(f"arc {i}", [(_digits(p.input), _digits(p.output)) for p in pairs])
        for i, pairs in pairs_by_task.items()
        if may_train_on(i)
    ]


@dataclass(frozen=True, slots=True)
class CorpusConfig:
    """How sequences are drawn.

    Attributes:
        max_pairs: pairs of one sequence, at most.
        long_share: share of sequences that may use `long_tokens` instead of `short_tokens`.
        arc_share: share drawn from the original ARC pairs instead of re-arc.
        wrap_share: share in which inputs, outputs or both get a further symmetry, which makes
            new rules of old ones (Akyurek et al. 2024, section 5: 30%).
        move_zero_share: share of colour permutations that also move colour 0.
    """

    max_pairs: int = 6
    short_tokens: int = 640
    long_tokens: int = 1536
    long_share: float = 0.1
    arc_share: float = 0.15
    wrap_share: float = 0.3
    move_zero_share: float = 0.3


class Corpus:
    """Draws training views of random rules under random transforms."""

    def __init__(self, generated: list[Rule], original: list[Rule], config: CorpusConfig) -> None:
        if not generated and not original:
            raise CorpusError("a corpus needs at least one rule")
        self._generated = generated or original
        self._original = original or generated
        self._config = config

    def draw(self, rng: random.Random) -> View:
        """One view whose answer is its last pair; seeded by `rng` alone."""
        config = self._config
        limit = config.long_tokens if rng.random() < config.long_share else config.short_tokens
        while True:
            source = self._original if rng.random() < config.arc_share else self._generated
            rule = rng.choice(source)
            pairs = self._draw_pairs(rule, limit, rng)
            if len(pairs) >= 2:
                return self._view(rule.rule_id, pairs, rng)

    def _draw_pairs(self, rule: Rule, limit: int, rng: random.Random) -> list[tuple[str, str]]:
        wanted = rng.randint(3, self._config.max_pairs)
        usable = rule.num_within(1.5 * limit / wanted)
        picked = rng.sample(range(usable), min(wanted, usable))
        chosen, total = [], 0
        for index in picked:
            total += rule.tokens[index]
            if total > limit:
                break
            chosen.append(rule.pairs[index])
        return chosen

    def _view(self, rule_id: str, pairs: list[tuple[str, str]], rng: random.Random) -> View:
        shared = Transform(rng.randrange(8), self._colours(rng))
        before, after = self._wrap(rng)
        done = []
        for a, b in pairs:
            x = shared.apply_array(before.apply_array(_grid_text(a)))
            y = shared.apply_array(after.apply_array(_grid_text(b)))
            done.append(Pair(from_array(x), from_array(y)))
        *examples, last = done
        return View(rule_id, None, tuple(examples), last.input, last.output)

    def _wrap(self, rng: random.Random) -> tuple[Transform, Transform]:
        """Symmetries put on inputs only, outputs only or both, different from each other."""
        plain = Transform()
        if rng.random() >= self._config.wrap_share:
            return plain, plain
        kind = rng.randrange(3)
        extra = Transform(rng.randrange(1, 8))
        if kind == 0:
            return extra, plain
        if kind == 1:
            return plain, extra
        return extra, Transform(rng.randrange(1, 8))

    def _colours(self, rng: random.Random) -> tuple[int, ...]:
        if rng.random() < self._config.move_zero_share:
            return tuple(rng.sample(range(NUM_COLOURS), NUM_COLOURS))
        return (0, *rng.sample(range(1, NUM_COLOURS), NUM_COLOURS - 1))


def view_tokens(view: View) -> int:
    """Tokens of a training view in the cell encoding."""
    assert view.answer is not None
    return sum(map(pair_len, view.examples)) + pair_len(Pair(view.query, view.answer))
