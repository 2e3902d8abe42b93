"""Which engines "auto" means, and which of them cannot share a process."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kit.encode.cells import VOCAB
from kit.finetune.trainer import FinetuneConfig
from kit.generate.decode import GenerateConfig
from kit.solve.engines import LARGE_MODEL_BYTES, are_apart, choose_engines
from kit.solve.toolbox import BUNDLED_MODEL, SolveConfig, ToolboxSettings, open_toolbox

LORA, FULL = FinetuneConfig(), FinetuneConfig(method="full")
GREEDY, WIDE = GenerateConfig(), GenerateConfig(min_probability=0.1)


def model(tmp_path: Path, size: int = LARGE_MODEL_BYTES, positions: str = "contiguous") -> Path:
    """A folder that only says how large its weights are and how it counts positions."""
    with (tmp_path / "model.safetensors").open("wb") as file:
        file.truncate(size)
    settings = {"format": "cells", "positions": positions}
    (tmp_path / "arc_format.json").write_text(json.dumps(settings))
    return tmp_path


def chosen(solve: SolveConfig, finetune=LORA, gpu=True, installed=("unsloth", "vllm")):
    found = choose_engines(solve, finetune, GREEDY, gpu, lambda name: name in installed)
    return found.trainer, found.sampler


def test_gpus_get_gpu_engines_where_they_are_installed(tmp_path: Path) -> None:
    solve = SolveConfig(model=model(tmp_path))
    assert chosen(solve) == ("unsloth", "vllm")
    assert chosen(solve, installed=("unsloth",)) == ("unsloth", "torch")
    assert chosen(solve, installed=("vllm",)) == ("torch", "vllm")
    assert chosen(solve, installed=()) == ("torch", "torch")
    assert chosen(solve, gpu=False) == ("torch", "torch")
    assert chosen(solve, FULL) == ("torch", "torch")
    assert chosen(solve, FinetuneConfig(quantize="nf4"), gpu=False) == ("peft", "torch")


def test_small_models_and_positions_that_jump_stay_with_the_kits_own(tmp_path: Path) -> None:
    small = SolveConfig(model=model(tmp_path, LARGE_MODEL_BYTES - 1))
    assert chosen(small) == ("torch", "torch")
    assert chosen(SolveConfig(model=BUNDLED_MODEL)) == ("torch", "torch")
    jumping = SolveConfig(model=model(tmp_path, positions="aligned"))
    assert chosen(jumping) == ("unsloth", "torch")


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "gpt_neox"},
        {"model_type": "llama", "attention_bias": True},
        {"model_type": "llama", "mlp_bias": True},
        {"model_type": "qwen3", "attention_bias": True},
    ],
)
def test_what_the_own_engine_does_not_run_is_left_to_transformers(tmp_path: Path, config) -> None:
    folder = model(tmp_path)
    (folder / "config.json").write_text(json.dumps(config))
    solve = SolveConfig(model=folder)
    assert chosen(solve) == chosen(solve, gpu=False) == chosen(solve, FULL) == ("peft", "generate")
    assert chosen(replace(solve, trainer="torch")) == ("torch", "generate")
    assert chosen(replace(solve, sampler="torch")) == ("peft", "torch")
    # Only the own sampler can do it, and says why not when it opens the model.
    assert choose_engines(solve, LORA, WIDE, False).sampler == "torch"


def test_biases_that_only_transformers_applies_reach_it(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("peft")
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 2}
    config = transformers.LlamaConfig(
        vocab_size=VOCAB, num_hidden_layers=1, attention_bias=True, mlp_bias=True, **sizes
    )
    transformers.LlamaForCausalLM(config).save_pretrained(tmp_path)
    (tmp_path / "arc_format.json").write_text('{"format": "cells", "positions": "contiguous"}')
    opened = open_toolbox(ToolboxSettings(SolveConfig(model=tmp_path, device="cpu")), 1, tmp_path)
    names = type(opened.trainer).__name__, type(opened.sampler).__name__
    opened.close()
    assert names == ("PeftTrainer", "GenerateSampler")


def test_a_name_is_taken_as_it_is() -> None:
    for trainer in ("torch", "peft", "unsloth"):
        for sampler in ("torch", "generate", "vllm"):
            solve = SolveConfig(trainer=trainer, sampler=sampler)
            assert chosen(solve, gpu=False, installed=()) == (trainer, sampler)


def test_patched_and_memory_holding_engines_are_kept_apart() -> None:
    apart = {
        (trainer, sampler)
        for trainer in ("torch", "peft", "unsloth")
        for sampler in ("torch", "generate", "vllm")
        if are_apart(SolveConfig(trainer=trainer, sampler=sampler))
    }
    assert apart == {("unsloth", "vllm"), ("unsloth", "generate"), ("peft", "vllm")}


def test_what_a_trainer_cannot_do_is_refused_with_what_can() -> None:
    with pytest.raises(ValueError, match=r"quantize=nf4.*solve.trainer=unsloth or .*peft"):
        choose_engines(SolveConfig(trainer="torch"), FinetuneConfig(quantize="nf4"), GREEDY, False)
    with pytest.raises(ValueError, match=r"method=full: Unsloth.*solve.trainer=torch"):
        choose_engines(SolveConfig(trainer="unsloth"), FULL, GREEDY, True)


def test_only_the_own_sampler_searches_above_a_probability(tmp_path: Path) -> None:
    solve = SolveConfig(model=model(tmp_path))
    assert choose_engines(solve, LORA, WIDE, True, lambda _: True).sampler == "torch"
    with pytest.raises(ValueError, match=r"min_probability=0.1: only the kit's own sampler"):
        choose_engines(SolveConfig(sampler="generate"), LORA, WIDE, False)


def test_auto_never_means_processes_of_their_own_where_there_can_be_none(tmp_path: Path) -> None:
    def found(solve: SolveConfig) -> tuple[str, str]:
        here = choose_engines(solve, LORA, GREEDY, True, lambda _: True, may_part=False)
        assert not are_apart(here)
        return here.trainer, here.sampler

    folder = model(tmp_path)
    assert found(SolveConfig(model=folder)) == ("torch", "torch")
    assert found(SolveConfig(model=folder, trainer="unsloth")) == ("unsloth", "torch")
    assert found(SolveConfig(model=folder, sampler="vllm")) == ("torch", "vllm")
    both = SolveConfig(model=folder, trainer="unsloth", sampler="vllm")
    named = choose_engines(both, LORA, GREEDY, True, lambda _: True, may_part=False)
    assert are_apart(named)  # what was named is refused by whoever opens it, not replaced


def test_one_process_is_not_given_both(tmp_path: Path) -> None:
    solve = SolveConfig(trainer="unsloth", sampler="vllm")
    with pytest.raises(ValueError, match=r"processes of their own \(workers.executor=pool\)"):
        open_toolbox(ToolboxSettings(solve), 1, tmp_path)
