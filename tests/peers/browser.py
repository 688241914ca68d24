"""Chromium without a window, driven by the DevTools protocol over a pipe: pages as people and their keyboards see them.

Source: chromedevtools.github.io/devtools-protocol; `--remote-debugging-pipe` reads commands from file descriptor 3 and
writes answers to 4, each a JSON value that ends with a NUL.
"""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.peers.availability import require
from tests.peers.containment import dying_with_us
from tests.peers.program import PeerError

_TIMEOUT = 60.0  # seconds
_KEYS = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Enter": 13, "Escape": 27, "Tab": 9}

# The pipes have other numbers in this process, where 3 and 4 may be taken; a shell takes only numbers of one digit.
_LAUNCHER = """
import fcntl, os, sys
commands, answers = (fcntl.fcntl(int(word), fcntl.F_DUPFD, 10) for word in sys.argv[1:3])
os.dup2(commands, 3)
os.dup2(answers, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """A running browser. `open` gives pages; `stop` ends it."""

    def __init__(self, program: Path, folder: Path) -> None:
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        launch = [sys.executable, "-c", _LAUNCHER, str(commands), str(answers)]
        self._process = subprocess.Popen(
            dying_with_us([*launch, str(program), *_options(folder), "about:blank"]),
            pass_fds=(commands, answers),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(folder)},
            start_new_session=True,
        )
        os.close(commands)
        os.close(answers)
        self._buffer = bytearray()
        self._number = 0
        self._pages: dict[str, Page] = {}

    def open(self, url: str, *, width: int = 1280, height: int = 900, dark: bool = False) -> Page:
        """Open a page in a window of this size, as somebody sees it who prefers light or dark colors."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.call(f"{domain}.enable")
        page.resize(width, height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        page.call("Emulation.setEmulatedMedia", features=[scheme])
        page.call("Page.navigate", url=url)
        page.wait_until("document.readyState === 'complete' && location.href !== 'about:blank'")
        return page

    def call(self, method: str, session: str | None = None, **parameters: Any) -> Any:
        """Return the result of a command; raises `PeerError` for one that fails, or that is not answered."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        os.write(self._commands, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise PeerError(f"{method}: {answer['error']}")
                return answer["result"]
            if (page := self._pages.get(answer.get("sessionId", ""))) is not None:
                page.hear(answer["method"], answer["params"])

    def _receive(self) -> dict[str, Any]:
        deadline = time.monotonic() + _TIMEOUT
        while b"\0" not in self._buffer:
            if not select.select([self._answers], [], [], max(0, deadline - time.monotonic()))[0]:
                raise PeerError("the browser does not answer")
            data = os.read(self._answers, 1 << 20)
            if not data:
                raise PeerError(f"the browser has ended with {self._process.wait(120)}")
            self._buffer += data
        message, _, rest = bytes(self._buffer).partition(b"\0")
        self._buffer[:] = rest
        answer: dict[str, Any] = json.loads(message)
        return answer

    def stop(self) -> None:
        """End the browser."""
        try:
            self.call("Browser.close")
            self._process.wait(120)
        except (PeerError, OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._commands)
        os.close(self._answers)


@dataclass(slots=True)
class Page:
    """A page: what it asked the network for (`requests`), and what went wrong in it (`errors`)."""

    browser: Browser
    session: str
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def call(self, method: str, **parameters: Any) -> Any:
        """Return the result of a command of the protocol."""
        return self.browser.call(method, self.session, **parameters)

    def hear(self, method: str, event: dict[str, Any]) -> None:
        """Note an event."""
        if method == "Network.requestWillBeSent":
            self.requests.append(event["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.errors.append(str(event["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and event["type"] in ("error", "warning", "assert"):
            self.errors.append(str(event["args"]))
        elif method == "Log.entryAdded" and event["entry"]["level"] in ("error", "warning"):
            self.errors.append(event["entry"]["text"])

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise PeerError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait_until(self, expression: str) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + _TIMEOUT
        while not self.evaluate(expression):
            if time.monotonic() > deadline:
                raise PeerError(f"{expression} does not become true")
            time.sleep(0.02)

    def press(self, *keys: str) -> None:
        """Press keys, one after another, by their names."""
        for key in keys:
            code = {"key": key, "code": key, "windowsVirtualKeyCode": _KEYS[key]}
            self.call("Input.dispatchKeyEvent", type="keyDown", **code, **({"text": "\r"} if key == "Enter" else {}))
            self.call("Input.dispatchKeyEvent", type="keyUp", **code)

    def type(self, text: str) -> None:
        """Type a text where the focus is."""
        self.call("Input.insertText", text=text)

    def resize(self, width: int, height: int) -> None:
        """Give the window a size in CSS pixels."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def screenshot(self, *, whole: bool = False) -> bytes:
        """Return a picture of the window, or of the `whole` page, as PNG."""
        taken = self.call("Page.captureScreenshot", captureBeyondViewport=whole, format="png")
        return base64.b64decode(taken["data"])

    def pdf(self) -> bytes:
        """Return the page as it is printed, on A4 paper."""
        printed = self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=False)
        return base64.b64decode(printed["data"])


def _options(folder: Path) -> list[str]:
    options = [
        *("--headless=new", "--remote-debugging-pipe", f"--user-data-dir={folder}", "--no-first-run"),
        *("--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-sync"),
        *("--disable-component-update", "--disable-extensions", "--hide-scrollbars", "--no-default-browser-check"),
    ]
    # Its own sandbox cannot be made by root.
    return [*options, "--no-sandbox"] if os.geteuid() == 0 else options


def start_browser(folder: Path) -> Browser:
    """Start Chromium with an empty profile in `folder`."""
    return Browser(require("chromium"), folder)
