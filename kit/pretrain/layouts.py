"""Which layout to train: demonstrations in context and training per task, or a token per task.

In context, a sequence is several pairs of a rule, and a new task is trained on by itself
afterwards. With task tokens a sequence is one pair behind a token of its rule and one of the
symmetry it is shown under (the layout of mdlARC, which solves 44% of the public evaluation set at
75M weights); the demonstrations of new tasks are part of the only training there is. Both get
the same number of tokens in all. Questions: the last demonstration of development tasks, trained
on the others.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kit.arc.grid import NUM_COLOURS, from_array
from kit.arc.seeds import python_rng
from kit.arc.task import Pair
from kit.augment.transform import Transform
from kit.augment.views import View
from kit.encode.cells import VOCAB, pair_positions, pair_tokens
from kit.encode.encoding import Encoded
from kit.engine.shape import ModelShape
from kit.pretrain.corpus import Corpus, CorpusConfig, RecordedRule, rule_of_pairs
from kit.pretrain.run import Run
from kit.pretrain.sequences import ALIGNED, draw_batch
from kit.pretrain.settings import PretrainConfig, schedule_of_steps

ADAPT_STEPS, ADAPT_TOKENS = 40, 1024
"""Steps of training on one task, and their tokens."""
NEW_TASK_SHARE = 0.3
"""Share of the sequences with a task token that belong to the tasks that will be asked about."""
NUM_SYMMETRIES = 8


@dataclass(frozen=True, slots=True)
class Outcome:
    """One layout at one seed: mean loss in nats per token, share of questions all right."""

    name: str
    tokens: int
    loss: float
    right: float


def in_context(
    shape: ModelShape,
    corpus: Corpus,
    questions: Sequence[View],
    config: PretrainConfig,
    steps: int,
    threads: int,
) -> list[Outcome]:
    """Before and after training on each question's demonstrations by themselves."""
    base = _trained(Run(shape, config, threads), steps, lambda s: draw_batch(corpus, config, s))
    before = [base.evaluate([ALIGNED.encode(q)]) for q in questions]
    tokens, after = base.tokens, []
    for question in questions:
        run = _adapted(base, question, config, threads)
        tokens += run.tokens
        after.append(run.evaluate([ALIGNED.encode(question)]))
    return [
        _outcome("in context, not trained on the task", base.tokens, before),
        _outcome("in context, then trained on the task", tokens, after),
    ]


def _adapted(base: Run, question: View, config: PretrainConfig, threads: int) -> Run:
    """The base trained on from its averaged weights, on one task's demonstrations."""
    gentle = replace(
        config, batch_tokens=ADAPT_TOKENS, lr_matrices=config.lr_matrices / 4, warmup_steps=5
    )
    run = Run(base.shape, gentle, threads)
    run.start_from(base.average)
    rule = rule_of_pairs(question.task_id, question.examples)
    own = Corpus(
        [], [rule], CorpusConfig(min_pairs=2, max_pairs=5, wrap_share=0.0, short_tokens=2000)
    )
    return _trained(run, ADAPT_STEPS, lambda step: draw_batch(own, gentle, step))


def task_tokens(
    shape: ModelShape,
    rules: Sequence[RecordedRule],
    questions: Sequence[View],
    config: PretrainConfig,
    total_tokens: int,
    threads: int,
) -> Outcome:
    """All rules and the questions' demonstrations trained on together, one pair at a time."""
    asked = [rule_of_pairs(f"asked {q.task_id}", q.examples) for q in questions]
    everything = [*rules, *asked]
    first_task = VOCAB + NUM_SYMMETRIES
    wide = replace(shape, vocab=first_task + len(everything))
    numbers = {rule.rule_id: first_task + i for i, rule in enumerate(everything)}

    def draw(step: int) -> list[Encoded]:
        rng = python_rng(config.seed, "task tokens", step)
        batch: list[Encoded] = []
        while sum(map(len, batch)) < config.batch_tokens:
            rule = rng.choice(asked if rng.random() < NEW_TASK_SHARE else rules)
            batch.append(_one_pair(rule, numbers[rule.rule_id], rng))
        return batch

    run = Run(wide, config, threads)
    steps = round(total_tokens / config.batch_tokens)
    _trained(run, steps, draw)
    results = []
    for rule, question in zip(asked, questions, strict=True):
        assert question.answer is not None
        pair = Pair(question.query, question.answer)
        results.append(run.evaluate([_behind(numbers[rule.rule_id], 0, pair)]))
    return _outcome("one pair behind a token per task", run.tokens, results)


def _one_pair(rule: RecordedRule, number: int, rng: random.Random) -> Encoded:
    """A pair of a rule under a symmetry, the colours of its input permuted."""
    index = rng.randrange(rule.num_within(ADAPT_TOKENS) or 1)
    a, b = rule.pair(index)
    symmetry = rng.randrange(NUM_SYMMETRIES)
    shown = Transform(symmetry, _input_colours(a, rng))
    pair = Pair(from_array(shown.apply_array(a)), from_array(shown.apply_array(b)))
    return _behind(number, symmetry, pair)


def _input_colours(grid: np.ndarray, rng: random.Random) -> tuple[int, ...]:
    """A permutation of the colours of an input but 0: without demonstrations in sight, nobody
    could know what became of a colour that only the output has."""
    inside = [int(c) for c in np.unique(grid) if c]
    moved = dict(zip(inside, rng.sample(inside, len(inside)), strict=True))
    return tuple(moved.get(c, c) for c in range(NUM_COLOURS))


def _behind(number: int, symmetry: int, pair: Pair) -> Encoded:
    """Task token, symmetry token, the pair; loss on its output alone."""
    own = pair_tokens(pair)
    tokens = np.concatenate([[number, VOCAB + symmetry], own])
    positions = np.concatenate([[0, 1], pair_positions(pair.input, pair.output, 0)])
    output = len(pair.output) * (len(pair.output[0]) + 1) + 1
    return Encoded(tokens, positions, ((len(tokens) - output, len(tokens)),))


def _trained(run: Run, steps: int, draw: Callable[[int], list[Encoded]]) -> Run:
    """The run after so many steps of the batches that `draw` gives, decay included."""
    run.schedule = schedule_of_steps(run.config, steps)
    while not run.schedule.is_over(run.step):
        run.train_step(draw(run.step))
    return run


def _outcome(name: str, tokens: int, results: Sequence[tuple[float, float]]) -> Outcome:
    loss, right = (float(np.mean(column)) for column in zip(*results, strict=True))
    return Outcome(name, tokens, loss, right)
