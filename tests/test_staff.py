"""What options mean on a machine, GPUs made up.

pytest tests/test_staff.py
"""

from __future__ import annotations

import pytest

from kit import staff as staff_module
from kit.arc.task import Pair, Task
from kit.config import ConfigError, make_config
from kit.induce.sandbox.sandbox import SandboxError
from kit.request import parse_request
from kit.solve.toolbox import BUNDLED_MODEL
from kit.staff import check_sandbox, model_bytes, schedule, staff
from kit.workers import executor

TASKS = tuple(
    Task(f"t{number}", (Pair(((number,),), ((1,),)),) * 2, (((number,),),)) for number in range(4)
)


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a model."""
    monkeypatch.setattr(executor, "usable_cores", lambda: 8)
    monkeypatch.setattr(executor, "available_bytes", lambda: 2**40)
    monkeypatch.setattr(staff_module, "weights_bytes", lambda path: 5 * 2**20)


def test_a_gpu_leaves_the_other_cores_to_the_search() -> None:
    config = make_config("cpu")
    assert config.solve.model == BUNDLED_MODEL and config.solve.legs == "both"
    beside, alone = staff(config, ["nvidia0"]), staff(config, [])
    assert (beside.count, beside.search) == (1, 7)
    assert (alone.count, alone.search) == (8, 0)
    ttt = make_config("cpu", ["solve.legs=ttt"])
    assert staff(ttt, ["nvidia0"]).search == 0


def test_a_search_alone_takes_no_model_and_all_cores() -> None:
    config = make_config("cpu", ["solve.legs=search"])
    assert model_bytes(config) == 0
    assert (staff(config, ["nvidia0"]).count, staff(config, ["nvidia0"]).search) == (8, 0)


def test_beside_a_gpu_both_legs_start_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staff_module, "used_gpus", lambda _: ("nvidia0",))
    scheduler = schedule(make_config("cpu"), TASKS, 600.0, now_s=0.0)
    plans = scheduler.next_plans(0.0, 1, 2)
    assert [plan.leg for plan in plans] == ["ttt", "search", "search"]
    monkeypatch.setattr(staff_module, "used_gpus", lambda _: ())
    scheduler = schedule(make_config("cpu"), TASKS, 600.0, now_s=0.0)
    assert [plan.leg for plan in scheduler.next_plans(0.0, 2)] == ["search", "search"]


@pytest.mark.parametrize("legs", ["ttt", "search", "both"])
def test_only_the_legs_that_were_asked_for_are_planned(legs: str) -> None:
    config = make_config("cpu", [f"solve.legs={legs}", "budget.unit=work"])
    plans = schedule(config, TASKS, 600.0, now_s=0.0).next_plans(0.0, 99)
    wanted = {"ttt", "search"} if legs == "both" else {legs}
    assert {plan.leg for plan in plans} == wanted and len(plans) == 4 * len(wanted)


def test_a_server_is_asked_for_programs_only_when_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[bool] = []

    class Box:
        """Can be closed."""

        def close(self) -> None:
            opened.append(False)

    def open_box(allow_weak: bool) -> Box:
        opened.append(allow_weak)
        if not allow_weak:
            raise SandboxError("only a weak sandbox works here")
        return Box()

    monkeypatch.setattr("kit.induce.sandbox.sandbox.open_sandbox", open_box)
    check_sandbox(parse_request([]).config.programs)
    assert opened == []
    named = parse_request(["--program-server", "http://localhost:8000"]).config
    with pytest.raises(ConfigError, match="only a weak sandbox"):
        check_sandbox(named.programs)
    words = ["--program-server", "http://localhost:8000", "--allow-weak-sandbox"]
    config = parse_request(words).config
    check_sandbox(config.programs)
    assert opened == [False, True, False]
    plans = schedule(config, TASKS, 600.0, now_s=0.0).next_plans(0.0, 99)
    assert [plan.leg for plan in plans[:8]] == ["search"] * 4 + ["write"] * 4
    with pytest.raises(ConfigError, match="must be a URL"):
        parse_request(["--program-server", "localhost"])
