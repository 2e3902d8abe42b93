"""`python -m kit`: commands are found, misspelt ones are named, `doctor` tells the truth.

pytest tests/test_commands.py
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

from kit import __main__ as commands
from kit import doctor
from kit.gpus import Gpu
from kit.induce.sandbox.probe import SandboxReport
from kit.solve.toolbox import BUNDLED_MODEL
from tests.model_folders import write_model_folder


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_every_command_has_a_module_that_can_run(name: str) -> None:
    module = importlib.import_module(commands.COMMANDS[name][0])
    assert hasattr(module, "main") or (hasattr(module, "add_arguments") and hasattr(module, "run"))


def test_help_lists_all_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main([]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in commands.COMMANDS)


def test_a_misspelt_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["scoer"]) == 2
    assert "scoer: no such command (did you mean 'score'?)" in capsys.readouterr().err


STRONG = SandboxReport("strong", ("namespaces", "seccomp"), (), ())


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder that looks like a model which the kit's own engine runs."""
    shape = json.loads((BUNDLED_MODEL / "config.json").read_text(encoding="utf-8"))
    return write_model_folder(tmp_path, **shape)


@pytest.fixture(autouse=True)
def no_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines are not really imported, nor the sandbox attacked: that takes seconds."""
    monkeypatch.setattr(doctor, "_import_problem", lambda modules: None)
    monkeypatch.setattr(doctor, "probe", lambda: STRONG)


def test_the_doctor_is_content(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["doctor", f"solve.model={model}"]) == 0
    out = capsys.readouterr().out
    for words in ("1.0 MiB of weights", "a run works here", "numpy", "worker(s) of"):
        assert words in out


def test_the_doctor_finds_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["doctor", f"solve.model={tmp_path / 'absent'}"]) == 1
    assert "a run does not work here: see model" in capsys.readouterr().out


def test_a_broken_engine_matters_only_where_it_is_used(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        doctor, "_import_problem", lambda modules: "broken: x" if "peft" in modules else None
    )
    assert commands.main(["doctor", f"solve.model={model}"]) == 0
    assert commands.main(["doctor", f"solve.model={model}", "solve.trainer=peft"]) == 1
    assert "see engine peft" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("gpu", "words"),
    [
        (None, "none that nvidia-smi knows of: everything runs on the processor"),
        (Gpu("NVIDIA L4", (580, 95, 5), 8.9, 23034), "NVIDIA L4, 22.5 GiB, capability 8.9, driver"),
        (Gpu("Tesla P100", (580, 95, 5), 6.0, 16384), "compute capability 6.0: neither torch nor"),
    ],
)
def test_the_doctor_tells_of_gpus(
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    gpu: Gpu | None,
    words: str,
) -> None:
    monkeypatch.setattr(doctor, "read_gpus", lambda: [gpu] if gpu else [])
    assert commands.main(["doctor", f"solve.model={model}"]) == 0
    assert words in capsys.readouterr().out


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (STRONG, ["strong (resource limits, namespaces, seccomp): holds"]),
        (
            SandboxReport("weak", ("python hooks",), ("read files",), ("seccomp: not there",)),
            [
                "weak (resource limits, python hooks)",
                "need --allow-weak-sandbox",
                "not contained  read files",
                "no sandbox by  seccomp: not there",
            ],
        ),
        (SandboxReport("none", (), (), ("not here",)), ["none: no program", "by  not here"]),
    ],
    ids=lambda value: value.mode if isinstance(value, SandboxReport) else "",
)
def test_the_doctor_says_what_the_sandbox_is_worth(
    report: SandboxReport,
    words: list[str],
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(doctor, "probe", lambda: report)
    assert commands.main(["doctor", f"solve.model={model}"]) == 0  # a run works without programs
    out = capsys.readouterr().out
    assert all(word in out for word in words)


def test_the_doctor_refuses_unknown_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["doctor", "finetune.lrr=1"]) == 2
    assert "did you mean 'finetune.lr'" in capsys.readouterr().err


def test_a_module_that_is_not_installed_is_said_so() -> None:
    assert doctor._is_installed("numpy")
    assert not doctor._is_installed("no-such-package-here")
