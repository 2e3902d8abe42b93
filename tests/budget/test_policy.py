"""A list of plans as a policy."""

from __future__ import annotations

from kit.budget.outlook import Outlook
from kit.budget.plan import Plan
from kit.budget.policy import OrderedPolicy

PLANS = [Plan("b", num_steps=3), Plan("a", leg="search", search_s=2.0), Plan("c")]


def test_plans_come_in_their_order_whatever_comes_of_them() -> None:
    policy = OrderedPolicy(PLANS, stop_s=50.0)
    first = policy.next_plans(0.0, 2)
    assert first == PLANS[:2]
    policy.finish(first[0], {}, {}, lost=True)
    policy.judge("b", Outlook(1.0, convinced=True))
    assert policy.next_plans(1.0, 5) == PLANS[2:]
    assert policy.next_plans(2.0, 5) == []
    assert policy.predicted_s(PLANS[1]) == 2.0 and policy.deadline_s(PLANS[0], 3.0) == 50.0


def test_nothing_begins_when_the_time_is_up() -> None:
    assert OrderedPolicy(PLANS, stop_s=50.0).next_plans(50.0, 3) == []
