"""vLLM beside the kit's sampler and transformers' `generate()`: several adapters, the same prompts.

Positions are contiguous everywhere, answers are cut at the same length. vLLM meets every adapter as
a new one in every repetition, as it does in a run: nothing lies in its prefix cache, and loading
the adapter is part of its time. On a CPU, whose cores others may share, seconds are those of the
processor.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from kit.augment.views import View
from kit.budget.clock import Deadline, SystemClock
from kit.generate.generate_sampler import GenerateSampler
from kit.generate.sampler import Sampler, ScoreRequest
from kit.generate.torch_sampler import TorchSampler
from kit.generate.vllm_card import find_card
from kit.generate.vllm_engine import VllmEngine
from kit.generate.vllm_plan import EnginePlan, plan_engine
from kit.generate.vllm_sampler import VllmSampler
from kit.validate.bench_adapters import fit_briefly
from kit.validate.bench_report import Report, Spread, Table, ratio_text
from kit.validate.bench_sampling import (
    GENERATE,
    KIT,
    Answered,
    Measured,
    Requests,
    System,
    take_turns,
)
from kit.validate.bench_setting import Setting, make_requests
from kit.validate.bench_tasks import Question

WAYS = ("choose", "reject", "ngram")
"""Legal tokens chosen inside vLLM; illegal ones refused; the same beside n-gram speculation."""

GUESSED_TOKENS = 4
SCORED_ANSWERS = 4

OpenSampler = Callable[[], Sampler]
Watch = Callable[[], float]


def vllm_report(
    setting: Setting,
    questions: Sequence[Question],
    views: Sequence[Sequence[View]],
    args: argparse.Namespace,
) -> Report:
    """Sampling and scoring under one adapter per question.

    Args:
        args: of `python -m kit bench sample`: vllm, answer, repeat, seconds.
    """
    plan = _plan(setting, args.vllm)
    name = f"vLLM, {args.vllm}"
    with tempfile.TemporaryDirectory() as folder:
        requests = [
            replace(request, max_tokens=args.answer)
            for group, question in enumerate(questions)
            for request in make_requests(
                views[group],
                setting.contiguous,
                fit_briefly(setting, question, Path(folder) / str(group)),
                group,
            )
        ]
        with _openers(setting, plan, name) as openers:
            watch = time.process_time if plan.card.is_cpu else time.perf_counter
            systems = [_system(*pair, requests, args.seconds, watch) for pair in openers.items()]
            measured = take_turns(systems, args.repeat)
            scored = _score_in_turn(openers, requests, measured[KIT], args.repeat, watch)
    size = f"{len(questions)} adapters x {len(requests) // len(questions)} prompts"
    return _report(name, f"{size} of {questions[0].num_tokens} tokens", measured, scored, plan)


def _plan(setting: Setting, way: str) -> EnginePlan:
    solve = setting.settings.toolbox.solve
    return plan_engine(
        solve.model,
        find_card(),
        max_tokens=setting.contiguous.max_tokens,
        rank=setting.settings.toolbox.finetune.rank,
        dtype=str(setting.model.dtype).removeprefix("torch."),
        legality="choose" if way == "choose" else "reject",
        guessed_tokens=GUESSED_TOKENS if way == "ngram" else 0,
    )


@contextmanager
def _openers(setting: Setting, plan: EnginePlan, name: str) -> Iterator[dict[str, OpenSampler]]:
    """How each sampler is opened anew; models stay loaded."""
    solve, encoding = setting.settings.toolbox.solve, setting.contiguous
    engine = VllmEngine(plan)
    plain = GenerateSampler(solve.model, solve.dtype, encoding)
    yield {
        KIT: lambda: TorchSampler(setting.model, encoding),
        name: lambda: VllmSampler(_Open(engine), plan, encoding),
        GENERATE: lambda: plain,
    }
    engine.close()
    plain.close()


class _Open:
    """An engine that outlives its samplers."""

    def __init__(self, engine: VllmEngine) -> None:
        self.submit, self.step, self.abort = engine.submit, engine.step, engine.abort

    def close(self) -> None:
        """Nothing: others use it too."""


def _system(
    name: str, open_sampler: OpenSampler, requests: Requests, most_s: float, watch: Watch
) -> System:
    def answer(group: Requests) -> Answered:
        sampler = open_sampler()
        began_s = watch()
        deadline = Deadline(SystemClock().now_s() + most_s, SystemClock())
        done = tuple(sampler.sample(group, deadline))
        took_s = watch() - began_s
        if name != GENERATE:
            sampler.close()
        return Answered(done, took_s)

    def brief(group: Requests) -> Answered:
        return answer([replace(request, max_tokens=1) for request in group])

    return System(name, answer, brief, [requests])


def _score_in_turn(
    openers: dict[str, OpenSampler],
    requests: Requests,
    answered: Measured,
    repeat: int,
    watch: Watch,
) -> dict[str, list[tuple[float, dict]]]:
    """(seconds, scores) of each repetition: the same answers behind every prompt."""
    # Cut answers too: the beginning of an answer has a log-probability like a whole one.
    answers = tuple(c.tokens for c in answered.completions[:SCORED_ANSWERS])
    asked = [ScoreRequest(r.key, r.prompt, answers, r.adapter) for r in requests]
    taken: dict[str, list[tuple[float, dict]]] = {name: [] for name in openers}
    never = Deadline(float("inf"), SystemClock())
    for _ in range(repeat):
        for name, open_sampler in openers.items():
            sampler = open_sampler()
            began_s = watch()
            scores = dict(sampler.score(asked, never))
            taken[name].append((watch() - began_s, scores))
            if name != GENERATE:
                sampler.close()
    return taken


def _report(
    name: str,
    size: str,
    measured: dict[str, Measured],
    scored: dict[str, list[tuple[float, dict]]],
    plan: EnginePlan,
) -> Report:
    rows = [
        [
            who,
            str(held.num_tokens),
            Spread(tuple(held.seconds)).text(2),
            held.rate().text(),
            held.decode_rate().text(),
            Spread(tuple(seconds for seconds, _ in scored[who])).text(2),
            _equal(held, measured[KIT]),
            _gap(scored[who], scored[KIT]),
        ]
        for who, held in measured.items()
    ]
    heads = (
        "sampler",
        "tokens",
        "seconds",
        "tokens/s",
        "without prompts",
        "scoring, s",
        f"answers as {KIT}",
        "largest gap of scores",
    )
    ratios = [
        [
            f"{name} over {other}",
            ratio_text(measured[name].rate(), measured[other].rate()),
            ratio_text(measured[name].decode_rate(), measured[other].decode_rate()),
            ratio_text(_speed(scored[name]), _speed(scored[other])),
        ]
        for other in (KIT, GENERATE)
    ]
    tables = (
        Table(f"greedy sampling in {plan.dtype}: {size}", heads, rows),
        Table("speed-up", ("", "with prompts", "without prompts", "scoring"), ratios),
    )
    data = {
        "vllm": {who: held.to_json() for who, held in measured.items()},
        "scoring_s": {who: [seconds for seconds, _ in held] for who, held in scored.items()},
    }
    clock = "processor seconds of one process" if plan.card.is_cpu else "seconds"
    note = f"median (min-max) over repetitions taken in turn; every prompt read anew; {clock}"
    return Report(tables, data, (note,))


def _speed(scored: Sequence[tuple[float, dict]]) -> Spread:
    return Spread(tuple(1 / seconds for seconds, _ in scored))


def _equal(ours: Measured, theirs: Measured) -> str:
    """Answers with the same tokens, as far as both go."""
    equal = 0
    for a, b in zip(ours.completions, theirs.completions, strict=True):
        length = min(len(a.tokens), len(b.tokens))
        equal += a.tokens[:length].tolist() == b.tokens[:length].tolist()
    return f"{equal} of {len(ours.completions)}"


def _gap(ours: Sequence[tuple[float, dict]], theirs: Sequence[tuple[float, dict]]) -> str:
    """Largest difference between scores of the last repetition, in nats."""
    a, b = ours[-1][1], theirs[-1][1]
    gaps = [np.abs(np.subtract(a[key], b[key])).max() for key in a if key in b]
    return f"{max(gaps):.1e}" if gaps else "-"
