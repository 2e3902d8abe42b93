"""Votes: inside each symmetry first and then across, or all boards at once.

What it does: ranks the distinct grids proposed for ONE test input by how often they came up.
All functions take the candidates of a single test input and none depends on their order.
What it does not: look at scores under other views (`kit.rank.experts`) or guess without candidates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from kit.arc.candidate import Candidate
from kit.arc.grid import Grid, shape
from kit.augment.transform import DIHEDRAL_NAMES, IDENTITY_COLOURS
from kit.rank.tally import (
    NO_VOTES,
    Ranking,
    Tally,
    count_lead,
    distinct,
    grid_votes,
    most_common,
    tally_votes,
)

IDENTITY = DIHEDRAL_NAMES[0]

Votes = Sequence[tuple[Grid, float]]
"""(grid, log-probability in nats) of each vote; several votes for one grid are several entries."""

SLOTS = 3
"""Grids that each symmetry sends to the second level."""


def row_majority(votes: Votes) -> Grid:
    """The grid whose every row is the most frequent one: nobody need have proposed it.

    The most common shape is taken; then, for each row index, the most frequent whole row among
    the votes that have such a row of that width. Ties: summed log-probability, then tuple order.

    Source: Akyürek et al. 2024, "The Surprising Effectiveness of Test-Time Training for Abstract
    Reasoning", hierarchical voting.
    """
    height, width = most_common((shape(grid), nats) for grid, nats in votes)[0]
    wide = [(grid, nats) for grid, nats in votes if len(grid[0]) == width]
    return tuple(
        most_common((grid[y], nats) for grid, nats in wide if len(grid) > y)[0]
        for y in range(height)
    )


def column_majority(votes: Votes) -> Grid:
    """Like `row_majority` with columns in the place of rows."""
    turned = row_majority([(tuple(zip(*grid, strict=True)), nats) for grid, nats in votes])
    return tuple(zip(*turned, strict=True))


def group_votes(candidates: Iterable[Candidate]) -> dict[str, Votes]:
    """Votes by symmetry (`Candidate.group`), groups in alphabetical order."""
    groups: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        groups.setdefault(candidate.group, []).append(candidate)
    return {name: grid_votes(groups[name]) for name in sorted(groups)}


def top_of_group(votes: Votes) -> list[Grid]:
    """Up to three distinct grids: the most frequent, then row-, then column-majority to fill up."""
    top = most_common(votes)[:SLOTS]
    for majority in (row_majority, column_majority):
        if len(top) < SLOTS and (filler := majority(votes)) not in top:
            top.append(filler)
    return top


def two_level_vote(candidates: Sequence[Candidate], legacy: bool = False) -> Ranking:
    """The paper's vote: top-3 inside each symmetry, then the grids sent up by most symmetries.

    Ties at the second level go to the grid with more votes inside the identity group, then more
    votes in all, then the larger summed log-probability, then tuple order. Grids that no symmetry
    sent up follow, by votes. The margin is the lead in symmetries over their number.

    Args:
        legacy: vote like the released code instead, see `_legacy_vote`.
    Source: Akyürek et al. 2024, section on augmented inference and its appendix; its released code
        differs from the text, so the text is the default.
    """
    if not candidates:
        return Ranking((), 0.0, "vote: no candidate")
    if legacy:
        return _legacy_vote(candidates)
    groups = group_votes(candidates)
    sent = [grid for votes in groups.values() for grid in top_of_group(votes)]
    symmetries = tally_votes((grid, 0.0) for grid in sent)
    inside = tally_votes(groups.get(IDENTITY, ()))
    overall = tally_votes(grid_votes(candidates))
    order = sorted(symmetries, key=partial(_second_level_key, symmetries, inside, overall))
    grids = distinct([*order, *flat_order(candidates)])
    return Ranking(
        grids,
        count_lead(grids, symmetries, len(groups)),
        f"vote: sent up by {symmetries[grids[0]].count} of {len(groups)} symmetries",
    )


def _second_level_key(
    symmetries: dict[Grid, Tally],
    inside: dict[Grid, Tally],
    overall: dict[Grid, Tally],
    grid: Grid,
) -> tuple[int, int, int, float, Grid]:
    """Sorts grids of the second level best first."""
    total = overall.get(grid, NO_VOTES)
    identity = inside.get(grid, NO_VOTES).count
    return -symmetries[grid].count, -identity, -total.count, -total.nats, grid


def _legacy_vote(candidates: Sequence[Candidate]) -> Ranking:
    """The two-level vote as released, quirks and all.

    Quirks: all predictions together form one more group; each group sends exactly three grids up,
    so that a unanimous group counts three times; the second level runs the same top-3 routine,
    back-fill included; and when its second and third grid tie, the third takes the second's place
    unless the second has more votes inside an existing identity group. Where the release leaves
    ties to the order of a Python set, more votes in all win, then as in `most_common`.
    """
    groups = group_votes(candidates)
    everything = grid_votes(candidates)
    sent = [grid for votes in (everything, *groups.values()) for grid in _three_slots(votes)]
    # Ties of the second level go by the flat order, so each vote weighs its grid's place there.
    places = {grid: place for place, grid in enumerate(most_common(everything))}
    weighed = [(grid, -float(places.get(grid, len(places)))) for grid in sent]
    first, second, third = _three_slots(weighed)
    tallies = tally_votes(weighed)
    if IDENTITY in groups and _count(tallies, second) == _count(tallies, third):
        inside = tally_votes(groups[IDENTITY])
        if _count(inside, second) <= _count(inside, third):
            second = third
    grids = distinct([first, second, *most_common(weighed), *flat_order(candidates)])
    return Ranking(
        grids,
        count_lead(grids, tallies, len(sent)),
        f"vote (legacy): {_count(tallies, first)} of {len(sent)} second-level votes",
    )


def _three_slots(votes: Votes) -> tuple[Grid, Grid, Grid]:
    """Exactly three grids; a group of few distinct ones repeats itself."""
    top = most_common(votes)
    rows, columns = row_majority(votes), column_majority(votes)
    first = top[0]
    second = top[1] if len(top) > 1 else (rows if rows != first else columns)
    third = top[2] if len(top) > 2 else (rows if rows not in (first, second) else columns)
    return first, second, third


def _count(tallies: dict[Grid, Tally], grid: Grid) -> int:
    return tallies.get(grid, NO_VOTES).count


def flat_order(candidates: Iterable[Candidate]) -> list[Grid]:
    """Distinct grids by votes, then summed log-probability, then tuple order."""
    return most_common(grid_votes(candidates))


def flat_vote(candidates: Sequence[Candidate]) -> Ranking:
    """Whole boards by number of votes, symmetries ignored; the margin is the lead in votes.

    Source: MindsAI's augment, infer, reverse, vote: whole boards did better there than rows or
    cells.
    """
    if not candidates:
        return Ranking((), 0.0, "flat: no candidate")
    grids = tuple(flat_order(candidates))
    tallies = tally_votes(grid_votes(candidates))
    return Ranking(
        grids,
        count_lead(grids, tallies, len(candidates)),
        f"flat: {tallies[grids[0]].count} of {len(candidates)} votes",
    )


def only_group(candidates: Iterable[Candidate], group: str) -> tuple[Candidate, ...]:
    """The candidates of one symmetry, to be voted on alone."""
    return tuple(c for c in candidates if c.group == group)


def single_view(candidates: Iterable[Candidate], count: int = 1) -> tuple[Candidate, ...]:
    """The first `count` candidates of untransformed views, as if nothing else had been asked.

    Neither symmetry nor colours are changed in these: view 0, and views that are it in another
    order of demonstrations. This is the one function here that reads the pool's order: earliest
    round, then first added.
    """
    plain = filter(_has_own_colours, only_group(candidates, IDENTITY))
    return tuple(sorted(plain, key=lambda c: c.round)[:count])


def _has_own_colours(candidate: Candidate) -> bool:
    """Whether the view had the task's own colours; where they are not known, whether it may be
    view 0, which always has."""
    if candidate.colours is None:
        return not candidate.view
    return candidate.colours == IDENTITY_COLOURS
