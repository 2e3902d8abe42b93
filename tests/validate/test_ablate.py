"""The ablation as a command: its store, the order of its jobs, resumption after any death.

pytest tests/validate/test_ablate.py
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from kit import ablate
from kit.arc.candidate import Candidate, ProgramEvidence
from kit.arc.solutions import dataset_solutions
from kit.arc.task import Pair, Task
from kit.budget.settings import BudgetConfig
from kit.config import make_config
from kit.rank.choose import RankConfig
from kit.rank.guess import guess_outputs
from kit.rank.pool import CandidatePool
from kit.rank.pool_file import PoolEntry
from kit.rank.rules import SAMPLE_RULES
from kit.solve.toolbox import ToolboxSettings
from kit.validate import ablate_cost, ablate_jobs, ablate_run
from kit.validate.ablate_base import transform_lines
from kit.validate.ablate_choosing import telling_rules
from kit.validate.ablate_jobs import MIN_LIMIT_S, run_all
from kit.validate.ablate_outcomes import config_rule, judge
from kit.validate.ablate_run import Job, Method
from kit.validate.ablate_store import RESULTS, SETTINGS, SharedFit, Store, write_fit
from kit.validate.ablate_variants import BASE, TTT, Variant
from tests.validate.ablating import GRID, TASKS, entry, method

# --- the order of jobs ------------------------------------------------------------------------


class Recording:
    """In the place of `do_job`; dies when told to."""

    def __init__(self, die_after: int | None = None) -> None:
        self.jobs: list[Job] = []
        self._die_after = die_after

    def __call__(self, job: Job) -> PoolEntry | None:
        if self._die_after is not None and len(self.jobs) == self._die_after:
            raise KeyboardInterrupt
        self.jobs.append(job)
        if job.union:
            assert job.adapter_at is not None
            job.adapter_at.mkdir(parents=True)
            write_fit(job.adapter_at, SharedFit({"train": 8.0}, {"tasks": len(job.union)}))
            return None
        return entry(job.method.variant.name, job.task.task_id, job.seed, 0.1 + job.seed)


@pytest.fixture
def methods() -> list[Method]:
    """One that trains, one that does not, one shared, one at matched cost."""
    return [method(name) for name in (TTT, BASE, "shared", "self-consistency")]


def names(jobs: list[Job]) -> list[str]:
    return [job.method.variant.name for job in jobs]


def test_partners_come_before_those_that_need_them(
    tmp_path: Path, methods: list[Method], monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = Recording()
    monkeypatch.setattr(ablate_run, "do_job", recording)
    store = Store(tmp_path)
    lines = list(run_all(methods, TASKS, (0, 1), store, 1, tmp_path, math.inf))
    assert len(lines) == len(recording.jobs) == 2 * (4 * 2 + 1)
    first = recording.jobs[:9]
    assert names(first[:5]) == [TTT, TTT, BASE, BASE, "shared"] and first[4].union == TASKS
    assert sorted(set(names(first[5:]))) == ["self-consistency", "shared"]
    # Seconds of the partner on the same task under the same seed, at least MIN_LIMIT_S.
    limits = {j.seed: j.limit_s for j in recording.jobs if j.method.variant.matched}
    assert limits == {0: MIN_LIMIT_S, 1: pytest.approx(1.1)}
    again = Recording()
    monkeypatch.setattr(ablate_run, "do_job", again)
    assert not list(run_all(methods, TASKS, (0, 1), Store(tmp_path), 1, tmp_path, math.inf))


def test_death_repeats_only_what_was_not_done(
    tmp_path: Path, methods: list[Method], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Recording()
    monkeypatch.setattr(ablate_run, "do_job", whole)
    list(run_all(methods, TASKS, (0,), Store(tmp_path / "whole"), 1, tmp_path, math.inf))
    done: list[Job] = []
    for _ in range(len(whole.jobs) + 1):
        one = Recording(die_after=1)
        monkeypatch.setattr(ablate_run, "do_job", one)
        try:
            list(run_all(methods, TASKS, (0,), Store(tmp_path / "torn"), 1, tmp_path, math.inf))
        except KeyboardInterrupt:
            done += one.jobs
            continue
        done += one.jobs
        break
    assert names(done) == names(whole.jobs)
    assert Store(tmp_path / "torn").entries() == Store(tmp_path / "whole").entries()


def test_nothing_begins_after_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = Recording()
    monkeypatch.setattr(ablate_run, "do_job", recording)
    assert not list(run_all([method(TTT)], TASKS, (0,), Store(tmp_path), 1, tmp_path, -math.inf))
    assert not recording.jobs


# --- costs ------------------------------------------------------------------------------------


def test_cost_counts_what_is_left_and_shrinks_with_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    store.add(entry(TTT, "t1", seconds=4.0))
    few = method(BASE, BudgetConfig(num_steps=0))
    found = [method(TTT), few, method("search")]
    rates = ablate_cost.measured_rates(found, TASKS, store, tmp_path)
    costs = {c.name: c for c in ablate_cost.predict(found, TASKS, (0, 1), store, rates)}
    assert (costs[TTT].jobs, costs[TTT].whole) == (3, 4)
    # The same task again costs what it cost.
    assert costs[TTT].seconds / 3 == pytest.approx(4.0, rel=0.5)
    assert costs[BASE].seconds < costs[TTT].seconds
    assert costs["search"].seconds == pytest.approx(costs[TTT].seconds * 4 / 3)


# --- the whole command ------------------------------------------------------------------------


_solutions = cache(lambda: dataset_solutions("arc1-train"))


def answering(job: Job) -> PoolEntry | None:
    """In the place of `do_job`: training finds the answer, nothing else does."""
    if job.union:
        return Recording()(job)
    right = _solutions()[job.task.task_id]
    work, name = job.method.variant.work, job.method.variant.name
    found: list[Candidate] = []
    for index, grid in enumerate(right):
        if work == "search":
            evidence = ProgramEvidence("lines", 1.0, 3, 3, 1.0, 0.9)
            found.append(
                Candidate(job.task.task_id, index, grid, "search", "program", evidence=evidence)
            )
            continue
        views = ((grid, 0), (grid, 1)) if name == TTT else ((((9, 9),), 0), (((8, 9),), 1))
        found += [
            Candidate(job.task.task_id, index, g, "sample", "identity", -1.0, 4, view=view)
            for g, view in views
        ]
    pool = CandidatePool(tuple(found))
    return PoolEntry(job.task.task_id, name, job.seed, pool, "m", {"train": 1.0})


@pytest.fixture
def fake_jobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No model is opened, the machine is not measured."""
    monkeypatch.setattr(ablate_run, "do_job", answering)
    monkeypatch.setattr(ablate_cost, "do_job", answering)
    monkeypatch.setattr(ablate, "_machine", lambda command: [f"`{command}`", "a machine"])
    yield


def test_one_command_writes_tables_and_pictures(
    tmp_path: Path, fake_jobs: None, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--limit", "3", "--seeds", "2", "--variants", "paper,steps,search,programs"]
    assert ablate.main([*words, "--out", str(tmp_path), "budget.num_steps=8"]) == 0
    out = capsys.readouterr().out
    assert "skipped: programs (nobody writes programs" in out
    assert "| ttt " in out and "+3.0 (+3.0 to +3.0)" in out
    assert "The paper's order: no-ttt 5 < no-transforms 13 < end-to-end 18" in out
    report = (tmp_path / "ablation.md").read_text()
    for words_ in ("Ways of choosing", "Fewer test views", "Joining ttt with search", "oracle"):
        assert words_ in report
    names_ = {path.name for path in tmp_path.iterdir()}
    assert {"variants-paper.csv", "variants-paper.svg", "variants-steps.csv", "steps.svg"} <= names_
    assert {"choosing.csv", "outcomes.csv"} <= names_ and "NOT ALL IS DONE" not in out
    lines = (tmp_path / "outcomes.csv").read_text().splitlines()
    assert len(lines) == 1 + 3 * 2 * (6 + 3 + 1)
    picture = (tmp_path / "variants-paper.svg").read_text()
    assert picture.startswith("<svg") and 'role="img"' in picture and "<desc" in picture
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")


def test_groups_that_were_run_one_by_one_are_reported_together(
    tmp_path: Path, fake_jobs: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three seeds of the paper's variants, then one of the rest: each group is summed over what it
    has, and nothing of the first call is lost by the second."""
    words = ["--limit", "2", "--out", str(tmp_path)]
    assert ablate.main([*words, "--seeds", "3"]) == 0
    first = (tmp_path / "variants-paper.csv").read_text()
    assert ablate.main([*words, "--variants", "steps,compute"]) == 0
    assert (tmp_path / "variants-paper.csv").read_text() == first
    report = (tmp_path / "ablation.md").read_text()
    paper, steps = report.split("## Variants: steps")[0], report.split("## Variants: steps")[1]
    # The partner stands beside the steps, over the one seed that both have.
    assert "| ttt " in steps and "2 of 6" in steps and "+2.0 (+2.0 to +2.0)" in paper
    assert "NOT ALL IS DONE" not in report and "Not all is done" not in paper


def test_an_end_before_everything_is_done_is_said(
    tmp_path: Path, fake_jobs: None, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--limit", "2", "--out", str(tmp_path)]
    assert ablate.main([*words, "--variants", TTT]) == 0
    assert ablate.main([*words, "--seeds", "2", "--budget", "0.001s"]) == 0
    missing = "22 of 24 answers are missing (ttt 2 of 4, no-ttt 4 of 4"
    assert f"NOT ALL IS DONE: {missing}" in (tmp_path / "ablation.md").read_text()


def test_what_was_done_before_something_broke_is_reported(
    tmp_path: Path, fake_jobs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(job: Job) -> PoolEntry | None:
        if job.method.variant.name == BASE:
            raise OSError("the disk is gone")
        return answering(job)

    monkeypatch.setattr(ablate_run, "do_job", broken)
    assert ablate.main(["--limit", "2", "--out", str(tmp_path)]) == 2
    assert "| ttt " in (tmp_path / "ablation.md").read_text()


def test_a_model_that_cannot_be_read_is_refused_before_any_work(
    tmp_path: Path, fake_jobs: None, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "config.json").write_text("{}")
    out = tmp_path / "out"
    words = ["--limit", "1", "--variants", "ttt,base", "--base", f"bare={bare}"]
    assert ablate.main([*words, "--out", str(out)]) == 2
    assert str(bare) in capsys.readouterr().err and not out.exists()


def test_cheap_guesses_are_no_methods_own() -> None:
    """A submission fills a missing attempt with a guess, which may well be right."""
    task = Task("t1", (Pair(GRID, GRID), Pair(GRID[::-1], GRID[::-1])), (GRID,))
    right = [grid for grid in guess_outputs(task, 0) if grid == GRID]
    assert right, "the guess of the identity is right here"
    nothing = PoolEntry("t1", TTT, 0, CandidatePool(), "m", {"train": 1.0})
    rule = config_rule(RankConfig())
    assert judge(nothing, task, [GRID], rule, TTT).oracle == 0.0
    assert judge(nothing, task, [GRID], rule, TTT).share == 0.0
    found = entry(TTT, "t1")
    assert judge(found, task, [GRID], rule, TTT).share == 1.0


def test_the_report_says_what_its_base_transforms(
    tmp_path: Path, fake_jobs: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bundled model's preset has no symmetries: what goes by them cannot be told apart."""
    words = ["--limit", "1", "--variants", "ttt,no-transforms", "--out"]
    assert ablate.main([*words, str(tmp_path / "cpu")]) == 0
    head = capsys.readouterr().out.partition("predicted seconds")[0]
    says = "no-transforms takes away colour permutations (keep_zero) alone"
    assert "augment.dihedral=false" in head and says in head
    report = (tmp_path / "cpu" / "ablation.md").read_text()
    assert says in report and "All test views have one symmetry (identity)" in report
    assert "| flat" in report and "| only_identity" not in report and "| two_level" not in report
    none = "augment.colours=none"
    assert ablate.main([*words, str(tmp_path / "none"), none]) == 0
    assert "skipped: no-transforms (the options have no transforms" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("preset", "training", "asking"),
    [
        ("cpu", "colour permutations (keep_zero)", "colour permutations (keep_zero)"),
        (
            "full",
            "8 symmetries and colour permutations (uniform)",
            "8 symmetries and colour permutations (uniform)",
        ),
        (
            "paper",
            "the paper's augmenters with symmetries and colour permutations (paper)",
            "6 symmetries",
        ),
    ],
)
def test_transforms_of_a_base_in_words(preset: str, training: str, asking: str) -> None:
    first, *rest = transform_lines(make_config(preset).augment)
    assert first == f"transforms of ttt: {training} in training, {asking} in test views"
    assert bool(rest) == (preset == "cpu")


def test_rules_by_symmetry_stay_where_views_have_several() -> None:
    one = entry(TTT, "t1")
    other = one.pool.add([replace(one.pool.candidates[0], group="transpose")])
    assert telling_rules([one, replace(one, pool=other)]) == (SAMPLE_RULES, ())
    assert "two_level" not in telling_rules([one])[0] and "experts" in telling_rules([one])[0]


def test_a_dry_run_says_the_cost_and_does_nothing(
    tmp_path: Path, fake_jobs: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ablate.main(["--limit", "2", "--dry-run", "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "2 tasks, predicted seconds of one worker" in out and "in all" in out
    assert not (tmp_path / RESULTS).exists() and not (tmp_path / SETTINGS).exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--variants", "nothing"], "no variant 'nothing'"),
        (["--seeds", "0"], "--seeds and --workers must be 1 or more"),
        (["--base", "x"], "write NAME=DIR"),
        (["--base", "x=/nowhere"], "no config.json in /nowhere"),
        (["--variants", "programs"], "nobody writes programs"),
        (["finetune.rnak=3"], "did you mean"),
        (["--max-tokens", "1"], "no task with a solution is left"),
        (["--budget", "soon"], "not a duration"),
    ],
)
def test_a_mistake_is_one_line(
    tmp_path: Path,
    fake_jobs: None,
    words: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = ablate.main(["--limit", "1", *words, "--out", str(tmp_path)])
    got = capsys.readouterr()
    if words == ["--variants", "programs"]:
        assert code == 0 and message in got.out
        return
    assert code == 2 and message in got.err and "Traceback" not in got.err


def test_a_job_of_unknown_work_needs_no_model() -> None:
    assert not Method(Variant("x", "g", "s", work="search"), ToolboxSettings(), BudgetConfig(),
                      RankConfig()).uses_model  # fmt: skip


def test_wait_is_not_silently_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shared adapter whose training has not ended leaves its tasks undone, not answered
    untrained."""

    def no_fit(job: Job) -> PoolEntry | None:
        return None if job.union else answering(job)

    monkeypatch.setattr(ablate_run, "do_job", no_fit)
    store = Store(tmp_path)
    lines = list(ablate_jobs.run_all([method("shared")], TASKS, (0,), store, 1, tmp_path, math.inf))
    assert len(lines) == 1 and not store.entries()
