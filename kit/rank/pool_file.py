"""Pools of many runs, models or machines in one file: proposals, their evidence, what they cost.

What it does: writes and reads the file, merges files, makes one pool of what several runs propose.
What it does not: choose (`kit.rank.rules`).

The file is JSON lines in UTF-8, compressed where its name ends in .xz. The first line names the
format, every other one is an entry, what one run proposes for one task:

    {"format": "arc candidate pool", "version": 1}
    {"task_id": "3c9b0459", "run": "ttt", "seed": 0, "model": "kit/weights",
     "cost": {"stage_s": {"train": 9.1, "sample": 1.2}, "counts": {"steps": 60}},
     "failure": null, "pool": {"version": 1, "grids": [...], "candidates": [...], "scores": [...]}}

`pool` is described in `kit.rank.pool`: for every candidate its grid, test input, source, transform
(`group` and `colours`), view and log-probability; for every scored grid its log-probability under
each view. `run`, `seed` and `task_id` together name an entry; of equal names the last one counts. A
last line without line break that is no JSON is what a killed writer left, and is passed over.
"""

from __future__ import annotations

import itertools
import json
import lzma
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kit.arc.whole_file import replace_file
from kit.rank.pool import CandidatePool, PoolError

FORMAT, VERSION = "arc candidate pool", 1

HEADER = json.dumps({"format": FORMAT, "version": VERSION})

EntryName = tuple[str, str, int]
"""(task id, run, seed)."""


@dataclass(frozen=True, slots=True)
class PoolEntry:
    """What one run proposes for one task.

    Attributes:
        run: name of the run or of its method.
        model: that proposed it, as its user called it; "" for none.
        stage_s, counts: as in `WorkResult`: seconds per stage, and amounts of work.
        failure: one line saying what went wrong, None when nothing did.
    """

    task_id: str
    run: str
    seed: int
    pool: CandidatePool
    model: str = ""
    stage_s: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    failure: str | None = None

    @property
    def name(self) -> EntryName:
        """What entries are told apart by."""
        return self.task_id, self.run, self.seed

    @property
    def seconds(self) -> float:
        """Of all stages."""
        return sum(self.stage_s.values())


def entry_line(entry: PoolEntry) -> str:
    """The line of an entry, without line break."""
    record = {
        "task_id": entry.task_id,
        "run": entry.run,
        "seed": entry.seed,
        "model": entry.model,
        "cost": {"stage_s": dict(entry.stage_s), "counts": dict(entry.counts)},
        "failure": entry.failure,
        "pool": entry.pool.to_json(),
    }
    return json.dumps(record, separators=(",", ":"))


def write_pools(path: Path, entries: Iterable[PoolEntry]) -> None:
    """Write a file, whole or not at all.

    Raises:
        OSError: it cannot be written; an older file stays.
    """
    data = "\n".join([HEADER, *map(entry_line, entries), ""]).encode()
    if path.suffix == ".xz":
        data = lzma.compress(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, data)


def read_pools(path: Path) -> list[PoolEntry]:
    """The entries of a file, of equal names the last one, in the order of first appearance.

    Raises:
        OSError: it cannot be read.
        PoolError: another format, or a broken line; names file and line.
    """
    try:
        data = path.read_bytes()
        text = (lzma.decompress(data) if path.suffix == ".xz" else data).decode()
    except (lzma.LZMAError, UnicodeDecodeError) as error:
        raise PoolError(f"{path}: not a readable pool file ({error})") from error
    lines = text.split("\n")
    entries: dict[EntryName, PoolEntry] = {}
    for number, line in enumerate(lines, 1):
        where = f"{path}, line {number}"
        try:
            value = json.loads(line) if line.strip() else None
        except json.JSONDecodeError as error:
            if number == len(lines) and number > 1:
                break
            raise PoolError(f"{where}: not JSON: {error.msg}") from error
        if number == 1:
            _check_header(value, where)
        elif value is not None:
            entry = _read_entry(value, where)
            entries[entry.name] = entry
    return list(entries.values())


def _check_header(value: object, where: str) -> None:
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise PoolError(f'{where}: a pool file begins with {{"format": "{FORMAT}", ...}}')
    if value.get("version") != VERSION:
        raise PoolError(f"{where}: version must be {VERSION}, got {value.get('version')!r}")


def _read_entry(value: object, where: str) -> PoolEntry:
    if not isinstance(value, dict):
        raise PoolError(f"{where}: an entry is an object, got {type(value).__name__}")
    cost = value.get("cost", {})
    try:
        return PoolEntry(
            task_id=_typed(value, "task_id", str, where),
            run=_typed(value, "run", str, where),
            seed=_typed(value, "seed", int, where),
            pool=CandidatePool.from_json(value.get("pool")),
            model=_typed({"model": ""} | value, "model", str, where),
            stage_s={str(k): float(v) for k, v in cost.get("stage_s", {}).items()},
            counts={str(k): int(v) for k, v in cost.get("counts", {}).items()},
            failure=value.get("failure"),
        )
    except PoolError as error:
        text = str(error)
        raise PoolError(text if text.startswith(where) else f"{where}: {text}") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise PoolError(f"{where}: cost must hold numbers by name ({error})") from error


def _typed(value: Mapping[str, Any], name: str, kind: type, where: str) -> Any:
    """A field of exactly this type."""
    if type(value.get(name)) is not kind:
        raise PoolError(f"{where}: {name} must be {kind.__name__}, got {value.get(name)!r:.60}")
    return value[name]


def merge_entries(files: Iterable[Iterable[PoolEntry]]) -> list[PoolEntry]:
    """The entries of several files, sorted; no result depends on the order of files or entries.

    Entries that are equal count once. Where files hold different entries under one name, their runs
    are different runs: all of them are kept whole, and named "ttt", "ttt~2" in the order of their
    content, past names that a file has already.
    """
    parts: dict[str, list[_Lines]] = {}
    for entries in files:
        for run, lines in _runs_of(entries).items():
            parts.setdefault(run, []).append(lines)
    taken = set(parts)
    merged: list[PoolEntry] = []
    for run in sorted(parts):
        for number, lines in enumerate(_put_together(parts[run]), 1):
            name = run if number == 1 else _free_name(run, taken)
            merged += [replace(entry, run=name) for entry in lines.values()]
    return sorted(merged, key=lambda entry: entry.name)


_Lines = dict[str, PoolEntry]
"""Entries of one run by their lines."""


def _runs_of(entries: Iterable[PoolEntry]) -> dict[str, _Lines]:
    runs: dict[str, _Lines] = {}
    for entry in entries:
        runs.setdefault(entry.run, {})[entry_line(entry)] = entry
    return runs


def _put_together(parts: Sequence[_Lines]) -> list[_Lines]:
    """Parts of equal runs joined: a part joins the first run that it does not contradict."""
    runs: list[_Lines] = []
    for part in sorted(parts, key=lambda lines: sorted(lines)):
        for run in runs:
            names = {entry.name for line, entry in run.items() if line not in part}
            if names.isdisjoint(entry.name for entry in part.values()):
                run |= part
                break
        else:
            runs.append(dict(part))
    return runs


def _free_name(run: str, taken: set[str]) -> str:
    """The run's name with the first number from 2 on that nobody has; takes it."""
    number = next(n for n in itertools.count(2) if f"{run}~{n}" not in taken)
    taken.add(f"{run}~{number}")
    return f"{run}~{number}"


def joined_pool(entries: Sequence[PoolEntry]) -> CandidatePool:
    """One pool of what several runs propose for one task; independent of their order.

    Every run's round becomes a round of its own, later rounds behind earlier ones, because scoring
    views are shared within a run's round only. A single run's pool stays as it is.
    """
    ordered = sorted(entries, key=lambda entry: entry.name)
    if len(ordered) == 1:
        return ordered[0].pool
    rounds = sorted(
        {
            (item.round, place)
            for place, entry in enumerate(ordered)
            for item in (*entry.pool.candidates, *entry.pool.scores)
        }
    )
    number = {key: index for index, key in enumerate(rounds)}
    pool = CandidatePool()
    for place, entry in enumerate(ordered):
        pool = pool.add(
            (replace(c, round=number[c.round, place]) for c in entry.pool.candidates),
            (replace(s, round=number[s.round, place]) for s in entry.pool.scores),
        )
    return pool
