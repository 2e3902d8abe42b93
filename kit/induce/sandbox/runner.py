"""Running untrusted programs: Python source that defines `transform(grid)`.

What it does: keeps one child (`nursery`) that has loaded Python and numpy and has confined itself,
and has it fork a process for each program. Whatever the program does, `run` returns an `Outcome`
in about `limits.wall_s` at the latest, and the next program finds the same clean place. Every
answer is read as JSON and checked as a grid here; nothing of a program's is unpickled or called.
What it does not: judge what a program answers, or keep the kernel's own faults from it.

Performance (2 cores, Python 3.11): the child starts in 0.2 to 0.5 s, once; an honest program on 3
grids then costs 7 to 11 ms in the median, 2 to 3 of them the fork, the system call filter under
one; on a machine with more to do than cores, two to three times that. A program that takes its
child along, possible only in a weak sandbox, costs a new start.
"""

from __future__ import annotations

import functools
import os
import secrets
from collections.abc import Sequence
from dataclasses import asdict
from types import TracebackType

from kit.arc.grid import Grid
from kit.induce.sandbox.channel import Channel, ChannelLost
from kit.induce.sandbox.limits import MAX_SOURCE_BYTES, Limits
from kit.induce.sandbox.mechanisms import Mechanism
from kit.induce.sandbox.outcome import Outcome, Status
from kit.induce.sandbox.verdict import Account, judge

_START_S = 60.0
_GRACE_S = 5.0
"""For a busy machine, on top of a program's wall time, before the child counts as lost."""

_MAX_MESSAGE_CHARS = 400


class SandboxError(RuntimeError):
    """No program can be run here; the message says why and what to do."""


class MechanismBroken(SandboxError):
    """A mechanism that was asked for does not work here.

    Attributes:
        mechanism: None when the child does not even start.
    """

    def __init__(self, mechanism: Mechanism | None, message: str) -> None:
        super().__init__(message)
        self.mechanism = mechanism


class Sandbox:
    """Runs programs one after another; not for several threads at once, open one for each.

    Args:
        mechanisms: all of them must work; `sandbox.open_sandbox` chooses them.
        limits: of each program.
    Raises:
        MechanismBroken: one does not.
    """

    def __init__(self, mechanisms: tuple[Mechanism, ...], limits: Limits) -> None:
        self._mechanisms = mechanisms
        self._limits = limits
        self._channel: Channel | None = None
        self._closed = False
        self._child()

    def run(self, source: str, inputs: Sequence[Grid]) -> Outcome:
        """Define `transform` by running `source`, and apply it to each input.

        Raises:
            SandboxError: the sandbox is closed or does not start any more; never because of what
                the program does.
        """
        end = functools.partial(_outcome, len(inputs))
        try:
            size = len(source.encode("utf-8"))
        except UnicodeEncodeError:
            return end("refused", "the source is not valid text")
        if size > MAX_SOURCE_BYTES:
            return end("refused", f"the source has more than {MAX_SOURCE_BYTES} bytes")
        nonce = secrets.token_hex(16)
        request = {
            "nonce": nonce,
            "source": source,
            "inputs": inputs,
            "limits": asdict(self._limits),
        }
        try:
            channel = self._child()
            channel.tell(request, _GRACE_S)
            account = self._account(channel, nonce)
        except ChannelLost as lost:
            self._drop()
            return end("crashed", f"the program took the sandbox along: {lost}")
        verdict = judge(account, nonce, len(inputs), self._limits)
        return end(verdict.status, verdict.message, verdict.outputs)

    def close(self) -> None:
        """End its processes; more than once is fine."""
        self._closed = True
        self._drop()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _child(self) -> Channel:
        """The child, started anew when the last one is gone."""
        if self._closed:
            raise SandboxError("the sandbox is closed")
        if self._channel is not None and not self._channel.alive():
            self._drop()
        if self._channel is None:
            self._channel = _start(self._mechanisms)
        return self._channel

    def _drop(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _account(self, channel: Channel, nonce: str) -> Account:
        """How this program fared, as told by the child."""
        # JSON may write a byte in six.
        limit_bytes = 6 * self._limits.output_bytes + 4096
        reply = channel.hear(self._limits.wall_s + _GRACE_S, limit_bytes)
        if reply.pop("nonce", None) != nonce:
            raise ChannelLost("its process speaks of another program")
        try:
            return Account(
                str(reply["said"]), str(reply["how"]), int(reply["exit"]), float(reply["cpu_s"])
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ChannelLost("its process answers rubbish") from error


def _start(mechanisms: tuple[Mechanism, ...]) -> Channel:
    """A child that is ready.

    Raises:
        MechanismBroken: it cannot be confined like that.
        SandboxError: there is no such child on this system.
    """
    if os.name != "posix":
        raise SandboxError("programs can only be run on Linux and macOS")
    channel = Channel(mechanisms)
    try:
        message = channel.hear(_START_S, 1 << 16)
    except ChannelLost as lost:
        channel.close()
        raise MechanismBroken(None, f"the sandbox does not start: {lost}") from lost
    if "ready" not in message:
        channel.close()
        raise MechanismBroken(message.get("broken"), str(message.get("message")))
    return channel


def _outcome(
    count: int,
    status: Status,
    message: str,
    outputs: tuple[Grid | None, ...] | None = None,
) -> Outcome:
    return Outcome(status, (None,) * count if outputs is None else outputs, _one_line(message))


def _one_line(message: str) -> str:
    """A message that a program may have chosen: short, and nothing that moves a cursor."""
    text = "".join(sign if sign.isprintable() else " " for sign in message[:_MAX_MESSAGE_CHARS])
    return text.strip()
