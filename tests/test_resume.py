"""Which options may change from one start of a run to the next.

pytest tests/test_resume.py
"""

from __future__ import annotations

import pytest

from kit.config import ConfigError, make_config
from kit.resume import check_resumable, run_record
from kit.submit.journal import Record

SHARED = "finetune.shared=true"


def start(*options: str, code: str = "code") -> Record:
    """The first record of a start with these options."""
    return run_record(make_config("full", options), (), code)


@pytest.mark.parametrize(
    "option",
    [
        "solve.trainer=torch",
        "solve.sampler=torch",
        "finetune.quantize=nf4",
        "solve.legs=search",
        "budget.time_s=100",
        "workers.count=3",
    ],
)
def test_engines_legs_time_and_workers_may_change(option: str) -> None:
    assert check_resumable(start(), start(option)) is None
    assert check_resumable(start(option), start()) is None


@pytest.mark.parametrize("option", ["finetune.lr=0.5", "solve.model=/other", "seed=1"])
def test_what_answers_are_made_from_may_not(option: str) -> None:
    with pytest.raises(ConfigError, match=f"other options .{option.partition('=')[0]} was"):
        check_resumable(start(), start(option))


def test_a_shared_adapter_is_asked_by_the_engine_it_was_trained_for() -> None:
    with pytest.raises(ConfigError, match=r"solve\.sampler was auto, is torch"):
        check_resumable(start(SHARED), start(SHARED, "solve.sampler=torch"))
    assert check_resumable(start(SHARED), start(SHARED, "solve.legs=search")) is None


def test_other_tasks_of_the_same_set_may_follow() -> None:
    first, second = (run_record(make_config("full"), (), "code", ids) for ids in ("ab", "c"))
    assert check_resumable(first, second) is None and second.data["ids"] == ["c"]
