"""`python -m kit rows`: the rows of the paper's main table as runs, one command each.

What it does: knows which published checkpoint goes where, puts the options of a row in front of the
user's, and hands over to the run itself. What it does not: download anything, or run without the
checkpoints' folders. How the paper joined programs and samples is not written down; `press` is what
was reported of its best figure, and `python -m kit pools choose` tries every other rule afterwards.

    python -m kit rows                                  the rows, and what each needs
    python -m kit rows 53.0 --barc-transduction DIR --out runs/53 --tasks arc1-eval
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kit.arc.arguments import RaisingParser
from kit.arc.exits import EXIT_REFUSED
from kit.arc.names import did_you_mean
from kit.entry import main as run_main

DESCRIPTION = "Run a row of the paper's main table (public evaluation set of ARC-AGI-1, 400 tasks)."


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A published model.

    Attributes:
        option: that names its folder here.
        published: its name on the Hugging Face hub.
        says: what it is.
    """

    option: str
    published: str
    says: str


OURS = Checkpoint(
    "--ours",
    "ekinakyurek/marc-8B-finetuned-llama3",
    "Llama-3 8B, fine-tuned by the paper's authors (format numpy)",
)
BARC = Checkpoint(
    "--barc-transduction",
    "barc0/Llama-3.1-ARC-Potpourri-Transduction-8B",
    "Llama-3.1 8B that writes grids (format words)",
)
INDUCTION = Checkpoint(
    "--barc-induction",
    "barc0/Llama-3.1-ARC-Potpourri-Induction-8B",
    "Llama-3.1 8B that writes programs (programs.model)",
)
CHECKPOINTS = (OURS, BARC, INDUCTION)

LONGEST = "336h"
"""Unless the user says less: full plans for all tasks take days, whatever the machine."""

# Source: Akyurek et al. 2024, table 6: 1e-4 for 8B, where the preset has the 1e-5s of 1B and 3B.
_TTT = ("solve.legs=ttt", "budget.unit=work", "finetune.lr=1e-4")

# Source: Li et al. 2024: 20,000 samples a task from the model of all data, at temperature 1.
_PROGRAMS = (
    "programs.format=words",
    "programs.num_programs=20000",
    "programs.temperature=1.0",
    "programs.max_tokens=1536",
    "programs.repair=false",
    "budget.writing_s=86400",
    "rank.arbitration=press",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        name: what it is called on the command line, its score in percent.
        grids: who answers with grids.
        programs: who writes programs; None for nobody.
        overrides: options on top of preset `paper`.
    """

    name: str
    says: str
    grids: Checkpoint
    programs: Checkpoint | None
    overrides: tuple[str, ...]

    def needs(self) -> tuple[Checkpoint, ...]:
        """The checkpoints of the row."""
        return (self.grids,) if self.programs is None else (self.grids, self.programs)

    def arguments(self, folders: dict[str, Path]) -> list[str]:
        """Arguments of `submission.py` for folders by option."""
        form = "numpy" if self.grids is OURS else "words"
        found = ["--preset", "paper", "--model", str(folders[self.grids.option]), "--format", form]
        # A key=value would win over the user's own --time-budget.
        found += ["--time-budget", LONGEST, *self.overrides]
        if self.programs is not None:
            found.append(f"programs.model={folders[self.programs.option]}")
        return found


ROWS = (
    Row("18.25", "ours without test-time training", OURS, None, (*_TTT, "budget.num_steps=0")),
    Row("47.1", "ours with test-time training", OURS, None, _TTT),
    Row("53.0", "BARC's grids with test-time training", BARC, None, _TTT),
    Row("58.5", "ours with test-time training, BARC's programs", OURS, INDUCTION, _TTT + _PROGRAMS),
    Row("61.9", "BARC's grids with training, BARC's programs", BARC, INDUCTION, _TTT + _PROGRAMS),
)

_NOTES = """\
Checkpoints are read as safetensors only. Where a published folder holds PyTorch's own files (ours
does), convert it once elsewhere, AutoModelForCausalLM.from_pretrained(DIR).save_pretrained(NEW),
and put tokenizer.json and tokenizer_config.json of its base model beside the result.
What differs from the paper: the output head is not adapted (no engine here loads that), and the
instructions of both formats are in our own words until arc_format.json beside the weights says
others ("texts"). Budget there: about 12 hours per 100 tasks on one A100, without programs.
Afterwards: python -m kit pools export RUN --out pools.jsonl.xz, then python -m kit pools choose
pools.jsonl.xz --tasks arc1-eval tells what every rule of choosing and joining would have given."""


def main(argv: Sequence[str]) -> int:
    """Print the rows, or run the one that is named; its exit code."""
    if not argv or argv[0] in ("-h", "--help"):
        print(_text())
        return 0
    parser = RaisingParser(prog="python -m kit rows", description=DESCRIPTION)
    parser.add_argument("row")
    for checkpoint in CHECKPOINTS:
        parser.add_argument(checkpoint.option, type=Path, metavar="DIR", help=checkpoint.says)
    try:
        args, rest = parser.parse_known_intermixed_args(list(argv))
        row = _row(args.row)
        words = row.arguments(_folders(row, vars(args)))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_REFUSED
    # The user's own come last, so that they win.
    return run_main([*words, *rest])


def _row(name: str) -> Row:
    by_name = {row.name: row for row in ROWS}
    if name not in by_name:
        raise ValueError(f"{name}: no such row{did_you_mean(name, by_name)}; {', '.join(by_name)}")
    return by_name[name]


def _folders(row: Row, given: dict[str, object]) -> dict[str, Path]:
    """The folder of every checkpoint that the row needs.

    Raises:
        ValueError: one is not given, or another is.
    """
    folders: dict[str, Path] = {}
    for checkpoint in CHECKPOINTS:
        folder = given[checkpoint.option.lstrip("-").replace("-", "_")]
        if checkpoint in row.needs() and folder is None:
            raise ValueError(
                f"row {row.name} needs {checkpoint.option} DIR: {checkpoint.published}, "
                f"{checkpoint.says}"
            )
        if checkpoint not in row.needs() and folder is not None:
            raise ValueError(f"row {row.name} has no use for {checkpoint.option}")
        if isinstance(folder, Path):
            folders[checkpoint.option] = folder
    return folders


def _text() -> str:
    """The rows, what each needs, and its command."""
    lines = ["usage: python -m kit rows ROW --CHECKPOINT DIR ... [options of submission.py]", ""]
    lines += [DESCRIPTION, ""]
    for row in ROWS:
        folders = " ".join(f"{checkpoint.option} DIR" for checkpoint in row.needs())
        lines.append(f"  {row.name:<6} {row.says}")
        lines.append(f"         python -m kit rows {row.name} {folders} --tasks arc1-eval")
    lines += ["", "checkpoints:"]
    lines += [f"  {c.option:<20} {c.published}\n  {'':<20} {c.says}" for c in CHECKPOINTS]
    return "\n".join([*lines, "", _NOTES])
