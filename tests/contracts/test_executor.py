"""What every executor promises, whatever it runs workers on.

pytest tests/contracts/test_executor.py
pytest -m ray tests/contracts/test_executor.py       # needs the package ray; half a minute
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kit.arc.task import Pair, Task
from kit.budget.clock import SystemClock
from kit.budget.plan import Plan
from kit.solve.work import SolverSpec, WorkItem, WorkResult
from kit.workers.executor import Executor, Staffing, WorkersConfig, WorkersLost, open_executor
from tests.fake_run import make_tasks
from tests.workers.clusters import Cluster, cluster  # noqa: F401 (a fixture)

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0
KINDS = ("inline", "pool", pytest.param("ray", marks=pytest.mark.ray))

PROGRAM = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}]
import fake_run
sys.exit(fake_run.main("{{}}", sys.argv[1:]))
"""


@pytest.fixture
def address(request: pytest.FixtureRequest) -> str:
    """Of a cluster, for the tests that need one."""
    kind = request.getfixturevalue("kind")
    return request.getfixturevalue("cluster").address if kind == "ray" else "auto"


@pytest.fixture
def do() -> dict[str, str]:
    """Task id -> what the solver does to it, see tests/workers/solvers.py."""
    return {"bad": "fail", "oom": "run_out", "talk": "publish answer"}


@pytest.fixture
def factory() -> str:
    return "tests.workers.solvers:open_obedient"


@pytest.fixture
def executor(
    kind: str, address: str, do: dict[str, str], factory: str, tmp_path: Path
) -> Iterator[Executor]:
    config = WorkersConfig(executor=kind, ray_address=address)  # type: ignore[arg-type]
    spec = SolverSpec(factory, {"do": do})
    workers = Staffing(1 if kind == "inline" else 2, 1)
    with closing(open_executor(config, spec, workers, tmp_path)) as opened:
        yield opened


def make_item(task_id: str, in_s: float = math.inf, seed: int = 5) -> WorkItem:
    grid = ((0, 1), (2, 3))
    task = Task(task_id, (Pair(grid, grid),), (grid,))
    return WorkItem(task, Plan(task_id, seed=seed), SystemClock().now_s() + in_s)


def collect(executor: Executor, count: int) -> dict[str, WorkResult]:
    results: dict[str, WorkResult] = {}
    until_s = time.monotonic() + PATIENCE_S
    while len(results) < count and time.monotonic() < until_s:
        results |= {result.task_id: result for result in executor.poll(0.5)}
    return results


@pytest.mark.parametrize("kind", KINDS)
def test_every_item_has_one_result_and_a_failure_is_one(executor: Executor) -> None:
    free = executor.idle()
    assert free >= 1 and executor.idle_search() == 0
    names = ("a", "b", "bad", "oom", "talk")
    items = {name: make_item(name, seed=number) for number, name in enumerate(names)}
    for item in items.values():
        executor.submit(item)
    assert executor.idle() == 0
    results = collect(executor, 5)
    assert sorted(results) == ["a", "b", "bad", "oom", "talk"]
    for name, result in results.items():
        assert result.plan == items[name].plan
        assert not result.cut
    assert results["a"].candidates[0].grid == ((1, 2), (3, 4))
    assert results["a"].candidates[0].logprob_nats == -1.5
    assert results["bad"].failure == "ValueError: no such thing"
    assert results["oom"].failure == "MemoryError: cannot allocate 12 GiB"
    assert results["talk"].failure is None and results["a"].counts["threads"] == 1
    assert executor.idle() == free and executor.poll(0.0) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("factory", ["tests.workers.solvers:open_missing_model"])
def test_a_solver_that_does_not_open_is_one_clear_error(executor: Executor) -> None:
    executor.submit(make_item("t"))
    with pytest.raises(WorkersLost, match="FileNotFoundError: model folder /nowhere"):
        collect(executor, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_close_does_nothing(executor: Executor) -> None:
    executor.submit(make_item("t"))
    executor.close()
    executor.close()


@pytest.mark.parametrize("kind", KINDS[1:])
@pytest.mark.parametrize("do", [{"hang": "sleep 60", "dead": "publish die_later 1"}])
def test_what_hangs_or_dies_costs_itself_only(executor: Executor) -> None:
    executor.submit(make_item("warm_up"))
    assert collect(executor, 1)["warm_up"].failure is None
    executor.submit(make_item("hang", in_s=1.0))
    executor.submit(make_item("dead"))
    executor.submit(make_item("after"))
    results = collect(executor, 3)
    assert results["hang"].cut and "after its deadline" in str(results["hang"].failure)
    assert "given up after 2 tries" in str(results["dead"].failure)
    assert results["dead"].candidates and results["after"].failure is None


def run_answers(folder: Path, tasks: Path, *options: str) -> dict[str, object]:
    """The answers of a whole run with a fake solver and a budget counted in work."""
    command = [sys.executable, "-c", PROGRAM, "--tasks", str(tasks), "--out", str(folder)]
    fixed = ["budget.unit=work", "budget.time_s=600", "budget.rounds=2", "solve.legs=both"]
    ran = subprocess.run([*command, *fixed, *options], capture_output=True, text=True, cwd=folder)
    assert ran.returncode == 0, ran.stderr
    return json.loads((folder / "submission.json").read_text())


@pytest.mark.parametrize("kind", KINDS[1:])
def test_the_same_answers_as_without_processes(kind: str, address: str, tmp_path: Path) -> None:
    content = {
        task.task_id: {
            "train": [{"input": pair.input, "output": pair.output} for pair in task.train],
            "test": [{"input": grid} for grid in task.test],
        }
        for task in make_tasks(7, num_tests=2)
    }
    tasks = tmp_path / "tasks.json"
    tasks.write_text(json.dumps(content), encoding="utf-8")
    for name in ("calm", "other"):
        (tmp_path / name).mkdir()
    calm = run_answers(tmp_path / "calm", tasks, "--executor", "inline")
    more = ["--executor", kind, "workers.count=2"]
    more += ["--ray-address", address] if kind == "ray" else []
    assert run_answers(tmp_path / "other", tasks, *more) == calm
