"""Frozen dataclasses as plain JSON values and back, guided by their annotations.

Used on the pipe between a run and its workers, which are the same version of the same code.
It does not validate what a user wrote, and keeps no format stable between versions.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from kit.arc.grid import Grid

T = TypeVar("T")

_PLAIN = frozenset({type(None), bool, int, float, str})


def to_plain(value: object) -> Any:
    """`value` as dicts, lists, strings and numbers; `json.dumps` accepts it (inf included).

    Raises:
        TypeError: something in it is neither plain nor a dataclass, Path, mapping or tuple.
    """
    if type(value) in _PLAIN or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        # Most of what is sent are rows of grids: they are not looked at cell by cell.
        plain = _PLAIN.issuperset(map(type, value))
        return list(value) if plain else [to_plain(held) for held in value]
    names = _field_names(type(value))
    if names is not None:
        return {name: to_plain(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(key): to_plain(held) for key, held in value.items()}
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"a {type(value).__name__} cannot cross a process boundary: {value!r:.80}")


@cache
def _field_names(kind: type) -> tuple[str, ...] | None:
    """Of a dataclass; None for any other type."""
    if not dataclasses.is_dataclass(kind):
        return None
    return tuple(field.name for field in dataclasses.fields(kind))


def from_plain(kind: type[T], value: Any) -> T:
    """The `kind` that `to_plain` was given.

    Raises:
        TypeError: `value` does not have the form of a `kind`.
    """
    return _build(kind, value)


def _build(kind: Any, value: Any) -> Any:
    if kind == Grid:
        return tuple(map(tuple, value))
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _build_optional(kind, value)
    if origin is tuple:
        return _build_tuple(get_args(kind), value)
    if origin is not None and origin is not Literal and issubclass(origin, Mapping):
        held = get_args(kind)[1]
        return {key: _build(held, inner) for key, inner in value.items()}
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise TypeError(f"expected the fields of {kind.__name__}, got {value!r:.80}")
        hints = _hints(kind)
        return kind(**{name: _build(hints[name], held) for name, held in value.items()})
    if kind is Path:
        return Path(value)
    if kind is float:
        return float(value)
    return value


def _build_optional(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    options = [option for option in get_args(kind) if option is not type(None)]
    return _build(options[0], value) if len(options) == 1 else value


def _build_tuple(kinds: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if kinds[-1] is Ellipsis:
        return tuple(_build(kinds[0], held) for held in value)
    return tuple(_build(kind, held) for kind, held in zip(kinds, value, strict=True))


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
