"""Which GPUs a file has code for.

pytest tests/offline_wheels/test_fatbin.py
"""

from __future__ import annotations

import struct

import pytest
from fatbin import MACHINE_CODE, MAGIC, PTX, code_bytes, runs_on
from hypothesis import given
from hypothesis import strategies as st


def entry(kind: int, architecture: int, size: int) -> bytes:
    """One entry with a header of 64 bytes."""
    head = struct.pack("<HHIQ", kind, 0x0101, 64, size).ljust(28, b"\0")
    return (head + struct.pack("<I", architecture)).ljust(64, b"\0") + b"\7" * size


def fat(*entries: bytes) -> bytes:
    """One fat binary."""
    body = b"".join(entries)
    return MAGIC + struct.pack("<HHQ", 1, 16, len(body)) + body


entries = st.lists(
    st.tuples(
        st.sampled_from((PTX, MACHINE_CODE)), st.sampled_from((75, 80, 90)), st.integers(0, 99)
    ),
    max_size=6,
)


@given(entries, entries, st.binary(max_size=40))
def test_all_code_of_all_fat_binaries_is_counted(
    first: list[tuple[int, int, int]], second: list[tuple[int, int, int]], noise: bytes
) -> None:
    noise = noise.replace(MAGIC[:1], b"")
    data = noise + fat(*(entry(*e) for e in first)) + noise + fat(*(entry(*e) for e in second))
    wanted: dict[tuple[int, int], int] = {}
    for kind, architecture, size in (*first, *second):
        wanted[kind, architecture] = wanted.get((kind, architecture), 0) + size
    assert code_bytes(data) == wanted


@given(st.binary(max_size=60), st.integers(0, 60))
def test_bytes_that_only_look_like_one_are_passed_over(noise: bytes, cut: int) -> None:
    whole = fat(entry(MACHINE_CODE, 75, 8))
    assert code_bytes(MAGIC + noise + b"\xff" * 40) == {}
    assert code_bytes(whole[: len(whole) - 1 - cut]) == {}


@pytest.mark.parametrize(
    ("code", "card", "how"),
    [
        ({(MACHINE_CODE, 75): 1}, 75, "machine code"),
        # A later minor version of the same major one runs it, an earlier one does not.
        ({(MACHINE_CODE, 80): 1}, 89, "machine code"),
        ({(MACHINE_CODE, 89): 1}, 80, ""),
        ({(MACHINE_CODE, 80): 1}, 90, ""),
        ({(MACHINE_CODE, 80): 1, (PTX, 80): 1}, 120, "PTX"),
        ({(PTX, 80): 1}, 75, ""),
        ({}, 75, ""),
    ],
)
def test_what_runs_on_a_card(code: dict[tuple[int, int], int], card: int, how: str) -> None:
    assert runs_on(code, card) == how
