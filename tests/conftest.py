"""What every test gets: an empty cache, a fixed number of threads, and the data sets where they are at hand."""

from __future__ import annotations

import functools
import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.testing
from hypothesis import settings
from tests.browser import NO_BROWSER, visit  # noqa: F401
from tests.postgres_server import postgres  # noqa: F401

from derin.core.process_tuning import tune_process

# Tests that run side by side share the cores: more threads in each would only wait for one another.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell has whatever it starts in the background ignore Ctrl-C; tests send it to themselves.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent


# Where a change is judged, the same examples are tried every time; at a desk, new ones.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


def find_data() -> Path | None:
    """The folder with data sets: DERIN_DATA, or ../shared/data beside the repository."""
    named = os.environ.get("DERIN_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    return folder if folder.is_dir() else None


DATA = find_data()
if DATA is not None:
    os.environ["DERIN_DATA"] = str(DATA)


@pytest.fixture(scope="session", autouse=True)
def _cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests neither read nor fill the user's cache."""
    os.environ["DERIN_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session", autouse=True)
def _memory_is_kept() -> None:
    """A process of thousands of networks takes and frees the same megabytes all the time, as `derin` itself does."""
    tune_process()


@pytest.fixture(scope="session", autouse=True)
def _command_line_is_built_once() -> Iterator[None]:
    """Each call of a runner would build all commands with their options anew, which takes longer than most commands."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.testing._get_command", functools.cache(typer.main.get_command))
        yield


@pytest.fixture(scope="session", autouse=True)
def _nothing_outlasts_the_machine() -> Iterator[None]:
    """What a test writes is read by processes alone, for which it need not have reached the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", os.fstat)
        yield


@pytest.fixture(scope="session", autouse=True)
def _few_trees_are_grown(request: pytest.FixtureRequest) -> Iterator[None]:
    """Gradient boosting beside each network on a table takes longer than most of the quick tests' trainings.

    The slow tests, some of which draw conclusions from it, grow all of its trees.
    """
    from derin.tasks.baselines import table_methods

    candidates = table_methods.candidates

    def few(name: str, *about: Any) -> Iterator[tuple[str, Any]]:
        for setting, model in candidates(name, *about):
            yield setting, model.set_params(max_iter=5) if name == "boosting" else model

    with pytest.MonkeyPatch.context() as patch:
        if request.config.option.markexpr == "not slow":
            patch.setattr(table_methods, "candidates", few)
        yield


@pytest.fixture(scope="session")
def onnx_is_read_once() -> Iterator[None]:
    """Each export would read the sources of all operators of ONNX anew, a fifth of its time."""
    try:
        from torch.onnx._internal.exporter._registration import ONNXRegistry
    except ImportError:  # torch has them elsewhere by now
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ONNXRegistry, "from_torchlib", staticmethod(functools.cache(ONNXRegistry.from_torchlib)))
        yield


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with data sets; tests that use it are marked `data`."""
    assert DATA is not None
    return DATA


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root on Linux; injected errors stand for it")
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    mounted = subprocess.run(command, capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(
            f"this machine mounts no small file system ({mounted.stderr.strip()}); injected errors stand for it"
        )
    yield place
    subprocess.run(["umount", str(place)], check=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if DATA is None:
        for item in items:
            if item.get_closest_marker("data"):
                item.add_marker(pytest.mark.skip(reason="no data sets: set DERIN_DATA"))


def pytest_collection_finish() -> None:
    """Ten thousand tests and what they import live to the end: no collection of garbage looks through them again."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    if num := sum("no data sets" in reason for reason in reasons):
        terminalreporter.write_line(f"{num} tests need data sets and did not run; set DERIN_DATA to run them.")
    if num := sum(NO_BROWSER in reason for reason in reasons):
        terminalreporter.write_line(f"{num} tests of pages need a browser and did not run; install chromium.")
