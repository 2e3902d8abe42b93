"""What every command of pre-training trains on, and the questions that nothing is trained on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from kit.arc.datasets import load_dataset
from kit.arc.task import Task
from kit.augment.views import View
from kit.pretrain.corpus import (
    Corpus,
    CorpusConfig,
    RecordedRule,
    rules_of_pairs,
    view_tokens,
)
from kit.pretrain.dev_tasks import DEV_TASKS
from kit.pretrain.procedural import held_out_views
from kit.pretrain.re_arc import load_re_arc
from kit.pretrain.rules.catalogue import held_out_rules, training_rules
from kit.pretrain.rules.rule import Rule

DEFAULT_MIXTURE = CorpusConfig()
MAX_HELD_OUT_TOKENS = 1500
NUM_HELD_OUT_RULES = 100
"""Questions of held-out rules: about two of each."""


@dataclass(frozen=True, slots=True)
class Sources:
    """All that there is to train on; random programs are always added.

    Attributes:
        generated: re-arc's rules; original: the ARC-AGI-1 training tasks; rules: procedural ones.
    """

    generated: list[RecordedRule]
    original: list[RecordedRule]
    rules: list[Rule]

    def corpus(self, mixture: CorpusConfig = DEFAULT_MIXTURE) -> Corpus:
        """Everything."""
        return Corpus(self.generated, self.original, mixture, self.rules, programs=True)

    def counts(self) -> tuple[int, int, int]:
        """How many rules of each kind, in the order of the attributes."""
        return len(self.generated), len(self.original), len(self.rules)

    def digest(self) -> str:
        """Of every rule and pair that can be drawn, whatever their order of reading."""
        recorded = [[rule.rule_id, *map(list, rule.pairs)] for rule in self._recorded()]
        names = [rule.name for rule in self.rules]
        text = json.dumps([sorted(recorded), sorted(names)])
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def _recorded(self) -> list[RecordedRule]:
        return [*self.generated, *self.original]

    def text(self) -> str:
        """For a person."""
        generated, original, rules = self.counts()
        return (
            f"{generated} re-arc rules, {original} ARC-AGI-1 training tasks, "
            f"{rules} procedural rules, random programs"
        )


def read_sources(re_arc: Path | None) -> Sources:
    """The sources, re-arc among them where its folder is given.

    Raises:
        CorpusError: the folder holds no readable re-arc files.
    """
    tasks = load_dataset("arc1-train").tasks
    original = rules_of_pairs({i: task.train for i, task in tasks.items()})
    return Sources(load_re_arc(re_arc) if re_arc else [], original, list(training_rules()))


def dev_questions() -> list[View]:
    """The last demonstration of every development task, asked behind the others."""
    tasks = load_dataset("arc1-train").tasks
    return [_last_asked(tasks[i]) for i in DEV_TASKS]


def held_out_questions(seed: int) -> dict[str, list[View]]:
    """Questions about what nothing is trained on: development tasks, and whole generators."""
    questions = dev_questions()
    return {
        "development tasks": [q for q in questions if view_tokens(q) <= MAX_HELD_OUT_TOKENS],
        "held-out rules": held_out_views(held_out_rules(), NUM_HELD_OUT_RULES, seed),
    }


def _last_asked(task: Task) -> View:
    *examples, last = task.train
    return View(task.task_id, None, tuple(examples), last.input, last.output)
