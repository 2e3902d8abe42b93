"""The engine against transformers, sequence packing and caches.

pytest tests/engine/test_llama.py
"""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from kit.engine.cache import CachedCausal, SequenceCache  # noqa: E402
from kit.engine.llama import PackedCausal, PaddedCausal, forward  # noqa: E402
from kit.engine.model import open_model  # noqa: E402


def hidden(model, tokens, positions, attend, adapt=None):
    """(T, D) hidden states of the engine."""
    return forward(model.shape, model.weights, model.rotary, tokens, positions, attend, adapt)


def draw(count: int, seed: int = 0):
    """Random tokens, and positions that jump as those of grids do."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(0, 32, (count,), generator=generator)
    return tokens, torch.arange(count) + 32 * (torch.arange(count) // 7)


def test_logits_equal_those_of_transformers(family_folder) -> None:
    model = open_model(family_folder, "float32")
    reference = transformers.AutoModelForCausalLM.from_pretrained(
        family_folder, dtype=torch.float32
    ).eval()
    tokens, positions = draw(90)
    with torch.inference_mode():
        ours = hidden(model, tokens, positions, PackedCausal([90])) @ model.weights.head.T
        theirs = reference(
            tokens[None], attention_mask=torch.ones(1, 90), position_ids=positions[None]
        ).logits[0]
    assert torch.allclose(ours, theirs, atol=2e-5), float((ours - theirs).abs().max())


def test_packed_sequences_do_not_see_each_other(family_folder) -> None:
    model = open_model(family_folder, "float32")
    (a, pa), (b, pb) = draw(40, 1), draw(25, 2)
    with torch.inference_mode():
        both = hidden(model, torch.cat([a, b]), torch.cat([pa, pb]), PackedCausal([40, 25]))
        alone = [hidden(model, a, pa, PackedCausal([40])), hidden(model, b, pb, PackedCausal([25]))]
    assert torch.allclose(both, torch.cat(alone), atol=1e-5)


def test_a_padded_rectangle_equals_packed_sequences(family_folder) -> None:
    model, lengths = open_model(family_folder, "float32"), [40, 1, 25]
    tokens, positions = draw(sum(lengths), 4)
    with torch.inference_mode():
        packed = hidden(model, tokens, positions, PackedCausal(lengths))
        padded = hidden(model, tokens, positions, PaddedCausal(lengths, "cpu"))
    assert torch.allclose(packed, padded, atol=1e-5)


@pytest.mark.parametrize("blocks", [(50,), (30, 20), (1,) * 50, (30, 1, 1, 17, 1)])
def test_cached_blocks_equal_one_pass(family_folder, blocks) -> None:
    model = open_model(family_folder, "float32")
    tokens, positions = draw(50, 3)
    with torch.inference_mode():
        whole = hidden(model, tokens, positions, PackedCausal([50]))
        cache = SequenceCache(model.shape, 4, model.weights.embed)
        parts, begin = [], 0
        for size in blocks:
            here = slice(begin, begin + size)
            cache.reserve(begin + size)
            attend = CachedCausal([cache], [size])
            parts.append(hidden(model, tokens[here], positions[here], attend))
            cache.length = begin = begin + size
    assert torch.allclose(torch.cat(parts), whole, atol=1e-5)


def test_a_shortened_cache_forgets_its_tail(llama_folder) -> None:
    model = open_model(llama_folder, "float32")
    tokens, positions = draw(20, 4)
    wrong = tokens.clone()
    wrong[12:] = (wrong[12:] + 1) % 32
    with torch.inference_mode():
        whole = hidden(model, tokens, positions, PackedCausal([20]))
        cache = SequenceCache(model.shape, 20, model.weights.embed)
        hidden(model, wrong, positions, CachedCausal([cache], [20]))
        cache.length = 12
        again = hidden(model, tokens[12:], positions[12:], CachedCausal([cache], [8]))
    assert torch.allclose(again, whole[12:], atol=1e-5)


def test_the_first_token_reaches_the_last_in_training_and_decoding(llama_folder) -> None:
    model = open_model(llama_folder, "float32")
    tokens, positions = draw(60, 5)
    changed = tokens.clone()
    changed[0] = (tokens[0] + 1) % 32
    for make in (
        lambda: PackedCausal([60]),
        lambda: CachedCausal([SequenceCache(model.shape, 60, model.weights.embed)], [60]),
    ):
        with torch.inference_mode():
            a = hidden(model, tokens, positions, make())[-1]
            b = hidden(model, changed, positions, make())[-1]
        assert not torch.allclose(a, b, atol=1e-4)
