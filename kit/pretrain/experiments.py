"""`python -m kit experiment NAME`: what a recipe for the bundled model rests on, at small scale.

    positions  position ids at equal tokens: shared by input and output, a plane apart, contiguous,
               and shared with a share of contiguous sequences
    rules      50, 200 or all rules at equal tokens, asked about rules that none of them is
    layouts    demonstrations in context and training per task, or one pair behind a task token
    tuning     test-time training of a model that there is (--model): LoRA or all weights, at which
               rate

Every arm of the first three trains a model of its own from the same seed, decay included; the table
says what it then makes of questions that nothing was trained on.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from kit.arc.arguments import refuse_given
from kit.arc.exits import EXIT_REFUSED
from kit.arc.seeds import python_rng
from kit.augment.views import View
from kit.encode import open_encoding
from kit.encode.cells import IN_COLOUR, ROW_IN, START_INPUT
from kit.encode.encoding import Encoded
from kit.encode.positions import PAIR_STRIDE
from kit.engine.machine import keep_freed_memory
from kit.engine.model import open_model
from kit.pretrain import layouts
from kit.pretrain.corpus import Corpus, CorpusConfig
from kit.pretrain.re_arc import add_re_arc_option
from kit.pretrain.run import Run
from kit.pretrain.sequences import ALIGNED, CONTIGUOUS, draw_batch
from kit.pretrain.settings import SIZES, PretrainConfig, schedule_of_steps
from kit.pretrain.sources import Sources, held_out_questions, read_sources
from kit.pretrain.tuning import Tuning, recipes, tuning_questions

Change = Callable[[Encoded], Encoded]
NUMBERS_OF_RULES = (50, 200, None)
TUNING = "tuning"
TUNED_TOKENS = 640


@dataclass(frozen=True, slots=True)
class Arm:
    """One model of an experiment.

    Attributes:
        change: of every sequence, the questions included.
        encode: of the questions.
    """

    name: str
    corpus: Corpus
    config: PretrainConfig
    change: Change
    encode: Callable[[View], Encoded] = ALIGNED.encode


def unchanged(encoded: Encoded) -> Encoded:
    """The sequence as it is."""
    return encoded


def planes_apart(encoded: Encoded) -> Encoded:
    """Aligned positions with inputs and outputs a plane of 1024 apart instead of shared.

    pair * 2048 + plane * 1024 + 32 * row + column.
    """
    tokens = encoded.tokens
    is_input = (tokens == START_INPUT) | (tokens == ROW_IN)
    is_input |= (tokens >= IN_COLOUR) & (tokens < IN_COLOUR + 10)
    pair = (encoded.positions - 1) // PAIR_STRIDE
    positions = encoded.positions + pair * PAIR_STRIDE + (~is_input) * PAIR_STRIDE
    return replace(encoded, positions=positions)


def position_arms(sources: Sources, seed: int) -> list[Arm]:
    """One corpus under four ways to count positions."""
    corpus = sources.corpus()
    config = PretrainConfig(contiguous_share=0.0, seed=seed)
    mixed = replace(config, contiguous_share=PretrainConfig().contiguous_share)
    line = replace(config, contiguous_share=1.0)
    return [
        Arm("shared by input and output", corpus, config, unchanged),
        Arm("a plane apart", corpus, config, planes_apart),
        Arm("contiguous", corpus, line, unchanged, CONTIGUOUS.encode),
        Arm(f"shared, {mixed.contiguous_share:.0%} contiguous", corpus, mixed, unchanged),
    ]


def rule_arms(sources: Sources, seed: int) -> list[Arm]:
    """Fewer and more rules of the same mixture of re-arc and procedural ones."""
    generated, rules = sources.generated, sources.rules
    everything = [*generated, *rules]
    python_rng(seed, "rules of an experiment").shuffle(everything)
    arms = []
    for number in NUMBERS_OF_RULES:
        taken = everything[:number]
        recorded = [r for r in generated if any(r is t for t in taken)]
        drawn = [r for r in rules if any(r is t for t in taken)]
        weights = CorpusConfig(re_arc_weight=len(recorded), rules_weight=len(drawn))
        corpus = Corpus(recorded, [], weights, drawn)
        config = PretrainConfig(contiguous_share=0.0, seed=seed)
        arms.append(Arm(f"{len(taken)} rules", corpus, config, unchanged))
    return arms


EXPERIMENTS = {"positions": position_arms, "rules": rule_arms}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("name", choices=[*EXPERIMENTS, "layouts", TUNING])
    add_re_arc_option(parser)
    parser.add_argument(
        "--steps", type=int, help="of 8192 tokens for each arm (120); tuning: on each task (60)"
    )
    parser.add_argument("--size", choices=SIZES, help="weights, about (default 1m)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--model", type=Path, help="tuning: folder of a model, e.g. kit/weights")
    parser.add_argument(
        "--max-tokens", type=int, help=f"tuning: of a task, at most (default {TUNED_TOKENS})"
    )


def _settle(args: argparse.Namespace) -> None:
    """Fill in what was not said.

    Raises:
        ValueError: an option that this experiment does not read, or a number below 1.
    """
    tuning = args.name == TUNING
    unread = ("re_arc", "size") if tuning else ("model", "max_tokens")
    refuse_given(args, unread, f"is not an option of the experiment {args.name}")
    if tuning and args.model is None:
        raise ValueError("the experiment tuning needs --model FOLDER, e.g. kit/weights")
    args.size = args.size or "1m"
    args.steps = (60 if tuning else 120) if args.steps is None else args.steps
    args.max_tokens = TUNED_TOKENS if args.max_tokens is None else args.max_tokens
    if min(args.steps, args.threads, args.max_tokens) < 1:
        raise ValueError("--steps, --threads and --max-tokens must be 1 or more")


def run(args: argparse.Namespace) -> int:
    """Train all arms and print their table. Exit code 0, or 2 for what cannot be used."""
    try:
        _settle(args)
        if args.name == TUNING:
            return _compare_tuning(args)
        sources = read_sources(args.re_arc)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_REFUSED
    keep_freed_memory()
    if args.name == "layouts":
        return _compare_layouts(sources, args)
    questions = held_out_questions(0)
    names = "".join(f" {name} | right |" for name in questions)
    print(f"| {args.name}, {args.size} | seed | tokens | training |{names} tok/s |")
    print("|---" * (5 + 2 * len(questions)) + "|", flush=True)
    for seed in args.seeds:
        for arm in EXPERIMENTS[args.name](sources, seed):
            print(_row(arm, questions, args), flush=True)
    return 0


def _row(arm: Arm, questions: dict[str, list[View]], args: argparse.Namespace) -> str:
    state = Run(SIZES[args.size], arm.config, args.threads)
    state.schedule = schedule_of_steps(arm.config, args.steps)
    begin, losses = time.monotonic(), []
    while not state.schedule.is_over(state.step):
        batch = draw_batch(arm.corpus, arm.config, state.step)
        losses.append(state.train_step([arm.change(e) for e in batch]))
    rate = state.tokens / (time.monotonic() - begin)
    cells = [arm.name, str(arm.config.seed), f"{state.tokens / 1e6:.2f}M", _mean(losses[-20:])]
    for views in questions.values():
        loss, right = state.evaluate([arm.change(arm.encode(v)) for v in views])
        cells += [f"{loss:.3f}", f"{100 * right:.1f}%"]
    return f"| {' | '.join([*cells, f'{rate:.0f}'])} |"


def _compare_layouts(sources: Sources, args: argparse.Namespace) -> int:
    """The table of `kit.pretrain.layouts`; as many tokens with task tokens as in context."""
    questions = _small_questions()
    print(f"| layout, {args.size}, {len(questions)} questions | seed | tokens | loss | right |")
    print("|---|---|---|---|---|", flush=True)
    for seed in args.seeds:
        config = PretrainConfig(contiguous_share=0.0, seed=seed)
        corpus = sources.corpus()
        shape, threads = SIZES[args.size], args.threads
        outcomes = layouts.in_context(shape, corpus, questions, config, args.steps, threads)
        recorded = [*sources.generated, *sources.original]
        total = outcomes[-1].tokens
        alone = layouts.task_tokens(shape, recorded, questions, config, total, threads)
        for one in (*outcomes, alone):
            share = f"{100 * one.right:.1f}%"
            print(f"| {one.name} | {seed} | {one.tokens / 1e6:.2f}M | {one.loss:.3f} | {share} |")
    return 0


def _compare_tuning(args: argparse.Namespace) -> int:
    """The table of `kit.pretrain.tuning`.

    Raises:
        OSError, ValueError: the model cannot be used, or no task is so small.
    """
    questions = tuning_questions(args.max_tokens)
    if not questions:
        raise ValueError(f"no development task has at most --max-tokens {args.max_tokens} tokens")
    torch.set_num_threads(args.threads)
    keep_freed_memory()
    model, encoding = open_model(args.model), open_encoding(args.model)
    tuning = Tuning(model, encoding, questions, args.steps)
    print(
        f"| {args.steps} steps on each of {len(questions)} tasks | seed | loss | right | s/task |"
    )
    print("|---|---|---|---|---|", flush=True)
    for recipe in recipes():
        # Without training there is nothing to draw.
        for seed in args.seeds if recipe.finetune else args.seeds[:1]:
            got = tuning.run(recipe, seed)
            cells = [recipe.name, str(seed), _mean(got.losses), str(got.right)]
            print(f"| {' | '.join(cells)} | {got.seconds / len(questions):.1f} |", flush=True)
    return 0


def _small_questions() -> list[View]:
    """Development tasks that one step of training on a task can show whole."""
    return tuning_questions(layouts.ADAPT_TOKENS)


def _mean(losses: Sequence[float]) -> str:
    return f"{sum(losses) / len(losses):.3f}"
