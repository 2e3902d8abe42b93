"""Padded batches: the shift of labels, masks, positions."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from kit.arc.task import Pair  # noqa: E402
from kit.augment.views import View  # noqa: E402
from kit.encode.cells import END, CellEncoding  # noqa: E402
from kit.finetune.batches import IGNORE, pad_batch  # noqa: E402
from kit.finetune.loss_mask import loss_mask  # noqa: E402

CELLS = CellEncoding("aligned")
SMALL = View("t", None, (Pair(((1,),), ((2,),)),), ((3,),), ((4,),))
LARGE = View(
    "t", None, (Pair(((1, 2),), ((2, 1),)), Pair(((5,),), ((6,), (7,)))), ((3, 3),), ((4, 4),)
)


@pytest.mark.parametrize("loss_on", ["outputs", "target", "all"])
def test_every_row_is_its_view(loss_on):
    views = [CELLS.encode(SMALL), CELLS.encode(LARGE)]
    batch = pad_batch(views, loss_on)
    width = max(map(len, views))
    assert batch.tokens.shape == batch.labels.shape == (2, width)
    assert batch.num_tokens == sum(map(len, views)) == int(batch.attention.sum())
    for row, view in enumerate(views):
        real = slice(len(view))
        assert batch.attention[row].tolist() == [1] * len(view) + [0] * (width - len(view))
        np.testing.assert_array_equal(batch.tokens[row, real], view.tokens)
        np.testing.assert_array_equal(batch.positions[row, real], view.positions)
        assert (batch.labels[row, len(view) - 1 :] == IGNORE).all()
        mask = loss_mask(view, loss_on)
        for t in range(len(view) - 1):
            expected = view.tokens[t + 1] if mask[t + 1] else IGNORE
            assert batch.labels[row, t] == expected


def test_the_label_of_the_last_prompt_token_is_the_first_cell():
    view = CELLS.encode(SMALL)
    labels = pad_batch([view], "target").labels[0]
    begin, end = view.output_spans[-1]
    assert labels[begin - 1 : end - 1].tolist() == view.tokens[begin:end].tolist()
    assert labels[end - 2] == END
    assert (labels[: begin - 1] == IGNORE).all()
