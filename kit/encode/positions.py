"""Position ids of grid tokens: the bundled model's positional scheme, behind one function.

"aligned": position = pair * 1024 + 32 * (row + 1) + (column + 1). A cell of the input and the same
cell of the output share a position (the token tells the plane), the cell above is always 32 back,
and the token before a cell is always 1 back, also at row starts. A plain 1-D rotary embedding then
acts as a 2-D one, and the checkpoint stays an ordinary Llama.
"contiguous": 0, 1, 2, ... for engines that do not take position ids.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

Scheme = Literal["aligned", "contiguous"]

PAIR_STRIDE = 1024
ROW_STRIDE = 32


def grid_positions(height: int, width: int, pair: int) -> np.ndarray:
    """(1 + H * (W + 1) + 1,) positions of: start marker, rows each ended by a separator, end.

    The separator that ends row y stands where row y + 1 begins (column -1), so that the cell it
    leads to is one ahead of it, as for all other cells.
    """
    rows = np.arange(height + 1)[:, None] * ROW_STRIDE + np.arange(width + 1)[None, :]
    # Row y: its leading token at column -1, then its W cells; the last row has only the leader
    # (the separator of row H - 1) and the end marker.
    body = np.concatenate([rows[:height].ravel(), rows[height, :1], rows[height, :1] + 1])
    return body + ROW_STRIDE + pair * PAIR_STRIDE
