"""Chromium without a window, driven over a pipe: opens a page, types, looks, takes pictures.

Found as `chromium` (Debian's package), `google-chrome`, or the program named by CHROMIUM.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
MOST_LIFE_S = 900.0

# The browser speaks its protocol on descriptors 3 and 4.
_LAUNCH = 'exec "$@" 3<&0 4>&1 0</dev/null 1>/dev/null'


def find_chromium() -> str | None:
    """The browser's program, None where there is none."""
    given = os.environ.get("CHROMIUM")
    return given or next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One page in one browser."""

    def __init__(self, program: str, profile: Path) -> None:
        arguments = [
            program, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
            "--no-first-run", "--disable-dev-shm-usage", "--disable-background-networking",
            f"--user-data-dir={profile}", "about:blank",
        ]  # fmt: skip
        self._process = subprocess.Popen(
            ["sh", "-c", _LAUNCH, "sh", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        # Whoever waits for a browser that hangs is told that it has died.
        self._watch = threading.Timer(MOST_LIFE_S, self._process.kill)
        self._watch.daemon = True
        self._watch.start()
        self._count, self._session = 0, ""
        self.events: list[dict[str, Any]] = []
        targets = self.ask("Target.getTargets")["targetInfos"]
        target = next(t["targetId"] for t in targets if t["type"] == "page")
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.cancel()
        self._process.kill()
        self._process.wait()

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        """Call a method of the protocol; what comes in between is kept among the events."""
        self._count += 1
        call = {"id": self._count, "method": method, "params": params}
        if self._session:
            call["sessionId"] = self._session
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        stdin.write(json.dumps(call).encode() + b"\0")
        stdin.flush()
        while True:
            answer = json.loads(self._message())
            if answer.get("id") == self._count:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            self.events.append(answer)

    def _message(self) -> bytes:
        stdout, message = self._process.stdout, bytearray()
        assert stdout is not None
        while (byte := stdout.read(1)) != b"\0":
            assert byte, "the browser has died"
            message += byte
        return bytes(message)

    def open(self, url: str) -> float:
        """Open a page; seconds until it is loaded and has been drawn."""
        began_s = time.monotonic()
        self.events = [e for e in self.events if e["method"] != "Page.loadEventFired"]
        self.ask("Page.navigate", url=url)
        while all(event["method"] != "Page.loadEventFired" for event in self.events):
            self.events.append(json.loads(self._message()))
        drawn = "new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))"
        self.value(f"{drawn}.then(() => true)")
        return time.monotonic() - began_s

    def value(self, expression: str) -> Any:
        """The value of an expression in the page."""
        answer = self.ask(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key: str, code: int = 0, text: str = "") -> None:
        """Press and release a key.

        Args:
            code: its virtual key code, for keys that are no characters.
            text: what it types.
        """
        event = {"key": key, "windowsVirtualKeyCode": code, "text": text}
        self.ask("Input.dispatchKeyEvent", type="keyDown", **event)
        self.ask("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def type(self, text: str) -> None:
        """Type text into what has the focus."""
        self.ask("Input.insertText", text=text)

    def resize(self, width: int, height: int, scheme: str = "light", scale: float = 1.0) -> None:
        """Make the page so large, in a light or dark scheme."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=scale, mobile=False,
        )  # fmt: skip
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.ask("Emulation.setEmulatedMedia", features=features)

    def picture(self, path: Path) -> None:
        """Save what can be seen as PNG."""
        answer = self.ask("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(answer["data"]))

    def complaints(self) -> list[str]:
        """Errors of scripts and of the page's policy, and everything that was loaded from
        elsewhere."""
        found = []
        for event in self.events:
            params = event.get("params", {})
            if event["method"] == "Runtime.exceptionThrown":
                found.append(str(params["exceptionDetails"]))
            elif event["method"] == "Log.entryAdded" and params["entry"]["level"] == "error":
                found.append(params["entry"]["text"])
            elif event["method"] == "Network.requestWillBeSent":
                url = params["request"]["url"]
                if not url.startswith(("file:", "about:", "data:")):
                    found.append(f"loads {url}")
        return found
