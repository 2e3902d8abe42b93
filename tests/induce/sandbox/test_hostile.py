"""Programs that mean harm get nowhere, and the next honest one works.

Every case runs in the best sandbox of this machine and in a weak one. What the weak one does not
hold against programs that get round Python's hooks is in test_probe.py.

pytest tests/induce/sandbox/test_hostile.py
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.induce.sandbox.outcome import Outcome
from kit.induce.sandbox.runner import Sandbox
from tests.induce.sandbox.sandboxes import GRID, make, still_works

LATE_S = 8.0
"""A program has 0.4 s; a busy machine may be late, and some need a new child."""

GOT_THROUGH = ((6,),)
SUCCESS = "\n    return [[6]]"


@pytest.fixture(scope="module", params=["best", "weak"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    os.environ["A_SECRET"] = "token"
    with make(request.param) as opened:
        yield opened
    del os.environ["A_SECRET"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One that any user could write to, so that only the sandbox protects it."""
    for parent in (tmp_path, *tmp_path.parents[:2]):
        with contextlib.suppress(PermissionError):
            parent.chmod(0o777)
    (tmp_path / "victim").write_text("whole")
    (tmp_path / "victim").chmod(0o666)
    return tmp_path


def attack(sandbox: Sandbox, source: str) -> Outcome:
    """Run a hostile program; it may not take long, nor harm the next one."""
    started_s = time.monotonic()
    outcome = sandbox.run(source, [GRID])
    assert time.monotonic() - started_s < LATE_S
    assert len(outcome.outputs) == 1
    assert len(outcome.message) <= 400 and (outcome.message + " ").isprintable()
    assert still_works(sandbox)
    return outcome


def body(statements: str, first: str = "") -> str:
    """A program whose transform runs some statements and, if it gets there, says so."""
    lines = "".join(f"\n    {line}" for line in statements.strip().splitlines())
    return f"{first}\nimport os, sys\ndef transform(grid):{lines}{SUCCESS}\n"


STOPPED = {
    "endless loop": "while True:\n    grid",
    "endless loop in C": "sum(iter(int, 1))",
    "endless loop that ignores signals": (
        "import signal\nfor n in range(1, 65):\n    try: signal.signal(n, signal.SIG_IGN)\n"
        "    except (OSError, ValueError): continue\nwhile True:\n    grid"
    ),
    "sleep": "import time\ntime.sleep(3600)",
    "fork": "os.fork()",
    "fork bomb": "while True:\n    os.fork()",
    "daemon": "if not os.fork():\n    os.setsid()\n    if not os.fork():\n        while True: grid",
    "thread": "import threading\nthreading.Thread(target=lambda: sum(iter(int, 1))).start()",
    "raw thread": "import _thread\n_thread.start_new_thread(lambda: sum(iter(int, 1)), ())",
    "100 GB at once": "np.ones(100 << 27)",
    "100 GB of bytes": "bytearray(100 << 30)",
    "memory by and by": "hold = []\nwhile True:\n    hold.append(bytearray(10**7))",
    "read /etc/passwd": "open('/etc/passwd').read()",
    "read it through os": "os.read(os.open('/etc/passwd', os.O_RDONLY), 9)",
    "read it through numpy": "np.fromfile('/etc/passwd', dtype=np.uint8)",
    "read it through io": "import io\nio.FileIO('/etc/passwd').read()",
    "read this process": "open('/proc/self/environ').read()",
    "list a folder": "os.listdir('/')",
    "anonymous file": "os.memfd_create('x')",
    "socket": "import socket\nsocket.socket()",
    "raw socket module": "import _socket\n_socket.socket()",
    "look up a name": "import socket\nsocket.getaddrinfo('localhost', 80)",
    "subprocess": "import subprocess\nsubprocess.run(['true'])",
    "posix_spawn": "os.posix_spawn('/bin/true', ['true'], {})",
    "execv": "os.execv('/bin/sh', ['sh', '-c', 'true'])",
    "signal the parent of all": "os.kill({pid}, {signal})",
    "signal everybody": "os.kill(-1, {signal})",
    "ctypes": "import ctypes\nif ctypes.CDLL(None).open(b'/etc/passwd', 0) < 0: raise OSError",
    "import what is not loaded": "import sqlite3",
    "importlib": "import importlib\nimportlib.import_module('socket').socket()",
    "a file loader": (
        "import importlib.machinery as m\n"
        "m.SourceFileLoader('x', os.__file__).load_module().open('/etc/passwd', 0)"
    ),
    "builtins": "__builtins__['open']('/etc/passwd')",
    "the builtins of others": "sys.modules['json'].__builtins__['open']('/etc/passwd')",
    "subclasses": (
        "found = [c for c in object.__subclasses__() if c.__name__ == '_wrap_close']\n"
        "found[0].__init__.__globals__['system']('true') and 1 / 0\n"
        "found[0].__init__.__globals__['open']('/etc/passwd', 0)"
    ),
    "environment": "os.environ['A_SECRET']",
    "raise limits": (
        "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\nopen('/etc/passwd')"
    ),
}

NOT_A_GRID = {
    "nothing": "return None",
    "text": "return 'x' * 10**6",
    "empty": "return []",
    "ragged": "return [[1], [1, 2]]",
    "three dimensions": "return np.zeros((2, 2, 2))",
    "too large": "return np.zeros((31, 1))",
    "much too large": "return np.broadcast_to(np.int8(1), (10**6, 10**6))",
    "fractions": "return np.full((2, 2), 0.5)",
    "not a number": "return np.full((2, 2), np.nan)",
    "colour 10": "return np.full((2, 2), 10)",
    "negative colour": "return [[-1]]",
    "an enormous number": "return [[10**5000]]",
    "endless generator": "return (i for i in iter(int, 1))",
    "endless rows": "return [iter(int, 1)]",
    "function": "return transform",
    "text that looks like a digit": "return [['1']]",
    "list in itself": "a = []\n    a.append(a)\n    return a",
    "numpy objects": "return np.array([[object()]], dtype=object)",
    "numpy records": "return np.zeros((2, 2), dtype=[('a', int)])",
}

HOSTILE_OBJECTS = {
    "pickle bomb": "def __reduce__(self): return os.system, ('true',)",
    "__len__": "def __len__(self): return 10**18",
    "__iter__": "def __iter__(self): return iter(int, 1)",
    "__getitem__": "def __getitem__(self, i): return self",
    "__class__": "__class__ = property(lambda self: np.ndarray)",
    "__class__ of lists": "__class__ = property(lambda self: list)",
    "__array__": "def __array__(self, *a, **k): return np.zeros(10**11)",
    "__array_interface__": (
        "__array_interface__ = {'shape': (9, 9), 'typestr': '<i8', 'version': 3,"
        "'data': (4096, True)}"
    ),
    "__repr__": "def __repr__(self): sum(iter(int, 1))",
    "__eq__ and __bool__": "__eq__ = __bool__ = lambda *a: 1 / 0",
}

HARMLESS = {
    "gigabytes of print": "while True:\n    print('x' * 10**6)",
    "gigabytes to descriptor 1": "while True:\n    os.write(1, b'x' * 10**6)",
    "exit": "os._exit(0)",
    "exit politely": "sys.exit()",
    "abort": "os.abort()",
    "stop itself": "import signal\nos.kill(os.getpid(), signal.SIGSTOP)",
    "kill itself": "os.kill(os.getpid(), 9)",
    "kill its group": "os.killpg(0, 9)",
    "kill its parent": "os.kill(os.getppid() or 1, {signal})",
    "close its descriptors": "os.closerange(0, 100)",
    "crash the interpreter": (
        "f = (lambda: 0)\nf.__code__ = f.__code__.replace(co_code=b'd\\x7f' * 9 + b'S\\0')\nf()"
    ),
    "recursion a million deep": (
        "sys.setrecursionlimit(10**7)\ndef f(n): return n and 1 + f(n - 1)\nf(10**6)"
    ),
    "recursion in C": (
        "sys.setrecursionlimit(10**7)\nclass A:\n"
        "    def __repr__(self): return repr(self)\nrepr(A())"
    ),
    "a list a million deep": "a = []\nfor _ in range(10**6): a = [a]\nreturn a",
    "replaced builtins": "import builtins\nbuiltins.isinstance = lambda *a: True\nreturn object()",
    "replaced modules": (
        "import json\njson.dumps = lambda *a: '[' * 10**5\nsys.modules['numpy'] = None\nreturn grid"
    ),
    "replaced functions of the harness": (
        "import kit.induce.sandbox.program_run as p\np._plain = lambda v: [[99]]\nreturn grid"
    ),
    "tracing": "sys.settrace(lambda *a: sum(iter(int, 1)))\nlen(grid)",
    "garbage collector": "import gc\nfor o in gc.get_objects():\n    if type(o) is dict: o.clear()",
    "message without end": "raise ValueError('x' * 10**7)",
    "raising without a message": "raise Exception",
    "message of many lines": "raise ValueError('a\\nb\\r\\x1b[0mc')",
    "endless message": (
        "class E(Exception):\n    def __str__(self): return ''.join(iter(str, 1))\nraise E()"
    ),
    "angry message": "class E(Exception):\n    def __str__(self): raise self\nraise E()",
    "nested sandbox escape by frames": (
        "frame = sys._getframe()\nwhile frame:\n    frame.f_globals.clear(); frame = frame.f_back"
    ),
}


@pytest.mark.parametrize("statements", STOPPED.values(), ids=STOPPED)
def test_forbidden_things_do_not_happen(sandbox: Sandbox, statements: str) -> None:
    strong = "python hooks" not in sandbox._mechanisms
    # Nobody dies of the second one, should the hooks fail.
    chosen = signal.SIGKILL if strong else signal.SIGCONT
    statements = statements.replace("{pid}", str(os.getpid())).replace("{signal}", str(int(chosen)))
    outcome = attack(sandbox, body(statements))
    assert outcome.status in ("error", "timeout", "memory")
    assert outcome.outputs == (None,) and outcome.message


@pytest.mark.parametrize("statements", NOT_A_GRID.values(), ids=NOT_A_GRID)
def test_only_grids_come_back(sandbox: Sandbox, statements: str) -> None:
    outcome = attack(sandbox, f"def transform(grid):\n    {statements}")
    assert outcome.status in ("error", "memory", "timeout")
    assert outcome.outputs == (None,) and outcome.message


@pytest.mark.parametrize("member", HOSTILE_OBJECTS.values(), ids=HOSTILE_OBJECTS)
@pytest.mark.parametrize("shape", ["{}", "[{}, {}]", "[[{}]]"])
def test_hostile_objects_do_not_come_back(sandbox: Sandbox, member: str, shape: str) -> None:
    source = f"import os\nclass X:\n    {member}\ndef transform(grid):\n    return "
    outcome = attack(sandbox, source + shape.replace("{}", "X()"))
    assert outcome.status in ("error", "memory", "timeout", "crashed")
    assert outcome.outputs == (None,) and outcome.message


@pytest.mark.parametrize("statements", HARMLESS.values(), ids=HARMLESS)
def test_whatever_a_program_does_to_itself_harms_nobody(sandbox: Sandbox, statements: str) -> None:
    strong = "python hooks" not in sandbox._mechanisms
    chosen = signal.SIGKILL if strong else signal.SIGCONT
    outcome = attack(sandbox, body(statements.replace("{signal}", str(int(chosen)))))
    assert outcome.status == "ok" or outcome.message


WRITES = (
    "open('{folder}/new', 'w').write('x')",
    "open('{folder}/victim', 'w').write('x')",
    "np.save('{folder}/new', grid)",
    "os.mkdir('{folder}/new')",
    "os.remove('{folder}/victim')",
    "os.rename('{folder}/victim', '{folder}/new')",
    "os.truncate('{folder}/victim', 0)",
    "os.symlink('/etc', '{folder}/new')",
    "os.system('echo x > {folder}/new')",
    "os.chmod('{folder}/victim', 0)",
)


@pytest.mark.parametrize("statement", WRITES)
def test_nothing_outside_is_written(sandbox: Sandbox, statement: str, folder: Path) -> None:
    attack(sandbox, body(statement.replace("{folder}", str(folder))))
    assert [path.name for path in folder.iterdir()] == ["victim"]
    assert (folder / "victim").read_text() == "whole"
    assert (folder / "victim").stat().st_mode & 0o777 == 0o666


FORGERIES = {
    "an answer": b'{"output": [[9]]}\n',
    "a line break and an answer": b'\n{"output": [[9]]}\n',
    "another mark": b'0123456789abcdef {"output": [[9]]}\n',
    "what the child says": b'{"nonce": "x", "said": "", "how": "hung up", "exit": 0, "cpu_s": 0}\n',
    "half a line": b"garbage",
    "not text": bytes(range(256)),
}


@pytest.mark.parametrize("data", FORGERIES.values(), ids=FORGERIES)
def test_forged_lines_are_no_answers(sandbox: Sandbox, data: bytes) -> None:
    outcome = attack(
        sandbox,
        "import os\ndef transform(grid):\n    for fd in range(64):\n"
        f"        try: os.write(fd, {data!r})\n        except OSError: continue\n    return grid",
    )
    assert outcome.outputs in ((GRID,), (None,))


def test_a_flood_of_answers_is_cut(sandbox: Sandbox) -> None:
    outcome = attack(sandbox, body("while True:\n    os.write(3, b'x' * 65536)"))
    assert outcome.status == "error" and "more than 100000 bytes" in outcome.message


STOLEN_VOICE = """
import sys
def transform(grid):
    frame = sys._getframe()
    while "say" not in frame.f_locals:
        frame = frame.f_back
    say = frame.f_locals["say"]
    {statement}
    return [[6]]
"""


@pytest.mark.parametrize(
    "statement",
    [
        """say('{"output": [[99]]}')""",
        """say("[" * 50000)""",
        """say('{"output": ' + "[" * 50000)""",
        """say('{"output": [[' + "9" * 50000 + "]]}")""",
        """say('{"error": {"a": [1]}, "memory": 5}')""",
        """say('{"failed": null}')""",
        """say('[]')""",
        """say('null')""",
        """say('"output"')""",
        """say('{"output": [[1e999, NaN]]}')""",
        """say('{"error": "a\\\\nb", "memory": 0}')""",
        """[say('{"output": [[1]]}') for _ in range(500)]""",
    ],
)
def test_a_program_that_finds_the_mark_speaks_for_itself_only(
    sandbox: Sandbox, statement: str
) -> None:
    outcome = attack(sandbox, STOLEN_VOICE.replace("{statement}", statement))
    assert outcome.status in ("error", "crashed") and outcome.message
    assert outcome.outputs == (None,)


def test_programs_leave_nothing_to_each_other(sandbox: Sandbox) -> None:
    sandbox.run("import sys, math\nsys.left = math.left = 6\nnp.left = 6\nnp.zeros = None", [GRID])
    look = "import sys, math\nreturn [[sys.left]] if hasattr(sys, 'left') else [[math.left]]"
    lines = look.replace("\n", "\n    ")
    assert sandbox.run(f"def transform(grid):\n    {lines}", [GRID]).status == "error"
    assert sandbox.run("def transform(grid):\n    return np.zeros((1, 1))", [GRID]).status == "ok"


def test_another_sandbox_is_not_hurt() -> None:
    with make("best") as first, make("best") as second:
        pid = second._child()._process.pid
        outcome = first.run(body(f"os.kill({pid}, 9)"), [GRID])
        assert outcome.outputs == (None,)
        assert second._child()._process.pid == pid
        assert still_works(first) and still_works(second)
