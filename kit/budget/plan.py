"""Plans: what one task may do in one round, counted in units of work."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Leg = Literal["ttt", "search", "write"]
"""ttt: test-time training and sampling; search: programs of our own language; write: programs that
a language model writes."""


SHARED = "shared"
"""Stands in a plan for the task, where one adapter is trained for all of them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A decision for one task, leg and round; journaled whole before it runs.

    Attributes:
        round: 0 for a leg's first; a later round adds to the task's pool of candidates.
        num_train_views: training views drawn for test-time training.
        num_steps: optimiser steps; 0 asks the base model as it is.
        num_test_views: transformed views sampled per test input.
        samples_per_view: completions per view; more than one only makes sense at temperature > 0.
        num_score_views: views under which each distinct candidate is re-scored; 0 for none.
        search_nodes: nodes the program search may expand; 0 for no limit in nodes.
        seed: of every draw made for this plan.
        leg: what is done; the fields of the other legs are 0 then.
        search_s: seconds the search (or the writing) may take; 0 for no limit in seconds.
        max_view_tokens: views are cut to about this many tokens by whole demonstrations, for want
            of memory; 0 for as many as the model's context holds.
        reason: why this and why now, for whoever reads the journal; no part of what is done, so
            that plans which differ in it alone are the same plan.
    """

    task_id: str
    round: int = 0
    num_train_views: int = 0
    num_steps: int = 0
    num_test_views: int = 0
    samples_per_view: int = 1
    num_score_views: int = 0
    search_nodes: int = 0
    seed: int = 0
    leg: Leg = "ttt"
    search_s: float = 0.0
    max_view_tokens: int = 0
    reason: str = field(default="", compare=False)
