"""`python -m kit COMMAND`: everything around a run, and the run itself as `solve`.

What it does: finds the command and hands its arguments over. A command is a module with either
`main(argv)`, or `add_arguments(parser)` and `run(args)`; both return an exit code. It is imported
only when it is used, so that no command pays for, or breaks on, what another one needs.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from kit.arc.exits import EXIT_REFUSED
from kit.arc.names import did_you_mean
from kit.validate.command import run_command

# Command -> (its module, one line of help). One line adds a command.
COMMANDS = {
    "solve": ("kit.entry", "solve tasks and write submission.json (as submission.py does)"),
    "score": ("kit.validate.score", "score a submission against solutions"),
    "check": ("kit.validate.check", "check a submission against the contest's rules"),
    "show": ("kit.validate.show", "show a task's grids in the terminal"),
    "rules": (
        "kit.validate.show_rules",
        "show procedural tasks that the bundled model learns from",
    ),
    "report": ("kit.validate.report", "write a run as one HTML file to look at"),
    "doctor": ("kit.doctor", "say what is installed and what works on this machine"),
    "bench": ("kit.bench", "measure speed, effect and fault tolerance on this machine"),
    "trace": ("kit.trace", "record what every amount of work on many tasks brings and costs"),
    "replay": ("kit.replay", "replay traces under any policy and budget, in seconds"),
    "rehearse": ("kit.rehearse", "rehearse a contest run of hours in minutes, without its GPUs"),
    "rows": ("kit.rows", "run a row of the paper's main table with its published checkpoints"),
    "pools": ("kit.validate.pools", "merge candidate pools, choose again, fit a rule"),
    "compute": ("kit.validate.compute", "what runs solved against their operations, as a table"),
    "ablate": ("kit.ablate", "compare variants of training, choosing and spending the same time"),
    "upload": ("kit.upload.command", "make, check and push the folders for Kaggle"),
    "pretrain": (
        "kit.pretrain.command",
        "train the bundled model from nothing, or fine-tune any (--base)",
    ),
    "experiment": ("kit.pretrain.experiments", "compare recipes for the bundled model"),
    "few-shot": ("kit.validate.few_shot", "test-time training on text tasks"),
    "cut-vocabulary": ("kit.encode.vocabulary", "cut a model to the tokens a format needs"),
}


def main(argv: Sequence[str]) -> int:
    """Run the command named by the first argument; its exit code."""
    name, *rest = argv or ["--help"]
    if name in ("-h", "--help"):
        print(_help())
        return 0
    if name not in COMMANDS:
        hint = did_you_mean(name, COMMANDS)
        print(f"error: {name}: no such command{hint}; --help lists them all", file=sys.stderr)
        return EXIT_REFUSED
    module_name, text = COMMANDS[name]
    module = importlib.import_module(module_name)
    if hasattr(module, "main"):
        return int(module.main(rest))
    return run_command(name, text, module.add_arguments, module.run, rest)


def _help() -> str:
    """All commands."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {text}" for name, (_, text) in COMMANDS.items()]
    return "\n".join(["usage: python -m kit COMMAND [...]", *lines])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
