"""The licence pages.

pytest tests/upload/test_manifest.py
"""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.upload.manifest import family, model_manifest, wheels_manifest
from kit.upload.wheel_lock import SETS, Pin, read_lock


@pytest.mark.parametrize(
    ("licence", "kind"),
    [
        ("LGPL-3.0-or-later", "copyleft"),
        ("MPL-2.0 AND MIT", "copyleft"),
        ("GNU Affero General Public License v3 (AGPLv3)", "copyleft"),
        ("LicenseRef-NVIDIA-Proprietary", "NVIDIA's own terms"),
        ("Apache-2.0 OR BSD-3-Clause", "permissive"),
        ("Apache Software License", "permissive"),
        ("The Unlicense (Unlicense)", "public domain"),
        ("unknown", "not named"),
        ("Limited", "not named"),
    ],
)
def test_licences_are_sorted_by_kind(licence: str, kind: str) -> None:
    assert family(licence) == kind


@pytest.mark.parametrize("name", SETS)
def test_every_wheel_is_counted_once_and_what_matters_is_named(name: str) -> None:
    pins = read_lock(SETS[name].lock)
    page = wheels_manifest(SETS[name], pins)
    rows = [line.split("|")[2] for line in page.splitlines() if line.startswith("| ")][1:]
    assert sum(map(int, rows)) == len(pins)
    assert "- unsloth-zoo 2026.10.7: LGPL-3.0-or-later" in page
    assert "AGPL-3.0" in page
    assert len(page) < 6000


def test_a_set_without_copyleft_says_so() -> None:
    page = wheels_manifest(SETS["preferred"], [Pin("a", "1", "0" * 64, "a.whl", 1, "MIT")])
    assert "## Copyleft\n\nnone" in page and "unsloth" not in page


def test_a_models_own_card_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"architectures": ["Qwen3ForCausalLM"]}')
    assert "not named in a model card" in model_manifest(tmp_path)
    card = "---\nlicense: apache-2.0\nbase_model: Qwen/Qwen3-4B\n---\n# A model\nlicense: none\n"
    (tmp_path / "README.md").write_text(card)
    page = model_manifest(tmp_path)
    assert "- licence: apache-2.0" in page and "- base model: Qwen/Qwen3-4B" in page
    assert "Qwen3ForCausalLM" in page and "- data: not named" in page
