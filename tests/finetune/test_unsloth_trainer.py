"""Unsloth: refusals that need no Unsloth; and, with it, 4 bits and the loss in parts.

python -m pytest -p unsloth -m unsloth tests/finetune/test_unsloth_trainer.py
"""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from kit.budget.clock import Deadline, SystemClock  # noqa: E402
from kit.encode.cells import CellEncoding  # noqa: E402
from kit.engine.shape import ModelError  # noqa: E402
from kit.finetune import unsloth_trainer  # noqa: E402
from kit.finetune.trainer import FinetuneConfig  # noqa: E402
from kit.finetune.unsloth_trainer import (  # noqa: E402
    EngineError,
    UnslothTrainer,
    head_loss_sum,
    import_unsloth,
)

ROOT = Path(__file__).parents[2]
NEVER = Deadline(math.inf, SystemClock())


def open_trainer(path: Path, **options) -> UnslothTrainer:
    config = FinetuneConfig(rank=4, alpha=8.0, lr=1e-2, batch_views=2, **options)
    return UnslothTrainer(path, "float32", CellEncoding(), config)


def test_importing_the_module_imports_no_engine() -> None:
    code = (
        "import sys, kit.finetune.unsloth_trainer, kit.solve.toolbox\n"
        "print([n for n in ('unsloth', 'transformers', 'peft', 'trl') if n in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ran.stdout == "[]\n", ran.stderr


@pytest.mark.skipif("unsloth" in sys.modules, reason="it came first in this process")
def test_coming_too_late_is_refused(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", sys)
    monkeypatch.delitem(sys.modules, "peft", raising=False)
    monkeypatch.delitem(sys.modules, "trl", raising=False)
    with pytest.raises(EngineError, match=r"patches transformers and must be imported first.*pool"):
        import_unsloth()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ModuleNotFoundError("no", name="unsloth"), r"needs the package unsloth.*offline_wheels"),
        (ModuleNotFoundError("no", name="trl"), r"needs the package trl"),
        (NotImplementedError("no accelerator?\nmore"), "does not work on this machine: no accel.*"),
        (ImportError("libcudart.so.13"), "does not work on this machine: libcudart"),
    ],
)
def test_an_install_that_does_not_work_is_said_in_one_line(monkeypatch, error, message) -> None:
    def fail(name: str):
        raise error

    for name in ("unsloth", "vllm", *unsloth_trainer.PATCHED):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(unsloth_trainer.importlib, "import_module", fail)
    monkeypatch.setattr(unsloth_trainer.os, "environ", {})
    with pytest.raises(EngineError, match=message) as caught:
        import_unsloth()
    assert "\n" not in str(caught.value)
    assert find_spec("vllm") is None, "Unsloth shall not find it"
    monkeypatch.setitem(sys.modules, "vllm", sys)
    with pytest.raises(EngineError, match="vllm is in use in this process"):
        import_unsloth()


def test_folders_and_options_are_refused_before_anything_is_imported(
    model_path: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(unsloth_trainer, "import_unsloth", lambda: pytest.fail("imported"))
    with pytest.raises(ValueError, match=r"LoRA adapters, got finetune.method=full"):
        open_trainer(model_path, method="full")
    with pytest.raises(FileNotFoundError, match=r"needs config.json"):
        open_trainer(tmp_path)
    folder = Path(shutil.copytree(model_path, tmp_path / "copy"))
    (folder / "tokenizer_config.json").unlink()
    with pytest.raises(ModelError, match=r"no tokenizer_config\.json"):
        open_trainer(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "gemma"}))
    with pytest.raises(ModelError, match="gemma"):
        open_trainer(folder)


@pytest.mark.parametrize(("found", "refused"), [((6, 0), True), ((7, 5), False)])
def test_a_p100_is_refused_with_the_reason(monkeypatch, found, refused: bool) -> None:
    cuda = unsloth_trainer.torch.cuda
    monkeypatch.setattr(cuda, "get_device_capability", lambda device: found)
    monkeypatch.setattr(cuda, "get_device_name", lambda device: "Tesla P100-PCIE-16GB")
    if refused:
        with pytest.raises(EngineError, match=r"P100.* compute capability 6.0.*7.0 \(T4 or newer"):
            unsloth_trainer._check_device("cuda")
    else:
        unsloth_trainer._check_device("cuda")
    unsloth_trainer._check_device("cpu")


def test_a_loss_in_parts_has_the_same_gradient(monkeypatch) -> None:
    generator = torch.Generator().manual_seed(0)
    head = torch.nn.Linear(8, 50, bias=False).requires_grad_(False)
    hidden = torch.randn(23, 8, generator=generator)
    labels = torch.randint(0, 50, (23,), generator=generator)
    found = []
    for rows in (1000, 5, 1):
        monkeypatch.setattr(unsloth_trainer, "HEAD_BYTES", 4 * 50 * rows)
        leaf = hidden.clone().requires_grad_()
        loss = head_loss_sum(head, leaf, labels)
        loss.backward()
        found.append((loss.detach(), leaf.grad))
    for loss, gradient in found[1:]:
        torch.testing.assert_close(loss, found[0][0])
        torch.testing.assert_close(gradient, found[0][1])


@pytest.fixture
def imported_first() -> None:
    if "unsloth" not in sys.modules:
        pytest.skip("unsloth is imported first with: python -m pytest -p unsloth -m unsloth")


@pytest.mark.unsloth
@pytest.mark.usefixtures("imported_first")
def test_it_trains_on_a_base_in_4_bits(model_path, views, tmp_path) -> None:
    """The same losses as stock peft on the same 4-bit base: on a CPU, both are bitsandbytes'."""
    from kit.finetune.peft_trainer import PeftTrainer

    trainer = open_trainer(model_path, quantize="nf4")
    layers = [m for n, m in trainer.model.named_modules() if n.endswith("proj.base_layer")]
    assert {type(layer).__name__ for layer in layers} == {"Linear4bit"}
    assert {p.dtype for p in trainer.model.parameters() if p.requires_grad} == {torch.float32}
    _, report = trainer.fit("t", views, 8, 0, tmp_path / "a", NEVER)
    config = FinetuneConfig(rank=4, alpha=8.0, lr=1e-2, batch_views=2, quantize="nf4")
    reference = PeftTrainer(model_path, "float32", CellEncoding(), config)
    _, expected = reference.fit("t", views, 8, 0, tmp_path / "b", NEVER)
    assert report.losses[-1] < report.losses[0]
    assert report.losses == pytest.approx(expected.losses, rel=1e-3)


@pytest.mark.unsloth
@pytest.mark.usefixtures("imported_first")
def test_what_cannot_be_held_in_4_bits_is_refused(model_path, monkeypatch) -> None:
    monkeypatch.setattr("unsloth_zoo.cpu.loader.cpu_bnb_4bit_supported", lambda: False)
    with pytest.raises(ModelError, match="cannot hold this model in 4 bits"):
        open_trainer(model_path, quantize="nf4")


@pytest.mark.unsloth
@pytest.mark.usefixtures("imported_first")
def test_recomputing_activations_changes_nothing(model_path, views, tmp_path) -> None:
    losses = [
        open_trainer(model_path, checkpointing=name)
        .fit("t", views, 3, 0, tmp_path / name, NEVER)[1]
        .losses
        for name in ("on", "off")
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


@pytest.mark.unsloth
@pytest.mark.usefixtures("imported_first")
def test_opening_leaves_the_global_generator_alone(model_path) -> None:
    before = torch.random.get_rng_state()
    open_trainer(model_path)
    assert torch.equal(torch.random.get_rng_state(), before)
