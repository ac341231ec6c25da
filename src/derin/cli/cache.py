"""`derin cache`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from derin.cli.console import JsonFlag, console, print_json

if TYPE_CHECKING:
    from derin.core.cache import CacheEntry


def cache(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="With --clear: an entry or a room to remove; all without.", show_default=False
        ),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Remove NAME, or everything.")] = False,
    limit: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help='The most that the cache may take, such as 5G; "none" for no limit.',
            show_default=False,
        ),
    ] = None,
    json_output: JsonFlag = False,
) -> None:
    """Show, limit or clear what Derin keeps on disk to be faster the next time.

    The folder is chosen by DERIN_CACHE, a limit also by DERIN_CACHE_LIMIT; without one a quarter of the disk that is
    free, at least 10 GiB, is filled. Everything in it can be made again.

    Example: [bold]derin cache --limit 5G[/bold]
    """
    from derin.core import cache as stored
    from derin.core.errors import UsageError

    if name is not None and not clear:
        raise UsageError(f"NAME says what is to be cleared; got {name!r} without --clear. Add --clear or leave it out.")
    removed: list[CacheEntry] = stored.clear(name) if clear else []
    if limit is not None:
        chosen = stored.parse_limit(limit, "--limit")
        stored.set_byte_limit(chosen)
        if chosen is not None:
            removed += stored.limit(chosen)
    entries = stored.entries()
    total, most = sum(entry.num_bytes for entry in entries), stored.byte_limit()
    if json_output:
        print_json(
            {
                "folder": str(stored.cache_folder()),
                "bytes": total,
                "limit_bytes": most,
                "entries": [entry.to_json() for entry in entries],
                "removed": [entry.to_json() for entry in removed],
            }
        )
        return
    _show(entries, removed, total, most)


def _show(entries: list[CacheEntry], removed: list[CacheEntry], total: int, most: int | None) -> None:
    import time

    from rich.table import Table
    from rich.text import Text

    from derin.core.cache import bytes_in_words, cache_folder
    from derin.core.printable import printable

    out = console()
    for entry in removed:
        out.print(f"removed {printable(entry.name)} ({bytes_in_words(entry.num_bytes)})", markup=False, soft_wrap=True)
    out.print(printable(cache_folder()), markup=False, soft_wrap=True)
    if entries:
        grid = Table(box=None, pad_edge=False)
        grid.add_column("size", justify="right", no_wrap=True)
        grid.add_column("last use", no_wrap=True)
        grid.add_column("entry", overflow="fold")
        for entry in entries:
            used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.last_use))
            # As text: a name may hold what rich takes for markup.
            told = Text(printable(entry.name)).append(f"\n{printable(entry.about)}" if entry.about else "", style="dim")
            grid.add_row(bytes_in_words(entry.num_bytes), used, told)
        out.print(grid)
    limited = "no limit" if most is None else f"limit {bytes_in_words(most)}"
    number = f"{len(entries)} {'entry' if len(entries) == 1 else 'entries'}"
    out.print(f"{number}, {bytes_in_words(total)}, {limited}", markup=False)
