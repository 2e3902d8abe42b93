"""The decision: two attempts for every test input, from the pool where it has any answer.

What it does: ranks the samples of a model and the answers of programs, joins them by the rule that
the configuration names, takes the two best distinct grids, and fills what is missing with a cheap
guess. Each test input sees its own candidates only.
What it does not: look at solutions; the margin is the rule's own confidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from kit.arc.candidate import Prediction
from kit.arc.grid import Grid
from kit.arc.task import Task
from kit.rank.arbitrate import Arbitration, Legs, arbitrate, make_legs
from kit.rank.experts import product_of_experts
from kit.rank.guess import guess_outputs
from kit.rank.pool import CandidatePool
from kit.rank.programs import is_program, outlook, program_answers
from kit.rank.tally import Ranking, distinct
from kit.rank.vote import flat_vote, two_level_vote

Method = Literal["experts", "vote", "flat"]
"""experts: product of experts, the two-level vote where nothing was scored; vote: the paper's
two-level vote; flat: whole boards by number of votes."""


@dataclass(frozen=True, slots=True)
class RankConfig:
    """How the two attempts are chosen.

    Attributes:
        method: of the samples, see Method.
        arbitration: how samples and programs are joined, see `kit.rank.arbitrate`.
        legacy_vote: the two-level vote with the quirks of the released code.
    """

    method: Method = "experts"
    legacy_vote: bool = False
    arbitration: Arbitration = "induction_first"

    def __post_init__(self) -> None:
        if self.arbitration not in get_args(Arbitration):
            raise ValueError(
                f"rank.arbitration must be one of {', '.join(get_args(Arbitration))}, "
                f"got {self.arbitration!r}"
            )
        if self.method not in get_args(Method):
            raise ValueError(
                f"rank.method must be one of {', '.join(get_args(Method))}, got {self.method!r}"
            )


def rank(pool: CandidatePool, config: RankConfig) -> Ranking:
    """All grids of a pool that holds a single test input, best first by the configured rule."""
    if config.method == "flat":
        return flat_vote(pool.candidates)
    if config.method == "experts" and any(s.logprobs_nats for s in pool.scores):
        return product_of_experts(pool.candidates, pool.scores)
    return two_level_vote(pool.candidates, config.legacy_vote)


def choose(pool: CandidatePool, task: Task, config: RankConfig) -> tuple[Prediction, ...]:
    """One prediction per test input of `task`, in order.

    Attempt 2 is the best grid other than attempt 1 that the pool has for this test input; a cheap
    guess stands in only where the pool runs out.
    """
    return tuple(_predict(pool, task, index, config) for index in range(len(task.test)))


def legs_of(pool: CandidatePool, config: RankConfig) -> Legs:
    """What programs and samples say, each for itself, in a pool that holds a single test input."""
    asked = tuple(c for c in pool.candidates if not is_program(c))
    samples = rank(CandidatePool(asked, pool.scores), config)
    return make_legs(program_answers(pool.candidates), samples, asked)


def join(pool: CandidatePool, config: RankConfig) -> Ranking:
    """All grids of a pool that holds a single test input, samples and programs joined."""
    return arbitrate(legs_of(pool, config), config.arbitration)


def program_outlook(pool: CandidatePool, task: Task) -> tuple[bool, float]:
    """(Whether programs probably solve the task, how near the best is to covering all pairs)."""
    held = [c for c in pool.candidates if c.task_id == task.task_id]
    return outlook(held, len(task.test))


def _predict(pool: CandidatePool, task: Task, index: int, config: RankConfig) -> Prediction:
    ranking = join(pool.at(task.task_id, index), config)
    attempts, reason = two_attempts(ranking.grids, task, index), ranking.reason
    if len(ranking.grids) < 2:
        reason = f"{reason}; attempt 2 guessed" if ranking.grids else "guess: no candidate"
    return Prediction(
        task_id=task.task_id,
        test_index=index,
        attempts=attempts,
        margin=ranking.margin,
        reason=reason,
    )


def two_attempts(grids: Sequence[Grid], task: Task, index: int) -> tuple[Grid, Grid]:
    """The first two of distinct grids; cheap guesses stand in for what is missing."""
    attempts = tuple(grids[:2])
    if len(attempts) < 2:
        attempts = distinct([*attempts, *guess_outputs(task, index)])
    return attempts[0], attempts[1]
