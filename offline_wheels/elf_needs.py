"""What a shared library asks the loader for: the NEEDED entries of an ELF file.

What it does: reads 64-bit little-endian ELF files, which is what wheels for Linux on x86-64 hold.
What it does not: follow them, or read other files.

Source: the System V ABI, chapters "Object Files" and "Dynamic Linking".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from mmap import mmap

_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NULL, _DT_NEEDED, _DT_STRTAB = 0, 1, 5


def needed(data: bytes | mmap) -> tuple[str, ...]:
    """Names of the libraries that an ELF file needs, in its order; () for any other file.

    Raises:
        ValueError: an ELF file that ends in the middle.
    """
    if data[:6] != b"\x7fELF\x02\x01":
        return ()
    try:
        segments = list(_segments(data))
        return tuple(_names(data, segments))
    except struct.error as error:
        raise ValueError("an ELF file that is cut off") from error


def _segments(data: bytes | mmap) -> Iterator[tuple[int, int, int, int]]:
    """Kind, offset in the file, address and size of each program header."""
    (start,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for index in range(count):
        kind, _, offset, address, _, length = struct.unpack_from(
            "<IIQQQQ", data, start + index * size
        )
        yield kind, offset, address, length


def _names(data: bytes | mmap, segments: list[tuple[int, int, int, int]]) -> Iterator[str]:
    """The strings that the dynamic section's NEEDED entries point at."""
    entries = [
        struct.unpack_from("<QQ", data, offset + at)
        for kind, offset, _, length in segments
        if kind == _PT_DYNAMIC
        for at in range(0, length, 16)
    ]
    strings = next((value for tag, value in entries if tag == _DT_STRTAB), None)
    if strings is None:
        return
    table = _offset_of(strings, segments)
    for tag, value in entries:
        if tag == _DT_NULL:
            return
        if tag == _DT_NEEDED:
            end = data.find(b"\0", table + value)
            yield data[table + value : end].decode("ascii")


def _offset_of(address: int, segments: list[tuple[int, int, int, int]]) -> int:
    """Where in the file an address is loaded from."""
    for kind, offset, start, length in segments:
        if kind == _PT_LOAD and start <= address < start + length:
            return offset + address - start
    raise struct.error("an address outside every segment")
