"""Costs of a rehearsal that are given instead of predicted, e.g. what was measured on that machine.

What it does: reads numbers of `EngineCosts` from a file such as
`{"train_token_s": 0.0004, "decode_step_s": 0.03}` and puts them in the place of the predicted ones.
What it does not: measure, or read what runs remember of this machine (`kit.budget.cost_memory`):
that is in the scheduler's units, in which reading and answering are one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path

from kit.arc.json_file import Twice, read_json
from kit.engine.engine_costs import EngineCosts

_SECONDS, _SIGMAS, _REQUESTS = (1e-9, 1e5), (0, 3), (1, 10**5)
"""Least and most that is accepted of seconds, of spreads and of answers side by side."""

_RANGES: Mapping[str, tuple[float, float]] = {
    field.name: _SIGMAS if field.name.endswith("_sigma") else _SECONDS
    for field in fields(EngineCosts)
    if field.name != "source"
} | {"requests": _REQUESTS}


def given_costs(path: Path, predicted: EngineCosts) -> EngineCosts:
    """The predicted costs, with those that a file gives in their place.

    Raises:
        ValueError: not a JSON object of known costs within their ranges; says which.
    """
    given = read_json(path)
    if isinstance(given, Twice):
        raise ValueError(f"--costs {path}: {given.key!r} is there twice")
    if not isinstance(given, dict) or not given:
        raise ValueError(f"--costs {path}: an object of {', '.join(_RANGES)} is needed")
    for name, value in given.items():
        _check(path, name, value)
    rest = "" if given.keys() == _RANGES.keys() else f"; the rest: {predicted.source}"
    return replace(predicted, **given, source=f"{', '.join(given)} given by {path}{rest}")


def _check(path: Path, name: str, value: object) -> None:
    """Refuse what is no cost."""
    if name not in _RANGES:
        known = ", ".join(_RANGES)
        raise ValueError(f"--costs {path}: no cost is called {name!r}; there are {known}")
    low, high = _RANGES[name]
    kind, types = ("a whole number", (int,)) if name == "requests" else ("a number", (int, float))
    # By type, because True is an int as well.
    if type(value) not in types or not low <= value <= high:  # type: ignore[operator]
        allowed = f"{kind} of {low:g} to {high:g}"
        raise ValueError(f"--costs {path}: {name} must be {allowed}, got {value!r}")
