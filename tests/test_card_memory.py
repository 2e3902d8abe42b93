"""Options fitted to the card of this machine.

pytest tests/test_card_memory.py
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from kit import costs, staff
from kit.card_memory import card_plan, card_tokens, fit_to_card
from kit.config import Config, make_config
from kit.engine.memory_plan import MemoryPlanError
from kit.gpus import Gpu
from kit.solve.toolbox import read_settings
from kit.workers.executor import Staffing
from tests.model_folders import write_model_folder

T4 = Gpu("Tesla T4", (580, 65), 7.5, 15_360)
P100 = Gpu("Tesla P100", (580, 65), 6.0, 16_384)
H200 = Gpu("NVIDIA H200", (580, 65), 9.0, 143_000)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder in the shape of an 8B model; its weights are not looked at."""
    return write_model_folder(
        tmp_path, model_type="mistral", vocab_size=77, hidden_size=4096, num_hidden_layers=40,
        num_attention_heads=32, num_key_value_heads=8, head_dim=128, intermediate_size=11520,
        max_position_embeddings=8192,
    )  # fmt: skip


def config_of(model: Path, *options: str) -> Config:
    return make_config("full", [f"solve.model={model}", *options])


def test_a_small_card_steps_down_and_the_scale_stays(model: Path) -> None:
    config = config_of(model, "finetune.rank=256", "finetune.alpha=512", "workers.alternate=true")
    fitted = fit_to_card(config, [T4])
    assert fitted.finetune.rank < 256
    assert fitted.finetune.alpha / fitted.finetune.rank == 2
    assert fitted.workers.alternate and fitted.generate.vllm_memory == config.generate.vllm_memory
    assert fitted.generate.vllm_cache_bytes == 0, "vLLM alone on a card measures"
    assert card_tokens(config, [T4]) < 8192


def test_a_large_card_holds_both_and_shares_its_memory(model: Path) -> None:
    config = config_of(model, "finetune.rank=64")
    fitted = fit_to_card(config, [H200])
    assert not fitted.workers.alternate and fitted.finetune == config.finetune
    assert 0.3 < fitted.generate.vllm_memory < 0.9
    plan = card_plan(config, [H200])
    assert plan is not None and fitted.generate.vllm_cache_bytes == plan.serve.cache > 2**30
    assert card_tokens(config, [H200]) == math.inf


def test_a_card_that_is_too_old_is_refused_where_workers_start(model, monkeypatch) -> None:
    monkeypatch.setattr(staff, "used_gpus", lambda _: ("0",))
    monkeypatch.setattr("kit.card_memory.read_gpus", lambda: [P100])
    config = config_of(model, "solve.trainer=unsloth", "solve.sampler=vllm")
    with pytest.raises(MemoryPlanError, match=r"P100 has compute capability 6.0"):
        staff.start_workers(config, model)
    assert card_tokens(config) == math.inf, "nobody is refused twice"


def test_the_plan_reaches_both_crews(model, monkeypatch) -> None:
    opened = {}
    monkeypatch.setattr(staff, "used_gpus", lambda _: ("0", "1"))
    monkeypatch.setattr("kit.card_memory.read_gpus", lambda: [T4, T4])
    monkeypatch.setattr(staff, "open_rounds", lambda *given, **_: opened.update(given=given))
    options = ("solve.trainer=unsloth", "solve.sampler=vllm", "finetune.rank=256")
    staff.start_workers(config_of(model, *options), model)
    workers, specs = opened["given"][:2]
    ranks = {read_settings(specs[name].settings).finetune.rank for name in ("train", "serve")}
    assert workers.alternate and len(ranks) == 1 and ranks.pop() < 256


def test_the_scheduler_knows_where_views_are_cut(model, monkeypatch) -> None:
    monkeypatch.setattr(costs, "used_gpus", lambda _: ("0",))
    monkeypatch.setattr("kit.card_memory.read_gpus", lambda: [T4])
    config = config_of(model, "finetune.rank=256")
    assert costs.known_room(config, Staffing(1, 1)) == card_tokens(config, [T4]) < 8192


def test_without_a_card_or_a_known_shape_nothing_changes(model: Path) -> None:
    config = config_of(model)
    assert fit_to_card(config, []) is config and card_plan(config, []) is None
    (model / "config.json").write_text('{"model_type": "gpt2"}', encoding="utf-8")
    assert fit_to_card(config, [T4]) is config
