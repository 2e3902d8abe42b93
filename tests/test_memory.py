"""What a run remembers of its results."""

from __future__ import annotations

from kit.arc.candidate import Candidate
from kit.budget.plan import Plan
from kit.memory import RunMemory
from kit.solve.work import WorkResult


def result(round_: int, observed: dict[str, float], **more: object) -> WorkResult:
    return WorkResult("t", Plan("t", round_), observed=observed, **more)  # type: ignore[arg-type]


def test_the_newest_training_that_saw_anything_counts() -> None:
    memory = RunMemory()
    memory.keep(result(0, {"held_chance": 0.1}))
    assert memory.observed("t") == {"held_chance": 0.1}
    memory.keep(result(2, {"held_chance": 0.7}))
    memory.keep(result(1, {"held_chance": 0.4}))
    memory.keep(result(3, {}))
    assert memory.observed("t") == {"held_chance": 0.7}


def test_nothing_observed_is_nothing() -> None:
    memory = RunMemory()
    memory.keep(result(0, {}, failure="lost"))
    assert memory.observed("t") == {} and memory.failures == {"t": "lost"}
    memory.keep(result(0, {}))
    assert memory.failures == {}, "done again, and well"


def test_only_what_may_change_an_answer_asks_for_a_new_choice() -> None:
    memory = RunMemory()
    found = (Candidate("t", 0, ((1,),), "sample", "identity", -1.0, 3),)
    assert memory.keep(result(0, {})), "a task without an answer needs one"
    memory.predictions["t"] = ()
    assert not memory.keep(result(1, {}))
    assert memory.keep(result(2, {}, candidates=found))
    assert not memory.keep(result(3, {}))
    assert memory.keep(result(2, {})), "what took its place has lost a candidate"
