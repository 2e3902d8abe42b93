"""What is known of a task's answers, in plain numbers: what every decision about it is taken from.

Values only; `kit.rank.outlook` fills them from candidates, `kit.budget.value` says what they mean.
They are written down with recorded runs, so that decisions can be taken again from them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of a task's answers; of several test inputs, always of the least certain.

    Attributes:
        margin: 0..1, of the chosen answers.
        convinced: programs that are probably right answer every test input.
        promise: 0..1, how near the best program is to covering all demonstrations.
        chance: 0..1, trust in the best program's answer; 0 where no program covers them all.
        share: 0..1, votes of the model's best answer among all of its valid answers.
        lead: 0..1, by how much that share exceeds the second's.
        votes: valid answers of the model; 0 where it was not asked.
        agree: the best program and the model's votes give the same answer.
        held_chance: 0..1, probability that the trained adapter gives its own demonstrations'
            outputs, mean over those held out in turn; None where that was not observed.
        loss_nats: of the last training steps, per token; None where nothing was trained.
    """

    margin: float = 0.0
    convinced: bool = False
    promise: float = 0.0
    chance: float = 0.0
    share: float = 0.0
    lead: float = 0.0
    votes: int = 0
    agree: bool = False
    held_chance: float | None = None
    loss_nats: float | None = None
