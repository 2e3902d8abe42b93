"""The loop of the trainers on transformers: same gradient however little memory there is."""

from __future__ import annotations

import logging
import math
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402

from kit.arc.task import Pair  # noqa: E402
from kit.augment.views import View  # noqa: E402
from kit.budget.clock import Deadline, SystemClock  # noqa: E402
from kit.encode.cells import VOCAB, CellEncoding  # noqa: E402
from kit.engine.memory_needs import STATE_BYTES  # noqa: E402
from kit.finetune.batches import IGNORE  # noqa: E402
from kit.finetune.padded_loop import PaddedLoop  # noqa: E402
from kit.finetune.trainer import Adapter, FinetuneConfig  # noqa: E402

NEVER = Deadline(math.inf, SystemClock())


class Table:
    """Trains a table of next-token logits; implements `Trained` and `Compute`."""

    device = "cpu"
    scaled = False

    def __init__(self) -> None:
        self.parameters = [torch.nn.Parameter(torch.zeros(VOCAB, VOCAB))]
        self.rows: list[int] = []
        self.checkpointing: list[bool] = []
        self.room_rows = math.inf
        self.needs_checkpointing = False
        self.free = 2**62
        self.breaks_at: set[int] = set()
        self.restored = 0

    def reset(self, seed: int) -> None:
        with torch.no_grad():
            self.parameters[0].zero_()

    def restore(self) -> None:
        self.restored += 1

    def write(self, out: Path, task_id: str) -> Adapter:
        return Adapter(task_id, out, "lora", "")

    def loss_sum(self, batch):
        self.rows.append(len(batch.tokens))
        if len(batch.tokens) > self.room_rows or (
            self.needs_checkpointing and not self.checkpointing[-1]
        ):
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        logits = self.parameters[0][batch.tokens].flatten(0, 1)
        loss = F.cross_entropy(logits, batch.labels.flatten(), ignore_index=IGNORE, reduction="sum")
        return loss * math.nan if len(self.rows) in self.breaks_at else loss

    def kept_bytes(self, num_tokens: int) -> int:
        return num_tokens * 1000

    def free_bytes(self) -> int:
        return self.free

    def set_checkpointing(self, on: bool) -> None:
        self.checkpointing.append(on)


def views(count: int) -> list[View]:
    rng = np.random.default_rng(0)
    made = []
    for _ in range(count):
        grids = [tuple(map(tuple, rng.integers(0, 10, (2, 3)).tolist())) for _ in range(4)]
        pairs = (Pair(grids[0], grids[1]),) * 2
        made.append(View("t", None, pairs, grids[2], grids[3]))
    return made


def fit(table: Table, steps: int = 5, deadline: Deadline = NEVER, **options):
    config = FinetuneConfig(lr=0.1, batch_views=4, **options)
    loop = PaddedLoop(table, table, CellEncoding(), config)
    _, report = loop.fit("t", views(8), steps, 0, Path("out"), deadline)
    return loop, report


def test_fewer_rows_per_pass_give_the_same_training(caplog) -> None:
    whole, cut = Table(), Table()
    cut.room_rows = 1
    _, expected = fit(whole, checkpointing="on")
    with caplog.at_level(logging.WARNING):
        _, report = fit(cut, checkpointing="on")
    assert set(whole.rows) == {4}
    assert cut.rows[:3] == [4, 2, 1] and set(cut.rows[3:]) == {1}
    assert report.losses == pytest.approx(expected.losses, rel=1e-5)
    torch.testing.assert_close(cut.parameters[0], whole.parameters[0])
    assert "out of memory" in caplog.text


def test_activations_are_recomputed_before_rows_are_cut() -> None:
    table = Table()
    table.needs_checkpointing = True
    loop, report = fit(table)
    assert table.checkpointing == [False, True]
    assert report.stopped == "done" and set(table.rows) == {4}
    loop.fit("u", views(8), 1, 0, Path("out"), NEVER)
    assert table.checkpointing[-1], "what did not fit once is not tried again"


def test_checkpointing_goes_by_the_longest_views() -> None:
    need = 4 * max(len(CellEncoding().encode(view)) for view in views(8)) * 1000
    for free, on in ((need, True), (2 * need, False)):
        table = Table()
        table.free = free
        fit(table)
        assert table.checkpointing == [on]
    table = Table()
    fit(table, checkpointing="on")
    assert table.checkpointing == [True]
    table = Table()
    table.free = 0
    fit(table, checkpointing="off")
    assert table.checkpointing == [False]


def test_room_is_left_for_gradients_and_the_optimisers_state() -> None:
    need = 4 * max(len(CellEncoding().encode(view)) for view in views(8)) * 1000
    state = STATE_BYTES * VOCAB * VOCAB
    for free, on in ((need / 0.7 + state - 8, True), (need / 0.7 + state + 8, False)):
        table = Table()
        table.free = int(free)
        fit(table)
        assert table.checkpointing == [on]


def test_one_view_that_does_not_fit_is_an_error() -> None:
    table = Table()
    table.room_rows = 0
    with pytest.raises(RuntimeError, match="out of memory"):
        fit(table)
    assert table.restored == 1


def test_other_errors_are_not_taken_for_want_of_memory() -> None:
    table = Table()
    table.loss_sum = lambda batch: torch.zeros(2) @ torch.zeros(3)
    with pytest.raises(RuntimeError, match="size"):
        fit(table)
    assert table.checkpointing == [False]


def test_a_broken_batch_is_skipped() -> None:
    table = Table()
    table.breaks_at = {2}
    _, report = fit(table, steps=6)
    assert (report.steps, len(report.losses), report.stopped) == (5, 5, "done")
    assert all(map(math.isfinite, report.losses))


def test_repeated_breaks_end_the_fit_with_finite_weights() -> None:
    table = Table()
    table.breaks_at = set(range(3, 100))
    _, report = fit(table, steps=50)
    assert (report.steps, report.stopped) == (2, "nan")
    assert bool(table.parameters[0].isfinite().all())


class Ticking:
    """Two seconds later at every look."""

    def __init__(self) -> None:
        self.time_s = 0.0

    def now_s(self) -> float:
        self.time_s += 2.0
        return self.time_s


@pytest.mark.parametrize("rows", [4, 1])
def test_the_deadline_is_looked_at_before_every_pass(rows: int) -> None:
    table = Table()
    table.room_rows = rows
    _, report = fit(table, steps=1000, deadline=Deadline(60.0, Ticking()))
    assert report.stopped == "deadline"
    assert len(table.rows) < 12, "a pass takes three looks"
