"""Pairs of re-arc's generators from files, as rules of a corpus.

What it does: reads a folder as michaelhodel/re-arc writes it (`tasks/ID.json`, each a list of
{"input": grid, "output": grid}) or compact files (`re_arc*.jsonl`, `re_arc*.jsonl.xz`: one line per
task with id and pairs), and leaves out tasks that must not be trained on. What it does not:
generate pairs.
"""

from __future__ import annotations

import argparse
import itertools
import json
import lzma
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from kit.arc.grid import MAX_SIDE, describe
from kit.arc.json_file import TaskFileError, as_grid, as_object, read_json
from kit.arc.task import Pair
from kit.pretrain.corpus import CorpusError, RecordedRule, make_rule, rule_of_pairs
from kit.pretrain.dev_tasks import may_train_on

_TASK_ID = re.compile(r"[0-9a-f]{8}")
_GRID = re.compile(rf"[0-9]{{1,{MAX_SIDE}}}(\|[0-9]{{1,{MAX_SIDE}}})*", re.ASCII)


def add_re_arc_option(parser: argparse.ArgumentParser) -> None:
    """`--re-arc FOLDER`, what `load_re_arc` reads."""
    parser.add_argument(
        "--re-arc", type=Path, help="folder of re-arc: tasks/*.json or re_arc*.jsonl[.xz]"
    )


def load_re_arc(folder: Path) -> list[RecordedRule]:
    """Rules of a folder of either form.

    Raises:
        CorpusError: no such files, files of both forms, or one that is not of its form.
    """
    compact = sorted([*folder.glob("re_arc*.jsonl"), *folder.glob("re_arc*.jsonl.xz")])
    plain = sorted((folder / "tasks").glob("*.json"))
    if compact and plain:
        raise CorpusError(
            f"{folder}: holds both {compact[0].name} and tasks/{plain[0].name}; keep one form, "
            "or their rules would be drawn twice as often"
        )
    if not compact and not plain:
        raise CorpusError(
            f"{folder}: no re_arc*.jsonl or re_arc*.jsonl.xz in this folder, and no tasks/*.json"
        )
    return [*_compact_rules(compact), *_plain_rules(plain)]


def _compact_rules(files: Sequence[Path]) -> Iterator[RecordedRule]:
    """Rules of files with one line per task."""
    for path in files:
        for number, line in enumerate(_lines(path), start=1):
            try:
                record = json.loads(line)
                rule_id, pairs = record["id"], [(a, b) for a, b in record["pairs"]]
                _check_compact(rule_id, pairs)
            except (KeyError, TypeError, ValueError) as error:
                raise CorpusError(f"{path}, line {number}: {error}") from error
            if may_train_on(rule_id):
                yield make_rule(f"re-arc {rule_id}", pairs)


def _lines(path: Path) -> Iterator[str]:
    opener = lzma.open if path.suffix == ".xz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as lines:
            yield from lines
    except (lzma.LZMAError, EOFError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: damaged, or not of its kind ({error})") from error


def _check_compact(rule_id: object, pairs: Sequence[tuple[object, object]]) -> None:
    """Raises ValueError for what would only fail when it is drawn, hours later."""
    # Under another name, a task that must not be trained on would not be known again.
    if not (isinstance(rule_id, str) and _TASK_ID.fullmatch(rule_id)):
        raise ValueError(f"id must be eight digits 0 to 9 and a to f, got {rule_id!r}")
    for text in itertools.chain.from_iterable(pairs):
        if not (isinstance(text, str) and _GRID.fullmatch(text) and _is_even(text)):
            raise ValueError(
                f"a grid is up to {MAX_SIDE} rows of up to {MAX_SIDE} digits, all equally long, "
                f"between '|', got {text!r:.60}"
            )


def _is_even(text: str) -> bool:
    rows = text.split("|")
    return len(rows) <= MAX_SIDE and len(set(map(len, rows))) == 1


def _plain_rules(files: Sequence[Path]) -> Iterator[RecordedRule]:
    """Rules of files with one task each, named by its id."""
    for path in files:
        # Under another name, a task that must not be trained on would not be known again.
        if not _TASK_ID.fullmatch(path.stem):
            raise CorpusError(
                f"{path}: must be named by a task id of eight digits 0 to 9 and a to f, "
                f"got {path.stem!r}"
            )
        if may_train_on(path.stem):
            try:
                yield rule_of_pairs(f"re-arc {path.stem}", _pairs(path))
            except TaskFileError as error:
                raise CorpusError(str(error)) from error


def _pairs(path: Path) -> list[Pair]:
    """All pairs of one task.

    Raises:
        TaskFileError: not JSON, not of this form, or a grid that is none; says where.
    """
    value = read_json(path)
    if not isinstance(value, list):
        raise TaskFileError(f"{path}: must hold a list of pairs, got {describe(value)}")
    return [_pair(item, f"{path}, pair {number}") for number, item in enumerate(value, start=1)]


def _pair(value: object, where: str) -> Pair:
    members = as_object(value, where, "a pair")
    for name in ("input", "output"):
        if name not in members:
            raise TaskFileError(f"{where}: has no {name!r}")
    return Pair(*(as_grid(members[n], f"{where}, {n}") for n in ("input", "output")))
