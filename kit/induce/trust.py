"""Numbers of the trust model (`kit.induce.confidence`), by family.

Fitted by penalised logistic regression (each family's weights drawn towards those of all), first
answers and later ones of every family on a half of the ARC-AGI-1 training set, the 40 development
tasks, and parts of ConceptARC and Mini-ARC. The families were written while looking at the training
tasks, so that those make them look better than they are; the others were not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trust:
    """Weights of one family's model, in nats of log-odds.

    Attributes:
        base: for the best program of a family, of 0 bits, that covers all pairs.
        per_ten_bits: added for every 10 bits of length.
        left_out: added times (share of left-out demonstrations predicted - 1/2).
        partial: added where not all demonstrations are reproduced.
        missed: added then, times the share that is not.
        not_first: added where the family's best program answers differently.
        per_ten_gap_bits: added for every 10 bits more than that program has.
    """

    base: float
    per_ten_bits: float
    left_out: float
    partial: float
    missed: float
    not_first: float
    per_ten_gap_bits: float


POOL_BASE, POOL_PROGRAMS, POOL_RIVALS = -0.85, 0.65, -0.91
"""Log-odds of an answer: base + programs x (log-odds that not all of its families err) + rivals x
(summed probability of the other answers). Fitted on the sets that were not looked at, with numbers
of the families that were fitted on other tasks."""

ALL_FAMILIES = Trust(1.47, -0.26, 0.87, -1.89, -0.37, -2.98, -1.17)
"""For a family that was not measured."""

FAMILIES: Mapping[str, Trust] = {
    "arrangements": Trust(2.19, -0.20, 0.93, -1.89, -0.37, -2.98, -1.17),
    "boxes": Trust(1.83, -0.23, 0.83, -1.89, -0.37, -3.55, -1.50),
    "branches": Trust(1.81, -0.45, 0.87, -1.89, -0.37, -2.34, -1.14),
    "cell_rules": Trust(2.05, -0.56, 0.57, -1.89, -0.37, -3.20, -1.93),
    "cell_stages": Trust(1.62, -0.53, 0.87, -1.89, -0.37, -2.72, -1.07),
    "classes": Trust(0.60, -0.43, 1.20, -1.89, -0.37, -2.99, -1.17),
    "connections": Trust(1.66, -0.33, 0.90, -1.89, -0.37, -2.80, -1.23),
    "counting": Trust(2.27, -0.21, 1.00, -1.89, -0.37, -2.98, -1.17),
    "crops": Trust(1.84, -0.51, 0.84, -1.89, -0.37, -3.33, -1.45),
    "denoising": Trust(1.93, -0.23, 0.91, -1.89, -0.37, -3.02, -1.19),
    "inverse_steps": Trust(2.63, -0.48, 0.87, -1.89, -0.37, -3.67, -1.69),
    "iterated": Trust(0.95, -0.80, 0.87, -1.89, -0.37, -2.32, -1.16),
    "layers": Trust(2.26, -0.56, 0.87, -1.89, -0.37, -2.52, -0.42),
    "mosaics": Trust(1.77, -0.45, 0.90, -1.89, -0.37, -3.37, -1.29),
    "object_motion": Trust(1.59, -0.33, 0.81, -1.89, -0.37, -2.67, -1.28),
    "object_recolour": Trust(1.94, -0.09, 0.47, -1.89, -0.37, -3.44, -1.51),
    "palettes": Trust(1.43, -0.57, 1.02, -1.89, -0.37, -2.98, -1.17),
    "panels": Trust(2.35, -0.24, 0.94, -1.89, -0.37, -2.97, -1.20),
    "rays": Trust(2.30, -0.82, 1.00, -1.89, -0.37, -3.14, -1.24),
    "rectangles": Trust(1.84, -0.40, 0.75, -1.89, -0.37, -3.27, -1.29),
    "repair": Trust(1.03, -0.35, 0.84, -1.89, -0.37, -2.96, -1.21),
    "restorations": Trust(1.45, -0.40, 0.68, -1.89, -0.37, -3.28, -1.39),
    "rows": Trust(1.22, -0.32, 0.85, -1.89, -0.37, -3.18, -1.29),
    "scaling": Trust(1.90, -0.21, 0.91, -1.89, -0.37, -3.07, -1.19),
    "stacking": Trust(1.04, -0.19, 1.11, -1.87, -0.33, -2.59, -1.02),
    "stacking_deep": Trust(0.71, -0.09, 0.95, -1.91, -0.38, -2.41, -0.92),
    "stacking_roles": Trust(1.00, -0.20, 1.09, -1.90, -0.39, -2.69, -0.99),
    "stamps": Trust(1.77, -0.77, 1.02, -1.89, -0.37, -3.16, -1.23),
}
