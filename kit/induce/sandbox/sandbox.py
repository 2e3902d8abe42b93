"""The one way in: a sandbox for untrusted programs, of the best kind that works on this machine.

    with open_sandbox(allow_weak=False) as sandbox:
        outcome = sandbox.run(source, [grid])

What it does: has `probe` find out what works here, and opens a sandbox of that. Strong: the kernel
holds every attack of `attacks`. Weak: resource limits, a process of its own and Python's hooks,
which is no security boundary; for programs whose author is trusted, or at one's own risk.
"""

from __future__ import annotations

from kit.induce.sandbox.limits import Limits
from kit.induce.sandbox.probe import SandboxReport, probe
from kit.induce.sandbox.runner import Sandbox, SandboxError

__all__ = ["Sandbox", "SandboxError", "open_sandbox"]

_DEFAULTS = Limits()


def open_sandbox(allow_weak: bool, limits: Limits = _DEFAULTS) -> Sandbox:
    """A sandbox of the best kind that works here.

    Args:
        allow_weak: take one that does not hold every attack, where there is no better.
    Raises:
        SandboxError: there is none, or only a weak one and that is not allowed.
    """
    report = probe()
    if report.mode == "none":
        raise SandboxError(f"programs cannot be run here: {'; '.join(report.missing)}")
    if report.mode == "weak" and not allow_weak:
        raise SandboxError(_why_weak(report))
    return Sandbox(report.mechanisms, limits)


def _why_weak(report: SandboxReport) -> str:
    missing = "; ".join(report.missing) or "the kernel has no means for it"
    return (
        f"only a weak sandbox works here ({missing}); programs could "
        f"{', '.join(report.uncontained) or 'do what nobody tried'}. "
        "To run them all the same: --allow-weak-sandbox"
    )
