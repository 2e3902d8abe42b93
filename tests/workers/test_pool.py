"""The pool with real processes, most of which come to harm."""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kit.arc.task import Pair, Task
from kit.budget.clock import SystemClock
from kit.budget.plan import Plan
from kit.solve.work import SolverSpec, WorkItem, WorkResult
from kit.workers.devices import deal_devices
from kit.workers.executor import Patience, Staffing, WorkersLost
from kit.workers.pool import PoolExecutor
from kit.workers.process import ProcessLauncher

ROOT = Path(__file__).resolve().parents[2]
FACTORY = "tests.workers.solvers:open_obedient"
PATIENCE_S = 30.0


def make_item(task_id: str, in_s: float = math.inf) -> WorkItem:
    grid = ((0, 1), (2, 3))
    task = Task(task_id, (Pair(grid, grid),), (grid,))
    return WorkItem(task, Plan(task_id, seed=5), SystemClock().now_s() + in_s)


@contextmanager
def pool(
    folder: Path,
    do: dict[str, str] | None = None,
    count: int = 1,
    factory: str = FACTORY,
    grace_s: float = 0.2,
    search: int = 0,
    silent_s: float = 60.0,
    stalled_s: float = 600.0,
    gpus: tuple[str, ...] = (),
) -> Iterator[PoolExecutor]:
    spec = SolverSpec(factory, {"do": do or {}})
    staffing = Staffing(count, 1, search)
    launcher = ProcessLauncher(folder, deal_devices(count, search, gpus))
    patience = Patience(grace_s, silent_s, stalled_s)
    executor = PoolExecutor(spec, staffing, launcher, SystemClock(), patience)
    try:
        yield executor
    finally:
        executor.close()


def search_item(task_id: str) -> WorkItem:
    item = make_item(task_id)
    return WorkItem(item.task, Plan(task_id, leg="search", search_s=1.0), item.deadline_s)


def collect(executor: PoolExecutor, count: int) -> dict[str, WorkResult]:
    results: dict[str, WorkResult] = {}
    until = time.monotonic() + PATIENCE_S
    while len(results) < count and time.monotonic() < until:
        results |= {result.task_id: result for result in executor.poll(0.5)}
    return results


def is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def gone_within(pids: list[int], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not any(map(is_alive, pids)):
            return True
        time.sleep(0.02)
    return False


def test_results_survive_the_trip(tmp_path: Path) -> None:
    with pool(tmp_path, count=2) as executor:
        assert executor.idle() == 2
        items = [make_item(f"t{i}") for i in range(5)]
        for item in items:
            executor.submit(item)
        assert executor.idle() == 0
        results = collect(executor, 5)
    assert sorted(results) == ["t0", "t1", "t2", "t3", "t4"]
    result = results["t3"]
    assert result.plan == items[3].plan
    assert result.candidates[0].grid == ((1, 2), (3, 4))
    assert (result.candidates[0].logprob_nats, result.failure, result.cut) == (-1.5, None, False)
    assert result.counts["threads"] == 1


def test_prints_go_to_the_log_not_to_the_parent(tmp_path: Path) -> None:
    with pool(tmp_path, {"t": "shout"}) as executor:
        executor.submit(make_item("t"))
        assert collect(executor, 1)["t"].failure is None
    log = (tmp_path / "workers" / "worker-0.log").read_text()
    assert "from a C library" in log


@pytest.mark.parametrize(
    ("action", "failure"),
    [
        ("run_out", "MemoryError: cannot allocate 12 GiB"),
        ("break_gpu", "RuntimeError: CUDA error: an illegal memory access was encountered"),
        ("fail", "ValueError: no such thing"),
    ],
)
def test_an_exception_costs_one_item_and_only_where_it_must_a_process(
    tmp_path: Path, action: str, failure: str
) -> None:
    with pool(tmp_path, {"bad": action}) as executor:
        executor.submit(make_item("before"))
        executor.submit(make_item("bad"))
        executor.submit(make_item("after"))
        results = collect(executor, 3)
    assert results["bad"].failure == failure
    assert results["after"].failure is None
    # Where memory ran out or a GPU refuses everything, a fresh process goes on.
    is_same = results["before"].counts["pid"] == results["after"].counts["pid"]
    assert is_same == (action == "fail")
    assert "Traceback" in (tmp_path / "workers" / "worker-0.log").read_text()


def test_a_killed_child_is_replaced_and_its_item_tried_once_more(tmp_path: Path) -> None:
    do = {"once": f"die_once {tmp_path / 'died'}", "always": "die"}
    with pool(tmp_path, do) as executor:
        for task_id in ("once", "always", "after"):
            executor.submit(make_item(task_id))
        results = collect(executor, 3)
    assert results["once"].failure is None
    assert results["once"].candidates
    assert results["always"].failure == "its worker was killed by signal 9, given up after 2 tries"
    assert not results["always"].cut
    assert results["always"].counts == {"out_of_memory": 1}, "as far as anybody can see"
    assert "out_of_memory" not in results["once"].counts
    assert results["after"].failure is None


def test_kill_9_from_outside_in_the_middle_of_an_item(tmp_path: Path) -> None:
    with pool(tmp_path, {"slow": "sleep 2"}) as executor:
        executor.submit(make_item("first"))
        pid = collect(executor, 1)["first"].counts["pid"]
        executor.submit(make_item("slow"))
        executor.poll(0.2)
        os.kill(pid, signal.SIGKILL)
        slow = collect(executor, 1)["slow"]
    assert slow.failure is None
    assert slow.counts["pid"] != pid


@pytest.mark.parametrize("action", ["sleep 60", "hold_lock 60"])
def test_a_child_that_ignores_the_deadline_is_killed(tmp_path: Path, action: str) -> None:
    with pool(tmp_path, {"hang": action}) as executor:
        executor.submit(make_item("warm_up"))
        collect(executor, 1)
        began = time.monotonic()
        executor.submit(make_item("hang", in_s=0.5))
        hung = collect(executor, 1)["hang"]
        assert time.monotonic() - began < 2.0
        executor.submit(make_item("after"))
        assert collect(executor, 1)["after"].failure is None
    assert hung.cut
    assert hung.failure == "killed 0.2 s after its deadline"


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no such signal here")
def test_a_frozen_child_without_a_deadline_is_replaced(tmp_path: Path) -> None:
    with pool(tmp_path, {"ice": f"freeze {tmp_path / 'frozen'}"}, silent_s=3.0) as executor:
        executor.submit(make_item("warm_up"))
        pid = collect(executor, 1)["warm_up"].counts["pid"]
        executor.submit(make_item("ice"))
        ice = collect(executor, 1)["ice"]
    assert ice.failure is None and ice.candidates
    assert ice.counts["pid"] != pid and not is_alive(pid)


def test_a_solver_that_does_not_ask_the_clock_hangs_and_one_that_does_works(tmp_path: Path) -> None:
    do = {"busy": "look_at_clock 3", "once": f"stall_once {tmp_path / 'hung'}", "ever": "sleep 60"}
    with pool(tmp_path, do, stalled_s=1.5) as executor:
        for task_id in do:
            executor.submit(make_item(task_id))
        results = collect(executor, 3)
    assert results["busy"].failure is None
    assert results["once"].failure is None
    assert re.fullmatch(
        r"its worker hung for \d+ s, given up after 2 tries", str(results["ever"].failure)
    )


def test_a_run_folder_that_cannot_be_written_keeps_no_worker_from_starting(tmp_path: Path) -> None:
    folder = tmp_path / "file"
    folder.touch()
    with pool(folder) as executor:
        executor.submit(make_item("t"))
        assert collect(executor, 1)["t"].failure is None


def test_what_was_published_outlives_the_child(tmp_path: Path) -> None:
    do = {"hang": "publish sleep 60", "dies": "publish die"}
    with pool(tmp_path, do) as executor:
        executor.submit(make_item("warm_up"))
        collect(executor, 1)
        executor.submit(make_item("hang", in_s=0.5))
        executor.submit(make_item("dies"))
        results = collect(executor, 2)
    for task_id in ("hang", "dies"):
        assert results[task_id].candidates[0].grid == ((1, 2), (3, 4))
        assert results[task_id].failure is not None


def test_an_item_whose_time_is_over_before_a_worker_is_ready(tmp_path: Path) -> None:
    with pool(tmp_path) as executor:
        executor.submit(make_item("late", in_s=0.01))
        late = collect(executor, 1)["late"]
    assert (late.cut, late.failure) == (True, "no worker was ready in time")


def test_a_solver_that_does_not_open_is_one_clear_error(tmp_path: Path) -> None:
    missing = "tests.workers.solvers:open_missing_model"
    with pool(tmp_path, count=2, factory=missing) as executor:
        executor.submit(make_item("t"))
        with pytest.raises(WorkersLost, match=r"FileNotFoundError: model folder /nowhere.*log"):
            collect(executor, 1)
        assert executor.idle() == 0


def test_a_solver_that_kills_its_process_is_not_started_for_ever(tmp_path: Path) -> None:
    with pool(tmp_path, factory="tests.workers.solvers:open_and_die") as executor:
        executor.submit(make_item("t"))
        with pytest.raises(WorkersLost, match="killed by signal 9 while it was starting"):
            collect(executor, 1)


def test_close_is_quick_and_final(tmp_path: Path) -> None:
    with pool(tmp_path, {"hang": "sleep 60"}, count=2) as executor:
        executor.submit(make_item("t"))
        executor.submit(make_item("u"))
        pids = sorted({r.counts["pid"] for r in collect(executor, 2).values()})
        executor.submit(make_item("hang"))
        executor.poll(0.2)
        began = time.monotonic()
        executor.close()
        assert time.monotonic() - began < 1.0
    assert not any(map(is_alive, pids))
    executor.close()


def test_ctrl_c_is_left_to_the_parent(tmp_path: Path) -> None:
    with pool(tmp_path, {"slow": "sleep 1"}) as executor:
        executor.submit(make_item("first"))
        pid = collect(executor, 1)["first"].counts["pid"]
        executor.submit(make_item("slow"))
        executor.poll(0.2)
        os.kill(pid, signal.SIGINT)
        slow = collect(executor, 1)["slow"]
    assert (slow.failure, slow.counts["pid"]) == (None, pid)


PARENT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.workers.test_pool import collect, make_item, pool
with pool(Path(sys.argv[2]), {"hang": sys.argv[3]}, count=2) as executor:
    executor.submit(make_item("t")); executor.submit(make_item("u"))
    collect(executor, 2)
    executor.submit(make_item("hang"))
    executor.poll(0.2)
    print("in work", flush=True)
    executor.poll(60.0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("action", ["sleep 60", "hold_lock 60"])
def test_children_die_with_a_killed_parent(tmp_path: Path, action: str) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(ROOT), str(tmp_path), action],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "in work\n"
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text()
    pids = [int(pid) for pid in children.split()]
    assert len(pids) == 2
    assert all(map(is_alive, pids))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert gone_within(pids, 2.0)


def test_searchers_take_searches_only_and_the_others_none(tmp_path: Path) -> None:
    with pool(tmp_path, {"a": "sleep 1"}, count=1, search=2) as executor:
        assert (executor.idle(), executor.idle_search()) == (1, 2)
        for task_id in ("s1", "s2", "s3"):
            executor.submit(search_item(task_id))
        assert (executor.idle(), executor.idle_search()) == (1, 0)
        executor.submit(make_item("a"))
        executor.submit(make_item("b"))
        assert (executor.idle(), executor.idle_search()) == (0, 0)
        results = collect(executor, 5)
        pids = {name: result.counts["pid"] for name, result in results.items()}
        assert pids["a"] == pids["b"] and pids["a"] not in (pids["s1"], pids["s2"], pids["s3"])
        assert (executor.idle(), executor.idle_search()) == (1, 2)


def test_searches_go_to_the_others_when_no_searcher_can_be_started(tmp_path: Path) -> None:
    with pool(tmp_path, count=1, search=1) as executor:
        executor._workers[1].given_up = True
        executor.submit(search_item("s"))
        assert collect(executor, 1)["s"].candidates and executor.idle_search() == 0
