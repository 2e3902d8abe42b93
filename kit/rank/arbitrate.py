"""The rule that joins the two legs: programs and samples of ONE test input to one order of grids.

    press            the rule that the press reported of the paper's best figure: answers of all
                     programs that cover the demonstrations agree: theirs is attempt 1, the model's
                     best attempt 2; the model finds the same: accepted, attempt 2 is the next best
                     of either; they do not agree, or there is none: the model's two.
    induction_first  the programs' two best where one covers the demonstrations, else the model's.
    calibrated       ours: a probability for every answer from what speaks for it in both legs;
                     the two most probable.
    program_only, ttt_only   one leg alone, for comparison.

Under the first three, what a leg cannot fill is filled by the other: programs that cover all pairs,
then samples, then programs that cover some. What it does not: guess without candidates
(`kit.rank.choose`), or look beyond its test input.
Source: press: reports on Akyurek et al. 2024 (61.9%; the paper itself does not say how it joined
the systems); it is applied to every test input alone. induction_first: Li et al. 2024, section 5.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from kit.arc.candidate import Candidate
from kit.arc.grid import Grid
from kit.rank.calibration import (
    WEIGHTS,
    Weights,
    log_odds,
    probability,
    program_features,
    sample_features,
)
from kit.rank.programs import ProgramAnswer
from kit.rank.tally import Ranking, distinct, lead

Arbitration = Literal["press", "induction_first", "calibrated", "program_only", "ttt_only"]


@dataclass(frozen=True, slots=True)
class Legs:
    """What both legs say about one test input.

    Attributes:
        programs: answers of programs, best first.
        samples: answers of the model, best first.
        votes: of the samples, by grid.
    """

    programs: tuple[ProgramAnswer, ...]
    samples: Ranking
    votes: Mapping[Grid, int]

    @property
    def covering(self) -> tuple[ProgramAnswer, ...]:
        """Answers of programs that cover all demonstrations."""
        return tuple(answer for answer in self.programs if answer.covers)


def make_legs(
    programs: tuple[ProgramAnswer, ...], samples: Ranking, candidates: Iterable[Candidate]
) -> Legs:
    """Both legs of one test input.

    Args:
        candidates: the samples that were ranked.
    """
    return Legs(programs, samples, Counter(candidate.grid for candidate in candidates))


def arbitrate(legs: Legs, rule: Arbitration) -> Ranking:
    """All grids of both legs (of one for the rules that know one), best first."""
    if rule == "ttt_only":
        return legs.samples
    if not legs.programs:
        return Ranking((), 0.0, "") if rule == "program_only" else legs.samples
    if rule == "program_only" or not legs.samples.grids:
        return _programs_first(legs.programs, Ranking((), 0.0, ""))
    return _RULES[rule](legs)


def _programs_first(answers: Sequence[ProgramAnswer], samples: Ranking) -> Ranking:
    """Programs in their order, then the samples."""
    second = next((a.confidence for a in answers[1:]), 0.0)
    return Ranking(
        distinct([*(answer.grid for answer in answers), *samples.grids]),
        lead(answers[0].confidence, second, 1.0),
        f"programs: {answers[0].text()}",
    )


def _samples_first(legs: Legs, why: str) -> Ranking:
    """The samples in their order; then programs, which are ordered by cover."""
    samples = legs.samples
    grids = distinct([*samples.grids[:2], *_grids(legs.covering), *samples.grids])
    return Ranking(
        distinct([*grids, *_grids(legs.programs)]), samples.margin, f"{samples.reason}; {why}"
    )


def _grids(answers: Iterable[ProgramAnswer]) -> list[Grid]:
    return [answer.grid for answer in answers]


def _press(legs: Legs) -> Ranking:
    """See the module docstring."""
    covering, samples = legs.covering, legs.samples
    if len(covering) != 1:
        why = f"press: {len(covering)} answers of covering programs" if covering else _NONE_COVERS
        return _samples_first(legs, why)
    (answer,) = covering
    if answer.grid != samples.grids[0]:
        joined = _programs_first(covering, samples)
        return Ranking(
            distinct([*joined.grids, *_grids(legs.programs)]),
            joined.margin,
            f"press: {answer.text()}; attempt 2 is the model's best ({samples.reason})",
        )
    margin = max(samples.margin, answer.confidence)
    grids = distinct([answer.grid, *samples.grids, *_grids(legs.programs)])
    return Ranking(grids, margin, f"press: both agree; {answer.text()}; {samples.reason}")


_NONE_COVERS = "no program covers all pairs"


def _induction_first(legs: Legs) -> Ranking:
    """See the module docstring."""
    covering = legs.covering
    if not covering:
        return _samples_first(legs, _NONE_COVERS)
    joined = _programs_first(covering, legs.samples)
    reason = f"induction first: {covering[0].text()}"
    if len(covering) == 1:
        reason += f"; attempt 2 is the model's best ({legs.samples.reason})"
    return Ranking(distinct([*joined.grids, *_grids(legs.programs)]), joined.margin, reason)


def _calibrated(legs: Legs) -> Ranking:
    """See the module docstring."""
    beliefs = answer_log_odds(legs, WEIGHTS)
    order = most_probable(beliefs)
    chances = [probability(beliefs[grid]) for grid in order[:2]]
    by_grid = {answer.grid: answer for answer in legs.programs}
    said = [by_grid[order[0]].text()] if order[0] in by_grid else []
    if votes := legs.votes.get(order[0], 0):
        said.append(f"{votes} of {sum(legs.votes.values())} samples")
    return Ranking(
        tuple(order),
        lead(chances[0], chances[1] if len(chances) > 1 else 0.0, 1.0),
        f"calibrated: probability {chances[0]:.2f}; {', '.join(said) or legs.samples.reason}",
    )


def most_probable(beliefs: Mapping[Grid, float]) -> list[Grid]:
    """Grids by their log-odds; of equal ones by the grid itself."""
    return sorted(beliefs, key=lambda grid: (-beliefs[grid], grid))


def answer_log_odds(legs: Legs, weights: Weights) -> dict[Grid, float]:
    """Log-odds of being right of every answer.

    What a leg says of a grid that it proposes is its evidence; a grid of both legs has the sum of
    what each adds to the other's absence, that is the sum of the log-odds beyond the sampler's
    bias, the odds of a sample nobody voted for.
    """
    programs = {
        answer.grid: log_odds(program_features(answer), weights.program) for answer in legs.programs
    }
    whole = max(1, sum(legs.votes.values()))
    samples = {
        grid: log_odds(
            sample_features(legs.votes.get(grid, 0) / whole, place, legs.samples.margin),
            weights.sample,
        )
        for place, grid in enumerate(legs.samples.grids)
    }
    alone = weights.sample.get("bias", 0.0)
    return {
        grid: programs[grid] + max(0.0, samples[grid] - alone)
        if grid in programs and grid in samples
        else programs.get(grid, samples.get(grid, alone))
        for grid in distinct([*programs, *samples])
    }


_RULES: Mapping[Arbitration, Callable[[Legs], Ranking]] = {
    "press": _press,
    "induction_first": _induction_first,
    "calibrated": _calibrated,
}
