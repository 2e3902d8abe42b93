"""`python -m kit pretrain` from nothing: what a run goes on with, and what it refuses.

pytest tests/pretrain/test_command.py
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import save_file  # noqa: E402

from kit.pretrain import command  # noqa: E402
from kit.pretrain.recipe import STABLE  # noqa: E402
from kit.pretrain.run import CHECKPOINT, Run, read_record  # noqa: E402
from kit.pretrain.settings import SIZES, PretrainConfig, schedule_of_steps  # noqa: E402
from kit.pretrain.sources import Sources, read_sources  # noqa: E402

SMALL = replace(SIZES["1m"], hidden=32, num_layers=2, num_heads=2, num_kv_heads=2, head_dim=16)
OTHER = replace(SMALL, ffn=128)


@pytest.fixture
def pretrain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The command with tiny models, short steps and a few procedural rules."""
    whole = read_sources(None)
    few = Sources([], whole.original[:30], whole.rules[:20])
    other = Sources([], whole.original[:29], whole.rules[:20])
    monkeypatch.setattr(command, "SIZES", {"4m": SMALL, "1m": OTHER})
    monkeypatch.setattr(
        command, "PretrainConfig", lambda **said: PretrainConfig(**{**said, "batch_tokens": 400})
    )
    monkeypatch.setattr(command, "held_out_questions", lambda seed: {})
    monkeypatch.setattr(command, "read_sources", lambda path: few if path is None else other)

    def run(*words: str) -> int:
        parser = argparse.ArgumentParser()
        command.add_arguments(parser)
        return command.run(parser.parse_args([*words, "--threads", "1"]))

    return run


def steps_of(folder: Path) -> int:
    """Steps done by the run in a folder."""
    return read_record(folder / CHECKPOINT)["step"]


def test_a_run_goes_on_with_its_own_size_and_seed(pretrain, tmp_path: Path, capsys) -> None:
    out = tmp_path / "run"
    assert pretrain("--out", str(out), "--size", "1m", "--seed", "3", "--steps", "4") == 0
    card = (out / "model" / "README.md").read_text()
    assert "--steps 4 --seed 3" in card and "over the last 1 steps" in card
    # From before its decay, which began at step 3.
    assert pretrain("--resume", str(out), "--steps", "9") == 0
    assert steps_of(out) == 9 and read_record(out / CHECKPOINT)["config"]["seed"] == 3
    assert pretrain("--resume", str(out), "--size", "4m", "--steps", "20") == 2
    assert pretrain("--resume", str(out), "--seed", "1", "--steps", "20") == 2
    errors = capsys.readouterr().err
    assert "--size 4m: the run in" in errors and "--seed 1: the run in" in errors


def test_a_run_goes_on_with_the_same_sources_only(pretrain, tmp_path: Path, capsys) -> None:
    out = tmp_path / "run"
    assert pretrain("--out", str(out), "--steps", "3", "--no-decay") == 0
    assert pretrain("--resume", str(out), "--steps", "5", "--re-arc", "elsewhere") == 2
    said = capsys.readouterr().err
    assert "this run was trained on 0 re-arc rules, 30 ARC-AGI-1" in said and "--re-arc" in said
    assert steps_of(out) == 3


def test_a_mixture_that_changed_between_starts_is_in_the_card(
    pretrain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    assert pretrain("--out", str(out), "--steps", "3", "--no-decay") == 0
    assert "no single command makes these weights" in (out / "model" / "README.md").read_text()
    monkeypatch.setattr(
        command, "DEFAULT_MIXTURE", replace(command.DEFAULT_MIXTURE, wrap_share=0.5)
    )
    assert pretrain("--resume", str(out), "--steps", "6") == 0
    assert "- From step 3 on: wrap_share 0.1 -> 0.5." in (out / "model" / "README.md").read_text()


def test_a_decay_begins_no_earlier_than_now_and_keeps_what_was_before_it(
    pretrain, tmp_path: Path, capsys
) -> None:
    """35% of 44 steps would have begun at step 29, long before the 40 that are done."""
    out = tmp_path / "run"
    assert pretrain("--out", str(out), "--steps", "40", "--no-decay") == 0
    assert pretrain("--resume", str(out), "--steps", "44") == 0
    schedule = read_record(out / CHECKPOINT)["schedule"]
    assert (schedule["decay_begin"], schedule["decay_steps"]) == (40, 4)
    assert read_record(out / STABLE)["step"] == 40
    assert pretrain("--resume", str(out), "--steps", "46") == 0
    assert steps_of(out) == 46


def test_an_end_that_a_decay_cannot_have_is_refused(pretrain, tmp_path: Path, capsys) -> None:
    run = Run(SMALL, PretrainConfig(batch_tokens=400), 1)
    run.step, run.schedule = 18, schedule_of_steps(run.config, 20)
    run.save(tmp_path / CHECKPOINT)
    assert pretrain("--resume", str(tmp_path), "--steps", "40") == 2
    assert "the decay began at step 13 and ends at 20" in capsys.readouterr().err
    # The end that it has, or none at all.
    assert pretrain("--resume", str(tmp_path), "--steps", "20") == 0
    assert steps_of(tmp_path) == 20


@pytest.mark.parametrize("data", [b"garbage", b"", None])
def test_a_damaged_checkpoint_is_one_line(
    pretrain, tmp_path: Path, capsys, data: bytes | None
) -> None:
    path = tmp_path / CHECKPOINT
    if data is None:
        save_file({"w0": torch.zeros(1)}, path, metadata={"run": '{"step": 3}'})
    else:
        path.write_bytes(data)
    assert pretrain("--resume", str(tmp_path)) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "damaged, or not a checkpoint" in said
