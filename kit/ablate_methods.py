"""The variants of an ablation with the options of a command line: which can be run, and which not.

What it does not: run them (`kit.ablate`).
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path

from kit.config import Config, ConfigError, make_config
from kit.encode import open_encoding
from kit.solve.toolbox import ToolboxSettings
from kit.validate.ablate_base import training_transforms
from kit.validate.ablate_run import Method
from kit.validate.ablate_variants import (
    DEFAULT_GROUPS,
    NO_TRANSFORMS,
    Variant,
    all_variants,
    chosen_variants,
)
from kit.workers.devices import used_gpus


def check_models(methods: Sequence[Method]) -> None:
    """Refuse a model that nobody can open before anything is asked of the others.

    Raises:
        OSError, ValueError: its folder or text format cannot be used.
    """
    for solve in dict.fromkeys(m.toolbox.solve for m in methods if m.uses_model):
        open_encoding(solve.model, solve.format)


def known_methods(args: argparse.Namespace, config: Config) -> tuple[list[Method], dict[str, str]]:
    """The variants that can be run here with their options, and why others cannot."""
    methods, reasons = [], {}
    for variant in _known_variants(args, config):
        reason = _missing(variant, config)
        try:
            if not reason:
                methods.append(_method(variant, args, config))
        except ConfigError as error:
            reason = str(error)
        if reason:
            reasons[variant.name] = reason
    return methods, reasons


def _known_variants(args: argparse.Namespace, config: Config) -> tuple[Variant, ...]:
    budget = config.budget
    bases = _bases(args.base)
    return all_variants(config.finetune, budget.num_steps, budget.num_train_views, bases)


def wanted_methods(
    args: argparse.Namespace, config: Config, known: Sequence[Method], reasons: Mapping[str, str]
) -> tuple[list[Method], list[str]]:
    """The methods that were asked for, and lines on those that cannot be run.

    Raises:
        ValueError: a word that names none, or nothing can be run.
    """
    words = (args.variants or ",".join(DEFAULT_GROUPS)).split(",")
    stripped = [word.strip() for word in words if word.strip()]
    wanted = {v.name for v in chosen_variants(_known_variants(args, config), stripped)}
    skipped = [f"skipped: {name} ({why})" for name, why in reasons.items() if name in wanted]
    methods = [method for method in known if method.variant.name in wanted]
    if not methods:
        raise ValueError(f"nothing to run; {'; '.join(skipped)}")
    return methods, skipped


def _missing(variant: Variant, config: Config) -> str:
    """What a variant lacks here; "" for nothing."""
    if variant.needs and importlib.util.find_spec(variant.needs) is None:
        return f"{variant.needs} is not installed"
    if variant.name == NO_TRANSFORMS and not training_transforms(config.augment):
        return "the options have no transforms to take away"
    if variant.work == "write" and not config.programs.is_on:
        return "nobody writes programs: name programs.model or programs.server"
    return ""


def _method(variant: Variant, args: argparse.Namespace, config: Config) -> Method:
    overrides = [f"seed={config.seed}", *args.overrides, *variant.overrides]
    own = make_config(args.preset, overrides)
    toolbox = ToolboxSettings(own.solve, own.augment, own.finetune, own.generate, own.programs)
    return Method(
        variant, toolbox, own.budget, own.rank, _counts_cpu_time(variant, own.solve.device)
    )


def _counts_cpu_time(variant: Variant, device: str) -> bool:
    """Whether the worker's own cores do the work: no GPU, and nobody asked over the network."""
    return variant.work != "write" and not used_gpus(device)


def _bases(words: Sequence[str]) -> Mapping[str, Path]:
    """Other base models by name.

    Raises:
        ValueError: not NAME=DIR, or there is no model.
    """
    bases: dict[str, Path] = {}
    for word in words:
        name, equals, folder = word.partition("=")
        if not (name and equals and folder):
            raise ValueError(f"--base {word}: write NAME=DIR, e.g. no-geometry=models/no-geometry")
        if not (Path(folder) / "config.json").is_file():
            raise ValueError(f"--base {word}: no config.json in {folder}")
        bases[name] = Path(folder)
    return bases
