"""The folders that are uploaded: code, wheels, model, notebook.

What it does: copies what a run needs, links large files where the disk can, writes metadata and the
licence page beside them. What it does not: download, or talk to Kaggle.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kit.upload.manifest import CODE, model_manifest, wheels_manifest
from kit.upload.metadata import (
    DATASET_FILE,
    KERNEL_FILE,
    Names,
    UploadError,
    dataset_metadata,
    kernel_metadata,
)
from kit.upload.wheel_lock import SETS, Pin, WheelError, WheelSet, missing_wheels, read_lock

ROOT = Path(__file__).resolve().parents[2]

MANIFEST = "LICENCES.md"

_CODE = ("kit", "offline_wheels", "submission.py", "requirements.txt", "LICENSE")

_LEFT_OUT = ("__pycache__", "*.pyc", "*.whl", ".numba_cache", "*.tmp")

_MODEL_FILES = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja", "README.md", "LICENSE*")
"""What of a model folder is uploaded: weights, tokenizer, settings, never programs."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What is to be uploaded.

    Attributes:
        out: gets one folder per part; those folders are made anew.
        wheels: folder that `offline_wheels/build.py` made, None for no wheels.
        model: Hugging Face folder, None for the kit's own, which lies in the code.
    """

    out: Path
    names: Names
    machine: str
    contest: str
    wheels: Path | None = None
    model: Path | None = None

    def parts(self) -> dict[str, Callable[[Path], None]]:
        """Name of a dataset -> what fills its folder, in the order of upload."""
        found: dict[str, Callable[[Path], None]] = {"code": self._fill_code}
        if self.wheels is not None:
            found["wheels"] = self._fill_wheels
        if self.model is not None:
            found["model"] = self._fill_model
        return found

    def build(self) -> list[Path]:
        """Make the folders; the datasets first, the notebook last.

        Raises:
            UploadError: something is missing or cannot be used; says what.
            OSError: a file cannot be read or written.
        """
        self.names.check()
        if self.wheels is not None:
            usable_wheels(self.wheels)
        if self.model is not None:
            check_model_folder(self.model)
        folders = []
        for part, fill in self.parts().items():
            folders.append(_fresh(self.out / part))
            fill(folders[-1])
        folders.append(_fresh(self.out / "notebook"))
        shutil.copy(ROOT / "notebooks" / "submission.ipynb", folders[-1])
        metadata = kernel_metadata(self.names, list(self.parts()), self.machine, self.contest)
        _write_json(folders[-1] / KERNEL_FILE, metadata)
        return folders

    def _fill_code(self, folder: Path) -> None:
        for name in _CODE:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns(*_LEFT_OUT))
            else:
                shutil.copy(source, folder)
        self._describe(folder, "code", CODE)

    def _fill_wheels(self, folder: Path) -> None:
        assert self.wheels is not None
        chosen, pins = usable_wheels(self.wheels)
        for name in (chosen.lock.name, *(pin.file for pin in pins)):
            _link(self.wheels / name, folder / name)
        self._describe(folder, "wheels", wheels_manifest(chosen, pins))

    def _fill_model(self, folder: Path) -> None:
        assert self.model is not None
        for pattern in _MODEL_FILES:
            for path in sorted(self.model.glob(pattern)):
                _link(path, folder / path.name)
        self._describe(folder, "model", model_manifest(self.model))

    def _describe(self, folder: Path, part: str, manifest: str) -> None:
        """The licence page and the metadata, which hold it as the description."""
        (folder / MANIFEST).write_text(manifest, encoding="utf-8")
        _write_json(folder / DATASET_FILE, dataset_metadata(self.names, part, manifest))


def usable_wheels(wheels: Path) -> tuple[WheelSet, tuple[Pin, ...]]:
    """The set whose lock lies in the folder, and its pins, all of them there.

    Raises:
        UploadError: no lock, one that cannot be read, or wheels are missing.
    """
    sets = [found for found in SETS.values() if (wheels / found.lock.name).is_file()]
    if not sets:
        raise UploadError(f"--wheels {wheels}: no lock in it; offline_wheels/build.py makes it")
    try:
        pins = read_lock(wheels / sets[0].lock.name)
    except WheelError as error:
        raise UploadError(str(error)) from error
    if problems := missing_wheels(pins, wheels):
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise UploadError(f"--wheels {wheels}: {problems[0]}{more}: run build.py again")
    return sets[0], pins


def check_model_folder(model: Path) -> None:
    """Refuse a folder that no run could open.

    Raises:
        UploadError: an adapter instead of a model, no configuration, or no safetensors.
    """
    if not model.is_dir():
        raise UploadError(f"--model {model}: no such folder")
    if not (model / "config.json").is_file():
        adapter = (model / "adapter_config.json").is_file()
        hint = "a LoRA adapter; merge it into its base model first" if adapter else "no config.json"
        raise UploadError(f"--model {model}: {hint}")
    if not any(model.glob("*.safetensors")):
        raise UploadError(f"--model {model}: no *.safetensors in it (nothing else is ever loaded)")


def _fresh(folder: Path) -> Path:
    """An empty folder; only one that this module made is emptied.

    Raises:
        UploadError: there is something else in it.
    """
    if folder.exists():
        ours = any((folder / name).is_file() for name in (DATASET_FILE, KERNEL_FILE))
        if not ours and any(folder.iterdir()):
            raise UploadError(f"{folder}: holds something else; give another folder")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


def _link(source: Path, target: Path) -> None:
    """The same file at another place, without a copy where the disk can."""
    if target.exists():
        return
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copy(source, target)


def _write_json(path: Path, content: dict[str, object]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
