"""Plans of engines: what fits which card, and what is refused with which numbers."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from kit.engine.shape import ModelError, read_shape
from kit.generate.vllm_arguments import engine_arguments, engine_environment
from kit.generate.vllm_engine import VllmEngine
from kit.generate.vllm_plan import Card, EnginePlanError, choose_base, engine_rank, plan_engine

GIB = 1 << 30
CPU = Card("this CPU", 0, 8 * GIB)
T4 = Card("Tesla T4", 75, 15 * GIB)
L4 = Card("NVIDIA L4", 89, 22 * GIB)
H200 = Card("NVIDIA H200", 90, 140 * GIB)


def model_folder(tmp_path: Path, layers=36, hidden=2560, ffn=9728, vocab=151936) -> Path:
    """config.json in the shape of Qwen3-4B."""
    config = {
        "model_type": "qwen3",
        "vocab_size": vocab,
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "intermediate_size": ffn,
        "tie_word_embeddings": True,
        "max_position_embeddings": 40960,
    }
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(("rank", "room"), [(1, 8), (8, 8), (9, 16), (32, 32), (200, 256)])
def test_the_next_allowed_rank(rank, room):
    assert engine_rank(rank) == room


def test_a_rank_beyond_all_is_refused():
    with pytest.raises(EnginePlanError, match="up to rank 256, got rank 257"):
        engine_rank(257)


def test_cards_get_their_own_dtype_kernels_and_sizes(tmp_path):
    folder = model_folder(tmp_path)
    t4 = plan_engine(folder, T4, 8192, 16)
    assert (t4.dtype, t4.attention, t4.base) == ("float16", "TRITON_ATTN", "16-bit")
    h200 = plan_engine(folder, H200, 8192, 48, max_loras=16)
    assert (h200.dtype, h200.attention, h200.base) == ("bfloat16", "", "16-bit")
    assert (h200.max_rank, h200.max_loras, h200.kept_loras) == (64, 16, 16)
    assert h200.max_tokens == 8192 + 1024
    assert plan_engine(folder, H200, 40960, 8).max_tokens == 40960
    small = plan_engine(model_folder(tmp_path, 2, 64, 64, 32), CPU, 8192, 32)
    assert (small.dtype, small.base) == ("float32", "16-bit")
    assert small.step_tokens < h200.step_tokens
    assert small.cache_bytes


def test_arguments_follow_the_plan(tmp_path):
    plan = plan_engine(model_folder(tmp_path), T4, 4096, 12, cache_bytes=2 * GIB, memory_share=0.8)
    arguments = engine_arguments(plan)
    assert arguments["attention_backend"] == "TRITON_ATTN"
    assert (arguments["max_lora_rank"], arguments["max_loras"]) == (16, 8)
    assert arguments["kv_cache_memory_bytes"] == 2 * GIB
    assert arguments["gpu_memory_utilization"] == 0.8
    assert arguments["enable_prefix_caching"] is True
    assert "quantization" not in arguments
    other = engine_arguments(plan_engine(model_folder(tmp_path), H200, 4096, 12))
    assert "attention_backend" not in other
    assert "block_size" not in other


def test_nothing_is_fetched_sent_or_compiled_at_run_time():
    for card in (CPU, T4, H200):
        variables = engine_environment(card)
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "VLLM_NO_USAGE_STATS"):
            assert variables[name] == "1"
        assert variables["VLLM_USE_FLASHINFER_SAMPLER"] == "0"


def test_large_models_are_served_in_four_bits_on_small_cards(tmp_path):
    shape = read_shape(model_folder(tmp_path, layers=36, hidden=4096, ffn=12288))
    assert shape.num_parameters() > 7e9
    assert [choose_base(shape, card) for card in (T4, L4, H200)] == ["nf4", "nf4", "16-bit"]
    plan = plan_engine(tmp_path, T4, 8192, 16)
    arguments = engine_arguments(plan)
    assert arguments["quantization"] == arguments["load_format"] == "bitsandbytes"


def test_what_does_not_fit_is_refused_with_numbers(tmp_path):
    folder = model_folder(tmp_path)
    with pytest.raises(EnginePlanError, match=r"7\.\d+ GiB of weights .* do not fit 3\.0\d GiB of"):
        plan_engine(folder, H200, 8192, 16, memory_share=0.022)
    with pytest.raises(EnginePlanError, match=r"one request of 9216 tokens takes 1\.27"):
        plan_engine(folder, H200, 8192, 16, cache_bytes=GIB)


def test_old_cards_and_their_dtypes_are_refused(tmp_path):
    folder = model_folder(tmp_path)
    with pytest.raises(EnginePlanError, match=r"Tesla P100 has compute capability 6\.0.*T4"):
        plan_engine(folder, Card("Tesla P100", 60, 16 * GIB), 8192, 16)
    with pytest.raises(EnginePlanError, match="Tesla T4 has no bfloat16 arithmetic"):
        plan_engine(folder, T4, 8192, 16, dtype="bfloat16")
    with pytest.raises(EnginePlanError, match="dtype must be auto, float32"):
        plan_engine(folder, T4, 8192, 16, dtype="int8")


def test_speculation_wants_rejection(tmp_path):
    folder = model_folder(tmp_path)
    with pytest.raises(EnginePlanError, match="speculation needs legality reject"):
        plan_engine(folder, H200, 8192, 16, guessed_tokens=4)
    plan = plan_engine(folder, H200, 8192, 16, legality="reject", guessed_tokens=4)
    arguments = engine_arguments(plan)
    assert arguments["speculative_config"]["num_speculative_tokens"] == 4
    assert arguments["logprobs_mode"] == "processed_logprobs"


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"a model folder needs config\.json, found nothing"
    ):
        plan_engine(tmp_path, CPU, 8192, 16)
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match="not valid JSON"):
        plan_engine(tmp_path, CPU, 8192, 16)


@pytest.fixture
def small_plan(tmp_path, monkeypatch):
    for name in engine_environment(CPU):
        monkeypatch.setenv(name, "kept")  # put back afterwards
    return plan_engine(model_folder(tmp_path, 2, 64, 64, 32), CPU, 512, 8)


def test_a_missing_vllm_is_said(small_plan, monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(EnginePlanError, match=r"solve\.sampler=vllm needs the package vllm"):
        VllmEngine(small_plan)


def test_a_vllm_that_does_not_know_an_argument_is_named(small_plan, monkeypatch):
    @dataclass
    class EngineArgs:
        model: str

    engine = ModuleType("vllm.v1.engine.llm_engine")
    engine.LLMEngine = SimpleNamespace(from_engine_args=None)
    top = ModuleType("vllm")
    top.EngineArgs, top.__version__ = EngineArgs, "0.5.0"
    for module in (top, ModuleType("vllm.v1"), ModuleType("vllm.v1.engine"), engine):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    with pytest.raises(EnginePlanError, match=r"vLLM 0\.5\.0 knows no .*dtype, .* names versions"):
        VllmEngine(small_plan)
