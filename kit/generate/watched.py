"""A forward pass that ends between two layers when the deadline comes; no torch in here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from kit.budget.clock import Deadline

WATCHED_TOKENS = 256
"""Tokens of a pass from which on the clock is looked at in every layer; shorter ones are quick,
and most passes of decoding are."""

_T = TypeVar("_T")


class DeadlinePassed(Exception):
    """The pass was given up; what it had computed is of no use."""


class Watched(Generic[_T]):
    """Attention of `kit.engine.llama.forward` that looks at the clock before every layer.

    A pass over a long prompt may take longer than all that is left.
    """

    def __init__(self, attend: Callable[..., _T], deadline: Deadline) -> None:
        self._attend = attend
        self._deadline = deadline

    def __call__(self, layer: int, q: _T, k: _T, v: _T) -> _T:
        """What `attend` gives.

        Raises:
            DeadlinePassed: instead, once the deadline has come.
        """
        if self._deadline.passed():
            raise DeadlinePassed
        return self._attend(layer, q, k, v)
