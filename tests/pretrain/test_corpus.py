"""What may be trained on, and what is drawn from it.

pytest tests/pretrain/test_corpus.py
"""

from __future__ import annotations

import hashlib
import json
import lzma
import random
from pathlib import Path

import pytest

from kit.arc.datasets import load_dataset
from kit.arc.task import Pair, Task
from kit.pretrain.corpus import (
    Corpus,
    CorpusConfig,
    CorpusError,
    make_rule,
    rules_of_pairs,
    view_tokens,
)
from kit.pretrain.dev_tasks import CONTAMINATED, DEV_TASKS, may_train_on
from kit.pretrain.re_arc import load_re_arc
from tests.pretrain.canonical import canonical

TRAINING = load_dataset("arc1-train").tasks


def forms(task: Task) -> set[bytes]:
    """Canonical forms of a task's demonstrations."""
    return {canonical(pair) for pair in task.train}


@pytest.fixture(scope="module")
def trained() -> set[bytes]:
    """Canonical forms of all original pairs that may be trained on."""
    return set().union(*(forms(t) for i, t in TRAINING.items() if may_train_on(i)))


def test_development_tasks_are_those_of_the_digest() -> None:
    by_digest = sorted(TRAINING, key=lambda i: hashlib.blake2b(i.encode()).hexdigest())
    assert tuple(sorted(by_digest[:40])) == DEV_TASKS


def test_no_rule_of_the_corpus_is_a_development_task() -> None:
    ids = {rule.rule_id for rule in rules_of_pairs({i: t.train for i, t in TRAINING.items()})}
    assert len(ids) == 400 - len(DEV_TASKS) - len(CONTAMINATED)
    assert not ids & {f"arc {i}" for i in (*DEV_TASKS, *CONTAMINATED)}


@pytest.mark.parametrize("name", ["arc1-eval", "arc2-eval"])
def test_no_pair_trained_on_is_an_evaluation_pair_in_disguise(
    name: str, trained: set[bytes]
) -> None:
    found = [i for i, task in load_dataset(name).tasks.items() if forms(task) & trained]
    assert found == []


def test_no_development_pair_is_trained_on_in_disguise(trained: set[bytes]) -> None:
    assert [i for i in DEV_TASKS if forms(TRAINING[i]) & trained] == []


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """Original training pairs alone."""
    rules = rules_of_pairs({i: task.train for i, task in TRAINING.items()})
    return Corpus([], rules, CorpusConfig())


def test_draws_fit_and_depend_on_the_seed_alone(corpus: Corpus) -> None:
    views = [corpus.draw(random.Random(seed)) for seed in range(60)]
    assert views == [corpus.draw(random.Random(seed)) for seed in range(60)]
    assert all(view_tokens(v) <= CorpusConfig().long_tokens for v in views)
    assert all(len(v.examples) >= 1 and v.answer is not None for v in views)
    assert len({v.task_id for v in views}) > 30


def test_a_plain_draw_is_the_rule_under_one_transform() -> None:
    pairs = {"a": TRAINING["0ca9ddb6"].train}
    config = CorpusConfig(wrap_share=0.0)
    corpus = Corpus([], rules_of_pairs(pairs), config)
    known = {canonical(p) for p in pairs["a"]}
    for seed in range(20):
        view = corpus.draw(random.Random(seed))
        assert view.answer is not None
        shown = [*view.examples, Pair(view.query, view.answer)]
        assert {canonical(p) for p in shown} <= known


def test_re_arc_files_are_read_and_broken_ones_named(tmp_path) -> None:
    with pytest.raises(CorpusError, match="no re_arc"):
        load_re_arc(tmp_path)
    path = tmp_path / "re_arc_00.jsonl"
    lines = [
        {"id": "007bbfb7", "pairs": [["005|050", "1"], ["1", "2"]]},
        {"id": DEV_TASKS[0], "pairs": []},
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    (rule,) = load_re_arc(tmp_path)
    assert (rule.rule_id, rule.pairs[0], rule.tokens) == ("re-arc 007bbfb7", ("1", "2"), (7, 13))
    path.write_text('{"id": "007bbfb7"}')
    with pytest.raises(CorpusError, match=r"re_arc_00\.jsonl, line 1: 'pairs'"):
        load_re_arc(tmp_path)
    with pytest.raises(CorpusError, match="at least one rule"):
        Corpus([], [], CorpusConfig())


@pytest.mark.parametrize(
    ("task_id", "pairs", "says"),
    [
        ("017C7C7B", [], "id must be eight digits 0 to 9 and a to f, got '017C7C7B'"),
        (7, [], "id must be eight digits"),
        ("007bbfb7", [["01|2", "1"]], r"got '01\|2'"),
        ("007bbfb7", [["0a", "1"]], "got '0a'"),
        ("007bbfb7", [["", "1"]], "a grid is up to 30 rows"),
        ("007bbfb7", [["1", "|".join("1" * 31)]], "a grid is up to 30 rows"),
        ("007bbfb7", [["1" * 31, "1"]], "a grid is up to 30 rows"),
        ("007bbfb7", [["1", [[1]]]], r"got \[\[1\]\]"),
        ("007bbfb7", [["1"]], "line 1"),
    ],
)
def test_what_would_fail_in_the_middle_of_training_is_named(
    tmp_path: Path, task_id: object, pairs: object, says: str
) -> None:
    line = json.dumps({"id": task_id, "pairs": pairs})
    (tmp_path / "re_arc_00.jsonl").write_text(line)
    with pytest.raises(CorpusError, match=says) as caught:
        load_re_arc(tmp_path)
    assert "re_arc_00.jsonl, line 1" in str(caught.value)


@pytest.mark.parametrize("keep", [0.5, 0.0])
def test_a_damaged_packed_file_is_named(tmp_path: Path, keep: float) -> None:
    whole = lzma.compress(b'{"id": "007bbfb7", "pairs": []}\n' * 500)
    data = whole[: int(keep * len(whole))] or b"no xz at all"
    (tmp_path / "re_arc_00.jsonl.xz").write_bytes(data)
    with pytest.raises(CorpusError, match=r"re_arc_00\.jsonl\.xz: damaged"):
        load_re_arc(tmp_path)


GOOD_PAIR = {"input": [[0, 0, 5], [0, 5, 0]], "output": [[1]]}


def write_tasks(folder: Path, tasks: dict[str, object]) -> None:
    """A folder as re-arc's own generator leaves it."""
    (folder / "tasks").mkdir(exist_ok=True)
    for name, value in tasks.items():
        (folder / "tasks" / f"{name}.json").write_text(json.dumps(value))
    (folder / "metadata.json").write_text("{}")


def test_re_arcs_own_folder_is_read_without_what_must_not_be_trained_on(tmp_path: Path) -> None:
    smaller = {"input": [[1]], "output": [[2]]}
    held_out = {name: [GOOD_PAIR] for name in (*DEV_TASKS, *CONTAMINATED)}
    write_tasks(tmp_path, {"007bbfb7": [GOOD_PAIR, smaller], **held_out})
    (rule,) = load_re_arc(tmp_path)
    assert rule.rule_id == "re-arc 007bbfb7"
    assert (rule.pairs, rule.tokens) == ((("1", "2"), ("005|050", "1")), (7, 13))


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("007bbfb7", {"train": []}, r"007bbfb7\.json: must hold a list of pairs, got dict"),
        ("007bbfb7", [[1, 2]], "pair 1: a pair must be an object, got list"),
        ("007bbfb7", [GOOD_PAIR, {"input": [[1]]}], "pair 2: has no 'output'"),
        ("007bbfb7", [GOOD_PAIR | {"output": [[10]]}], "pair 1, output, row 0.*0 to 9, got 10"),
        ("007bbfb7", [GOOD_PAIR | {"input": [[1], [1, 2]]}], "pair 1, input, row 1: rows must be"),
        (f"{DEV_TASKS[0]} copy", [GOOD_PAIR], "must be named by a task id of eight digits"),
    ],
)
def test_what_is_wrong_in_re_arcs_own_folder_is_named(
    tmp_path: Path, name: str, value: object, says: str
) -> None:
    write_tasks(tmp_path, {name: value})
    with pytest.raises(CorpusError, match=says):
        load_re_arc(tmp_path)


def test_re_arc_in_both_forms_is_refused(tmp_path: Path) -> None:
    write_tasks(tmp_path, {"007bbfb7": [GOOD_PAIR]})
    (tmp_path / "re_arc_00.jsonl").write_text('{"id": "x", "pairs": []}')
    with pytest.raises(CorpusError, match="keep one form"):
        load_re_arc(tmp_path)


def test_token_counts_are_those_of_the_encoding() -> None:
    from kit.encode.cells import pair_len

    pair = TRAINING["0ca9ddb6"].train[0]
    text = ["|".join("".join(map(str, row)) for row in grid) for grid in (pair.input, pair.output)]
    assert make_rule("r", [(text[0], text[1])]).tokens == (pair_len(pair),)
