"""Factories by name."""

from __future__ import annotations

import pytest

from kit.workers.target import load_factory


def test_finds_a_function() -> None:
    assert load_factory("tests.workers.solvers:open_obedient").__name__ == "open_obedient"


@pytest.mark.parametrize(
    ("name", "error", "match"),
    [
        ("kit.workers.target", ValueError, "named module:function, got 'kit.workers.target'"),
        ("kit.workers.target:nothing", ValueError, "no function 'nothing'"),
        ("kit.nowhere:open", ModuleNotFoundError, "kit.nowhere"),
    ],
)
def test_bad_names(name: str, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        load_factory(name)
