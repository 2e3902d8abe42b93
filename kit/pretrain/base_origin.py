"""Where a fine-tuned base comes from: its weights, text format and data, which a resumed run must
find as they were.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from kit.engine.weights import weight_files

FORMAT, HELD_OUT = "format", "held-out questions"
RE_ARC, ORIGINAL, RULES = "re-arc rules", "ARC-AGI-1 training tasks", "procedural rules"
CHECKSUM = "base sha256"

Notes = dict[str, object]
"""Facts of a run by name; JSON."""


def origin(base: Path, format_name: str, held_out: int, sizes: tuple[int, int, int]) -> Notes:
    """The facts of a run.

    Args:
        held_out: questions of each kind that are asked, at most.
        sizes: how many re-arc rules, original tasks and procedural rules are drawn from.
    """
    counts = dict(zip((RE_ARC, ORIGINAL, RULES), sizes, strict=True))
    return {CHECKSUM: checksum(base), FORMAT: format_name, HELD_OUT: held_out, **counts}


def check_same(there: Mapping[str, object], here: Notes, where: Path) -> None:
    """Refuse to go on with another base or other data.

    Raises:
        ValueError: names what differs, then and now; `where` begins the message.
    """
    for name, value in here.items():
        if there.get(name) != value:
            raise ValueError(
                f"{where}: {name} was {there.get(name)!r} when the run began, is now {value!r}"
            )


def checksum(base: Path) -> str:
    """sha256 of a folder's weights files, one behind the other in the order of their names."""
    digest = hashlib.sha256()
    for path in weight_files(base):
        with path.open("rb") as file:
            while block := file.read(1 << 22):
                digest.update(block)
    return digest.hexdigest()
