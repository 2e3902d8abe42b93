"""What the texts for one task have brought: programs, what they reproduce, votes, candidates.

Each different program runs once, but every text has a vote: how often a model writes a program
says how probable it takes it to be (BARC's majority vote counts samples likewise). Votes are
counted for each test input by itself. What it does not: ask anybody for texts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from kit.arc.candidate import Candidate, ProgramEvidence
from kit.arc.grid import Grid
from kit.arc.task import Pair, Task
from kit.induce.sandbox.outcome import Outcome
from kit.induce.sandbox.sandbox import Sandbox
from kit.induce.writing.completion import normalised, program_bits, read_program

SAMPLES_RIGHT = 0.91
"""Share of samples that reproduce all pairs and are right on the test too.
Source: Li et al. 2024 (BARC): about 9% are false positives."""

ANSWERS_KEPT = 6
"""Different answers to one test input that become candidates; two are ever handed in."""

PROGRAMS_KEPT = 4
"""Different programs of one answer that become candidates."""

_NO_SYNTAX = ("SyntaxError", "IndentationError", "TabError")


@dataclass(slots=True)
class Written:
    """One different program.

    Attributes:
        votes: texts that hold it.
        pairs: demonstrations that it reproduces.
        cells: 0..1, mean share of a demonstration's cells that it gets right.
    """

    source: str
    outcome: Outcome
    pairs: int
    cells: float
    votes: int = 1


class Harvest:
    """Programs of one task; see the module docstring.

    Attributes:
        counts: see `kit.induce.writing.write.WritingResult`.
    """

    def __init__(self, task: Task, sandbox: Sandbox) -> None:
        """Start with nothing."""
        self._task = task
        self._sandbox = sandbox
        self._programs: dict[str, Written] = {}
        self.counts: Counter[str] = Counter()

    def add(self, text: str, repaired: bool = False) -> None:
        """Read and run what a text holds.

        Raises:
            SandboxError: no program can be run.
        """
        self.counts["written"] += 1
        source = read_program(text)
        if source is None:
            self.counts["written_unread"] += 1
            return
        key = normalised(source)
        if key in self._programs:
            self.counts["written_same"] += 1
            self._programs[key].votes += 1
        else:
            self._programs[key] = self._run(source)
        if self._covers(self._programs[key]):
            self.counts["written_covering"] += 1
            self.counts["written_repaired"] += repaired

    def covering(self) -> list[Written]:
        """Programs that reproduce all demonstrations, in order of appearance."""
        return [program for program in self._programs.values() if self._covers(program)]

    def failing(self) -> list[Written]:
        """The other programs, the best first: by pairs, then cells, then brevity."""
        failing = [program for program in self._programs.values() if not self._covers(program)]
        return sorted(failing, key=lambda p: (-p.pairs, -p.cells, len(p.source), p.source))

    def fault(self, program: Written) -> tuple[int, Pair, Grid | None]:
        """(Index, pair, what the program answered) of the first demonstration it fails on."""
        for index, (pair, got) in enumerate(
            zip(self._task.train, program.outcome.outputs, strict=False)
        ):
            if got != pair.output:
                return index, pair, got
        raise ValueError("the program reproduces all demonstrations")

    def candidates(self, round_index: int) -> tuple[Candidate, ...]:
        """Answers of the programs that reproduce all pairs, best first for every test input."""
        return tuple(
            candidate
            for test_index in range(len(self._task.test))
            for candidate in self._answers(test_index, round_index)
        )

    def _answers(self, test_index: int, round_index: int) -> Iterator[Candidate]:
        num_pairs = len(self._task.train)
        votes: Counter[Grid] = Counter()
        for program in self.covering():
            answer = program.outcome.outputs[num_pairs + test_index]
            if answer is not None:
                votes[answer] += program.votes
        total = sum(votes.values())
        for answer, count in sorted(votes.items(), key=lambda v: (-v[1], v[0]))[:ANSWERS_KEPT]:
            confidence = SAMPLES_RIGHT * count / total
            for program in self._programs_of(answer, num_pairs + test_index):
                evidence = ProgramEvidence(
                    family="written",
                    bits=program_bits(program.source),
                    pairs=num_pairs,
                    num_pairs=num_pairs,
                    confidence=confidence,
                )
                yield Candidate(
                    self._task.task_id,
                    test_index,
                    answer,
                    "llm_program",
                    "program",
                    program=program.source,
                    round=round_index,
                    evidence=evidence,
                )

    def _programs_of(self, answer: Grid, place: int) -> list[Written]:
        """The programs that give an answer, the most frequent and then the shortest first."""
        given = [p for p in self.covering() if p.outcome.outputs[place] == answer]
        given.sort(key=lambda p: (-p.votes, program_bits(p.source), p.source))
        return given[:PROGRAMS_KEPT]

    def _covers(self, program: Written) -> bool:
        return program.pairs == len(self._task.train)

    def _run(self, source: str) -> Written:
        task = self._task
        inputs = [*(pair.input for pair in task.train), *task.test]
        outcome = self._sandbox.run(source, inputs)
        shares = [
            _share_right(got, pair.output)
            for got, pair in zip(outcome.outputs, task.train, strict=False)
        ]
        program = Written(source, outcome, shares.count(1.0), sum(shares) / len(shares))
        self.counts["written_ran"] += 1
        self.counts[f"written_{outcome.status}"] += 1
        self.counts["written_syntax"] += outcome.message.startswith(_NO_SYNTAX)
        self.counts["written_partly"] += 0 < program.pairs < len(shares)
        return program


def _share_right(got: Grid | None, wanted: Grid) -> float:
    """Share of cells that are right; 1.0 only for equal grids, 0 for another size."""
    if got is None or (len(got), len(got[0])) != (len(wanted), len(wanted[0])):
        return 0.0
    right = sum(
        sum(a == b for a, b in zip(row, want, strict=True))
        for row, want in zip(got, wanted, strict=True)
    )
    return right / (len(got) * len(got[0]))
