"""`python -m kit compute`: operations counted by hand, and only what the model proposed counts.

pytest tests/validate/test_compute.py
"""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from kit.arc.candidate import Candidate, Prediction
from kit.budget.plan import Plan
from kit.config import make_config
from kit.engine.shape import read_shape
from kit.resume import run_record
from kit.solve.work import WorkResult
from kit.submit.journal import Journal, Record
from kit.submit.lock import JOURNAL_NAME
from kit.submit.records import prediction_record, result_record
from kit.validate import compute

RIGHT, WRONG = ((1, 2),), ((2, 1),)
BOTH = {"a": (RIGHT, RIGHT), "b": (RIGHT, RIGHT)}
COUNTS = {
    "train_tokens": 1000,
    "prompts": 2,
    "prompt_tokens": 200,
    "answer_tokens": 30,
    "scored_tokens": 50,
    "check_tokens": 70,
}


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    pair = {"input": [[3, 4]], "output": [[4, 3]]}
    test = {"input": [[5, 6]], "output": [list(RIGHT[0])]}
    path = tmp_path / "tasks.json"
    path.write_text(
        json.dumps({name: {"train": [pair, pair], "test": [test, test]} for name in ("a", "b")})
    )
    return path


def write_run(
    folder: Path,
    counts: dict[str, int],
    proposed: bool = True,
    *,
    ids: str | None = "ab",
    stopped: str | None = None,
    options: Sequence[str] = (),
) -> Path:
    """A run whose answer to the first input of task "a" is right.

    Args:
        ids: tasks that it was to work on, a letter each; None for a journal from before these were
            written down.
        stopped: how it ended; None where it was killed.
    """
    config = make_config("smoke", options)
    folder.mkdir()
    sample = Candidate("a", 0, RIGHT, "sample", "identity", -1.0, 3)
    result = WorkResult(
        "a", Plan("a"), (sample,) if proposed else (), counts=counts, observed={"held_chance": 0.5}
    )
    attempts = Prediction("a", 0, (WRONG, RIGHT), 0.5, "vote")
    start = run_record(config, [], "code", ids or "")
    if ids is None:
        del start.data["ids"]
    journal = Journal(folder / JOURNAL_NAME)
    journal.append(start, result_record(result))
    journal.append(prediction_record([attempts, replace(attempts, test_index=1)]))
    if stopped is not None:
        journal.append(Record("end", "", {"stopped": stopped, "wall_s": 1.0, "tasks": 1}))
    journal.close()
    return folder


def test_operations_are_counted_as_by_hand(tmp_path: Path, tasks: Path) -> None:
    folder = write_run(tmp_path / "run", COUNTS)
    found = compute.compute_of(folder, BOTH, 7e9)
    shape = read_shape(Path(make_config("smoke").solve.model))
    weights, attention = 2.0 * shape.num_parameters(), shape.flops_per_token(1)
    attention -= weights
    reading, making = weights + 50 * attention, weights + 100 * attention
    assert found.tuning == pytest.approx(3 * 1000 * reading)
    assert found.answering == pytest.approx((200 + 50 + 70) * reading + 30 * making)
    assert found.remarks == ()
    assert found.flops == pytest.approx(7e9 + found.tuning + found.answering)
    # One of two outputs of one of two tasks; the other right answer was nobody's proposal.
    assert (found.solved, found.percent) == (0.5, 25.0)


def test_a_cheap_guess_is_not_the_models(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", COUNTS, proposed=False)
    assert compute.compute_of(folder, BOTH, 0.0).solved == 0


def test_a_run_of_some_tasks_is_a_share_of_these_and_says_so(
    tmp_path: Path, tasks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, table = write_run(tmp_path / "mine", COUNTS, ids="a"), tmp_path / "c.csv"
    assert compute.main([str(folder), "--tasks", str(tasks), "--csv", str(table)]) == 0
    line = capsys.readouterr().out.splitlines()[1]
    assert line.startswith("mine") and "50.0%" in line and line.endswith("; 1 of 2 tasks")
    row = next(csv.DictReader(table.open(encoding="utf-8")))
    assert (row["solved_percent"], row["tasks"]) == ("50.0", "1")
    assert "mine (1 of 2 tasks)" in compute.picture([compute.compute_of(folder, BOTH, 1e9)])


def test_tasks_that_were_not_begun_count_as_unsolved(tmp_path: Path) -> None:
    found = compute.compute_of(write_run(tmp_path / "run", COUNTS, ids="ab"), BOTH, 0.0)
    assert (found.tasks, found.percent, found.part) == (2, 25.0, "")


def test_every_start_of_a_run_adds_its_tasks(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", COUNTS, ids="a")
    journal = Journal(folder / JOURNAL_NAME, (folder / JOURNAL_NAME).stat().st_size)
    journal.append(run_record(make_config("smoke"), [], "code", "b"))
    journal.close()
    assert compute.compute_of(folder, BOTH, 0.0).tasks == 2


def test_an_older_journal_counts_where_it_had_all_its_tasks(tmp_path: Path) -> None:
    done = write_run(tmp_path / "done", COUNTS, ids=None, stopped="done")
    assert compute.compute_of(done, BOTH, 0.0).part == "1 of 2 tasks"
    whole = write_run(tmp_path / "whole", COUNTS, ids=None, stopped="time")
    assert compute.compute_of(whole, {"a": (RIGHT, RIGHT)}, 0.0).percent == 50.0


def test_what_the_journal_has_no_count_of_is_said(
    tmp_path: Path, tasks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = {name: count for name, count in COUNTS.items() if name != "check_tokens"}
    folder = write_run(tmp_path / "mine", counts, options=["finetune.shared=true"])
    assert compute.main([str(folder), "--tasks", str(tasks)]) == 0
    notes = capsys.readouterr().err.splitlines()
    assert [note.partition(" is not counted")[0] for note in notes] == [
        "note: mine: asking adapters about their own demonstrations",
        "note: mine: training the adapter that all tasks share",
    ]


def test_table_csv_and_picture(
    tmp_path: Path, tasks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, table, svg = (
        write_run(tmp_path / "mine", COUNTS),
        tmp_path / "c.csv",
        tmp_path / "c.svg",
    )
    words = [str(folder), "--tasks", str(tasks), "--csv", str(table), "--svg", str(svg)]
    assert compute.main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("mine") and "25.0%" in lines[1] and "published" in lines[2]
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    assert float(rows[0]["training"]) == compute.card_flops(Path(make_config("smoke").solve.model))
    assert len(rows) == 1 + len(compute.PUBLISHED)
    drawn = ElementTree.fromstring(svg.read_text(encoding="utf-8"))
    circles = [node for node in drawn.iter() if node.tag.endswith("circle")]
    assert len(circles) == len(rows)
    places = [float(circle.attrib["cx"]) for circle in circles]
    assert min(places) == places[0]  # the run took least


def boxes_of(drawn: str) -> dict[str, tuple[float, float, float, float]]:
    """(left, top, right, bottom) of every name in a picture, a letter being 7 pixels wide."""
    found = {}
    for node in ElementTree.fromstring(drawn).iter():
        if node.attrib.get("class") == "name":
            x, y, width = float(node.attrib["x"]), float(node.attrib["y"]), 7 * len(node.text)
            left = x - width if node.attrib["text-anchor"] == "end" else x
            found[node.text] = (left, y - 9, left + width, y + 2)
    return found


def test_names_of_neighbours_do_not_overlap() -> None:
    runs = [compute.Compute(f"run-{i}", 40 + i / 9, 100, 1e17, 1e16, 1e15) for i in range(5)]
    # On top of published systems at the right edge, where names must turn to the left.
    runs += [compute.Compute("a-run-with-a-long-name", 42, 100, 1e20, 0, 0)]
    drawn = compute.picture(runs)
    boxes = boxes_of(drawn)
    assert len(boxes) == len(runs) + len(compute.PUBLISHED)
    for a, b in itertools.combinations(boxes.values(), 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], boxes
    assert all(box[0] >= 0 and box[2] <= 760 for box in boxes.values())
    assert compute.picture(runs) == drawn


def test_systems_of_two_attempts_are_all_there() -> None:
    shown = {system.name: (system.percent, system.flops) for system in compute.PUBLISHED}
    assert shown["mdlARC 28M"] == (27.5, 1e18) and shown["HRM (2506.21734)"] == (41.0, 1e20)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: folder.mkdir(), "no journal.jsonl in it"),
        (lambda folder: write_run(folder, {"nodes": 3}), "no prompt of a model was counted"),
        (
            lambda folder: write_run(folder, COUNTS, ids="acdef"),
            "4 of the run's 5 tasks have no solution in --tasks (c, d, e, ...)",
        ),
        (
            lambda folder: write_run(folder, COUNTS, ids=None, stopped="time"),
            "1 were begun, but how many there were is not known",
        ),
    ],
)
def test_what_cannot_be_counted_is_refused(
    tmp_path: Path, tasks: Path, capsys: pytest.CaptureFixture[str], make, says: str
) -> None:
    make(tmp_path / "run")
    assert compute.main([str(tmp_path / "run"), "--tasks", str(tasks)]) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1


def test_a_card_without_operations_is_refused(tmp_path: Path) -> None:
    for text in ("A model.", "`python -m kit pretrain --base x`: about 1.0e+13 FLOPs."):
        (tmp_path / "README.md").write_text(text)
        with pytest.raises(ValueError, match=r"README.md: does not say.*give --training-flops"):
            compute.card_flops(tmp_path)
