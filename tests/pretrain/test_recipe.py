"""Training steps: same seed same weights, also through a checkpoint; the export loads anywhere.

pytest tests/pretrain/test_recipe.py
"""

from __future__ import annotations

import hashlib
import itertools
import threading
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from kit.arc.datasets import load_dataset  # noqa: E402
from kit.encode import open_encoding  # noqa: E402
from kit.encode.cells import LINE  # noqa: E402
from kit.engine.llama import PackedCausal, forward  # noqa: E402
from kit.engine.model import open_model  # noqa: E402
from kit.pretrain.corpus import Corpus, CorpusConfig, rules_of_pairs  # noqa: E402
from kit.pretrain.drawing import drawing_processes, drawn_batches  # noqa: E402
from kit.pretrain.export import export_run  # noqa: E402
from kit.pretrain.muon import orthogonalise  # noqa: E402
from kit.pretrain.recipe import STABLE, Limits, resume, train  # noqa: E402
from kit.pretrain.run import CHECKPOINT, CheckpointError, Run  # noqa: E402
from kit.pretrain.sequences import ALIGNED, chunks, deal, draw_batch  # noqa: E402
from kit.pretrain.settings import (  # noqa: E402
    SIZES,
    PretrainConfig,
    Schedule,
    schedule_from_now,
    schedule_of_steps,
)
from kit.pretrain.sources import Sources, held_out_questions  # noqa: E402

SHAPE = replace(SIZES["1m"], hidden=32, num_layers=2, num_heads=2, num_kv_heads=2, head_dim=16)
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


def same(one: Run, other: Run) -> bool:
    """Whether weights and their averages are equal to the bit."""
    pairs = zip(weights_of(one), weights_of(other), strict=True)
    averages = zip(one.average.tensors(), other.average.tensors(), strict=True)
    return all(torch.equal(a, b) for a, b in [*pairs, *averages])


def test_a_resumed_run_equals_an_undisturbed_one(corpus, tmp_path) -> None:
    whole = Run(SHAPE, CONFIG, 1)
    assert train(whole, corpus, {}, Limits(num_steps=6), tmp_path / "a")
    first = Run(SHAPE, CONFIG, 1)
    first.schedule = schedule_of_steps(CONFIG, 6)
    for step in range(3):
        first.train_step(draw_batch(corpus, CONFIG, step))
    first.save(tmp_path / "b" / CHECKPOINT)
    again = Run(SHAPE, CONFIG, 1)
    resume(again, tmp_path / "b")
    assert again.step == 3
    train(again, corpus, {}, Limits(num_steps=6), tmp_path / "b")
    last = Run(SHAPE, CONFIG, 1)
    last.load(tmp_path / "b" / CHECKPOINT)
    assert last.step == 6 and last.tokens == whole.tokens
    assert same(whole, last)


def test_a_finished_run_goes_on_as_if_it_had_never_decayed(corpus, tmp_path) -> None:
    assert train(Run(SHAPE, CONFIG, 1), corpus, {}, Limits(num_steps=10), tmp_path)
    again = Run(SHAPE, CONFIG, 1)
    resume(again, tmp_path)
    stable = schedule_of_steps(CONFIG, 10).decay_begin
    assert (again.step, again.schedule) == (stable, Schedule(CONFIG.warmup_steps))
    straight = Run(SHAPE, CONFIG, 1)
    for step in range(stable):
        straight.train_step(draw_batch(corpus, CONFIG, step))
    assert same(again, straight)


@pytest.mark.parametrize("limits", [Limits(num_steps=4), Limits(seconds=9.0)])
def test_a_start_that_is_followed_by_another_need_not_decay(corpus, tmp_path, limits) -> None:
    run, ticks = Run(SHAPE, CONFIG, 1), itertools.count()
    limits = replace(limits, decays=False)
    assert train(run, corpus, {}, limits, tmp_path, clock=lambda: float(next(ticks)))
    assert run.step > 3 and run.schedule.lr_scale(run.step + 1000) == 1.0
    again = Run(SHAPE, CONFIG, 1)
    resume(again, tmp_path)
    assert again.step == run.step  # nothing was thrown away
    assert train(again, corpus, {}, Limits(num_steps=run.step + 4), tmp_path)
    assert again.schedule.lr_scale(again.step) == 0.0


def test_a_run_of_minutes_decays_before_they_are_over(corpus, tmp_path) -> None:
    run, ticks = Run(SHAPE, CONFIG, 1), iter(range(10_000))
    # The clock moves on with every look: some stable steps, then a decay sized by them.
    assert train(run, corpus, {}, Limits(seconds=15.0), tmp_path, clock=lambda: next(ticks))
    assert run.schedule.decay_begin is not None and run.schedule.decay_begin >= 4
    assert run.step == run.schedule.decay_begin + run.schedule.decay_steps
    assert (tmp_path / STABLE).is_file()


def test_an_end_that_is_not_near_may_be_moved(corpus, tmp_path) -> None:
    first = Run(SHAPE, CONFIG, 1)
    first.schedule = schedule_of_steps(CONFIG, 50)
    first.train_step(draw_batch(corpus, CONFIG, 0))
    first.save(tmp_path / CHECKPOINT)
    for limits, steps in ((Limits(num_steps=5), 5), (Limits(), 50)):
        again = Run(SHAPE, CONFIG, 1)
        resume(again, tmp_path)
        stop = threading.Event()
        if steps == 50:
            stop.set()
        train(again, corpus, {}, limits, tmp_path / f"{steps}", stop)
        begin = again.schedule.decay_begin
        assert begin is not None and begin + again.schedule.decay_steps == steps


def test_a_stopped_run_keeps_what_it_has(corpus, tmp_path) -> None:
    stop, run = threading.Event(), Run(SHAPE, CONFIG, 1)
    stop.set()
    assert not train(run, corpus, {}, Limits(num_steps=5), tmp_path, stop)
    again = Run(SHAPE, CONFIG, 1)
    resume(again, tmp_path)
    assert again.step == 0


def test_a_checkpoint_of_another_shape_or_recipe_is_refused(tmp_path) -> None:
    Run(SHAPE, CONFIG, 1).save(tmp_path / CHECKPOINT)
    with pytest.raises(CheckpointError, match=r"shape was {'hidden': 32}, this run's is"):
        resume(Run(replace(SHAPE, hidden=64), CONFIG, 1), tmp_path)
    with pytest.raises(CheckpointError, match=r"config was {'seed': 0}, this run's is"):
        resume(Run(SHAPE, replace(CONFIG, seed=1), 1), tmp_path)
    with pytest.raises(FileNotFoundError, match="no checkpoint to resume from"):
        resume(Run(SHAPE, CONFIG, 1), tmp_path / "elsewhere")


def test_loss_falls(corpus, tmp_path, capsys) -> None:
    run = Run(SHAPE, CONFIG, 2)
    train(run, corpus, {}, Limits(num_steps=50), tmp_path)
    losses = [float(line.split("loss")[1].split()[0]) for line in _steps(capsys)]
    assert losses[-1] < 0.9 * losses[0]
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 4
    assert "<svg" in (tmp_path / "history.svg").read_text()


def _steps(capsys) -> list[str]:
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith("step")]


def test_the_average_follows_the_weights(corpus) -> None:
    run = Run(SHAPE, CONFIG, 1)
    begin = [t.clone() for t in run.average.tensors()]
    for step in range(3):
        run.train_step(draw_batch(corpus, CONFIG, step))
    ends = zip(begin, run.average.tensors(), weights_of(run), strict=True)
    for first, average, last in ends:
        low, high = torch.minimum(first, last), torch.maximum(first, last)
        moved = (first - last).abs().max()
        assert moved == 0 or (average - last).abs().max() < (first - last).abs().max()
        assert (average >= low - moved).all() and (average <= high + moved).all()


def test_schedule_warms_up_stays_and_decays() -> None:
    schedule = schedule_of_steps(CONFIG, 1000)
    scales = [schedule.lr_scale(step) for step in range(1001)]
    assert scales[0] == pytest.approx(1 / 30)
    assert scales[30:651] == [1.0] * 621
    assert scales[999] == pytest.approx(1 / 350) and scales[1000] == 0.0
    assert schedule.is_over(1000) and not schedule.is_over(999)
    cut = schedule_from_now(CONFIG, 700, 400)
    assert (cut.decay_begin, cut.decay_steps) == (700, round(400 * 0.35 / 0.65))


def test_a_batch_depends_on_seed_and_step_alone_and_mixes_positions(corpus) -> None:
    batches = [draw_batch(corpus, CONFIG, step) for step in range(40)]
    again = draw_batch(corpus, CONFIG, 7)
    assert [e.tokens.tolist() for e in again] == [e.tokens.tolist() for e in batches[7]]
    flat = [e for batch in batches for e in batch]
    lines = [e for e in flat if e.tokens[0] == LINE]
    assert 0.05 < len(lines) / len(flat) < 0.3
    assert all(e.positions.tolist() == list(range(len(e))) for e in lines)


def test_processes_draw_the_batches_that_a_thread_draws(corpus) -> None:
    def first(processes: int) -> list[list[list[int]]]:
        drawn = drawn_batches(corpus, CONFIG, 5, processes)
        taken = [[e.tokens.tolist() for e in next(drawn)] for _ in range(4)]
        drawn.close()
        return taken

    alone = [[e.tokens.tolist() for e in draw_batch(corpus, CONFIG, s)] for s in range(5, 9)]
    assert first(0) == first(2) == alone
    assert drawing_processes("cpu") == 0 < drawing_processes("cuda")


def test_dealing_and_chunking_lose_nothing(corpus) -> None:
    batch = draw_batch(corpus, replace(CONFIG, batch_tokens=5000), 0)
    dealt = deal(batch, 3)
    assert sorted(map(id, batch)) == sorted(id(e) for part in dealt for e in part)
    sizes = [sum(map(len, part)) for part in dealt]
    assert max(sizes) - min(sizes) <= max(map(len, batch))
    groups = chunks(batch, 700)
    assert [id(e) for group in groups for e in group] == [id(e) for e in batch]
    assert all(len(group) == 1 or sum(map(len, group)) <= 700 for group in groups)


def test_orthogonalise_evens_out_singular_values() -> None:
    for rows, columns in ((40, 16), (16, 40), (16, 16)):
        matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(0))
        values = torch.linalg.svdvals(orthogonalise(matrix))
        assert values.max() < 1.3 and values[:-2].min() > 0.5


def test_the_export_gives_the_same_logits_in_transformers(tmp_path) -> None:
    run = Run(SIZES["4m"], PretrainConfig(seed=3), 1)
    with torch.no_grad():
        for layer in run.average.layers:
            layer.o.normal_(std=0.1)
            layer.down.normal_(std=0.1)
    asked = {"development tasks": held_out_questions(0)["development tasks"][:2]}
    export_run(run, Sources([], [], []), tmp_path, asked)
    model = open_model(tmp_path, "float32")
    tokens, positions = torch.arange(30) % 25, 32 * torch.arange(30)
    with torch.inference_mode():
        h = forward(model.shape, model.weights, model.rotary, tokens, positions, PackedCausal([30]))
        theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)(
            tokens[None], attention_mask=torch.ones(1, 30), position_ids=positions[None]
        ).logits[0]
    assert torch.allclose(h @ model.weights.head.T, theirs, atol=1e-4)
    assert open_encoding(tmp_path).name == "cells"
    assert open_encoding(tmp_path, positions="contiguous").name == "cells"
    card = (tmp_path / "README.md").read_text()
    digest = hashlib.sha256((tmp_path / "model.safetensors").read_bytes()).hexdigest()
    assert digest in card and "3,545,088 weights" in card
    loss, right = run.evaluate([ALIGNED.encode(view) for view in asked["development tasks"]])
    assert f"development tasks {loss:.3f} ({right:.1%} all right)" in card
    words = transformers.AutoTokenizer.from_pretrained(tmp_path)("<input> i0 i9 <row_in> o3")
    assert words["input_ids"] == [22, 10, 19, 21, 3]
    assert max(f.stat().st_size for f in tmp_path.iterdir()) <= 15_100_000
