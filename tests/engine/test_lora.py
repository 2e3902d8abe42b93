"""Merged, added and stock LoRA give the same numbers.

pytest tests/engine/test_lora.py
"""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from kit.engine.llama import PackedCausal, forward  # noqa: E402
from kit.engine.lora import (  # noqa: E402
    Lora,
    MixedLoras,
    lora_from_peft,
    merge,
    merging_is_cheaper,
    peft_names,
    projection_sizes,
)
from kit.engine.model import open_model  # noqa: E402


def draw_lora(shape, seed: int, targets=("q_proj", "v_proj", "o_proj", "up_proj", "down_proj")):
    """A random adapter of rank 3."""
    generator = torch.Generator().manual_seed(seed)
    sizes = projection_sizes(shape)
    return Lora(
        {
            (layer, name): (
                torch.randn(3, sizes[name][1], generator=generator) * 0.3,
                torch.randn(sizes[name][0], 3, generator=generator) * 0.3,
            )
            for layer in range(shape.num_layers)
            for name in targets
        },
        0.5,
    )


@pytest.fixture
def model(llama_folder):
    """The tiny Llama."""
    return open_model(llama_folder, "float32")


def run(model, weights, lengths, adapt=None):
    """Hidden states of fixed random tokens."""
    tokens = torch.randint(0, 32, (sum(lengths),), generator=torch.Generator().manual_seed(9))
    positions = torch.cat([torch.arange(n) for n in lengths])
    attend = PackedCausal(lengths)
    return forward(model.shape, weights, model.rotary, tokens, positions, attend, adapt)


def test_merged_equals_added(model) -> None:
    lora = draw_lora(model.shape, 0)
    merged = run(model, merge(model.weights, model.shape, lora), [30])
    added = run(model, model.weights, [30], MixedLoras(model.shape, [(0, 30, lora)]))
    assert torch.allclose(merged, added, atol=1e-4)
    assert not torch.allclose(merged, run(model, model.weights, [30]), atol=1e-2)


def test_a_batch_may_mix_adapters_and_the_base(model) -> None:
    loras = [draw_lora(model.shape, 1), None, draw_lora(model.shape, 2, ("k_proj", "gate_proj"))]
    lengths, stretches, begin = [12, 20, 9], [], 0
    for lora, length in zip(loras, lengths, strict=True):
        stretches.append((begin, begin + length, lora))
        begin += length
    mixed = run(model, model.weights, lengths, MixedLoras(model.shape, stretches))
    for place, (lora, part) in enumerate(zip(loras, mixed.split(lengths), strict=True)):
        weights = model.weights if lora is None else merge(model.weights, model.shape, lora)
        alone = run(model, weights, lengths).split(lengths)[place]
        assert torch.allclose(part, alone, atol=1e-4)


def test_gradients_are_the_same_both_ways(model) -> None:
    lora = draw_lora(model.shape, 3)
    tensors = [t.requires_grad_() for pair in lora.pairs.values() for t in pair]
    merged = run(model, merge(model.weights, model.shape, lora), [25]).square().sum()
    added = run(model, model.weights, [25], MixedLoras(model.shape, [(0, 25, lora)]))
    for a, b in zip(
        torch.autograd.grad(merged, tensors),
        torch.autograd.grad(added.square().sum(), tensors),
        strict=True,
    ):
        assert torch.allclose(a, b, atol=1e-2, rtol=1e-3)


def test_dropout_is_a_function_of_its_seed(model) -> None:
    lora = draw_lora(model.shape, 4)

    def drop(seed):
        adapt = MixedLoras(model.shape, [(0, 20, lora)], (0.5, seed))
        return run(model, model.weights, [20], adapt)

    assert torch.equal(drop(1), drop(1))
    assert not torch.equal(drop(1), drop(2))


def test_foreign_and_misshapen_tensors_are_refused(model) -> None:
    a, b = peft_names((0, "q_proj"))
    good = {a: torch.zeros(3, 32), b: torch.zeros(32, 3)}
    assert lora_from_peft(good, model.shape, 1.0).pairs.keys() == {(0, "q_proj")}
    with pytest.raises(ValueError, match=r"lm_head\.lora_A\.weight is not one"):
        lora_from_peft(good | {"lm_head.lora_A.weight": b}, model.shape, 1.0)
    with pytest.raises(ValueError, match=r"layers\.0\.self_attn\.q_proj has A and B of"):
        lora_from_peft({a: torch.zeros(3, 31), b: torch.zeros(32, 3)}, model.shape, 1.0)


def test_merging_pays_for_small_matrices_and_large_ranks(model) -> None:
    assert merging_is_cheaper(model.shape, 32)
    assert not merging_is_cheaper(model.shape, 1)
