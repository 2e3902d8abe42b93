"""Tasks of random programs: they follow their program, vary, and are the same for a seed.

pytest tests/pretrain/rules/test_programs.py
"""

from __future__ import annotations

import numpy as np

from kit.arc.grid import as_array, check_grid
from kit.arc.seeds import numpy_rng
from kit.induce.program import parse_program
from kit.pretrain.rules.programs import MAX_OPERATIONS, draw_program, random_program_task
from kit.pretrain.rules.rule import draw_room
from kit.pretrain.rules.scenes import any_scene


def test_tasks_are_legal_varied_and_repeatable() -> None:
    for seed in range(20):
        task = random_program_task(seed)
        assert task is not None and task == random_program_task(seed)
        for pair in task.pairs:
            check_grid(pair.input, "input")
            check_grid(pair.output, "output")
            assert pair.input != pair.output
        assert len({pair.input for pair in task.pairs}) == 4
        assert len({pair.output for pair in task.pairs}) > 1


def test_programs_are_different_and_parse() -> None:
    texts = {task.text for seed in range(30) if (task := random_program_task(seed, 3, 10))}
    assert len(texts) > 25
    for text in texts:
        assert parse_program(text).text() == text


def test_a_drawn_program_changes_its_probe_and_is_short() -> None:
    made = 0
    for seed in range(60):
        rng = numpy_rng(seed, "test")
        probe = any_scene(rng, draw_room(rng, 12))
        program = draw_program(rng, probe)
        if program is not None:
            made += 1
            # One line more to join many images, three to lay the result over the input.
            assert len(program.statements) <= MAX_OPERATIONS + 4
            assert program.run(np.ascontiguousarray(probe)) is not None or made
    assert made > 30


def test_small_inputs_can_be_asked_for() -> None:
    for seed in range(10):
        task = random_program_task(seed, 3, largest=6)
        assert task is not None
        assert all(max(as_array(pair.input).shape) <= 8 for pair in task.pairs)
