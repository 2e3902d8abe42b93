"""The folder of an ablation: what is kept through any death, and what may not be mixed.

pytest tests/validate/test_ablate_store.py
"""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.budget.settings import BudgetConfig
from kit.validate.ablate_jobs import method_digests
from kit.validate.ablate_store import RESULTS, Store
from kit.validate.ablate_variants import BASE, TTT
from tests.validate.ablating import TASKS, entry, method


def test_the_store_survives_a_cut_at_every_byte(tmp_path: Path) -> None:
    store = Store(tmp_path)
    entries = [entry(TTT, "t1"), entry(TTT, "t2"), entry(BASE, "t1")]
    for one in entries:
        store.add(one)
    path = tmp_path / RESULTS
    data = path.read_bytes()
    for cut in range(0, len(data), 7):
        path.write_bytes(data[:cut])
        reopened = Store(tmp_path)
        held = reopened.entries()
        assert all(one in entries for one in held)
        assert len(held) == max(0, data[:cut].count(b"\n") - 1)
        reopened.add(entry("later", "t9"))
        assert len(Store(tmp_path).entries()) == len(held) + 1


def test_a_variant_of_other_options_is_refused_and_a_new_one_is_not(tmp_path: Path) -> None:
    other = method(TTT, BudgetConfig(num_steps=9))
    # What was only announced, such as by a call that was stopped at once, binds nobody.
    Store(tmp_path).announce(method_digests([other], TASKS))
    Store(tmp_path).announce(method_digests([method(TTT)], TASKS))
    Store(tmp_path).add(entry(TTT, "t1"))
    Store(tmp_path).announce(method_digests([method(TTT), method("search")], TASKS))
    with pytest.raises(ValueError, match="ttt was run there with other options"):
        Store(tmp_path).announce(method_digests([other], TASKS))
    (made_with,) = method_digests([method(TTT)], TASKS).values()
    held = Store(tmp_path)
    assert held.holds(TTT, made_with) and not held.holds(TTT, "x")
    assert not held.holds("search", method_digests([method("search")], TASKS)["search"])


def test_an_adapter_of_other_tasks_is_refused(tmp_path: Path) -> None:
    """Entries of the first tasks would keep the adapter of fewer; other variants just grow."""
    some = [method(TTT), method("shared")]
    Store(tmp_path).announce(method_digests(some, TASKS[:1]))
    Store(tmp_path).add(entry("shared", "t1"))
    Store(tmp_path).announce(method_digests(some[:1], TASKS))
    with pytest.raises(ValueError, match=r"shared was run there .* an adapter of other tasks"):
        Store(tmp_path).announce(method_digests(some, TASKS))
