"""What an ablation compares: one change at a time to test-time training as the options have it.

What it does: lists variants as overrides of options, says what each is compared with, and keeps the
paper's own figures. What it does not: read overrides (`kit.ablate` does), or run anything.

Every variant keeps seed, tasks, test views and the planned optimiser steps of "ttt"; only what it
is named after differs. With `finetune.epochs`, those of fewer training views end sooner, as the
paper's do. Variants "at matched cost" train nothing and spend, on the same task, the seconds that
"ttt" took there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kit.arc.names import did_you_mean
from kit.finetune.trainer import FinetuneConfig

Work = Literal["ttt", "shared", "search", "write"]
"""ttt: a plan of its own per task; shared: one adapter for all tasks; search, write: programs."""

TTT, BASE, NO_TRANSFORMS = "ttt", "no-ttt", "no-transforms"

PAPER_TASKS = 80
"""Tasks of the paper's subset of the public evaluation set; its model there had 1B weights."""

GROUPS = ("paper", "adapter", "steps", "views", "base", "compute")

DEFAULT_GROUPS = ("paper",)


@dataclass(frozen=True, slots=True)
class Variant:
    """One method.

    Attributes:
        group: one of GROUPS.
        says: what differs from `against`, for people.
        overrides: options on top of the ablation's own.
        against: variant that it is compared with.
        matched: it may spend the seconds of `against` on each task, and stops there.
        needs: package without which it cannot run; "" for none.
        paper: tasks that the paper's counterpart solved, of PAPER_TASKS; None where it has none.
    """

    name: str
    group: str
    says: str
    overrides: tuple[str, ...] = ()
    work: Work = "ttt"
    against: str = TTT
    matched: bool = False
    needs: str = ""
    paper: int | None = None


# Source of the figures: Akyurek et al. 2024, text of the sections on ablations, 1B model.
_PAPER = (
    Variant(TTT, "paper", "test-time training as the options have it", against=BASE, paper=29),
    Variant(BASE, "paper", "the base model, same test views", ("budget.num_steps=0",), paper=5),
    Variant(
        NO_TRANSFORMS,
        "paper",
        "training views untransformed, only their order drawn",
        ("augment.untransformed=true",),
        paper=13,
    ),
    Variant(
        "end-to-end",
        "paper",
        "every pair alone, without demonstrations",
        ("augment.end_to_end=true",),
        paper=18,
    ),
    Variant(
        "shared",
        "paper",
        "one adapter for all tasks, as many steps as they have together",
        ("finetune.shared=true",),
        work="shared",
        paper=22,
    ),
    Variant(
        "no-demo-loss",
        "paper",
        "loss on the asked output only",
        ("finetune.loss_on=target",),
        paper=26,
    ),
)

# Both engines, so that what is trained on a base in 4 bits is sampled from the same one.
_REFERENCE = ("solve.trainer=peft", "solve.sampler=generate")

_ADAPTER = (
    Variant("all-tokens", "adapter", "loss on inputs too", ("finetune.loss_on=all",)),
    Variant(
        "peft",
        "adapter",
        "trained and sampled by transformers and peft, the base model in 16 or 32 bits",
        (*_REFERENCE, "finetune.quantize=none"),
        needs="peft",
    ),
    Variant(
        "4-bit",
        "adapter",
        "the same as peft on a base model in 4 bits (NF4), in training and in sampling",
        (*_REFERENCE, "finetune.quantize=nf4"),
        against="peft",
        needs="bitsandbytes",
        paper=26,
    ),
    Variant(
        "full",
        "adapter",
        "all weights trained, learning rate 1e-3",
        ("finetune.method=full", "finetune.lr=1e-3"),
    ),
)

SAMPLING_TEMPERATURE = 0.8
"""Of self-consistency; BARC's value for programs. The paper says of sampled grids only that they
did not help."""

MIN_PROBABILITY = 0.1
"""Of threshold search; the ARChitects 2024 tried 0.09 to 0.2 and kept 0.17."""

_MOST_SAMPLES = 1024

_COMPUTE = (
    Variant(
        "self-consistency",
        "compute",
        f"no training, the untouched view sampled at temperature {SAMPLING_TEMPERATURE} and voted",
        (
            "budget.num_steps=0",
            "budget.num_test_views=1",
            "budget.num_score_views=0",
            f"generate.temperature={SAMPLING_TEMPERATURE}",
            f"generate.samples_per_view={_MOST_SAMPLES}",
            "rank.method=flat",
        ),
        matched=True,
    ),
    Variant(
        "many-views",
        "compute",
        "no training, as many test views as there is time for, whole boards voted",
        (
            "budget.num_steps=0",
            f"budget.num_test_views={_MOST_SAMPLES}",
            "budget.num_score_views=0",
            "rank.method=flat",
        ),
        matched=True,
    ),
    Variant(
        "threshold",
        "compute",
        "no training, as many test views as there is time for, all answers of each above "
        f"probability {MIN_PROBABILITY}",
        (
            "budget.num_steps=0",
            f"budget.num_test_views={_MOST_SAMPLES}",
            "budget.num_score_views=0",
            f"generate.min_probability={MIN_PROBABILITY}",
            "rank.method=flat",
        ),
        matched=True,
    ),
    Variant(
        "ttt-threshold",
        "compute",
        f"training, and all answers of each test view above probability {MIN_PROBABILITY}",
        (f"generate.min_probability={MIN_PROBABILITY}",),
    ),
    Variant(
        "search",
        "compute",
        "no model: programs of the kit's own language",
        work="search",
        matched=True,
    ),
    Variant(
        "programs",
        "compute",
        "programs that a language model writes, run on the demonstrations",
        work="write",
        matched=True,
    ),
)


def all_variants(
    finetune: FinetuneConfig,
    num_steps: int,
    num_train_views: int,
    bases: Mapping[str, Path],
) -> tuple[Variant, ...]:
    """Every variant for options that have these values.

    Args:
        bases: name -> model folder, each tried with and without training beside the options' own.
    """
    scale = finetune.alpha / finetune.rank
    ranks = [r for r in (2, 8, 32, 128) if r != finetune.rank]
    steps = [n for n in (num_steps // 4, num_steps // 2, num_steps * 2) if n > 0]
    views = [n for n in (num_train_views // 16, num_train_views // 4) if n > 0]
    return (
        *_PAPER,
        *_ADAPTER,
        *(
            Variant(
                f"rank-{r}",
                "adapter",
                f"LoRA of rank {r}, the same alpha over rank",
                (f"finetune.rank={r}", f"finetune.alpha={scale * r:g}"),
            )
            for r in ranks
        ),
        *(
            # Epochs would end the longer ones early.
            Variant(
                f"steps-{n}",
                "steps",
                f"{n} steps, however many epochs that is",
                (f"budget.num_steps={n}", "finetune.epochs=0"),
            )
            for n in dict.fromkeys(steps)
        ),
        *(
            Variant(
                f"train-views-{n}",
                "views",
                f"{n} training views, seen again and again",
                (f"budget.num_train_views={n}",),
            )
            for n in dict.fromkeys(views)
        ),
        *(variant for name, folder in bases.items() for variant in _base_pair(name, folder)),
        *_COMPUTE,
    )


def _base_pair(name: str, folder: Path) -> tuple[Variant, Variant]:
    """Another base model, with and without training."""
    model = f"solve.model={folder}"
    untrained = f"base-{name}-no-ttt"
    return (
        Variant(f"base-{name}", "base", f"base model {folder.name}", (model,)),
        Variant(
            untrained,
            "base",
            f"base model {folder.name}, no training",
            (model, "budget.num_steps=0"),
            against=f"base-{name}",
        ),
    )


def chosen_variants(known: Sequence[Variant], words: Iterable[str]) -> tuple[Variant, ...]:
    """The variants that names or groups ask for, in their own order; "all" for every one.

    Partners come along: those whose seconds a matched variant needs, and those other than "ttt"
    that a variant is compared with.

    Raises:
        ValueError: a word that is neither; names the nearest.
    """
    by_name = {variant.name: variant for variant in known}
    wanted: set[str] = set()
    for word in words:
        if word == "all":
            wanted |= set(by_name)
        elif word in GROUPS:
            wanted |= {variant.name for variant in known if variant.group == word}
        elif word in by_name:
            wanted.add(word)
        else:
            names = ["all", *GROUPS, *by_name]
            hint = did_you_mean(word, names)
            raise ValueError(f"no variant {word!r}{hint}; there are {', '.join(names)}")
    wanted |= {by_name[name].against for name in sorted(wanted) if _needs_partner(by_name[name])}
    return tuple(variant for variant in known if variant.name in wanted)


def _needs_partner(variant: Variant) -> bool:
    return variant.matched or (variant.name != TTT and variant.against != TTT)
