"""A browser without a window, driven over a pipe by the DevTools protocol: pages that are used, not just read."""

from __future__ import annotations

import base64
import html
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
NO_BROWSER = "no browser: install chromium"


def find_browser() -> str | None:
    """The first that is installed."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


class Browser:
    """One page of a browser.

    Args:
        profile: an empty folder, in which it keeps what pages keep.
        size: of the window, in pixels.
    """

    def __init__(self, profile: Path, size: tuple[int, int] = (1280, 860)) -> None:
        command = find_browser()
        assert command is not None, NO_BROWSER
        told, tell = os.pipe()
        hear, heard = os.pipe()

        def connect() -> None:
            # The browser reads from 3 and writes to 4, whatever numbers the pipes have here.
            ends = os.dup(told), os.dup(heard)
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self._process = subprocess.Popen(
            [
                *(command, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe"),
                *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
                *(f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}", "about:blank"),
            ],
            preexec_fn=connect,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(told)
        os.close(heard)
        self._tell, self._hear, self._rest, self._number = tell, hear, b"", 0
        self._session: str | None = None
        targets = self.send("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        self._session = self.send("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        self.send("Page.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._session = None
        try:
            self.send("Browser.close")
        finally:
            self._process.wait(timeout=30)
            os.close(self._tell)
            os.close(self._hear)

    def send(self, method: str, **parameters: Any) -> Any:
        """One command, and its answer."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._tell, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._hear, 1 << 16)
            assert part, "the browser has ended"
            self._rest += part
        message, self._rest = self._rest.split(b"\0", 1)
        found: dict[str, Any] = json.loads(message)
        return found

    def open(self, page: Path) -> None:
        """Opens a page from disk, or the same anew, and waits until it is there."""
        self.send("Page.navigate", url=page.as_uri())
        while True:
            if self._read().get("method") == "Page.loadEventFired":
                return

    def run(self, script: str) -> Any:
        """The value of an expression of JavaScript in the page; promises are waited for."""
        found = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def press(self, *keys: str) -> None:
        """Presses keys, as a keyboard does."""
        for key in keys:
            text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
            self.send("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
            self.send("Input.dispatchKeyEvent", type="keyUp", key=key)

    def screenshot(self, path: Path) -> None:
        """What is seen, as PNG."""
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))


Visit = Callable[..., str]


@pytest.fixture(scope="session")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Visit:
    """Opens a page from disk and gives what it has become, as HTML: ``visit(path, "node=…&lang=tr")``."""
    browser = find_browser()
    if browser is None:
        pytest.skip(NO_BROWSER)
    profile = tmp_path_factory.mktemp("browser")

    def opened(page: Path, fragment: str = "") -> str:
        done = subprocess.run(
            [
                *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
                *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
                *(f"--user-data-dir={profile}", "--virtual-time-budget=4000", "--dump-dom"),
                page.as_uri() + (f"#{fragment}" if fragment else ""),
            ],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        assert "</html>" in done.stdout, done.stderr[-2000:]
        return done.stdout

    return opened


def scripted(page: Path, script: str, visit: Visit, fragment: str = "") -> Any:
    """What a script finds on a copy of the page: its value of `found`, as JSON."""
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    ending = "document.body.dataset.found = JSON.stringify(found)"
    refused = "document.body.dataset.failed = error.stack"
    tried = f"try {{ {script}; {ending}; }} catch (error) {{ {refused}; }}"
    wrapped = f"<script>(() => {{ const found = []; {tried} }})();</script>"
    copy = page.with_name("copy.html")
    copy.write_text(text.replace("</body>", wrapped + "</body>"), encoding="utf-8")
    shown = visit(copy, fragment)
    answer = re.search(r'data-found="([^"]*)"', shown)
    failed = re.search(r'data-failed="([^"]*)"', shown)
    assert answer, html.unescape(failed[1]) if failed else "the script of the test did not end"
    return json.loads(html.unescape(answer[1]))
