"""What Kaggle takes: names, metadata files, folders.

pytest tests/upload/test_metadata.py
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit.upload.metadata import (
    DATASET_FILE,
    KERNEL_FILE,
    MACHINES,
    Names,
    UploadError,
    dataset_metadata,
    folder_problems,
    kernel_metadata,
)


@pytest.mark.parametrize("machine", MACHINES)
def test_a_notebook_is_private_without_internet_and_has_what_it_needs(machine: str) -> None:
    content = kernel_metadata(Names("me", "mine"), ["code", "model"], machine, "contest")
    assert content["id"] == "me/mine-notebook" and content["title"] == "mine-notebook"
    assert content["is_private"] is True and content["enable_internet"] is False
    assert content["dataset_sources"] == ["me/mine-code", "me/mine-model"]
    assert content["competition_sources"] == ["contest"]
    assert content["enable_gpu"] is (machine != "none")


@pytest.mark.parametrize(
    ("user", "prefix", "words"),
    [
        ("me/you", "kit", "--user 'me/you'"),
        ("", "kit", "--user ''"),
        ("me", "My Kit", "--name 'My Kit'"),
        ("me", "k" * 42, "41 at most"),
    ],
)
def test_names_that_kaggle_would_change_are_refused(user: str, prefix: str, words: str) -> None:
    with pytest.raises(UploadError, match=words):
        Names(user, prefix).check()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A dataset that Kaggle takes."""
    (tmp_path / "data.safetensors").write_bytes(b"12")
    content = dataset_metadata(Names("me"), "model", "text")
    (tmp_path / DATASET_FILE).write_text(json.dumps(content))
    return tmp_path


def test_a_good_folder_has_no_problems(folder: Path) -> None:
    assert folder_problems(folder) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pytorch_model.bin", "only safetensors are uploaded"),
        ("torch-2.11.0+cu129.whl", "is changed"),
        ("mein modell.json", "is changed"),
    ],
)
def test_files_that_must_not_go_up_are_named(folder: Path, name: str, words: str) -> None:
    (folder / name).write_bytes(b"1")
    (problem,) = folder_problems(folder)
    assert name in problem and words in problem


def test_a_folder_that_is_too_large_is_said_to_be(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.upload.metadata.MOST_DATASET_BYTES", 1)
    assert any("200 GB at most" in problem for problem in folder_problems(folder))


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        (DATASET_FILE, '{"title": "kit", "id": "me/kit-model"}', "'kit' must have 6 to 50"),
        (DATASET_FILE, '{"title": "long enough", "id": "me/k"}', "'k' must have 3 to 50"),
        (DATASET_FILE, "[]", "cannot be read"),
        (DATASET_FILE, "{", "cannot be read"),
    ],
)
def test_bad_metadata_are_said_to_be(folder: Path, file: str, content: str, words: str) -> None:
    (folder / file).write_text(content)
    (problem,) = folder_problems(folder)
    assert words in problem


def test_a_notebook_must_be_there_and_small(folder: Path) -> None:
    (folder / DATASET_FILE).unlink()
    (problem,) = folder_problems(folder)
    assert "neither" in problem
    content = kernel_metadata(Names("me"), [], "none", "contest")
    (folder / KERNEL_FILE).write_text(json.dumps(content))
    (problem,) = folder_problems(folder)
    assert "code_file submission.ipynb is not there" in problem
    (folder / "submission.ipynb").write_bytes(b" " * (2**20 + 1))
    (problem,) = folder_problems(folder)
    assert "strip its outputs" in problem
