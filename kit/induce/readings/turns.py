"""The eight rotations and reflections of a picture, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

TURNS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "same": lambda a: a,
    "left_right": lambda a: a[:, ::-1],
    "up_down": lambda a: a[::-1],
    "half_turn": lambda a: a[::-1, ::-1],
    "transpose": lambda a: a.T,
    "clockwise": lambda a: a[::-1].T,
    "anticlockwise": lambda a: a.T[::-1],
    "antitranspose": lambda a: a[::-1, ::-1].T,
}
"""Name -> function on (H, W) arrays; the last four exchange H and W."""

UNTURNS: Mapping[str, str] = {name: name for name in TURNS} | {
    "clockwise": "anticlockwise",
    "anticlockwise": "clockwise",
}
"""Name -> name of the inverse."""
