"""Install a wheel set without a network: `python offline_wheels/install.py --env DIR`.

What it does: finds the attached wheels, chooses the set for this machine's driver, says what is
missing or does not fit, and installs into an environment of its own. Nothing of the machine's own
Python is changed or removed, so nothing there can break. A second call does nothing.
What it does not: need any package (it begins with uv from the wheels), or use the network.

Exit codes: 0 installed (or with --check: could be), 2 refused; the last line says why.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# The folder above holds the kit; its modules about GPUs and locks need no package.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from kit.gpus import Gpu, read_gpus
from kit.upload.wheel_lock import (
    PYTHON,
    SETS,
    Pin,
    WheelError,
    WheelSet,
    missing_wheels,
    read_lock,
    sha256_of,
)

INPUT = Path("/kaggle/input")

MARKER = "wheels.json"
"""In an environment that was installed whole: the set and the hash of its lock."""

_DEPTH = 5
"""Folders below the input that are looked into: `datasets/<owner>/<name>/wheels` are four."""

_SPARE_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class Source:
    """Attached wheels.

    Attributes:
        folder: holds the wheels and their lock.
    """

    wheels: WheelSet
    folder: Path

    @property
    def lock(self) -> Path:
        """The lock that came with the wheels."""
        return self.folder / f"{self.wheels.name}.lock"


def main(argv: Sequence[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="install.py", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--wheels", type=Path, metavar="DIR", help=f"where to look (default: below {INPUT})")
    add("--set", choices=tuple(SETS), help="which set (default: what the driver can run)")
    add("--env", type=Path, required=True, metavar="DIR", help="the environment to make")
    add("--python", type=Path, default=Path(sys.executable), help="its interpreter")
    add("--check", action="store_true", help="only say whether it could be installed")
    args = parser.parse_args(argv)
    try:
        sources = find_sources(args.wheels or INPUT)
        source = choose(sources, read_gpus(), args.set, args.wheels or INPUT)
        check_python(python_version(args.python))
        pins = read_lock(source.lock)
        check_files(pins, source)
        if is_installed(args.env, source):
            print(f"{args.env} holds the set {source.wheels.name} already")
            return 0
        check_space(pins, source, args.env)
        if not args.check:
            seconds = install(pins, source, args.env, args.python)
            print(f"installed {len(pins)} wheels in {seconds:.0f} s: {args.env}")
    except (WheelError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def python_version(python: Path) -> tuple[int, ...]:
    """Major and minor version of an interpreter.

    Raises:
        WheelError: it does not run.
    """
    code = "import sys; print(*sys.version_info[:2])"
    try:
        ran = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise WheelError(f"{python}: no Python that runs") from error
    return tuple(map(int, ran.stdout.split()))


def check_python(version: tuple[int, ...]) -> None:
    """Refuse an interpreter that the wheels are not for.

    Raises:
        WheelError: it is not Kaggle's present version.
    """
    if version != PYTHON:
        needed, got = (".".join(map(str, numbers)) for numbers in (PYTHON, version))
        raise WheelError(
            f"the wheels are for Python {needed}, this is {got}: choose the newest image in the "
            "notebook's settings (Environment), or name another interpreter with --python"
        )


def find_sources(root: Path) -> list[Source]:
    """The folders below `root` that hold a lock and wheels, best set first."""
    found = []
    for folder, names, files in os.walk(root):
        if len(Path(folder).relative_to(root).parts) >= _DEPTH:
            names.clear()
        names.sort()
        if any(name.endswith(".whl") for name in files):
            found += [Source(s, Path(folder)) for s in SETS.values() if s.lock.name in files]
    return sorted(found, key=lambda source: list(SETS).index(source.wheels.name))


def choose(sources: list[Source], gpus: list[Gpu], name: str | None, root: Path) -> Source:
    """The wheels that run on this machine.

    Raises:
        WheelError: none are attached, or none runs with this GPU and its driver.
    """
    sources = [source for source in sources if name in (None, source.wheels.name)]
    if not sources:
        what = f"the set {name}" if name else f"a set ({', '.join(SETS)})"
        raise WheelError(f"no wheels of {what} below {root}: attach the dataset that holds them")
    for gpu in gpus:
        if problem := gpu.problem():
            raise WheelError(problem)
    for source in sources:
        if all(gpu.driver >= source.wheels.min_driver for gpu in gpus):
            return source
    driver = ".".join(map(str, gpus[0].driver))
    needs = [f"{s.wheels.name} needs {'.'.join(map(str, s.wheels.min_driver))}" for s in sources]
    others = [s.name for s in SETS.values() if gpus[0].driver >= s.min_driver]
    hint = f"attach the set {others[0]}" if others else "no set runs with it"
    raise WheelError(f"the driver is {driver}, but {', '.join(needs)}: {hint}")


def check_files(pins: Sequence[Pin], source: Source) -> None:
    """Refuse wheels of which some are missing or not whole.

    Raises:
        WheelError: names up to ten of them.
    """
    problems = missing_wheels(pins, source.folder)
    if problems:
        more = f"\n  and {len(problems) - 10} more" if len(problems) > 10 else ""
        raise WheelError(
            f"{len(problems)} of {len(pins)} wheels are not in {source.folder}:\n  "
            + "\n  ".join(problems[:10])
            + f"{more}\n  build.py fetches them where there is a network"
        )


def check_space(pins: Sequence[Pin], source: Source, env: Path) -> None:
    """Refuse a disk that the unpacked wheels do not fit on.

    Raises:
        WheelError: says how much there is and how much is needed.
    """
    parent = next(path for path in (env, *env.absolute().parents) if path.exists())
    free = shutil.disk_usage(parent).free
    needed = sum(_unpacked_bytes(source.folder / pin.file) for pin in pins) + _SPARE_BYTES
    if free < needed:
        raise WheelError(
            f"{parent} has {free / 2**30:.1f} GiB free, the set {source.wheels.name} needs "
            f"{needed / 2**30:.1f} GiB: give --env on another disk"
        )


def _unpacked_bytes(path: Path) -> int:
    """Size of a wheel's files."""
    try:
        with zipfile.ZipFile(path) as wheel:
            return sum(entry.file_size for entry in wheel.infolist())
    except zipfile.BadZipFile as error:
        raise WheelError(f"{path}: damaged; fetch it again with build.py") from error


def is_installed(env: Path, source: Source) -> bool:
    """Whether an environment already holds just these wheels."""
    try:
        known = json.loads((env / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(known, dict) and known.get("lock") == sha256_of(source.lock)


def install(pins: Sequence[Pin], source: Source, env: Path, python: Path) -> float:
    """Make the environment; the seconds it took.

    Raises:
        WheelError: it could not be made; a wheel with another hash than its lock's is named.
    """
    began_s = time.monotonic()
    if env.exists():
        shutil.rmtree(env)
    env.parent.mkdir(parents=True, exist_ok=True)
    print(f"installing {len(pins)} wheels of the set {source.wheels.name} into {env}", flush=True)
    uv = next((pin for pin in pins if pin.name == "uv"), None)
    # --no-deps: the lock is complete, and leaves out what must not be there.
    rest = ["install", "--no-index", "--no-deps", "--require-hashes", "--requirement"]
    rest += [str(source.lock), "--find-links", str(source.folder)]
    if uv is None:
        _call([python, "-m", "venv", "--without-pip", env])
        _call([python, "-m", "pip", "--python", env / "bin" / "python", *rest])
    else:
        tool = _unpack_uv(source.folder / uv.file, env.with_name(env.name + ".uv"))
        _call([tool, "venv", "--quiet", "--python", python, env])
        _call([tool, "pip", *rest, "--quiet", "--python", env / "bin" / "python"])
        shutil.rmtree(tool.parent)
    marker = {"set": source.wheels.name, "lock": sha256_of(source.lock)}
    (env / MARKER).write_text(json.dumps(marker), encoding="utf-8")
    return time.monotonic() - began_s


def _unpack_uv(wheel: Path, folder: Path) -> Path:
    """The program uv out of its wheel."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with zipfile.ZipFile(wheel) as files:
        name = next(n for n in files.namelist() if n.endswith(".data/scripts/uv"))
        (folder / "uv").write_bytes(files.read(name))
    (folder / "uv").chmod(0o755)
    return folder / "uv"


def _call(command: Sequence[str | Path]) -> None:
    """Run a step of the installation without network or settings of the machine.

    Raises:
        WheelError: it failed; with its last lines.
    """
    words = [str(word) for word in command]
    settings = {"UV_OFFLINE": "1", "UV_NO_CONFIG": "1", "UV_PYTHON_DOWNLOADS": "never"}
    if Path(words[0]).name == "uv":
        # On the environment's disk, so that files are linked and not copied; removed afterwards.
        settings["UV_CACHE_DIR"] = str(Path(words[0]).parent / "cache")
    own = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "UV_"))}
    settings |= {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    ran = subprocess.run(words, env=own | settings, capture_output=True, text=True, check=False)
    if ran.returncode:
        last = "\n  ".join(ran.stderr.strip().splitlines()[-8:])
        raise WheelError(f"{Path(words[0]).name} could not install:\n  {last}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
