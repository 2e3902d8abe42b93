"""Texts written by a model behind a server that speaks OpenAI's protocol.

Continuations of one conversation are asked for some at a time, so that what is there at the
deadline is not lost, and several requests wait at once, since such servers batch. Waiting is done
by threads that can be left behind: whatever the server does, `write` ends when the meter says so.
"""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kit.arc.seeds import derive_seed
from kit.budget.clock import Deadline, SystemClock
from kit.encode.formats import CHATS
from kit.encode.prompt import fill
from kit.induce.meter import Meter
from kit.induce.writing.server import Server
from kit.induce.writing.settings import WritingConfig
from kit.induce.writing.writer import Ask, Turn, WriterError

PER_REQUEST = 8
"""Continuations in one request."""

PARALLEL = 4
"""Requests at once."""

REQUEST_MOST_S = 600.0
"""For one request with all its tries, also where nothing else limits the time."""

LOOK_EVERY_S = 0.5
"""Between two looks at the meter while the server writes."""

# A digit in a row of numbers, a word, or a sign: what most vocabularies have as tokens at least.
_TOKEN = re.compile(r" ?\d|[A-Za-z]+|[^\sA-Za-z\d]|\n")
_SPARE_TOKENS = 64
"""For role markers."""


@dataclass(frozen=True, slots=True)
class _Job:
    """One request: some continuations of one conversation."""

    index: int
    ask: Ask
    first: int
    count: int


_Said = tuple[int, str] | Exception | None
"""A text by the ask that it belongs to; what went wrong; or that a job is done."""


class ServerWriter:
    """Implements `Writer`.

    Raises:
        WriterError: the URL or the key cannot be used.
    """

    def __init__(self, config: WritingConfig) -> None:
        self._config = config
        self._model = config.served_model
        Server(config.server)  # so that a bad URL or key is known before any task

    def fits(self, turns: Sequence[Turn]) -> bool:
        """See `Writer.fits`; estimated, the server has the last word."""
        tokens = sum(estimate_tokens(turn.text) for turn in turns) + _SPARE_TOKENS
        return tokens + self._config.max_tokens <= self._config.context_tokens

    def write(self, asks: Sequence[Ask], meter: Meter) -> Iterator[tuple[int, str]]:
        """See `Writer.write`; after a failure what other requests have brought still comes."""
        server = Server(self._config.server)
        said: queue.SimpleQueue[_Said] = queue.SimpleQueue()
        try:
            model = self._model or self._first_model(server, meter)
            jobs = _jobs(asks)
            waiting: queue.SimpleQueue[_Job] = queue.SimpleQueue()
            for job in jobs:
                waiting.put(job)
            for _ in range(min(PARALLEL, len(jobs))):
                worker = _Worker(self._config, model, server, waiting, said, meter.left_s())
                threading.Thread(target=worker.run, daemon=True).start()
            yield from _listen(said, len(jobs), meter)
        finally:
            server.hang_up()

    def close(self) -> None:
        """Nothing is held between two calls."""

    def _first_model(self, server: Server, meter: Meter) -> str:
        """Name of the first model that the server lists."""
        said: queue.SimpleQueue[object] = queue.SimpleQueue()
        left = _left(meter.left_s())

        def look() -> None:
            try:
                said.put(server.ask("/models", None, left))
            except WriterError as error:
                said.put(error)

        threading.Thread(target=look, daemon=True).start()
        try:
            answer = said.get(timeout=max(0.001, left()))
        except queue.Empty:
            raise WriterError(f"{server.name}/models: did not answer in time") from None
        if isinstance(answer, WriterError):
            raise answer
        try:
            self._model = str(answer["data"][0]["id"])  # type: ignore[index]
        except (LookupError, TypeError) as error:
            raise WriterError(
                f"{server.name}/models: lists no model; name one as programs.served_model"
            ) from error
        return self._model


class _Worker:
    """Takes jobs until none is left, in a thread of its own."""

    def __init__(
        self,
        config: WritingConfig,
        model: str,
        server: Server,
        waiting: queue.SimpleQueue[_Job],
        said: queue.SimpleQueue[_Said],
        left_s: float,
    ) -> None:
        self._config = config
        self._model = model
        self._server = server
        self._waiting = waiting
        self._said = said
        self._deadline = _deadline(left_s)

    def run(self) -> None:
        """Never raises: what goes wrong is said."""
        try:
            while True:
                self._work(self._waiting.get_nowait())
                self._said.put(None)
        except queue.Empty:
            return
        except Exception as error:  # a thread has nobody above it
            self._said.put(error)

    def _work(self, job: _Job) -> None:
        """Ask until all continuations are there: some servers write one, whatever is asked."""
        limit = _deadline(REQUEST_MOST_S)
        done = 0
        while done < job.count:
            body, path = self._body(job, done)
            answer = self._server.ask(
                path, body, lambda: min(self._deadline.remaining_s(), limit.remaining_s())
            )
            texts = self._texts(answer, job)[: job.count - done]
            if not texts:
                raise WriterError(f"{self._server.name}{path}: answers without any text")
            for text in texts:
                self._said.put((job.index, text))
            done += len(texts)

    def _body(self, job: _Job, done: int) -> tuple[dict[str, Any], str]:
        body: dict[str, Any] = {
            "model": self._model,
            "n": job.count - done,
            "temperature": self._config.temperature,
            "max_tokens": self._config.max_tokens,
            # Not all servers take more than 31 bits.
            "seed": derive_seed(job.ask.seed, "request", job.first + done) % 2**31,
        }
        if self._config.endpoint == "chat":
            messages = [{"role": turn.role, "content": turn.text} for turn in job.ask.turns]
            return {**body, "messages": messages}, "/chat/completions"
        # Where the answer is opened as a block, nothing of worth follows its end.
        stop = {"stop": ["\n```"]} if job.ask.opening.startswith("```") else {}
        return {**body, **stop, "prompt": plain_text(job.ask)}, "/completions"

    def _texts(self, answer: Mapping[str, Any], job: _Job) -> list[str]:
        """The continuations in an answer; "" for one without text."""
        choices = answer.get("choices")
        texts = []
        for choice in choices if isinstance(choices, list) else []:
            if isinstance(choice, dict):
                chat = self._config.endpoint == "chat"
                message = choice.get("message") if chat else choice
                text = message.get("content" if chat else "text") if message else ""
                opening = "" if chat else job.ask.opening
                texts.append(opening + text if isinstance(text, str) else "")
        return texts


def _jobs(asks: Sequence[Ask]) -> list[_Job]:
    """All asks in requests of a bearable size."""
    return [
        _Job(index, ask, first, min(PER_REQUEST, ask.count - first))
        for index, ask in enumerate(asks)
        for first in range(0, ask.count, PER_REQUEST)
    ]


def _listen(
    said: queue.SimpleQueue[_Said], num_jobs: int, meter: Meter
) -> Iterator[tuple[int, str]]:
    """Texts until all jobs are done, one has failed, or the meter says stop."""
    while num_jobs and not meter.is_over():
        try:
            what = said.get(timeout=max(0.001, min(meter.left_s(), LOOK_EVERY_S)))
        except queue.Empty:
            continue
        if isinstance(what, Exception):
            yield from _rest(said)
            raise what if isinstance(what, WriterError) else WriterError(repr(what)) from what
        if what is None:
            num_jobs -= 1
        else:
            yield what
    yield from _rest(said)


def _rest(said: queue.SimpleQueue[_Said]) -> Iterator[tuple[int, str]]:
    """Texts that have come already."""
    while not said.empty():
        what = said.get()
        if isinstance(what, tuple):
            yield what


def plain_text(ask: Ask) -> str:
    """A conversation for a model that knows no roles."""
    slots = {name: fill(text, {"eos": "\n"}) for name, text in CHATS["plain"].items()}
    said = [slots[turn.role] + turn.text + slots["end"] + slots["next"] for turn in ask.turns]
    return "".join(said) + slots["assistant"] + ask.opening


def estimate_tokens(text: str) -> int:
    """About as many tokens as a vocabulary makes of a text of grids and code; rather too many."""
    return sum(2 if match[0][-1].isdigit() else 1 for match in _TOKEN.finditer(text))


def _deadline(left_s: float) -> Deadline:
    clock = SystemClock()
    return Deadline(clock.now_s() + left_s, clock)


def _left(left_s: float) -> Any:
    deadline = _deadline(min(left_s, REQUEST_MOST_S))
    return deadline.remaining_s
