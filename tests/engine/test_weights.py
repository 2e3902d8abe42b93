"""Loading and writing weights, and what is refused.

pytest tests/engine/test_weights.py
"""

from __future__ import annotations

import json
import shutil

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from safetensors.torch import load_file, save_file  # noqa: E402

from kit.engine.model import open_model  # noqa: E402
from kit.engine.shape import ModelError, read_shape  # noqa: E402
from kit.engine.weights import load_weights, save_shards, to_named_tensors  # noqa: E402
from tests.engine.conftest import save_model  # noqa: E402


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
        ({"head_dim": None, "num_attention_heads": "4"}, "a value of another kind than a model"),
        ({"rope_parameters": {"rope_type": "yarn"}}, "rope_type must be default or llama3"),
        ({"attention_bias": True}, r"config.json: attention_bias .on o_proj as well"),
        ({"mlp_bias": True}, r"config.json: mlp_bias .on gate, up and down. is not supported"),
        ({"num_hidden_layers": 3}, "tensor model.layers.2.* is missing"),
        ({"num_hidden_layers": 1}, r"leave out model.layers.1.input_layernorm.weight, .* 6 more"),
        ({"vocab_size": 31}, r"embed_tokens.weight has shape \(32, 32\), expected \(31, 32\)"),
    ],
)
def test_models_it_cannot_run_are_refused(llama_folder, tmp_path, changes, message) -> None:
    with pytest.raises(ModelError, match=message):
        open_model(edited(llama_folder, tmp_path / "m", **changes), "float32")


def with_tensors(folder, target, more):
    """A copy of a model folder whose file holds further tensors."""
    shutil.copytree(folder, target)
    save_file({**load_file(target / "model.safetensors"), **more}, target / "model.safetensors")
    return target


def test_a_tensor_that_would_be_left_out_is_refused(llama_folder, tmp_path) -> None:
    bias = {"model.layers.0.self_attn.o_proj.bias": torch.ones(32)}
    message = r"leave out model\.layers\.0\.self_attn\.o_proj\.bias;.*solve\.trainer=peft"
    with pytest.raises(ModelError, match=message):
        open_model(with_tensors(llama_folder, tmp_path / "bias", bias), "float32")
    with pytest.raises(ModelError, match=r"leave out lm_head\.weight;"):
        open_model(
            with_tensors(llama_folder, tmp_path / "head", {"lm_head.weight": torch.ones(32, 32)})
        )


def test_tensors_that_say_nothing_new_are_left_out(llama_folder, tmp_path) -> None:
    embed = load_file(llama_folder / "model.safetensors")["model.embed_tokens.weight"]
    rotary = {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4)}
    more = {"lm_head.weight": embed.clone(), **rotary}
    folder = with_tensors(llama_folder, tmp_path / "m", more)
    assert torch.equal(open_model(folder, "float32").weights.head, embed)


def test_other_copies_beside_the_weights_are_not_read(llama_folder, tmp_path) -> None:
    named = load_file(llama_folder / "model.safetensors")
    for target, limit in (("single", 10**9), ("shards", 20_000)):
        (tmp_path / target).mkdir()
        shutil.copy(llama_folder / "config.json", tmp_path / target)
        save_shards(named, tmp_path / target, limit)
        save_file({"layers.0.wq": torch.ones(1)}, tmp_path / target / "consolidated.safetensors")
        read = open_model(tmp_path / target, "float32").weights.embed
        assert torch.equal(read, named["model.embed_tokens.weight"])
    (tmp_path / "shards" / "model.safetensors.index.json").write_text("[]")
    with pytest.raises(ModelError, match="not a readable index of weights"):
        open_model(tmp_path / "shards")


def test_qwen2_has_its_biases_whatever_its_configuration_says(tmp_path) -> None:
    folder = save_model("qwen2", tmp_path / "qwen2")
    says = edited(folder, tmp_path / "says", attention_bias=True)
    assert read_shape(says).qkv_bias and read_shape(folder).qkv_bias
    open_model(says, "float32")


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
