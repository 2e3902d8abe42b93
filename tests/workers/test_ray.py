"""Workers on a Ray cluster: what is refused, who works where, and a machine that is lost.

pytest tests/workers/test_ray.py
pytest -m ray tests/workers/test_ray.py       # needs the package ray; half a minute
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from kit.arc.task import Pair, Task
from kit.budget.clock import SystemClock
from kit.budget.plan import Plan
from kit.config import ConfigError
from kit.request import parse_request
from kit.solve.work import SolverSpec, WorkItem
from kit.workers import ray_cluster
from kit.workers.executor import Staffing, WorkersConfig, open_executor
from kit.workers.ray_cluster import ClusterError, Node, choose_cluster_staffing, connect
from tests.workers.clusters import Cluster, cluster  # noqa: F401 (a fixture)

GIB = 2**30
ROOT = Path(__file__).resolve().parents[2]


def test_without_the_package_it_is_refused_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ClusterError, match=r"ray is not installed here: pip install -r .*pool"):
        connect("auto")


@pytest.fixture
def some_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is there and not connected."""

    class Ray:
        @staticmethod
        def is_initialized() -> bool:
            return False

        @staticmethod
        def init(address: str, **options: object) -> None:
            raise ConnectionError(f"could not find {address}\nmore about it")

    monkeypatch.setattr(ray_cluster, "load_ray", lambda: Ray)


@pytest.mark.parametrize(
    "address", ["nonsense", "host:port", "ray://host:10001", "", "host:123456", "-x:1"]
)
def test_an_address_that_is_none(some_ray: None, address: str) -> None:
    with pytest.raises(ClusterError, match=r"must be HOST:PORT .* or local|nobody answers"):
        connect(address)


def test_an_address_at_which_nobody_answers_is_refused_at_once(some_ray: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    began_s = time.monotonic()
    with pytest.raises(ClusterError, match=f"--ray-address 127.0.0.1:{port}: nobody answers there"):
        connect(f"127.0.0.1:{port}")
    assert time.monotonic() - began_s < 3.0


def test_a_port_of_something_else_and_no_cluster_to_find(some_ray: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ClusterError, match=r"no cluster .* \(could not find .*\); start one"):
            connect(address)
    with pytest.raises(ClusterError, match="--ray-address auto: no cluster"):
        connect("auto")


@pytest.mark.parametrize(
    ("config", "machines", "model_bytes", "staffing"),
    [
        (WorkersConfig(), (Node(4, 0), Node(2, 0)), 2**20, Staffing(6, 1)),
        (WorkersConfig(), (Node(4, 0), Node(4, 0)), 9 * GIB, Staffing(2, 4)),
        (WorkersConfig(), (Node(8, 2), Node(8, 1)), 9 * GIB, Staffing(3, 1, 13)),
        (WorkersConfig(), (Node(8, 2),), 0, Staffing(8, 1)),
        (WorkersConfig(count=3), (Node(2, 0),), 2**20, Staffing(3, 1)),
    ],
)
def test_how_many_workers_a_cluster_gets(
    config: WorkersConfig, machines: tuple[Node, ...], model_bytes: int, staffing: Staffing
) -> None:
    assert choose_cluster_staffing(config, machines, model_bytes, searches=True) == staffing


def test_a_cluster_without_cores() -> None:
    with pytest.raises(ClusterError, match="no machine of the cluster gives a core away"):
        choose_cluster_staffing(WorkersConfig(), (Node(0, 0),), 0, searches=True)


def test_the_command_line() -> None:
    request = parse_request(["--executor", "ray", "--ray-address", "head:6379"])
    workers = request.config.workers
    assert (workers.executor, workers.ray_address) == ("ray", "head:6379")
    with pytest.raises(ConfigError, match="--ray-address head:6379: needs --executor ray"):
        parse_request(["--ray-address", "head:6379"])
    with pytest.raises(ConfigError, match=r"workers.executor=slurm: not allowed; allowed are"):
        parse_request(["--executor", "slurm"])


REFUSED = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}]
sys.modules["ray"] = None
import fake_run
sys.exit(fake_run.main("{{}}", sys.argv[1:]))
"""


def test_a_refused_run_has_written_its_file_and_shows_no_traceback(tmp_path: Path) -> None:
    arguments = ["--tasks", "arc1-train", "--limit", "2", "--out", str(tmp_path / "run")]
    ran = subprocess.run(
        [sys.executable, "-c", REFUSED, *arguments, "--executor", "ray"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 2
    assert "workers on the Ray cluster auto" in ran.stdout
    assert ran.stderr.startswith("error: --executor ray: the package ray is not installed here")
    assert ran.stderr.count("\n") == 1
    assert (tmp_path / "run" / "submission.json").exists()


def make_item(task_id: str) -> WorkItem:
    grid = ((1,),)
    task = Task(task_id, (Pair(grid, grid),), (grid,))
    return WorkItem(task, Plan(task_id), SystemClock().now_s() + 100.0)


@pytest.mark.ray
def test_a_machine_that_is_killed_costs_nothing_but_time(
    cluster: Cluster,  # noqa: F811 (the fixture)
    tmp_path: Path,
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    tasks = [f"t{number}" for number in range(8)]
    spec = SolverSpec(
        "tests.workers.solvers:open_obedient", {"do": dict.fromkeys(tasks, "sleep 1")}
    )
    config = WorkersConfig(executor="ray", ray_address=cluster.address)
    with closing(open_executor(config, spec, Staffing(2, 1), tmp_path)) as executor:
        assert signal.getsignal(signal.SIGTERM) is before
        for task_id in tasks:
            executor.submit(make_item(task_id))
        results, killed = {}, False
        until_s = time.monotonic() + 90.0
        while len(results) < len(tasks) and time.monotonic() < until_s:
            results |= {result.task_id: result for result in executor.poll(0.5)}
            pids = {result.counts["pid"] for result in results.values()}
            if len(pids) == 2 and not killed:
                cluster.kill_node()
                killed = True
        assert killed, "both machines had worked"
        assert sorted(results) == tasks
        assert {result.failure for result in results.values()} == {None}
        assert executor.idle() == 2
        # What comes (back) is used.
        cluster.add_node()
        executor.submit(make_item("more"))
        assert executor.poll(60.0)[0].task_id == "more"
