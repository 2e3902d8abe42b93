"""What every benchmark prints: the machine, the exact command, the seed, tables with spread.

What it does: measures the machine's matrix products, formats tables, writes text or JSON.
What it does not: know what is measured.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from kit.budget.settings import BudgetConfig
from kit.engine.machine import DTYPES, matmul_rate
from kit.engine.threads import set_threads
from kit.rank.choose import RankConfig
from kit.solve.toolbox import ToolboxSettings

MATMUL_SIZE, MATMUL_S = 1024, 0.3
"""Side of the measured square product, and for how long it is repeated."""


@dataclass(frozen=True, slots=True)
class BenchSettings:
    """What a benchmark runs with.

    Attributes:
        options: preset and overrides as they would be written behind `submission.py`.
        threads: of torch in this process.
    """

    toolbox: ToolboxSettings
    budget: BudgetConfig
    rank: RankConfig
    seed: int
    options: tuple[str, ...]
    threads: int


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a benchmark ran.

    Attributes:
        float32_flops, bfloat16_flops: measured multiply-add rates of square products, in FLOP/s,
            with `threads` threads.
    """

    cpu: str
    cores: int
    threads: int
    torch: str
    float32_flops: float
    bfloat16_flops: float

    def flops(self, dtype: torch.dtype) -> float:
        """The measured rate of a dtype; float16 counts as bfloat16."""
        return self.float32_flops if dtype == torch.float32 else self.bfloat16_flops


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under headings."""

    title: str
    headings: tuple[str, ...]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Report:
    """What a benchmark found.

    Attributes:
        data: everything that was measured, as JSON values.
        failed: a promise that the benchmark checks was broken.
    """

    tables: tuple[Table, ...]
    data: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Spread:
    """Repeated measurements of one thing.

    Raises:
        ValueError: there are none.
    """

    values: tuple[float, ...]
    median: float = field(init=False)

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("a spread needs at least 1 value, got none")
        object.__setattr__(self, "median", statistics.median(self.values))

    def text(self, digits: int = 0) -> str:
        """Median and range: "120 (118-131)"."""
        least, most = min(self.values), max(self.values)
        return f"{self.median:,.{digits}f} ({least:,.{digits}f}-{most:,.{digits}f})"


def paired_ratios(ours: Spread, theirs: Spread) -> Spread:
    """Ratios of measurements that were taken side by side."""
    return Spread(tuple(a / b for a, b in zip(ours.values, theirs.values, strict=True)))


def ratio_text(ours: Spread, theirs: Spread) -> str:
    """Ratio of the medians, and the range of the paired ratios: "3.1x (2.9-3.3)"."""
    pairs = paired_ratios(ours, theirs).values
    return f"{ours.median / theirs.median:.2f}x ({min(pairs):.2f}-{max(pairs):.2f})"


def usable_threads() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def measure_machine(threads: int) -> Machine:
    """The machine with `threads` threads, which stay set."""
    set_threads(threads)
    rates = {
        name: matmul_rate(DTYPES[name], MATMUL_SIZE, MATMUL_S) for name in ("float32", "bfloat16")
    }
    return Machine(
        cpu=_cpu_model(),
        cores=usable_threads(),
        threads=threads,
        torch=torch.__version__,
        float32_flops=rates["float32"],
        bfloat16_flops=rates["bfloat16"],
    )


def _cpu_model() -> str:
    """The processor's name, as far as the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def report_json(machine: Machine, command: str, seed: int, report: Report) -> str:
    """One line of JSON that holds all of it."""
    head = {"command": command, "seed": seed, "machine": asdict(machine)}
    return json.dumps({**head, **report.data, "notes": report.notes, "failed": report.failed})


def report_text(machine: Machine, command: str, seed: int, report: Report) -> str:
    """The whole report for people."""
    lines = [
        f"machine  {machine.cpu}, {machine.cores} core(s), {machine.threads} thread(s) used, "
        f"torch {machine.torch}",
        f"         float32 {machine.float32_flops / 1e9:.0f} GFLOP/s, bfloat16 "
        f"{machine.bfloat16_flops / 1e9:.0f} GFLOP/s ({MATMUL_SIZE} x {MATMUL_SIZE} products)",
        f"command  {command}",
        f"seed     {seed}",
    ]
    for table in report.tables:
        lines += ["", table.title, *_table_lines(table)]
    return "\n".join([*lines, *([""] if report.notes else []), *report.notes])


def _table_lines(table: Table) -> list[str]:
    """Columns as wide as their widest cell, the first one to the left."""
    rows = [table.headings, *table.rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.headings))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
