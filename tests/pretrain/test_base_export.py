"""What is written after fine-tuning opens in every engine and computes what was trained.

pytest tests/pretrain/test_base_export.py
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
peft = pytest.importorskip("peft")

from kit.encode import open_encoding  # noqa: E402
from kit.engine.weights import save_shards  # noqa: E402
from kit.pretrain.base_engine import EngineBase  # noqa: E402
from kit.pretrain.base_export import (  # noqa: E402
    MergeError,
    export,
    merge_adapter,
    rewrite_weights,
    stored_dtype,
)
from kit.pretrain.base_learner import Learner  # noqa: E402
from kit.pretrain.base_settings import BaseConfig  # noqa: E402
from kit.pretrain.base_transformers import TransformersBase  # noqa: E402
from tests.pretrain.base_models import save_model, tensors_of, tiny_batch  # noqa: E402

LORA = BaseConfig(rank=4, alpha=8.0, lr=0.02, max_steps=3, batch_tasks=2)
FULL = replace(LORA, method="full", lr=1e-3)
ENGINES = {"torch": EngineBase, "transformers": TransformersBase}
QUESTIONS = tiny_batch(4)


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    """A tiny Llama with a licence and settings beside it."""
    torch.set_num_threads(1)
    folder = save_model(tmp_path_factory.mktemp("base"))
    (folder / "LICENSE").write_text("as it was")
    (folder / "generation_config.json").write_text('{"eos_token_id": 24}')
    return folder


def trained(base: Path, config: BaseConfig, engine: str) -> Learner:
    """A learner after all its steps."""
    learner = Learner(ENGINES[engine](base, "float32", "cpu", config), config)
    for _ in range(config.max_steps):
        learner.train_step(QUESTIONS)
    return learner


def loss_of(folder: Path, engine: str) -> float:
    """Loss of a written model, opened anew."""
    return Learner(ENGINES[engine](folder, "float32", "cpu", LORA), LORA).evaluate(QUESTIONS)[0]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("config", [LORA, FULL], ids=["lora", "full"])
def test_the_model_written_is_the_model_trained(base, tmp_path, config, engine) -> None:
    learner = trained(base, config, engine)
    wanted, _ = learner.evaluate(QUESTIONS)
    written = export(learner, base, "cells", tmp_path, "# card")
    assert written.model == tmp_path / "model" and not (tmp_path / "model.tmp").exists()
    for other in ENGINES:
        assert loss_of(written.model, other) == pytest.approx(wanted, rel=1e-4)
    assert open_encoding(written.model).name == "cells"
    assert (written.model / "LICENSE").read_text() == "as it was"
    assert (written.model / "README.md").read_text() == "# card"
    settings = json.loads((written.model / "generation_config.json").read_text())
    assert settings == {"eos_token_id": 24}
    assert (written.adapter is None) == (config.method == "full")


@pytest.mark.parametrize("engine", ENGINES)
def test_the_adapter_opens_in_stock_peft_beside_the_untouched_base(base, tmp_path, engine) -> None:
    learner = trained(base, LORA, engine)
    written = export(learner, base, "cells", tmp_path, "# card")
    plain = transformers.AutoModelForCausalLM.from_pretrained(base)
    adapted = peft.PeftModel.from_pretrained(plain, written.adapter).merge_and_unload()
    merged = tensors_of(written.model)
    for name, tensor in adapted.state_dict().items():
        if name in merged:
            np.testing.assert_allclose(tensor.numpy(), merged[name], atol=1e-5)


def test_without_a_step_the_base_is_written_as_it_is(base, tmp_path) -> None:
    learner = Learner(EngineBase(base, "float32", "cpu", LORA), replace(LORA, max_steps=0))
    written = export(learner, base, "cells", tmp_path, "# card")
    before, after = tensors_of(base), tensors_of(written.model)
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_an_older_result_is_replaced_whole(base, tmp_path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old.safetensors").write_bytes(b"stale")
    learner = Learner(EngineBase(base, "float32", "cpu", LORA), LORA)
    written = export(learner, base, "cells", tmp_path, "# card")
    assert not (written.model / "old.safetensors").exists()


def test_shards_stay_shards_and_strangers_are_left_behind(base, tmp_path) -> None:
    sharded = tmp_path / "sharded"
    sharded.mkdir()
    named = {n: torch.from_numpy(a).to(torch.bfloat16) for n, a in tensors_of(base).items()}
    save_shards(named, sharded, 8000)
    (sharded / "consolidated.safetensors").write_bytes(b"another copy")
    out = tmp_path / "out"
    out.mkdir()
    rewrite_weights(sharded, out, lambda name, tensor: tensor + (name == "model.norm.weight"))
    index = json.loads((out / "model.safetensors.index.json").read_text())
    assert {p.name for p in out.glob("*.safetensors")} == set(index["weight_map"].values())
    assert len(set(index["weight_map"].values())) > 1
    assert stored_dtype(out) == torch.bfloat16
    changed = tensors_of(out)
    norm = named["model.norm.weight"].float().numpy()
    assert np.array_equal(changed["model.norm.weight"], norm + 1)


def test_an_adapter_that_fits_no_tensor_is_refused(base, tmp_path) -> None:
    prefix = "base_model.model.model.layers.9.mlp.up_proj"
    matrices = {
        f"{prefix}.lora_A.weight": np.zeros((2, 32), np.float32),
        f"{prefix}.lora_B.weight": np.zeros((48, 2), np.float32),
    }
    with pytest.raises(MergeError, match=r"no tensor model.layers.9.mlp.up_proj.weight"):
        merge_adapter(base, tmp_path, matrices, 1.0)
    wrong = {n.replace("layers.9", "layers.0"): m[:, :1] for n, m in matrices.items()}
    with pytest.raises(MergeError, match=r"has shape \(48, 32\), the adapter is for \(48, 1\)"):
        merge_adapter(base, tmp_path, wrong, 1.0)
