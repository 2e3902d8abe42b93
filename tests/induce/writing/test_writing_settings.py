"""Options of the writing of programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.induce.writing.settings import WritingConfig


def test_nothing_is_written_unless_somebody_is_named() -> None:
    assert not WritingConfig().is_on
    assert WritingConfig(server="http://localhost:8000").is_on
    assert WritingConfig(model=Path("m")).is_on


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"server": "http://x", "model": Path("m")}, "exclude each other"),
        ({"server": "localhost:8000"}, "programs.server must be a URL.*'localhost:8000'"),
        ({"num_programs": 0}, "programs.num_programs must be at least 1, got 0"),
        ({"temperature": 0.0}, r"programs.temperature must be in \(0, 2\], got 0.0"),
        ({"max_tokens": 9000}, r"below programs.context_tokens \(8192\), got 9000"),
    ],
)
def test_bad_values_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WritingConfig(**changes)  # type: ignore[arg-type]
