"""JSON objects as lines that carry a checksum, for files that a dying process may leave torn.

What it does: makes a line of an object and reads it back, or says that it is damaged. What it does
not: know what the object holds, or open files.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any


def encode_line(value: Mapping[str, Any]) -> bytes:
    """The line of an object with at least one field, line end included; its last field is the CRC32
    of everything else in it.

    Raises:
        TypeError, ValueError: a value that JSON has no form for.
    """
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return f'{text[:-1]},"crc":"{zlib.crc32(text.encode()):08x}"}}\n'.encode()


def decode_line(line: bytes) -> dict[str, Any] | None:
    """The object on a line without its line end, the checksum left out; None where it is
    damaged."""
    text, mark, tail = line.rpartition(b',"crc":"')
    text += b"}"
    if not mark or tail != f'{zlib.crc32(text):08x}"}}'.encode():
        return None
    return json.loads(text)
