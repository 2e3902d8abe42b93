"""The ablation: one change at a time, the same seeds and views, gone on with after any death.

pytest tests/validate/test_ablate.py
"""

from __future__ import annotations

import json
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
from kit.augment.training import training_views
from kit.budget.settings import BudgetConfig
from kit.config import apply_overrides, make_config
from kit.finetune.trainer import FinetuneConfig
from kit.rank.choose import RankConfig
from kit.rank.pool import CandidatePool
from kit.rank.pool_file import PoolEntry
from kit.rank.rules import SAMPLE_RULES
from kit.solve.toolbox import ToolboxSettings
from kit.validate import ablate_cost, ablate_jobs, ablate_run
from kit.validate.ablate_base import transform_lines
from kit.validate.ablate_choosing import telling_rules
from kit.validate.ablate_jobs import MIN_LIMIT_S, method_digests, run_all
from kit.validate.ablate_outcomes import Outcome
from kit.validate.ablate_run import Job, Method, full_plan, job_plan
from kit.validate.ablate_store import RESULTS, SharedFit, Store, write_fit
from kit.validate.ablate_tables import (
    csv_cells,
    fair_pairs,
    order_notes,
    row_cells,
    sum_notes,
    variant_rows,
)
from kit.validate.ablate_tasks import find_tasks
from kit.validate.ablate_variants import BASE, TTT, Variant, all_variants, chosen_variants
from kit.validate.bench_tasks import development_tasks, largest_tokens

GRID = ((1, 2), (3, 4))
TASKS = tuple(Task(f"t{i}", (Pair(GRID, GRID), Pair(GRID[::-1], GRID)), (GRID,)) for i in (1, 2))
KNOWN = all_variants(FinetuneConfig(), 64, 256, {"small": Path("small")})


def method(name: str, budget: BudgetConfig | None = None) -> Method:
    """A variant with default options."""
    variant = next(v for v in KNOWN if v.name == name)
    return Method(variant, ToolboxSettings(), budget or BudgetConfig(), RankConfig())


# --- variants ---------------------------------------------------------------------------------


def test_every_override_is_an_option_and_every_partner_exists() -> None:
    names = [variant.name for variant in KNOWN]
    assert len(set(names)) == len(names)
    for variant in KNOWN:
        assert variant.against in names and variant.says
        apply_overrides(make_config("cpu"), variant.overrides)


def test_the_papers_figures_stand_beside_their_variants() -> None:
    found = {variant.name: variant.paper for variant in KNOWN if variant.paper is not None}
    assert found == {
        "ttt": 29, "no-ttt": 5, "no-transforms": 13, "end-to-end": 18, "shared": 22,
        "no-demo-loss": 26, "4-bit": 26,
    }  # fmt: skip


def test_words_choose_variants_by_name_or_group_and_partners_come_along() -> None:
    assert [v.name for v in chosen_variants(KNOWN, ["self-consistency"])] == [
        TTT, "self-consistency",
    ]  # fmt: skip
    assert {v.name for v in chosen_variants(KNOWN, ["base", BASE])} == {
        BASE, "base-small", "base-small-no-ttt",
    }  # fmt: skip
    assert [v.name for v in chosen_variants(KNOWN, ["4-bit"])] == ["peft", "4-bit"]
    assert chosen_variants(KNOWN, ["all"]) == KNOWN
    with pytest.raises(ValueError, match=r"no variant 'shard' \(did you mean 'shared'\?\)"):
        chosen_variants(KNOWN, ["shard"])


def test_four_bits_differ_from_their_partner_in_the_bits_alone() -> None:
    found = {v.name: v for v in KNOWN}
    four, partner = found["4-bit"], found[found["4-bit"].against]
    assert partner.name == "peft"
    differ = set(four.overrides) ^ set(partner.overrides)
    assert differ == {"finetune.quantize=nf4", "finetune.quantize=none"}


def test_ranks_keep_alpha_over_rank_and_skip_the_options_own() -> None:
    found = {
        v.name: v.overrides for v in all_variants(FinetuneConfig(rank=8, alpha=4), 64, 256, {})
    }
    assert "rank-8" not in found
    assert found["rank-32"] == ("finetune.rank=32", "finetune.alpha=16")


# --- plans ------------------------------------------------------------------------------------


def test_all_variants_of_a_task_share_seed_and_test_views() -> None:
    plans = [
        job_plan(Job(method(v.name), 3, TASKS[0], Path()))
        for v in KNOWN
        if v.work in ("ttt", "shared") and not v.matched
    ]
    assert len({plan.seed for plan in plans}) == 1
    assert len({plan.num_test_views for plan in plans}) == 1
    assert job_plan(Job(method(TTT), 4, TASKS[0], Path())).seed != plans[0].seed


def test_no_steps_means_no_training_views() -> None:
    plan = full_plan(TASKS[0], BudgetConfig(num_steps=0), 1, 0)
    assert (plan.num_steps, plan.num_train_views) == (0, 0)


def test_the_shared_adapter_gets_as_many_steps_as_all_tasks_together() -> None:
    shared = method("shared")
    union = job_plan(Job(shared, 0, TASKS[0], Path(), union=TASKS))
    alone = job_plan(Job(shared, 0, TASKS[0], Path()))
    assert union.num_steps == 2 * BudgetConfig().num_steps and alone.num_steps == 0


def test_matched_programs_get_the_seconds_of_their_partner() -> None:
    plan = job_plan(Job(method("search"), 0, TASKS[0], Path(), limit_s=7.5))
    assert (plan.leg, plan.search_s, plan.num_steps) == ("search", 7.5, 0)
    assert job_plan(Job(method("search"), 0, TASKS[0], Path(), math.inf)).search_s == 0.0


def test_untransformed_views_keep_test_views_as_they_are() -> None:
    base = make_config("full").augment
    plain = replace(base, untransformed=True)
    task = development_tasks()[3]
    assert all(v.transform.name == "identity" for v in training_views(task, 30, 0, plain))
    assert len({v.transform.name for v in training_views(task, 30, 0, base)}) == 8


# --- the store --------------------------------------------------------------------------------


def entry(name: str, task_id: str, seed: int = 0, seconds: float = 2.0) -> PoolEntry:
    """An entry with one sample."""
    pool = CandidatePool((Candidate(task_id, 0, GRID, "sample", "identity", -1.0, view=0),))
    return PoolEntry(task_id, name, seed, pool, "m", {"train": seconds})


def test_the_store_survives_a_cut_at_every_byte(tmp_path: Path) -> None:
    store = Store(tmp_path)
    entries = [entry(TTT, "t1"), entry(TTT, "t2"), entry(BASE, "t1")]
    for one in entries:
        store.add(one)
    path = tmp_path / RESULTS
    data = path.read_bytes()
    for cut in range(0, len(data), 7):
        path.write_bytes(data[:cut])
        reopened = Store(tmp_path)
        held = reopened.entries()
        assert all(one in entries for one in held)
        assert len(held) == max(0, data[:cut].count(b"\n") - 1)
        reopened.add(entry("later", "t9"))
        assert len(Store(tmp_path).entries()) == len(held) + 1


def test_a_variant_of_other_options_is_refused_and_a_new_one_is_not(tmp_path: Path) -> None:
    Store(tmp_path).announce(method_digests([method(TTT)], TASKS))
    Store(tmp_path).announce(method_digests([method(TTT), method("search")], TASKS))
    other = method(TTT, BudgetConfig(num_steps=9))
    with pytest.raises(ValueError, match="ttt was run there with other options"):
        Store(tmp_path).announce(method_digests([other], TASKS))


def test_an_adapter_of_other_tasks_is_refused(tmp_path: Path) -> None:
    """Entries of the first tasks would keep the adapter of fewer; other variants just grow."""
    some = [method(TTT), method("shared")]
    Store(tmp_path).announce(method_digests(some, TASKS[:1]))
    Store(tmp_path).announce(method_digests(some[:1], TASKS))
    with pytest.raises(ValueError, match=r"shared was run there .* an adapter of other tasks"):
        Store(tmp_path).announce(method_digests(some, TASKS))


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
    assert {"variants.csv", "choosing.csv", "outcomes.csv", "variants.svg", "steps.svg"} <= names_
    lines = (tmp_path / "outcomes.csv").read_text().splitlines()
    assert len(lines) == 1 + 3 * 2 * (6 + 3 + 1)
    picture = (tmp_path / "variants.svg").read_text()
    assert picture.startswith("<svg") and 'role="img"' in picture and "<desc" in picture
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")


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
    assert not (tmp_path / RESULTS).exists()


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


# --- tables of what was cut short -----------------------------------------------------------


def outcome(name: str, task: int, seed: int, solved: bool) -> Outcome:
    """One test input, in one second."""
    return Outcome(name, f"t{task}", seed, (solved,), (solved,), 1.0)


VARIANTS = [next(v for v in KNOWN if v.name == name) for name in (TTT, BASE, "shared")]


def test_sums_are_over_tasks_and_seeds_that_all_variants_have() -> None:
    """Training solves every task, no training the even ones, a shared adapter the first four. The
    second seed and the shared adapter have only begun: by all that each has done the shared
    adapter would be the worst."""
    done = [outcome(TTT, t, 0, True) for t in range(10)]
    done += [outcome(TTT, t, 1, True) for t in range(2)]
    done += [outcome(BASE, t, 0, t % 2 == 0) for t in range(10)]
    done += [outcome("shared", t, 0, t < 4) for t in range(4)]
    rows = {row.name: row for row in variant_rows(done, VARIANTS, 0)}
    assert {name: row.by_seed for name, row in rows.items()} == {
        TTT: (4.0,), BASE: (2.0,), "shared": (4.0,),
    }  # fmt: skip
    assert [(row.summed, row.pairs) for row in rows.values()] == [(4, 12), (4, 10), (4, 4)]
    assert rows[TTT].difference is not None and rows[TTT].difference.difference == 5.0
    assert "4 of 12" in row_cells(rows[TTT]) and csv_cells(rows[TTT])["summed"] == 4
    assert sum_notes(done)[0].startswith(
        "Not all is done: sums are over the 4 of 12 pairs of task and seed (4 tasks x 1 seed(s))"
    )
    notes = order_notes(list(rows.values()), done, 0)
    assert "The order here: no-ttt 2 < shared 4 = ttt 4." in notes
    assert "No pair stands the other way round here." in notes


def test_a_seed_counts_where_all_of_its_tasks_are_done() -> None:
    whole = [outcome(name, t, s, True) for name in (TTT, BASE) for t in range(3) for s in (0, 1)]
    assert len(fair_pairs(whole)) == 6 and not sum_notes(whole)
    # Two tasks under two seeds are more than three under one.
    assert {task_id for task_id, _ in fair_pairs(whole[:-1])} == {"t0", "t1"}
    rows = variant_rows(whole, VARIANTS, 0)
    assert [row.by_seed for row in rows] == [(3.0, 3.0)] * 2
    assert "6" in row_cells(rows[0])


def test_variants_without_a_common_task_say_that_their_sums_do_not_compare() -> None:
    apart = [outcome(TTT, 0, 0, True), outcome(BASE, 1, 0, False)]
    assert [row.solved for row in variant_rows(apart, VARIANTS, 0)] == [1.0, 0.0]
    assert sum_notes(apart)[0].startswith("No task and seed was worked on by every variant")
    assert not fair_pairs([]) and not sum_notes([])


# --- tasks ------------------------------------------------------------------------------------


def test_tasks_are_chosen_by_size_number_and_id(tmp_path: Path) -> None:
    tasks, solutions = find_tasks(None, max_tokens=300)
    assert tasks and all(largest_tokens(t) <= 300 and t.task_id in solutions for t in tasks)
    assert find_tasks(("dev",), limit=2)[0] == development_tasks()[:2]
    ids = tmp_path / "ids.txt"
    ids.write_text("# two\n25ff71a9\n\nd037b0a7\n")
    assert {t.task_id for t in find_tasks(None, ids)[0]} == {"25ff71a9", "d037b0a7"}
    ids.write_text("25ff71a8\n")
    with pytest.raises(ValueError, match=r"'25ff71a8' is not one of the 40 tasks"):
        find_tasks(None, ids)
    with pytest.raises(ValueError, match="is in more than one of the sets"):
        find_tasks(("dev", "arc1-train"))


def test_several_sets_are_joined(tmp_path: Path) -> None:
    pair = {"input": [[1]], "output": [[2]]}
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"mine": {"train": [pair, pair], "test": [pair]}}))
    tasks, solutions = find_tasks(("dev", str(path)), limit=1)
    assert [t.task_id for t in tasks] == ["mine"] and solutions["mine"] == (((2,),),)


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
