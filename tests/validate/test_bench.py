"""`python -m kit bench`: reports that say where and how, for tiny random models.

pytest tests/validate/test_bench.py
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("peft")
pytest.importorskip("accelerate")

from kit import bench  # noqa: E402
from kit.encode.cells import VOCAB, CellEncoding  # noqa: E402
from kit.generate.sampler import Completion  # noqa: E402
from kit.validate import bench_parity, bench_report  # noqa: E402
from kit.validate.bench_report import Spread, ratio_text  # noqa: E402
from kit.validate.bench_sampling import GENERATE, KIT, OneToken, with_guess  # noqa: E402
from kit.validate.bench_tasks import development_tasks, nearest_questions, spread_over_sizes  # noqa: E402


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama of one layer that reads cells."""
    config = transformers.LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=32768,
        tie_word_embeddings=True,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = transformers.LlamaForCausalLM(config)
    folder = tmp_path_factory.mktemp("tiny_llama")
    made.save_pretrained(folder)
    (folder / "arc_format.json").write_text('{"format": "cells", "positions": "aligned"}')
    return folder


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch):
    """Small products, and the number of threads put back."""
    monkeypatch.setattr(bench_report, "MATMUL_SIZE", 32)
    monkeypatch.setattr(bench_report, "MATMUL_S", 0.001)
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def overrides(model: Path) -> list[str]:
    return [f"solve.model={model}", "solve.dtype=float32", "finetune.rank=2"]


def test_train_measures_everyone_on_the_same_views(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["train", "--tasks", "2", "--views", "4", "--max-tokens", "300", "--repeat", "2"]
    assert bench.main([*argv, "--batches", "2", "--json", *overrides(model)]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["command"].startswith("python -m kit bench train --tasks 2")
    assert found["machine"]["threads"] == 1 and found["seed"] == 0
    assert list(found["tokens_per_s"]) == [
        "kit",
        "transformers.Trainer, batch 2",
        "kit, solve.trainer=peft",
    ]
    assert all(len(rates) == 2 and min(rates) > 0 for rates in found["tokens_per_s"].values())
    assert len(found["view_tokens"]) == 4 and found["dtype"] == "float32"


def test_sample_measures_and_compares(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["sample", "--views", "2", "--context", "80", "--repeat", "1", "--seconds", "0.4"]
    argv += ["--adapters", "2", "--adapter-views", "1"]
    assert bench.main([*argv, *overrides(model)]) == 0
    out = capsys.readouterr().out
    for words in ("machine  ", "GFLOP/s", "seed     0", "2 of 2", f"{KIT} over {GENERATE}"):
        assert words in out
    assert "all adapters in one call" in out and "answers equal: " in out


def test_what_cannot_be_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for argv, words in (
        (["trian"], "trian: no such benchmark (did you mean 'train'?)"),
        (["train", "--thread", "2"], "--thread: no such option (did you mean '--threads'?)"),
        (["train", "--threads", "-1"], "--threads must be 1 or more"),
        (["train", "finetune.lrr=1"], "did you mean 'finetune.lr'"),
        (["train", "finetune.method=full"], "finetune.method must be lora"),
        (["sample", "--views", "0"], "--views and --repeat must be 1 or more"),
        (["kills", "--times", "0"], "--times, --tasks and --workers must be 1 or more"),
        (["faults", "--runs", "0"], "--runs, --tasks and --workers must be 1 or more"),
        (["workers", "--tasks", "2"], "--tasks more than --workers"),
    ):
        assert bench.main(argv) == 2
        err = capsys.readouterr().err
        assert words in err and "Traceback" not in err


def test_help_lists_all_benchmarks(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main([]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in bench.BENCHES)


def test_ratios_are_of_medians_with_the_range_of_pairs() -> None:
    ours, theirs = Spread((10.0, 20.0, 40.0)), Spread((5.0, 5.0, 20.0))
    assert ours.text() == "20 (10-40)"
    assert ratio_text(ours, theirs) == "4.00x (2.00-4.00)"
    with pytest.raises(ValueError, match="at least 1 value"):
        Spread(())


def test_tasks_are_chosen_by_size_alone() -> None:
    tasks = development_tasks()
    assert len(tasks) == 40
    chosen = spread_over_sizes(tasks, 5, 2000)
    assert len(chosen) == 5 and chosen[0] == tasks[0]
    encoding = CellEncoding()
    questions = nearest_questions(tasks, encoding, 1500, 3)
    distances = [abs(question.num_tokens - 1500) for question in questions]
    assert distances == sorted(distances) and distances[0] < 200
    assert len({question.task.task_id for question in questions}) == 3
    with pytest.raises(ValueError, match="of at most 10 tokens, found none"):
        spread_over_sizes(tasks, 2, 10)


def test_answers_of_one_token_are_any_first_token() -> None:
    grammar = OneToken(CellEncoding()).grammar
    assert grammar.legal(grammar.start).tolist() == list(range(10))
    end = grammar.step(grammar.start, 3)
    assert grammar.is_final(end) and not len(grammar.legal(end))
    with pytest.raises(KeyError, match="token 20 is not legal"):
        grammar.step(grammar.start, 20)


def completion(tokens: list[int], finished: bool = True, index: int = 0) -> Completion:
    return Completion((0, index), np.array(tokens, dtype=np.int64), -1.0, finished)


@pytest.mark.parametrize(
    ("ours", "theirs", "place"),
    [
        (completion([1, 2, 3]), completion([1, 2, 3]), None),
        (completion([1, 2, 3]), completion([1, 5, 3]), 1),
        (completion([1, 2, 3]), completion([1, 2], finished=False), None),
        (completion([1, 2, 3]), completion([1, 2]), 2),
        (completion([], finished=False), completion([1]), None),
    ],
)
def test_answers_part_where_they_differ(
    ours: Completion, theirs: Completion, place: int | None
) -> None:
    assert bench_parity.parting(ours, theirs) == place


def test_an_answer_that_is_no_grid_is_no_guess() -> None:
    from kit.augment.views import test_views as make_views
    from kit.validate.bench_setting import make_requests

    encoding = CellEncoding()
    views = make_views(development_tasks()[0], 0, 2, 0)
    requests = make_requests(views, encoding)
    cut = [completion([1], finished=False, index=i) for i in range(2)]
    assert all(r.draft is None for r in with_guess(requests, views, cut, encoding))
    answer = encoding.answer_tokens(((1, 2), (3, 4))).tolist()
    whole = [completion(answer, index=i) for i in range(2)]
    guessed = with_guess(requests, views, whole, encoding)
    assert guessed[1].draft == ((1, 2), (3, 4))
