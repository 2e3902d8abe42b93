"""The decision: two attempts for every test input, from the pool where it has any answer.

What it does: picks the rule the configuration names, takes its two best distinct grids, and fills
what is missing with a cheap guess. Each test input sees its own candidates only.
What it does not: look at solutions; the margin is the rule's own confidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from kit.arc.candidate import Prediction
from kit.arc.grid import Grid
from kit.arc.task import Task
from kit.rank.experts import product_of_experts
from kit.rank.guess import guesses
from kit.rank.pool import CandidatePool
from kit.rank.tally import Ranking, distinct
from kit.rank.vote import flat_vote, two_level_vote

Method = Literal["experts", "vote", "flat"]
"""experts: product of experts, the two-level vote where nothing was scored; vote: the paper's
two-level vote; flat: whole boards by number of votes."""


@dataclass(frozen=True, slots=True)
class RankConfig:
    """How the two attempts are chosen.

    Attributes:
        method: see Method.
        legacy_vote: the two-level vote with the quirks of the released code.
    """

    method: Method = "experts"
    legacy_vote: bool = False

    def __post_init__(self) -> None:
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


def _predict(pool: CandidatePool, task: Task, index: int, config: RankConfig) -> Prediction:
    ranking = rank(pool.at(task.task_id, index), config)
    attempts, reason = ranking.grids[:2], ranking.reason
    if len(attempts) < 2:
        reason = f"{reason}; attempt 2 guessed" if attempts else "guess: no candidate"
        attempts = _filled(attempts, task, index)
    return Prediction(
        task_id=task.task_id,
        test_index=index,
        attempts=(attempts[0], attempts[1]),
        margin=ranking.margin,
        reason=reason,
    )


def _filled(attempts: tuple[Grid, ...], task: Task, index: int) -> tuple[Grid, ...]:
    """Two distinct grids that begin with `attempts`."""
    for guess in guesses(task, index):
        attempts = distinct([*attempts, guess])
        if len(attempts) == 2:
            break
    return attempts
