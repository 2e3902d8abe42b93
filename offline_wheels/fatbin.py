"""Which GPUs a shared library has code for: the headers of the fat binaries inside it.

What it does: finds each fat binary by its magic number and walks its entries.
What it does not: unpack, check or run the code.

Source: layout as the files of CUDA 12 and 13 show it (no public specification): a header of
magic u32, version u16, header size u16, body size u64; then entries of kind u16 (1 PTX, 2 machine
code), version u16, header size u32, body size u64, ..., architecture u32 at byte 28.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from mmap import mmap

MAGIC = struct.pack("<I", 0xBA55ED50)
PTX, MACHINE_CODE = 1, 2

_SMALLEST_ENTRY, _LARGEST_HEADER = 32, 4096
_OLDEST, _NEWEST = 30, 199


def code_bytes(data: bytes | mmap) -> dict[tuple[int, int], int]:
    """(kind, architecture) -> bytes of code in a file; empty where there is none.

    Architectures are compute capabilities x 10; machine code runs on its own major version from
    its own minor version on, PTX is compiled by the driver for anything newer.
    """
    found: Counter[tuple[int, int]] = Counter()
    at = data.find(MAGIC)
    while at >= 0:
        for kind, architecture, size in _entries(data, at):
            found[kind, architecture] += size
        at = data.find(MAGIC, at + len(MAGIC))
    return dict(sorted(found.items()))


def runs_on(code: dict[tuple[int, int], int], architecture: int) -> str:
    """How code runs on a GPU: "machine code", "PTX" (compiled at the first start), "" for not."""
    for kind, built in code:
        if (
            kind == MACHINE_CODE
            and built // 10 == architecture // 10
            and built % 10 <= architecture % 10
        ):
            return "machine code"
    return "PTX" if any(kind == PTX and built <= architecture for kind, built in code) else ""


def _entries(data: bytes | mmap, start: int) -> Iterator[tuple[int, int, int]]:
    """Kind, architecture and size of each entry of the fat binary at `start`; nothing for bytes
    that only look like the magic number."""
    if start + 16 > len(data):
        return
    _, header, body = struct.unpack_from("<HHQ", data, start + 4)
    end = start + header + body
    if not 16 <= header <= _LARGEST_HEADER or end > len(data):
        return
    at = start + header
    while at + _SMALLEST_ENTRY <= end:
        kind, _, entry_header, size = struct.unpack_from("<HHIQ", data, at)
        (architecture,) = struct.unpack_from("<I", data, at + 28)
        plausible = _SMALLEST_ENTRY <= entry_header <= _LARGEST_HEADER
        if not plausible or at + entry_header + size > end:
            return
        if kind in (PTX, MACHINE_CODE) and _OLDEST <= architecture <= _NEWEST:
            yield kind, architecture, size
        at += entry_header + size
