"""Kaggle's command-line client: uploads the folders, then reads back what Kaggle made of them.

What it does: runs the program `kaggle`. What it does not: bring it (`pip install kaggle`), or know
the account's key, which that program reads by itself.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from kit.upload.metadata import DATASET_FILE, KERNEL_FILE, UploadError


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
    reference = json.loads((folder / DATASET_FILE).read_text(encoding="utf-8"))["id"]
    # Folders inside are packed for the way and unpacked by Kaggle.
    options = ["--path", str(folder), "--dir-mode", "zip"]
    known = _run([client, "datasets", "status", reference])
    if known.returncode == 0:
        return _said([client, "datasets", "version", *options, "--message", message])
    return _said([client, "datasets", "create", *options])


def push_notebook(client: str, folder: Path) -> str:
    """Upload the notebook, which also starts it; what the client said last.

    Raises:
        UploadError: the client failed; with what it said.
    """
    return _said([client, "kernels", "push", "--path", str(folder)])


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
    keys = ("machine_shape", "enable_internet", "enable_gpu")
    return [
        f"{key} is {got.get(key)!r} on Kaggle, asked for was {asked[key]!r}"
        for key in keys
        if _plain(got.get(key)) != _plain(asked[key])
    ]


def _plain(value: object) -> str:
    """Truth values are text in some versions of the metadata; nothing and "" mean the same."""
    return str(value or "").lower().replace("false", "")


def _said(command: Sequence[str]) -> str:
    """The last line that a call printed."""
    ran = _run(command)
    lines = (ran.stdout + ran.stderr).strip().splitlines() or ["(nothing)"]
    # The client prints some refusals and still ends with 0.
    refused = any("error" in line.lower() for line in lines)
    if ran.returncode or refused:
        raise UploadError(f"kaggle {' '.join(command[1:3])} failed: {' | '.join(lines[-3:])}")
    return lines[-1]


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)
