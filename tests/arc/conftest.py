"""Small task files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

PAIR = {"input": [[0, 1]], "output": [[1], [0]]}


def plain_task(num_tests: int = 1, outputs: bool = False) -> dict[str, list[dict[str, object]]]:
    """A task as JSON values."""
    test: list[dict[str, object]] = []
    for index in range(num_tests):
        test.append({"input": [[index, 2]], **({"output": [[2], [index]]} if outputs else {})})
    return {"train": [dict(PAIR), dict(PAIR)], "test": test}


@pytest.fixture(name="plain_task")
def _plain_task() -> Callable[..., dict[str, list[dict[str, object]]]]:
    return plain_task


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, object], Path]:
    """Writes a value as JSON, or text or bytes as they are, under a name."""

    def save(name: str, content: object) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            text = content if isinstance(content, str) else json.dumps(content)
            path.write_text(text, encoding="utf-8")
        return path

    return save
