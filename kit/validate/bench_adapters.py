"""Several tasks' adapters in one call of the kit's sampler, beside one adapter after another."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kit.augment.training import training_views
from kit.budget.clock import Deadline, SystemClock
from kit.encode.encoding import Encoding
from kit.finetune.torch_trainer import TorchTrainer
from kit.finetune.trainer import Adapter
from kit.generate.torch_sampler import TorchSampler
from kit.validate.bench_report import Report, Spread, Table, ratio_text
from kit.validate.bench_sampling import sampler_system, take_turns
from kit.validate.bench_setting import Setting, make_requests, question_views
from kit.validate.bench_tasks import Question

ONE_CALL, ONE_BY_ONE = "all adapters in one call", "one adapter after another"
ADAPTER_STEPS, ADAPTER_VIEWS = 2, 8


def adapter_report(
    setting: Setting, questions: Sequence[Question], num_views: int, repeat: int
) -> Report:
    """Several tasks' adapters in one call, beside one after another."""
    with tempfile.TemporaryDirectory() as folder:
        groups = [
            make_requests(
                question_views(question, num_views, setting),
                setting.own,
                fit_briefly(setting, question, Path(folder) / str(group)),
                group,
            )
            for group, question in enumerate(questions)
        ]

        def kit(encoding: Encoding) -> TorchSampler:
            return TorchSampler(setting.model, encoding)

        together = [request for group in groups for request in group]
        one_call = sampler_system(ONE_CALL, kit, setting.own, together)
        one_by_one = replace(one_call, name=ONE_BY_ONE, groups=groups)
        measured = take_turns([one_call, one_by_one], repeat)
    first, second = measured[ONE_CALL], measured[ONE_BY_ONE]
    equal = sum(
        a.tokens.tolist() == b.tokens.tolist()
        for a, b in zip(first.completions, second.completions, strict=True)
    )
    table = Table(
        f"{len(groups)} adapters, {num_views} views each, own positions, no guesses",
        ("kit", "tokens", "seconds", "tokens/s"),
        [
            [name, str(m.num_tokens), Spread(tuple(m.seconds)).text(2), m.rate().text()]
            for name, m in measured.items()
        ],
    )
    ratio = ratio_text(first.rate(), second.rate())
    note = f"one call over one by one: {ratio}; answers equal: {equal} of {len(first.completions)}"
    data = {"adapters": {name: held.to_json() for name, held in measured.items()}}
    return Report((table,), data, (note,))


def fit_briefly(setting: Setting, question: Question, folder: Path) -> Adapter:
    """A briefly trained adapter: what it knows does not matter here."""
    settings = setting.settings
    task = question.task
    views = training_views(task, ADAPTER_VIEWS, settings.seed, settings.toolbox.augment)
    trainer = TorchTrainer(setting.model, setting.own, settings.toolbox.finetune)
    never = Deadline(math.inf, SystemClock())
    adapter, _ = trainer.fit(task.task_id, views, ADAPTER_STEPS, settings.seed, folder, never)
    return adapter
