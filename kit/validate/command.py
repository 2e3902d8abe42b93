"""The shell around a command of `python -m kit`: arguments in, exit code out.

What it does: parses options, answers a wrong one with the nearest right one, and survives a reader
that has seen enough (`| head`). What it does not: know any command.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence

from kit.arc.arguments import ArgumentsError, RaisingParser
from kit.arc.exits import EXIT_REFUSED
from kit.arc.names import did_you_mean

# What a shell reports for a program that was ended by SIGPIPE.
_EXIT_BROKEN_PIPE = 141


def run_command(
    name: str,
    description: str,
    add_arguments: Callable[[argparse.ArgumentParser], None],
    run: Callable[[argparse.Namespace], int],
    argv: Sequence[str],
) -> int:
    """Run a command on its arguments; its exit code, or 2 for arguments it does not know.

    Raises:
        SystemExit: --help was asked for (code 0).
    """
    parser = RaisingParser(prog=f"python -m kit {name}", description=description)
    add_arguments(parser)
    try:
        args = _parse(parser, argv)
    except ArgumentsError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_REFUSED
    try:
        code = run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes stdout once more on its way out, and would complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _EXIT_BROKEN_PIPE
    return code


def _parse(parser: argparse.ArgumentParser, argv: Sequence[str]) -> argparse.Namespace:
    """The parsed arguments.

    Raises:
        ArgumentsError: an unknown option, a bad value, too many or too few arguments.
    """
    # Unknown options first: a missing argument may be missing because of them.
    # --help is where an option stands under all its names.
    options = re.findall(r"(?<![\w-])--?[a-z-]+", parser.format_help())
    for word in argv:
        option = word.partition("=")[0]
        if word.startswith("--") and len(word) > 2 and option not in options:
            hint = did_you_mean(option, options)
            raise ArgumentsError(f"{option}: no such option{hint}; --help lists them all")
    return parser.parse_args(list(argv))
