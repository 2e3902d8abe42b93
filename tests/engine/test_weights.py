"""Loading and writing weights, and what is refused.

pytest tests/engine/test_weights.py
"""

from __future__ import annotations

import json
import shutil

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from kit.engine.model import open_model  # noqa: E402
from kit.engine.shape import ModelError, read_shape  # noqa: E402
from kit.engine.weights import load_weights, save_shards, to_named_tensors  # noqa: E402


def test_named_tensors_are_those_of_the_file(family_folder) -> None:
    shape = read_shape(family_folder)
    named = to_named_tensors(load_weights(family_folder, shape, torch.float32), shape)
    reference = transformers.AutoModelForCausalLM.from_pretrained(
        family_folder, dtype=torch.float32
    ).state_dict()
    if shape.tied:
        reference.pop("lm_head.weight", None)
    assert named.keys() == reference.keys()
    assert all(torch.equal(named[name], reference[name]) for name in named)


def test_shards_are_small_and_load_again(llama_folder, tmp_path) -> None:
    shape = read_shape(llama_folder)
    named = to_named_tensors(load_weights(llama_folder, shape, torch.float32), shape)
    shutil.copy(llama_folder / "config.json", tmp_path)
    save_shards(named, tmp_path, 20_000)
    shards = sorted(tmp_path.glob("model-*.safetensors"))
    assert len(shards) > 1
    again = to_named_tensors(load_weights(tmp_path, shape, torch.float32), shape)
    assert all(torch.equal(named[name], again[name]) for name in named)
    transformers.AutoModelForCausalLM.from_pretrained(tmp_path)


def test_num_parameters_counts_matrices(family_folder) -> None:
    shape = read_shape(family_folder)
    weights = load_weights(family_folder, shape, torch.float32)
    assert shape.num_parameters() == sum(t.numel() for t in weights.tensors() if t.ndim == 2)


def edited(folder, target, **changes):
    """A copy of a model folder with other values in config.json; None removes a key."""
    shutil.copytree(folder, target)
    path = target / "config.json"
    config = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({k: v for k, v in config.items() if v is not None}))
    return target


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "gpt2"}, "model_type 'gpt2' is not one of llama"),
        ({"hidden_act": "gelu"}, "hidden_act must be silu, got 'gelu'"),
        ({"num_hidden_layers": None}, "key 'num_hidden_layers' is missing"),
        ({"rope_parameters": {"rope_type": "yarn"}}, "rope_type must be default or llama3"),
        ({"num_hidden_layers": 3}, "tensor model.layers.2.* is missing"),
        ({"vocab_size": 31}, r"embed_tokens.weight has shape \(32, 32\), expected \(31, 32\)"),
    ],
)
def test_models_it_cannot_run_are_refused(llama_folder, tmp_path, changes, message) -> None:
    with pytest.raises(ModelError, match=message):
        open_model(edited(llama_folder, tmp_path / "m", **changes), "float32")


def test_missing_and_broken_files_are_named(llama_folder, tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=r"needs config\.json, found nothing"):
        open_model(tmp_path / "none")
    folder = edited(llama_folder, tmp_path / "m")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(FileNotFoundError, match="is a pickle file and is never opened"):
        open_model(folder)
    (folder / "model.safetensors").write_bytes(b"\x08garbage")
    with pytest.raises(ModelError, match="not a readable safetensors file"):
        open_model(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(ModelError, match="not valid JSON"):
        open_model(folder)
    with pytest.raises(ValueError, match="dtype must be one of auto"):
        open_model(llama_folder, "int8")
