"""Options that cannot be meant are refused with what is allowed."""

from __future__ import annotations

import pytest

from kit.augment.settings import AugmentConfig


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"leave_out": 3}, "leave_out must be one of 1, 2, got 3"),
        ({"mode": "papers"}, "mode must be one of draw, paper, got 'papers'"),
        ({"augmenters": "all"}, "augmenters must be one of none, paper"),
        ({"colours": "any"}, "colours must be one of uniform, keep_zero, paper, none"),
        ({"cap": 0}, "cap must be 1 or more, got 0"),
    ],
)
def test_bad_options(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AugmentConfig(**options)
