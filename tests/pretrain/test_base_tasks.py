"""Tasks of a run: a function of seed and number, within the context, turned as asked.

pytest tests/pretrain/test_base_tasks.py
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from kit.arc.datasets import load_dataset
from kit.encode.cells import ROW_IN, ROW_OUT, CellEncoding
from kit.pretrain.base_settings import BaseConfig
from kit.pretrain.base_tasks import BaseTasks, encoded_questions
from kit.pretrain.corpus import CorpusError, make_rule
from kit.pretrain.dev_tasks import DEV_TASKS

CONFIG = BaseConfig(max_tokens=256, batch_tasks=3, num_tasks=7, epochs=2, max_steps=100)
ENCODING = CellEncoding()
# Wide grids on both sides: whatever turns one of them shows.
WIDE = make_rule("wide", [(f"0{a}{b}|{b}{a}0", f"{b}0{a}|0{a}{b}") for a in range(9) for b in "12"])


@pytest.fixture(autouse=True)
def _recorded_only(monkeypatch) -> None:
    """No random programs: tasks of the given rule alone."""
    monkeypatch.setattr("kit.pretrain.corpus.program_pairs", lambda *_: ("program", []))


def tasks_of(config: BaseConfig) -> BaseTasks:
    """Tasks of the one rule."""
    return BaseTasks([WIDE], [], [], ENCODING, config)


def heights(tasks: BaseTasks, number: int) -> list[tuple[int, int]]:
    """(rows of all inputs, rows of all outputs) over the pairs, task by task: 2 a pair, or 3."""
    found = []
    for n in range(number):
        encoded = tasks.task(n)
        pairs = len(encoded.output_spans)
        ins, outs = (int((encoded.tokens == row).sum()) for row in (ROW_IN, ROW_OUT))
        found.append((ins // pairs, outs // pairs))
    return found


def test_a_task_depends_on_seed_and_number_alone() -> None:
    one, other = tasks_of(CONFIG), tasks_of(CONFIG)
    other.task(5)
    assert all(np.array_equal(one.task(n).tokens, other.task(n).tokens) for n in range(6))
    third = tasks_of(replace(CONFIG, seed=1))
    assert any(not np.array_equal(one.task(n).tokens, third.task(n).tokens) for n in range(6))


def test_every_epoch_sees_every_task_once_in_an_order_of_its_own() -> None:
    tasks = tasks_of(CONFIG)
    wanted = sorted(tasks.task(n).tokens.tobytes() for n in range(7))
    seen = [e.tokens.tobytes() for step in range(5) for e in tasks.batch(step)]
    first, second = seen[:7], seen[7:14]
    assert sorted(first) == sorted(second) == wanted
    assert first != second


def test_tasks_have_two_pairs_and_fit() -> None:
    tasks = tasks_of(replace(CONFIG, max_tokens=128, max_pairs=7))
    for n in range(30):
        encoded = tasks.task(n)
        assert 2 <= len(encoded.output_spans) <= 7 and len(encoded) <= 128
        assert encoded.num_dropped == 0


def test_without_geometry_nothing_is_turned() -> None:
    tasks = tasks_of(replace(CONFIG, wrap_share=0.0, symmetries=False))
    assert set(heights(tasks, 60)) == {(2, 2)}


def test_with_geometry_inputs_outputs_and_both_are_turned() -> None:
    tasks = tasks_of(replace(CONFIG, wrap_share=1.0, symmetries=False))
    assert set(heights(tasks, 120)) == {(2, 2), (2, 3), (3, 2), (3, 3)}
    whole = tasks_of(replace(CONFIG, wrap_share=0.0, symmetries=True))
    assert set(heights(whole, 60)) == {(2, 2), (3, 3)}


def test_three_tasks_in_ten_are_wrapped_by_default() -> None:
    # Of those wrapped, inputs alone or outputs alone are turned by an odd quarter in about half.
    tasks = tasks_of(replace(CONFIG, symmetries=False, num_tasks=1000))
    share = np.mean([a != b for a, b in heights(tasks, 400)])
    assert CONFIG.wrap_share == 0.3
    assert 0.10 < share < 0.22


def test_a_context_that_nothing_fits_is_refused() -> None:
    big = make_rule("big", [("0" * 30 + "|" + "1" * 30, "2" * 30)] * 4)
    with pytest.raises(CorpusError, match="never 2 pairs of a rule within 128 tokens"):
        BaseTasks([big], [], [], ENCODING, replace(CONFIG, max_tokens=128))


def test_held_out_questions_fit_and_are_of_development_tasks() -> None:
    tasks = load_dataset("arc1-train").tasks
    config = replace(CONFIG, max_tokens=300)
    found = encoded_questions(ENCODING, config, 4)
    assert [*found] == ["development tasks", "held-out rules"]
    for questions in found.values():
        assert len(questions) == 4
        assert all(len(q) <= 300 and len(q.output_spans) >= 2 for q in questions)
    answers = {ENCODING.answer_tokens(tasks[i].train[-1].output).tobytes() for i in DEV_TASKS}
    for question in found["development tasks"]:
        begin, end = question.output_spans[-1]
        assert question.tokens[begin:end].tobytes() in answers
