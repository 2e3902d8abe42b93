"""A server that speaks OpenAI's protocol with recorded answers, well or badly,
in a process of its own.

    python openai_server.py

It prints its port, then serves until it is killed. What it does depends on the model it is asked
for: "recorded" answers as it should (the task is told by its id, which the tests put into the head
of the prompt); the others are servers as one meets them.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from recorded_programs import FIRST, PROSE, REPAIRED

LOCK = threading.Lock()
ASKED: Counter[str] = Counter()
LONG_PROMPT = 600
"""Characters that are too many for the model "small"."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        """The list of models, or what has been asked so far."""
        if self.path == "/v1/models":
            self.say(200, {"data": [{"id": "recorded"}, {"id": "other"}]})
        elif self.path == "/asked":
            with LOCK:
                self.say(200, dict(ASKED))
        else:
            self.say(404, {"error": {"message": "no such path"}})

    def do_POST(self) -> None:
        """Some completions."""
        length = int(self.headers["Content-Length"])
        body = json.loads(self.rfile.read(length))
        model = body["model"]
        with LOCK:
            ASKED[model] += 1
            ASKED["seed"] = body["seed"]
            times = ASKED[model]
        if self.path not in ("/v1/chat/completions", "/v1/completions"):
            return self.say(404, {"error": {"message": "no such path"}})
        bad = getattr(self, f"be_{model}", None)
        if bad is not None and bad(body, times):
            return None
        return self.say(200, self.answer(body))

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        """As a good server would."""
        chat = self.path == "/v1/chat/completions"
        asked = body["messages"] if chat else [{"content": body["prompt"]}]
        head = asked[min(1, len(asked) - 1)]["content"]
        repairing = len(asked) > 2 or "That program" in head
        book = REPAIRED if repairing else FIRST
        recorded = next((texts for name, texts in book.items() if name in head), [PROSE])
        with LOCK:
            key = f"{repairing} {head[:40]}"
            first = ASKED[key]
            ASKED[key] += body["n"]
        texts = [recorded[(first + i) % len(recorded)] for i in range(body["n"])]
        if not chat:
            # The prompt has opened the block already.
            texts = [t.partition("```python\n")[2] or t for t in texts]
        wrapped = [{"message": {"role": "assistant", "content": t}} for t in texts]
        return {"choices": wrapped if chat else [{"text": text} for text in texts]}

    def say(self, status: int, value: object) -> None:
        """Send JSON."""
        self.send(status, json.dumps(value).encode())

    def send(self, status: int, text: bytes, kind: str = "application/json") -> None:
        """Send anything."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def be_silent(self, body: dict[str, Any], times: int) -> bool:
        """Never answer."""
        time.sleep(60)
        return True

    def be_dripping(self, body: dict[str, Any], times: int) -> bool:
        """Send a byte now and then, without end."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while True:
            self.wfile.write(b"x")
            time.sleep(0.05)

    def be_trickling(self, body: dict[str, Any], times: int) -> bool:
        """A proper head, and then a body that never ends."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            self.wfile.write(b" ")
            time.sleep(0.05)

    def be_flooding(self, body: dict[str, Any], times: int) -> bool:
        """A body without end, as fast as can be."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            self.wfile.write(b" " * 2**20)

    def be_garbage(self, body: dict[str, Any], times: int) -> bool:
        """No JSON."""
        self.send(200, b"<html>It works!</html>", "text/html")
        return True

    def be_nested(self, body: dict[str, Any], times: int) -> bool:
        """JSON that is too deep to be read."""
        self.send(200, b"[" * 10**6)
        return True

    def be_empty(self, body: dict[str, Any], times: int) -> bool:
        """No choices."""
        self.say(200, {"choices": []})
        return True

    def be_odd(self, body: dict[str, Any], times: int) -> bool:
        """Choices of the wrong form."""
        self.say(200, {"choices": [{"message": {"content": None}}, {}, 7, {"message": None}]})
        return True

    def be_busy(self, body: dict[str, Any], times: int) -> bool:
        """Overloaded at first."""
        if times <= 2:
            self.say(503, {"error": {"message": "come back later"}})
        return times <= 2

    def be_broken(self, body: dict[str, Any], times: int) -> bool:
        """Always fails."""
        self.say(500, {"error": {"message": "out of\nmemory"}})
        return True

    def be_hanging_up(self, body: dict[str, Any], times: int) -> bool:
        """Closes without a word."""
        self.close_connection = True
        self.connection.close()
        return True

    def be_locked(self, body: dict[str, Any], times: int) -> bool:
        """Wants a key."""
        if self.headers["Authorization"] == "Bearer sesame":
            return False
        self.say(401, {"error": {"message": "who are you?"}})
        return True

    def be_missing(self, body: dict[str, Any], times: int) -> bool:
        """Not there."""
        self.say(404, {"error": {"message": "The model `missing` does not exist."}})
        return True

    def be_moved(self, body: dict[str, Any], times: int) -> bool:
        """Sends elsewhere."""
        self.say(307, {})
        return True

    def be_small(self, body: dict[str, Any], times: int) -> bool:
        """Has little room."""
        if sum(len(m["content"]) for m in body["messages"]) <= LONG_PROMPT:
            return False
        message = "This model's maximum context length is 99 tokens."
        self.say(400, {"error": {"message": message, "code": "context_length_exceeded"}})
        return True

    def be_one(self, body: dict[str, Any], times: int) -> bool:
        """Writes one, whatever it is asked."""
        body["n"] = 1
        return False


def main() -> None:
    """Serve."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda request, address: None  # type: ignore[method-assign]
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
