"""The wheel sets and their locks: which wheels, by hash, for which machines.

What it does: reads and writes `<set>.lock`, holds the wheels of a folder against it.
What it does not: need any package, so that it runs on a machine where nothing is installed yet.

A lock is a requirements file for pip and uv; each line's comment adds what both ignore:

    torch==2.13.0 --hash=sha256:<64 hex digits>  # torch-2.13.0-...whl 526123456 BSD-3-Clause
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

LOCKS = Path(__file__).resolve().parents[2] / "offline_wheels"

PYTHON = (3, 12)
"""Version of Kaggle's interpreter; the locks hold its wheels."""

GLIBC = (2, 35)
"""Newest glibc that a wheel may ask for: that of Ubuntu 22.04, on which Kaggle's image is built."""

_LINE = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+) --hash=sha256:(?P<sha256>[0-9a-f]{64})"
    r"  # (?P<file>\S+\.whl) (?P<size>\d+) (?P<licence>.+)"
)


class WheelError(ValueError):
    """Something about wheels that the user can put right; the message says how."""


@dataclass(frozen=True, slots=True)
class WheelSet:
    """Wheels that belong together.

    Attributes:
        min_driver: least version of the NVIDIA driver that runs its CUDA.
        cuda: major version of the CUDA runtime that every wheel must use.
        architectures: compute capabilities x 10 whose kernels torch and vLLM must bring.
        left_out: package that others ask for -> why it is not in the set.
    """

    name: str
    min_driver: tuple[int, int]
    cuda: int
    architectures: tuple[int, ...]
    left_out: Mapping[str, str]

    @property
    def lock(self) -> Path:
        """Where its lock lies."""
        return LOCKS / f"{self.name}.lock"


# T4 75, A100 80, L4 89, H100 and H200 90, RTX Pro 6000 120; 86 runs on 89 and the other way round
# where one of them is missing, because kernels run on later minor versions.
_CARDS = (75, 80, 89, 90, 120)

SETS: Mapping[str, WheelSet] = {
    "preferred": WheelSet(
        "preferred",
        (580, 65),
        13,
        _CARDS,
        {"xformers": "its newest wheel is built for CUDA 12; unsloth uses torch's attention"},
    ),
    "older-drivers": WheelSet(
        "older-drivers",
        (525, 60),
        12,
        _CARDS,
        {"torchao": "its newest wheel is built for CUDA 13; unsloth runs without it"},
    ),
}


@dataclass(frozen=True, slots=True)
class Pin:
    """One wheel of a lock.

    Attributes:
        name: as pip normalises it: lower case, dashes.
        size: of the file in bytes.
        licence: as its metadata say, "unknown" where they do not.
    """

    name: str
    version: str
    sha256: str
    file: str
    size: int
    licence: str

    def line(self) -> str:
        """Its line in a lock."""
        return (
            f"{self.name}=={self.version} --hash=sha256:{self.sha256}"
            f"  # {self.file} {self.size} {self.licence}"
        )


def read_lock(path: Path) -> tuple[Pin, ...]:
    """The wheels of a lock, in its order.

    Raises:
        WheelError: no such file, or a line that is none of a lock's.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise WheelError(f"{path}: {error.strerror}") from error
    pins = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise WheelError(f"{path}:{number}: not a line of a lock: {line[:80]!r}")
        found = match.groupdict()
        pins.append(Pin(**{**found, "size": int(found["size"])}))
    if not pins:
        raise WheelError(f"{path}: no wheel in it")
    return tuple(pins)


def write_lock(path: Path, pins: Iterable[Pin], title: str) -> None:
    """Write a lock, sorted by name."""
    lines = [f"# {title}", *(pin.line() for pin in sorted(pins, key=lambda pin: pin.name))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def missing_wheels(pins: Iterable[Pin], folder: Path) -> list[str]:
    """What keeps a folder from holding a lock's wheels, by names and sizes; one line a wheel."""
    problems = []
    for pin in pins:
        path = folder / pin.file
        if not path.is_file():
            problems.append(f"{pin.file}: missing")
        elif path.stat().st_size != pin.size:
            problems.append(f"{pin.file}: {path.stat().st_size} bytes, must be {pin.size}")
    return problems


def sha256_of(path: Path) -> str:
    """Hash of a file, as hex digits."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_whole(pin: Pin, folder: Path) -> bool:
    """Whether a folder holds a wheel, byte for byte."""
    path = folder / pin.file
    return path.is_file() and path.stat().st_size == pin.size and sha256_of(path) == pin.sha256
