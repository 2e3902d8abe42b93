"""What families offer."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from kit.induce.program import single
from kit.induce.proposal import Proposal


def test_a_proposal_is_a_value() -> None:
    assert Proposal(single("trim"), 5.0) == Proposal(single("trim"), 5.0, None)
    assert Proposal(single("trim"), 5.0) != Proposal(single("trim"), 5.0, 0.0)
    with pytest.raises(FrozenInstanceError):
        Proposal(single("trim"), 5.0).bits = 1.0  # type: ignore[misc]
