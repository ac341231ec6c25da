"""A browser without a window, for tests of the page; where there is none they are skipped, and counted at the end."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
NO_BROWSER = "no browser: install chromium"

Visit = Callable[..., str]


@pytest.fixture(scope="session")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Visit:
    """Opens a page from disk and gives what it has become, as HTML: ``visit(path, "node=…&lang=tr")``."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [r for r in terminalreporter.stats.get("skipped", []) if NO_BROWSER in str(r.longrepr)]
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} tests of pages need a browser and did not run; install chromium.")
