"""The start of an adapter is drawn per layer, within Kaiming's bound."""

from __future__ import annotations

import numpy as np

from kit.finetune.lora_init import initial_lora_a


def test_bound_spread_and_type():
    a = initial_lora_a(0, "model.layers.0.mlp.up_proj", 16, 100)
    assert a.shape == (16, 100)
    assert a.dtype == np.float32
    assert np.abs(a).max() <= 0.1
    assert abs(a.std() - 0.1 / np.sqrt(3)) < 0.003
    assert abs(a.mean()) < 0.005


def test_seed_and_layer_decide():
    one = initial_lora_a(1, "a", 4, 8)
    np.testing.assert_array_equal(one, initial_lora_a(1, "a", 4, 8))
    assert not np.array_equal(one, initial_lora_a(2, "a", 4, 8))
    assert not np.array_equal(one, initial_lora_a(1, "b", 4, 8))
