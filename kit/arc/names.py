"""Wrong names answered with the nearest right one, in the same words everywhere.

What it does: finds the close name. What it does not: decide that a name is wrong, or list all.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ " (did you mean 'x'?)" for the closest known name, to be put behind a message; "" when none
    is close."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""
