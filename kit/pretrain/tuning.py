"""How to train on one task: adapters or all weights, at which rate, under which views.

Every recipe trains the same model on the demonstrations of development tasks but the last one,
whose output is then asked for. The loss on that output tells recipes apart where hardly any answer
is right yet.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kit.arc.grid import Grid
from kit.arc.seeds import derive_seed
from kit.arc.task import Task
from kit.augment.settings import AugmentConfig
from kit.augment.training import training_views
from kit.augment.views import View
from kit.budget.clock import Deadline, SystemClock
from kit.encode.encoding import DecodeError, Encoded, Encoding
from kit.engine.model import Model
from kit.finetune.torch_trainer import TorchTrainer
from kit.finetune.trainer import Adapter, FinetuneConfig
from kit.generate.sampler import SampleRequest, ScoreRequest
from kit.generate.torch_sampler import TorchSampler
from kit.pretrain.corpus import view_tokens
from kit.pretrain.sources import dev_questions

_PLAIN = AugmentConfig(dihedral=False, colours="keep_zero")
LORA_RATES, FULL_RATES = (1.25e-3, 2.5e-3, 5e-3, 1e-2), (2.5e-4, 5e-4, 1e-3, 2e-3)
_NEVER = Deadline(math.inf, SystemClock())


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to train; None for not at all."""

    name: str
    finetune: FinetuneConfig | None
    augment: AugmentConfig = _PLAIN


def recipes() -> list[Recipe]:
    """Rates around the best known one of LoRA and of all weights, and symmetries."""
    lora = FinetuneConfig(batch_views=2)
    full = replace(lora, method="full")
    turned = replace(_PLAIN, dihedral=True)
    return [
        Recipe("not trained", None),
        *(Recipe(f"LoRA, rate {lr:g}", replace(lora, lr=lr)) for lr in LORA_RATES),
        *(Recipe(f"all weights, rate {lr:g}", replace(full, lr=lr)) for lr in FULL_RATES),
        Recipe("LoRA, rate 0.005, all symmetries", replace(lora, lr=5e-3), turned),
    ]


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a recipe made of all questions.

    Attributes:
        losses: of each question's answer, in nats per token, legal tokens only.
        right: questions whose greedy answer is right.
        seconds: of training, all questions together.
    """

    losses: tuple[float, ...]
    right: int
    seconds: float


def tuning_questions(max_tokens: int) -> list[View]:
    """Development tasks with two demonstrations or more beside the last, at most so long."""
    questions = [q for q in dev_questions() if len(q.examples) > 1]
    return [q for q in questions if view_tokens(q) <= max_tokens]


class Tuning:
    """One model, asked the same questions after every recipe.

    Args:
        steps: of training on each question.
    """

    def __init__(
        self, model: Model, encoding: Encoding, questions: Sequence[View], steps: int
    ) -> None:
        self._model, self._encoding = model, encoding
        self._questions, self._steps = questions, steps
        self._sampler = TorchSampler(model, encoding)

    def run(self, recipe: Recipe, seed: int) -> Tuned:
        """Train on every question by itself, then ask it in its own frame."""
        fit = self._trained(recipe, seed)
        losses, right, seconds = [], 0, 0.0
        with tempfile.TemporaryDirectory() as scratch:
            for question in self._questions:
                began_s = time.monotonic()
                adapter = fit(question, Path(scratch) / question.task_id)
                seconds += time.monotonic() - began_s
                losses.append(self._loss(question, adapter))
                right += self._answer(question, adapter) == question.answer
        return Tuned(tuple(losses), right, seconds)

    def _trained(self, recipe: Recipe, seed: int) -> Callable[[View, Path], Adapter | None]:
        """What trains an adapter on a question's demonstrations and writes it to a folder."""
        config = recipe.finetune
        if config is None:
            return lambda question, out: None
        trainer = TorchTrainer(self._model, self._encoding, config)

        def fit(question: View, out: Path) -> Adapter:
            task = Task(question.task_id, question.examples, (question.query,))
            number = self._steps * config.batch_views
            views = training_views(task, number, derive_seed(seed, "tuning"), recipe.augment)
            adapter, _ = trainer.fit(task.task_id, views, self._steps, seed, out, _NEVER)
            return adapter

        return fit

    def _loss(self, question: View, adapter: Adapter | None) -> float:
        assert question.answer is not None
        answer = self._encoding.answer_tokens(question.answer)
        request = ScoreRequest((0,), self._prompt(question), (answer,), adapter)
        ((_, (nats,)),) = self._sampler.score([request], _NEVER)
        return -nats / len(answer)

    def _answer(self, question: View, adapter: Adapter | None) -> Grid | None:
        request = SampleRequest((0,), self._prompt(question), adapter)
        (completion,) = self._sampler.sample([request], _NEVER)
        try:
            return self._encoding.decode(completion.tokens)
        except DecodeError:
            return None

    def _prompt(self, question: View) -> Encoded:
        return self._encoding.encode(replace(question, answer=None))
