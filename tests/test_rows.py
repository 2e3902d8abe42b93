"""The paper's rows: what goes where, and every row end to end with random weights of its kind.

pytest tests/test_rows.py
pytest tests/test_rows.py -m slow        all rows, about a minute; without it the last one
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit import rows
from kit.arc.files import load_tasks
from kit.request import parse_request
from kit.rows import BARC, CHECKPOINTS, INDUCTION, OURS, ROWS
from kit.submit.journal import replay
from kit.submit.lock import JOURNAL_NAME
from kit.submit.records import last_results
from kit.validate.check import check_submission

BY_NAME = {row.name: row for row in ROWS}


def test_every_row_is_options_that_exist() -> None:
    for row in ROWS:
        folders = {c.option: Path(c.option.lstrip("-")) for c in row.needs()}
        config = parse_request(row.arguments(folders)).config
        assert config.solve.model == folders[row.grids.option]
        assert config.solve.legs == "ttt" and config.budget.unit == "work"
        assert config.finetune.rank == 128 and config.rank.method == "vote"
        assert config.programs.is_on == (row.programs is not None)
        assert config.solve.format == ("numpy" if row.grids is OURS else "words")


def test_which_checkpoint_goes_where() -> None:
    found = {row.name: row.needs() for row in ROWS}
    assert found == {
        "18.25": (OURS,), "47.1": (OURS,), "53.0": (BARC,), "58.5": (OURS, INDUCTION),
        "61.9": (BARC, INDUCTION),
    }  # fmt: skip
    assert (
        parse_request(BY_NAME["18.25"].arguments({"--ours": Path()})).config.budget.num_steps == 0
    )


def test_the_list_names_every_checkpoint_and_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert rows.main([]) == 0
    out = capsys.readouterr().out
    for words in (*(c.published for c in CHECKPOINTS), *(f"kit rows {r.name}" for r in ROWS)):
        assert words in out


def test_the_users_own_options_win(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr(rows, "run_main", lambda argv: seen.append(argv) or 0)
    words = ["47.1", "--ours", "m", "--time-budget", "12h", "finetune.lr=3e-5", "--tasks", "x"]
    assert rows.main(words) == 0
    request = parse_request(seen[0])
    assert request.config.budget.time_s == 12 * 3600 and request.tasks == "x"
    assert request.config.finetune.lr == 3e-5 and request.preset == "paper"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["61"], "61: no such row"),
        (["53.0"], "row 53.0 needs --barc-transduction DIR: barc0/"),
        (["58.5", "--ours", "m"], "row 58.5 needs --barc-induction DIR"),
        (["47.1", "--ours", "m", "--barc-induction", "n"], "row 47.1 has no use for"),
    ],
)
def test_a_mistake_is_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rows.main(words) == 2
    assert message in capsys.readouterr().err


# --- end to end -------------------------------------------------------------------------------

TINY = (
    "augment.cap=4",
    "budget.num_steps=1",
    "budget.num_train_views=4",
    "budget.num_test_views=1",
    "finetune.rank=2",
    "programs.num_programs=2",
    "programs.max_tokens=16",
    "workers.executor=inline",
)


def checkpoint(folder: Path, version: str) -> Path:
    """A Llama of tiny widths with random weights: Llama 3's shape family (grouped heads, an output
    head of its own, theta 500,000), or 3.1's, which also scales its rotary frequencies."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("tokenizers")
    from tests.encode.conftest import LLAMA3, LLAMA3_SPECIALS, byte_level, write_folder

    newer = version == "3.1"
    specials = [s for s in LLAMA3_SPECIALS if newer or s != "<|eom_id|>"]
    tokenizer = byte_level(LLAMA3, specials, 1200)
    scaling = {
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    }  # fmt: skip
    config = transformers.LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=8,
        num_key_value_heads=2,
        max_position_embeddings=131072 if newer else 8192,
        rope_theta=500000.0,
        rope_scaling=scaling if newer else None,
        tie_word_embeddings=False,
        initializer_range=0.2,
    )
    with torch.random.fork_rng():
        torch.manual_seed(len(version))
        model = transformers.LlamaForCausalLM(config)
    write_folder(folder, tokenizer, "<|eot_id|>")
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for every checkpoint."""
    root = tmp_path_factory.mktemp("checkpoints")
    versions = {OURS: "3", BARC: "3.1", INDUCTION: "3.1"}
    return {c.option: checkpoint(root / c.option.lstrip("-"), v) for c, v in versions.items()}


@pytest.fixture
def task_file(tmp_path: Path) -> Path:
    """One small task."""
    pairs = [{"input": [[i, 0]], "output": [[0, i]]} for i in (1, 2, 3)]
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps({"one": {"train": pairs, "test": [{"input": [[4, 0]]}]}}))
    return path


def run_row(name: str, folders: dict[str, Path], tasks: Path, out: Path) -> None:
    """One row with tiny plans; its journal must hold what the row promises."""
    words = [name, "--tasks", str(tasks), "--out", str(out), "--allow-weak-sandbox"]
    for needed in BY_NAME[name].needs():
        words += [needed.option, str(folders[needed.option])]
    tiny = [word for word in TINY if name != "18.25" or "num_steps" not in word]
    assert rows.main([*words, *tiny]) == 0
    assert not check_submission(out / "submission.json", load_tasks(tasks))
    results = {r.plan.leg: r for r in last_results(replay(out / JOURNAL_NAME).records)}
    assert set(results) == ({"ttt", "write"} if BY_NAME[name].programs else {"ttt"})
    trained = results["ttt"]
    assert trained.failure is None and trained.counts.get("steps", 0) == (name != "18.25")
    # Random weights seldom end a grid before it is as large as one may be, but they answer.
    assert trained.counts["completions"] == 1
    if "write" in results:
        assert results["write"].failure is None and results["write"].counts["written"] == 2


def test_the_last_row_runs_end_to_end(
    folders: dict[str, Path], task_file: Path, tmp_path: Path
) -> None:
    run_row("61.9", folders, task_file, tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize("name", [row.name for row in ROWS])
def test_every_row_runs_end_to_end(
    name: str, folders: dict[str, Path], task_file: Path, tmp_path: Path
) -> None:
    run_row(name, folders, task_file, tmp_path / "run")
