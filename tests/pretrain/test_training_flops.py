"""What training took, read from model cards of any origin.

pytest tests/pretrain/test_training_flops.py
"""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.pretrain.training_flops import known_flops, sum_text
from kit.solve.toolbox import BUNDLED_MODEL

FINE_TUNED = "# base, fine-tuned\n\n`python -m kit pretrain --base base`: 3 weights.\n\n"


def card(folder: Path, text: str) -> Path:
    """A model folder with this card."""
    folder.mkdir(exist_ok=True)
    (folder / "README.md").write_text(text, encoding="utf-8")
    return folder


def test_the_bundled_model_says_what_it_took() -> None:
    assert known_flops(BUNDLED_MODEL) == 2.0e14


def test_a_fine_tuned_base_says_the_sum_and_so_does_what_comes_of_it(tmp_path: Path) -> None:
    said = sum_text(BUNDLED_MODEL, 1e13)
    assert "2.0e+14 of the base, 1.0e+13 of fine-tuning" in said
    once = card(tmp_path / "once", f"{FINE_TUNED}- Compute: 9 steps, 1.0e+13 FLOPs. {said}")
    assert known_flops(once) == 2.1e14
    twice = card(tmp_path / "twice", FINE_TUNED + sum_text(once, 9e13).replace(" ", "\n  "))
    assert known_flops(twice) == 3.0e14


@pytest.mark.parametrize(
    "text",
    [
        "A model.",
        "Trained with about many FLOPs.",
        # As cards were written when they left the base's own training out.
        f"{FINE_TUNED}- Compute: 9 of 9 steps, 90 tokens, about 1.0e+13 FLOPs, 0.1 minutes",
        f"{FINE_TUNED}- Compute: 1.0e+13 FLOPs. {sum_text(Path('nowhere'), 1e13)}",
    ],
)
def test_what_is_not_said_is_not_known(tmp_path: Path, text: str) -> None:
    assert known_flops(card(tmp_path, text)) is None


def test_a_card_that_is_missing_or_no_text_says_nothing(tmp_path: Path) -> None:
    assert known_flops(tmp_path) is None
    (tmp_path / "README.md").write_bytes(b"about 1e3 FLOPs \xff")
    assert known_flops(tmp_path) is None
