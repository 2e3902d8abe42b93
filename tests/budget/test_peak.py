"""Predicted memory of a training step."""

from __future__ import annotations

import json
import math

import pytest

from kit.budget.peak import LEAST_TOKENS, bytes_per_token, fitting_tokens
from kit.solve.toolbox import BUNDLED_MODEL

LARGE = {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "vocab_size": 60}


def test_a_larger_model_needs_more_and_fits_less() -> None:
    small = json.loads((BUNDLED_MODEL / "config.json").read_text())
    assert bytes_per_token(small) < bytes_per_token(LARGE) / 20
    assert fitting_tokens(small, 2**34) > fitting_tokens(LARGE, 2**34) > 1000
    assert fitting_tokens(LARGE, 2**35) == pytest.approx(2 * fitting_tokens(LARGE, 2**34))


def test_something_is_always_tried() -> None:
    assert fitting_tokens(LARGE, -1e9) == LEAST_TOKENS


@pytest.mark.parametrize("change", [{"hidden_size": None}, {"num_hidden_layers": "16"}])
def test_a_model_that_does_not_say_its_sizes_is_not_limited(change: dict[str, object]) -> None:
    assert fitting_tokens({**LARGE, **change}, 1.0) == math.inf


def test_an_engine_keeps_about_as_much_as_is_predicted() -> None:
    """Counted in what autograd saves for the backward pass of the kit's engine."""
    torch = pytest.importorskip("torch")
    from kit.engine.llama import PackedCausal, forward
    from kit.engine.model import open_model

    model, length, kept = open_model(BUNDLED_MODEL, "float32"), 256, {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    model.weights.embed.requires_grad_()
    tokens = torch.arange(length) % 16
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        forward(
            model.shape,
            model.weights,
            model.rotary,
            tokens,
            torch.arange(length),
            PackedCausal([length]),
            None,
        )
    weights = 4 * model.shape.num_parameters()
    predicted = length * bytes_per_token(json.loads((BUNDLED_MODEL / "config.json").read_text()))
    measured = sum(kept.values()) - weights
    assert 0.3 < predicted / measured < 4, (predicted, measured)
