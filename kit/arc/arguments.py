"""Options that were given and would not be read.

What it does: refuses them by name, so that nobody waits for an effect that cannot come. What it
does not: parse anything, or know which mode of a command reads what.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable


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
