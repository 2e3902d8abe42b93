"""All procedural rules, and which whole generator functions are held out of training."""

from __future__ import annotations

import hashlib
from functools import cache

from kit.pretrain.rules import (
    chained,
    counting,
    lines,
    mosaics,
    movement,
    objects,
    palettes,
    panels,
    paths,
    patterns,
    regions,
    rows,
    selecting,
    stamps,
    symmetry,
)
from kit.pretrain.rules.rule import Rule

_MODULES = (
    selecting, objects, movement, symmetry, mosaics, panels, lines, paths, regions, counting, rows,
    patterns, stamps, palettes, chained,
)  # fmt: skip

HELD_OUT_SHARE = 0.1

COMPOSING = ("one_step", "two_steps", "three_steps", "either_step", "undo_step")
"""Generators that use the same steps: holding out one of them would hold out nothing."""


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, in the order of the modules."""
    return tuple(rule for module in _MODULES for rule in module.RULES)


@cache
def held_out_generators() -> tuple[str, ...]:
    """Names of the generator functions kept for validation: the smallest digests of names."""
    names = sorted({rule.generator for rule in all_rules()} - set(COMPOSING))
    by_digest = sorted(names, key=lambda name: hashlib.blake2b(name.encode()).hexdigest())
    return tuple(sorted(by_digest[: round(HELD_OUT_SHARE * len(names))]))


@cache
def training_rules() -> tuple[Rule, ...]:
    """Rules that may be trained on."""
    return tuple(rule for rule in all_rules() if rule.generator not in held_out_generators())


@cache
def held_out_rules() -> tuple[Rule, ...]:
    """Rules for validation: no variant of their generators is ever trained on."""
    return tuple(rule for rule in all_rules() if rule.generator in held_out_generators())
