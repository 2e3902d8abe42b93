"""Few-shot tasks on text: pairs that show what to do, and inputs to do it to.

One task is one line of a JSONL file: {"id": ..., "instruction": ..., "train": [{"input": ...,
"output": ...}, ...], "test": [{"input": ..., "output": ...}, ...]}; "instruction" may be missing.
Outputs of test items are skipped here: `kit.validate.few_shot` reads them, and nothing else does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GAP = "\n\n"
"""Empty line: what ends a pair in a prompt, where no output holds one."""


class TextTaskError(ValueError):
    """A file that holds no text tasks; the message says which line and why."""


@dataclass(frozen=True, slots=True)
class TextPair:
    """One demonstration."""

    input: str
    output: str


@dataclass(frozen=True, slots=True)
class TextTask:
    """Demonstrations and the inputs that are asked about.

    Attributes:
        instruction: a sentence for the model, "" for none.
    """

    task_id: str
    instruction: str
    train: tuple[TextPair, ...]
    test: tuple[str, ...]

    @property
    def gapped(self) -> bool:
        """Whether outputs hold empty lines, as far as the demonstrations show."""
        return any(GAP in pair.output for pair in self.train)


@dataclass(frozen=True, slots=True)
class TextView:
    """Pairs shown and an input asked about.

    Attributes:
        answer: when it is known (training).
        reasons: whether reasoning is asked for before the output.
        gapped: whether an empty line may be part of an answer.
    """

    instruction: str
    examples: tuple[TextPair, ...]
    query: str
    answer: str | None = None
    reasons: bool = False
    gapped: bool = False


def read_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, JSON object) of every line that is not empty.

    Raises:
        FileNotFoundError: no such file.
        TextTaskError: a line that is no JSON object.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    # Only "\n" ends a line of JSON: other separators, such as U+2028, may stand inside its texts.
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise TextTaskError(f"{place}: not valid JSON ({error})") from error
        if not isinstance(value, dict):
            raise TextTaskError(f"{place}: must hold an object, got {type(value).__name__}")
        yield place, value


def read_tasks(path: Path) -> list[TextTask]:
    """All tasks of a file, without the outputs of test items.

    Raises:
        FileNotFoundError, TextTaskError: see `read_lines`; also a missing or wrong field, fewer
            than two demonstrations, no test item, or an id twice.
    """
    tasks: dict[str, TextTask] = {}
    for place, value in read_lines(path):
        task = _task(place, value)
        if task.task_id in tasks:
            raise TextTaskError(f"{place}: id {task.task_id!r} is there twice")
        tasks[task.task_id] = task
    if not tasks:
        raise TextTaskError(f"{path}: holds no task")
    return list(tasks.values())


def _task(place: str, value: dict[str, Any]) -> TextTask:
    train = tuple(
        TextPair(text(place, item, "input"), text(place, item, "output"))
        for item in items(place, value, "train")
    )
    if len(train) < 2:
        raise TextTaskError(f"{place}: a task needs two demonstrations or more, got {len(train)}")
    test = tuple(text(place, item, "input") for item in items(place, value, "test"))
    if not test:
        raise TextTaskError(f"{place}: there is no test item")
    instruction = value.get("instruction", "")
    if not isinstance(instruction, str):
        raise TextTaskError(f"{place}: instruction must be text, got {instruction!r}")
    return TextTask(text(place, value, "id"), instruction, train, test)


def items(place: str, value: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """A field that is a list of objects.

    Raises:
        TextTaskError: it is missing or something else.
    """
    found = value.get(name)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise TextTaskError(f"{place}: {name} must be a list of objects, got {found!r}")
    return found


def text(place: str, value: dict[str, Any], name: str) -> str:
    """A field that is text.

    Raises:
        TextTaskError: it is missing or something else.
    """
    found = value.get(name)
    if not isinstance(found, str) or not found:
        raise TextTaskError(f"{place}: {name} must be text, got {found!r}")
    return found
