"""The libraries that an ELF file needs.

pytest tests/offline_wheels/test_elf_needs.py
"""

from __future__ import annotations

import struct

import pytest
from elf_needs import needed
from hypothesis import given
from hypothesis import strategies as st

_BASE = 0x400000
"""Where the one segment is loaded, so that addresses and offsets in the file differ."""


def elf(names: list[str]) -> bytes:
    """The smallest ELF file that needs these libraries."""
    strings = b"\0" + b"".join(name.encode() + b"\0" for name in names)
    at = 64 + 2 * 56
    offsets = [1 + sum(len(n) + 1 for n in names[:i]) for i in range(len(names))]
    dynamic = b"".join(struct.pack("<QQ", 1, offset) for offset in offsets)
    dynamic += struct.pack("<QQ", 5, _BASE + at) + struct.pack("<QQ", 0, 0)
    # What follows the end of the section is no entry of it.
    dynamic += struct.pack("<QQ", 1, 1)
    size = at + len(strings) + len(dynamic)
    head = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    head += struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 4096)
    start = at + len(strings)
    length = len(dynamic)
    table = struct.pack("<IIQQQQQQ", 2, 6, start, _BASE + start, 0, length, length, 8)
    return head + load + table + strings + dynamic


@given(st.lists(st.from_regex(r"lib[a-z]{1,9}\.so\.[0-9]{1,2}", fullmatch=True), max_size=5))
def test_names_come_out_in_their_order(names: list[str]) -> None:
    assert needed(elf(names)) == tuple(names)


def test_other_files_need_nothing() -> None:
    assert needed(b"") == needed(b"#!/bin/sh\n") == needed(b"\x7fELF\x01\x01 32 bits") == ()


def test_a_file_that_is_cut_off_is_said_to_be() -> None:
    with pytest.raises(ValueError, match="cut off"):
        needed(elf(["libcudart.so.13"])[:100])
