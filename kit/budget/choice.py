"""Which work comes next: pure decisions from a state, its board and the time.

With `unit="time"`, in this order:

1. a floor: a short search for every task, the smallest first; where the model has workers of its
   own, one plan of it for every task that one fits (`kit.budget.board.model_offers`);
2. what the model is owed: `training_share` of the time that has passed, so that what it can do is
   seen and not only believed;
3. the work that adds most per second. How much a task gets at once follows from what the last
   second of the run will buy: from the choices of all tasks together, the longest search and the
   largest plan are taken whose gain still pays for their seconds at that price.

No plan is made whose p90 cost exceeds the time left. A task whose answer is settled, whose last
work was lost, or whose programs convince gets nothing more of the same.

With `unit="work"` see `kit.budget.fixed`. What it does not: keep the state (`kit.budget.legs`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from kit.budget.board import (
    Board,
    Offers,
    may_ask,
    model_offers,
    search_offers,
)
from kit.budget.fixed import fixed_plan, fixed_search, model_plan, search_plan
from kit.budget.plan import Leg, Plan
from kit.budget.state import RunState

Lane = Literal["any", "model", "search"]
"""Which work a free worker takes."""

LEAST_SLICE_S = 0.05
"""A search shorter than this finds nothing."""

FLOOR_SHARE = 0.8
"""Of the whole time, at most this much goes to the first searches."""

_PRIOR_DOUBT = 8.0
"""A machine may be this much slower than the prior; until something is measured, plans of the
model stay that much smaller."""

_MIN_TRY_S = 10.0
"""With this much time left something is tried even where the prior says that nothing fits."""

_PRICE_STEPS = 14
"""Bisections for the price of a second; it is then known to a few percent."""

_DEADLINE_FACTOR = 2.0
_MIN_DEADLINE_S = 10.0
"""An item of the model may take this multiple of its p90 cost, and always this long: a bound for
the cost model's errors."""

_FIRST_DEADLINE_S = 40.0
"""As long as nothing has been measured: loading torch and the model is part of it."""

_SEARCH_DEADLINE_FACTOR = 4.0
_FIRST_SEARCH_DEADLINE_S = 90.0
"""A search may take this multiple of its length, and this long while none has ended (workers
start, code is compiled): the meter stops a search, the deadline a search that hangs."""


def next_plan(
    state: RunState, board: Board, now_s: float, lane: Lane, price: float | None = None
) -> Plan | None:
    """What a free worker does next; None when nothing more fits.

    With unit "work" neither `now_s` nor anything measured has an influence.

    Args:
        price: `current_price` of a moment ago; None to find it anew.
    """
    searches = state.has_search and lane != "model"
    asks = state.has_model and lane != "search"
    if state.config.unit == "work":
        plan = fixed_search(state) if searches else None
        return plan or (fixed_plan(state) if asks else None)
    if searches and (plan := next_floor(state, board, now_s)):
        return plan
    measured = bool(state.rates.seen.get("sample"))
    owed = asks and (not searches or _is_owed(state, now_s))
    if owed and not measured and ((plan := _first_measurement(state, now_s)) or not searches):
        return plan
    offers = _offers(state, board, now_s, searches, asks and measured)
    if price is None:
        price = price_of_time(offers, _worker_seconds(state, now_s, lane))
    if owed and searches and measured:
        # What is owed need not be worth its time.
        rate = min(price, _best_rate(offers["ttt"]))
        if plan := _best(state, board, {"ttt": offers["ttt"]}, rate):
            return plan
    plan = _best(state, board, offers, price)
    if plan is None and asks and not measured:
        return _first_measurement(state, now_s)
    return plan


def current_price(state: RunState, board: Board, now_s: float, lane: Lane) -> float:
    """What the last second of the run buys for a lane, see `price_of_time`."""
    searches = state.has_search and lane != "model"
    asks = state.has_model and lane != "search" and bool(state.rates.seen.get("sample"))
    offers = _offers(state, board, now_s, searches, asks)
    return price_of_time(offers, _worker_seconds(state, now_s, lane))


def next_floor(state: RunState, board: Board, now_s: float) -> Plan | None:
    """The first search of the smallest task that had none; None when all had theirs."""
    places = np.flatnonzero(board.unseen)
    left_s = state.search_left_s(now_s)
    if not len(places) or left_s < LEAST_SLICE_S:
        return None
    place = int(places[board.tokens[places].argmin()])
    workers = state.searchers or state.workers
    even_s = FLOOR_SHARE * workers * (state.stop_s - state.began_s) / len(board.names)
    slice_s = min(state.config.search_floor_s, even_s, workers * left_s / len(places), left_s)
    if state.only_slices:
        slice_s = max((s for s in state.slices_s if s <= slice_s), default=state.slices_s[0])
    task = state.tasks[board.names[place]]
    return search_plan(state, task, max(LEAST_SLICE_S, slice_s), "a first look at every task")


def _is_owed(state: RunState, now_s: float) -> bool:
    """Whether the model has had less than its share of the time that has passed."""
    if state.searchers:
        return False
    passed_s = state.workers * max(0.0, now_s - state.began_s)
    return state.spent_s("ttt") < state.config.training_share * passed_s


def _offers(
    state: RunState, board: Board, now_s: float, searches: bool, asks: bool
) -> dict[Leg, Offers]:
    """Choices of the legs that compete for a worker."""
    offers: dict[Leg, Offers] = {}
    if searches:
        offers["search"] = search_offers(state, board, state.search_left_s(now_s))
    if asks:
        left_s = state.left_s(now_s) - _waiting_s(state, now_s)
        offers["ttt"] = model_offers(state, board, left_s)
    return offers


def _waiting_s(state: RunState, now_s: float) -> float:
    """Seconds until a plan of the model begins that is made now: where more are taken at once than
    there are workers, the last ones wait."""
    times = [held for (_, leg), held in state.running.items() if leg == "ttt"]
    if len(times) < state.workers:
        return 0.0
    given_s = sum(until_s - began_s for began_s, until_s in times)
    # Since the first of them was given, the workers have worked on one or the other.
    done_s = state.workers * (now_s - min(began_s for began_s, _ in times))
    return max(0.0, given_s - done_s) / state.workers


def _best(state: RunState, board: Board, offers: Mapping[Leg, Offers], price: float) -> Plan | None:
    """The work that adds most per second, as much of it as its gain pays for at a price."""
    found = [(*top, leg) for leg, held in offers.items() if (top := _top(held, price))]
    if not found:
        return None
    rate, place, column, leg = max(found, key=lambda entry: entry[0])
    task = state.tasks[board.names[place]]
    gain, cost_s = offers[leg].gain[place, column], offers[leg].cost_s[place, column]
    reason = (
        f"{gain:.4f} tasks expected for {cost_s:.1f} s, {rate:.5f} a second where the last one "
        f"buys {price:.5f}; unsolved with {board.unsolved[place]:.0%}"
    )
    if leg == "search":
        return search_plan(state, task, state.slices_s[column], reason)
    if state.searchers and board.unasked[place]:
        reason += "; every task is asked once before one is asked again"
    return model_plan(state, task, state.levels[column], reason)


def _best_rate(offers: Offers) -> float:
    """Most gain per second that any choice has."""
    return float((offers.gain / offers.cost_s).max(initial=0.0))


def _top(offers: Offers, price: float) -> tuple[float, int, int] | None:
    """(gain per second, row, column) of the best task's best choice; None where none pays."""
    net = offers.gain - price * offers.cost_s
    columns = net.argmax(axis=1)
    rows = np.arange(len(columns))
    gain = offers.gain[rows, columns]
    rate = np.where(
        (net[rows, columns] >= -1e-12) & (gain > 0), gain / offers.cost_s[rows, columns], 0.0
    )
    if not len(rate) or rate.max() <= 0:
        return None
    place = int(rate.argmax())
    return float(rate[place]), place, int(columns[place])


def price_of_time(offers: Mapping[Leg, Offers], seconds: float) -> float:
    """What the last of `seconds` buys, in solved tasks per second: at this price the choices that
    pay for themselves, one per task and leg, take about as long as there is time."""
    held = [_open_rows(offer) for offer in offers.values()]
    high = max((_best_rate(offer) for offer in held), default=0.0)
    if high <= 0 or _taken_s(held, 0.0) <= seconds:
        return 0.0
    low = 0.0
    for _ in range(_PRICE_STEPS):
        middle = (low + high) / 2
        if _taken_s(held, middle) > seconds:
            low = middle
        else:
            high = middle
    # The upper end may buy nothing at all where a single choice is longer than the time left.
    return low


def _open_rows(offers: Offers) -> Offers:
    """Without tasks that have no choice."""
    rows = offers.gain.any(axis=1)
    return Offers(offers.gain[rows], offers.cost_s[rows])


def _taken_s(offers: Sequence[Offers], price: float) -> float:
    """Seconds of the choices that pay at a price."""
    total = 0.0
    for held in offers:
        net = held.gain - price * held.cost_s
        columns = net.argmax(axis=1)
        rows = np.arange(len(columns))
        pays = (net[rows, columns] > 0) & (held.gain[rows, columns] > 0)
        total += float(held.cost_s[rows, columns][pays].sum())
    return total


def _worker_seconds(state: RunState, now_s: float, lane: Lane) -> float:
    """Seconds of work that the workers of a lane have left, less what they are busy with."""
    workers, left_s = state.workers, state.left_s(now_s)
    if lane == "search" and state.searchers:
        workers, left_s = state.searchers, state.search_left_s(now_s)
    own = {"any": ("search", "ttt"), "model": ("ttt",), "search": ("search",)}[lane]
    ends_s = (until_s for (_, leg), (_, until_s) in state.running.items() if leg in own)
    busy_s = sum(max(0.0, until_s - now_s) for until_s in ends_s)
    return max(0.0, workers * left_s - busy_s)


def _first_measurement(state: RunState, now_s: float) -> Plan | None:
    """A small plan of the model for a small task: nothing is known yet of what it costs."""
    left_s = state.left_s(now_s)
    waiting = sorted(
        (task for task in state.tasks.values() if may_ask(state, task)),
        key=lambda task: (task.model.rounds, task.outlook.convinced, task.size.tokens),
    )
    if not waiting:
        return None
    task, reason = waiting[0], "a small plan, to see what work costs here"
    for level in [*(lv for lv in state.levels if lv.num_steps), state.levels[0]]:
        plan = model_plan(state, task, level, reason)
        if _PRIOR_DOUBT * state.p50_s(plan) <= left_s:
            return plan
    # A prior is no reason to do nothing at all; the deadline bounds what a try can cost.
    busy = any(leg == "ttt" for _, leg in state.running)
    plan = model_plan(state, task, state.levels[0], reason)
    fits = state.p90_s(plan) <= left_s
    return plan if fits or (left_s >= _MIN_TRY_S and not busy) else None


def deadline_s(state: RunState, plan: Plan, now_s: float) -> float:
    """The instant after which a plan that starts now is cut; inf with unit "work"."""
    if state.config.unit == "work":
        return math.inf
    if plan.leg == "search":
        allowed_s = max(_MIN_DEADLINE_S, _SEARCH_DEADLINE_FACTOR * plan.search_s)
        if state.ended < (state.searchers or state.workers):
            allowed_s = max(allowed_s, _FIRST_SEARCH_DEADLINE_S)
        return now_s + min(allowed_s, state.search_left_s(now_s))
    allowed_s = max(_MIN_DEADLINE_S, _DEADLINE_FACTOR * state.p90_s(plan))
    if not state.rates.seen.get("sample"):
        allowed_s = max(allowed_s, _FIRST_DEADLINE_S)
    return now_s + min(allowed_s, state.left_s(now_s))
