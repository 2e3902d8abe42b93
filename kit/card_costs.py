"""What work costs on a graphics card, before anything was measured there: from its data sheet.

What it does: puts `kit.engine.engine_costs` into the scheduler's units, as if one usual task had
been worked on. The first finished tasks then correct it. What it does not: measure.
"""

from __future__ import annotations

from collections.abc import Sequence

from kit.budget.cost import Rates, TaskSize, plan_units
from kit.budget.plan import Plan
from kit.card_memory import card_plan
from kit.config import Config
from kit.engine.cards import SPEEDS, known_card
from kit.engine.engine_costs import EngineCosts, predict_costs
from kit.engine.memory_plan import MemoryPlanError
from kit.engine.shape import read_shape
from kit.gpus import Gpu

_USUAL = TaskSize("", train_view_tokens=2000, prompt_tokens=(2100,), answer_tokens=(130,))
"""A task of middle size; source: the sets' statistics, a token per cell."""

_STEPS, _VIEWS = 64, 8


def rates_of(costs: EngineCosts, batch_views: int, prior: Rates) -> Rates:
    """These costs as one measurement of each of the model's stages.

    Args:
        batch_views: training views per optimiser step.
        prior: of everything else.
    """
    plan = Plan("", num_steps=_STEPS, num_test_views=_VIEWS, num_score_views=_VIEWS)
    units = plan_units(_USUAL, plan, batch_views)
    (prompt,), (answer,) = _USUAL.prompt_tokens, _USUAL.answer_tokens
    read_s = _VIEWS * prompt * costs.prompt_token_s
    seconds = {
        "train": _STEPS * costs.step_s(batch_views * _USUAL.train_view_tokens),
        "check": units["check"] * costs.prompt_token_s,
        "sample": read_s + costs.answers_s(_VIEWS * answer, answer, _VIEWS),
        "score": units["score"] * costs.prompt_token_s,
    }
    for stage, taken_s in seconds.items():
        prior = prior.observe(stage, units[stage], taken_s)
    return prior


def card_rates(config: Config, prior: Rates, gpus: Sequence[Gpu] | None = None) -> Rates:
    """What the data sheet of this machine's card says; `prior` where the card is not known.

    Args:
        gpus: None to ask the driver.
    """
    try:
        plan = card_plan(config, gpus)
    except MemoryPlanError:
        return prior
    if plan is None or (name := known_card(plan.card.name)) not in SPEEDS:
        return prior
    costs = predict_costs(read_shape(config.solve.model), name, plan)
    return rates_of(costs, config.finetune.batch_views, prior)
