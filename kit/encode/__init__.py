"""Grids to tokens and back; `open_encoding` picks the format of a model folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

from kit.arc.names import did_you_mean
from kit.encode.cells import CellEncoding
from kit.encode.encoding import Encoding
from kit.encode.formats import TEXT_FORMATS
from kit.encode.positions import Scheme
from kit.encode.text import TextEncoding

FORMAT_FILE = "arc_format.json"
FORMATS = ("cells", *TEXT_FORMATS)


class FormatError(ValueError):
    """No usable format for a model folder; the message says which ones there are."""


def open_encoding(
    folder: Path,
    name: str = "auto",
    max_tokens: int | None = None,
    positions: Scheme | None = None,
) -> Encoding:
    """The encoding of the model in `folder`.

    Args:
        name: one of FORMATS, or "auto" for the one named in the folder's arc_format.json.
        max_tokens: context in tokens; None for the format's own.
        positions: how "cells" counts positions, for engines that take no position ids; None for
            the folder's first choice. Text formats are always contiguous.
    Raises:
        FormatError: "auto" without arc_format.json, an unknown name or setting, or positions
            that this model was not trained on.
    """
    settings = _read_settings(folder)
    if name == "auto":
        if "format" not in settings:
            raise FormatError(
                f"{folder}: no {FORMAT_FILE} says which text format this model reads; "
                f"name one with --format ({', '.join(FORMATS)})"
            )
        name = settings["format"]
    if name not in FORMATS:
        hint = did_you_mean(str(name), FORMATS)
        raise FormatError(f"format must be one of {', '.join(FORMATS)}, got {name!r}{hint}")
    if name != "cells":
        if positions == "aligned":
            raise FormatError(f"format {name} knows contiguous positions only, got aligned")
        return TextEncoding(folder, name, max_tokens, settings)
    return CellEncoding(_positions(folder, settings, positions), max_tokens or 8192)


def _positions(folder: Path, settings: dict[str, Any], wanted: Scheme | None) -> Scheme:
    """The folder's positions: "positions" names the first choice, "also" what else works."""
    first = settings.get("positions", "aligned")
    known = [first, *settings.get("also", [])]
    for scheme in known:
        if scheme not in get_args(Scheme):
            raise FormatError(
                f"{folder / FORMAT_FILE}: positions must be {' or '.join(get_args(Scheme))}, "
                f"got {scheme!r}"
            )
    if wanted is not None and wanted not in known:
        raise FormatError(
            f"{folder}: this model was trained on {' and '.join(known)} positions, "
            f"not on {wanted} ones"
        )
    return wanted or first


def _read_settings(folder: Path) -> dict[str, Any]:
    path = folder / FORMAT_FILE
    if not path.is_file():
        return {}
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise FormatError(f"{path}: not valid JSON ({error})") from error
    if not isinstance(settings, dict):
        raise FormatError(f"{path}: must hold one JSON object, got {type(settings).__name__}")
    return settings
