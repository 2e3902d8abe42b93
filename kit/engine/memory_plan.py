"""Whether a trainer and a server fit a card, together or in turns, and what to give up if not.

What it does: counts bytes from the model's shape, the rank, the longest sequence and the card, and
steps down one by one (checkpointing, sequences cut by whole examples, rank, batch) until training
fits; refuses with numbers. Pure. What it does not: measure a GPU. Counts are meant to be a little
high: what runs out all the same is stepped down by the trainer and the scheduler.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from kit.engine.cards import GIB, Card
from kit.engine.memory_needs import Need, Wish, serve_need, train_need, weight_bytes
from kit.engine.shape import ModelShape

LEFT_SHARE = 0.06
"""Of a card that plans leave alone: fragments, and what drivers and displays take."""

NF4_ABOVE = 0.4
"""Share of a card above which 16-bit weights are held in 4 bits while an adapter is trained:
adapters, optimiser and activations of long tasks need the rest. 4B weights are held whole on an L4
(24 GB), in 4 bits on a T4 (16 GB)."""

LEAST_TOKENS, LEAST_RANK = 1024, 8
"""Shorter sequences hold no task, and vLLM makes room for no smaller rank."""

SERVED_SHARE = 0.6
"""Of a card's memory that 16-bit weights may fill, so that a cache for many requests is left."""

WANTED_REQUESTS, MOST_REQUESTS = 16, 256
"""Requests of full length that a server holds beside a trainer, or they take turns; and the most
that it can use."""


_CUT = "sequences cut by whole examples"


class MemoryPlanError(ValueError):
    """Nothing fits; the message says what was needed and what there is."""


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """How a card's memory is used.

    Attributes:
        wish: what will be done; differs from what was wished by `steps`.
        nf4, serve_nf4: whether the trainer and the server hold the base model in 4 bits.
        checkpointing: whether activations are computed again.
        together: whether both processes stay on the card; else they take turns.
        train, serve: what they take; the server's cache is what is left to it, up to what it can
            use.
        requests: of full length that the cache holds.
        memory_share: of the card, for vLLM.
        dtype: of the weights.
        steps: what was given up, in order, in words.
    """

    card: Card
    wish: Wish
    nf4: bool
    checkpointing: bool
    together: bool
    train: Need
    serve: Need
    serve_nf4: bool
    requests: int
    memory_share: float
    dtype: Literal["float32", "bfloat16", "float16"]
    steps: tuple[str, ...] = ()

    @property
    def cut_sequences(self) -> bool:
        """Whether views are to be cut by whole examples."""
        return any(step.startswith(_CUT) for step in self.steps)

    def text(self) -> str:
        """A few lines for people."""
        stay = "both stay" if self.together else "in turns"
        base, served = ("NF4" if is_nf4 else "16-bit" for is_nf4 in (self.nf4, self.serve_nf4))
        lines = [
            f"{self.card.name}, {self.card.memory_bytes / GIB:.1f} GiB, {self.dtype}: {stay}",
            f"trains {self.train.text()}; base {base}, rank {self.wish.rank}, "
            f"{self.wish.batch_views} x {self.wish.tokens} tokens, checkpointing "
            + ("on" if self.checkpointing else "off"),
            f"serves {self.serve.text()}; base {served}, {self.requests} requests of full length, "
            f"{self.memory_share:.2f} of the card",
        ]
        return "\n".join([*lines, *(f"gave up: {step}" for step in self.steps)])


def plan_memory(shape: ModelShape, card: Card, wish: Wish) -> MemoryPlan:
    """The plan of a card.

    Both processes stay where a server with a good cache fits beside the trainer, if need be one
    that computes activations again: that costs a third of training, engines that take turns cost
    minutes a round.

    Raises:
        MemoryPlanError: the card is too old, or even the least that is worth doing does not fit.
    """
    if problem := card.problem():
        raise MemoryPlanError(f"{problem}; choose another accelerator (T4 x2, L4 x4)")
    room = int((1 - LEFT_SHARE) * card.memory_bytes)
    nf4 = wish.quantize == "nf4" or (
        wish.quantize == "auto" and weight_bytes(shape, nf4=False) > NF4_ABOVE * card.memory_bytes
    )
    again, fitting, steps = _step_down(shape, wish, nf4, room, card)
    serve_nf4 = serves_nf4(shape, card)
    wanted = serve_need(shape, fitting, serve_nf4, WANTED_REQUESTS).total
    ways = (again, True) if wish.checkpointing == "auto" else (again,)
    beside = [way for way in ways if train_need(shape, fitting, nf4, way).total + wanted <= room]
    again = beside[0] if beside else again
    train = train_need(shape, fitting, nf4, again)
    serve_room = room - train.total if beside else room
    fitting, requests, fewer = _fit_server(shape, fitting, serve_nf4, serve_room, card)
    serve = serve_need(shape, fitting, serve_nf4, requests)
    share = serve.total / card.memory_bytes if beside else 1 - LEFT_SHARE
    dtype: Literal["bfloat16", "float16"] = "bfloat16" if card.has_bfloat16 else "float16"
    return MemoryPlan(
        card, fitting, nf4, again, bool(beside), train, serve, serve_nf4, requests,
        math.floor(100 * share) / 100, dtype, (*steps, *fewer),
    )  # fmt: skip


def keeps_activations(shape: ModelShape, plan: MemoryPlan, tokens: int) -> bool:
    """Whether views of so many tokens fit beside all else without checkpointing."""
    shorter = replace(plan.wish, tokens=min(tokens, plan.wish.tokens))
    room = int((1 - LEFT_SHARE) * plan.card.memory_bytes)
    held = plan.serve.total if plan.together else 0
    return train_need(shape, shorter, plan.nf4, False).total + held <= room


def serves_nf4(shape: ModelShape, card: Card) -> bool:
    """Whether 16-bit weights would leave too little of a card for the keys and values of many
    requests, so that 4-bit ones serve."""
    return not card.is_cpu and weight_bytes(shape, nf4=False) > SERVED_SHARE * card.memory_bytes


def _fit_server(
    shape: ModelShape, wish: Wish, nf4: bool, room: int, card: Card
) -> tuple[Wish, int, tuple[str, ...]]:
    """(wish with as many adapters in a batch as fit, requests of full length, what was given up).

    Raises:
        MemoryPlanError: not even one adapter and one request fit.
    """
    steps: list[str] = []
    while True:
        none = serve_need(shape, wish, nf4, 0).total
        each = serve_need(shape, wish, nf4, 1).total - none
        requests = min(MOST_REQUESTS, (room - none) // each)
        if requests >= min(2, wish.max_loras):
            return wish, requests, tuple(steps)
        if wish.max_loras == 1:
            need = serve_need(shape, wish, nf4, 1).text()
            raise MemoryPlanError(
                f"{card.name}: a server of one request of {wish.tokens} tokens needs {need}, "
                f"there are {room / GIB:.2f} GiB; take a smaller model or rank"
            )
        fewer = wish.max_loras // 2
        steps.append(f"adapters in a batch {wish.max_loras} -> {fewer}")
        wish = replace(wish, max_loras=fewer)


def _step_down(
    shape: ModelShape, wish: Wish, nf4: bool, room: int, card: Card
) -> tuple[bool, Wish, tuple[str, ...]]:
    """(checkpointing, what fits, what was given up)."""

    def fits(asked: Wish, again: bool) -> bool:
        return train_need(shape, asked, nf4, again).total <= room

    steps: list[str] = []
    again = wish.checkpointing == "on"
    if not again and not fits(wish, again):
        again = True
        steps.append("activations are computed again (checkpointing)")
    while not fits(wish, again):
        lower = next_step(wish)
        if lower is None:
            need = train_need(shape, wish, nf4, again)
            raise MemoryPlanError(
                f"{card.name}: training needs {need.text()} at rank {wish.rank}, "
                f"{wish.batch_views} x {wish.tokens} tokens, there are {room / GIB:.2f} GiB; "
                + ("take a smaller model" if nf4 else "use finetune.quantize=nf4")
            )
        steps.append(_words(wish, lower))
        wish = lower
    return again, wish, tuple(steps)


def next_step(wish: Wish) -> Wish | None:
    """The next smaller wish: first sequences, then rank, then batch, each to where most tasks still
    do well; then sequences and rank further. None at the end."""
    ladder = (
        ("tokens", 4096),
        ("rank", 32),
        ("batch_views", 1),
        ("tokens", LEAST_TOKENS),
        ("rank", LEAST_RANK),
    )
    for name, least in ladder:
        value = getattr(wish, name)
        if value > least:
            # Sequences go down by a quarter: each example that is lost hurts.
            lower = value * 3 // 4 if name == "tokens" else value // 2
            return replace(wish, **{name: max(least, lower)})
    return None


def _words(before: Wish, after: Wish) -> str:
    """What a step has changed."""
    if after.tokens != before.tokens:
        return f"{_CUT}, {before.tokens} -> {after.tokens} tokens"
    if after.rank != before.rank:
        return f"rank {before.rank} -> {after.rank}"
    return f"views a step {before.batch_views} -> {after.batch_views}"
