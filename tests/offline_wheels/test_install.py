"""Installing without a network: which set, what is refused and how, and the environment itself.

pytest tests/offline_wheels/test_install.py
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import install
import pytest
from install import find_sources, main

from kit.gpus import Gpu
from tests.offline_wheels.fake_wheels import make_set, make_wheel

L4 = Gpu("NVIDIA L4", (580, 95, 5), 8.9, 23034)
OLD_T4 = Gpu("Tesla T4", (550, 90, 7), 7.5, 15360)
ANCIENT_T4 = Gpu("Tesla T4", (470, 57), 7.5, 15360)
P100 = Gpu("Tesla P100-PCIE-16GB", (580, 95, 5), 6.0, 16384)


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Gpu]]:
    """A machine with the right Python; the list yielded is its GPUs."""
    gpus: list[Gpu] = []
    monkeypatch.setattr(install, "PYTHON", sys.version_info[:2])
    monkeypatch.setattr(install, "read_gpus", lambda: gpus)
    yield gpus


def refused(capsys: pytest.CaptureFixture[str], *argv: object) -> str:
    """What a refused call says, in all."""
    assert main([str(word) for word in argv]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and "Traceback" not in error
    return error


def test_wheels_are_installed_whole_or_not_at_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, env = tmp_path / "input" / "datasets" / "me" / "wheels", tmp_path / "env"
    make_set(folder, "first", "second")
    whole = (folder / "second-1.0-py3-none-any.whl").read_bytes()
    changed = make_wheel(folder, "second").read_bytes().replace(b'"1.0"', b'"6.6"')
    (folder / "second-1.0-py3-none-any.whl").write_bytes(changed)
    words = ["--wheels", tmp_path / "input", "--env", env]
    said = refused(capsys, *words)
    assert "could not install" in said and "second" in said
    assert not (env / install.MARKER).exists()

    (folder / "second-1.0-py3-none-any.whl").write_bytes(whole)
    assert main([str(word) for word in words]) == 0
    assert "installed 2 wheels in" in capsys.readouterr().out
    ran = subprocess.run(
        [env / "bin" / "python", "-c", "import first, second; print(second.VERSION)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "1.0\n"

    assert main([str(word) for word in words]) == 0
    assert "holds the set preferred already" in capsys.readouterr().out


def test_missing_wheels_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_set(tmp_path, *(f"package{n}" for n in range(13)))
    for n in range(12):
        (tmp_path / f"package{n}-1.0-py3-none-any.whl").unlink()
    said = refused(capsys, "--wheels", tmp_path, "--env", tmp_path / "env")
    assert "12 of 13 wheels are not in" in said and "package1-1.0-py3-none-any.whl: missing" in said
    assert "and 2 more" in said and "build.py fetches them" in said


def test_without_wheels_it_says_what_to_attach(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # A lock alone, as in the code's dataset, is no wheel set.
    make_set(tmp_path, "first")
    (tmp_path / "first-1.0-py3-none-any.whl").unlink()
    for words in ([], ["--set", "older-drivers"]):
        said = refused(capsys, "--wheels", tmp_path, "--env", tmp_path / "env", *words)
        assert "attach the dataset that holds them" in said


def test_another_python_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_set(tmp_path, "first")
    monkeypatch.setattr(install, "PYTHON", (3, 99))
    said = refused(capsys, "--wheels", tmp_path, "--env", tmp_path / "env")
    here = ".".join(map(str, sys.version_info[:2]))
    assert f"the wheels are for Python 3.99, this is {here}: choose the newest image" in said
    said = refused(capsys, "--wheels", tmp_path, "--env", tmp_path, "--python", tmp_path / "no")
    assert "no Python that runs" in said


@pytest.mark.parametrize(
    ("gpus", "sets", "chosen"),
    [
        ([], ("older-drivers", "preferred"), "preferred"),
        ([L4, L4], ("older-drivers", "preferred"), "preferred"),
        ([OLD_T4], ("older-drivers", "preferred"), "older-drivers"),
        ([OLD_T4], ("older-drivers",), "older-drivers"),
    ],
)
def test_the_driver_chooses_the_set(
    machine: list[Gpu], tmp_path: Path, gpus: list[Gpu], sets: tuple[str, ...], chosen: str
) -> None:
    machine += gpus
    for name in sets:
        make_set(tmp_path / name, "first", lock=name)
    found = install.choose(find_sources(tmp_path), gpus, None, tmp_path)
    assert (found.wheels.name, found.folder) == (chosen, tmp_path / chosen)


@pytest.mark.parametrize(
    ("gpu", "words"),
    [
        (
            OLD_T4,
            "driver is 550.90.7, but preferred needs 580.65: attach the set older-drivers",
        ),
        (ANCIENT_T4, "the driver is 470.57, but preferred needs 580.65: no set runs with it"),
        (P100, "Tesla P100-PCIE-16GB has compute capability 6.0: neither torch nor vLLM has code"),
    ],
)
def test_an_old_driver_or_card_is_refused(
    machine: list[Gpu], tmp_path: Path, capsys: pytest.CaptureFixture[str], gpu: Gpu, words: str
) -> None:
    machine.append(gpu)
    make_set(tmp_path, "first")
    assert words in refused(capsys, "--wheels", tmp_path, "--env", tmp_path / "env")


def test_a_full_disk_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_set(tmp_path, "first")
    usage = type("Usage", (), {"free": 2**20})
    monkeypatch.setattr(install.shutil, "disk_usage", lambda path: usage)
    said = refused(capsys, "--wheels", tmp_path, "--env", tmp_path / "deep" / "env")
    assert "0.0 GiB free, the set preferred needs 1.0 GiB: give --env on another disk" in said
    assert not (tmp_path / "deep").exists()


def test_check_only_says_whether_it_could(tmp_path: Path) -> None:
    make_set(tmp_path, "first")
    assert main(["--wheels", str(tmp_path), "--env", str(tmp_path / "env"), "--check"]) == 0
    assert not (tmp_path / "env").exists()
