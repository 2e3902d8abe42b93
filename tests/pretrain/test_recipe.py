"""Training steps: same seed same weights, also through a checkpoint; the export loads anywhere.

pytest tests/pretrain/test_recipe.py
"""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from kit.arc.datasets import load_dataset  # noqa: E402
from kit.encode import open_encoding  # noqa: E402
from kit.encode.cells import CellEncoding  # noqa: E402
from kit.engine.llama import PackedCausal, forward  # noqa: E402
from kit.engine.model import open_model  # noqa: E402
from kit.pretrain.corpus import Corpus, CorpusConfig, rules_of_pairs  # noqa: E402
from kit.pretrain.export import export_model, model_card  # noqa: E402
from kit.pretrain.muon import orthogonalise  # noqa: E402
from kit.pretrain.recipe import draw_batch, lr_scale, train  # noqa: E402
from kit.pretrain.run import BUNDLED_SHAPE, PretrainConfig, Run  # noqa: E402

SHAPE = replace(BUNDLED_SHAPE, hidden=32, num_layers=2, num_heads=2, num_kv_heads=2, head_dim=16)
CONFIG = PretrainConfig(batch_tokens=1500)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """A few small training tasks."""
    tasks = load_dataset("arc1-train").tasks
    picked = {i: tasks[i].train for i in list(tasks)[:40]}
    return Corpus([], rules_of_pairs(picked), CorpusConfig(long_share=0.0, short_tokens=400))


def weights_of(run: Run) -> list[torch.Tensor]:
    """Copies of all weights."""
    return [t.detach().clone() for t in run.weights.tensors()]


def test_a_resumed_run_equals_an_undisturbed_one(corpus, tmp_path) -> None:
    whole = Run(SHAPE, CONFIG, 1)
    assert train(whole, corpus, {}, 6, tmp_path / "a")
    first = Run(SHAPE, CONFIG, 1)
    for step in range(3):
        batch = draw_batch(corpus, CellEncoding(), CONFIG, step)
        first.train_step(batch, lr_scale(CONFIG, step, 6))
    first.save(tmp_path / "b")
    again = Run(SHAPE, CONFIG, 1)
    again.load(tmp_path / "b")
    assert again.step == 3
    train(again, corpus, {}, 6, tmp_path / "b")
    last = Run(SHAPE, CONFIG, 1)
    last.load(tmp_path / "b")
    assert last.step == 6 and last.tokens == whole.tokens
    pairs = zip(weights_of(whole), weights_of(last), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_loss_falls(corpus, tmp_path, capsys) -> None:
    run = Run(SHAPE, CONFIG, 2)
    train(run, corpus, {}, 50, tmp_path)
    losses = [float(line.split("loss")[1].split()[0]) for line in _steps(capsys)]
    assert losses[-1] < 0.9 * losses[0]


def _steps(capsys) -> list[str]:
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith("step")]


def test_schedule_warms_up_stays_and_decays() -> None:
    scales = [lr_scale(CONFIG, step, 1000) for step in range(1000)]
    assert scales[0] == pytest.approx(1 / 30)
    assert scales[30:750] == [1.0] * 720
    assert scales[-1] == pytest.approx(1 / 250)


def test_orthogonalise_evens_out_singular_values() -> None:
    for rows, columns in ((40, 16), (16, 40), (16, 16)):
        matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(0))
        values = torch.linalg.svdvals(orthogonalise(matrix))
        assert values.max() < 1.3 and values[:-2].min() > 0.5


def test_the_export_gives_the_same_logits_in_transformers(tmp_path) -> None:
    run = Run(BUNDLED_SHAPE, PretrainConfig(seed=3), 1)
    with torch.no_grad():
        for layer in run.weights.layers:
            layer.o.normal_(std=0.1)
            layer.down.normal_(std=0.1)
    export_model(run.weights, run.shape, tmp_path, model_card(run, 1, 2, 3))
    model = open_model(tmp_path, "float32")
    tokens, positions = torch.arange(30) % 25, 32 * torch.arange(30)
    with torch.inference_mode():
        h = forward(model.shape, model.weights, model.rotary, tokens, positions, PackedCausal([30]))
        theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)(
            tokens[None], attention_mask=torch.ones(1, 30), position_ids=positions[None]
        ).logits[0]
    assert torch.allclose(h @ model.weights.head.T, theirs, atol=1e-4)
    assert open_encoding(tmp_path).name == "cells"
    words = transformers.AutoTokenizer.from_pretrained(tmp_path)("<input> i0 i9 <row_in> o3")
    assert words["input_ids"] == [22, 10, 19, 21, 3]
    assert max(f.stat().st_size for f in tmp_path.iterdir()) <= 15_100_000
