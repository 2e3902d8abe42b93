"""Learning rate and order of views."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter

import numpy as np
import pytest

from kit.arc.seeds import numpy_rng
from kit.finetune.schedule import learning_rate, steps_to_take, view_batches
from kit.finetune.trainer import FinetuneConfig

CONFIG = FinetuneConfig(lr=2.0, warmup_fraction=0.1)


@pytest.mark.parametrize("num_steps", [1, 2, 7, 10, 99, 250])
def test_warm_up_then_cosine(num_steps):
    rates = [learning_rate(step, num_steps, CONFIG) for step in range(num_steps)]
    peak = int(num_steps * 0.1)
    assert rates[peak] == max(rates) == 2.0
    assert all(0 < rate <= 2.0 for rate in rates)
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert np.allclose(np.diff(rates[: peak + 1]), 2.0 / (peak + 1))
    assert learning_rate(num_steps, num_steps, CONFIG) == pytest.approx(0.0, abs=1e-12)


def test_the_middle_of_the_cosine_is_half():
    plain = dataclasses.replace(CONFIG, warmup_fraction=0.0)
    assert learning_rate(50, 100, plain) == pytest.approx(1.0)
    assert learning_rate(0, 1, plain) == 2.0


@pytest.mark.parametrize(
    ("epochs", "num_views", "steps"),
    [(0, 1, 250), (2, 250, 250), (2, 300, 250), (2, 96, 96), (2, 31, 32), (1, 31, 16), (2, 1, 2)],
)
def test_epochs_end_a_fit_of_few_views_before_its_planned_steps(epochs, num_views, steps):
    config = dataclasses.replace(CONFIG, epochs=epochs, batch_views=2)
    assert steps_to_take(250, num_views, config) == steps
    assert steps_to_take(0, num_views, config) == 0


@pytest.mark.parametrize("num_views", [1, 2, 3, 4, 5, 31, 64, 250])
@pytest.mark.parametrize("batch_views", [1, 2, 4])
def test_each_epoch_holds_every_view_once(num_views, batch_views):
    lengths = numpy_rng(0, "lengths").integers(10, 1000, num_views).tolist()
    batches = view_batches(lengths, batch_views, seed=1)
    per_epoch = -(-num_views // batch_views)
    for _ in range(3):
        epoch = list(itertools.islice(batches, per_epoch))
        assert Counter(itertools.chain(*epoch)) == Counter(range(num_views))
        sizes = [len(batch) for batch in epoch]
        assert max(sizes) <= batch_views
        assert max(sizes) - min(sizes) <= 1


def test_buckets_save_padding_and_epochs_differ():
    lengths = numpy_rng(1, "lengths").integers(10, 1000, 250).tolist()

    def padded(batches):
        return sum(max(lengths[i] for i in batch) * len(batch) for batch in batches)

    stream = view_batches(lengths, 4, seed=2)
    first, second = (list(itertools.islice(stream, 63)) for _ in range(2))
    assert padded(first) < 1.25 * sum(lengths)
    assert padded([range(i, min(i + 4, 250)) for i in range(0, 250, 4)]) > 1.5 * sum(lengths)
    assert first != second
    # The order of batches says nothing about lengths.
    longest = [max(lengths[i] for i in batch) for batch in first]
    assert abs(np.corrcoef(longest, range(63))[0, 1]) < 0.4


def test_the_seed_decides():
    def draw(seed):
        return list(itertools.islice(view_batches([5] * 20, 4, seed), 12))

    assert draw(3) == draw(3) != draw(4)


@pytest.mark.parametrize(("lengths", "batch_views"), [([], 4), ([3], 0)])
def test_nothing_to_draw_from(lengths, batch_views):
    with pytest.raises(ValueError, match="at least 1 view"):
        view_batches(lengths, batch_views, 0)
