"""What a card's data sheet says of costs, before and after the first measurement.

pytest tests/test_card_costs.py
"""

from __future__ import annotations

from pathlib import Path

import pytest

from kit import costs
from kit.budget.cost import plan_units, unmeasured_rates
from kit.budget.plan import Plan
from kit.budget.setup import measure_tasks
from kit.card_costs import card_rates, rates_of
from kit.config import make_config
from kit.engine.cards import CARDS, known_card
from kit.engine.engine_costs import predict_costs
from kit.engine.known_shapes import find_shape
from kit.engine.memory_needs import Wish
from kit.engine.memory_plan import plan_memory
from kit.gpus import Gpu
from kit.workers.executor import Staffing
from tests.budget.simulation import make_task
from tests.model_folders import write_model_folder

L4 = Gpu("NVIDIA L4", (580, 65), 8.9, 23_034)
A100 = Gpu("NVIDIA A100-SXM4-80GB", (580, 65), 8.0, 81_920)
PRIOR = unmeasured_rates(2**30, 1)
USUAL = measure_tasks([make_task("usual", 18)])[0]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder in the shape of Qwen3-0.6B; its weights are not looked at."""
    return write_model_folder(
        tmp_path, model_type="qwen3", vocab_size=1000, hidden_size=1024, num_hidden_layers=28,
        num_attention_heads=16, num_key_value_heads=8, head_dim=128, intermediate_size=3072,
        max_position_embeddings=8192,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "card"),
    [
        ("NVIDIA L4", "L4"),
        ("NVIDIA L40S", None),
        ("Tesla T4", "T4"),
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA H200", "H200"),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "RTX-PRO-6000"),
        ("NVIDIA A100-SXM4-80GB", None),
    ],
)
def test_cards_are_known_by_the_drivers_names(name: str, card: str | None) -> None:
    assert known_card(name) == card


def test_a_usual_task_costs_what_the_engine_is_said_to_take() -> None:
    shape = find_shape("qwen3-4b")
    wish = Wish(32, 1, 8192, "none", "auto", 8)
    engine = predict_costs(shape, "L4", plan_memory(shape, CARDS["L4"], wish))
    rates = rates_of(engine, batch_views=1, prior=PRIOR)
    train = plan_units(USUAL, Plan("usual", num_steps=128), 1)
    told_s = 128 * engine.step_s(USUAL.train_view_tokens)
    assert rates.p50_s(train) == pytest.approx(told_s, rel=0.1)
    sample = plan_units(USUAL, Plan("usual", num_test_views=8), 1)
    asked_s = 8 * USUAL.prompt_tokens[0] * engine.prompt_token_s
    told_s = asked_s + engine.answers_s(8 * USUAL.answer_tokens[0], USUAL.answer_tokens[0], 8)
    assert rates.p50_s(sample) == pytest.approx(told_s, rel=0.4), "the share of answers differs"
    assert rates.curve("search") == PRIOR.curve("search")


def test_measurements_soon_say_more_than_the_data_sheet(model: Path) -> None:
    config = make_config("full", [f"solve.model={model}"])
    rates = card_rates(config, PRIOR, [L4])
    units = {"train": 1e5}
    before_s = rates.p50_s(units)
    for _ in range(3):
        rates = rates.observe("train", 1e5, 10 * before_s)
    assert rates.p50_s(units) > 6 * before_s


def test_of_other_cards_and_cpus_nothing_is_believed(model: Path) -> None:
    config = make_config("full", [f"solve.model={model}"])
    assert card_rates(config, PRIOR, [A100]) == PRIOR
    assert card_rates(config, PRIOR, []) == PRIOR


def test_a_run_on_a_gpu_begins_with_them(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "used_gpus", lambda _: ("0",))
    monkeypatch.setattr("kit.card_memory.read_gpus", lambda: [L4])
    config = make_config("full", [f"solve.model={model}", "budget.remember_costs=false"])
    rates = costs.known_rates(config, Staffing(1, 1), "factory")
    assert set(rates.seen) == {"train", "check", "sample", "score"}
