"""Download the wheels of a set: `python offline_wheels/build.py --set preferred --out DIR`.

What it does: fetches with pip what a folder lacks of a lock, checks every hash, and can be stopped
and started again. With `--relock` it first resolves `<set>.in` anew (needs uv) and writes the lock
from the wheels that came. Any Python 3.11 or newer on any system will do; the wheels are always
those for Kaggle's Python and Linux.
What it does not: install anything, or touch other files of the folder.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

# The folder above holds the kit; its module about locks needs no package.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from kit.upload.wheel_lock import (
    GLIBC,
    PYTHON,
    SETS,
    Pin,
    WheelError,
    WheelSet,
    read_lock,
    sha256_of,
    write_lock,
)

BATCH = 10
"""Wheels fetched by one call of pip; what a call has fetched is kept when a later one fails."""

_TITLES = {
    "Apache-2.0": "Apache License Version 2.0",
    "MIT": "Permission is hereby granted, free of charge",
    "BSD-3-Clause": "Neither the name of",
}
"""Licence -> words of its text."""

_PYTHON_TEXT = ".".join(map(str, PYTHON))


@dataclass(frozen=True, slots=True)
class Wanted:
    """One wheel to have: any file with one of the hashes."""

    name: str
    version: str
    hashes: tuple[str, ...]

    def line(self) -> str:
        """Its line in a requirements file."""
        return " ".join(
            [f"{self.name}=={self.version}", *(f"--hash=sha256:{h}" for h in self.hashes)]
        )


def main(argv: Sequence[str]) -> int:
    """The command; exit code 0 done, 2 for what could not be fetched."""
    parser = argparse.ArgumentParser(prog="build.py", description=__doc__.splitlines()[0])
    parser.add_argument("--set", choices=tuple(SETS), default="preferred", help="which wheels")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where they go")
    parser.add_argument("--relock", action="store_true", help="resolve the set's input anew (uv)")
    args = parser.parse_args(argv)
    try:
        chosen = SETS[args.set]
        args.out.mkdir(parents=True, exist_ok=True)
        wanted = resolve(chosen) if args.relock else from_lock(chosen.lock)
        files = fetch(wanted, args.out)
        if args.relock:
            title = f"{chosen.name}: wheels for Python {_PYTHON_TEXT}, made by build.py --relock"
            write_lock(chosen.lock, [pin_of(path) for path in files], title)
        shutil.copy(chosen.lock, args.out)
    except (WheelError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    size = sum(path.stat().st_size for path in files)
    print(f"{len(files)} wheels, {size / 1e9:.2f} GB in {args.out}; every hash is right")
    return 0


def from_lock(path: Path) -> list[Wanted]:
    """What a lock asks for."""
    return [Wanted(pin.name, pin.version, (pin.sha256,)) for pin in read_lock(path)]


def resolve(chosen: WheelSet) -> list[Wanted]:
    """What the input of a set asks for today, with all that it needs; any file of a version.

    Raises:
        WheelError: there is no uv, or the input cannot be satisfied.
    """
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        raise WheelError("--relock needs uv: pip install uv")
    source = chosen.lock.with_suffix(".in")
    with tempfile.TemporaryDirectory() as name:
        overrides = Path(name) / "overrides.txt"
        # A marker that is never true takes a package out of the answer.
        never = [f'{package}; python_version < "3"' for package in chosen.left_out]
        overrides.write_text("\n".join(never), encoding="utf-8")
        command = [
            uv, "pip", "compile", str(source), "--override", str(overrides), "--generate-hashes",
            "--python-version", _PYTHON_TEXT, "--only-binary", ":all:", "--quiet", "--no-header",
            "--python-platform", f"x86_64-manylinux_{GLIBC[0]}_{GLIBC[1]}", "--no-annotate",
        ]  # fmt: skip
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise WheelError(f"{source.name} cannot be satisfied:\n{ran.stderr.strip()}")
    return [
        Wanted(head.group(1), head.group(2), tuple(re.findall(r"sha256:([0-9a-f]{64})", entry)))
        for entry in ran.stdout.replace("\\\n", " ").splitlines()
        if (head := re.match(r"([a-z0-9._-]+)==(\S+)", entry))
    ]


def fetch(wanted: Sequence[Wanted], out: Path) -> list[Path]:
    """The wheels of a folder that were wanted, after fetching those that it lacked.

    Raises:
        WheelError: pip could not fetch one, or what it fetched has another hash.
    """
    have = {sha256_of(path): path for path in sorted(out.glob("*.whl"))}
    lacking = [want for want in wanted if not have.keys() & set(want.hashes)]
    print(f"{len(wanted) - len(lacking)} of {len(wanted)} wheels are there", flush=True)
    for at in range(0, len(lacking), BATCH):
        batch = lacking[at : at + BATCH]
        print(f"fetching {', '.join(f'{want.name} {want.version}' for want in batch)}", flush=True)
        have |= {sha256_of(path): path for path in _download(batch, out)}
    return [have[sha] for want in wanted for sha in want.hashes if sha in have]


def _download(batch: Sequence[Wanted], out: Path) -> Iterator[Path]:
    """Fetch a few wheels into a folder of their own, then move them: no file is ever half there."""
    platforms = [f"manylinux_{GLIBC[0]}_{minor}_x86_64" for minor in range(GLIBC[1], 4, -1)]
    platforms += [f"manylinux{year}_x86_64" for year in (2014, 2010, 1)]
    with tempfile.TemporaryDirectory(dir=out, prefix=".fetching-") as name:
        lines = Path(name) / "wanted.txt"
        lines.write_text("\n".join(want.line() for want in batch) + "\n", encoding="utf-8")
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
            "--no-deps", "--only-binary=:all:", "--require-hashes", "--no-cache-dir",
            "--implementation", "cp", "--python-version", _PYTHON_TEXT, "--dest", name,
            *(word for platform in platforms for word in ("--platform", platform)),
            "--requirement", str(lines),
        ]  # fmt: skip
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if ran.returncode:
            errors = [line for line in ran.stderr.splitlines() if not line.startswith("WARNING")]
            raise WheelError("pip could not fetch them:\n" + "\n".join(errors[-8:]))
        for path in sorted(Path(name).glob("*.whl")):
            yield path.replace(out / path.name)


def pin_of(path: Path) -> Pin:
    """The line that a lock has for a wheel.

    Raises:
        WheelError: it is no wheel.
    """
    try:
        with zipfile.ZipFile(path) as wheel:
            found = [n for n in wheel.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", n)]
            fields = HeaderParser().parsestr(wheel.read(found[0]).decode("utf-8", "replace"))
            texts = [n for n in wheel.namelist() if re.search(r"\.dist-info/.*LICENSE", n, re.I)]
            text = wheel.read(texts[0]).decode("utf-8", "replace") if texts else ""
    except (zipfile.BadZipFile, IndexError) as error:
        raise WheelError(f"{path}: not a wheel") from error
    return Pin(
        name=re.sub(r"[-_.]+", "-", fields["Name"]).lower(),
        version=fields["Version"],
        sha256=sha256_of(path),
        file=path.name,
        size=path.stat().st_size,
        licence=_licence(fields, text),
    )


def _licence(fields: Message, text: str) -> str:
    """A licence in a few words: the expression, else what the classifiers say, else the field when
    it is short, else the title of the licence's text."""
    if expression := fields.get("License-Expression"):
        return str(expression).strip()
    classifiers = [str(line) for line in fields.get_all("Classifier", [])]
    named = [c.rpartition(" :: ")[2] for c in classifiers if c.startswith("License :: ")]
    named = [name for name in named if name != "OSI Approved"]
    if named:
        return ", ".join(named)
    field = str(fields.get("License") or "").strip().partition("\n")[0]
    if 0 < len(field) <= 60:
        return field
    known = [name for name, words in _TITLES.items() if words in " ".join(text.split())[:3000]]
    return f"{known[0]} (by its text)" if known else "unknown"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
