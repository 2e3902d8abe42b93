"""What may be trained on, and what is drawn from it.

pytest tests/pretrain/test_corpus.py
"""

from __future__ import annotations

import hashlib
import json
import random

import pytest

from kit.arc.datasets import load_dataset
from kit.arc.task import Pair, Task
from kit.pretrain.corpus import (
    Corpus,
    CorpusConfig,
    CorpusError,
    load_re_arc,
    make_rule,
    rules_of_pairs,
    view_tokens,
)
from kit.pretrain.dev_tasks import CONTAMINATED, DEV_TASKS, may_train_on
from tests.pretrain.canonical import canonical

TRAINING = load_dataset("arc1-train").tasks


def forms(task: Task) -> set[bytes]:
    """Canonical forms of a task's demonstrations."""
    return {canonical(pair) for pair in task.train}


@pytest.fixture(scope="module")
def trained() -> set[bytes]:
    """Canonical forms of all original pairs that may be trained on."""
    return set().union(*(forms(t) for i, t in TRAINING.items() if may_train_on(i)))


def test_development_tasks_are_those_of_the_digest() -> None:
    by_digest = sorted(TRAINING, key=lambda i: hashlib.blake2b(i.encode()).hexdigest())
    assert tuple(sorted(by_digest[:40])) == DEV_TASKS


def test_no_rule_of_the_corpus_is_a_development_task() -> None:
    ids = {rule.rule_id for rule in rules_of_pairs({i: t.train for i, t in TRAINING.items()})}
    assert len(ids) == 400 - len(DEV_TASKS) - len(CONTAMINATED)
    assert not ids & {f"arc {i}" for i in (*DEV_TASKS, *CONTAMINATED)}


@pytest.mark.parametrize("name", ["arc1-eval", "arc2-eval"])
def test_no_pair_trained_on_is_an_evaluation_pair_in_disguise(
    name: str, trained: set[bytes]
) -> None:
    found = [i for i, task in load_dataset(name).tasks.items() if forms(task) & trained]
    assert found == []


def test_no_development_pair_is_trained_on_in_disguise(trained: set[bytes]) -> None:
    assert [i for i in DEV_TASKS if forms(TRAINING[i]) & trained] == []


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """Original training pairs alone."""
    rules = rules_of_pairs({i: task.train for i, task in TRAINING.items()})
    return Corpus([], rules, CorpusConfig())


def test_draws_fit_and_depend_on_the_seed_alone(corpus: Corpus) -> None:
    views = [corpus.draw(random.Random(seed)) for seed in range(60)]
    assert views == [corpus.draw(random.Random(seed)) for seed in range(60)]
    assert all(view_tokens(v) <= CorpusConfig().long_tokens for v in views)
    assert all(len(v.examples) >= 1 and v.answer is not None for v in views)
    assert len({v.task_id for v in views}) > 30


def test_a_plain_draw_is_the_rule_under_one_transform() -> None:
    pairs = {"a": TRAINING["0ca9ddb6"].train}
    config = CorpusConfig(wrap_share=0.0)
    corpus = Corpus([], rules_of_pairs(pairs), config)
    known = {canonical(p) for p in pairs["a"]}
    for seed in range(20):
        view = corpus.draw(random.Random(seed))
        assert view.answer is not None
        shown = [*view.examples, Pair(view.query, view.answer)]
        assert {canonical(p) for p in shown} <= known


def test_re_arc_files_are_read_and_broken_ones_named(tmp_path) -> None:
    with pytest.raises(CorpusError, match="no re_arc"):
        load_re_arc(tmp_path)
    path = tmp_path / "re_arc_00.jsonl"
    lines = [
        {"id": "x", "pairs": [["005|050", "1"], ["1", "2"]]},
        {"id": DEV_TASKS[0], "pairs": []},
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    (rule,) = load_re_arc(tmp_path)
    assert (rule.rule_id, rule.pairs[0], rule.tokens) == ("re-arc x", ("1", "2"), (7, 13))
    path.write_text('{"id": "x"}')
    with pytest.raises(CorpusError, match=r"re_arc_00\.jsonl, line 1: 'pairs'"):
        load_re_arc(tmp_path)
    with pytest.raises(CorpusError, match="at least one rule"):
        Corpus([], [], CorpusConfig())


def test_token_counts_are_those_of_the_encoding() -> None:
    from kit.encode.cells import pair_len

    pair = TRAINING["0ca9ddb6"].train[0]
    text = ["|".join("".join(map(str, row)) for row in grid) for grid in (pair.input, pair.output)]
    assert make_rule("r", [(text[0], text[1])]).tokens == (pair_len(pair),)
