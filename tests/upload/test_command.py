"""`python -m kit upload`: the folders, and Kaggle's client played by a script.

pytest tests/upload/test_command.py
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kit.__main__ import main
from kit.upload.folders import MANIFEST, ROOT
from kit.upload.metadata import DATASET_FILE, KERNEL_FILE
from tests.offline_wheels.fake_wheels import make_set

# Writes its arguments down; a pull returns what it was pushed, with the machine of `machine`.
CLIENT = """#!{python}
import json, pathlib, shutil, sys
here = pathlib.Path(__file__).parent
with (here / "calls.jsonl").open("a") as stream:
    print(json.dumps(sys.argv[1:]), file=stream)
words = sys.argv[1:]
where = pathlib.Path(words[words.index("--path") + 1]) if "--path" in words else None
if words[:2] == ["datasets", "status"] and words[2].endswith("-code"):
    sys.exit("404 - Not Found")
if words[:2] == ["kernels", "push"]:
    shutil.copy(where / "kernel-metadata.json", here)
    print((here / "answer").read_text())
if words[:2] == ["kernels", "pull"]:
    content = json.loads((here / "kernel-metadata.json").read_text())
    content["machine_shape"] = (here / "machine").read_text()
    content["enable_internet"] = "false"
    (where / "kernel-metadata.json").write_text(json.dumps(content))
print("done")
"""


def upload(out: Path, *words: object) -> int:
    return main(["upload", str(out), "--user", "me", *map(str, words)])


def test_the_folders_hold_what_a_run_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheels, model, out = tmp_path / "wheels", tmp_path / "model", tmp_path / "out"
    make_set(wheels, "first", "uv")
    (wheels / "other.txt").write_text("not in the lock")
    model.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json", "pytorch_model.bin", "x.py"):
        (model / name).write_text("{}")
    assert upload(out, "--wheels", wheels, "--model", model) == 0
    assert "checked; --push uploads them" in capsys.readouterr().out
    assert {path.name for path in (out / "wheels").iterdir()} == {
        "first-1.0-py3-none-any.whl", "uv-1.0-py3-none-any.whl", "preferred.lock",
        MANIFEST, DATASET_FILE,
    }  # fmt: skip
    assert {path.name for path in (out / "model").iterdir()} == {
        "config.json", "model.safetensors", "tokenizer.json", MANIFEST, DATASET_FILE,
    }  # fmt: skip
    assert {path.name for path in (out / "notebook").iterdir()} == {"submission.ipynb", KERNEL_FILE}
    kernel = json.loads((out / "notebook" / KERNEL_FILE).read_text())
    assert kernel["dataset_sources"] == [f"me/arc-ttt-kit-{n}" for n in ("code", "wheels", "model")]
    # The code runs where it was copied to.
    ran = subprocess.run(
        [sys.executable, out / "code" / "submission.py", "--help"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0 and "--time-budget" in ran.stdout
    assert (out / "code" / "kit" / "weights" / "config.json").is_file()
    assert (out / "code" / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_a_second_call_makes_the_folders_anew(tmp_path: Path) -> None:
    assert upload(tmp_path) == 0
    (tmp_path / "code" / "left_over.txt").write_text("x")
    assert upload(tmp_path) == 0
    assert not (tmp_path / "code" / "left_over.txt").exists()


@pytest.mark.parametrize(
    ("prepare", "words", "said"),
    [
        ("none", ["--wheels", "absent"], "no lock in it; offline_wheels/build.py makes it"),
        ("one wheel missing", ["--wheels", "wheels"], "first-1.0-py3-none-any.whl: missing"),
        ("none", ["--model", "absent"], "no such folder"),
        ("no config", ["--model", "model"], "no config.json"),
        ("adapter", ["--model", "model"], "a LoRA adapter; merge it into its base model first"),
        ("no weights", ["--model", "model"], "no *.safetensors in it"),
        ("taken", [], "holds something else; give another folder"),
        ("none", ["--push"], "pip install kaggle"),
    ],
)
def test_what_cannot_be_uploaded_is_refused_with_the_reason(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    prepare: str,
    words: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    make_set(tmp_path / "wheels", "first")
    (tmp_path / "wheels" / "first-1.0-py3-none-any.whl").unlink()
    files = {"no config": "model.safetensors", "no weights": "config.json"}
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / files.get(prepare, "adapter_config.json")).write_text("{}")
    if prepare == "taken":
        (tmp_path / "out" / "code").mkdir(parents=True)
        (tmp_path / "out" / "code" / "thesis.txt").write_text("years of work")
    assert upload(tmp_path / "out", *words) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and said in error
    if prepare == "taken":
        assert (tmp_path / "out" / "code" / "thesis.txt").is_file()


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a program called kaggle."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "kaggle").write_text(CLIENT.replace("{python}", sys.executable))
    (folder / "kaggle").chmod(0o755)
    (folder / "answer").write_text("Kernel version 1 successfully pushed")
    (folder / "machine").write_text("NvidiaL4")
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return folder


def test_datasets_are_pushed_before_the_notebook_and_read_back(
    tmp_path: Path, client: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_set(tmp_path / "wheels", "first")
    out = tmp_path / "out"
    assert upload(out, "--wheels", tmp_path / "wheels", "--push") == 0
    calls = [json.loads(line) for line in (client / "calls.jsonl").read_text().splitlines()]
    assert [call[:2] for call in calls] == [
        ["datasets", "status"], ["datasets", "create"],
        ["datasets", "status"], ["datasets", "version"],
        ["kernels", "push"], ["kernels", "pull"],
    ]  # fmt: skip
    assert calls[3][3] == str(out / "wheels") and calls[4][3] == str(out / "notebook")
    assert "has the machine and settings that were asked for" in capsys.readouterr().out


def test_another_machine_than_asked_for_is_said(
    tmp_path: Path, client: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (client / "machine").write_text("NvidiaTeslaP100")
    assert upload(tmp_path / "out", "--push") == 1
    said = capsys.readouterr().out
    assert "machine_shape is 'NvidiaTeslaP100' on Kaggle, asked for was 'NvidiaL4'" in said
    assert "enable_internet" not in said


def test_a_refusal_of_the_client_is_passed_on(
    tmp_path: Path, client: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (client / "answer").write_text("Kernel push error: maximum batch GPU session count reached")
    assert upload(tmp_path / "out", "--push") == 2
    assert "kernels push failed: Kernel push error: maximum batch" in capsys.readouterr().err
