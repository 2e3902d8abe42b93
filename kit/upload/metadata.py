"""What Kaggle wants to know of a dataset or a notebook, and what it refuses.

What it does: makes `dataset-metadata.json` and `kernel-metadata.json`, and says what in them or in
a folder Kaggle would not take. What it does not: talk to Kaggle.

Source: the documentation of Kaggle's command-line client, pages "Dataset metadata" and "Kernel
metadata" (read in 2026); limits without a published source are marked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DATASET_FILE, KERNEL_FILE = "dataset-metadata.json", "kernel-metadata.json"

CONTEST = "arc-prize-2026-arc-agi-2"

MACHINES: Mapping[str, str] = {
    "none": "",
    "t4x2": "NvidiaTeslaT4",
    "l4x4": "NvidiaL4",
}
"""Name here -> `machine_shape`. Kaggle takes any text and gives another machine for one that it
does not know, so what it made of it is read back after a push."""

TITLE_LENGTH, SLUG_LENGTH = (6, 50), (3, 50)

MOST_DATASET_BYTES = 200 * 10**9

MOST_NOTEBOOK_BYTES = 2**20
"""Source of a notebook; by reports of users, not published."""

_SAFE_NAME = re.compile(r"[A-Za-z0-9._-]+")

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

_UNSAFE_WEIGHTS = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")


class UploadError(ValueError):
    """Something that Kaggle would refuse or that is missing here; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Names:
    """What things are called on Kaggle.

    Attributes:
        user: the account.
        prefix: what titles begin with; slugs are made of titles.
    """

    user: str
    prefix: str = "arc-ttt-kit"

    def reference(self, part: str) -> str:
        """`user/slug` of a part: "code", "wheels", "model", "notebook"."""
        return f"{self.user}/{self.prefix}-{part}"

    def title(self, part: str) -> str:
        """Its title; Kaggle makes the same slug of it."""
        return f"{self.prefix}-{part}"

    def check(self) -> None:
        """Refuse what Kaggle would change or refuse.

        Raises:
            UploadError: says which name and what is allowed.
        """
        if not _SLUG.fullmatch(self.user.lower()):
            raise UploadError(f"--user {self.user!r}: letters, digits and single dashes only")
        longest = f"{self.prefix}-notebook"
        if not _SLUG.fullmatch(self.prefix) or len(longest) > SLUG_LENGTH[1]:
            raise UploadError(
                f"--name {self.prefix!r}: lower-case letters, digits and single dashes, "
                f"{SLUG_LENGTH[1] - len('-notebook')} at most"
            )


def dataset_metadata(names: Names, part: str, description: str) -> dict[str, object]:
    """The content of `dataset-metadata.json`; licences are told in the description, because what
    is in a folder has many."""
    return {
        "title": names.title(part),
        "id": names.reference(part),
        "description": description,
        "licenses": [{"name": "other"}],
    }


def kernel_metadata(
    names: Names, parts: list[str], machine: str, contest: str
) -> dict[str, object]:
    """The content of `kernel-metadata.json`: private, no internet, attached to the contest."""
    shape = MACHINES[machine]
    return {
        "id": names.reference("notebook"),
        "title": names.title("notebook"),
        "code_file": "submission.ipynb",
        "language": "python",
        "kernel_type": "notebook",
        "is_private": True,
        "enable_gpu": bool(shape),
        "enable_tpu": False,
        "enable_internet": False,
        "machine_shape": shape,
        "dataset_sources": [names.reference(part) for part in parts],
        "competition_sources": [contest],
        "kernel_sources": [],
        "model_sources": [],
    }


def folder_problems(folder: Path) -> list[str]:
    """What Kaggle would refuse or change in an upload folder, or what must not be uploaded."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    problems = [
        f"{path}: a name with other characters than letters, digits, dots, dashes is changed"
        for path in files
        if not _SAFE_NAME.fullmatch(path.name)
    ]
    problems += [
        f"{path}: may hold programs instead of weights; only safetensors are uploaded"
        for path in files
        if path.suffix in _UNSAFE_WEIGHTS
    ]
    size = sum(path.stat().st_size for path in files)
    if size > MOST_DATASET_BYTES:
        problems.append(f"{folder}: {size / 1e9:.1f} GB, a dataset takes 200 GB at most")
    if not files:
        problems.append(f"{folder}: empty")
    return problems + _metadata_problems(folder)


def _metadata_problems(folder: Path) -> list[str]:
    """What is wrong with a folder's metadata file."""
    path = next((folder / n for n in (DATASET_FILE, KERNEL_FILE) if (folder / n).is_file()), None)
    if path is None:
        return [f"{folder}: neither {DATASET_FILE} nor {KERNEL_FILE}"]
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        title, slug = str(content["title"]), str(content["id"]).partition("/")[2]
    except (ValueError, KeyError, TypeError) as error:
        return [f"{path}: cannot be read: {error!r}"]
    problems = []
    for what, text, (least, most) in (
        ("title", title, TITLE_LENGTH),
        ("slug", slug, SLUG_LENGTH),
    ):
        if not least <= len(text) <= most:
            problems.append(f"{path}: the {what} {text!r} must have {least} to {most} characters")
    code = folder / str(content.get("code_file", ""))
    if path.name == KERNEL_FILE and not code.is_file():
        problems.append(f"{path}: code_file {code.name} is not there")
    elif path.name == KERNEL_FILE and code.stat().st_size > MOST_NOTEBOOK_BYTES:
        problems.append(f"{code}: more than 1 MiB; strip its outputs")
    return problems
