"""The cache folder is listed, limited and cleared."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from derin.core import cache
from derin.core.errors import UsageError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DERIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DERIN_CACHE_LIMIT", raising=False)
    return tmp_path / "cache"


def add(folder: Path, name: str, num_bytes: int, last_use: float) -> Path:
    place = folder / name
    place.mkdir(parents=True)
    (place / "data.bin").write_bytes(b"x" * num_bytes)
    os.utime(place, (last_use, last_use))
    return place


def names(found: list[cache.CacheEntry]) -> list[str]:
    return [entry.name for entry in found]


def test_cache_that_does_not_exist_is_empty(folder: Path) -> None:
    assert cache.entries() == []
    assert cache.clear() == []
    assert not folder.exists()


def test_entries_come_with_their_bytes_the_last_used_first(folder: Path) -> None:
    add(folder, "pictures/old-1", 300, 1000)
    add(folder, "downloads/new", 50, 2000)
    (folder / "pictures" / ".lock-folder").mkdir()
    found = cache.entries()
    assert [(e.name, e.num_bytes, e.last_use) for e in found] == [
        ("downloads/new", 50, 2000.0),
        ("pictures/old-1", 300, 1000.0),
    ]


def test_limit_removes_what_was_not_used_for_longest(folder: Path) -> None:
    for number in range(1, 5):
        add(folder, f"pictures/p{number}", 100, 1000 * number)
    assert names(cache.limit(250)) == ["pictures/p1", "pictures/p2"]
    assert names(cache.entries()) == ["pictures/p4", "pictures/p3"]


def test_use_protects_and_named_entries_stay(folder: Path) -> None:
    first, second = (add(folder, f"pictures/p{n}", 100, 1000 * n) for n in (1, 2))
    add(folder, "downloads/growing.part", 500, 1)
    cache.mark_used(first)
    assert names(cache.limit(0, keep=[second])) == ["pictures/p1"]
    assert second.exists()
    assert (folder / "downloads" / "growing.part").exists()


def test_clear_takes_an_entry_a_room_or_everything(folder: Path) -> None:
    for name in ("pictures/a-1", "pictures/b-2", "downloads/c"):
        add(folder, name, 10, 1000)
    assert names(cache.clear("a-1")) == ["pictures/a-1"]
    assert names(cache.clear("pictures")) == ["pictures/b-2"]
    with pytest.raises(UsageError, match="no entry 'nothing'; it holds: downloads/c"):
        cache.clear("nothing")
    assert names(cache.clear()) == ["downloads/c"]
    assert cache.entries() == []


def test_without_a_choice_a_quarter_of_the_free_disk_is_the_limit_and_10_gib_at_least(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(folder, "pictures/a", 4000, 1000)
    for free, wanted in ((80 << 30, (80 << 30) // 4 + 1000), (1 << 30, 10 << 30)):
        monkeypatch.setattr(cache.shutil, "disk_usage", lambda _, free=free: SimpleNamespace(free=free))
        assert cache.byte_limit() == wanted


def test_what_grows_by_itself_leaves_what_was_fetched(folder: Path) -> None:
    add(folder, "downloads/fetched", 500, 1)
    old, new = (add(folder, f"pictures/p{n}", 100, 1000 * n) for n in (1, 2))
    cache.set_byte_limit(150)
    assert names(cache.keep_within_limit(new)) == ["pictures/p1"]
    assert names(cache.limit(0)) == ["downloads/fetched", "pictures/p2"]
    assert not old.exists()


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be removed there")
def test_no_limit_removes_what_is_in_use(folder: Path) -> None:
    used, _ = add(folder, "pictures/used", 100, 1), add(folder, "pictures/other", 100, 2)
    code = "import sys, time; from derin.readers.pictures.building import map_pixels; from pathlib import Path\n"
    code += "pixels = map_pixels(Path(sys.argv[1])); print(len(pixels), flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(used / "data.bin")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "100\n"
        assert names(cache.limit(0)) == ["pictures/other"]
        process.kill()
    assert names(cache.limit(0)) == ["pictures/used"]


def test_limit_of_the_environment_wins_over_the_remembered_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.set_byte_limit(123)
    assert cache.byte_limit() == 123
    monkeypatch.setenv("DERIN_CACHE_LIMIT", "2K")
    assert cache.byte_limit() == 2048
    monkeypatch.setenv("DERIN_CACHE_LIMIT", "none")
    assert cache.byte_limit() is None
    monkeypatch.setenv("DERIN_CACHE_LIMIT", "a lot")
    with pytest.raises(UsageError, match="DERIN_CACHE_LIMIT must be a number"):
        cache.byte_limit()


def test_newest_entry_survives_a_limit_that_it_passes_alone(folder: Path) -> None:
    old, new = add(folder, "pictures/old", 10, 1000), add(folder, "pictures/new", 500, 2000)
    cache.set_byte_limit(100)
    cache.keep_within_limit(new)
    assert (old.exists(), new.exists()) == (False, True)


def test_damaged_settings_are_no_choice(folder: Path) -> None:
    without = cache.byte_limit()
    folder.mkdir()
    for text in ('{"limit_bytes": "much"}', "{}", "[", '{"limit_bytes": -1}'):
        (folder / "settings.json").write_text(text)
        assert cache.byte_limit() == pytest.approx(without, rel=0.1)  # others write to the disk meanwhile


@pytest.mark.parametrize("text", ["", "G", "-1", "1e9", "5 X", "1.2.3"])
def test_sizes_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="such as 20G"):
        cache.parse_bytes(text)


def command(*arguments: str) -> tuple[int, str]:
    from derin.cli.main import app

    result = CliRunner().invoke(app, ["cache", *arguments], env={"COLUMNS": "200"})
    return result.exit_code, result.output


def test_command_shows_limits_and_clears(folder: Path) -> None:
    for number in (1, 2):
        cache.describe(add(folder, f"pictures/p{number}", 2000, 1000 * number), f"{number} pictures")
        os.utime(folder / f"pictures/p{number}", (1000 * number, 1000 * number))
    code, shown = command()
    assert code == 0
    assert "pictures/p1" in shown
    assert "2 pictures" in shown
    code, printed = command("--limit", "3K", "--json")
    document = json.loads(printed)
    assert code == 0
    assert [e["name"] for e in document["removed"]] == ["pictures/p1"]
    assert document["limit_bytes"] == 3072
    assert document["bytes"] == document["entries"][0]["bytes"] == 2010
    assert document["entries"][0]["last_use"] == "1970-01-01T00:33:20Z"
    assert command("--clear", "p2")[0] == 0
    assert cache.entries() == []
    assert json.loads(command("--limit", "none", "--json")[1])["limit_bytes"] is None


def test_command_refuses_a_name_without_clear(folder: Path) -> None:
    code, said = command("p1")
    assert code == 2
    assert "without --clear" in said
