"""`python -m kit pools`: runs to files, files to answers, and what a learned rule is worth.

pytest tests/validate/test_pools.py
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from kit.arc.candidate import Candidate, ProgramEvidence, ViewScore
from kit.arc.files import load_tasks
from kit.arc.task import Pair, Task
from kit.budget.plan import Plan
from kit.rank.pool import CandidatePool
from kit.rank.pool_file import PoolEntry, read_pools, write_pools
from kit.solve.work import WorkResult
from kit.submit.journal import Journal, Record
from kit.submit.lock import JOURNAL_NAME
from kit.submit.records import result_record
from kit.validate import pools
from kit.validate.check import check_submission
from kit.validate.pools_export import entries_of_run
from kit.validate.pools_fit import fit, fit_selector

RIGHT, WRONG = ((1, 2),), ((2, 1),)


def sample(task_id: str, grid, view: int = 0, nats: float = -1.0) -> Candidate:
    return Candidate(task_id, 0, grid, "sample", "identity", nats, 3, view=view)


@pytest.fixture
def task_file(tmp_path: Path) -> Path:
    """Two tasks whose answers are RIGHT."""
    pair = {"input": [[3, 4]], "output": [[4, 3]]}
    test = {"input": [[5, 6]], "output": [list(RIGHT[0])]}
    path = tmp_path / "tasks.json"
    tasks = {name: {"train": [pair, pair], "test": [test]} for name in ("one", "two")}
    path.write_text(json.dumps(tasks))
    return path


@pytest.fixture
def pool_file(tmp_path: Path) -> Path:
    """Run "a" votes wrongly for task one and scores the right grid higher; run "b" has it alone."""
    scores = (ViewScore("one", 0, RIGHT, (-1.0,)), ViewScore("one", 0, WRONG, (-9.0,)))
    many = [sample("one", WRONG, 0), sample("one", WRONG, 1), sample("one", ((9,),), 2)]
    many += [sample("one", ((8,),), 3), sample("one", ((8,),), 4), sample("one", RIGHT, 5)]
    entries = [
        PoolEntry("one", "a", 0, CandidatePool(tuple(many), scores), "m", {"sample": 2.0}),
        PoolEntry("two", "b", 0, CandidatePool((sample("two", RIGHT),)), "n", {"sample": 1.0}),
    ]
    path = tmp_path / "pools.jsonl.xz"
    write_pools(path, entries)
    return path


def test_choosing_again_shows_every_rule_and_the_gap(
    pool_file: Path, task_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["choose", str(pool_file), "--tasks", str(task_file), "--rule", "flat"]
    assert pools.main(words) == 0
    out = capsys.readouterr().out
    assert "2 tasks: flat solves 1.00, a perfect choice 2.00: 1.00 lost by choosing" in out
    rows = {line.split("|")[1].strip(): line for line in out.splitlines() if "|" in line}
    assert "2.00" in rows["experts"] and "1.00" in rows["flat"] and "2.00" in rows["oracle"]
    assert "only_transpose" not in rows and "press" not in rows


def test_answers_of_a_rule_are_a_valid_submission(
    pool_file: Path, task_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "submission.json"
    words = ["choose", str(pool_file), "--tasks", str(task_file), "--out", str(out)]
    assert pools.main([*words, "--rule", "experts"]) == 0
    assert not check_submission(out, load_tasks(task_file))
    answers = json.loads(out.read_text())
    assert [answers[name][0]["attempt_1"] for name in ("one", "two")] == [[[1, 2]], [[1, 2]]]


def test_files_of_two_machines_merge_in_any_order(
    pool_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.jsonl"
    write_pools(other, [PoolEntry("one", "c", 0, CandidatePool((sample("one", RIGHT),)))])
    outs = [tmp_path / name for name in ("x.jsonl", "y.jsonl")]
    assert pools.main(["merge", str(pool_file), str(other), "--out", str(outs[0])]) == 0
    assert pools.main(["merge", str(other), str(pool_file), "--out", str(outs[1])]) == 0
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert "3 entries of 2 tasks" in capsys.readouterr().out
    assert pools.main(["show", str(outs[0])]) == 0
    out = capsys.readouterr().out
    assert "a, seed 0: 1 tasks, 6 samples, 0 programs, 2 scores, 2.0 s, 0 failures, model m" in out


def test_programs_bring_their_joining_rules(
    task_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evidence = ProgramEvidence("lines", 3.0, 2, 2, 1.0, 0.9)
    found = Candidate("one", 0, RIGHT, "search", "program", program="p", evidence=evidence)
    path = tmp_path / "pools.jsonl"
    pool = CandidatePool((sample("one", WRONG), sample("one", ((9,),)), found))
    write_pools(path, [PoolEntry("one", "a", 0, pool)])
    assert pools.main(["choose", str(path), "--tasks", str(task_file)]) == 0
    out = capsys.readouterr().out
    assert "induction_first solves 1.00" in out and "press" in out and "program_only" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["choose", "{pools}", "--tasks", "{tasks}", "--rule", "flatt"], "did you mean 'flat'"),
        (["choose", "{pools}", "--tasks", "{tasks}", "--run", "z"], "runs are a, b"),
        (["choose", "{pools}", "--tasks", "arc1-train"], "none of the tasks of arc1-train"),
        (["show", "{tasks}"], "a pool file begins with"),
        (["show", "{pools}.not"], "No such file"),
        (["export", "{tasks}", "--out", "x"], "give the folder of a run"),
        (["turn"], "turn: not one of export, merge"),
        (["merge", "{pools}"], "--out"),
    ],
)
def test_a_mistake_is_one_line(
    pool_file: Path,
    task_file: Path,
    words: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    filled = [word.format(pools=pool_file, tasks=task_file) for word in words]
    assert pools.main(filled) == 2
    err = capsys.readouterr().err
    assert message in err and "Traceback" not in err


def test_a_run_becomes_one_entry_per_task(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    config = {"seed": 7, "solve": {"model": "models/x", "legs": "both"}}
    results = [
        WorkResult("one", Plan("one"), (sample("one", WRONG),), (), {"train": 1.0}, {"steps": 5}),
        WorkResult("one", Plan("one", round=1), (sample("one", RIGHT),), (), {"train": 2.0}),
        WorkResult("two", Plan("two"), (), (), {"train": 1.0}, failure="sample: no"),
    ]
    journal = Journal(folder / JOURNAL_NAME)
    for record in [Record("run", "", {"config": config}), *map(result_record, results)]:
        journal.append(record)
    journal.close()
    one, two = entries_of_run(folder)
    assert one.name == ("one", "run", 7) and one.model == "models/x"
    assert (one.stage_s, one.counts) == ({"train": 3.0}, {"steps": 5})
    assert one.pool.grids() == (WRONG, RIGHT) and two.failure == "sample: no"
    out = tmp_path / "pools.jsonl"
    assert pools.main(["export", str(folder), "--name", "mine", "--out", str(out)]) == 0
    assert [entry.run for entry in read_pools(out)] == ["mine", "mine"]


# --- the learned rule -------------------------------------------------------------------------


def made_up(count: int, rng: random.Random, told_by: str) -> tuple:
    """Tasks whose right grid has the best score, or (told_by="votes") the most votes."""
    entries, tasks, solutions = [], {}, {}
    for number in range(count):
        name = f"t{number}"
        grids = [((rng.randrange(10), rng.randrange(10), place),) for place in range(4)]
        right = rng.randrange(4)
        by_votes = told_by == "votes"
        votes = [3 if by_votes == (place == right) else 1 for place in range(4)]
        nats = [-1.0 if by_votes != (place == right) else -6.0 for place in range(4)]
        samples = [sample(name, g) for g, n in zip(grids, votes, strict=True) for _ in range(n)]
        scores = [ViewScore(name, 0, g, (n,)) for g, n in zip(grids, nats, strict=True)]
        entries.append(PoolEntry(name, "a", 0, CandidatePool(tuple(samples), tuple(scores))))
        tasks[name] = Task(name, (Pair(((0,),), ((0,),)),) * 2, (((0,),),))
        solutions[name] = (grids[right],)
    return entries, tasks, solutions


@pytest.mark.parametrize("told_by", ["votes", "scores"])
def test_it_learns_what_tells_right_from_wrong(told_by: str) -> None:
    found = fit(*made_up(24, random.Random(1), told_by), seed=0)
    rows = {row.name: row.solved for row in found.rows}
    assert found.contested == 24 and rows["learned"] == 24
    # One of the fixed rules knows this as well, so there is nothing to gain.
    assert rows[found.best] == 24 and not found.is_better and found.gain.difference == 0


def test_it_beats_fixed_rules_where_none_of_them_is_right() -> None:
    """Half of the tasks are told by votes and half by scores, and the number of rivals says which
    half it is not; no fixed rule knows both, a sum of both does."""
    rng = random.Random(2)
    entries, tasks, solutions = made_up(40, rng, "votes")
    for entry_, others in zip(entries[::2], range(0, 40, 2), strict=True):
        # Here the right grid has both the second-best score and the second-most votes.
        name = f"t{others}"
        right = solutions[name][0]
        wrong = [g for g in entry_.pool.grids() if g != right]
        samples = [sample(name, right)] * 3 + [sample(name, wrong[0])] * 4
        samples += [sample(name, wrong[1])] * 4 + [sample(name, wrong[2])]
        nats = {right: -1.5, wrong[0]: -7.0, wrong[1]: -7.0, wrong[2]: -1.0}
        nats[((9, 9, 9),)] = -1.2
        scores = tuple(ViewScore(name, 0, g, (n,)) for g, n in nats.items())
        held = CandidatePool((*samples, sample(name, ((9, 9, 9),))), scores)
        entries[others] = PoolEntry(name, "a", 0, held)
    found = fit(entries, tasks, solutions, seed=0)
    rows = {row.name: row.solved for row in found.rows}
    assert rows["learned"] > rows[found.best] and found.is_better


def test_runs_of_one_task_stay_apart_and_halves_go_by_task() -> None:
    entries, tasks, solutions = made_up(6, random.Random(3), "votes")
    twice = entries + [PoolEntry(e.task_id, "b", 0, e.pool) for e in entries]
    found = fit(twice, tasks, solutions, seed=0)
    assert all(len(row.by_seed) == 2 and row.pairs == 12 for row in found.rows)


def test_nothing_to_learn_from_is_said() -> None:
    entries, tasks, solutions = made_up(1, random.Random(4), "votes")
    with pytest.raises(ValueError, match="at least 2 tasks with solutions, got 1"):
        fit(entries, tasks, solutions, 0)
    assert fit_selector([], {}, "").weights == {"bias": -3.0}


def test_the_command_fits_and_its_weights_choose(
    task_file: Path, pool_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "weights.json"
    words = [str(pool_file), "--tasks", str(task_file)]
    assert pools.main(["fit", *words, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "1 test inputs have both a right and a wrong candidate" in said
    assert "no better than" in said
    assert pools.main(["choose", *words, "--selector", str(out)]) == 0
    assert "2 tasks: learned solves" in capsys.readouterr().out
