"""The steps of the submission notebook: valid answers first, then install, look, solve, check.

What it does: runs the installer, the doctor and `submission.py` as programs of their own, within
the time that is left since the notebook began, and goes on more simply where one of them fails.
No step raises, because a cell that fails would cost the whole submission. What it does not: solve
anything itself, or import an engine.

    contest = Contest(time.monotonic(), code)
    contest.write_guesses(); contest.install(); contest.examine(); contest.solve(); contest.check()
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from kit.arc.datasets import resolve_tasks
from kit.arc.json_file import TaskFileError
from kit.arc.kaggle import KAGGLE_ROOT, find_challenges
from kit.arc.whole_file import replace_file
from kit.config import format_duration
from kit.engine.cards import card_preset
from kit.gpus import Gpu, read_gpus
from kit.job import KAGGLE_BUDGET_S, KAGGLE_WORKING
from kit.request import DEFAULT_OUT
from kit.submit.lock import JOURNAL_NAME, SUBMISSION_NAME
from kit.submit.submission import SubmissionFile
from kit.workers.executor import SMALL_MODEL_BYTES, describe, weights_bytes

Result = TypeVar("Result")

RERUN = "KAGGLE_IS_COMPETITION_RERUN"
"""Set by Kaggle in the run that is scored; in all others the test set is a placeholder."""

SMOKE_S, SMOKE_TASKS, SMOKE_STEPS = 1800.0, 4, 16
"""What a run on the placeholder gets: enough to see that every engine starts, and a server of large
models takes minutes to; so few steps that they do not take what is left."""

STEP_S = 1200.0
"""Most seconds for the installer (240 are enough on a Kaggle machine) and for the doctor."""

_SCRATCH = Path("/kaggle/temp")

_GRACE_S = 60.0
"""`submission.py` ends by itself; what is still there so much later is ended."""

_LEAST_RETRY_S = 60.0

_MODEL_DEPTH = 6


@dataclass(slots=True)
class Contest:
    """One run of the notebook.

    Attributes:
        started_s: instant on `time.monotonic` at which the notebook began.
        code: folder that holds `kit/` and `submission.py`; may be read-only.
        root: where Kaggle mounts what is attached.
        smoke_s: what solving the placeholder may take, all ways together.
        working: where the answers go; the current folder elsewhere than on Kaggle.
    """

    started_s: float
    code: Path
    root: Path = KAGGLE_ROOT
    smoke_s: float = SMOKE_S
    working: Path = field(default_factory=lambda: _first_folder(KAGGLE_WORKING, Path.cwd()))
    gpus: list[Gpu] = field(default_factory=read_gpus)

    @property
    def full(self) -> bool:
        """Whether this is the run that is scored."""
        return bool(os.environ.get(RERUN))

    @property
    def answers(self) -> Path:
        """The file that Kaggle scores."""
        return self.working / SUBMISSION_NAME

    @property
    def environment(self) -> Path:
        """Where the wheels are installed: on a disk that Kaggle does not keep."""
        return _first_folder(_SCRATCH, Path(tempfile.gettempdir())) / "arc-ttt-kit-env"

    @property
    def python(self) -> Path:
        """The interpreter with the wheels, or this one where they could not be installed."""
        installed = (self.environment / "wheels.json").is_file()
        return self.environment / "bin" / "python" if installed else Path(sys.executable)

    def left_s(self) -> float:
        """Seconds that solving may still take; counted from the notebook's first cell."""
        passed_s = time.monotonic() - self.started_s
        whole_s = KAGGLE_BUDGET_S - passed_s
        return whole_s if self.full else min(self.smoke_s, whole_s)

    def write_guesses(self) -> None:
        """A valid file before anything can go wrong."""
        mode = "the scored run" if self.full else f"a trial on {SMOKE_TASKS} tasks ({RERUN} unset)"
        print(f"{mode}; {format_duration(self.left_s())} to solve")
        _guarded(self._write_guesses)

    def _write_guesses(self) -> None:
        if find_challenges(self.root) is None:
            print(
                f"error: no contest data: neither {self.root}/NAME/ nor "
                f"{self.root}/competitions/NAME/ holds *_challenges.json; add the contest under "
                "Input. Public evaluation tasks take their place"
            )
        try:
            tasks = tuple(resolve_tasks(None, self.root).tasks.values())
        except TaskFileError as error:
            # Without any task, no answers are all that can be asked for.
            print(f"error: {error}")
            tasks = ()
        content = SubmissionFile(self.answers, tasks).to_json()
        replace_file(self.answers, content.encode())
        print(f"guesses for {len(tasks)} tasks in {self.answers}")

    def install(self) -> None:
        """The attached wheels, into an environment of their own."""
        installer = self.code / "offline_wheels" / "install.py"
        command = [sys.executable, installer, "--wheels", self.root, "--env", self.environment]
        if _guarded(self._run, command, STEP_S) != 0:
            print(f"goes on without the wheels, with {sys.executable}")

    def examine(self) -> None:
        """What works here, as `python -m kit doctor` tells."""
        command = [self.python, "-m", "kit", "doctor", *self._options()]
        _guarded(self._run, command, STEP_S)

    def solve(self) -> None:
        """The run; where it fails, it goes on from what is there with less that can fail."""
        until_s = time.monotonic() + self.left_s()
        before = self._journal_state()
        for python, options in self._ways():
            code = _guarded(self._attempt, python, options, until_s, before)
            left_s = until_s - time.monotonic()
            if code == 0 or left_s < _LEAST_RETRY_S:
                return
            print(f"that ended with exit code {code}; {format_duration(left_s)} are left")
        print(f"the answers stay as they are in {self.answers}")

    def check(self) -> None:
        """Whether the contest would accept the answers."""
        _guarded(self._run, [sys.executable, "-m", "kit", "check", self.answers], _GRACE_S)

    def _ways(self) -> list[tuple[Path, list[str]]]:
        """Interpreter and options, the best first, the one that needs least last.

        They differ only in options that `kit.resume` lets change, so that each goes on with the
        journal of those before it.
        """
        options = self._options()
        own = [*options, "solve.trainer=torch", "solve.sampler=torch", "finetune.quantize=auto"]
        search = [*options, "solve.legs=search"]
        return [(self.python, options), (self.python, own), (Path(sys.executable), search)]

    def _attempt(
        self, python: Path, options: Sequence[str], until_s: float, before: object
    ) -> int | None:
        """One run, and one more where its process was killed; the exit code of the last one.

        Args:
            until_s: instant on `time.monotonic` at which solving ends.
            before: `_journal_state` when solving began; where it has changed since, the run goes
                on from the journal.
        """
        command: list[str | Path] = [python, self.code / "submission.py", *options]
        command += [] if self.full else ["--limit", str(SMOKE_TASKS)]
        code = None
        for _ in range(2):
            resume = ["--resume"] if self._journal_state() != before else []
            code = self._run([*command, *resume], until_s - time.monotonic(), timed=True)
            # A signal is no word about the engines: the system may have been short of memory.
            if code >= 0 or until_s - time.monotonic() < _LEAST_RETRY_S:
                break
            print("the same once more")
        return code

    def _journal_state(self) -> tuple[int, int, int] | None:
        """Which journal there is and what it looks like; None where there is none."""
        try:
            found = (self.working / DEFAULT_OUT / JOURNAL_NAME).stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def _options(self) -> list[str]:
        """Preset and model; few steps in a trial."""
        few = [] if self.full else [f"budget.num_steps={SMOKE_STEPS}"]
        usable = [gpu for gpu in self.gpus if gpu.problem() is None]
        model = self.find_model()
        if model is None or (not usable and weights_bytes(model) >= SMALL_MODEL_BYTES):
            # Without a GPU a model of billions of weights would not end its first task.
            return ["--preset", "cpu", *few]
        preset = card_preset(usable[0].name) if usable else "cpu"
        return ["--preset", preset, f"solve.model={model}", *few]

    def find_model(self) -> Path | None:
        """The first attached folder with weights, one with a `config.json` before others; None for
        the kit's own."""
        found: list[Path] = []
        for folder, names, files in os.walk(self.root):
            here = Path(folder)
            names.sort()
            if here == self.code or len(here.relative_to(self.root).parts) >= _MODEL_DEPTH:
                names.clear()
            elif any(name.endswith(".safetensors") for name in files):
                found.append(here)
        return min(found, key=lambda path: not (path / "config.json").is_file(), default=None)

    def _run(self, command: Sequence[str | Path], limit_s: float, timed: bool = False) -> int:
        """Run a program and show what it prints; its exit code.

        Args:
            limit_s: it is ended a little after so many seconds.
            timed: whether it takes the limit as an option.
        """
        words = [str(word) for word in command]
        if timed:
            words += ["--time-budget", f"{limit_s:.0f}s"]
        variables = {"PYTHONPATH": str(self.code), "PYTHONUNBUFFERED": "1"}
        variables |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
        if self.gpus and all(gpu.problem() for gpu in self.gpus):
            variables["CUDA_VISIBLE_DEVICES"] = ""
        print("$", " ".join([Path(words[0]).name, *words[1:]]), flush=True)
        process = subprocess.Popen(
            words,
            cwd=self.working,
            env=os.environ | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        timers = [threading.Timer(limit_s + _GRACE_S, process.terminate)]
        timers.append(threading.Timer(limit_s + 2 * _GRACE_S, process.kill))
        for timer in timers:
            timer.start()
        try:
            for line in process.stdout or ():
                print(line, end="", flush=True)
            if (code := process.wait()) < 0:
                print(f"it was ended (signal {-code}); it had {format_duration(limit_s)}")
            return code
        finally:
            for timer in timers:
                timer.cancel()


def _guarded(step: Callable[..., Result], *arguments: object) -> Result | None:
    """What a step returns; None where it failed, after saying why."""
    try:
        return step(*arguments)
    except Exception as error:
        print(f"error: {describe(error)}")
        return None


def _first_folder(*folders: Path) -> Path:
    """The first of them that can be written to, else the last."""
    found = (path for path in folders if path.is_dir() and os.access(path, os.W_OK))
    return next(found, folders[-1])
