"""What the bundled model learns from: many pairs of many rules, drawn fresh at every step.

Sources: re-arc pairs (files given by the user, see `kit.pretrain.re_arc`), the ARC-AGI-1 training
tasks, procedural rules (`kit.pretrain.rules`) and random programs; weights of those that are there.
Development tasks and tasks that reappear in the evaluation set are left out at the door, here and
where files are read (`may_train_on`); evaluation sets never come near this folder.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from kit.arc.grid import NUM_COLOURS, from_array
from kit.arc.task import Pair
from kit.augment.transform import Transform
from kit.augment.views import View
from kit.encode.cells import pair_len
from kit.pretrain.dev_tasks import may_train_on
from kit.pretrain.procedural import program_pairs, rule_pairs
from kit.pretrain.rules.rule import Rule

ArrayPair = tuple[np.ndarray, np.ndarray]

MOST_DRAWS = 1000
"""Draws of a sequence before giving up: some rules have no pairs that fit."""


class CorpusError(ValueError):
    """A corpus file that cannot be read, or a corpus without rules."""


@dataclass(frozen=True, slots=True)
class RecordedRule:
    """One rule with recorded pairs that follow it, smallest first.

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

    def pair(self, index: int) -> ArrayPair:
        """Input and output of one pair."""
        a, b = self.pairs[index]
        return _grid_text(a), _grid_text(b)


def _grid_text(text: str) -> np.ndarray:
    """(H, W) uint8 grid of "012|345"."""
    width = text.find("|") if "|" in text else len(text)
    flat = np.frombuffer((text + "|").encode(), dtype=np.uint8)
    return flat.reshape(-1, width + 1)[:, :width] - ord("0")


def _text_tokens(text: str) -> int:
    return len(text) + 1


def make_rule(rule_id: str, pairs: Iterable[tuple[str, str]]) -> RecordedRule:
    """A rule with its pairs sorted by size; the encoding adds three markers to a pair."""
    sized = sorted((_text_tokens(a) + _text_tokens(b) + 3, a, b) for a, b in pairs)
    return RecordedRule(rule_id, tuple((a, b) for _, a, b in sized), tuple(n for n, _, _ in sized))


def _digits(grid: object) -> str:
    assert isinstance(grid, tuple)
    return "|".join("".join(map(str, row)) for row in grid)


def rule_of_pairs(rule_id: str, pairs: Iterable[Pair]) -> RecordedRule:
    """A rule that given pairs follow."""
    return make_rule(rule_id, [(_digits(p.input), _digits(p.output)) for p in pairs])


def rules_of_pairs(pairs_by_task: dict[str, tuple[Pair, ...]]) -> list[RecordedRule]:
    """Rules of ARC training tasks; ids that must not be trained on are left out."""
    return [
        rule_of_pairs(f"arc {i}", pairs) for i, pairs in pairs_by_task.items() if may_train_on(i)
    ]


@dataclass(frozen=True, slots=True)
class CorpusConfig:
    """How sequences are drawn.

    Attributes:
        min_pairs, max_pairs: pairs of one sequence.
        long_share: share of sequences that may use `long_tokens` instead of `short_tokens`.
        re_arc_weight, arc_weight, rules_weight, programs_weight: how often a sequence comes from
            each source, relative to the other sources that the corpus has.
        wrap_share: share in which inputs, outputs or both get a further symmetry, which makes
            new rules of old ones (Akyurek et al. 2024, section 5: 30%).
        move_zero_share: share of colour permutations that also move colour 0.
        symmetries: whether every sequence is turned or mirrored as a whole.
    """

    min_pairs: int = 3
    max_pairs: int = 6
    short_tokens: int = 640
    long_tokens: int = 1536
    long_share: float = 0.2
    re_arc_weight: float = 0.75
    arc_weight: float = 0.15
    rules_weight: float = 0.07
    programs_weight: float = 0.03
    wrap_share: float = 0.1
    move_zero_share: float = 0.1
    symmetries: bool = True


_DRAWS_OF_A_SOURCE = 20
"""Draws before another source has its turn."""

_TRIED = 3
"""So many pairs are looked at for each one wanted."""

Draw = Callable[[int, int, random.Random], tuple[str, list[ArrayPair]]]
"""(tokens in all, pairs wanted, generator) -> (id of the rule, pairs that fit, perhaps none)."""


class Corpus:
    """Draws training views of random rules under random transforms."""

    def __init__(
        self,
        generated: Sequence[RecordedRule],
        original: Sequence[RecordedRule],
        config: CorpusConfig,
        rules: Sequence[Rule] = (),
        programs: bool = False,
    ) -> None:
        """A corpus of what is given.

        Args:
            generated, original: recorded pairs of re-arc and of ARC training tasks.
            rules: procedural rules, drawn afresh every time.
            programs: whether tasks of random programs are drawn as well.
        Raises:
            CorpusError: nothing is given, or all of it has no weight.
        """
        draws: tuple[tuple[bool, float, Draw], ...] = (
            (bool(generated), config.re_arc_weight, partial(_recorded_pairs, generated)),
            (bool(original), config.arc_weight, partial(_recorded_pairs, original)),
            (bool(rules), config.rules_weight, partial(rule_pairs, rules)),
            (programs, config.programs_weight, program_pairs),
        )
        there = [(weight, draw) for given, weight, draw in draws if given and weight > 0]
        if not there:
            raise CorpusError("a corpus needs at least one rule")
        self._weights = [weight for weight, _ in there]
        self._draws = [draw for _, draw in there]
        self._config = config

    def draw(self, rng: random.Random) -> View:
        """One view whose answer is its last pair; seeded by `rng` alone.

        Raises:
            CorpusError: nothing fits.
        """
        config = self._config
        limit = config.long_tokens if rng.random() < config.long_share else config.short_tokens
        for number in range(MOST_DRAWS):
            # Again from the same source, or one of large pairs would be seen less than it weighs.
            if number % _DRAWS_OF_A_SOURCE == 0:
                (draw,) = rng.choices(self._draws, self._weights)
            wanted = rng.randint(config.min_pairs, config.max_pairs)
            rule_id, pairs = draw(limit, wanted, rng)
            if len(pairs) >= config.min_pairs:
                return self._view(rule_id, pairs, rng)
        least = f"{config.min_pairs} pairs of a rule within {limit} tokens"
        raise CorpusError(f"never {least} in {MOST_DRAWS} draws")

    def _view(self, rule_id: str, pairs: list[ArrayPair], rng: random.Random) -> View:
        shared = Transform(rng.randrange(8 if self._config.symmetries else 1), self._colours(rng))
        before, after = self._wrap(rng)
        done = []
        for a, b in pairs:
            x = shared.apply_array(before.apply_array(a))
            y = shared.apply_array(after.apply_array(b))
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


def _recorded_pairs(
    rules: Sequence[RecordedRule], limit: int, wanted: int, rng: random.Random
) -> tuple[str, list[ArrayPair]]:
    """Different pairs of one recorded rule, as many of those wanted as fit.

    A pair that does not fit gives way to others: a sequence that ends there shows its rule less
    often than it could.
    """
    rule = rng.choice(rules)
    usable = rule.num_within(1.5 * limit / wanted)
    chosen, total = [], 0
    for index in rng.sample(range(usable), min(_TRIED * wanted, usable)):
        if len(chosen) < wanted and total + rule.tokens[index] <= limit:
            total += rule.tokens[index]
            chosen.append(rule.pair(index))
    return rule.rule_id, chosen


def view_tokens(view: View) -> int:
    """Tokens of a training view in the cell encoding."""
    assert view.answer is not None
    return sum(map(pair_len, view.examples)) + pair_len(Pair(view.query, view.answer))
