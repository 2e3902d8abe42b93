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
from kit.upload import kaggle_client
from kit.upload.folders import MANIFEST, ROOT
from kit.upload.metadata import CONTEST, DATASET_FILE, KERNEL_FILE, Names, kernel_metadata
from tests.offline_wheels.fake_wheels import make_set

# Writes its arguments down; a pull returns what it was pushed, with the machine of `machine` and
# what else is in `differs`. A dataset that is new goes through the states in `states`.
CLIENT = """#!{python}
import json, pathlib, shutil, sys
here = pathlib.Path(__file__).parent
with (here / "calls.jsonl").open("a") as stream:
    print(json.dumps(sys.argv[1:]), file=stream)
words = sys.argv[1:]
where = pathlib.Path(words[words.index("--path") + 1]) if "--path" in words else None
if words[:2] == ["datasets", "create"]:
    (here / "made").touch()
if words[:2] == ["datasets", "status"]:
    new = words[2].endswith("-code")
    if new and not (here / "made").exists():
        sys.exit("404 - Not Found")
    states = (here / "states").read_text().split() if new else ["ready"]
    (here / "states").write_text(" ".join(states[1:] or states))
    print(states[0], end="")
    print("Warning: an outdated client", file=sys.stderr)
    sys.exit(states[0] == "403")
if words[:2] == ["kernels", "push"]:
    shutil.copy(where / "kernel-metadata.json", here)
    print((here / "answer").read_text())
if words[:2] == ["kernels", "pull"]:
    content = json.loads((here / "kernel-metadata.json").read_text())
    content["machine_shape"] = (here / "machine").read_text()
    content["enable_internet"] = "false"
    content |= json.loads((here / "differs").read_text())
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
    (folder / "states").write_text("ready")
    (folder / "differs").write_text("{}")
    monkeypatch.setattr(kaggle_client, "PAUSE_S", 0.0)
    monkeypatch.setattr(kaggle_client, "LOOKS", 5)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return folder


def calls_of(client: Path) -> list[list[str]]:
    """The arguments of every call so far."""
    return [json.loads(line) for line in (client / "calls.jsonl").read_text().splitlines()]


def test_datasets_are_pushed_before_the_notebook_and_read_back(
    tmp_path: Path, client: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_set(tmp_path / "wheels", "first")
    out = tmp_path / "out"
    assert upload(out, "--wheels", tmp_path / "wheels", "--push") == 0
    calls = calls_of(client)
    assert [call[:2] for call in calls] == [
        ["datasets", "status"], ["datasets", "create"],
        ["datasets", "status"], ["datasets", "version"],
        ["datasets", "status"], ["datasets", "status"],
        ["kernels", "push"], ["kernels", "pull"],
    ]  # fmt: skip
    assert calls[3][3] == str(out / "wheels") and calls[6][3] == str(out / "notebook")
    assert "has the machine, settings and data that were asked for" in capsys.readouterr().out


def test_the_notebook_waits_for_its_datasets(tmp_path: Path, client: Path) -> None:
    (client / "states").write_text("403 not_yet_persisted blobs_received ready")
    assert upload(tmp_path / "out", "--push") == 0
    calls = [call[:2] for call in calls_of(client)]
    assert calls[2:7] == [["datasets", "status"]] * 4 + [["kernels", "push"]]


@pytest.mark.parametrize(("state", "looks"), [("failed", 1), ("blobs_received", 5), ("403", 5)])
def test_no_notebook_is_pushed_without_its_datasets(
    tmp_path: Path, client: Path, capsys: pytest.CaptureFixture[str], state: str, looks: int
) -> None:
    (client / "states").write_text(state)
    assert upload(tmp_path / "out", "--push") == 2
    error = capsys.readouterr().err
    assert "me/arc-ttt-kit-code: must be 'ready'" in error and f"Kaggle says '{state} | W" in error
    calls = [call[:2] for call in calls_of(client)]
    assert calls[2:] == [["datasets", "status"]] * looks


def test_data_that_kaggle_leaves_out_is_refused(
    tmp_path: Path, client: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left_out = (
        "The following are not valid dataset sources and could not be added to the kernel: "
        "['me/arc-ttt-kit-code']"
    )
    (client / "answer").write_text(f"{left_out}\nKernel version 1 successfully pushed")
    assert upload(tmp_path / "out", "--push") == 2
    error = capsys.readouterr().err
    assert "started without a part of its data" in error and left_out in error


@pytest.mark.parametrize(
    ("key", "got", "is_same"),
    [
        ("dataset_sources", [], False),
        ("dataset_sources", ["other/arc-ttt-kit-code"], False),
        ("dataset_sources", ["me/arc-ttt-kit-code", "me/arc-ttt-kit-codes"], False),
        ("dataset_sources", ["datasets/Me/arc-ttt-kit-code"], True),
        ("competition_sources", [], False),
        ("competition_sources", None, False),
        ("competition_sources", ["c/arc-prize-2026-arc-agi-2"], True),
    ],
)
def test_other_data_than_asked_for_is_said(
    tmp_path: Path, client: Path, key: str, got: list[str] | None, is_same: bool
) -> None:
    asked = kernel_metadata(Names("me"), ["code"], "l4x4", CONTEST)
    for folder in (tmp_path, client):
        (folder / KERNEL_FILE).write_text(json.dumps(asked))
    (client / "differs").write_text(json.dumps({key: got}))
    said = f"{key} is {got!r} on Kaggle, asked for was {asked[key]!r}"
    found = kaggle_client.read_back(str(client / "kaggle"), tmp_path)
    assert found == ([] if is_same else [said])


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
