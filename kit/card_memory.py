"""The options of a run fitted to the memory of its card: what is planned is what is started.

What it does: asks the driver for the card, the model's folder for its shape, and
`kit.engine.memory_plan` for the plan; puts what was stepped down into the options. What it does
not: plan for CPUs, or for models of other families than the kit's own engine knows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from kit.config import Config
from kit.engine.cards import Card
from kit.engine.memory_needs import Wish
from kit.engine.memory_plan import MemoryPlan, MemoryPlanError, plan_memory
from kit.engine.shape import ModelError, read_shape
from kit.gpus import Gpu, read_gpus

MOST_TOKENS = 8192
"""Of a sequence: demonstrations beyond it are dropped by the encoding."""

_MIB = 2**20


def wish_of(config: Config, tokens: int = MOST_TOKENS) -> Wish:
    """What the options ask of a card.

    Args:
        tokens: of the longest sequence.
    """
    tune = config.finetune
    return Wish(
        tune.rank, tune.batch_views, tokens, tune.quantize, tune.checkpointing,
        config.generate.vllm_adapters,
    )  # fmt: skip


def card_plan(config: Config, gpus: Sequence[Gpu] | None = None) -> MemoryPlan | None:
    """The plan for the first of this machine's GPUs; None where there is none, or nothing to count
    from.

    Args:
        gpus: None to ask the driver.
    Raises:
        MemoryPlanError: nothing fits that card; says so with numbers.
    """
    found = read_gpus() if gpus is None else gpus
    if not found:
        return None
    try:
        shape = read_shape(config.solve.model)
    except (ModelError, OSError):
        return None
    first = found[0]
    card = Card(first.name, round(10 * first.capability), first.memory_mib * _MIB)
    return plan_memory(shape, card, wish_of(config, min(MOST_TOKENS, shape.max_positions)))


def fitted(config: Config, plan: MemoryPlan) -> Config:
    """The options with what the plan has changed; an adapter's scale stays, and a server that has
    a card to itself keeps its share and measures what that leaves."""
    tune, wish = config.finetune, plan.wish
    alpha = tune.alpha * wish.rank / tune.rank
    tune = replace(tune, rank=wish.rank, alpha=alpha, batch_views=wish.batch_views)
    generate = replace(config.generate, vllm_adapters=wish.max_loras)
    if plan.together:
        # Not measured: the trainer takes and frees memory while vLLM would look.
        cache = plan.serve.cache
        generate = replace(generate, vllm_memory=plan.memory_share, vllm_cache_bytes=cache)
    workers = replace(config.workers, alternate=config.workers.alternate and not plan.together)
    return replace(config, finetune=tune, generate=generate, workers=workers)


def fit_to_card(config: Config, gpus: Sequence[Gpu] | None = None) -> Config:
    """The options as they fit this machine's card; the same where there is no plan.

    Raises:
        MemoryPlanError: nothing fits.
    """
    plan = card_plan(config, gpus)
    return config if plan is None else fitted(config, plan)


def card_tokens(config: Config, gpus: Sequence[Gpu] | None = None) -> float:
    """Longest sequence that a card has room for; inf where nothing has to be cut, or nothing is
    known (what is refused is refused by whoever starts the workers)."""
    try:
        plan = card_plan(config, gpus)
    except MemoryPlanError:
        return math.inf
    return math.inf if plan is None else room_of(plan)


def room_of(plan: MemoryPlan) -> float:
    """Longest sequence that a plan leaves; inf where it leaves all."""
    return float(plan.wish.tokens) if plan.cut_sequences else math.inf
