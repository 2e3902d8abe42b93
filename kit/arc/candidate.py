"""Proposed outputs with their evidence, and the decision made from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kit.arc.grid import Grid

Source = Literal["sample", "search", "llm_program"]


@dataclass(frozen=True, slots=True)
class ProgramEvidence:
    """What speaks for a program.

    Attributes:
        family: which search found it, e.g. "stacking"; "written" for a language model's.
        bits: description length; lower is simpler. Comparable inside one family only.
        pairs: demonstrations that it reproduces, of `num_pairs`.
        left_out: share of left-out demonstrations that the same search, run on the others,
            predicts; None where that was not tried.
        confidence: 0..1, estimated probability that its answer is right.
    """

    family: str
    bits: float
    pairs: int
    num_pairs: int
    left_out: float | None = None
    confidence: float = 0.0

    @property
    def covers(self) -> bool:
        """Whether all demonstrations are reproduced."""
        return self.pairs == self.num_pairs


@dataclass(frozen=True, slots=True)
class Candidate:
    """One proposed output for one test input, in the task's original frame.

    Attributes:
        source: which leg proposed it.
        group: name of the symmetry of the view that produced it (`Transform.name`); votes are
            counted inside groups first. "program" for programs.
        logprob_nats: log-probability of the completion under its own view (<= 0, summed over
            tokens, renormalised over legal tokens); None for programs.
        num_tokens: tokens of the completion; 0 for programs.
        program: text of the program that printed it, else None.
        evidence: of that program; None for samples.
        round: scheduling round that produced it.
        view: number of the test view that was asked, 0 for the untouched one; None where that is
            not known.
        colours: colour permutation of that view, which with `group` is its whole transform; None
            where that is not known.
    """

    task_id: str
    test_index: int
    grid: Grid
    source: Source
    group: str
    logprob_nats: float | None = None
    num_tokens: int = 0
    program: str | None = None
    round: int = 0
    evidence: ProgramEvidence | None = None
    view: int | None = None
    colours: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class ViewScore:
    """Log-probabilities of one distinct grid under the shared scoring views of one round.

    Attributes:
        logprobs_nats: one per scoring view, same views in the same order for every grid of one
            (task, test input, round).
    """

    task_id: str
    test_index: int
    grid: Grid
    logprobs_nats: tuple[float, ...]
    round: int = 0


@dataclass(frozen=True, slots=True)
class Prediction:
    """The two attempts for one test input.

    Attributes:
        attempts: attempt_1 and attempt_2, always different: cheap guesses stand in for candidates.
        margin: 0..1, lead of attempt 1 over the runner-up in the chosen rule's own measure.
        reason: the rule and what decided, for the report.
    """

    task_id: str
    test_index: int
    attempts: tuple[Grid, Grid]
    margin: float
    reason: str
