"""Exit codes that the commands share."""

from __future__ import annotations

from typing import Final

EXIT_FAILED: Final = 1  # work was begun and did not come to its end
EXIT_REFUSED: Final = 2  # what was asked for makes no sense, and nothing was begun
