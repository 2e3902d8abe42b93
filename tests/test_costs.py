"""What is remembered of costs between runs, by machine, model and options."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from kit import costs
from kit.budget.peak import LEAST_TOKENS
from kit.config import make_config
from kit.costs import costs_key, keep_rates, known_rates, known_room
from kit.workers.executor import Staffing

HERE = Staffing(2, 1)
FACTORY = "kit.solve.solver:open_solver"


@pytest.fixture(autouse=True)
def own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "costs.json"
    monkeypatch.setattr(costs, "costs_file", lambda: path)
    return path


def test_a_run_finds_what_the_one_before_measured(own_file: Path) -> None:
    config = make_config("cpu")
    rates = known_rates(config, HERE, FACTORY)
    assert rates.seen == {}
    keep_rates(config, HERE, FACTORY, rates.observe("train", 1000.0, 2.0))
    assert known_rates(config, HERE, FACTORY).seen == {"train": ((1000.0, 2.0),)}
    longer = make_config("cpu", ["budget.time_s=60", "seed=3", "rank.method=vote"])
    assert known_rates(longer, HERE, FACTORY).seen, "neither depends on what work costs"


@pytest.mark.parametrize(
    "change", ["finetune.rank=8", "solve.dtype=bfloat16", "augment.dihedral=true"]
)
def test_other_methods_cost_otherwise(change: str) -> None:
    config, other = make_config("cpu"), make_config("cpu", [change])
    assert costs_key(config, HERE, FACTORY) != costs_key(other, HERE, FACTORY)
    assert costs_key(config, HERE, FACTORY) != costs_key(config, Staffing(2, 4), FACTORY)
    assert costs_key(config, HERE, FACTORY) != costs_key(config, HERE, "fakes:open")


@pytest.mark.parametrize("change", ["budget.remember_costs=false", "budget.unit=work"])
def test_it_can_be_switched_off_and_units_of_work_do_not_depend_on_it(
    own_file: Path, change: str
) -> None:
    keep_rates(
        make_config("cpu"),
        HERE,
        FACTORY,
        known_rates(make_config("cpu"), HERE, FACTORY).observe("train", 1.0, 1.0),
    )
    assert own_file.exists()
    config = make_config("cpu", [change])
    rates = known_rates(config, HERE, FACTORY)
    assert rates.seen == {}
    own_file.unlink()
    keep_rates(config, HERE, FACTORY, rates.observe("train", 1.0, 1.0))
    assert not own_file.exists()


def test_a_search_alone_needs_to_know_nothing() -> None:
    assert known_rates(make_config("cpu", ["solve.legs=search"]), HERE, FACTORY).seen == {}


def test_little_memory_is_known_before_it_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    config = make_config("cpu")
    monkeypatch.setattr(costs, "used_gpus", lambda _: ())
    monkeypatch.setattr(costs.executor, "available_bytes", lambda: 2**36)
    assert known_room(config, HERE) > 8192
    monkeypatch.setattr(costs.executor, "available_bytes", lambda: 2**30)
    assert known_room(config, HERE) == LEAST_TOKENS
    assert known_room(make_config("cpu", ["budget.unit=work"]), HERE) == math.inf
    monkeypatch.setattr(costs, "used_gpus", lambda _: ("0",))
    assert known_room(config, HERE) == math.inf
