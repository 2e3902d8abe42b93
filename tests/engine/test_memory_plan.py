"""Memory plans of cards: what stays, what takes turns, what is given up, what is refused.

pytest tests/engine/test_memory_plan.py
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.engine.cards import CARDS, GIB, MACHINES, SPEEDS, Card
from kit.engine.engine_costs import REACHED, predict_costs
from kit.engine.known_shapes import SHAPES, find_shape
from kit.engine.memory_needs import Wish, lora_parameters, serve_need, train_need, weight_bytes
from kit.engine.memory_plan import (
    LEFT_SHARE,
    MemoryPlanError,
    keeps_activations,
    next_step,
    plan_memory,
    serves_nf4,
)
from kit.engine.shape import ModelError

QWEN = SHAPES["qwen3-4b"]
WISH = Wish(rank=32, batch_views=1, tokens=8192)


def room_of(card: Card) -> float:
    return (1 - LEFT_SHARE) * card.memory_bytes


@given(
    st.sampled_from(sorted(SHAPES)),
    st.sampled_from([name for name in sorted(CARDS) if name != "P100"]),
    st.sampled_from([8, 32, 64, 256]),
    st.integers(1, 16),
    st.integers(1024, 32768),
    st.sampled_from(["auto", "none", "nf4"]),
    st.sampled_from(["auto", "on", "off"]),
)
def test_whatever_is_planned_fits(
    shape, card, rank, views, tokens, quantize, checkpointing
) -> None:
    wish = Wish(rank, views, tokens, quantize, checkpointing)
    try:
        plan = plan_memory(SHAPES[shape], CARDS[card], wish)
    except MemoryPlanError as error:
        assert "GiB" in str(error)
        return
    held = plan.train.total + plan.serve.total if plan.together else 0
    assert max(held, plan.train.total, plan.serve.total) <= room_of(CARDS[card])
    assert plan.train == train_need(SHAPES[shape], plan.wish, plan.nf4, plan.checkpointing)
    assert plan.requests >= 1 and 0 < plan.memory_share < 1
    assert (plan.wish == wish and plan.checkpointing == (checkpointing == "on")) or (
        plan.steps or plan.together
    ), "what was changed is said"
    assert plan.wish.rank <= rank and plan.wish.tokens <= tokens and plan.wish.batch_views <= views


@given(st.sampled_from(sorted(SHAPES)), st.integers(8, 256), st.integers(1, 8),
       st.integers(1024, 16384), st.booleans())  # fmt: skip
def test_more_work_needs_no_less_memory(shape, rank, views, tokens, nf4) -> None:
    wish = Wish(rank, views, tokens)
    least = train_need(SHAPES[shape], wish, nf4, True)
    for more in (replace(wish, rank=2 * rank), replace(wish, batch_views=views + 1),
                 replace(wish, tokens=tokens + 512)):  # fmt: skip
        assert train_need(SHAPES[shape], more, nf4, True).total > least.total
    assert train_need(SHAPES[shape], wish, nf4, False).total > least.total
    assert (
        serve_need(SHAPES[shape], wish, nf4, 2).total
        > serve_need(SHAPES[shape], wish, nf4, 1).total
    )


def test_small_cards_take_turns_and_large_ones_hold_both() -> None:
    together = {
        name: plan_memory(QWEN, CARDS[name], WISH).together for name in CARDS if name != "P100"
    }
    assert together == {
        "T4": False, "L4": False, "RTX-PRO-6000": True, "H100": True, "H200": True,
    }  # fmt: skip


def test_a_t4_trains_in_four_bits_and_computes_in_float16() -> None:
    t4, l4 = plan_memory(QWEN, CARDS["T4"], WISH), plan_memory(QWEN, CARDS["L4"], WISH)
    assert (t4.nf4, t4.dtype, l4.nf4, l4.dtype) == (True, "float16", False, "bfloat16")
    # A published run of an 8B model in 4 bits at rank 64 and 4224 tokens peaked at 9.95 GB.
    kit = plan_memory(SHAPES["minitron-8b"], CARDS["T4"], Wish(64, 1, 4224, "nf4"))
    assert 8 * GIB < kit.train.total < 14 * GIB
    assert kit.wish.rank == 64, "that fits as it is"


def test_presets_of_small_cards_train_as_they_say() -> None:
    l4 = plan_memory(QWEN, CARDS["L4"], Wish(256, 1, 8192))
    t4 = plan_memory(QWEN, CARDS["T4"], Wish(32, 1, 8192, "nf4"))
    assert (l4.wish.rank, l4.wish.tokens, l4.nf4) == (256, 8192, False)
    assert (t4.wish.rank, t4.wish.tokens, t4.nf4) == (32, 8192, True)
    # Of a trained number: itself, gradient, two moments, last good value.
    assert l4.train.adapters == 20 * lora_parameters(QWEN, 256)


def test_a_p100_is_refused_with_the_reason() -> None:
    with pytest.raises(MemoryPlanError, match=r"P100 has compute capability 6.0.*T4 x2, L4 x4"):
        plan_memory(QWEN, CARDS["P100"], WISH)


def test_steps_go_down_in_order() -> None:
    wish: Wish | None = Wish(rank=256, batch_views=4, tokens=8192)
    changed = []
    while wish is not None:
        lower = next_step(wish)
        if lower is not None:
            names = ("tokens", "rank", "batch_views")
            changed += [name for name in names if getattr(lower, name) != getattr(wish, name)]
        wish = lower
    kinds = [name for place, name in enumerate(changed) if changed[place - 1 : place] != [name]]
    assert kinds == ["tokens", "rank", "batch_views", "tokens", "rank"]


def test_what_is_given_up_is_said_first_things_first() -> None:
    plan = plan_memory(SHAPES["minitron-8b"], CARDS["T4"], Wish(256, 4, 8192))
    assert "checkpointing" in plan.steps[0]
    assert "8192 -> 6144 tokens" in plan.steps[1] and plan.cut_sequences
    assert any("rank 256 -> 128" in step for step in plan.steps)
    assert f"gave up: {plan.steps[-1]}" in plan.text()
    easy = plan_memory(SHAPES["qwen3-0.6b"], CARDS["H200"], WISH)
    assert easy.steps == () and not easy.cut_sequences


def test_what_cannot_fit_is_refused_with_numbers() -> None:
    tiny = Card("a small card", 86, 4 * GIB)
    with pytest.raises(MemoryPlanError, match=r"a small card: training needs [\d.]+ GiB \(weights "
                       r"3.83.*there are 3.76 GiB; take a smaller model"):  # fmt: skip
        plan_memory(SHAPES["minitron-8b"], tiny, WISH)
    with pytest.raises(MemoryPlanError, match=r"use finetune.quantize=nf4"):
        plan_memory(SHAPES["minitron-8b"], CARDS["T4"], replace(WISH, quantize="none"))


def test_counts_agree_with_what_is_known_of_a_model() -> None:
    assert QWEN.num_parameters() == pytest.approx(3.63e9, rel=0.01)
    # peft reports 66,060,288 trained numbers for this model at rank 32 on seven layers.
    assert lora_parameters(QWEN, 32) == 66_060_288
    assert weight_bytes(QWEN, nf4=True) < 0.3 * weight_bytes(QWEN, nf4=False)
    assert not serves_nf4(QWEN, CARDS["T4"]) and serves_nf4(SHAPES["minitron-8b"], CARDS["T4"])


def test_a_usual_view_may_keep_what_the_longest_cannot() -> None:
    plan = plan_memory(SHAPES["qwen3-0.6b"], CARDS["T4"], WISH)
    assert plan.checkpointing
    assert keeps_activations(SHAPES["qwen3-0.6b"], plan, 2000)
    assert not keeps_activations(SHAPES["qwen3-0.6b"], plan, 8192)


def test_every_machine_is_known_by_its_card_and_costs() -> None:
    for machine in MACHINES.values():
        assert machine.card in CARDS
        if machine.card != "P100":
            assert machine.card in SPEEDS and REACHED[machine.card].source


def test_a_better_card_is_faster() -> None:
    costs = {
        name: predict_costs(QWEN, name, plan_memory(QWEN, CARDS[name], WISH))
        for name in ("T4", "L4", "H100")
    }
    for one, other in (("T4", "L4"), ("L4", "H100")):
        assert costs[one].train_token_s > costs[other].train_token_s
        assert costs[one].prompt_token_s > costs[other].prompt_token_s
    # Published: 350 to 410 s for 128 steps of a large task (6 to 8 thousand tokens) on an L4.
    large_s = 128 * costs["L4"].step_s(6000)
    assert 250 < large_s < 1000


def test_an_unknown_model_names_those_that_are_known() -> None:
    with pytest.raises(ModelError, match=r"--model nothing: .*there are qwen3-0.6b, qwen3-4b"):
        find_shape("nothing")
