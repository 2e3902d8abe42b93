"""The probe says what it has seen: each wall alone holds, and what has none is called weak.

pytest tests/induce/sandbox/test_probe.py
"""

from __future__ import annotations

import os
import sys

import pytest

from kit.induce.sandbox import sandbox as door
from kit.induce.sandbox.attacks import ATTACKS
from kit.induce.sandbox.limits import Limits
from kit.induce.sandbox.mechanisms import Mechanism
from kit.induce.sandbox.probe import SandboxReport, examine, probe
from kit.induce.sandbox.runner import MechanismBroken, Sandbox
from kit.induce.sandbox.sandbox import SandboxError, open_sandbox
from tests.induce.sandbox.sandboxes import GRID, HONEST, TURNED

USER: tuple[Mechanism, ...] = ("unprivileged user",) if os.geteuid() == 0 else ()

WEAK = SandboxReport("weak", ("python hooks",), ("remove files",), ("seccomp: not installed",))
NONE = SandboxReport("none", (), (), ("no such system",))

linux = pytest.mark.skipif(sys.platform != "linux", reason="the walls are Linux's")


def works(mechanism: Mechanism) -> bool:
    """Whether a child starts behind one wall."""
    try:
        Sandbox((*USER, mechanism), Limits()).close()
    except MechanismBroken:
        return False
    return True


@linux
@pytest.mark.parametrize("wall", ["namespaces", "seccomp"])
def test_each_wall_alone_holds_every_attack(wall: Mechanism) -> None:
    if not works(wall):
        pytest.skip(f"{wall}: not here")
    report = examine((*USER, wall))
    assert report == SandboxReport("strong", (*USER, wall), (), ())


@linux
def test_without_walls_it_is_weak_and_says_what_gets_through() -> None:
    report = examine(USER)
    assert report.mode == "weak" and report.mechanisms == (*USER, "python hooks")
    # Resource limits alone hold these.
    assert not {"run for ever", "take more memory than allowed", "use the network"} & set(
        report.uncontained
    )
    # Nothing but a wall holds these.
    assert {"rename and remove files", "see which files exist"} <= set(report.uncontained)
    assert set(report.uncontained) <= {attack.name for attack in ATTACKS}


def test_mechanisms_that_do_not_work_are_left_out_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kit.induce.sandbox.channel._PACKAGES", ("numpy",))
    monkeypatch.setattr("kit.induce.sandbox.probe.ATTACKS", ())
    report = examine((*USER, "seccomp"))
    beside_numpy = report.mode == "strong"  # installed in the same folder as numpy
    if not beside_numpy:
        assert report.mode == "weak"
        assert any("pip install pyseccomp" in reason for reason in report.missing)


def test_a_child_that_does_not_start_is_no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    report = examine(())
    assert report.mode == "none"
    assert "does not start: its process is gone" in report.missing[0]


def test_the_probe_remembers() -> None:
    assert probe() is probe()


def test_a_weak_sandbox_is_opened_only_when_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "probe", lambda: WEAK)
    with pytest.raises(SandboxError, match="--allow-weak-sandbox") as caught:
        open_sandbox(allow_weak=False)
    assert "seccomp: not installed" in str(caught.value)
    assert "programs could remove files" in str(caught.value)
    with open_sandbox(allow_weak=True) as sandbox:
        assert sandbox.run(HONEST, [GRID]).outputs == (TURNED,)


def test_no_sandbox_is_not_opened_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "probe", lambda: NONE)
    with pytest.raises(SandboxError, match="cannot be run here: no such system"):
        open_sandbox(allow_weak=True)


def test_this_machine_has_one() -> None:
    with open_sandbox(allow_weak=True) as sandbox:
        assert sandbox.run(HONEST, [GRID]).outputs == (TURNED,)
