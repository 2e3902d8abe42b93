"""Adapter folders are whole, checked, and never pickles."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from kit.finetune import adapter_dir
from kit.finetune.adapter_dir import (
    AdapterError,
    LoraSettings,
    load_adapter_weights,
    read_lora_settings,
    write_full_adapter,
    write_lora_adapter,
)

SETTINGS = LoraSettings(rank=2, alpha=4.0, targets=("q_proj",), base_model="base")
LAYER = "base_model.model.model.layers.0.self_attn.q_proj"
WEIGHTS = {
    f"{LAYER}.lora_A.weight": np.arange(6, dtype=np.float64).reshape(3, 2).T,
    f"{LAYER}.lora_B.weight": np.ones((5, 2), dtype=np.float16),
}


@pytest.fixture
def adapter(tmp_path):
    return write_lora_adapter(tmp_path / "a", "t", WEIGHTS, SETTINGS)


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_lora_round_trip(adapter, tmp_path):
    loaded = load_adapter_weights(adapter)
    assert loaded.keys() == WEIGHTS.keys()
    for name, array in WEIGHTS.items():
        assert loaded[name].dtype == np.float32
        np.testing.assert_array_equal(loaded[name], array)
    assert read_lora_settings(adapter) == SETTINGS
    assert SETTINGS.scale == 2.0
    data = (adapter.path / "adapter_model.safetensors").read_bytes()
    assert adapter.sha256 == hashlib.sha256(data).hexdigest()
    assert sorted(p.name for p in adapter.path.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    assert hidden(tmp_path) == []


def test_full_round_trip_and_nothing_changed(tmp_path):
    weights = {"model.norm.weight": np.ones(3, dtype=np.float32)}
    adapter = write_full_adapter(tmp_path / "deep" / "f", "t", weights)
    assert adapter.method == "full"
    assert list(load_file(adapter.path / "model.safetensors")) == ["model.norm.weight"]
    assert load_adapter_weights(write_full_adapter(tmp_path / "empty", "t", {})) == {}


def test_order_of_the_dict_does_not_matter(adapter, tmp_path):
    other = write_lora_adapter(tmp_path / "b", "t", dict(reversed(WEIGHTS.items())), SETTINGS)
    assert other.sha256 == adapter.sha256


def test_a_whole_alpha_is_written_as_an_integer(adapter):
    config = json.loads((adapter.path / "adapter_config.json").read_text())
    assert type(config["lora_alpha"]) is int
    assert config["task_type"] == "CAUSAL_LM"
    assert config["base_model_name_or_path"] == "base"


def test_a_changed_byte_is_refused(adapter):
    path = adapter.path / "adapter_model.safetensors"
    data = bytearray(path.read_bytes())
    data[-3] ^= 4
    path.write_bytes(bytes(data))
    with pytest.raises(AdapterError, match=r"adapter_model.safetensors: checksum .* damaged"):
        load_adapter_weights(adapter)


def test_a_file_that_is_no_safetensors_is_refused(adapter):
    path = adapter.path / "adapter_model.safetensors"
    path.write_bytes(b"nonsense")
    forged = dataclasses.replace(adapter, sha256=hashlib.sha256(b"nonsense").hexdigest())
    with pytest.raises(AdapterError, match="not a readable safetensors file"):
        load_adapter_weights(forged)


def test_missing_folder_and_file(adapter, tmp_path):
    gone = dataclasses.replace(adapter, path=tmp_path / "gone")
    with pytest.raises(AdapterError, match="gone: no such adapter folder"):
        load_adapter_weights(gone)
    (adapter.path / "adapter_model.safetensors").unlink()
    with pytest.raises(AdapterError, match=r"no adapter_model.safetensors$"):
        load_adapter_weights(adapter)


class _Trap:
    """Leaves a file behind when unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return (Path.touch, (self.mark,))


def test_a_pickle_is_named_and_never_opened(adapter, tmp_path):
    mark = tmp_path / "opened"
    (adapter.path / "adapter_model.safetensors").unlink()
    (adapter.path / "adapter_model.bin").write_bytes(pickle.dumps(_Trap(mark)))
    with pytest.raises(
        AdapterError, match=r"adapter_model.bin may be a pickle and is never opened"
    ):
        load_adapter_weights(adapter)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({f"{LAYER}.weight": np.ones((2, 2))}, "is no name that PEFT reads"),
        ({"q.lora_A.weight": np.ones((2, 2))}, "is no name that PEFT reads"),
        ({"base_model.model.k.lora_A.weight": np.ones((2, 2))}, r"has no .*k.lora_B.weight"),
        ({f"{LAYER}.lora_A.weight": np.ones((3, 3))}, r"shape \(3, 3\), expected 2"),
        ({f"{LAYER}.lora_B.weight": np.full((5, 2), np.nan)}, "not finite"),
    ],
)
def test_weights_that_peft_would_not_read(tmp_path, change, message):
    with pytest.raises(AdapterError, match=message):
        write_lora_adapter(tmp_path / "a", "t", {**WEIGHTS, **change}, SETTINGS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a PEFT configuration"),
        ("[]", "not a PEFT configuration"),
        ("{}", "key 'r' is missing"),
    ],
)
def test_broken_configurations(adapter, text, message):
    (adapter.path / "adapter_config.json").write_text(text)
    with pytest.raises(AdapterError, match=message):
        read_lora_settings(adapter)


def test_ranks_by_layer_are_refused(adapter):
    path = adapter.path / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "rank_pattern": {"q_proj": 8}}))
    with pytest.raises(AdapterError, match="rank_pattern"):
        read_lora_settings(adapter)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AdapterError, match=r"a: the adapter cannot be written \("):
        write_lora_adapter(tmp_path / "file" / "a", "t", WEIGHTS, SETTINGS)


def test_a_full_disk_leaves_the_old_adapter(adapter, tmp_path, monkeypatch):
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(adapter_dir, "_write_synced", full)
    with pytest.raises(AdapterError, match="No space left on device"):
        write_lora_adapter(adapter.path, "t", WEIGHTS, SETTINGS)
    load_adapter_weights(adapter)
    assert hidden(tmp_path) == []


def test_killed_while_writing_leaves_no_half_folder(tmp_path):
    """The process dies before the rename: the adapter is not there, and a second try works."""
    script = f"""
import os, sys
import numpy as np
from pathlib import Path
from kit.finetune import adapter_dir
adapter_dir._replace_folder = lambda new, out: os._exit(9)
adapter_dir.write_full_adapter(Path({str(tmp_path / "a")!r}), "t", {{"w": np.ones(2)}})
"""
    repository = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": str(repository)}
    assert subprocess.run([sys.executable, "-c", script], env=env, check=False).returncode == 9
    assert not (tmp_path / "a").exists()
    adapter = write_full_adapter(tmp_path / "a", "t", {"w": np.ones(2)})
    assert load_adapter_weights(adapter)["w"].tolist() == [1.0, 1.0]


def test_torch_is_not_imported():
    script = "import sys, kit.finetune.adapter_dir; sys.exit('torch' in sys.modules)"
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    assert subprocess.run([sys.executable, "-c", script], env=env, check=False).returncode == 0
