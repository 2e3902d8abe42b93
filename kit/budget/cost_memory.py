"""What work has cost on a machine with a model, remembered from run to run in one small file.

What it does: reads and writes measurements by a key that names machine, model and method. What it
does not: fail. A file that is missing, broken, of another version or not writable means that
nothing is known, as on a machine that was never used; it is only ever replaced whole.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kit.budget.cost import Measured, Rates

VERSION = 1

STAGES = ("train", "check", "sample", "score")
"""What is remembered; a search is told how long it may take."""

REMEMBERED = 16
"""Measurements kept per stage: the machine may be busier today, and new ones shall soon prevail."""

MOST_KEYS = 50
"""Machines, models and methods in one file; the one written longest ago is forgotten."""

logger = logging.getLogger(__name__)


def costs_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Where measurements are kept: in the user's cache folder."""
    base = environment.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "arc-ttt-kit" / "costs.json"


def recall(path: Path, key: str, prior: Rates) -> Rates:
    """`prior` with the measurements that a file holds under a key, if any."""
    rates = prior
    for stage, measured in _measurements(_read(path).get(key)).items():
        for units, seconds in measured:
            rates = rates.observe(stage, units, seconds)
    return rates


def remember(path: Path, key: str, rates: Rates) -> bool:
    """Put the newest measurements of each stage into the file; whether that worked."""
    fresh = {
        stage: [[float(f"{value:.6g}") for value in pair] for pair in measured[-REMEMBERED:]]
        for stage in STAGES
        if (measured := rates.seen.get(stage))
    }
    if not fresh:
        return False
    held = {name: value for name, value in _read(path).items() if name != key}
    newest = dict(list(held.items())[-(MOST_KEYS - 1) :])
    content = json.dumps({"version": VERSION, "costs": {**newest, key: fresh}})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, content)
    except OSError as error:
        logger.info("costs are not remembered: %s: %s", path, error.strerror)
        return False
    return True


def _replace(path: Path, content: str) -> None:
    """Write a file whole or not at all; two runs may do so at once."""
    handle, name = tempfile.mkstemp(prefix="costs-", suffix=".tmp", dir=path.parent)
    try:
        with open(handle, "w", encoding="utf-8") as stream:
            stream.write(content)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _read(path: Path) -> dict[str, Any]:
    """Key -> what is held under it; nothing where the file is not as it should be."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(value, dict) or value.get("version") != VERSION:
        return {}
    costs = value.get("costs")
    return costs if isinstance(costs, dict) else {}


def _measurements(value: object) -> dict[str, Measured]:
    """The pairs of numbers in a value, by stage; whatever else is in it is left out."""
    if not isinstance(value, dict):
        return {}
    found: dict[str, Measured] = {}
    for stage in STAGES:
        pairs = value.get(stage)
        if isinstance(pairs, list):
            found[stage] = tuple((p[0], p[1]) for p in pairs[-REMEMBERED:] if _is_pair(p))
    return found


def _is_pair(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(type(v) in (int, float) and math.isfinite(v) and v > 0 for v in value)
    )
