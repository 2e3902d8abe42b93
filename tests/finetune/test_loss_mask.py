"""Loss masks cover exactly the outputs they should."""

from __future__ import annotations

import numpy as np
import pytest

from kit.arc.seeds import python_rng
from kit.arc.task import Pair
from kit.augment.views import View
from kit.encode.cells import CellEncoding
from kit.encode.encoding import Encoded
from kit.finetune.loss_mask import loss_mask

CELLS = CellEncoding("aligned")


def random_view(rng, num_examples: int, answered: bool = True) -> View:
    def grid():
        height, width = rng.randint(1, 5), rng.randint(1, 5)
        return tuple(tuple(rng.randrange(10) for _ in range(width)) for _ in range(height))

    examples = tuple(Pair(grid(), grid()) for _ in range(num_examples))
    return View("t", None, examples, grid(), grid() if answered else None)


def masked_grids(encoded: Encoded, mask: np.ndarray) -> list:
    """Grids spelled by each run of targets."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    runs = [encoded.tokens[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return [CELLS.decode(run) for run in runs]


@pytest.mark.parametrize("num_examples", range(5))
def test_unmasked_tokens_spell_the_outputs(num_examples):
    rng = python_rng(0, "masks", num_examples)
    for _ in range(20):
        view = random_view(rng, num_examples)
        encoded = CELLS.encode(view)
        outputs = [pair.output for pair in view.examples]
        assert masked_grids(encoded, loss_mask(encoded, "outputs")) == [*outputs[1:], view.answer]
        assert masked_grids(encoded, loss_mask(encoded, "target")) == [view.answer]
        everything = loss_mask(encoded, "all")
        assert not everything[0]
        assert everything[1:].all()


def test_dropped_demonstrations_shift_the_first_one():
    """The first demonstration that is left carries no loss, whatever stood before it."""
    view = random_view(python_rng(1, "dropped"), 4)
    encoded = CELLS.encode(view)
    shorter = CellEncoding("aligned", max_tokens=len(encoded) - 1).encode(view)
    assert shorter.num_dropped == 1
    outputs = [pair.output for pair in view.examples]
    assert masked_grids(shorter, loss_mask(shorter, "outputs")) == [*outputs[2:], view.answer]


def test_a_view_without_answer():
    encoded = CELLS.encode(random_view(python_rng(2, "no answer"), 2, answered=False))
    assert loss_mask(encoded, "all").sum() == len(encoded) - 1
    for loss_on in ("outputs", "target"):
        with pytest.raises(ValueError, match=f"loss_on={loss_on} needs a view with an answer"):
            loss_mask(encoded, loss_on)
    empty = Encoded(np.zeros(3, dtype=np.int64), np.zeros(3, dtype=np.int64), ())
    with pytest.raises(ValueError, match="needs a view with an answer"):
        loss_mask(empty, "outputs")


def test_an_unknown_choice_names_the_nearest():
    encoded = CELLS.encode(random_view(python_rng(3, "unknown"), 1))
    with pytest.raises(ValueError, match=r"target, all, got 'output' \(did you mean 'outp"):
        loss_mask(encoded, "output")
