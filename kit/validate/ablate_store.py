"""What an ablation leaves in its folder, so that the next call goes on from there.

    results.jsonl    a pool file (`kit.rank.pool_file`): one entry per variant, task and seed
    settings.json    what every variant in it was made with, as digests
    adapters/        adapters that all tasks share, each with what its training cost

What it does not: run anything.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from kit.arc.task import Task
from kit.arc.whole_file import replace_file
from kit.rank.pool_file import HEADER, EntryName, PoolEntry, entry_line, read_pools
from kit.submit.records import digest, task_digest

RESULTS, SETTINGS, ADAPTERS = "results.jsonl", "settings.json", "adapters"


@dataclass(frozen=True, slots=True)
class SharedFit:
    """What the training of a shared adapter cost.

    Attributes:
        counts: as in `WorkResult`; "tasks" is their number.
    """

    stage_s: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    failure: str | None = None


def adapter_folder(out: Path, made_with: str, seed: int) -> Path:
    """Where the adapter that all tasks share under this seed lies.

    Args:
        made_with: digest of its options, weights and tasks.
    """
    return out / ADAPTERS / digest([made_with, seed])


def read_fit(adapter: Path) -> SharedFit | None:
    """What lies beside a shared adapter; None where its training has not ended."""
    path = adapter.with_suffix(".json")
    if not path.is_file():
        return None
    return SharedFit(**json.loads(path.read_text(encoding="utf-8")))


def write_fit(adapter: Path, fit: SharedFit) -> None:
    """Put down that a training has ended, and what it cost."""
    adapter.parent.mkdir(parents=True, exist_ok=True)
    replace_file(adapter.with_suffix(".json"), json.dumps(asdict(fit)).encode())


class Store:
    """The entries of an ablation's folder, and what they were made with.

    Raises:
        ValueError: a file in it is none of this kit's.
        OSError: the folder cannot be read or written.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        out.mkdir(parents=True, exist_ok=True)
        self._path = out / RESULTS
        _cut_torn_tail(self._path)
        entries = read_pools(self._path) if self._path.is_file() else []
        self._entries = {entry.name: entry for entry in entries}
        settings = out / SETTINGS
        self._made_with: dict[str, str] = {}
        if settings.is_file():
            self._made_with = json.loads(settings.read_text(encoding="utf-8"))

    def check(self, made_with: Mapping[str, str]) -> None:
        """Refuse variants that have entries which were made with something else.

        Raises:
            ValueError: one has.
        """
        begun = self._begun()
        for name, found in made_with.items():
            if name in begun and self._made_with.get(name, found) != found:
                raise ValueError(
                    f"{self.out}: {name} was run there with other options or another model, or "
                    "shares an adapter of other tasks; give the same ones or another --out"
                )

    def holds(self, name: str, made_with: str) -> bool:
        """Whether a variant has entries, all made with this."""
        return name in self._begun() and self._made_with.get(name) == made_with

    def _begun(self) -> set[str]:
        return {entry.run for entry in self._entries.values()}

    def announce(self, made_with: Mapping[str, str]) -> None:
        """Say what variants are made with from now on.

        Raises:
            ValueError: see `check`.
        """
        self.check(made_with)
        self._made_with |= made_with
        text = json.dumps(self._made_with, indent=2, sort_keys=True)
        replace_file(self.out / SETTINGS, text.encode())

    def get(self, name: EntryName) -> PoolEntry | None:
        """The entry of that name."""
        return self._entries.get(name)

    def entries(self) -> list[PoolEntry]:
        """All entries, sorted by name."""
        return [self._entries[name] for name in sorted(self._entries)]

    def add(self, entry: PoolEntry) -> None:
        """Append an entry; it is on the disk on return."""
        is_new = not self._path.is_file()
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write((HEADER + "\n" if is_new else "") + entry_line(entry) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        self._entries[entry.name] = entry


def _cut_torn_tail(path: Path) -> None:
    """Drop what a killed writer left behind the last line break, so that nothing is added to it."""
    if not path.is_file():
        return
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole == 0:
        path.unlink()
    elif whole < len(data):
        with path.open("r+b") as stream:
            stream.truncate(whole)


def made_with(
    toolbox: Mapping[str, Any],
    budget: Mapping[str, Any],
    model: Path | None,
    cpu_time: bool,
    shared_by: Sequence[Task] = (),
) -> str:
    """A name of what entries depend on besides seed and task: options, weights, other tasks.

    Args:
        toolbox, budget: options as JSON values.
        model: its folder; None where none is used.
        cpu_time: what its seconds are.
        shared_by: tasks that one adapter is trained on; none where each has its own.
    """
    amounts = {name: value for name, value in budget.items() if name.startswith("num_")}
    weights = "" if model is None else _model_digest(model)
    parts = [dict(toolbox), amounts, weights, cpu_time]
    return digest([*parts, task_digest(shared_by)] if shared_by else parts)


@cache
def _model_digest(folder: Path) -> str:
    """A name of a model's weights and settings."""
    hashed = hashlib.blake2b(digest_size=8)
    for path in sorted([*folder.glob("*.safetensors"), *folder.glob("*.json")]):
        hashed.update(path.name.encode())
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                hashed.update(block)
    return hashed.hexdigest()
