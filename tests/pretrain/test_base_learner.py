"""Steps over a base model: both engines take the same ones, a cut run ends like a whole one.

pytest tests/pretrain/test_base_learner.py
"""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from kit.engine.shape import ModelError  # noqa: E402
from kit.pretrain import base_learner  # noqa: E402
from kit.pretrain.base_engine import EngineBase  # noqa: E402
from kit.pretrain.base_learner import (  # noqa: E402
    CHECKPOINT,
    CheckpointError,
    Diverged,
    Learner,
    read_checkpoint,
)
from kit.pretrain.base_settings import BaseConfig  # noqa: E402
from kit.pretrain.base_transformers import TransformersBase  # noqa: E402
from tests.pretrain.base_models import save_model, tiny_batch  # noqa: E402

LORA = BaseConfig(rank=4, alpha=8.0, lr=0.02, max_steps=4, warmup_steps=1, batch_tasks=2)
FULL = replace(LORA, method="full", lr=1e-3)
ENGINES = {"torch": EngineBase, "transformers": TransformersBase}
BATCHES = [tiny_batch(8)[i : i + 2] for i in range(0, 8, 2)]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A tiny Llama."""
    torch.set_num_threads(1)
    return save_model(tmp_path_factory.mktemp("base"))


def open_learner(base, config, engine="torch") -> Learner:
    """A learner on the tiny Llama."""
    return Learner(ENGINES[engine](base, "float32", "cpu", config), config)


def losses(learner: Learner, steps: range = range(4)) -> list[float]:
    """Losses of some steps."""
    return [learner.train_step(BATCHES[i]) for i in steps]


@pytest.mark.parametrize("config", [LORA, FULL], ids=["lora", "full"])
def test_both_engines_take_the_same_steps(base, config) -> None:
    ours, theirs = (losses(open_learner(base, config, engine)) for engine in ENGINES)
    assert ours == pytest.approx(theirs, rel=2e-4)
    assert len(set(ours)) == 4


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("config", [LORA, FULL], ids=["lora", "full"])
def test_the_loss_falls_where_it_was_trained(base, config, engine) -> None:
    learner = open_learner(base, replace(config, max_steps=12), engine)
    before, _ = learner.evaluate(BATCHES[0])
    for _ in range(12):
        learner.train_step(BATCHES[0])
    after, _ = learner.evaluate(BATCHES[0])
    assert after < before - 0.1
    assert (learner.step, learner.tokens) == (12, 12 * sum(map(len, BATCHES[0])))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("config", [LORA, FULL], ids=["lora", "full"])
def test_recomputing_changes_nothing_but_memory(base, config, engine) -> None:
    plain = losses(open_learner(base, config, engine), range(2))
    again = losses(open_learner(base, replace(config, recompute=True), engine), range(2))
    assert plain == pytest.approx(again, rel=1e-5)


def test_small_pieces_give_the_gradient_of_the_whole_batch(base, monkeypatch) -> None:
    whole = losses(open_learner(base, LORA))
    monkeypatch.setattr(base_learner, "CPU_PIECE_TOKENS", 1)
    assert losses(open_learner(base, LORA)) == pytest.approx(whole, rel=1e-4)


@pytest.mark.parametrize("config", [LORA, FULL], ids=["lora", "full"])
def test_a_resumed_run_equals_an_undisturbed_one(base, config, tmp_path) -> None:
    whole = open_learner(base, config)
    wanted = losses(whole)
    first = open_learner(base, config)
    losses(first, range(2))
    first.seconds = 12.5
    first.save(tmp_path, {"format": "cells"})
    again = open_learner(base, config)
    again.load(tmp_path)
    assert (again.step, again.seconds) == (2, 12.5)
    assert losses(again, range(2, 4)) == wanted[2:]
    pairs = zip(whole.trained.parameters.values(), again.trained.parameters.values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert read_checkpoint(tmp_path).notes == {"format": "cells"}


def test_a_checkpoint_before_the_first_step_can_be_gone_on_from(base, tmp_path) -> None:
    open_learner(base, LORA).save(tmp_path, {})
    again = open_learner(base, LORA)
    again.load(tmp_path)
    assert losses(again) == losses(open_learner(base, LORA))


def test_the_frozen_base_is_not_touched(base) -> None:
    learner = open_learner(base, LORA)
    before = [t.clone() for t in learner.trained._model.weights.tensors()]
    losses(learner)
    after = learner.trained._model.weights.tensors()
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_an_answer_is_right_if_greedy_decoding_would_write_it(base) -> None:
    learner = open_learner(base, replace(FULL, lr=0.02, max_steps=60))
    one = [BATCHES[0][0]]
    assert learner.evaluate(one)[1] == 0.0
    for _ in range(60):
        learner.train_step(one)
    assert learner.evaluate(one)[1] == 1.0
    end = len(one[0])
    wrong = one[0].tokens.copy()
    wrong[end - 2 if wrong[end - 2] < 10 else end - 3] ^= 1
    changed = [type(one[0])(wrong, one[0].positions, one[0].output_spans)]
    assert learner.evaluate(changed)[1] == 0.0


def test_a_step_that_is_not_finite_is_refused_and_changes_nothing(base) -> None:
    learner = open_learner(base, FULL)
    losses(learner, range(1))
    with torch.no_grad():
        learner.trained.parameters["w0"][0, 0] = float("nan")
    before = learner.trained.parameters["w1"].clone()
    with pytest.raises(Diverged, match=r"step 2: the loss is .*; a smaller --lr"):
        learner.train_step(tiny_batch(2))
    assert torch.equal(learner.trained.parameters["w1"], before)
    assert learner.step == 1


def test_a_damaged_checkpoint_is_refused(base, tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing to go on from"):
        read_checkpoint(tmp_path)
    (tmp_path / CHECKPOINT).write_bytes(b"no weights")
    with pytest.raises(CheckpointError, match="no checkpoint of --base training"):
        read_checkpoint(tmp_path)


def test_a_checkpoint_of_another_model_is_refused(base, tmp_path) -> None:
    open_learner(base, LORA).save(tmp_path, {})
    other = save_model(tmp_path / "other", hidden_size=48)
    with pytest.raises(CheckpointError, match="missing or of another shape"):
        open_learner(other, LORA).load(tmp_path)


def test_another_architecture_trains_through_transformers(tmp_path) -> None:
    other = save_model(tmp_path, family="GPTNeoX")
    with pytest.raises(ModelError, match="gpt_neox"):
        EngineBase(other, "float32", "cpu", LORA)
    learner = open_learner(other, replace(LORA, max_steps=8), "transformers")
    assert set(learner.trained.targets) == {
        "query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h",
    }  # fmt: skip
    before, _ = learner.evaluate(BATCHES[0])
    for _ in range(8):
        learner.train_step(BATCHES[0])
    assert learner.evaluate(BATCHES[0])[0] < before


@pytest.mark.skipif(find_spec("bitsandbytes") is not None, reason="bitsandbytes is installed")
def test_four_bits_without_their_package_are_refused(base) -> None:
    with pytest.raises(ModelError, match="needs the package bitsandbytes"):
        open_learner(base, replace(LORA, method="4bit"), "transformers")


def test_four_bits_train_and_count_as_the_whole_model(base) -> None:
    pytest.importorskip("bitsandbytes")
    config = replace(LORA, method="4bit", max_steps=8)
    learner = open_learner(base, config, "transformers")
    plain = open_learner(base, LORA, "transformers")
    assert learner.trained.num_weights == pytest.approx(plain.trained.num_weights, rel=0.05)
    before, _ = learner.evaluate(BATCHES[0])
    assert before == pytest.approx(plain.evaluate(BATCHES[0])[0], rel=0.1)
    for _ in range(8):
        learner.train_step(BATCHES[0])
    assert learner.evaluate(BATCHES[0])[0] < before - 0.05
