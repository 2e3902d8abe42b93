"""When a base model is held in 4 bits, what a pass keeps, and how much memory it may take."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from kit.finetune import lora_modules  # noqa: E402
from kit.finetune.lora_modules import activation_sizes, use_nf4  # noqa: E402
from kit.finetune.trainer import FinetuneConfig  # noqa: E402

GIB = 2**30


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder whose weights say that they have 8 GiB: 4B weights of 2 bytes."""
    with (tmp_path / "model.safetensors").open("wb") as file:
        file.truncate(8 * GIB)
    return tmp_path


@pytest.mark.parametrize(
    ("gib", "four_bits"), [(14.7, True), (22.0, False), (79.0, False)], ids=["T4", "L4", "H100"]
)
def test_auto_goes_by_the_size_of_the_gpu(monkeypatch, model: Path, gib: float, four_bits: bool):
    properties = SimpleNamespace(total_memory=int(gib * GIB))
    monkeypatch.setattr(lora_modules.torch.cuda, "get_device_properties", lambda _: properties)
    assert use_nf4(FinetuneConfig(), model, "cuda") == four_bits
    assert use_nf4(FinetuneConfig(quantize="nf4"), model, "cuda")
    assert not use_nf4(FinetuneConfig(quantize="none"), model, "cuda")


def test_on_a_cpu_only_who_asks_gets_4_bits(model: Path) -> None:
    assert not use_nf4(FinetuneConfig(), model, "cpu")
    assert use_nf4(FinetuneConfig(quantize="nf4"), model, "cpu")


@pytest.mark.parametrize("name", ["quantize", "checkpointing"])
def test_unknown_ways_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf"finetune\.{name} must be auto, .*got 'int3'"):
        FinetuneConfig(**{name: "int3"})


def test_sizes_are_read_from_any_config() -> None:
    config = SimpleNamespace(
        hidden_size=64, num_attention_heads=4, num_hidden_layers=2, dtype=torch.bfloat16
    )
    sizes = activation_sizes(config)
    assert (sizes.ffn, sizes.attention, sizes.value_bytes) == (256, 3 * 64, 2)
    config.intermediate_size, config.num_key_value_heads, config.head_dim = 128, 2, 32
    sizes = activation_sizes(config)
    assert (sizes.ffn, sizes.attention) == (128, (4 + 4) * 32)
    assert sizes.kept_bytes(20) == 2 * sizes.kept_bytes(10) > 0


def test_what_is_kept_is_an_upper_bound_of_what_torch_saves(tiny_llama) -> None:
    """Counted through autograd's own hooks, on a model with LoRA on all projections."""
    model = tiny_llama()
    sizes = activation_sizes(model.config)
    tokens = torch.randint(0, 32, (1, 200), generator=torch.Generator().manual_seed(0))
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept: dict[int, int] = {}

    def count(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        hidden = model.get_base_model().model(input_ids=tokens, use_cache=False)
    assert hidden.last_hidden_state.requires_grad
    assert sizes.kept_bytes(200) / 3 < sum(kept.values()) < 1.2 * sizes.kept_bytes(200)
