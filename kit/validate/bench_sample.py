"""`python -m kit bench sample`: answer tokens per second, the kit's sampler beside `generate()`.

The same views, model, dtype, threads and legal tokens go through both, in turn, several times;
positions are contiguous on both sides, because `generate()` knows no others. Beside it: the kit's
sampler with a guess, with its own aligned positions, and with several adapters in one call.
`generate()` also runs without any choice among legal tokens, to show what that costs it.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from kit.augment.views import View
from kit.encode.encoding import Encoding
from kit.generate.generate_sampler import GenerateSampler
from kit.generate.sampler import SampleRequest
from kit.generate.torch_sampler import TorchSampler
from kit.validate.bench_adapters import adapter_report
from kit.validate.bench_parity import compare
from kit.validate.bench_report import BenchSettings, Machine, Report, Spread, Table, ratio_text
from kit.validate.bench_sampling import (
    GENERATE,
    KIT,
    PLAIN,
    Measured,
    System,
    plain_system,
    sampler_system,
    take_turns,
    with_guess,
)
from kit.validate.bench_setting import Setting, make_requests, open_setting, question_views
from kit.validate.bench_tasks import Question, development_tasks, nearest_questions
from kit.validate.bench_vllm import WAYS, vllm_report

KIT_GUESS = "kit, with a guess"
ALIGNED, ALIGNED_GUESS = "kit, own positions", "kit, own positions, with a guess"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the benchmark."""
    add = parser.add_argument
    add("--views", type=int, default=16, help="views of the test input (default: 16)")
    add("--context", type=int, default=1500, help="tokens of a prompt, about (default: 1500)")
    add("--repeat", type=int, default=3, help="rounds in which everyone has a turn (default: 3)")
    add("--seconds", type=float, default=15.0, help="most time of one call (default: 15)")
    add("--adapters", type=int, default=4, help="adapters in one call; 0 for none (default: 4)")
    add("--adapter-views", type=int, default=4, help="views of each adapter's task (default: 4)")
    add("--vllm", choices=WAYS, help="compare vLLM, and nothing else, under the adapters")
    add("--answer", type=int, default=40, help="with --vllm, tokens of an answer (default: 40)")


def run(args: argparse.Namespace, settings: BenchSettings, machine: Machine) -> Report:
    """Measure everyone in turn.

    Raises:
        ValueError: options that leave nothing to measure.
    """
    if min(args.views, args.repeat) < 1 or args.seconds <= 0:
        raise ValueError("--views and --repeat must be 1 or more, --seconds above 0")
    setting = open_setting(settings)
    tasks = development_tasks()
    if args.vllm:
        chosen = nearest_questions(tasks, setting.own, args.context, args.adapters)
        views = [question_views(question, args.adapter_views, setting) for question in chosen]
        return vllm_report(setting, chosen, views, args)
    (question,) = nearest_questions(tasks, setting.own, args.context, 1)
    views = question_views(question, args.views, setting)
    measured = take_turns(_systems(setting, views, args.seconds), args.repeat)
    parts = [_speed_part(question, measured, setting), _parity_part(measured, views, setting)]
    if args.adapters > 0:
        chosen = nearest_questions(tasks, setting.own, args.context, args.adapters)
        parts.append(adapter_report(setting, chosen, args.adapter_views, args.repeat))
    return _joined(parts)


def _joined(parts: Sequence[Report]) -> Report:
    data = {name: value for part in parts for name, value in part.data.items()}
    return Report(
        tables=tuple(table for part in parts for table in part.tables),
        data=data,
        notes=tuple(note for part in parts for note in part.notes),
    )


def _systems(setting: Setting, views: Sequence[View], seconds: float) -> list[System]:
    """Everyone, in the order in which they take turns."""
    solve = setting.settings.toolbox.solve
    requests = make_requests(views, setting.contiguous)
    own_requests = make_requests(views, setting.own)

    def generate(encoding: Encoding) -> GenerateSampler:
        return GenerateSampler(solve.model, solve.dtype, encoding)

    def kit(encoding: Encoding) -> TorchSampler:
        return TorchSampler(setting.model, encoding)

    def kit_system(name: str, encoding: Encoding, asked: Sequence[SampleRequest]) -> System:
        return sampler_system(name, kit, encoding, asked, seconds)

    first = kit_system(KIT, setting.contiguous, requests)
    own_first = kit_system(ALIGNED, setting.own, own_requests)
    done, own_done = first.answer().completions, own_first.answer().completions
    guessed = with_guess(requests, views, done, setting.own)
    own_guessed = with_guess(own_requests, views, own_done, setting.own)
    return [
        first,
        sampler_system(GENERATE, generate, setting.contiguous, requests, seconds),
        plain_system(solve.model, solve.dtype, requests, done, seconds),
        kit_system(KIT_GUESS, setting.contiguous, guessed),
        own_first,
        kit_system(ALIGNED_GUESS, setting.own, own_guessed),
    ]


def _speed_part(question: Question, measured: Mapping[str, Measured], setting: Setting) -> Report:
    dtype = str(setting.model.dtype).removeprefix("torch.")
    first = next(iter(measured.values()))
    over = [(name, GENERATE) for name in (KIT, KIT_GUESS, ALIGNED, ALIGNED_GUESS)]
    ratios = [
        [f"{a} over {b}", *(ratio_text(*pair) for pair in _pairs(measured[a], measured[b]))]
        for a, b in [*over, (KIT, PLAIN)]
    ]
    size = f"{len(first.completions)} views of {question.num_tokens} tokens"
    tables = (
        Table(
            f"greedy sampling in {dtype}: task {question.task.task_id}, test input "
            f"{question.test_index}, {size}",
            (
                "sampler",
                "answers",
                "tokens",
                "seconds",
                "of them prompts",
                "tokens/s",
                "without prompts",
            ),
            [_row(name, held) for name, held in measured.items()],
        ),
        Table("speed-up", ("", "with prompts", "without prompts"), ratios),
    )
    data = {
        "task": question.task.task_id,
        "prompt_tokens": question.num_tokens,
        "dtype": dtype,
        "samplers": {name: held.to_json() for name, held in measured.items()},
    }
    note = "median (min-max) over repetitions taken in turn; ratios: of medians (range of pairs)"
    return Report(tables, data, (note,))


def _pairs(ours: Measured, theirs: Measured) -> list[tuple[Spread, Spread]]:
    return [(ours.rate(), theirs.rate()), (ours.decode_rate(), theirs.decode_rate())]


def _row(name: str, held: Measured) -> list[str]:
    finished = sum(c.finished for c in held.completions)
    return [
        name,
        f"{finished} of {len(held.completions)}",
        str(held.num_tokens),
        Spread(tuple(held.seconds)).text(2),
        Spread(tuple(held.prompt_s)).text(2),
        held.rate().text(),
        held.decode_rate().text(),
    ]


def _parity_part(
    measured: Mapping[str, Measured], views: Sequence[View], setting: Setting
) -> Report:
    """Whether both wrote the same tokens, with guesses too."""
    solve = setting.settings.toolbox.solve
    requests = make_requests(views, setting.contiguous)
    rows = []
    data = {}
    for name in (KIT, KIT_GUESS):
        parity = compare(
            solve.model,
            solve.dtype,
            setting.contiguous.grammar,
            requests,
            measured[name].completions,
            measured[GENERATE].completions,
        )
        gaps = ", ".join(f"{gap:.1e}" for gap in parity.gaps) or "-"
        rows.append([name, f"{parity.equal} of {len(requests)}", gaps])
        data[name] = {"equal": parity.equal, "gaps": list(parity.gaps)}
    table = Table(
        f"greedy tokens equal to those of {GENERATE} (cut answers: as far as they go)",
        ("sampler", "views equal", "top-two logit gaps where not"),
        rows,
    )
    return Report((table,), {"parity": data})
