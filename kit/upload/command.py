"""`python -m kit upload OUT --user NAME`: the folders for Kaggle, made, checked and pushed.

What it does: builds `OUT/code`, `OUT/wheels`, `OUT/model`, `OUT/notebook`, checks them against what
Kaggle takes, and with `--push` uploads them, waits until the datasets can be used and reads back
what machine and data the notebook got. What it does not: submit anything to the contest; that is a
click on the notebook's page.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kit.arc.exits import EXIT_REFUSED
from kit.upload.folders import Upload
from kit.upload.kaggle_client import (
    find_client,
    push_dataset,
    push_notebook,
    read_back,
    wait_until_ready,
)
from kit.upload.metadata import CONTEST, MACHINES, Names, UploadError, folder_problems

EXIT_DONE, EXIT_PROBLEMS = 0, 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m kit upload`."""
    add = parser.add_argument
    add("out", type=Path, metavar="OUT", help="gets the folders code, wheels, model, notebook")
    add("--user", required=True, metavar="NAME", help="your Kaggle account")
    add("--name", default="arc-ttt-kit", help="what titles begin with (default: arc-ttt-kit)")
    add("--wheels", type=Path, metavar="DIR", help="what offline_wheels/build.py made")
    add("--model", type=Path, metavar="DIR", help="a model other than the kit's own")
    add("--machine", choices=tuple(MACHINES), default="l4x4", help="accelerator (default: l4x4)")
    add("--contest", default=CONTEST, metavar="SLUG", help=f"default: {CONTEST}")
    add("--push", action="store_true", help="upload with Kaggle's client and start the notebook")


def run(args: argparse.Namespace) -> int:
    """Build, check, push; the exit code: 0 done, 1 problems found, 2 refused."""
    names = Names(args.user, args.name)
    upload = Upload(args.out, names, args.machine, args.contest, args.wheels, args.model)
    try:
        client = find_client() if args.push else ""
        folders = upload.build()
        problems = [problem for folder in folders for problem in folder_problems(folder)]
        for folder in folders:
            files = [path for path in folder.rglob("*") if path.is_file()]
            size = sum(path.stat().st_size for path in files)
            print(f"{folder}: {len(files)} files, {size / 2**20:.1f} MiB")
        if problems:
            return _say(problems)
        if args.push:
            return _push(client, folders)
    except (UploadError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_REFUSED
    print("checked; --push uploads them")
    return EXIT_DONE


def _push(client: str, folders: list[Path]) -> int:
    """Upload datasets, then, once they are ready, the notebook that uses them; read it back."""
    *datasets, notebook = folders
    for folder in datasets:
        print(f"{folder.name}: {push_dataset(client, folder, 'python -m kit upload')}")
    for folder in datasets:
        print(f"{folder.name}: waiting until Kaggle has unpacked it", flush=True)
        wait_until_ready(client, folder)
    print(f"notebook: {push_notebook(client, notebook)}")
    if differences := read_back(client, notebook):
        return _say(differences)
    print("Kaggle's notebook has the machine, settings and data that were asked for")
    return EXIT_DONE


def _say(problems: list[str]) -> int:
    for problem in problems:
        print(f"problem: {problem}")
    return EXIT_PROBLEMS
