"""Signals and the alarm: one exception, never in the middle of writing.

pytest tests/test_interrupt.py
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kit import interrupt

ROOT = Path(__file__).parents[1]

START = """
import os, signal, sys, time
from kit.interrupt import EXIT_CODES, StopGuard, Stopped
guard = StopGuard()
guard.install()
def send(number=signal.SIGTERM):
    os.kill(os.getpid(), number)
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Code in a process of its own, because signals belong to the process."""
    return subprocess.run(
        [sys.executable, "-c", START + code], cwd=ROOT, capture_output=True, text=True, timeout=20
    )


def test_a_signal_waits_for_the_end_of_a_shielded_stretch() -> None:
    ran = run("""
try:
    with guard.shielded():
        send()
        with guard.shielded():
            print("written")
        print("whole")
    print("not reached")
except Stopped as stop:
    print(stop.cause)
""")
    assert ran.stdout.split() == ["written", "whole", "SIGTERM"]


def test_signals_in_quick_succession_stop_once() -> None:
    ran = run("""
try:
    send(signal.SIGINT)
except Stopped as stop:
    send(signal.SIGINT)
    send(signal.SIGTERM)
    print(stop.cause, guard.cause)
""")
    assert ran.stdout.split() == ["SIGINT", "SIGINT"] and ran.returncode == 0


def test_a_late_second_signal_ends_at_once() -> None:
    ran = run("""
try:
    send(signal.SIGINT)
except Stopped:
    time.sleep(1.1)
    send(signal.SIGINT)
    print("not reached")
""")
    assert ran.returncode == 130 and ran.stdout == ""
    assert "submission.json holds the best so far" in ran.stderr


def test_time_runs_out_in_the_middle_of_work() -> None:
    ran = run("""
guard.stop_at(time.monotonic() + 0.2, time.monotonic() + 10)
try:
    time.sleep(10)
except Stopped as stop:
    print(stop.cause, EXIT_CODES[stop.cause])
""")
    assert ran.stdout.split() == ["time", "0"]


def test_what_cannot_be_interrupted_is_ended_by_force() -> None:
    ran = run("""
guard.stop_at(time.monotonic() + 0.1, time.monotonic() + 0.4)
with guard.shielded():
    time.sleep(10)
""")
    assert ran.returncode == 0 and "out of time: ended by force" in ran.stderr


def test_instants_that_were_taken_back_do_not_end_a_process_that_goes_on() -> None:
    ran = run("""
guard.stop_at(time.monotonic() + 0.2, time.monotonic() + 0.4)
guard.cancel()
guard.cancel()
time.sleep(0.6)
print("on", guard.cause)
""")
    assert ran.stdout.split() == ["on", "None"] and ran.returncode == 0


def test_a_disarmed_guard_raises_nothing() -> None:
    ran = run("""
guard.disarm()
send()
print("on", guard.cause)
""")
    assert ran.stdout.split() == ["on", "SIGTERM"]


def test_the_start_of_the_interpreter_belongs_to_the_budget() -> None:
    ran = run("""
from kit.interrupt import process_began_s
began_s = process_began_s()
print(time.monotonic() - began_s, time.process_time())
""")
    age_s, cpu_s = map(float, ran.stdout.split())
    # Wall time since the start is no less than the CPU time used since, but for the clock's ticks.
    assert cpu_s - 0.05 < age_s < 5.0


def test_an_old_process_was_something_else_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupt, "_LONGEST_START_S", 0.0)
    assert abs(interrupt.process_began_s() - time.monotonic()) < 0.5


def test_nothing_asks_the_wall_clock_which_may_jump() -> None:
    asking = re.compile(r"\btime\.time(_ns)?\(|\bdatetime\.(now|utcnow|today)|\bdate\.today\(")
    for path in sorted((ROOT / "kit").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert not asking.search(text), f"{path.relative_to(ROOT)}: use a Clock, or time.monotonic"


def test_stopped_is_no_exception_that_failed_work_could_hide() -> None:
    from kit.interrupt import Stopped

    assert not issubclass(Stopped, Exception)
