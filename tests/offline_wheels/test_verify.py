"""The verifier's single checks; the whole of it on the real set is in the README.

pytest tests/offline_wheels/test_verify.py
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import verify
from fatbin import MACHINE_CODE, PTX

from kit.upload.wheel_lock import SETS
from tests.offline_wheels.fake_wheels import make_set, make_wheel
from tests.offline_wheels.test_elf_needs import elf
from tests.offline_wheels.test_fatbin import entry, fat

PREFERRED = SETS["preferred"]


def test_damaged_and_surplus_wheels_are_found(tmp_path: Path) -> None:
    pins = make_set(tmp_path, "a", "b")
    assert [check.ok for check in verify.check_wheels(pins, tmp_path)] == [True, True]
    make_wheel(tmp_path, "c")
    (tmp_path / "b-1.0-py3-none-any.whl").write_bytes(b"x")
    hashes, extra, _ = verify.check_wheels(pins, tmp_path)
    assert hashes.ok is False and "1 of 2" in hashes.text and "b-1.0" in hashes.text
    assert extra.ok is False and "c-1.0" in extra.text


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """An environment's folder of packages, with engines for every card on CUDA 13."""
    folder = tmp_path / "lib" / "python3.12" / "site-packages"
    code = fat(*(entry(MACHINE_CODE, card, 8) for card in PREFERRED.architectures))
    for name in (
        "torch/lib/libtorch_cuda.so",
        "vllm/_C.abi3.so",
        "bitsandbytes/libbitsandbytes_cuda130.so",
    ):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(elf(["libcudart.so.13", "libc.so.6"]) + code)
    return folder


def test_one_cuda_and_code_for_every_card_is_good(tmp_path: Path, site: Path) -> None:
    # bitsandbytes brings a file for each CUDA and loads one of them.
    (site / "bitsandbytes/libbitsandbytes_cuda118.so").write_bytes(elf(["libcudart.so.11.0"]))
    checks = list(verify.check_libraries(PREFERRED, tmp_path))
    assert [check.ok for check in checks] == [True] * 4
    assert checks[0].text == "3 libraries use CUDA 13; none uses another"


def test_another_cuda_in_any_library_is_found(tmp_path: Path, site: Path) -> None:
    (site / "xformers").mkdir()
    (site / "xformers/_C.so").write_bytes(elf(["libtorch.so", "libcudart.so.12"]))
    mixed = next(iter(verify.check_libraries(PREFERRED, tmp_path)))
    assert mixed.ok is False and "xformers/_C.so needs CUDA 12" in mixed.text


def test_a_card_without_code_is_found() -> None:
    code = {(MACHINE_CODE, 80): 2_000_000, (PTX, 80): 5}
    check = verify.check_code("vllm/_C.so", code, (75, 89, 120))
    assert check.ok is False
    assert "none for sm_75; sm_120 from PTX; machine code 80: 2.0 MB; PTX 80" in check.text


@pytest.mark.parametrize(
    ("printed", "returned", "ok", "words"),
    [
        ("No broken requirements found.\n", 0, True, "every requirement is met"),
        ("unsloth 1 requires xformers, which is not installed.\n", 1, True, "left out on purpose"),
        ("vllm 1 requires torch==9, which is not installed.\n", 1, False, "vllm 1 requires torch"),
    ],
)
def test_pip_check_may_miss_only_what_is_left_out(
    monkeypatch: pytest.MonkeyPatch, printed: str, returned: int, ok: bool, words: str
) -> None:
    ran = subprocess.CompletedProcess([], returned, printed, "")
    monkeypatch.setattr(verify, "_run", lambda command, settings: ran)
    check = verify.check_requirements(PREFERRED, Path("env"))
    assert check.ok is ok and words in check.text


def test_a_folder_without_wheels_cannot_be_tried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify.main(["--wheels", str(tmp_path), "--env", str(tmp_path / "env")]) == 2
    assert "no lock beside wheels" in capsys.readouterr().err
