"""Requests to a server that speaks OpenAI's protocol: one JSON object there, one back.

What it does: retries what may pass, gives up what will not, says in one line what is wrong, and
can be hung up on at any moment from another thread. What it does not: follow redirects, use
proxies (such servers are near), or know what is asked.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

from kit.induce.writing.writer import PromptTooLongError, WriterError

API_KEY = "KIT_PROGRAM_API_KEY"
"""Environment variable with the key that is sent along, if the server wants one."""

TRIES = 4
FIRST_PAUSE_S = 0.5
"""Pause after the first failure; doubles with each."""

MAX_ANSWER_BYTES = 32 * 2**20

_PART_BYTES = 1 << 16
_RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_TOO_LONG = (
    "context length",
    "context_length",
    "context size",
    "context window",
    "maximum context",
)

Left = Callable[[], float]
"""Seconds that are left; 0 when nothing must be sent any more."""


class _PassingError(Exception):
    """Something that may go better the next time; the message says what it was."""


class Server:
    """One server, by URL. May be used by several threads.

    Args:
        url: with or without "/v1".
    Raises:
        WriterError: the URL or the key cannot be used.
    """

    def __init__(self, url: str) -> None:
        parts = _split(url)
        self._secure = parts.scheme == "https"
        self._host, self._port = str(parts.hostname), parts.port
        path = parts.path.rstrip("/")
        self._base = path if path.endswith("/v1") else path + "/v1"
        port = f":{self._port}" if self._port else ""
        self.name = f"{parts.scheme}://{self._host}{port}{self._base}"
        self._headers = _headers()
        self._hung_up = threading.Event()
        self._lock = threading.Lock()
        self._open: set[http.client.HTTPConnection] = set()

    def ask(self, path: str, body: Mapping[str, Any] | None, left: Left) -> dict[str, Any]:
        """The server's answer to a POST of `body`, or to a GET without one.

        Args:
            path: below the base, e.g. "/models".
        Raises:
            PromptTooLongError: the server says so.
            WriterError: no answer in time, after several tries, or one that will not change.
        """
        pause_s, said = FIRST_PAUSE_S, "no time was left"
        for attempt in range(TRIES):
            if left() <= 0 or self._hung_up.is_set():
                break
            try:
                return self._ask_once(path, body, left)
            except _PassingError as error:
                said = str(error)
            if attempt + 1 < TRIES:
                self._hung_up.wait(min(pause_s, left()))
                pause_s *= 2
        raise WriterError(f"{self.name}{path}: {said}")

    def hang_up(self) -> None:
        """Break off all requests, for good."""
        self._hung_up.set()
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            # Closing alone would not wake the thread that waits for the answer.
            if connection.sock is not None:
                with contextlib.suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)

    def _ask_once(self, path: str, body: Mapping[str, Any] | None, left: Left) -> dict[str, Any]:
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=max(0.001, left()))
        with self._lock:
            self._open.add(connection)
        try:
            status, text = self._exchange(connection, self._base + path, body, left)
        except TimeoutError as error:
            raise _PassingError("did not answer in time") from error
        except (OSError, http.client.HTTPException) as error:
            reason = str(error) or type(error).__name__
            raise _PassingError(f"cannot be reached ({reason})") from error
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()
        if status != 200:
            raise self._refusal(path, status, text)
        return _read_object(text)

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        path: str,
        body: Mapping[str, Any] | None,
        left: Left,
    ) -> tuple[int, bytes]:
        """(Status, body); not longer than what is left, however slowly the server speaks."""
        data = None if body is None else json.dumps(body).encode()
        connection.request("GET" if data is None else "POST", path, data, self._headers)
        response = connection.getresponse()
        parts, size = [], 0
        while part := response.read1(_PART_BYTES):
            parts.append(part)
            size += len(part)
            if size > MAX_ANSWER_BYTES:
                raise WriterError(f"{self.name}: an answer of more than {MAX_ANSWER_BYTES} bytes")
            if left() <= 0:
                raise TimeoutError
        return response.status, b"".join(parts)

    def _refusal(self, path: str, status: int, text: bytes) -> Exception:
        """What a status other than 200 means."""
        said = _message(text)
        what = f"HTTP {status}" + (f": {said}" if said else "")
        if status in _RETRIED:
            return _PassingError(what)
        if status in (400, 413, 422) and any(phrase in said.lower() for phrase in _TOO_LONG):
            return PromptTooLongError(f"{self.name}{path}: {what}")
        hints = {
            401: f"; put the key into the environment as {API_KEY}",
            403: f"; put the key into the environment as {API_KEY}",
            404: "; is it the right URL, and does the server have this endpoint "
            "(programs.endpoint) and model (programs.served_model)?",
        }
        moved = "; give the URL it was moved to" if 300 <= status < 400 else ""
        return WriterError(f"{self.name}{path}: {what}{hints.get(status, moved)}")


def _split(url: str) -> urllib.parse.SplitResult:
    """The parts of a server's URL."""
    try:
        parts = urllib.parse.urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        usable = False
    if not usable or not url.isascii() or any(c.isspace() for c in url):
        raise WriterError(f"not the URL of a server: {url!r}; write http://localhost:8000")
    if parts.username or parts.password or parts.query or parts.fragment:
        # Not shown: it may hold a password.
        raise WriterError(
            f"the URL of a server holds no key, query or fragment; put a key into the environment "
            f"as {API_KEY}"
        )
    return parts


def _headers() -> dict[str, str]:
    headers = {"Content-Type": "application/json", "Connection": "close"}
    key = os.environ.get(API_KEY, "").strip()
    if key and not (key.isascii() and key.isprintable()):
        raise WriterError(f"{API_KEY} holds characters that no key has")
    return headers | ({"Authorization": f"Bearer {key}"} if key else {})


def _read_object(text: bytes) -> dict[str, Any]:
    """The JSON object of an answer."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _PassingError(f"answers no JSON but {text[:60]!r}") from error
    if not isinstance(value, dict):
        raise _PassingError(f"answers no JSON object but {text[:60]!r}")
    return value


def _message(text: bytes) -> str:
    """What a server says of an error, in one line."""
    said: object = text[:2000].decode("utf-8", "replace")
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(text)
        held = value.get("error", value) if isinstance(value, dict) else value
        said = held.get("message", held) if isinstance(held, dict) else held
    return " ".join(str(said).split())[:200]
