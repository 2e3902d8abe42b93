"""What training a model took, as the card beside its weights says it: how that is written and read.

What it does not: count operations.
"""

from __future__ import annotations

import re
from pathlib import Path

_NUMBER = r"(\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
_SAID = re.compile(rf"about\s+{_NUMBER}\s+FLOPs")
_SUM = re.compile(rf"in\s+all\s+about\s+{_NUMBER}\s+FLOPs")

_FINE_TUNED = "python -m kit pretrain --base"
"""In the card of every model that this kit fine-tuned."""


def known_flops(model: Path) -> float | None:
    """Operations of all training of a model; None where its card, if it has one, does not say them.

    Of a model that this kit fine-tuned only a sum counts: cards once said those of fine-tuning
    alone.
    """
    try:
        text = (model / "README.md").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    found = (_SUM if _FINE_TUNED in text else _SAID).search(text)
    return None if found is None else float(found[1])


def sum_text(base: Path, flops: float) -> str:
    """What a card says of the training of a fine-tuned base, the base's own included.

    Args:
        flops: operations of fine-tuning.
    """
    before = known_flops(base)
    if before is None:
        return "What training took in all is not known: the base's card does not say its part."
    return (
        f"Training in all about {before + flops:.1e} FLOPs: {before:.1e} of the base, {flops:.1e} "
        "of fine-tuning."
    )
