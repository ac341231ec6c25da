"""What other libraries read from the environment when they are loaded, so that they leave nothing and call nobody.

Set once, when Derin is imported and before any of them can be loaded by it; what is set already stays.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def set_library_settings() -> None:
    """Tells ONNX Runtime to send nothing, and torch's compiler where to keep what it has compiled.

    ONNX Runtime, from 1.31 on, looks up a collector of usage data on the internet, by a connection of its own that
    Python does not see, and leaves a number for the device in the user's folder of caches. Torch's compiler, which is
    loaded with the first optimizer, makes a folder in the shared folder for temporary files, of a name that anybody can
    foresee, and reads compiled code from it.

    Example:
        >>> set_library_settings()
        >>> os.environ["ORT_DISABLE_TELEMETRY"], "TORCHINDUCTOR_CACHE_DIR" in os.environ
        ('1', True)
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    if not os.environ.get("TORCHINDUCTOR_CACHE_DIR"):
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(_folder_of_the_compiler())


def cache_folder() -> Path:
    """The folder that ``DERIN_CACHE`` names, else Derin's part of the system's folder for caches."""
    named = os.environ.get("DERIN_CACHE", "").strip()
    if named:
        return Path(named).expanduser()
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "derin"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "derin"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "derin"


def downloads_folder() -> Path:
    """Where downloads are kept: a room of the cache."""
    return cache_folder() / "downloads"


def data_folder() -> Path | None:
    """The folder of local copies that ``DERIN_DATA`` names, if it is set."""
    value = os.environ.get("DERIN_DATA", "").strip()
    return Path(value).expanduser() if value else None


def _folder_of_the_compiler() -> Path:
    """Below Derin's cache; where that cannot be written, below a name that nobody can foresee, removed at the end."""
    try:
        folder = cache_folder().absolute() / "inductor"
        if os.access(next(place for place in (folder, *folder.parents) if place.exists()), os.W_OK | os.X_OK):
            return folder
    except (OSError, RuntimeError):  # no home, or none that may be looked into
        pass
    import atexit
    import secrets
    import shutil
    import tempfile

    passing = Path(tempfile.gettempdir()) / f"derin-inductor-{secrets.token_hex(8)}"
    atexit.register(shutil.rmtree, passing, ignore_errors=True)
    return passing
