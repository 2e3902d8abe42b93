"""Procedural rules and random programs as sources of the corpus, and as held-out questions.

pytest tests/pretrain/test_procedural.py
"""

from __future__ import annotations

import random
from collections import Counter

import pytest

from kit.arc.datasets import load_dataset
from kit.pretrain.corpus import (
    Corpus,
    CorpusConfig,
    CorpusError,
    RecordedRule,
    rules_of_pairs,
    view_tokens,
)
from kit.pretrain.procedural import HELD_OUT_TOKENS, held_out_views, largest_side
from kit.pretrain.rules.catalogue import held_out_rules, training_rules


def source(name: str) -> str:
    """The source that a view's id names."""
    return name.split()[0]


@pytest.fixture(scope="module")
def original() -> list[RecordedRule]:
    """Some training tasks."""
    tasks = load_dataset("arc1-train").tasks
    return rules_of_pairs({i: tasks[i].train for i in list(tasks)[:60]})


@pytest.fixture(scope="module")
def corpus(original: list[RecordedRule]) -> Corpus:
    """All sources but re-arc, as without --re-arc."""
    return Corpus([], original, CorpusConfig(), training_rules(), programs=True)


def test_the_same_seed_gives_the_same_stream(corpus: Corpus) -> None:
    first, second = random.Random(3), random.Random(3)
    assert [corpus.draw(first) for _ in range(40)] == [corpus.draw(second) for _ in range(40)]


def test_sources_come_by_their_weights(original: list[RecordedRule]) -> None:
    config = CorpusConfig(arc_weight=0.1, rules_weight=0.35, programs_weight=0.1)
    corpus = Corpus([], original, config, training_rules(), programs=True)
    rng = random.Random(0)
    seen = Counter(source(corpus.draw(rng).task_id) for _ in range(200))
    # What does not fit into a sequence is drawn again, so the shares are rough.
    assert 0.5 <= seen["rule"] / 200 <= 0.8
    assert 0.08 <= seen["arc"] / 200 <= 0.3
    assert 0.08 <= seen["program"] / 200 <= 0.3


def test_sequences_fit_and_held_out_rules_never_come(corpus: Corpus) -> None:
    rng = random.Random(1)
    held_out = {f"rule {rule.name}" for rule in held_out_rules()}
    for _ in range(150):
        view = corpus.draw(rng)
        assert view_tokens(view) <= CorpusConfig().long_tokens
        assert view.task_id not in held_out


def test_a_weight_of_0_switches_a_source_off(original: list[RecordedRule]) -> None:
    config = CorpusConfig(arc_weight=0.0, rules_weight=0.0)
    corpus = Corpus([], original, config, training_rules(), programs=True)
    rng = random.Random(0)
    assert {source(corpus.draw(rng).task_id) for _ in range(10)} == {"program"}
    with pytest.raises(CorpusError, match="at least one rule"):
        Corpus([], original, CorpusConfig(arc_weight=0.0))


def test_most_sequences_use_their_room(corpus: Corpus) -> None:
    rng = random.Random(2)
    lengths = [view_tokens(corpus.draw(rng)) for _ in range(150)]
    assert sum(lengths) / len(lengths) > 0.4 * CorpusConfig().short_tokens


def test_held_out_questions_are_fixed_and_spread_over_the_rules() -> None:
    views = held_out_views(held_out_rules(), 60, 0)
    assert views == held_out_views(held_out_rules(), 60, 0)
    assert len(views) == 60
    assert len({view.task_id for view in views}) >= 40
    assert all(view_tokens(view) <= HELD_OUT_TOKENS for view in views)


def test_longer_sequences_may_have_larger_grids() -> None:
    sides = [largest_side(limit, 4) for limit in (100, 640, 1536, 4096, 100_000)]
    assert sides == sorted(sides) and sides[0] >= 5 and sides[-1] == 30
