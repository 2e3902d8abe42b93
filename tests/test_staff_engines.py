"""Engines that one process cannot hold both of: who gets started, and what is refused at once."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from kit import staff
from kit.config import make_config
from kit.solve.toolbox import read_settings
from kit.workers.executor import Staffing

APART = ("solve.trainer=unsloth", "solve.sampler=vllm", "workers.count=2")


@pytest.fixture
def opened(monkeypatch):
    """What `open_rounds` and `open_executor` were given, by name."""
    seen: dict[str, tuple] = {}
    for name, kind in (("open_rounds", "rounds"), ("open_executor", "pool")):
        monkeypatch.setattr(
            staff, name, lambda *given, kind=kind, **_: seen.setdefault(kind, given)
        )
    monkeypatch.setattr(staff, "used_gpus", lambda _: ())
    return seen


def test_each_crew_opens_its_own_part(opened, tmp_path: Path) -> None:
    staff.start_workers(make_config("cpu", [*APART, "solve.legs=both"]), tmp_path, 99.0)
    _, specs, staffing, folder, gpus, until_s = opened["rounds"]
    settings = {name: read_settings(spec.settings) for name, spec in specs.items()}
    assert {name: (s.role, s.solve.legs) for name, s in settings.items()} == {
        "train": ("train", "ttt"), "serve": ("serve", "ttt"), "search": ("all", "both"),
    }  # fmt: skip
    assert all(s.solve.trainer == "unsloth" for s in settings.values())
    # Programs that a model writes are the search's work, and the GPUs are the other crews'.
    assert {name: s.solve.device for name, s in settings.items()} == {
        "train": "auto", "serve": "auto", "search": "cpu",
    }  # fmt: skip
    assert (folder, gpus, until_s) == (tmp_path, (), 99.0)
    assert staffing == Staffing(2, 1, search=2), "searches need workers of their own here"


def test_without_a_search_nobody_is_kept_for_it(opened, tmp_path: Path) -> None:
    staff.start_workers(make_config("cpu", [*APART, "solve.legs=ttt"]), tmp_path)
    assert opened["rounds"][2].search == 0
    assert opened["rounds"][5] == math.inf


@pytest.mark.parametrize("options", [(), ("solve.legs=search", *APART)])
def test_one_process_does_where_it_can(opened, tmp_path: Path, options) -> None:
    staff.start_workers(make_config("cpu", options), tmp_path)
    assert "pool" in opened and "rounds" not in opened


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("workers.executor=inline",), r"workers.executor=inline: .*workers.executor=pool"),
        (("finetune.method=full",), r"finetune.method=full: Unsloth trains LoRA"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_starts(tmp_path, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        staff.start_workers(make_config("cpu", [*APART, *options]), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_auto_is_resolved_for_this_machine(monkeypatch) -> None:
    config = make_config("cpu")
    assert (config.solve.trainer, config.solve.sampler) == ("auto", "auto")
    found = staff.engines(config, devices=("0",))
    assert (found.trainer, found.sampler) == ("torch", "torch"), "the bundled model is small"
