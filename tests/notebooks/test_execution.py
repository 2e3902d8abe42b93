"""The notebooks executed as Kaggle executes them: /kaggle mounted for reading, no network.

A root of its own is made with `unshare` and `chroot`, which needs Linux and user namespaces, and
nbclient with ipykernel (pip install nbclient ipykernel):

pytest -m notebook tests/notebooks
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from kit.arc.kaggle import load_with_sample
from kit.upload.folders import Upload
from kit.upload.metadata import CONTEST, Names
from kit.validate.check import check_submission

pytestmark = pytest.mark.notebook

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"

TASKS = {
    "00000001": {
        "train": [{"input": [[1, 2]], "output": [[2, 1]]}, {"input": [[5, 6]], "output": [[6, 5]]}],
        "test": [{"input": [[3, 4]]}],
    },
    "00000002": {
        "train": [{"input": [[1]], "output": [[1, 1]]}, {"input": [[5]], "output": [[5, 5]]}],
        "test": [{"input": [[3]]}, {"input": [[7]]}],
    },
}

# Everything of this machine's root but /kaggle, whose input cannot be written to.
ROOT_SCRIPT = """
set -e
root=$1; input=$2; working=$3; temp=$4; shift 4
mount -t tmpfs none "$root"
for path in /*; do
    name=${path#/}
    if [ -L "$path" ]; then cp -P "$path" "$root/"
    elif [ -d "$path" ] && [ "$name" != kaggle ]; then
        mkdir "$root/$name"; mount --rbind "$path" "$root/$name"
    fi
done
mkdir -p "$root/kaggle/input" "$root/kaggle/working" "$root/kaggle/temp"
mount --bind "$input" "$root/kaggle/input"; mount -o remount,bind,ro "$root/kaggle/input"
mount --bind "$working" "$root/kaggle/working"
mount --bind "$temp" "$root/kaggle/temp"
cd "$root"
exec chroot "$root" "$@"
"""


@dataclass(frozen=True)
class Kaggle:
    """Folders that become those below /kaggle."""

    base: Path

    @property
    def input(self) -> Path:
        return self.base / "input"

    @property
    def working(self) -> Path:
        return self.base / "working"

    @property
    def temp(self) -> Path:
        return self.base / "temp"

    def run(self, name: str, *replacement: str) -> tuple[int, str, dict[str, str]]:
        """Exit code, what was printed outside cells, and cell id -> what it printed."""
        root, out = self.base / "root", self.base / "out.ipynb"
        root.mkdir(exist_ok=True)
        script = self.base / "root.sh"
        script.write_text(ROOT_SCRIPT)
        inside = [sys.executable, str(Path(__file__).with_name("execute.py"))]
        inside += [str(NOTEBOOKS / f"{name}.ipynb"), str(out), *replacement]
        places = map(str, (root, self.input, self.working, self.temp))
        ran = subprocess.run(
            ["unshare", "--map-root-user", "--mount", "--net", "sh", str(script), *places, *inside],
            capture_output=True,
            text=True,
            timeout=1500,
            check=False,
        )
        cells = json.loads(out.read_text())["cells"] if out.is_file() else []
        return ran.returncode, ran.stdout + ran.stderr, {c["id"]: _printed(c) for c in cells}


def _printed(cell: dict[str, object]) -> str:
    outputs = cell.get("outputs", [])
    return "".join("".join(output.get("text", "")) for output in outputs)


@pytest.fixture
def kaggle(tmp_path: Path) -> Kaggle:
    """Without contest data and code."""
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    tried = ["unshare", "--map-root-user", "--mount", "--net", "true"]
    if not shutil.which("unshare") or subprocess.run(tried, check=False).returncode:
        pytest.skip("no user namespaces here")
    found = Kaggle(tmp_path / "kaggle")
    for folder in (found.input, found.working, found.temp):
        folder.mkdir(parents=True)
    return found


def attach_code(kaggle: Kaggle, place: str) -> None:
    """The dataset with the code, as `python -m kit upload` makes it."""
    upload = Upload(kaggle.base / "up", Names("me"), "none", CONTEST)
    upload.build()
    shutil.copytree(kaggle.base / "up" / "code", kaggle.input / place)


def attach_contest(kaggle: Kaggle, place: str) -> Path:
    """The contest's test set and sample submission; the folder."""
    folder = kaggle.input / place
    folder.mkdir(parents=True)
    (folder / "arc-agi_test_challenges.json").write_text(json.dumps(TASKS))
    zeros = {"attempt_1": [[0]], "attempt_2": [[0]]}
    sample = {name: [zeros] * len(task["test"]) for name, task in TASKS.items()}
    (folder / "sample_submission.json").write_text(json.dumps(sample))
    return folder


SHORT = ("Contest(started_s, code)", "Contest(started_s, code, smoke_s=120.0)")


@pytest.mark.parametrize(
    ("code", "contest"),
    [
        ("arc-ttt-kit-code", CONTEST),
        ("datasets/me/arc-ttt-kit-code", f"competitions/{CONTEST}"),
    ],
)
def test_the_submission_notebook_writes_a_valid_file(
    kaggle: Kaggle, code: str, contest: str
) -> None:
    attach_code(kaggle, code)
    folder = attach_contest(kaggle, contest)
    returned, text, cells = kaggle.run("submission", *SHORT)
    assert returned == 0, text
    assert "a trial on 4 tasks" in cells["begin"]
    assert "guesses for 2 tasks in /kaggle/working/submission.json" in cells["begin"]
    # No wheels are attached here: it says so and goes on.
    assert "attach the dataset that holds them" in cells["install"]
    assert "goes on without the wheels" in cells["install"]
    assert "a run works here" in cells["examine"]
    assert "2 tasks, 3 test inputs" in cells["solve"]
    assert "fits: 2 tasks, 3 test inputs" in cells["check"]
    answers = kaggle.working / "submission.json"
    assert check_submission(answers, load_with_sample(folder)) == []
    assert json.loads(answers.read_text())["00000001"][0]["attempt_1"] == [[4, 3]]
    assert (kaggle.working / "runs" / "latest" / "journal.jsonl").is_file()


def test_without_the_contest_it_says_so_and_public_tasks_take_their_place(kaggle: Kaggle) -> None:
    attach_code(kaggle, "arc-ttt-kit-code")
    returned, text, cells = kaggle.run("submission", *SHORT)
    assert returned == 0, text
    assert "no contest data: neither /kaggle/input/NAME/" in cells["begin"]
    assert "fits: 400 tasks" in cells["check"]


def test_without_the_code_it_says_what_to_attach(kaggle: Kaggle) -> None:
    attach_contest(kaggle, CONTEST)
    returned, text, _ = kaggle.run("submission")
    assert returned == 1
    assert "add the dataset with the code under Input" in text


def test_the_report_notebook_shows_a_run(kaggle: Kaggle) -> None:
    attach_code(kaggle, "arc-ttt-kit-code")
    attach_contest(kaggle, CONTEST)
    assert kaggle.run("submission", *SHORT)[0] == 0
    returned, text, cells = kaggle.run("report")
    assert returned == 0, text
    assert "2 tasks in /kaggle/working/report.html" in cells["report"]
    assert (kaggle.working / "report.html").stat().st_size > 10_000
