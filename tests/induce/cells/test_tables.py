"""The search for deciding subsets, against what a slow check says."""

from __future__ import annotations

import numpy as np

from kit.induce.cells.rules import read_rule, rule_answer
from kit.induce.cells.tables import CellTables, deciding_subsets, tabulate_cells
from kit.induce.problem import Problem


def problem(seed: int = 3) -> Problem:
    """Even columns are painted with colour 2."""
    rng = np.random.default_rng(seed)
    inputs = tuple(rng.integers(0, 2, (4, 6)).astype(np.uint8) for _ in range(4))
    outputs = tuple(grid.copy() for grid in inputs[:3])
    for grid in outputs:
        grid[:, ::2] = 2
    return Problem(inputs[:3], outputs, inputs[3:])


def decides(tables: CellTables, subset: np.ndarray) -> bool:
    """The same question, asked with a dictionary."""
    left: dict[tuple[int, ...], int] = {}
    for cell, mask in enumerate(tables.mask.tolist()):
        key = tuple(int(tables.codes[f, cell]) for f in subset if f >= 0)
        left[key] = left.get(key, -1) & mask
    return all(left.values())


def test_deciding_subsets_are_those_that_a_dictionary_finds() -> None:
    tables = tabulate_cells(problem())
    count = len(tables.names)
    rng = np.random.default_rng(0)
    subsets = np.stack([*rng.integers(0, count, (2, 400)), np.full(400, -1)], 1).astype(np.int32)
    found = {tuple(row) for row in deciding_subsets(tables, subsets).tolist()}
    assert found == {tuple(row.tolist()) for row in subsets if decides(tables, row)}
    assert found


def test_features_that_divide_alike_are_listed_once() -> None:
    tables = tabulate_cells(problem())
    assert len({row.tobytes() for row in tables.codes}) == len(tables.codes)


def test_a_rule_answers_and_says_what_left_out_pairs_say() -> None:
    task = problem()
    tables = tabulate_cells(task)
    rule = read_rule(tables, (tables.names.index("place.column_mod_2"),))
    answer = rule_answer(tables, rule).reshape(task.tests[0].shape)
    assert (answer[:, ::2] == 2).all()
    assert np.array_equal(answer[:, 1::2], task.tests[0][:, 1::2])
    assert rule.missed == 0


def test_a_rule_that_only_one_pair_supports_is_missed() -> None:
    task = problem()
    outputs = (np.full_like(task.inputs[0], 3), *task.outputs[1:])
    tables = tabulate_cells(Problem(task.inputs, outputs, task.tests))
    every = np.arange(len(tables.names), dtype=np.int32)
    for row in deciding_subsets(tables, np.stack([every, -np.ones_like(every)], 1))[:5]:
        assert read_rule(tables, (int(row[0]),)).missed > 0


def test_contradicting_pairs_have_no_rule() -> None:
    grid = np.array([[0, 1], [1, 0]], np.uint8)
    task = Problem((grid, grid), (grid, 1 - grid), (grid,))
    tables = tabulate_cells(task)
    every = np.arange(len(tables.names), dtype=np.int32)
    assert len(deciding_subsets(tables, every[:, None])) == 0
