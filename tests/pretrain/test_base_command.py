"""`pretrain --base` from end to end on tiny models, and everything it refuses.

pytest tests/pretrain/test_base_command.py
"""

from __future__ import annotations

import argparse
import csv
import re
import signal
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from kit.encode import open_encoding  # noqa: E402
from kit.engine.model import open_model  # noqa: E402
from kit.pretrain import base_command, base_tasks  # noqa: E402
from kit.pretrain.base_export import MergeError  # noqa: E402
from kit.pretrain.base_learner import Diverged, Learner, read_checkpoint  # noqa: E402
from kit.pretrain.training_flops import known_flops  # noqa: E402
from tests.pretrain.base_models import save_model, save_text_model, tensors_of  # noqa: E402

FEW = ["--steps", "4", "--batch", "2", "--max-tokens", "200", "--held-out", "2", "--rank", "4"]


def parse(argv: list[str]) -> argparse.Namespace:
    """Arguments as `python -m kit pretrain` reads them."""
    parser = argparse.ArgumentParser()
    for name, kind in (("out", Path), ("resume", Path), ("re-arc", Path), ("minutes", float)):
        parser.add_argument(f"--{name}", type=kind)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    base_command.add_arguments(parser)
    return parser.parse_args(argv)


def run(*argv: object) -> int:
    """Exit code of the command."""
    return base_command.run(parse([str(part) for part in argv]))


@pytest.fixture(scope="module", autouse=True)
def _few_draws():
    """Fewer questions of held-out rules to choose from than a real run takes."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(base_tasks, "DRAWN_HELD_OUT", 20)
        yield


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    """A tiny Llama that reads cells."""
    return save_model(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def done(base, tmp_path_factory) -> Path:
    """The folder of a finished run."""
    out = tmp_path_factory.mktemp("done") / "out"
    assert run("--base", base, "--out", out, *FEW) == 0
    return out


def test_a_run_leaves_model_adapter_history_and_plot(done, base) -> None:
    found = {path.name for path in done.iterdir()}
    assert found == {"model", "adapter", "checkpoint.safetensors", "history.csv", "history.svg"}
    open_model(done / "model", "float32")
    assert open_encoding(done / "model").name == "cells"
    card = (done / "model" / "README.md").read_text()
    for said in ("4 of 4 steps", "seed 0", "| development tasks |", "358 ARC-AGI-1", "FLOPs"):
        assert said in card
    assert known_flops(done / "model") is None, "the base has no card"
    with (done / "history.csv").open() as lines:
        rows = [*csv.DictReader(lines)]
    assert [int(row["step"]) for row in rows] == [0, 1, 2, 3, 4]
    assert all(float(row["development tasks loss"]) > 0 for row in rows)


def test_a_cut_run_resumed_is_the_run_that_was_not_cut(base, done, tmp_path, monkeypatch) -> None:
    steps, none = Learner.train_step, ["--held-out", 0]

    def cut(self, batch):
        loss = steps(self, batch)
        if self.step == 2:
            signal.raise_signal(signal.SIGTERM)
        return loss

    before = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patched:
        patched.setattr(Learner, "train_step", cut)
        assert run("--base", base, "--out", tmp_path / "o", *FEW, *none) == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before
    assert read_checkpoint(tmp_path / "o").step == 2
    assert run("--base", base, "--resume", tmp_path / "o") == 0
    one, other = tensors_of(done / "model"), tensors_of(tmp_path / "o" / "model")
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_time_that_is_up_is_no_failure(base, tmp_path) -> None:
    out = tmp_path / "o"
    assert run("--base", base, "--out", out, *FEW, "--minutes", 1e-9, "--held-out", 0) == 0
    assert read_checkpoint(out).step == 0


def test_a_base_with_biases_is_trained_through_transformers(tmp_path, capsys) -> None:
    base = save_model(tmp_path / "base", attention_bias=True, mlp_bias=True)
    args = ["--steps", 1, "--batch", 1, "--max-tokens", 200, "--held-out", 0]
    assert run("--base", base, "--out", tmp_path / "torch", *args, "--engine", "torch") == 2
    assert "mlp_bias (on gate, up and down) is not supported" in capsys.readouterr().err
    assert run("--base", base, "--out", tmp_path / "o", *args) == 0
    names = tensors_of(tmp_path / "o" / "model").keys()
    assert {name for name in names if name.endswith("o_proj.bias")}


def test_without_fine_tuning_the_base_is_asked_and_copied(base, tmp_path) -> None:
    out = tmp_path / "o"
    assert run("--base", base, "--out", out, *FEW, "--without-fine-tuning") == 0
    before, after = tensors_of(base), tensors_of(out / "model")
    assert all(np.array_equal(before[name], after[name]) for name in before)
    with (out / "history.csv").open() as lines:
        (row,) = csv.DictReader(lines)
    assert float(row["development tasks loss"]) > 0
    assert "not trained" in (out / "model" / "README.md").read_text()


def test_the_card_adds_what_the_base_took(tmp_path) -> None:
    base, out = save_model(tmp_path / "base"), tmp_path / "o"
    (base / "README.md").write_text("Trained on words, about 2.0e+14 FLOPs.")
    assert run("--base", base, "--out", out, *FEW, "--steps", 1, "--held-out", 0) == 0
    learnt = float(re.search(r"tokens,\s+(\S+)\s+FLOPs", (out / "model/README.md").read_text())[1])
    assert learnt > 0 and known_flops(out / "model") == float(f"{2.0e14 + learnt:.1e}")


def test_without_geometry_is_written_into_the_checkpoint(base, tmp_path) -> None:
    out = tmp_path / "o"
    args = ["--held-out", 0, "--minutes", 1e-9, "--without-geometry"]
    assert run("--base", base, "--out", out, *FEW, *args) == 0
    config = read_checkpoint(out).config
    assert (config.wrap_share, config.symmetries) == (0.0, False)
    assert "no symmetries" in (out / "model" / "README.md").read_text()


def test_a_text_model_is_trained_in_a_format_that_the_result_names(tmp_path) -> None:
    base = save_text_model(tmp_path / "base")
    out = tmp_path / "o"
    args = ["--format", "chat", "--method", "full", "--max-tokens", 400, "--held-out", 0]
    assert run("--base", base, "--out", out, *FEW, *args, "--steps", 1, "--batch", 1) == 0
    assert open_encoding(out / "model").name == "chat"
    assert not (out / "adapter").exists()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--base", "nowhere"], "nowhere: a model folder needs config.json, found nothing"),
        (["--lr", "-1"], "lr must be 0 to less than 1, got -1.0"),
        (["--rank", "0"], "rank must be 1 to 4096, got 0"),
        (["--steps", "5000", "--tasks", "800"], "--epochs 1 and --batch 8 make 100 steps"),
        (["--batch", "0"], "batch_tasks must be 1 to 65536, got 0"),
        (["--minutes", "0"], "--minutes must be more than 0, got 0"),
        (["--held-out", "-1"], "--held-out must be 0 or more, got -1"),
        (["--device", "tpu"], "--device"),
        (["--method", "4bit", "--engine", "torch"], "4bit needs --engine transformers"),
        (["--re-arc", "nowhere"], "no re_arc"),
        (["--format", "chat"], "tokenizer.json: no such file"),
        (["--resume", "nowhere"], "nothing to go on from"),
    ],
)
def test_what_cannot_be_met_is_refused_in_words(base, tmp_path, capsys, args, said) -> None:
    assert run("--base", base, "--out", tmp_path / "o", *args) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and said in error
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("args", "steps", "tasks"),
    [
        (["--steps", 5000], 5000, 40_000),
        (["--steps", 1000, "--batch", 32], 1000, 32_000),
        (["--preset", "paper", "--steps", 20_000, "--method", "lora"], 20_000, 640_000),
        (["--steps", 3, "--tasks", 100], 3, 100),
    ],
)
def test_all_steps_that_were_asked_for_are_planned(base, tmp_path, args, steps, tasks) -> None:
    out, once = tmp_path / "o", ["--minutes", 1e-9, "--held-out", 0, "--max-tokens", 200]
    assert run("--base", base, "--out", out, *args, *once) == 0
    config = read_checkpoint(out).config
    assert (config.num_steps(), config.num_tasks) == (steps, tasks)
    assert run("--base", base, "--resume", out, *args, *once) == 0
    assert read_checkpoint(out).config == config


def test_a_folder_to_write_to_must_be_named(base, capsys) -> None:
    assert run("--base", base) == 2
    assert "--base needs --out FOLDER" in capsys.readouterr().err


def test_a_run_is_never_overwritten(base, done, capsys) -> None:
    assert run("--base", base, "--out", done, *FEW) == 2
    assert f"--resume {done} goes on with it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--rank", "8"], "rank: 8, 4; alpha: 8.0, 4.0"),
        (["--seed", "3"], "seed: 3, 0"),
        (["--without-geometry"], "wrap_share: 0.0, 0.3; symmetries: False, True"),
        (["--preset", "paper"], "method: 'full', 'lora'"),
        (["--held-out", "3"], "held-out questions was 2 when the run began, is now 3"),
        (["--without-fine-tuning"], "nothing to go on with"),
    ],
)
def test_a_resumed_run_keeps_its_settings(base, done, capsys, args, said) -> None:
    assert run("--base", base, "--resume", done, *args) == 2
    assert said in capsys.readouterr().err


def test_a_resumed_run_keeps_its_base(done, tmp_path, capsys) -> None:
    other = save_model(tmp_path / "other", initializer_range=0.1)
    assert run("--base", other, "--resume", done) == 2
    assert "base sha256 was" in capsys.readouterr().err


def test_a_diverging_run_ends_in_words(base, tmp_path, capsys, monkeypatch) -> None:
    def diverge(self, batch):
        raise Diverged("step 1: the loss is nan")

    monkeypatch.setattr(Learner, "train_step", diverge)
    assert run("--base", base, "--out", tmp_path / "o", *FEW, "--held-out", 0) == 1
    assert capsys.readouterr().err == "error: step 1: the loss is nan\n"


def test_a_failed_merge_is_a_failure_that_names_the_adapter(
    base, tmp_path, capsys, monkeypatch
) -> None:
    def fail(*arguments):
        raise MergeError("no tensor model.norm.weight")

    monkeypatch.setattr(base_command, "export", fail)
    out = tmp_path / "o"
    assert run("--base", base, "--out", out, *FEW, "--held-out", 0) == 1
    said = f"error: no tensor model.norm.weight; the adapter itself is in {out / 'adapter'}\n"
    assert capsys.readouterr().err == said


def test_every_option_of_the_group_is_known_and_not_given_by_itself() -> None:
    parser = argparse.ArgumentParser()
    base_command.add_arguments(parser)
    defaults = vars(parser.parse_args([]))
    assert set(defaults) == {"base", *base_command.OPTIONS}
    assert all(value is None or value is False for value in defaults.values())
