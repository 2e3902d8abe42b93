"""Model folders of which only the shape is looked at."""

from __future__ import annotations

import json
from pathlib import Path


def write_model_folder(folder: Path, **shape: object) -> Path:
    """A folder with a configuration of this shape and weights that nobody can load."""
    (folder / "config.json").write_text(json.dumps(shape), encoding="utf-8")
    (folder / "model.safetensors").write_bytes(b"x" * 2**20)
    return folder
