"""Adapters as vLLM gets them: fresh names, copies in memory, refusals with the reason.

pytest tests/generate/test_vllm_adapters.py
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("safetensors")

from kit.finetune.adapter_dir import AdapterError, LoraSettings, write_lora_adapter
from kit.finetune.trainer import Adapter
from kit.generate.vllm_adapters import AdapterShelf


def adapter_at(path: Path, value: float, rank: int = 4, **config) -> Adapter:
    pytest.importorskip("safetensors")
    name = "base_model.model.model.layers.0.self_attn.q_proj"
    weights = {
        f"{name}.lora_A.weight": np.full((rank, 8), value, np.float32),
        f"{name}.lora_B.weight": np.full((8, rank), value, np.float32),
    }
    settings = LoraSettings(rank, 8.0, ("q_proj",), "base")
    adapter = write_lora_adapter(path, "task", weights, settings)
    if config:
        file = path / "adapter_config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | config))
    return adapter


def test_every_version_of_an_adapter_has_its_own_name_number_and_path(tmp_path):
    shelf = AdapterShelf(8, shared=tmp_path)
    versions = [shelf.serve(adapter_at(tmp_path / "a", value)) for value in (1.0, 2.0, 1.0)]
    assert versions[0] == versions[2]
    assert 1 <= versions[0].number < versions[1].number
    # Another sampler on the same engine must not meet a number again.
    other = AdapterShelf(8, shared=tmp_path)
    assert other.serve(adapter_at(tmp_path / "a", 3.0)).number > versions[1].number
    other.close()
    assert len({v.name for v in versions}) == len({v.path for v in versions}) == 2
    assert all((v.path / "adapter_model.safetensors").is_file() for v in versions)
    assert versions[0].path.parent.parent == tmp_path
    shelf.close()
    assert not versions[0].path.exists()


def test_copies_go_to_disk_where_shared_memory_is_missing(tmp_path):
    shelf = AdapterShelf(8, shared=tmp_path / "nothing here")
    served = shelf.serve(adapter_at(tmp_path / "a", 1.0))
    here, there = (folder / "adapter_model.safetensors" for folder in (served.path, tmp_path / "a"))
    assert here.samefile(there), "a link takes no room on a disk that may be small"
    shelf.close()
    assert there.is_file() and not here.exists()


def test_copies_of_killed_processes_are_removed(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    dead, alive = (tmp_path / f"kit-adapters-{pid}-x" for pid in (gone.pid, os.getpid()))
    for folder in (dead, alive, tmp_path / "kit-adapters-other-x"):
        folder.mkdir()
    shelf = AdapterShelf(8, shared=tmp_path)
    shelf.serve(adapter_at(tmp_path / "a", 1.0))
    shelf.close()
    names = {folder.name for folder in tmp_path.glob("kit-adapters-*")}
    assert names == {alive.name, "kit-adapters-other-x"}


def test_old_copies_are_deleted_but_not_those_in_use(tmp_path, monkeypatch):
    monkeypatch.setattr("kit.generate.vllm_adapters.KEPT_VERSIONS", 2)
    shelf = AdapterShelf(8, shared=tmp_path)
    adapters = [adapter_at(tmp_path / str(i), float(i + 1)) for i in range(4)]
    served = [shelf.serve(adapter) for adapter in adapters]
    shelf.forget_others({adapters[0].sha256})
    assert [s.path.exists() for s in served] == [True, False, False, True]
    assert shelf.serve(adapters[1]).number > served[3].number
    shelf.close()


@pytest.mark.parametrize(
    ("config", "rank", "message"),
    [
        ({"modules_to_save": ["embed_tokens"]}, 4, r"modules_to_save is \['embed_tokens'\]"),
        ({"use_dora": True}, 4, "use_dora is True"),
        ({"bias": "all"}, 4, "bias is 'all'"),
        ({"target_modules": ["q_proj", "lm_head"]}, 4, "adapts lm_head"),
        ({}, 16, "rank 16 is above 8"),
    ],
)
def test_what_vllm_cannot_serve_is_refused_with_the_reason(tmp_path, config, rank, message):
    shelf = AdapterShelf(8, shared=tmp_path)
    with pytest.raises(AdapterError, match=message):
        shelf.serve(adapter_at(tmp_path / "a", 1.0, rank, **config))
    full = dataclasses.replace(adapter_at(tmp_path / "b", 1.0), method="full")
    with pytest.raises(AdapterError, match=r"finetune\.method=full"):
        shelf.serve(full)
    shelf.close()


def test_a_damaged_adapter_leaves_no_copy(tmp_path):
    adapter = adapter_at(tmp_path / "a", 1.0)
    path = adapter.path / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    shelf = AdapterShelf(8, shared=tmp_path)
    with pytest.raises(AdapterError, match="checksum"):
        shelf.serve(adapter)
    (folder,) = tmp_path.glob("kit-adapters-*")
    assert list(folder.iterdir()) == []
    shelf.close()
