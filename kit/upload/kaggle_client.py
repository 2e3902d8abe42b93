"""Kaggle's command-line client: uploads the folders, then reads back what Kaggle made of them.

What it does: runs the program `kaggle`. What it does not: bring it (`pip install kaggle`), know
the account's key, which that program reads by itself, or know whether Kaggle's "ready" is of a
dataset's newest version or still of the one before.

Source: the client's own code (`KaggleApi.dataset_status`, `kernels_push_cli`, `kernels_pull`).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from kit.upload.metadata import DATASET_FILE, KERNEL_FILE, UploadError

LOOKS, PAUSE_S = 180, 10.0
"""Looks at a new dataset, and seconds before each: half an hour. By reports of users
small ones take a minute or two; gigabytes of wheels may take longer."""

_BROKEN = ("failed", "error", "deleted")
"""States of a dataset that no waiting changes."""


def find_client() -> str:
    """The program.

    Raises:
        UploadError: it is not installed.
    """
    found = shutil.which("kaggle")
    if found is None:
        raise UploadError("--push needs Kaggle's client: pip install kaggle, then its API token")
    return found


def push_dataset(client: str, folder: Path, message: str) -> str:
    """Upload a dataset, as a new one or as its next version; what the client said last.

    Raises:
        UploadError: the client failed; with what it said.
    """
    reference = _reference(folder)
    # Folders inside are packed for the way and unpacked by Kaggle.
    options = ["--path", str(folder), "--dir-mode", "zip"]
    known = _run([client, "datasets", "status", reference])
    if known.returncode == 0:
        return _said([client, "datasets", "version", *options, "--message", message])
    return _said([client, "datasets", "create", *options])


def wait_until_ready(client: str, folder: Path) -> None:
    """Wait until Kaggle has unpacked a dataset: before, a notebook is started without it.

    Raises:
        UploadError: Kaggle could not unpack it, or is not ready in half an hour.
    """
    reference = _reference(folder)
    lines: list[str] = []
    for _ in range(LOOKS):
        time.sleep(PAUSE_S)
        # A dataset that was made a moment ago may not be found yet.
        lines = _lines(_run([client, "datasets", "status", reference]))
        said = {line.strip().lower() for line in lines}
        if "ready" in said:
            return
        if not said.isdisjoint(_BROKEN):
            break
    raise UploadError(
        f"{reference}: must be 'ready' before the notebook is pushed, Kaggle says "
        f"{' | '.join(lines)!r}: look at https://www.kaggle.com/datasets/{reference}, then run "
        "this again"
    )


def push_notebook(client: str, folder: Path) -> str:
    """Upload the notebook, which also starts it; what the client said last.

    Raises:
        UploadError: the client failed, or Kaggle left data out; with what it said.
    """
    lines = _answer([client, "kernels", "push", "--path", str(folder)])
    # Kaggle starts the notebook without them, and the client calls that a success.
    if left_out := [line for line in lines if "could not be added" in line]:
        raise UploadError(
            f"the notebook was started without a part of its data: {' | '.join(left_out)}: stop "
            "it on its page, then run this again"
        )
    return lines[-1]


def read_back(client: str, folder: Path) -> list[str]:
    """Where Kaggle's notebook differs from what was asked for, one line each.

    Kaggle takes an unknown `machine_shape` without a word and gives another machine.

    Raises:
        UploadError: the client failed, or returned no metadata.
    """
    asked = json.loads((folder / KERNEL_FILE).read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as name:
        _said([client, "kernels", "pull", asked["id"], "--path", name, "--metadata"])
        try:
            got = json.loads((Path(name) / KERNEL_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UploadError(f"kaggle kernels pull returned no {KERNEL_FILE}: {error}") from error
    same = {
        **dict.fromkeys(("machine_shape", "enable_internet", "enable_gpu"), _is_same),
        **dict.fromkeys(("dataset_sources", "competition_sources"), _are_same_sources),
    }
    return [
        f"{key} is {got.get(key)!r} on Kaggle, asked for was {asked[key]!r}"
        for key, is_same in same.items()
        if not is_same(got.get(key), asked[key])
    ]


def _is_same(got: object, asked: object) -> bool:
    return _plain(got) == _plain(asked)


def _are_same_sources(got: object, asked: Sequence[str]) -> bool:
    """Whether the same things are attached; some versions of the metadata put a folder before a
    name ("datasets/", "c/")."""
    names = [f"/{name}/".lower() for name in got] if isinstance(got, list) else []
    found = [any(f"/{name}/".lower() in text for text in names) for name in asked]
    return all(found) and len(names) == len(found)


def _plain(value: object) -> str:
    """Truth values are text in some versions of the metadata; nothing and "" mean the same."""
    return str(value or "").lower().replace("false", "")


def _reference(folder: Path) -> str:
    """`user/slug` of a dataset's folder."""
    return str(json.loads((folder / DATASET_FILE).read_text(encoding="utf-8"))["id"])


def _said(command: Sequence[str]) -> str:
    """The last line that a call printed."""
    return _answer(command)[-1]


def _answer(command: Sequence[str]) -> list[str]:
    """What a call printed.

    Raises:
        UploadError: it failed; with what it said.
    """
    ran = _run(command)
    lines = _lines(ran)
    # The client prints some refusals and still ends with 0.
    refused = any("error" in line.lower() for line in lines)
    if ran.returncode or refused:
        raise UploadError(f"kaggle {' '.join(command[1:3])} failed: {' | '.join(lines[-3:])}")
    return lines


def _lines(ran: subprocess.CompletedProcess[str]) -> list[str]:
    """What a call printed, at least one line."""
    # The client ends some answers without a line feed, and warnings follow on the other stream.
    return f"{ran.stdout}\n{ran.stderr}".strip().splitlines() or ["(nothing)"]


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)
