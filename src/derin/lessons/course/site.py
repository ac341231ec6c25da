"""The course as a folder of pages, which opens from disk and from any web server."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from derin.core.files import write_bytes
from derin.core.folders import replace_folder, temporary_folder
from derin.core.library_settings import cache_folder
from derin.core.messages import language
from derin.core.storage import storage_errors
from derin.lessons.course.page import contents_page, glossary_page, lesson_page, playground_page, search_entries
from derin.lessons.course.registry import COURSE
from derin.lessons.registry import LESSONS
from derin.version import __version__

if TYPE_CHECKING:
    from derin.explain.live.page import LivePage


def build_course(folder: Path, networks: Mapping[str, LivePage] | None = None) -> Path:
    """Writes all pages into a folder and returns the first one.

    Args:
        folder: made where it is missing; what else it holds stays.
        networks: pages on which trained networks run, by the name of their file without its ending; the first page
            leads to them.

    Raises:
        StorageError: the folder cannot be written.
    """
    with storage_errors(f"The folder {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages(networks or {}).items():
        write_bytes(folder / name, text.encode("utf-8"))
    return folder / "index.html"


def cached_course() -> Path:
    """The first page of the course in the cache, built where this version and language of it is not there yet.

    Raises:
        StorageError: the cache cannot be written.
    """
    folder = cache_folder() / "course" / f"{__version__}-{_fingerprint()}-{language()}"
    if not folder.is_dir():
        with temporary_folder(folder.parent) as temporary:
            build_course(temporary)
            replace_folder(temporary, folder)
    return folder / "index.html"


def pages(networks: Mapping[str, LivePage]) -> dict[str, str]:
    """All pages by file name."""
    live = {f"network-{name}.html": page for name, page in networks.items()}
    lessons = [COURSE[name] for name in COURSE]
    search = search_entries(lessons)
    titles = {lesson.name: lesson.title for lesson in lessons}
    printed = [LESSONS[name] for name in LESSONS]
    return {
        "index.html": contents_page(lessons, printed, search, live),
        "glossary.html": glossary_page(search),
        "playground.html": playground_page(search),
        **{f"{lesson.name}.html": lesson_page(lesson, titles, search) for lesson in lessons},
        **{file: page.render() for file, page in live.items()},
    }


def _fingerprint() -> str:
    """Of the sources that the pages are made of."""
    folder = Path(__file__).parent
    sources = [*folder.iterdir(), *folder.parent.glob("*.py"), *folder.parents[1].joinpath("explain").glob("page_*")]
    digest = hashlib.sha256()
    for source in sorted(path for path in sources if path.suffix in (".py", ".js", ".css")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]
