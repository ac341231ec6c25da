"""A browser without a window, for tests of the page; where there is none they are skipped, and counted at the end."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.browser import NO_BROWSER, find_browser

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
