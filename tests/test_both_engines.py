"""Unsloth trains and vLLM serves, each in processes of its own, under the ordinary main job.

Needs both in one environment (on a CPU: README, "Engines for GPUs"), and some minutes:
python -m pytest -m engines -s tests/test_both_engines.py
It proves that the two work together, not how fast or how well: on a CPU neither runs its kernels
for GPUs, and the model is the bundled one without its own positions.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from kit.arc.datasets import resolve_tasks
from kit.arc.kaggle import KAGGLE_ROOT
from kit.arc.task import Task
from kit.encode import FormatError, open_encoding
from kit.pretrain.dev_tasks import DEV_TASKS
from kit.solve.toolbox import BUNDLED_MODEL
from kit.submit.journal import replay
from kit.submit.records import last_results
from kit.validate.check import check_submission

ROOT = Path(__file__).parents[1]
TASKS, STEPS = 6, 40
MODEL = Path(os.environ.get("KIT_ENGINES_MODEL", BUNDLED_MODEL))
"""Another model to try it with."""

OPTIONS = (
    "solve.legs=ttt", "solve.trainer=unsloth", "solve.sampler=vllm", "finetune.quantize=nf4",
    "budget.unit=work", "budget.rounds=1", f"budget.num_steps={STEPS}", "budget.num_train_views=80",
    "budget.num_test_views=4", "budget.num_score_views=2", "workers.count=1",
)  # fmt: skip


def cells(task: Task) -> int:
    return sum(len(g) * len(g[0]) for pair in task.train for g in (pair.input, pair.output))


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Iterator[tuple[Path, str, list[str]]]:
    """(run folder, what was printed, ids) of one run on the smallest development tasks."""
    missing = [name for name in ("unsloth", "bitsandbytes", "vllm") if find_spec(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")
    try:
        open_encoding(MODEL, positions="contiguous")
    except FormatError as error:
        pytest.skip(str(error))
    ids = [t.task_id for t in sorted(tasks().pick(DEV_TASKS), key=cells)[:TASKS]]
    out = tmp_path_factory.mktemp("run")
    command = [sys.executable, "submission.py", "--tasks", "arc1-train", "--ids", ",".join(ids)]
    command += ["--solutions", "arc1-train", "--model", str(MODEL), "--out", str(out)]
    command += ["--time-budget", "55m", *OPTIONS]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3600)
    print(ran.stdout)
    assert ran.returncode == 0, ran.stderr
    yield out, ran.stdout, ids


def tasks():
    return resolve_tasks("arc1-train", KAGGLE_ROOT)


@pytest.mark.engines
def test_every_task_is_trained_by_one_and_answered_by_the_other(run) -> None:
    out, _, ids = run
    results = {r.task_id: r for r in last_results(replay(out / "journal.jsonl").records)}
    assert sorted(results) == sorted(ids)
    for result in results.values():
        assert result.failure is None and not result.cut
        assert result.counts["steps"] == STEPS
        assert result.counts["completions"] >= 4
        assert result.candidates
        assert {"train", "sample"} <= result.stage_s.keys()
    logs = {crew: (out / crew / "workers" / "worker-0.log").read_text() for crew in CREWS}
    assert "Unsloth" in logs["train"] and "4-bit = True" in logs["train"]
    assert "Unsloth" not in logs["serve"]


CREWS = ("train", "serve")


@pytest.mark.engines
def test_each_engine_was_started_once(run) -> None:
    """All adapters were served by one engine: nothing was started again for a task."""
    out, _, _ = run
    assert len(list((out / "serve" / "workers").iterdir())) == 1
    log = (out / "serve" / "workers" / "worker-0.log").read_text()
    assert log.count("100% Completed") in (1, 2), "the weights were read once"


@pytest.mark.engines
def test_the_submission_is_valid_and_the_number_solved_is_said(run) -> None:
    out, printed, _ = run
    assert check_submission(out / "submission.json", tasks()) == []
    assert len(json.loads((out / "submission.json").read_text())) == 400
    solved = re.search(r"solved whole +(\d+) of 6", printed)
    assert solved is not None
    print(f"solved {solved[1]} of {TASKS}")
