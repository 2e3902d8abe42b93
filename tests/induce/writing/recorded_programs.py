"""Completions written by hand for a few training tasks, as a language model might write them.

Some are right, some wrong, some hostile, some only right after they have been shown their mistake.
"""

from __future__ import annotations

PROSE = "The grid seems to be mirrored, but I cannot say more about it."

TRANSPOSE = """Rows become columns.

```python
import numpy as np

def transform(grid):
    # The grid is mirrored at its main diagonal.
    return grid.T
```
"""

TRANSPOSE_AGAIN = '''```python
import numpy as np


def transform(grid):
    """Mirror at the diagonal."""
    return  grid.T   # rows become columns
```'''

TRANSPOSE_LOOP = """```python
def transform(grid):
    rows = [list(row) for row in grid]
    return [[row[x] for row in rows] for x in range(len(rows[0]))]
```"""

TRANSPOSE_UNCLOSED = """Sure! Here is the function:

```python
def transform(grid):
    return [list(column) for column in zip(*grid.tolist())]
"""

TURN = "```python\ndef transform(grid):\n    return grid[::-1, ::-1]\n```"

BROKEN = "```python\ndef transform(grid:\n    return grid\n```"

RAISES = "```python\ndef transform(grid):\n    return grid[99]\n```"

ENDLESS = "```python\ndef transform(grid):\n    while True:\n        grid = grid + 1\n```"

READS_A_FILE = """```python
def transform(grid):
    open("/etc/passwd").read()
    return grid
```"""

STARTS_A_SHELL = """```python
import subprocess

def transform(grid):
    subprocess.run(["touch", "/tmp/kit-was-here"])
    return grid[:, ::-1]
```"""

PRINTS = """```python
def transform(grid):
    while True:
        print("x" * 10**6)
```"""

RED_FOR_PINK = """```python
import numpy as np

def transform(grid):
    return np.where(grid == 6, 2, grid)
```"""

RED_FOR_PINK_LOOP = """```python
def transform(grid):
    out = grid.copy()
    for y in range(len(out)):
        for x in range(len(out[0])):
            if out[y, x] == 6:
                out[y, x] = 2
    return out
```"""

RED_FOR_SMALL = """```python
import numpy as np

def transform(grid):
    # Only as large as in the examples.
    if grid.shape == TEST_SHAPE:
        return grid
    return np.where(grid == 6, 2, grid)
```"""

HALF_A_SWAP = """```python
import numpy as np

def transform(grid):
    return np.where(grid == 5, 8, grid)
```"""

WHOLE_SWAP = """You are right, both colours change places.

```python
import numpy as np

def transform(grid):
    out = grid.copy()
    out[grid == 5] = 8
    out[grid == 8] = 5
    return out
```"""

FIRST: dict[str, list[str]] = {
    # Every right way to write it, beside what else comes.
    "74dd1130": [
        TRANSPOSE, TURN, TRANSPOSE_AGAIN, PROSE, TRANSPOSE_UNCLOSED, BROKEN, TRANSPOSE_LOOP, RAISES,
    ],
    # Two programs are right; one reproduces the demonstrations and is wrong on the test.
    "b1948b0a": [
        RED_FOR_PINK, RED_FOR_SMALL.replace("TEST_SHAPE", "(3, 4)"), RED_FOR_PINK_LOOP, TURN,
    ],
    # Nothing is right before it has been repaired.
    "d511f180": [HALF_A_SWAP, TURN, BROKEN, PROSE],
    # Nothing is right at all, and most of it is hostile.
    "67a3c6ac": [ENDLESS, READS_A_FILE, STARTS_A_SHELL, PRINTS, TURN, BROKEN],
}  # fmt: skip
"""Task id -> answers to its first prompt; a server goes through them in turn."""

REPAIRED: dict[str, list[str]] = {"d511f180": [WHOLE_SWAP, PROSE], "67a3c6ac": [TURN]}
"""Task id -> answers to a program that was shown its mistake."""
