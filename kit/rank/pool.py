"""The pool: everything that was proposed for a task, from which every answer is chosen.

What it does: keeps candidates and scores in the order in which they came, hands out those of one
test input, and is written to and read from JSON without loss, so that any way of choosing can be
tried later without a model. What it does not: choose, or merge equal grids; each candidate is one
vote.

The JSON form is one object:

    version     1
    grids       every distinct grid once, each a list of rows, a row a string of digits
    candidates  list of {task_id, test_index, grid, source, group, logprob_nats, num_tokens,
                program, round, evidence, view, colours}; `grid` is an index into grids, `colours`
                null or ten digits, the rest as in `Candidate`; `evidence` is null or {family,
                bits, pairs, num_pairs, left_out, confidence}; the last three may be missing (pools
                from before they were kept)
    scores      list of {task_id, test_index, grid, logprobs_nats, round}, as in `ViewScore`

Log-probabilities that JSON has no number for are the strings "-inf", "inf" and "nan".
"""

from __future__ import annotations

import math
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_args

from kit.arc.candidate import Candidate, ProgramEvidence, Source, ViewScore
from kit.arc.grid import Grid, check_grid

VERSION = 1


class PoolError(ValueError):
    """A JSON value is no pool; the message says where and why."""


@dataclass(frozen=True, slots=True)
class CandidatePool:
    """Candidates and scores of one or more tasks; never changed, only replaced by a larger one.

    Attributes:
        candidates: in the order in which they were added; equal grids stay separate votes.
        scores: of distinct grids under the scoring views of a round.
    """

    candidates: tuple[Candidate, ...] = ()
    scores: tuple[ViewScore, ...] = ()

    def add(
        self, candidates: Iterable[Candidate] = (), scores: Iterable[ViewScore] = ()
    ) -> CandidatePool:
        """This pool with more behind what it holds."""
        return CandidatePool((*self.candidates, *candidates), (*self.scores, *scores))

    def merge(self, other: CandidatePool) -> CandidatePool:
        """Both pools in one, `other` behind this one (another run, model or machine)."""
        return self.add(other.candidates, other.scores)

    def at(self, task_id: str, test_index: int) -> CandidatePool:
        """Only what concerns one test input of one task."""
        return CandidatePool(
            tuple(c for c in self.candidates if _concerns(c, task_id, test_index)),
            tuple(s for s in self.scores if _concerns(s, task_id, test_index)),
        )

    def grids(self) -> tuple[Grid, ...]:
        """Distinct candidate grids in order of first appearance."""
        return tuple(dict.fromkeys(c.grid for c in self.candidates))

    def __len__(self) -> int:
        """Number of candidates."""
        return len(self.candidates)

    def to_json(self) -> dict[str, Any]:
        """The JSON form (see the module docstring); `from_json` gives an equal pool back."""
        grids: dict[Grid, int] = {}
        for item in (*self.candidates, *self.scores):
            grids.setdefault(item.grid, len(grids))
        return {
            "version": VERSION,
            "grids": [["".join(map(str, row)) for row in grid] for grid in grids],
            "candidates": [_candidate_record(c, grids) for c in self.candidates],
            "scores": [_score_record(s, grids) for s in self.scores],
        }

    @classmethod
    def from_json(cls, value: object) -> CandidatePool:
        """The pool held by parsed JSON.

        Raises:
            PoolError: no pool, another version, or a field that is missing or of a wrong kind.
        """
        if not isinstance(value, dict) or value.get("version") != VERSION:
            got = value.get("version") if isinstance(value, dict) else type(value).__name__
            raise PoolError(f"a pool is an object with version {VERSION}, got {got!r}")
        grids = [
            _read_grid(rows, f"pool grids[{i}]")
            for i, rows in enumerate(_field(value, "grids", (list,), "pool"))
        ]
        candidates = _field(value, "candidates", (list,), "pool")
        scores = _field(value, "scores", (list,), "pool")
        return cls(
            tuple(
                _read_candidate(c, grids, f"pool candidates[{i}]") for i, c in enumerate(candidates)
            ),
            tuple(_read_score(s, grids, f"pool scores[{i}]") for i, s in enumerate(scores)),
        )


def _concerns(item: Candidate | ViewScore, task_id: str, test_index: int) -> bool:
    return item.test_index == test_index and item.task_id == task_id


def _candidate_record(candidate: Candidate, grids: Mapping[Grid, int]) -> dict[str, Any]:
    nats = candidate.logprob_nats
    return {
        "task_id": candidate.task_id,
        "test_index": candidate.test_index,
        "grid": grids[candidate.grid],
        "source": candidate.source,
        "group": candidate.group,
        "logprob_nats": None if nats is None else _write_nats(nats),
        "num_tokens": candidate.num_tokens,
        "program": candidate.program,
        "round": candidate.round,
        "evidence": _evidence_record(candidate.evidence),
        "view": candidate.view,
        "colours": None if candidate.colours is None else "".join(map(str, candidate.colours)),
    }


def _evidence_record(evidence: ProgramEvidence | None) -> dict[str, Any] | None:
    return None if evidence is None else asdict(evidence)


def _score_record(score: ViewScore, grids: Mapping[Grid, int]) -> dict[str, Any]:
    return {
        "task_id": score.task_id,
        "test_index": score.test_index,
        "grid": grids[score.grid],
        "logprobs_nats": [_write_nats(nats) for nats in score.logprobs_nats],
        "round": score.round,
    }


def _write_nats(nats: float) -> float | str:
    return nats if math.isfinite(nats) else str(nats)


def _read_candidate(record: Any, grids: Sequence[Grid], where: str) -> Candidate:
    nats = _field(record, "logprob_nats", (float, int, str, type(None)), where)
    source = _field(record, "source", (str,), where)
    if source not in get_args(Source):
        raise PoolError(f"{where}: source is one of {', '.join(get_args(Source))}, got {source!r}")
    return Candidate(
        task_id=_field(record, "task_id", (str,), where),
        test_index=_field(record, "test_index", (int,), where),
        grid=_grid_at(record, grids, where),
        source=source,
        group=_field(record, "group", (str,), where),
        logprob_nats=None if nats is None else _read_nats(nats, where),
        num_tokens=_field(record, "num_tokens", (int,), where),
        program=_field(record, "program", (str, type(None)), where),
        round=_field(record, "round", (int,), where),
        evidence=_read_evidence(record, f"{where}.evidence"),
        view=_field({"view": None} | record, "view", (int, type(None)), where),
        colours=_read_colours(record.get("colours"), where),
    )


def _read_colours(value: object, where: str) -> tuple[int, ...] | None:
    if value is None:
        return None
    if not isinstance(value, str) or sorted(value) != list(string.digits):
        raise PoolError(f"{where}: colours are the ten digits in some order, got {value!r:.60}")
    return tuple(map(int, value))


def _read_evidence(record: dict[str, Any], where: str) -> ProgramEvidence | None:
    held, number = record.get("evidence"), (float, int)
    if held is None:
        return None
    return ProgramEvidence(
        family=_field(held, "family", (str,), where),
        bits=float(_field(held, "bits", number, where)),
        pairs=_field(held, "pairs", (int,), where),
        num_pairs=_field(held, "num_pairs", (int,), where),
        left_out=_field(held, "left_out", (*number, type(None)), where),
        confidence=float(_field(held, "confidence", number, where)),
    )


def _read_score(record: object, grids: Sequence[Grid], where: str) -> ViewScore:
    return ViewScore(
        task_id=_field(record, "task_id", (str,), where),
        test_index=_field(record, "test_index", (int,), where),
        grid=_grid_at(record, grids, where),
        logprobs_nats=tuple(
            _read_nats(n, where) for n in _field(record, "logprobs_nats", (list,), where)
        ),
        round=_field(record, "round", (int,), where),
    )


def _field(record: object, name: str, kinds: tuple[type, ...], where: str) -> Any:
    """The value of one field; its type is exactly one of `kinds` (true is no 1)."""
    if not isinstance(record, dict) or name not in record:
        raise PoolError(f"{where}: no field {name!r}")
    value = record[name]
    if type(value) not in kinds:
        allowed = " or ".join(kind.__name__ for kind in kinds)
        raise PoolError(f"{where}: {name} must be {allowed}, got {type(value).__name__}")
    return value


def _grid_at(record: object, grids: Sequence[Grid], where: str) -> Grid:
    index = _field(record, "grid", (int,), where)
    if not 0 <= index < len(grids):
        raise PoolError(f"{where}: grid is an index below {len(grids)}, got {index}")
    return grids[index]


def _read_grid(rows: object, where: str) -> Grid:
    if not isinstance(rows, list) or not all(isinstance(row, str) for row in rows):
        raise PoolError(f"{where}: a grid is a list of strings of digits")
    if not all(row.isascii() and row.isdigit() for row in rows):
        raise PoolError(f"{where}: a row is a string of digits 0 to 9, got {rows!r:.60}")
    try:
        return check_grid([[int(cell) for cell in row] for row in rows], where)
    except ValueError as error:
        raise PoolError(str(error)) from error


def _read_nats(value: object, where: str) -> float:
    if type(value) in (float, int) or value in ("-inf", "inf", "nan"):
        return float(value)
    raise PoolError(f"{where}: a log-probability is a number, '-inf', 'inf' or 'nan': {value!r}")
