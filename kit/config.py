"""Every option of a run: one frozen dataclass per stage, presets, and `key=value` overrides.

What it does: composes the stages' own options, reads overrides by the type of the field they set,
writes the result as JSON. What it does not: hold what is not an option of the method (tasks,
folders, resuming); those are arguments of the entry point.

    config = make_config("cpu", ["finetune.lr=5e-4", "budget.time_s=60"])
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from kit.arc.names import did_you_mean
from kit.augment.settings import AugmentConfig
from kit.budget.settings import BudgetConfig
from kit.finetune.trainer import FinetuneConfig
from kit.generate.decode import GenerateConfig
from kit.induce.writing.settings import WritingConfig
from kit.presets import PRESETS
from kit.rank.choose import RankConfig
from kit.solve.toolbox import SolveConfig
from kit.workers.executor import WorkersConfig


class ConfigError(ValueError):
    """An option that cannot be used; the message says what, what was given and what is allowed."""


@dataclass(frozen=True, slots=True)
class Config:
    """All options of one run.

    Attributes:
        seed: of every draw in the run.
    """

    seed: int = 0
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)
    generate: GenerateConfig = field(default_factory=GenerateConfig)
    rank: RankConfig = field(default_factory=RankConfig)
    budget: BudgetConfig = field(default_factory=BudgetConfig)
    solve: SolveConfig = field(default_factory=SolveConfig)
    programs: WritingConfig = field(default_factory=WritingConfig)
    workers: WorkersConfig = field(default_factory=WorkersConfig)


def make_config(preset: str = "cpu", overrides: Iterable[str] = ()) -> Config:
    """The options of a preset with overrides on top; a later override wins.

    Raises:
        ConfigError: no such preset, an unknown key, or a value of the wrong type.
    """
    if preset not in PRESETS:
        raise ConfigError(
            f"--preset {preset}: no such preset{nearest(preset, PRESETS)}; "
            f"there are {', '.join(PRESETS)}"
        )
    return apply_overrides(apply_overrides(Config(), PRESETS[preset]), overrides)


def apply_overrides(config: Config, overrides: Iterable[str]) -> Config:
    """The options with each `section.field=value` (or `seed=value`) changed; a later one wins.

    Raises:
        ConfigError: one is not of that form, an unknown key, or a value of the wrong type; or the
            values of a section do not go together.
    """
    # Read first, then set a section at once: a value may be right only together with a later one.
    sections: dict[str, dict[str, tuple[str, Any]]] = {}
    for override in overrides:
        key, text, value = _parse_override(override)
        section, _, name = key.rpartition(".")
        sections.setdefault(section, {})[name] = (f"{key}={text}", value)
    for section, changes in sections.items():
        values = {name: value for name, (_, value) in changes.items()}
        try:
            if section:
                values = {section: dataclasses.replace(getattr(config, section), **values)}
            config = dataclasses.replace(config, **values)
        except ValueError as error:
            named = any(f"{section}.{name}" in str(error) for name in changes)
            where = "" if named else " ".join(word for word, _ in changes.values()) + ": "
            raise ConfigError(f"{where}{error}") from error
    return config


def _parse_override(override: str) -> tuple[str, str, Any]:
    """Key, text and value of one `key=value`.

    Raises:
        ConfigError: not of that form, an unknown key, or a value of the wrong type.
    """
    key, equals, text = override.partition("=")
    keys = option_types(Config)
    if not equals:
        raise ConfigError(f"{override!r}: an option is written key=value, e.g. finetune.lr=1e-4")
    if key not in keys:
        raise ConfigError(
            f"{key}: no such option{nearest(key, keys)}; "
            f"sections are {', '.join(f.name for f in dataclasses.fields(Config))}"
        )
    return key, text, _parse_value(key, text.strip(), keys[key])


def option_types(owner: type, prefix: str = "") -> dict[str, Any]:
    """Dotted name -> annotation of every option below a dataclass."""
    leaves: dict[str, Any] = {}
    for name, annotation in typing.get_type_hints(owner).items():
        if dataclasses.is_dataclass(annotation):
            leaves |= option_types(typing.cast(type, annotation), f"{prefix}{name}.")
        else:
            leaves[prefix + name] = annotation
    return leaves


def _parse_value(key: str, text: str, annotation: Any) -> Any:
    """The value spelled by `text` for a field of that type.

    Raises:
        ConfigError: it spells none; the message lists what is allowed.
    """
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return _parse_choice(key, text, args)
    if origin is tuple:
        items = [item.strip() for item in text.split(",") if item.strip()]
        return tuple(_parse_value(key, item, args[0]) for item in items)
    if origin in (typing.Union, types.UnionType):
        if text.lower() == "none" and type(None) in args:
            return None
        return _parse_value(key, text, next(a for a in args if a is not type(None)))
    if annotation is bool:
        return _parse_choice(key, text.lower(), (True, False))
    if annotation in (int, float):
        return _parse_number(key, text, annotation)
    return annotation(text)


def _parse_choice(key: str, text: str, allowed: Sequence[Any]) -> Any:
    """The allowed value whose text is `text`."""
    by_text = {
        str(value).lower() if isinstance(value, bool) else str(value): value for value in allowed
    }
    if text not in by_text:
        raise ConfigError(
            f"{key}={text}: not allowed{nearest(text, by_text)}; allowed are {', '.join(by_text)}"
        )
    return by_text[text]


def _parse_number(key: str, text: str, kind: type) -> int | float:
    """A finite number."""
    try:
        value = kind(text)
    except ValueError as error:
        what = "a whole number" if kind is int else "a number"
        raise ConfigError(f"{key}={text}: must be {what}") from error
    if value != value or value in (float("inf"), float("-inf")):
        raise ConfigError(f"{key}={text}: must be finite")
    return value


def nearest(word: str, known: Iterable[str]) -> str:
    """A question like `(did you mean x?)` for the closest known name; "" when none is close."""
    names = list(known)
    if hint := did_you_mean(word, names):
        return hint
    # The right field in the wrong section, or no section at all.
    ends = {name.rpartition(".")[2]: name for name in reversed(names)}
    near = difflib.get_close_matches(word.rpartition(".")[2], ends, n=1)
    return did_you_mean(ends[near[0]], names) if near else ""


def to_json(config: Config) -> dict[str, Any]:
    """The options as JSON values, by section."""
    return _json_value(dataclasses.asdict(config))


def _json_value(value: Any) -> Any:
    """Paths to text and tuples to lists, at any depth."""
    if isinstance(value, dict):
        return {key: _json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    return str(value) if isinstance(value, Path) else value


_UNITS_S = {"h": 3600.0, "m": 60.0, "s": 1.0}


def parse_duration(text: str, option: str = "--time-budget") -> float:
    """Seconds of "90s", "10m", "12h", "1h30m" or "90" (seconds); `option` is named in errors.

    Raises:
        ConfigError: another form, zero or negative.
    """
    number = r"(\d+(?:\.\d+)?)"
    given = text.strip().lower()
    with_unit = given + "s" if re.fullmatch(number, given, re.ASCII) else given
    pattern = rf"(?:{number}h)?(?:{number}m)?(?:{number}s)?"
    match = re.fullmatch(pattern, with_unit, re.ASCII)
    parts = match.groups() if match else ()
    if not any(part is not None for part in parts):
        raise ConfigError(
            f"{option} {text!r}: not a duration; write 90s, 10m, 12h or 1h30m (above zero)"
        )
    seconds = sum(
        float(part) * unit
        for part, unit in zip(parts, _UNITS_S.values(), strict=True)
        if part is not None
    )
    if not 0 < seconds < float("inf"):
        raise ConfigError(f"{option} {text!r}: must be above zero")
    return seconds


def format_duration(seconds: float) -> str:
    """A duration for people: "45s", "9m 30s", "11h 30m"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m" + (f" {whole % 60}s" if whole % 60 else "")
    return f"{whole // 3600}h" + (f" {whole % 3600 // 60}m" if whole % 3600 // 60 else "")
