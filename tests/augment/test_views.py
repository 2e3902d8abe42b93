"""Test views: the untouched one first, balanced, distinct, and undone by their transform."""

from __future__ import annotations

from collections import Counter

import pytest

from kit.arc.task import Pair, Task
from kit.augment.settings import AugmentConfig
from kit.augment.transform import IDENTITY, IDENTITY_COLOURS
from kit.augment.views import test_views, view_content

PAPER = AugmentConfig(mode="paper")


@pytest.mark.parametrize("config", [AugmentConfig(), PAPER, AugmentConfig(colours="paper")])
def test_first_view_is_the_task_itself(config: AugmentConfig, make_task) -> None:
    task = make_task(3, num_tests=2)
    first = test_views(task, 1, 12, 0, config)[0]
    assert (first.examples, first.query) == (task.train, task.test[1])
    assert (first.task_id, first.test_index, first.answer) == ("t1", 1, None)
    assert first.transform == IDENTITY


def test_views_are_distinct_and_balanced_over_8_symmetries(make_task) -> None:
    views = test_views(make_task(3), 0, 44, 0)
    assert len({view_content(view) for view in views}) == 44
    counts = Counter(view.transform.dihedral for view in views)
    assert len(counts) == 8
    assert max(counts.values()) - min(counts.values()) <= 1
    assert len({view.transform.colours for view in views}) == 44


@pytest.mark.parametrize("num_pairs", [2, 3, 7])
def test_paper_mode_is_two_orders_of_six_symmetries_in_natural_colours(
    num_pairs: int, make_task
) -> None:
    views = test_views(make_task(num_pairs), 0, 12, 0, PAPER)
    assert len({view_content(view) for view in views}) == 12
    counts = Counter(view.transform.name for view in views)
    assert len(counts) == 6 and set(counts.values()) == {2}
    assert {view.transform.colours for view in views} == {IDENTITY_COLOURS}


@pytest.mark.parametrize("config", [AugmentConfig(), PAPER, AugmentConfig(colours="keep_zero")])
def test_an_oracle_in_each_view_gives_the_true_output_back(config, make_task) -> None:
    """The rule (upside down) is asked in the original frame, answered in the view's."""
    task = make_task(3)
    truth = task.test[0][::-1]
    for view in test_views(task, 0, 24, 0, config):
        back = view.transform.inverse()
        originals = [Pair(back.apply(p.input), back.apply(p.output)) for p in view.examples]
        assert sorted(originals, key=task.train.index) == list(task.train)
        answer = view.transform.apply(back.apply(view.query)[::-1])
        assert back.apply(answer) == truth


def test_options(make_task) -> None:
    task = make_task(3)
    no_colours = AugmentConfig(colours="none", order=False)
    assert len(test_views(task, 0, 50, 0, no_colours)) == 8
    no_turns = AugmentConfig(dihedral=False)
    turned = {v.transform.dihedral for v in test_views(task, 0, 50, 0, no_turns)}
    assert turned == {0}
    natural = test_views(task, 0, 8, 0, AugmentConfig(order=False))
    for view in natural:
        assert view.transform.inverse().apply(view.examples[0].input) == task.train[0].input


def test_symmetric_tasks_give_fewer_views_but_never_the_same_twice() -> None:
    dot = Task("dot", (Pair(((0,),), ((0,),)),), (((0,),),))
    assert len(test_views(dot, 0, 50, 0, PAPER)) == 1
    assert len(test_views(dot, 0, 50, 0)) == 10  # one per colour of 0


def test_seeds_and_prefixes(make_task) -> None:
    task = make_task(3, num_tests=2)
    few = test_views(task, 0, 10, 1)
    assert test_views(task, 0, 30, 1)[:10] == few
    assert test_views(task, 0, 10, 2)[1:] != few[1:]
    other = test_views(task, 1, 10, 1)
    assert [view.transform for view in other] != [view.transform for view in few]


@pytest.mark.parametrize("test_index", [-1, 1])
def test_no_such_test_input(test_index: int, make_task) -> None:
    with pytest.raises(ValueError, match=f"test_index must be 0 to 0, got {test_index}"):
        test_views(make_task(2), test_index, 4, 0)


def test_negative_number_of_views(make_task) -> None:
    with pytest.raises(ValueError, match="0 or more, got -1"):
        test_views(make_task(2), 0, -1, 0)
