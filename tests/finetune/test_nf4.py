"""A base model in 4 bits under the reference trainer; needs bitsandbytes, which has a CPU path."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

from kit.budget.clock import Deadline, SystemClock  # noqa: E402
from kit.encode.cells import CellEncoding  # noqa: E402
from kit.engine import transformers_model  # noqa: E402
from kit.engine.shape import ModelError  # noqa: E402
from kit.finetune.adapter_dir import load_adapter_weights  # noqa: E402
from kit.finetune.peft_trainer import PeftTrainer  # noqa: E402
from kit.finetune.trainer import FinetuneConfig  # noqa: E402

NEVER = Deadline(math.inf, SystemClock())


def open_trainer(path: Path, **options) -> PeftTrainer:
    config = FinetuneConfig(rank=4, alpha=8.0, lr=1e-2, batch_views=2, **options)
    return PeftTrainer(path, "float32", CellEncoding(), config)


def linear_layers(model) -> list:
    return [m for n, m in model.named_modules() if n.endswith("proj.base_layer")]


def test_layers_but_not_the_head_are_held_in_4_bits(model_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    model = open_trainer(model_path, quantize="nf4").model
    layers = linear_layers(model)
    assert len(layers) == 14
    for layer in layers:
        assert type(layer).__name__ == "Linear4bit"
        assert layer.weight.dtype == torch.uint8
        assert layer.weight.quant_type == "nf4"
        assert layer.support_avx512bf16_for_cpu is False
    assert model.get_output_embeddings().weight.dtype == torch.float32


def test_training_in_4_bits_is_that_of_the_rounded_weights(model_path, views, tmp_path) -> None:
    """The gradient through 4-bit layers is checked against a model of the same rounded weights."""
    bitsandbytes = pytest.importorskip("bitsandbytes")
    four, plain = open_trainer(model_path, quantize="nf4"), open_trainer(model_path)
    changed = 0.0
    for held, layer in zip(linear_layers(four.model), linear_layers(plain.model), strict=True):
        rounded = bitsandbytes.functional.dequantize_4bit(held.weight.data, held.weight.quant_state)
        changed = max(changed, float((layer.weight - rounded).abs().max()))
        layer.weight.data.copy_(rounded)
    assert changed > 1e-3, "4 bits should not hold these weights exactly"
    results = [
        trainer.fit("t", views, 8, 0, tmp_path / name, NEVER)
        for name, trainer in (("four", four), ("plain", plain))
    ]
    (a, report_a), (b, report_b) = results
    assert report_a.losses == pytest.approx(report_b.losses, rel=1e-3)
    assert report_a.losses[-1] < report_a.losses[0]
    weights_a, weights_b = load_adapter_weights(a), load_adapter_weights(b)
    for name in weights_b:
        np.testing.assert_allclose(weights_a[name], weights_b[name], atol=2e-2)


def test_without_bitsandbytes_the_message_says_what_is_missing(model_path, monkeypatch) -> None:
    monkeypatch.setattr(transformers_model, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"finetune.quantize=nf4.*bitsandbytes"):
        open_trainer(model_path, quantize="nf4")


def test_all_weights_are_not_trained_in_4_bits(model_path) -> None:
    with pytest.raises(ValueError, match=r"finetune\.quantize=nf4 is for method lora, got.*full"):
        open_trainer(model_path, quantize="nf4", method="full")


def test_recomputing_activations_changes_nothing(model_path, views, tmp_path) -> None:
    losses = [
        open_trainer(model_path, checkpointing=name)
        .fit("t", views, 3, 0, tmp_path / name, NEVER)[1]
        .losses
        for name in ("on", "off")
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
