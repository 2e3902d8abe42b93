"""The notebooks as files: few short cells, no outputs, no code that belongs in kit/.

pytest tests/notebooks/test_notebooks.py
"""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))

MAX_CELLS, MAX_LINES = 8, 20

by_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(path: Path) -> list[dict[str, object]]:
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


def test_there_are_at_most_two() -> None:
    assert 1 <= len(NOTEBOOKS) <= 2


@by_notebook
def test_outputs_are_stripped(path: Path) -> None:
    assert len(path.read_bytes()) < 10_000
    for cell in code_cells(path):
        assert cell["outputs"] == [] and cell["execution_count"] is None


@by_notebook
def test_cells_are_few_and_short_and_only_call_the_kit(path: Path) -> None:
    cells = code_cells(path)
    assert len(cells) <= MAX_CELLS
    for cell in cells:
        lines = "".join(cell["source"]).splitlines()
        assert len(lines) <= MAX_LINES
        tree = ast.parse("\n".join(line for line in lines if not line.startswith(("!", "%"))))
        for node in ast.walk(tree):
            kinds = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.Try)
            assert not isinstance(node, kinds), f"{path.name}: {ast.unparse(node)[:60]}"


@by_notebook
def test_ids_are_there_so_that_changes_can_be_read(path: Path) -> None:
    content = json.loads(path.read_text())
    assert (content["nbformat"], content["nbformat_minor"] >= 5) == (4, True)
    names = [cell["id"] for cell in content["cells"]]
    assert len(set(names)) == len(names)
