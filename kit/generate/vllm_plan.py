"""How a vLLM engine is to be set up for one model on one card: sizes, memory, kernels.

What it does: turns model, adapter rank, context and card into a plan, or refuses with numbers. What
it does not: look at the machine (`kit.generate.vllm_card` does), or know vLLM's names of things
(`kit.generate.vllm_arguments` does).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kit.engine.cards import GIB, Card
from kit.engine.memory_needs import weight_bytes
from kit.engine.memory_plan import serves_nf4
from kit.engine.shape import ModelShape, read_shape

RANKS = (8, 16, 32, 64, 128, 256)
"""Adapter ranks that vLLM makes room for; a smaller adapter is padded to the next one."""

Legality = Literal["choose", "reject"]
"""How answers are kept legal. "choose": a logits processor in the engine takes the best legal token
and computes its log-probability. "reject": the engine chooses among the grammar's alphabet, and
where that is not legal the token is asked for again; works beside n-gram speculation."""

Scoring = Literal["auto", "engine", "torch", "measured"]
"""Who scores answers: vLLM; the kit's torch sampler on its own copy of the weights; whichever was
faster on the first request. "auto" is the engine on a GPU, whose memory it has taken, and torch on
a CPU, where it was measured faster."""

Base = Literal["16-bit", "nf4"]
"""What serves an adapter: the weights in 16 bits, or the 4-bit weights that it was trained on."""

LOGPROB_ALPHABET = 64
"""Largest alphabet whose whole distribution is asked of the engine at every token."""

ANSWER_TOKENS = 1024
"""Room behind the longest prompt; an answer of 30 by 30 cells has 931 tokens."""

_SERVED_SHARE = 0.9
"""Of the card for vLLM when nothing else runs on it; the rest is CUDA's own."""


class EnginePlanError(ValueError):
    """No engine fits; the message says what was needed and what there is."""


@dataclass(frozen=True, slots=True)
class EnginePlan:
    """One engine.

    Attributes:
        max_rank: one of RANKS.
        max_loras: adapters in one batch.
        kept_loras: adapters held in the machine's memory.
        max_tokens: of prompt and answer together.
        max_requests: answered side by side.
        step_tokens: most tokens of one step, so that deadlines are looked at often enough.
        cache_bytes: keys and values; None to let vLLM fill `memory_share` of the card.
        memory_share: of the card, everything included.
        attention: vLLM's name of the attention kernels, "" for its own choice.
        guessed_tokens: n-gram speculation, 0 for none.
    """

    model: Path
    card: Card
    dtype: Literal["float32", "bfloat16", "float16"]
    base: Base
    max_rank: int
    max_loras: int
    kept_loras: int
    max_tokens: int
    max_requests: int
    step_tokens: int
    vocab: int
    cache_bytes: int | None
    memory_share: float
    attention: str
    legality: Legality = "choose"
    guessed_tokens: int = 0

    def __post_init__(self) -> None:
        if self.guessed_tokens and self.legality != "reject":
            raise EnginePlanError(
                "n-gram speculation needs legality reject: vLLM takes no logits processors of "
                f"others beside it, got {self.legality}"
            )


def engine_rank(rank: int) -> int:
    """The smallest rank of RANKS that holds an adapter of `rank`.

    Raises:
        EnginePlanError: larger than all of them.
    """
    for allowed in RANKS:
        if rank <= allowed:
            return allowed
    raise EnginePlanError(f"vLLM serves LoRA adapters up to rank {RANKS[-1]}, got rank {rank}")


def choose_base(shape: ModelShape, card: Card) -> Base:
    """16-bit weights where they leave room for a cache, else NF4.

    Which card serves what, by this rule: a T4 (16 GB) 16-bit models up to about 4.8B weights, an
    L4 (24 GB) up to 7.2B, an RTX Pro 6000 (96 GB), H100 and H200 everything the kit trains.
    """
    return "nf4" if serves_nf4(shape, card) else "16-bit"


def cache_bytes_per_token(shape: ModelShape, value_bytes: int) -> int:
    """Keys and values of one token in all layers."""
    return 2 * shape.num_layers * shape.num_kv_heads * shape.head_dim * value_bytes


def plan_engine(
    model: Path,
    card: Card,
    max_tokens: int,
    rank: int,
    dtype: str = "auto",
    max_loras: int = 8,
    cache_bytes: int | None = None,
    memory_share: float = _SERVED_SHARE,
    legality: Legality = "choose",
    guessed_tokens: int = 0,
) -> EnginePlan:
    """The engine for a model folder.

    Args:
        max_tokens: of the longest prompt.
        rank: of the largest adapter.
        dtype: "auto" takes bfloat16 where the card has it, float16 on older cards, float32 on CPUs.
        max_loras: distinct adapters in one batch.
        cache_bytes, memory_share: from whoever plans the card's memory.
    Raises:
        FileNotFoundError, kit.engine.shape.ModelError: no usable model folder.
        EnginePlanError: the card is too old or too small, or the rank too large.
    """
    _check_card(card)
    shape = read_shape(model)
    chosen = _choose_dtype(dtype, card)
    per_token = cache_bytes_per_token(shape, 4 if chosen == "float32" else 2)
    # A vLLM engine refuses a context beyond what the model was made for.
    context = min(max_tokens + ANSWER_TOKENS, shape.max_positions)
    if card.is_cpu and cache_bytes is None:
        cache_bytes = max(per_token * context, min(GIB, card.memory_bytes // 8))
    plan = EnginePlan(
        model=model,
        card=card,
        dtype=chosen,
        base=choose_base(shape, card),
        max_rank=engine_rank(rank),
        max_loras=max_loras,
        kept_loras=max_loras,
        max_tokens=context,
        max_requests=32 if card.is_cpu else 256,
        step_tokens=1024 if card.is_cpu else 8192,
        vocab=shape.vocab,
        cache_bytes=cache_bytes,
        memory_share=memory_share,
        # FlashAttention and FlashInfer begin at 8.0.
        attention="TRITON_ATTN" if 0 < card.capability < 80 else "",
        legality=legality,
        guessed_tokens=guessed_tokens,
    )
    _check_memory(plan, shape, per_token)
    return plan


def _check_card(card: Card) -> None:
    if problem := card.problem():
        raise EnginePlanError(f"{problem}. Use solve.sampler=torch")


def _choose_dtype(name: str, card: Card) -> Literal["float32", "bfloat16", "float16"]:
    if name == "auto":
        if card.is_cpu:
            return "float32"
        return "bfloat16" if card.has_bfloat16 else "float16"
    if name == "bfloat16" and not card.has_bfloat16:
        raise EnginePlanError(
            f"{card.name} has no bfloat16 arithmetic (it begins at compute capability 8.0); "
            "use solve.dtype=float16 or auto"
        )
    if name not in ("float32", "bfloat16", "float16"):
        raise EnginePlanError(f"dtype must be auto, float32, bfloat16 or float16, got {name!r}")
    return name


def _check_memory(plan: EnginePlan, shape: ModelShape, per_token: int) -> None:
    """Refuse what cannot hold the weights and one request of full length."""
    value_bytes = 4 if plan.dtype == "float32" else 2
    weights = weight_bytes(shape, plan.base == "nf4", value_bytes)
    cache = plan.cache_bytes if plan.cache_bytes is not None else per_token * plan.max_tokens
    have = int(plan.card.memory_bytes * plan.memory_share)
    if weights + cache > have or cache < per_token * plan.max_tokens:
        raise EnginePlanError(
            f"{plan.model}: {weights / GIB:.2f} GiB of weights ({plan.base}) and "
            f"{cache / GIB:.2f} GiB of cache (one request of {plan.max_tokens} tokens takes "
            f"{per_token * plan.max_tokens / GIB:.2f}) do not fit {have / GIB:.2f} GiB of "
            f"{plan.card.name}"
        )
