"""The options of all views, training and test."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

from kit.augment.colours import ColourMode

ViewMode = Literal["draw", "paper"]
"""Endless balanced draws; or the sets of Akyurek et al. 2024, arXiv 2411.07279."""

AugmenterMode = Literal["none", "paper"]


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """How views of a task are made.

    Attributes:
        mode: how training and test views are drawn, see ViewMode.
        leave_out: pairs left out of the demonstrations of a training view; one is its question.
        end_to_end: training views without demonstrations (a baseline); test views keep theirs.
        allow_no_examples: let leave-one-out of one pair and leave-two-out of two pairs through,
            which leave no demonstration.
        augmenters: "paper" uses the training-only augmenters: all 23 in mode "paper"; in mode
            "draw" every second view goes through one of the 11 without a symmetry.
        colours: see ColourMode. Test views of mode "paper" keep their colours.
        dihedral: whether the symmetries of the square are used (for training in mode "paper":
            whether augmenters that contain one are; its test views always use six).
        order: whether demonstrations are shuffled.
        untransformed: training views keep symmetry, colours and sizes, only their order is drawn
            (a baseline); test views keep their transforms.
        cap: most views in a training set of mode "paper".
    """

    mode: ViewMode = "draw"
    leave_out: Literal[1, 2] = 1
    end_to_end: bool = False
    allow_no_examples: bool = False
    augmenters: AugmenterMode = "none"
    colours: ColourMode = "uniform"
    dihedral: bool = True
    order: bool = True
    untransformed: bool = False
    cap: int = 250

    def __post_init__(self) -> None:
        for field, allowed in _CHOICES.items():
            value = getattr(self, field)
            if value not in allowed:
                choices = ", ".join(str(choice) for choice in allowed)
                raise ValueError(f"{field} must be one of {choices}, got {value!r}")
        if self.cap < 1:
            raise ValueError(f"cap must be 1 or more, got {self.cap}")

    def for_training(self) -> AugmentConfig:
        """These options as training views follow them."""
        if not self.untransformed:
            return self
        return replace(self, dihedral=False, colours="none", augmenters="none")


_CHOICES: dict[str, tuple[object, ...]] = {
    "mode": get_args(ViewMode),
    "leave_out": (1, 2),
    "augmenters": get_args(AugmenterMode),
    "colours": get_args(ColourMode),
}

DEFAULT = AugmentConfig()
