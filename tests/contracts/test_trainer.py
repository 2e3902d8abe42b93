"""What every trainer promises. To add a backend, add one line to TRAINERS.

Unsloth must be imported before transformers and peft, so that its part has a command of its own:
python -m pytest -p unsloth -m unsloth tests/contracts/test_trainer.py
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

from kit.arc.task import Pair  # noqa: E402
from kit.augment.views import View  # noqa: E402
from kit.encode.cells import CellEncoding  # noqa: E402
from kit.engine.model import open_model  # noqa: E402
from kit.finetune.adapter_dir import load_adapter_weights, read_lora_settings  # noqa: E402
from kit.finetune.loss_mask import loss_mask  # noqa: E402
from kit.finetune.peft_trainer import PeftTrainer  # noqa: E402
from kit.finetune.torch_trainer import TorchTrainer  # noqa: E402
from kit.finetune.trainer import FinetuneConfig  # noqa: E402
from kit.finetune.unsloth_trainer import UnslothTrainer  # noqa: E402


def _open_peft(path: Path, encoding, config):
    trainer = PeftTrainer(path, "float32", encoding, config)
    named = trainer.model.named_parameters
    return trainer, lambda: [tensor for name, tensor in named() if "lora_" not in name]


def _open_torch(path: Path, encoding, config):
    model = open_model(path, "float32")
    return TorchTrainer(model, encoding, config), lambda: list(model.weights.tensors())


def _open_unsloth(path: Path, encoding, config):
    if "unsloth" not in sys.modules:
        pytest.skip("unsloth is imported first with: python -m pytest -p unsloth -m unsloth")
    if config.method == "full":
        pytest.skip("trains LoRA adapters only")
    trainer = UnslothTrainer(path, "float32", encoding, config)
    named = trainer.model.named_parameters
    return trainer, lambda: [tensor for name, tensor in named() if "lora_" not in name]


TRAINERS = {"peft": _open_peft, "torch": _open_torch, "unsloth": _open_unsloth}
"""Name -> open(model folder, encoding, config) in float32: the trainer, and its base weights."""

BACKENDS = ("peft", "torch", pytest.param("unsloth", marks=pytest.mark.unsloth))

LORA = FinetuneConfig(rank=4, alpha=8.0, lr=1e-2, batch_views=2)
FULL = dataclasses.replace(LORA, method="full", lr=3e-3)
CONFIGS = {"lora": LORA, "full": FULL}


@pytest.fixture(params=BACKENDS)
def open_trainer(request, model_path, encoding):
    """`open_trainer(config)` for each backend; closed after the test."""
    opened = []

    def make(config=LORA, encoding=encoding):
        trainer, base_weights = TRAINERS[request.param](model_path, encoding, config)
        opened.append(trainer)
        return SimpleNamespace(fit=trainer.fit, base_weights=base_weights)

    yield make
    for trainer in opened:
        trainer.close()


@pytest.fixture(params=CONFIGS)
def config(request):
    return CONFIGS[request.param]


def adapter_bytes(adapter) -> bytes:
    (path,) = adapter.path.glob("*.safetensors")
    return path.read_bytes()


def assert_folder_is_clean(folder: Path) -> None:
    """Nothing temporary is left beside adapters."""
    assert [p.name for p in folder.iterdir() if p.name.startswith(".")] == []


def test_no_steps_leave_the_base_logits(
    open_trainer, encoding, make_views, never, tmp_path, reference
):
    adapter, report = open_trainer().fit("t", make_views(0, 2), 0, 7, tmp_path / "a", never)
    assert (report.steps, report.losses, report.stopped) == (0, (), "done")
    encoded = encoding.encode(make_views(0, 1)[0])
    plain = reference(encoded.tokens, encoded.positions)
    adapted = reference(encoded.tokens, encoded.positions, adapter)
    np.testing.assert_array_equal(plain, adapted)


def test_first_loss_is_that_of_the_base_model(
    open_trainer, encoding, make_views, never, tmp_path, reference
):
    """Fails where padding, the shift of labels, the mask, or positions read as packed sequences
    are wrong: the reference runs every view alone."""
    views = make_views(1, 3)
    for loss_on in ("outputs", "target", "all"):
        config = dataclasses.replace(LORA, batch_views=3, loss_on=loss_on)
        _, report = open_trainer(config).fit("t", views, 1, 0, tmp_path / loss_on, never)
        losses = []
        for encoded in map(encoding.encode, views):
            logits = reference(encoded.tokens, encoded.positions).astype(np.float64)
            logprobs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
            targets = np.flatnonzero(loss_mask(encoded, loss_on))
            losses += (-logprobs[targets - 1, encoded.tokens[targets]]).tolist()
        assert report.losses[0] == pytest.approx(np.mean(losses), abs=1e-4)
        assert report.tokens == sum(len(encoding.encode(view)) for view in views)


def test_loss_falls_on_a_repeated_task(open_trainer, config, make_views, never, tmp_path):
    _, report = open_trainer(config).fit("t", make_views(2, 2), 30, 0, tmp_path / "a", never)
    assert report.steps == len(report.losses) == 30
    assert report.stopped == "done"
    assert np.mean(report.losses[-3:]) < 0.8 * np.mean(report.losses[:3])


def test_epochs_end_a_fit_as_if_so_many_steps_were_planned(
    open_trainer, make_views, never, tmp_path
):
    """Bit for bit, so that the learning rate has come down to its end too."""
    views = make_views(8, 3)
    two_epochs = open_trainer(dataclasses.replace(LORA, epochs=2))
    cut, report = two_epochs.fit("t", views, 250, 0, tmp_path / "cut", never)
    planned, _ = open_trainer().fit("t", views, 4, 0, tmp_path / "planned", never)
    assert (report.steps, report.stopped) == (4, "done")
    assert adapter_bytes(cut) == adapter_bytes(planned)
    _, few = two_epochs.fit("t", views, 3, 0, tmp_path / "few", never)
    assert few.steps == 3


def copies(tensors):
    return [tensor.detach().clone() for tensor in tensors]


def test_base_weights_are_bit_equal_after_fits(open_trainer, config, make_views, never, tmp_path):
    trainer = open_trainer(config)
    before = copies(trainer.base_weights())
    trainer.fit("t", make_views(3, 3), 4, 0, tmp_path / "a", never)
    assert all(map(torch.equal, before, trainer.base_weights()))


def test_fits_do_not_influence_each_other(open_trainer, config, make_views, never, tmp_path):
    """A is the same before B, after B was fitted, and when fitted again behind B."""
    trainer = open_trainer(config)
    a_views, b_views = make_views(4, 3), make_views(5, 2)
    first, _ = trainer.fit("a", a_views, 3, 11, tmp_path / "a", never)
    kept = adapter_bytes(first)
    other, _ = trainer.fit("b", b_views, 5, 12, tmp_path / "b", never)
    again, _ = trainer.fit("a", a_views, 3, 11, tmp_path / "a2", never)
    assert adapter_bytes(first) == kept == adapter_bytes(again)
    assert adapter_bytes(other) != kept
    assert first.sha256 == again.sha256
    assert load_adapter_weights(first).keys() >= load_adapter_weights(again).keys()


def test_the_seed_decides(open_trainer, make_views, never, tmp_path):
    views = make_views(6, 5)
    one, _ = open_trainer().fit("t", views, 3, 1, tmp_path / "one", never)
    same, _ = open_trainer().fit("t", views, 3, 1, tmp_path / "same", never)
    other, _ = open_trainer().fit("t", views, 3, 2, tmp_path / "other", never)
    assert adapter_bytes(one) == adapter_bytes(same) != adapter_bytes(other)


@pytest.mark.parametrize("other", [p for p in BACKENDS if p != "peft"])
def test_backends_train_alike(other, model_path, encoding, config, make_views, never, tmp_path):
    """Same start, same batches, same schedule: the same losses, step by step, in float32."""
    config = dataclasses.replace(config, lr=3e-3, weight_decay=0.01)
    losses = []
    for name in ("peft", other):
        trainer, _ = TRAINERS[name](model_path, encoding, config)
        _, report = trainer.fit("t", make_views(13, 5), 12, 3, tmp_path / name, never)
        losses.append(report.losses)
        trainer.close()
    assert losses[1] == pytest.approx(losses[0], rel=2e-3)


def test_dropout_is_seeded_without_touching_the_global_generator(
    open_trainer, make_views, never, tmp_path
):
    config = dataclasses.replace(LORA, dropout=0.5)
    views = make_views(6, 2)
    state = torch.random.get_rng_state()
    one, _ = open_trainer(config).fit("t", views, 3, 1, tmp_path / "one", never)
    assert torch.equal(torch.random.get_rng_state(), state)
    same, _ = open_trainer(config).fit("t", views, 3, 1, tmp_path / "same", never)
    plain, _ = open_trainer(LORA).fit("t", views, 3, 1, tmp_path / "plain", never)
    assert adapter_bytes(one) == adapter_bytes(same) != adapter_bytes(plain)


def test_a_past_deadline_stops_at_once(open_trainer, config, make_views, past, tmp_path):
    adapter, report = open_trainer(config).fit("t", make_views(7, 2), 50, 0, tmp_path / "a", past)
    assert (report.steps, report.stopped) == (0, "deadline")
    load_adapter_weights(adapter)


def test_a_deadline_in_the_middle_keeps_what_was_learnt(
    open_trainer, make_views, after_looks, tmp_path
):
    soon = after_looks(6)
    adapter, report = open_trainer().fit("t", make_views(8, 2), 1000, 0, tmp_path / "a", soon)
    assert 0 < report.steps < 10
    assert report.stopped == "deadline"
    assert any(np.any(w) for n, w in load_adapter_weights(adapter).items() if "lora_B" in n)


@pytest.mark.parametrize("lr", [1e25, 1e30])
def test_a_broken_rate_leaves_the_last_finite_state(
    open_trainer, config, make_views, never, tmp_path, lr
):
    trainer = open_trainer(dataclasses.replace(config, lr=lr))
    before = copies(trainer.base_weights())
    adapter, report = trainer.fit("t", make_views(9, 2), 12, 0, tmp_path / "a", never)
    assert report.stopped == "nan"
    assert report.steps == len(report.losses) < 12
    assert all(np.isfinite(w).all() for w in load_adapter_weights(adapter).values())
    assert all(map(torch.equal, before, trainer.base_weights()))


def test_stock_peft_reads_the_folder(
    open_trainer, encoding, make_views, never, tmp_path, reference
):
    adapter, _ = open_trainer().fit("t", make_views(10, 2), 4, 0, tmp_path / "a", never)
    assert adapter.path == tmp_path / "a"
    assert_folder_is_clean(tmp_path)
    settings = read_lora_settings(adapter)
    assert (settings.rank, settings.alpha, settings.targets) == (4, 8.0, LORA.targets)
    encoded = encoding.encode(make_views(10, 1)[0])
    plain = reference(encoded.tokens, encoded.positions)
    adapted = reference(encoded.tokens, encoded.positions, adapter)
    assert np.abs(plain - adapted).max() > 1e-3


def test_an_older_adapter_is_replaced(open_trainer, make_views, never, tmp_path):
    trainer = open_trainer()
    old, _ = trainer.fit("t", make_views(11, 2), 1, 0, tmp_path / "a", never)
    new, _ = trainer.fit("t", make_views(11, 2), 2, 0, tmp_path / "a", never)
    assert old.sha256 != new.sha256
    load_adapter_weights(new)
    assert_folder_is_clean(tmp_path)


def test_views_that_do_not_fit_are_skipped(open_trainer, make_views, never, tmp_path):
    big = ((1,) * 30,) * 30
    too_long = View("t", None, (Pair(big, big),), big, big)
    short = CellEncoding("aligned", max_tokens=400)
    trainer = open_trainer(encoding=short)
    _, report = trainer.fit("t", [too_long, *make_views(12, 1)], 2, 0, tmp_path / "a", never)
    assert (report.steps, report.tokens) == (2, 2 * len(short.encode(make_views(12, 1)[0])))
    with pytest.raises(ValueError, match="task t: none of 1 training views"):
        trainer.fit("t", [too_long], 2, 0, tmp_path / "b", never)
    assert not (tmp_path / "b").exists()


def test_no_views_are_refused(open_trainer, never, tmp_path):
    with pytest.raises(ValueError, match="task t: none of 0 training views"):
        open_trainer().fit("t", [], 2, 0, tmp_path / "a", never)


def test_a_target_the_model_has_not_is_refused(open_trainer):
    config = dataclasses.replace(LORA, targets=("q_proj", "gate_prj"))
    with pytest.raises(ValueError, match=r"'gate_prj'.*gate_proj"):
        open_trainer(config)
