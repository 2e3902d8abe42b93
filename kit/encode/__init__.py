"""Grids to tokens and back; `open_encoding` picks the format of a model folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kit.arc.names import did_you_mean
from kit.encode.cells import CellEncoding
from kit.encode.encoding import Encoding
from kit.encode.formats import TEXT_FORMATS
from kit.encode.text import TextEncoding

FORMAT_FILE = "arc_format.json"
FORMATS = ("cells", *TEXT_FORMATS)


class FormatError(ValueError):
    """No usable format for a model folder; the message says which ones there are."""


def open_encoding(folder: Path, name: str = "auto", max_tokens: int | None = None) -> Encoding:
    """The encoding of the model in `folder`.

    Args:
        name: one of FORMATS, or "auto" for the one named in the folder's arc_format.json.
        max_tokens: context in tokens; None for the format's own.
    Raises:
        FormatError: "auto" without arc_format.json, or an unknown name or setting.
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
        return TextEncoding(folder, name, max_tokens, settings)
    positions = settings.get("positions", "aligned")
    if positions not in ("aligned", "contiguous"):
        raise FormatError(
            f"{folder / FORMAT_FILE}: positions must be aligned or contiguous, got {positions!r}"
        )
    return CellEncoding(positions, max_tokens or 8192)


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
