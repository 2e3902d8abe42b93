"""Arms of the experiments: what differs between them, and nothing else.

pytest tests/pretrain/test_experiments.py
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from kit.arc.datasets import load_dataset  # noqa: E402
from kit.arc.task import Pair  # noqa: E402
from kit.augment.views import View  # noqa: E402
from kit.encode import open_encoding  # noqa: E402
from kit.encode.cells import VOCAB  # noqa: E402
from kit.encode.positions import PAIR_STRIDE  # noqa: E402
from kit.engine.model import open_model  # noqa: E402
from kit.pretrain.corpus import (  # noqa: E402
    Corpus,
    CorpusConfig,
    rules_of_pairs,
    view_tokens,
)
from kit.pretrain.experiments import _small_questions, planes_apart, rule_arms  # noqa: E402
from kit.pretrain.layouts import in_context, task_tokens  # noqa: E402
from kit.pretrain.sequences import ALIGNED  # noqa: E402
from kit.pretrain.settings import SIZES, PretrainConfig  # noqa: E402
from kit.pretrain.sources import read_sources  # noqa: E402
from kit.pretrain.tuning import Tuning, recipes, tuning_questions  # noqa: E402

WEIGHTS = Path(__file__).resolve().parents[2] / "kit" / "weights"
SHAPE = replace(SIZES["1m"], hidden=32, num_layers=2, num_heads=2, num_kv_heads=2, head_dim=16)
PAIR = Pair(((1, 2), (3, 4)), ((5, 6, 7),))
VIEW = View("x", None, (PAIR, PAIR), PAIR.input, PAIR.output)


def test_planes_apart_moves_outputs_and_nothing_else() -> None:
    shared, apart = ALIGNED.encode(VIEW), planes_apart(ALIGNED.encode(VIEW))
    assert np.array_equal(shared.tokens, apart.tokens)
    moved = apart.positions - shared.positions
    pair = (shared.positions - 1) // PAIR_STRIDE
    assert set((moved - pair * PAIR_STRIDE).tolist()) == {0, PAIR_STRIDE}
    # No two tokens of a sequence share a position once the planes are apart.
    assert len(set(apart.positions.tolist())) == len(apart.positions)
    assert len(set(shared.positions.tolist())) < len(shared.positions)


def test_rule_arms_take_as_many_rules_as_they_say() -> None:
    arms = rule_arms(read_sources(None), 0)
    assert [arm.name for arm in arms] == ["50 rules", "200 rules", "404 rules"]
    few = {arms[0].corpus.draw(random.Random(i)).task_id for i in range(300)}
    many = {arms[1].corpus.draw(random.Random(i)).task_id for i in range(300)}
    assert 20 < len(few) <= 50 < len(many) <= 200


def test_layouts_get_the_same_tokens_and_answer_every_question() -> None:
    tasks = load_dataset("arc1-train").tasks
    picked = {i: tasks[i].train for i in list(tasks)[:6]}
    rules = rules_of_pairs(picked)
    questions = [replace(VIEW, task_id=f"q{n}") for n in range(2)]
    config = PretrainConfig(batch_tokens=1200, contiguous_share=0.0)
    corpus = Corpus([], rules, CorpusConfig(long_share=0.0, short_tokens=400))
    before, after = in_context(SHAPE, corpus, questions, config, 2, 1)
    assert after.tokens > before.tokens and after.loss < before.loss
    alone = task_tokens(SHAPE, rules, questions, config, after.tokens, 1)
    assert alone.tokens == pytest.approx(after.tokens, rel=0.2)
    assert SHAPE.vocab == VOCAB and alone.loss < 4.0


def test_tuning_asks_what_was_not_trained_on_and_learns_a_rule() -> None:
    """A task whose output is always the same grid: the untrained model does not know it."""
    encoding = open_encoding(WEIGHTS)
    pairs = [Pair(((n, n),), ((1, 2), (3, 4))) for n in range(4, 9)]
    question = View("x", None, tuple(pairs[:4]), pairs[4].input, pairs[4].output)
    tuning = Tuning(open_model(WEIGHTS), encoding, [question], 12)
    plain, lora, *_ = recipes()
    before, after = tuning.run(plain, 0), tuning.run(lora, 0)
    assert len(before.losses) == len(after.losses) == 1
    assert after.losses[0] < before.losses[0] and after.right >= before.right
    assert after.seconds > before.seconds


def test_every_question_of_the_layouts_can_be_trained_on() -> None:
    """One demonstration cannot be asked behind another."""
    questions = _small_questions()
    assert len(questions) > 10 and all(len(q.examples) > 1 for q in questions)


def test_tuning_recipes_train_lora_and_all_weights_on_tasks_with_demonstrations_left() -> None:
    methods = [r.finetune.method for r in recipes() if r.finetune]
    assert set(methods) == {"lora", "full"} and len({r.name for r in recipes()}) == len(recipes())
    questions = tuning_questions(640)
    assert questions and all(len(q.examples) > 1 and view_tokens(q) <= 640 for q in questions)
