"""Command-line arguments: a parser that raises, and options that would not be read.

What it does not: know which mode of a command reads what.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import NoReturn


class ArgumentsError(ValueError):
    """The arguments cannot be used; the message is one line."""


class RaisingParser(argparse.ArgumentParser):
    """An argument parser that raises `ArgumentsError` instead of leaving the process; options are
    written in full."""

    def __init__(self, **options: object) -> None:
        super().__init__(allow_abbrev=False, **options)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        """See `argparse.ArgumentParser.error`."""
        raise ArgumentsError(message)


def refuse_given(args: argparse.Namespace, names: Iterable[str], why: str) -> None:
    """Refuse options that the chosen mode of a command does not read.

    Args:
        args: parsed options, where None and False mean that one was not given.
        names: of attributes of `args`.
        why: ends the sentence "--option: ...", and says what is allowed.
    Raises:
        ValueError: one of them was given.
    """
    for name in names:
        # By identity: 0 is a value that somebody gave, and equals False.
        if (value := getattr(args, name)) is not None and value is not False:
            raise ValueError(f"--{name.replace('_', '-')}: {why}")
