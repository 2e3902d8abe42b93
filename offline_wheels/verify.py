"""Prove a wheel set without a GPU: `python offline_wheels/verify.py --wheels DIR --env DIR`.

What it does: holds every hash, installs into a fresh environment without network as the notebook
does, runs `pip check`, reads what every shared library needs and which GPUs it has code for, and
imports the engines without network.
What it does not: show that kernels start, that the driver fits, or how much memory they take; only
a machine with the GPU shows that.

Exit codes: 0 all good, 1 something is not, 2 it could not be tried.
"""

from __future__ import annotations

import argparse
import mmap
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from elf_needs import needed
from fatbin import MACHINE_CODE, PTX, code_bytes, runs_on
from install import find_sources

# The folder above holds the kit; its module about locks needs no package.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from kit.upload.wheel_lock import Pin, WheelError, WheelSet, is_whole, read_lock

Found = TypeVar("Found")

HERE = Path(__file__).resolve().parent

MOST_INSTALL_S = 240
"""What the notebook may spend on it."""

MOST_DATASET_BYTES = 200 * 10**9
"""Source: Kaggle's documentation of datasets (as read in 2026)."""

SMOKES: dict[str, tuple[str, dict[str, str]]] = {
    "torch": ("import torch, transformers, peft, datasets, trl; print(torch.__version__)", {}),
    "bitsandbytes": ("import bitsandbytes; print(bitsandbytes.__version__)", {}),
    "vllm": (
        "import vllm.v1.worker.gpu_model_runner, vllm.lora.worker_manager\n"
        "from vllm import LLM, SamplingParams; from vllm.lora.request import LoRARequest\n"
        "import vllm; print(vllm.__version__)",
        {"VLLM_NO_USAGE_STATS": "1", "VLLM_USE_FLASHINFER_SAMPLER": "0"},
    ),
    # Without a GPU this release wants to be told that it is meant.
    "unsloth": (
        "from unsloth import FastLanguageModel; import unsloth; print(unsloth.__version__)",
        {"UNSLOTH_ALLOW_CPU": "1"},
    ),
}
"""Name -> (program, environment): what is imported, each in a process of its own."""

_CUDA_LIBRARY = re.compile(r"lib(?:cudart|cublas|cublasLt|nvrtc)\.so\.(\d+)")

# It brings a file for each CUDA, and loads the one that torch was built with.
_ONE_PER_CUDA = "bitsandbytes/libbitsandbytes_cuda"

_BITSANDBYTES = {12: "libbitsandbytes_cuda12", 13: "libbitsandbytes_cuda13"}


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report; `ok` None for what is only said."""

    topic: str
    ok: bool | None
    text: str


def main(argv: Sequence[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="verify.py", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--wheels", type=Path, required=True, metavar="DIR", help="what build.py made")
    add("--env", type=Path, required=True, metavar="DIR", help="fresh environment to make")
    add("--python", type=Path, default=Path(sys.executable), help="its interpreter")
    args = parser.parse_args(argv)
    sources = find_sources(args.wheels)
    if not sources:
        print(f"error: no lock beside wheels in {args.wheels}", file=sys.stderr)
        return 2
    try:
        pins = read_lock(sources[0].lock)
    except WheelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    bad = 0
    for check in verify(sources[0].wheels, pins, sources[0].folder, args.env, args.python):
        mark = {True: "ok  ", False: "FAIL", None: "    "}[check.ok]
        print(f"{mark} {check.topic:<13} {check.text}", flush=True)
        bad += check.ok is False
    print(f"{bad} of the checks failed" if bad else f"the set {sources[0].wheels.name} is good")
    return 1 if bad else 0


def verify(
    wheels: WheelSet, pins: Sequence[Pin], folder: Path, env: Path, python: Path
) -> Iterator[Check]:
    """All checks in turn; those of the environment only where it could be made."""
    yield Check("network", None, "cut off by unshare" if _apart() else "not cut off: no unshare")
    yield from check_wheels(pins, folder)
    installed = check_install(folder, wheels, env, python)
    yield installed
    if not installed.ok:
        return
    yield check_requirements(wheels, env)
    yield from check_libraries(wheels, env)
    yield from (check_import(name, env) for name in SMOKES)


def check_wheels(pins: Sequence[Pin], folder: Path) -> Iterator[Check]:
    """Hashes, surplus files, sizes."""
    bad = [pin.file for pin in pins if not is_whole(pin, folder)]
    text = f"{len(pins) - len(bad)} of {len(pins)} wheels are there with the right hash"
    yield Check("hashes", not bad, text + (f"; not {', '.join(bad[:5])}" if bad else ""))
    extra = sorted({path.name for path in folder.glob("*.whl")} - {pin.file for pin in pins})
    if extra:
        yield Check("extra", False, f"not in the lock: {', '.join(extra[:5])}")
    size, largest = sum(pin.size for pin in pins), max(pins, key=lambda pin: pin.size)
    text = f"{size / 1e9:.2f} GB, largest {largest.name} with {largest.size / 1e9:.2f} GB"
    yield Check("size", size < MOST_DATASET_BYTES, text)


def check_install(folder: Path, wheels: WheelSet, env: Path, python: Path) -> Check:
    """The installer of the notebook, into a fresh environment. Its processor time is judged: on a
    busy machine the clock says little."""
    shutil.rmtree(env, ignore_errors=True)
    began_s, used_s = time.monotonic(), _children_s()
    command = [python, HERE / "install.py", "--wheels", folder, "--env", env, "--python", python]
    ran = _run([*command, "--set", wheels.name], {})
    seconds, used_s = time.monotonic() - began_s, _children_s() - used_s
    if ran.returncode:
        return Check("install", False, ran.stderr.strip())
    size = sum(path.stat().st_size for path in env.rglob("*") if path.is_file())
    text = (
        f"{used_s:.0f} s of one processor (at most {MOST_INSTALL_S}), {seconds:.0f} s by the clock"
    )
    return Check("install", used_s < MOST_INSTALL_S, f"{text}, {size / 1e9:.1f} GB unpacked")


def _children_s() -> float:
    """Processor time of all programs that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def check_requirements(wheels: WheelSet, env: Path) -> Check:
    """`pip check`, which may only miss what the set leaves out on purpose."""
    ran = _run([sys.executable, "-m", "pip", "--python", env / "bin" / "python", "check"], {})
    lines = [line for line in ran.stdout.splitlines() if line.strip()]
    known = [
        line
        for line in lines
        if any(f"requires {name}, which is not" in line for name in wheels.left_out)
    ]
    wrong = [] if ran.returncode == 0 else [line for line in lines if line not in known]
    text = "; ".join(wrong) or "every requirement is met"
    if known:
        reasons = [f"{name} ({why})" for name, why in wheels.left_out.items()]
        text += f"; left out on purpose: {', '.join(reasons)}"
    return Check("pip check", not wrong, text)


def check_libraries(wheels: WheelSet, env: Path) -> Iterator[Check]:
    """One CUDA runtime in all shared libraries, and code for every card in the engines."""
    site = next((env / "lib").glob("python3*")) / "site-packages"
    users: dict[int, list[str]] = {}
    engines: dict[str, dict[tuple[int, int], int]] = {}
    for path in sorted(site.rglob("*.so*")):
        if path.is_file() and not path.is_symlink() and path.stat().st_size:
            name = path.relative_to(site).as_posix()
            if not name.startswith(_ONE_PER_CUDA) or _is_engine(name, wheels.cuda):
                for major in _cuda_versions(path):
                    users.setdefault(major, []).append(name)
            if _is_engine(name, wheels.cuda):
                engines[name] = _read(path, code_bytes)
    own = len(users.pop(wheels.cuda, []))
    text = f"{own} libraries use CUDA {wheels.cuda}"
    others = [f"{name} needs CUDA {major}" for major, names in users.items() for name in names]
    yield Check(
        "CUDA runtime", not others, "; ".join([text, *(others[:6] or ["none uses another"])])
    )
    for name, code in engines.items():
        yield check_code(name, code, wheels.architectures)


def check_code(name: str, code: dict[tuple[int, int], int], architectures: Sequence[int]) -> Check:
    """Whether a library has code for every card."""
    how = {card: runs_on(code, card) for card in architectures}
    built = [
        f"{n}: {size / 1e6:.1f} MB" for (kind, n), size in code.items() if kind == MACHINE_CODE
    ]
    late = [f"sm_{card} from PTX" for card, way in how.items() if way == "PTX"]
    lacking = [f"none for sm_{card}" for card, way in how.items() if not way]
    ptx = [str(n) for kind, n in code if kind == PTX]
    parts = [*lacking, *late, "machine code " + ", ".join(built), "PTX " + (", ".join(ptx) or "-")]
    return Check("kernels", not lacking, f"{name}: {'; '.join(parts)}")


def check_import(name: str, env: Path) -> Check:
    """One engine imported in a process of its own, without network."""
    code, settings = SMOKES[name]
    began_s = time.monotonic()
    offline = {
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    ran = _run([env / "bin" / "python", "-c", code], {**offline, **settings}, env)
    lines = (ran.stdout if ran.returncode == 0 else ran.stderr).strip().splitlines() or ["?"]
    text = f"{lines[-1]} ({time.monotonic() - began_s:.0f} s)"
    return Check("import", ran.returncode == 0, f"{name} {text}")


def _is_engine(name: str, cuda: int) -> bool:
    """Whether a library holds kernels that a run starts on every card. FlashAttention 2 and 3 are
    not among them: vLLM takes another way where they have no code."""
    if name == "torch/lib/libtorch_cuda.so":
        return True
    if name.startswith("vllm/"):
        return bool(re.match(r"_(moe_)?C[_.]", name.removeprefix("vllm/")))
    return name.startswith(f"bitsandbytes/{_BITSANDBYTES[cuda]}")


def _cuda_versions(path: Path) -> set[int]:
    """Major versions of CUDA that a library asks the loader for."""
    names = _read(path, needed)
    return {int(match.group(1)) for name in names if (match := _CUDA_LIBRARY.match(name))}


def _read(path: Path, what: Callable[[mmap.mmap], Found]) -> Found:
    """Something about a file's bytes, without holding them all in memory."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return what(data)


def _apart() -> list[str]:
    """The start of a command line that cuts a program off the network; empty where none can."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return []
    prefix = [unshare, "--map-root-user", "--net"]
    return prefix if subprocess.run([*prefix, "true"], check=False).returncode == 0 else []


def _run(
    command: Sequence[str | Path], settings: dict[str, str], folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program without network; what it prints is kept."""
    return subprocess.run(
        [*_apart(), *map(str, command)],
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | settings,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
