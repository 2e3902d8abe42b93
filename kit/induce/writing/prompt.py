"""What a language model is told so that it writes programs: the formats as data, and how a task
and a program that failed become conversations.

`words` has the layout of BARC's induction prompt (a system message about puzzles and Python; the
demonstrations in colour words, the test input, the order for `transform`; the answer is fenced
Python), `digits` writes cells as numbers. Layouts are theirs, the words are ours; a checkpoint
that was trained with others is served by a file of texts. Nothing here knows tokens.

Source: Li et al. 2024 (arXiv 2411.02272), appendix on prompts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from kit.arc.grid import Grid, shape
from kit.arc.names import did_you_mean
from kit.arc.task import Pair, Task
from kit.encode.formats import WORDS
from kit.encode.prompt import DIGITS, fill
from kit.induce.writing.writer import PromptTooLongError, Turn

Fits = Callable[[Sequence[Turn]], bool]
"""Whether a conversation fits the context of the one who is asked."""


@dataclass(frozen=True, slots=True)
class ProgramFormat:
    """The literal strings of one format.

    Attributes:
        cells: text of each colour.
        cell_sep, row_sep: between cells and rows.
        system: the system message.
        head: begins the user's message.
        demo: one demonstration, with `{index}` from 1, `{input}` and `{output}`.
        query: a test input, with `{input}`.
        ask: ends the user's message.
        repair: the user's message behind a program that failed, with `{report}`.
        wrong: report on a demonstration, with `{index}`, `{input}`, `{output}` and `{got}`.
        failed: report on an error, with `{index}` and `{message}`.
        opening: what the answer begins with, where the one who is asked can be told so. Weak
            models do better behind "...def transform(grid):", without the line break: vocabularies
            have it in one token with the indentation.
    """

    name: str
    cells: tuple[str, ...]
    system: str
    head: str
    ask: str
    cell_sep: str = " "
    row_sep: str = "\n"
    demo: str = "Example {index}\nInput:\n{input}\n\nOutput:\n{output}\n\n"
    query: str = "Test input:\n{input}\n\n"
    repair: str = (
        "{report}\nFind the mistake and write the whole corrected function `transform` as one "
        "fenced block of Python."
    )
    wrong: str = (
        "That program is wrong on example {index}. Its input is\n{input}\n\nand its output must "
        "be\n{output}\n\nbut `transform` returned\n{got}\n"
    )
    failed: str = "That program fails on example {index}: {message}\n"
    opening: str = "```python\n"

    def grid_text(self, grid: Grid) -> str:
        """A grid inside a message."""
        return self.row_sep.join(self.cell_sep.join(self.cells[c] for c in row) for row in grid)


_TEXTS = tuple(f.name for f in fields(ProgramFormat) if f.name not in ("name", "cells"))

_SYSTEM = "You are good at finding the rule behind a grid puzzle and an expert Python programmer."

_ASK = (
    "Write a Python function `transform(grid)` that works for every input of this puzzle, the test "
    "input too. It gets a 2-D numpy array of integers and returns one of the same kind{legend}. "
    "Say the rule in a comment first. Use numpy and the standard library only. Answer with one "
    "fenced block of Python."
)

_LEGEND = ": " + ", ".join(f"{index} is {word}" for index, word in enumerate(WORDS))

_HEAD = (
    "One hidden rule turns every input grid below into its output grid. {notation}, and each row "
    "is on a line of its own.\n\n"
)

FORMATS = {
    "words": ProgramFormat(
        name="words",
        cells=WORDS,
        system=_SYSTEM,
        head=fill(_HEAD, {"notation": "Cells are named by colour"}),
        ask=fill(_ASK, {"legend": _LEGEND}),
    ),
    "digits": ProgramFormat(
        name="digits",
        cells=DIGITS,
        system=_SYSTEM,
        head=fill(_HEAD, {"notation": "Cells are colours 0 to 9, 0 is mostly background"}),
        ask=fill(_ASK, {"legend": " (0 to 9)"}),
    ),
}


def program_format(name: str, texts_path: Path | None = None) -> ProgramFormat:
    """A format by name, with strings of a JSON file in place of its own.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: unknown format, or the file is no JSON object of texts by field.
    """
    if name not in FORMATS:
        raise ValueError(
            f"unknown program format {name!r}{did_you_mean(name, FORMATS)}, "
            f"known: {', '.join(FORMATS)}"
        )
    return FORMATS[name] if texts_path is None else replace(FORMATS[name], **_texts(texts_path))


def _texts(path: Path) -> dict[str, str]:
    """Texts by field from a file."""
    try:
        texts = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: not readable as JSON ({error})") from error
    if not isinstance(texts, Mapping):
        raise ValueError(f"{path}: must hold a JSON object of texts")
    for name, text in texts.items():
        if name not in _TEXTS:
            hint = did_you_mean(name, _TEXTS)
            raise ValueError(f"{path}: no text {name!r}{hint}, known: {', '.join(_TEXTS)}")
        if not isinstance(text, str):
            raise ValueError(f"{path}: text {name} must be a string, got {text!r:.40}")
    return dict(texts)


def first_turns(form: ProgramFormat, task: Task, fits: Fits) -> tuple[Turn, ...]:
    """The conversation that asks for a program; the largest demonstrations are left out where not
    all fit, and test inputs behind the first.

    Raises:
        PromptTooLongError: the smallest demonstration with one test input does not fit.
    """
    examples = list(task.train)
    tests = task.test
    while not fits(turns := _turns(form, examples, tests)):
        if len(tests) > 1:
            tests = tests[:1]
        elif len(examples) > 1:
            examples.remove(max(examples, key=_cells))
        else:
            raise PromptTooLongError(
                f"task {task.task_id}: one demonstration and a test input do not fit the context"
            )
    return turns


def repair_turns(
    form: ProgramFormat, first: tuple[Turn, ...], source: str, report: str
) -> tuple[Turn, ...]:
    """The conversation that shows a program to its author, and what is wrong with it."""
    answer = Turn("assistant", f"```python\n{source}\n```")
    return (*first, answer, Turn("user", fill(form.repair, {"report": report})))


def wrong_report(form: ProgramFormat, index: int, pair: Pair, got: Grid) -> str:
    """What to say of a program that returns another grid for demonstration `index` (from 0)."""
    slots = {"index": str(index + 1), **_slots(form, pair), "got": form.grid_text(got)}
    return fill(form.wrong, slots)


def failed_report(form: ProgramFormat, index: int, message: str) -> str:
    """What to say of a program that returns no grid for demonstration `index` (from 0)."""
    return fill(form.failed, {"index": str(index + 1), "message": message})


def _turns(
    form: ProgramFormat, examples: Sequence[Pair], tests: Sequence[Grid]
) -> tuple[Turn, ...]:
    demos = [
        fill(form.demo, {"index": str(index + 1), **_slots(form, pair)})
        for index, pair in enumerate(examples)
    ]
    queries = [fill(form.query, {"input": form.grid_text(grid)}) for grid in tests]
    user = Turn("user", "".join([form.head, *demos, *queries, form.ask]))
    return (Turn("system", form.system), user) if form.system else (user,)


def _slots(form: ProgramFormat, pair: Pair) -> dict[str, str]:
    return {"input": form.grid_text(pair.input), "output": form.grid_text(pair.output)}


def _cells(pair: Pair) -> int:
    (height, width), (tall, wide) = shape(pair.input), shape(pair.output)
    return height * width + tall * wide
