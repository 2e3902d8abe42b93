"""What a training run looked like: kept as CSV, drawn as SVG, said in one line."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

from kit.pretrain.plot import Series, write_plot

CSV_FILE, PLOT_FILE = "history.csv", "history.svg"
_COLUMNS = ("step", "tokens", "seconds", "loss", "rate")


@dataclass(frozen=True, slots=True)
class Record:
    """A run at one step.

    Attributes:
        tokens, seconds: since the beginning, earlier starts included; see `Run.seconds`.
        loss: mean over the last steps, nats per target token.
        rate: share of the peak learning rate.
        held_out: (loss, share of answers all right) by the name of the questions; empty where
            nothing was asked.
    """

    step: int
    tokens: int
    seconds: float
    loss: float
    rate: float
    held_out: dict[str, tuple[float, float]] = field(default_factory=dict)

    def row(self) -> dict[str, str]:
        """Columns of the CSV file."""
        row = {name: f"{getattr(self, name):.6g}" for name in _COLUMNS}
        row |= {"step": str(self.step), "tokens": str(self.tokens)}
        for name, (loss, exact) in self.held_out.items():
            row |= {f"{name} loss": f"{loss:.4f}", f"{name} right": f"{exact:.4f}"}
        return row

    def line(self) -> str:
        """The same for a person."""
        asked = "".join(
            f"  {name} {loss:.3f}, {100 * exact:.1f}% right"
            for name, (loss, exact) in self.held_out.items()
        )
        return (
            f"step {self.step}  {self.tokens / 1e6:.2f}M tokens  {self.seconds / 60:.1f} min  "
            f"loss {self.loss:.4f}{asked}"
        )


class History:
    """Rows of a run, those of earlier starts included."""

    def __init__(self, folder: Path, step: int) -> None:
        """Goes on from the CSV in `folder`, rows behind `step` (of a cut run) dropped."""
        self._folder = folder
        self._rows: list[dict[str, str]] = []
        path = folder / CSV_FILE
        if step and path.is_file():
            with path.open(newline="", encoding="utf-8") as lines:
                self._rows = [row for row in csv.DictReader(lines) if int(row["step"]) <= step]

    def add(self, record: Record) -> None:
        """One more row."""
        self._rows.append(record.row())

    def write(self, title: str) -> None:
        """Write CSV and plot."""
        self._folder.mkdir(parents=True, exist_ok=True)
        names = list(dict.fromkeys(name for row in self._rows for name in row))
        with (self._folder / CSV_FILE).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names, restval="")
            writer.writeheader()
            writer.writerows(self._rows)
        losses = [n for n in names if n == "loss" or n.endswith(" loss")]
        shares = [n for n in names if n.endswith(" right")]
        panels = {
            "loss, nats per target token": [Series(n, self._points(n)) for n in losses],
            "held-out answers all right": [Series(n, self._points(n)) for n in shares],
        }
        shown = {name: series for name, series in panels.items() if series}
        write_plot(self._folder / PLOT_FILE, title, "million tokens", shown)

    def _points(self, name: str) -> list[tuple[float, float]]:
        there = (row for row in self._rows if row.get(name))
        return [(int(row["tokens"]) / 1e6, float(row[name])) for row in there]
