"""The report as a file: what it says, what it survives; nothing of a run becomes markup."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from kit.__main__ import main
from kit.config import make_config
from kit.resume import run_record
from kit.submit.journal import Journal, Record, encode_record, replay
from kit.validate.report_tasks import MOST_BYTES
from tests.validate.report_runs import REASON, MadeRun, make_run

HOSTILE = ("</script><script>alert(1)</script>", "<!--<script>", '"><img src=x onerror=alert(1)>')
"""As `check_task_id` forbids "/" in ids of files, these reach a journal only by other ways."""


class _Outline(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)

    def with_attribute(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for _, attributes in self.elements if name in attributes]


def report(run: MadeRun, *more: str, out: str = "r.html") -> str:
    """The page of a run."""
    path = run.folder.parent / out
    assert main(["report", *run.arguments("--out", str(path), *more)]) == 0
    return path.read_text("utf-8")


def data_of(page: str) -> dict[str, Any]:
    """The block of JSON in a page."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert found is not None
    return json.loads(found[1])


def statuses(page: str) -> list[str | None]:
    return [item["data-status"] for item in _Outline(page).with_attribute("data-status")]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeRun:
    """A run of 24 tasks in which everything occurs."""
    return make_run(tmp_path_factory.mktemp("made"), [f"t{i:02}" for i in range(24)], side=8)


def test_it_says_what_became_of_every_task(made: MadeRun) -> None:
    page = report(made)
    assert len(statuses(page)) == 24
    assert {"solved", "close", "untried"} <= set(statuses(page))
    for words in ("score of tasks tried", "Seconds of work by stage", "Reached over time"):
        assert words in page


def test_the_data_hold_grids_votes_programs_plans_and_errors(made: MadeRun) -> None:
    data = data_of(report(made))
    tasks = data["tasks"]
    shown = [c for task in tasks for test in task["tests"] for c in test["candidates"]]
    assert all(re.fullmatch(r"\d+(\|\d+)*", text) for text in data["grids"])
    assert any(c.get("votes") and c["groups"] and c["own"] and c["scored"] for c in shown)
    programs = [p for c in shown for p in c.get("programs", ())]
    assert any("largest(a)" in p["text"] and p["pairs"] == p["of"] for p in programs)
    assert any(step["plan"].get("num_steps") == 60 for t in tasks for step in t["steps"])
    assert any(step["reasons"] for t in tasks for step in t["steps"])
    assert {step["why"] for t in tasks for step in t["steps"]} == {REASON, ""}
    assert any("out of memory" in line for t in tasks for line in t["errors"])


def test_solved_agrees_with_the_contest(made: MadeRun) -> None:
    truths = json.loads(made.solutions.read_text())
    page = report(made)
    answers: dict[str, list] = {}
    for record in replay(made.journal()).records:
        if record.kind == "prediction":
            answers[record.key] = [entry["attempts"] for entry in record.data["inputs"]]
    solved = {
        name
        for name, tried in answers.items()
        if all(t in a for t, a in zip(truths[name], tried, strict=True))
    }
    ids = [task["id"] for task in data_of(page)["tasks"]]
    found = {name for name, status in zip(ids, statuses(page), strict=True) if status == "solved"}
    assert found == solved


def test_without_solutions_nothing_is_called_solved(made: MadeRun) -> None:
    page = report(made, "--solutions", "none")
    assert set(statuses(page)) <= {"answered", "failed", "untried"}
    assert "not known" in page
    assert "tasks solved" not in page
    assert all(t["right"] is None for task in data_of(page)["tasks"] for t in task["tests"])


def test_without_tasks_there_are_still_answers(made: MadeRun, capsys: Any) -> None:
    out = made.folder.parent / "bare.html"
    assert main(["report", str(made.folder), "--out", str(out)]) == 0
    assert "--tasks says where they are" in capsys.readouterr().err
    data = data_of(out.read_text("utf-8"))
    assert all("train" not in task for task in data["tasks"])
    assert any(test["candidates"] for task in data["tasks"] for test in task["tests"])


def test_other_tasks_than_the_runs_are_noticed(made: MadeRun, tmp_path: Path, capsys: Any) -> None:
    other = make_run(tmp_path, ["t00", "t01"], seed=5)
    arguments = ["--tasks", str(other.tasks), "--solutions", "none"]
    out = str(tmp_path / "o.html")
    assert main(["report", str(made.folder), *arguments, "--out", out]) == 0
    assert "started with other tasks" in capsys.readouterr().err


def test_a_torn_journal(tmp_path: Path) -> None:
    run = make_run(tmp_path, ["a", "b", "c"], side=5)
    content = run.journal().read_bytes()
    for cut in (1, 40, len(content) // 2, len(content) - 7):
        run.journal().write_bytes(content[:cut])
        page = report(run)
        assert "are torn and were left out" in page
        assert len(statuses(page)) == 3
    run.journal().write_bytes(content)
    assert "are torn" not in report(run)


def test_a_run_that_is_going_on(tmp_path: Path) -> None:
    run = make_run(tmp_path, ["a", "b", "c", "d"], side=5, ended=False)
    records = replay(run.journal()).records
    last = max(i for i, record in enumerate(records) if record.kind == "result")
    run.journal().write_bytes(b"".join(map(encode_record, records[:last])))
    page = report(run)
    assert "still going on, or it died" in page
    assert any(not step["done"] for task in data_of(page)["tasks"] for step in task["steps"])


def test_a_run_that_was_resumed_goes_on_in_time(tmp_path: Path) -> None:
    run = make_run(tmp_path, ["a", "b", "c", "d"], side=5)
    journal = run.journal()
    first = journal.read_bytes()
    journal.write_bytes(first + first)
    page = report(run)
    assert "2 starts" in page
    ends = [r.data["wall_s"] for r in replay(journal).records if r.kind == "end"]
    times = [s["at"] for t in data_of(page)["tasks"] for s in t["steps"] if s["at"] is not None]
    assert ends[0] < max(times) <= sum(ends) + 0.01


@pytest.mark.parametrize("begun", [False, True])
def test_a_run_of_no_tasks(tmp_path: Path, begun: bool) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    if begun:
        journal.append(run_record(make_config(), (), "code"))
    journal.close()
    assert main(["report", str(tmp_path)]) == 0
    page = (tmp_path / "report.html").read_text("utf-8")
    assert statuses(page) == []
    assert data_of(page) == {"grids": [], "tasks": []}


def test_records_of_an_unknown_form_cost_themselves_only(tmp_path: Path) -> None:
    run = make_run(tmp_path, ["a", "b"], side=5)
    odd = [
        Record("plan", "x", {"task_id": "a", "colour": 1}),
        Record("result", "x", {"task_id": "a"}),
        Record("result", "x", {"task_id": "a", "pool": {"version": 99}}),
        Record("prediction", "a", {"inputs": [{"task_id": "a", "attempts": 3}]}),
        Record("prediction", "a", {"inputs": 7}),
        Record("failure", "a", {}),
    ]
    with open(run.journal(), "ab") as stream:
        stream.write(b"".join(map(encode_record, odd)))
    page = report(run)
    assert page.count("could not be read") == len(odd)
    assert len(statuses(page)) == 2


def test_names_become_text_never_markup(tmp_path: Path) -> None:
    folder = tmp_path / "<img src=x onerror=alert(2)>&amp;"
    folder.mkdir()
    journal = Journal(folder / "journal.jsonl")
    journal.append(run_record(make_config(), (), "<b>code</b>"))
    template = make_run(tmp_path / "x", ["k"], side=4).journal()
    for name in HOSTILE:
        for record in replay(template).records[1:-1]:
            text = json.dumps(record.data).replace('"k"', json.dumps(name))
            key = name if record.kind in ("prediction", "failure") else record.key
            journal.append(Record(record.kind, key, json.loads(text)))
        journal.append(Record("failure", name, {"round": 0, "why": name}))
    journal.close()
    assert main(["report", str(folder)]) == 0
    page = (folder / "report.html").read_text("utf-8")
    outline = _Outline(page)
    assert outline.count("script") == 2
    assert outline.count("img") == 0
    assert not [a for a in outline.elements if any(key.startswith("on") for key in a[1])]
    assert [task["id"] for task in data_of(page)["tasks"]] == list(HOSTILE)
    assert all(name in "".join(outline.text) for name in HOSTILE)
    assert "<!--" not in page


def test_bytes_that_are_no_text_in_a_folders_name(tmp_path: Path) -> None:
    folder = Path(str(tmp_path) + "/odd\udcff\u202e")
    folder.mkdir()
    Journal(folder / "journal.jsonl").close()
    assert main(["report", str(folder)]) == 0
    assert "odd\\udcff\ufffd" in (folder / "report.html").read_text("utf-8")


def test_the_page_needs_and_loads_nothing(made: MadeRun) -> None:
    page = report(made)
    outline = _Outline(page)
    policies = [a["content"] for _, a in outline.elements if "http-equiv" in a]
    assert policies and str(policies[0]).startswith("default-src 'none'")
    assert outline.with_attribute("src") == []
    links = [a["href"] for a in outline.with_attribute("href")]
    assert links == ["#tasks"]
    assert not re.search(r"@import|url\(", page)


def test_the_page_is_made_for_keyboards_and_screen_readers(made: MadeRun) -> None:
    outline = _Outline(report(made))
    assert ("html", {"lang": "en"}) in outline.elements
    assert outline.count("h1") == outline.count("main") == 1
    tags = [tag for tag, _ in outline.elements]
    labels = tags.count("label")
    assert labels == tags.count("input") + tags.count("select")
    drawings = [a for tag, a in outline.elements if tag == "svg"]
    assert all(a.get("aria-hidden") or a.get("aria-labelledby") for a in drawings)
    assert all(a.get("scope") for tag, a in outline.elements if tag == "th")
    assert outline.with_attribute("style") == []


def test_a_submission_in_the_folder_answers_what_was_not_tried(tmp_path: Path) -> None:
    run = make_run(tmp_path, [f"t{i:02}" for i in range(11)], side=5)
    truths = json.loads(run.solutions.read_text())
    content = {n: [{"attempt_1": g, "attempt_2": g} for g in grids] for n, grids in truths.items()}
    (run.folder / "submission.json").write_text(json.dumps(content))
    page = report(run)
    assert "cheap guesses where not tried" in page
    assert statuses(page)[-1] == "solved"  # the eleventh, see `report_runs`
    (run.folder / "submission.json").write_text("{")
    assert "submission.json was left out" in report(run)


def test_many_large_proposals_stay_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path, [f"t{i}" for i in range(8)], side=30)
    whole = len(report(run))
    monkeypatch.setattr("kit.validate.report_tasks.MOST_BYTES", 1000)
    assert len(report(run)) < whole
    assert MOST_BYTES < 15e6


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing"], "missing: no run in it: there is no journal.jsonl"),
        (["{run}", "--tasks", "nowhere.json"], "nowhere.json"),
        (["{run}", "--solutions", "nowhere.json"], "give --tasks as well"),
        (["{run}", "--solution", "x"], "did you mean '--solutions'"),
        (["{run}", "--solutions", "none", "--out", "no/such/folder/r.html"], "No such file"),
    ],
)
def test_what_cannot_be_met_is_one_line(
    made: MadeRun, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [a.format(run=made.folder) for a in arguments]
    assert main(["report", *asked]) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert said in errors[0]


def test_the_same_run_gives_the_same_page(made: MadeRun) -> None:
    assert report(made, out="1.html") == report(made, out="2.html")
