"""What an ablation's base transforms, in words: what a variant that takes transforms away can show.

What it does not: decide anything about views (`kit.augment` does).
"""

from __future__ import annotations

from collections.abc import Sequence

from kit.augment.settings import AugmentConfig


def training_transforms(config: AugmentConfig) -> tuple[str, ...]:
    """What training views go through besides drawn orders; empty for nothing."""
    config = config.for_training()
    found = []
    if config.mode == "draw" and config.dihedral:
        found.append("8 symmetries")
    if config.augmenters == "paper":
        turned = config.mode == "paper" and config.dihedral
        found.append(f"the paper's augmenters {'with' if turned else 'without'} symmetries")
    return (*found, *_colours(config))


def asking_transforms(config: AugmentConfig) -> tuple[str, ...]:
    """What test views and scoring views go through besides drawn orders; empty for nothing."""
    if config.mode == "paper":
        return ("6 symmetries",)
    return (*(("8 symmetries",) if config.dihedral else ()), *_colours(config))


def transform_lines(config: AugmentConfig) -> tuple[str, ...]:
    """The transforms of a base for people, and those that it lacks."""
    trained, asked = training_transforms(config), asking_transforms(config)
    lines = [
        f"transforms of ttt: {_listed(trained)} in training, {_listed(asked)} in test views"
        f"{'' if config.order else '; example orders are not drawn'}"
    ]
    if trained and not config.dihedral:
        lines.append(
            "augment.dihedral=false: there are no symmetries in training, so no-transforms takes "
            f"away {_listed(trained)} alone"
        )
    return tuple(lines)


def _colours(config: AugmentConfig) -> tuple[str, ...]:
    return () if config.colours == "none" else (f"colour permutations ({config.colours})",)


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names) or "nothing"
