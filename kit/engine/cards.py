"""The graphics cards that plans are made for, and the machines of the contest that hold them.

What it does: one table of sizes. What it does not: look at the machine it runs on
(`kit.generate.vllm_card`, `kit.gpus` do).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

GIB = 1 << 30

LEAST_CAPABILITY = 75
"""Source: code in the wheels of torch 2.11 to 2.13 and vLLM 0.26, 0.27: nothing below sm_75."""

FIRST_BFLOAT16 = 80
"""Source: CUDA programming guide, arithmetic instructions: bfloat16 begins with 8.0."""


@dataclass(frozen=True, slots=True)
class Card:
    """What an engine runs on.

    Attributes:
        name: for messages.
        capability: CUDA compute capability times ten, e.g. 75 for a T4; 0 for a CPU.
        memory_bytes: of the card, or of the machine for a CPU.
    """

    name: str
    capability: int
    memory_bytes: int

    @property
    def is_cpu(self) -> bool:
        """Whether there is no GPU."""
        return self.capability == 0

    @property
    def has_bfloat16(self) -> bool:
        """Whether it computes in bfloat16; float16 is all that older cards have."""
        return self.is_cpu or self.capability >= FIRST_BFLOAT16

    def problem(self) -> str | None:
        """Why no engine runs on it, None when they do."""
        if self.is_cpu or self.capability >= LEAST_CAPABILITY:
            return None
        return (
            f"{self.name} has compute capability {self.capability / 10}; vLLM and torch for CUDA "
            "13 hold no code for cards before 7.5 (T4)"
        )


@dataclass(frozen=True, slots=True)
class Speed:
    """What a card can do at best.

    Attributes:
        flops: multiply-adds of dense 16-bit matrix products, two operations each, per second.
        bytes_per_s: of its memory.
    """

    flops: float
    bytes_per_s: float


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine.

    Attributes:
        card: name in CARDS.
        cards: how many of them.
        cores: of its CPU.
        preset: the options that are made for it.
    """

    card: str
    cards: int
    cores: int
    preset: str


CARDS: Mapping[str, Card] = {
    "P100": Card("Tesla P100", 60, int(15.9 * GIB)),
    "T4": Card("Tesla T4", 75, int(14.56 * GIB)),
    "L4": Card("NVIDIA L4", 89, int(22.0 * GIB)),
    "RTX-PRO-6000": Card("NVIDIA RTX PRO 6000", 120, int(94.9 * GIB)),
    "H100": Card("NVIDIA H100", 90, int(79.1 * GIB)),
    "H200": Card("NVIDIA H200", 90, int(139.7 * GIB)),
}
"""Usable memory as torch reports it, a little below what is sold. Source for the T4: messages of
runs that ran out ("14.56 GiB total"); the others lie 3 to 8% below the data sheets'."""

SPEEDS: Mapping[str, Speed] = {
    "T4": Speed(65e12, 320e9),
    "L4": Speed(121e12, 300e9),
    "RTX-PRO-6000": Speed(400e12, 1.6e12),
    "H100": Speed(989e12, 3.35e12),
    "H200": Speed(989e12, 4.8e12),
}
"""Source: NVIDIA's data sheets, without sparsity; that of the RTX PRO 6000 is a guess between its
editions."""


def known_card(name: str) -> str | None:
    """The card in CARDS that a driver's name is of, e.g. of "NVIDIA H100 80GB HBM3"; None for
    others, such as "NVIDIA L40S"."""
    found = (key for key, card in CARDS.items() if f"{name} ".startswith(f"{card.name} "))
    return next(found, None)


MACHINES: Mapping[str, Machine] = {
    "kaggle-t4x2": Machine("T4", 2, 4, "kaggle-t4x2"),
    "kaggle-l4x4": Machine("L4", 4, 48, "kaggle-l4x4"),
    "kaggle-p100": Machine("P100", 1, 4, "kaggle-t4x2"),
    "rtx-pro-6000": Machine("RTX-PRO-6000", 1, 24, "h200"),
    "h100": Machine("H100", 1, 16, "h200"),
    "h200": Machine("H200", 1, 16, "h200"),
}
"""Cores of Kaggle's L4 machine: 48 as contestants assume, nobody has published it."""


def card_preset(name: str) -> str:
    """The preset for a model that is worth a GPU, by the driver's name of it: the contest machine's
    that holds this card, "full" for cards that nothing is known of."""
    card = known_card(name)
    return next((m.preset for m in MACHINES.values() if m.card == card), "full")
