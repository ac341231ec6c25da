"""The cache of pictures: read once, the same from every source, and never left half-made."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.readers.troubled_pictures import picture

from derin.core import cache
from derin.core.errors import DataError, StorageError
from derin.core.messages import localize
from derin.data.pictures.encoded import EncodedPictures
from derin.data.table import Dense, Pictures, Table
from derin.readers.archives import FolderFiles
from derin.readers.picture_folder import read_picture_folder
from derin.readers.pictures import building, spool, store


class Counter:
    """Counts the files that are read and those that are decoded."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read: list[str] = []
        self.num_decoded = 0
        read, decode = FolderFiles.read, spool.open_picture

        def counted_read(files: FolderFiles, path: str) -> bytes:
            self.read.append(path)
            return read(files, path)

        def counted_decode(*args: object, **options: object) -> object:
            self.num_decoded += 1
            return decode(*args, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(FolderFiles, "read", counted_read)
        monkeypatch.setattr(spool, "open_picture", counted_decode)

    def taken(self) -> tuple[list[str], int]:
        """What was counted since the last call."""
        result = sorted(self.read), self.num_decoded
        self.read, self.num_decoded = [], 0
        return result


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DERIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DERIN_CACHE_LIMIT", raising=False)
    return tmp_path / "cache"


def write(root: Path, sizes: dict[str, tuple[int, int]], mode: str = "RGB") -> Path:
    for seed, (name, (height, width)) in enumerate(sizes.items()):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        picture(height, width, seed).convert(mode).save(root / name)
    return root


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Large and small pictures, in files without loss."""
    sizes = {
        "train/a/1.png": (200, 260),
        "train/a/2.png": (50, 40),
        "train/b/1.png": (160, 151),
        "val/a/1.png": (147, 147),
    }
    return write(tmp_path / "source", sizes)


def read(path: Path, **options: int) -> Table:
    return read_picture_folder(path, name="source", **options)  # type: ignore[arg-type]


def pictures(table: Table) -> list[np.ndarray]:
    return list(table.columns["picture"].take(np.arange(len(table))))


def all_of(table: Table) -> tuple[object, ...]:
    """Everything that two readings of the same data must agree on."""
    return table.fingerprint(), table.row_names, table.report.findings


def only_entry() -> Path:
    (entry,) = cache.entries()
    return entry.path


def shorter(path: Path, side: int) -> np.ndarray:
    """The same by Pillow alone."""
    with Image.open(path) as image:
        factor = side / min(image.size)
        size = (round(image.width * factor), round(image.height * factor))
        return np.asarray(image.convert("RGB").resize(size, Image.Resampling.BICUBIC))


def test_shorter_side_is_1_15_times_the_size(folder: Path) -> None:
    for size, side in ((None, 147), (64, 74)):
        table = read(folder) if size is None else read(folder, size=size)
        assert isinstance(table.columns["picture"], Pictures)
        for name, pixels in zip(table.row_names or (), pictures(table), strict=True):
            assert np.array_equal(pixels, shorter(folder / name, side)), name


def test_pictures_of_one_small_size_are_kept_as_they_are(tmp_path: Path) -> None:
    root = write(tmp_path / "s", {"a/1.png": (20, 30), "a/2.png": (20, 30), "b/1.png": (20, 30)})
    table = read(root)
    data = table.columns["picture"]
    assert isinstance(data, Dense)
    assert table.schema["picture"].shape == (20, 30, 3)
    for name, pixels in zip(table.row_names or (), data.values, strict=True):
        assert np.array_equal(pixels, np.asarray(Image.open(root / name)))


def test_square_pictures_of_one_small_size_are_resized_when_asked(tmp_path: Path) -> None:
    root = write(tmp_path / "s", {"a/1.png": (20, 20), "b/1.png": (20, 20)})
    table = read(root, size=32)
    assert table.schema["picture"].shape == (32, 32, 3)
    for name, pixels in zip(table.row_names or (), pictures(table), strict=True):
        expected = Image.open(root / name).resize((32, 32), Image.Resampling.BICUBIC)
        assert np.array_equal(pixels, np.asarray(expected))
    assert "All pictures were resized to 32 x 32." in table.report.notes


def test_large_pictures_of_the_size_that_is_asked_for_are_kept(tmp_path: Path) -> None:
    root = write(tmp_path / "s", {"a/1.png": (150, 150), "b/1.png": (150, 150)})
    table = read(root, size=150)
    assert np.array_equal(pictures(table)[0], np.asarray(Image.open(root / "a/1.png")))


def test_gray_sets_have_one_channel_and_mixed_ones_three(tmp_path: Path) -> None:
    root = write(tmp_path / "s", {"a/1.png": (20, 20), "b/1.png": (20, 20)}, mode="L")
    table = read(root)
    assert table.schema["picture"].shape == (20, 20, 1)
    gray = np.asarray(Image.open(root / "a/1.png"))
    assert np.array_equal(pictures(table)[0][..., 0], gray)
    write(root, {"b/2.png": (20, 20)})
    table = read(root)
    assert table.schema["picture"].shape == (20, 20, 3)
    assert np.array_equal(pictures(table)[0], np.repeat(gray[..., None], 3, axis=-1))
    (root / "b/2.png").unlink()
    assert read(root).schema["picture"].shape == (20, 20, 1)
    assert np.array_equal(pictures(read(root, channels=3))[0], np.repeat(gray[..., None], 3, axis=-1))


def test_colour_is_made_gray_when_asked(tmp_path: Path) -> None:
    root = write(tmp_path / "s", {"a/1.png": (20, 20), "b/1.png": (20, 20)})
    gray = np.asarray(Image.open(root / "a/1.png").convert("L"))
    assert np.array_equal(pictures(read(root, channels=1))[0][..., 0], gray)


def pack_zip(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        for file in sorted(folder.rglob("*"), reverse=True):
            packed.write(file, file.relative_to(folder).as_posix())
    return path


def pack_tar(folder: Path, path: Path) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for file in sorted((f for f in folder.rglob("*") if f.is_file()), reverse=True):
            tar.add(file, file.relative_to(folder).as_posix())
    return path


@pytest.mark.parametrize(("name", "pack"), [("s.zip", pack_zip), ("s.tar.gz", pack_tar)])
def test_archive_gives_the_same_table_as_the_folder(
    name: str, pack: Callable[[Path, Path], Path], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = pack(folder, tmp_path / name)
    first = read(archive)
    assert all_of(first) == all_of(read(folder))
    counter = Counter(monkeypatch)
    assert all_of(first) == all_of(read(archive))
    assert counter.taken() == ([], 0)


def test_second_reading_opens_no_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = Counter(monkeypatch)
    calls: list[tuple[int, int]] = []
    first = read_picture_folder(folder, name="source", progress=lambda done, total: calls.append((done, total)))
    assert len(counter.taken()[0]) == 4
    assert calls[-1] == (4, 4)
    calls.clear()
    second = read_picture_folder(folder, name="source", progress=lambda done, total: calls.append((done, total)))
    assert counter.taken() == ([], 0)
    assert calls == []
    assert all_of(first) == all_of(second)


def test_what_was_noticed_is_told_in_every_language_at_the_second_reading_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "train/a/broken.png").write_bytes((folder / "train/a/1.png").read_bytes()[:300])
    (folder / "train/a/empty.png").write_bytes(b"")
    reasons = [[finding.reason for finding in read(folder).report.findings] for _ in range(2)]
    assert reasons[0] == reasons[1]
    assert reasons[1][:2] == ["truncated picture", "empty file (0 bytes)"]
    monkeypatch.setenv("DERIN_LANG", "tr")
    assert [localize(reason) for reason in reasons[1][:2]] == ["yarım kalmış resim", "boş dosya (0 bayt)"]


def test_only_changed_and_new_files_are_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(zip(read(folder).row_names or (), pictures(read(folder)), strict=True))
    counter = Counter(monkeypatch)
    write(folder, {"train/b/1.png": (170, 180)})
    write(folder, {"train/b/0.png": (150, 150)})
    (folder / "train/a/1.png").unlink()
    table = read(folder)
    assert counter.taken() == (["train/b/0.png", "train/b/1.png"], 2)
    assert table.row_names == ["train/a/2.png", "train/b/0.png", "train/b/1.png", "val/a/1.png"]
    for name, pixels in zip(table.row_names, pictures(table), strict=True):
        assert np.array_equal(pixels, shorter(folder / name, 147))
    assert np.array_equal(pictures(table)[0], before["train/a/2.png"])


def test_touched_or_renamed_file_is_hashed_but_not_decoded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = read(folder)
    counter = Counter(monkeypatch)
    os.utime(folder / "train/a/1.png", (1, 1))
    (folder / "train/b/1.png").rename(folder / "train/b/renamed.png")
    second = read(folder)
    assert counter.taken() == (["train/a/1.png", "train/b/renamed.png"], 0)
    assert first.fingerprint() == second.fingerprint()


def test_files_that_changed_places_with_size_and_time_alike_are_read_anew(tmp_path: Path) -> None:
    root = tmp_path / "lamps"
    for number, name in enumerate(("light", "dark")):
        (root / name).mkdir(parents=True)
        for i in range(2):
            Image.new("L", (12, 12), 40 + 170 * number + i).save(root / name / f"{i}.pgm")
            os.utime(root / name / f"{i}.pgm", (10**9, 10**9))
    archive = tmp_path / "lamps.tar"

    def packed() -> Path:
        with tarfile.open(archive, "w") as tar:
            tar.add(root, "")
        os.utime(archive, (10**9, 10**9))
        return archive

    for source in (lambda: root, packed):
        before = pictures(read(source()))
        (root / "dark").rename(root / "x"), (root / "light").rename(root / "dark"), (root / "x").rename(root / "light")
        after = pictures(read(source()))
        assert np.array_equal(before[0], after[2])
        assert np.array_equal(after[0], before[2])


def test_small_pictures_are_read_again_when_they_can_no_longer_be_kept(tmp_path: Path) -> None:
    root = write(tmp_path / "s", {"a/1.png": (20, 20), "b/1.png": (20, 20)})
    assert isinstance(read(root).columns["picture"], Dense)
    write(root, {"b/2.png": (30, 20)})
    for name, pixels in zip(read(root).row_names or (), pictures(read(root)), strict=True):
        assert np.array_equal(pixels, shorter(root / name, 20))
    (root / "b/2.png").unlink()
    assert read(root).schema["picture"].shape == (20, 20, 3)


def overwrite(path: Path, place: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(data)
    os.utime(path, (5, 5))


def replace(path: Path, data: bytes) -> None:
    """Writes another file: one that is mapped must not become shorter."""
    path.unlink()
    path.write_bytes(data)


def alter_index(entry: Path) -> None:
    document = json.loads((entry / "index.json").read_text())
    document["channels"] = 1
    (entry / "index.json").write_text(json.dumps(document))


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: (entry / "index.json").unlink(),
        lambda entry: (entry / "index.json").write_text("{"),
        lambda entry: (entry / "index.json").write_text("[]"),
        lambda entry: (entry / "index.json").write_text("{}"),
        alter_index,
        lambda entry: (entry / "files.npz").unlink(),
        lambda entry: overwrite(entry / "files.npz", 300, b"????"),
        lambda entry: (entry / "pixels.bin").unlink(),
        lambda entry: replace(entry / "pixels.bin", b"short"),
        lambda entry: overwrite(entry / "pixels.bin", 1000, b"\0\xff\0\xff"),
    ],
)
def test_damaged_entry_is_noticed_and_built_anew(damage: Callable[[Path], object], folder: Path) -> None:
    first = all_of(read(folder))
    damage(only_entry())
    second = read(folder)
    assert all_of(second) == first
    assert any("built anew" in note for note in second.report.notes)
    assert not any("built anew" in note for note in read(folder).report.notes)


def test_copied_cache_is_still_good(folder: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = read(folder)
    shutil.copytree(cache_folder, cache_folder.with_name("copy"), copy_function=shutil.copy)
    monkeypatch.setenv("DERIN_CACHE", str(cache_folder.with_name("copy")))
    counter = Counter(monkeypatch)
    assert all_of(first) == all_of(read(folder))
    assert counter.taken() == ([], 0)


def test_entry_of_another_decoder_is_built_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read(folder)
    monkeypatch.setattr("PIL.__version__", "99.0")
    assert any("made by pillow" in note for note in read(folder).report.notes)


KILLED = """
import os, signal, sys
from pathlib import Path
from derin.readers.pictures import building
from derin.readers.picture_folder import read_picture_folder
where = sys.argv[2]
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
if where == "assembly":
    building._assembled = die
read_picture_folder(Path(sys.argv[1]), name="s", progress=die if where == "reading" else None)
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL on Windows")
@pytest.mark.parametrize("where", ["reading", "assembly", "replace.started", "replace.swapped"])
def test_kill_while_building_leaves_a_whole_entry(where: str, folder: Path, cache_folder: Path) -> None:
    read(folder)
    write(folder, {"train/b/new.png": (150, 150)})
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if "." in where:
        environment["DERIN_FAULT"] = f"{where}:1"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(folder), where], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    entry = only_entry()
    names = {path.name for path in entry.iterdir()}
    assert names == {"about.txt", "files.npz", "index.json", "pixels.bin"}
    table = read(folder)
    assert not any("built anew" in note for note in table.report.notes)
    assert "train/b/new.png" in (table.row_names or ())
    assert list(cache_folder.rglob(".derin-*")) == []


@pytest.mark.parametrize("place", ["building.os.fsync", "spool.shutil.disk_usage"])
def test_full_disk_gives_a_sentence_and_leaves_the_last_good_entry(
    place: str, folder: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read(folder)
    entry = only_entry()
    whole = {path.name: path.read_bytes() for path in entry.iterdir()}
    write(folder, {"train/b/new.png": (150, 150)})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(f"derin.readers.pictures.{place}", full)
        with pytest.raises(StorageError, match=r"No space left on device.*free some space") as caught:
            read(folder)
    assert "DERIN_CACHE" in str(caught.value)
    assert {path.name: path.read_bytes() for path in entry.iterdir()} == whole
    assert list(cache_folder.rglob(".derin-*")) == []
    (folder / "train/b/new.png").unlink()
    assert all_of(first) == all_of(read(folder))


def test_where_pixels_fill_the_disk_although_they_should_not_the_files_own_bytes_are_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roomy = read(folder)
    write(folder, {"train/b/new.png": (150, 150)})
    assembled, times = building._assembled, []

    def full_once(*given: Any) -> Any:
        times.append(0)
        if len(times) == 1:
            raise OSError(28, "No space left on device")
        return assembled(*given)

    monkeypatch.setattr(building, "_assembled", full_once)
    table = read(folder)
    assert isinstance(table.columns["picture"], EncodedPictures)
    assert any("decoded anew for each batch" in note for note in table.report.notes)
    by_name = dict(zip(table.row_names or (), pictures(table), strict=True))
    for name, pixels in zip(roomy.row_names or (), pictures(roomy), strict=True):
        assert np.array_equal(by_name[name], pixels)


def test_a_cache_that_grew_by_much_is_told_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_WORTH_TELLING", 1000)
    assert any("derin cache shows and bounds it" in note for note in read(folder).report.notes)
    assert not any("derin cache" in note for note in read(folder).report.notes)


@pytest.mark.skipif(os.name == "nt", reason="no file size limit on Windows")
def test_disk_that_really_refuses_gives_a_sentence(folder: Path, cache_folder: Path) -> None:
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from derin.core.errors import StorageError\n"
        "from derin.readers.picture_folder import read_picture_folder\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, resource.RLIM_INFINITY))\n"
        "try:\n    read_picture_folder(Path(sys.argv[1]), name='s')\n"
        "except StorageError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert "cannot be written (File too large)" in done.stdout
    assert cache.entries() == []
    assert list(cache_folder.rglob(".derin-*")) == []


def test_cache_folder_that_cannot_be_made_gives_a_sentence(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("DERIN_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(StorageError, match="cannot be written"):
        read(folder)


def with_little_room(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(spool.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))


def test_pictures_stay_encoded_where_pixels_would_fill_the_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    roomy = read(folder)
    cache.clear()
    with_little_room(monkeypatch, 200_000)
    table = read(folder)
    data = table.columns["picture"]
    assert isinstance(data, EncodedPictures)
    assert only_entry().joinpath("pixels.bin").stat().st_size == sum(
        (folder / name).stat().st_size for name in table.row_names or ()
    )
    for one, other in zip(pictures(roomy), pictures(table), strict=True):
        assert np.array_equal(one, other)
    rows, tops, lefts = np.array([3, 0, 3]), np.array([0, 7, 19]), np.array([19, 50, 0])
    plain = roomy.columns["picture"]
    assert isinstance(plain, Pictures)
    assert np.array_equal(data.windows(rows, tops, lefts, (128, 120)), plain.windows(rows, tops, lefts, (128, 120)))
    with pytest.raises(DataError, match="over the edge"):
        data.windows(rows, tops + 100, lefts, (128, 120))
    assert all_of(table) == all_of(read(folder))


def test_encoded_entry_is_changed_without_decoding_the_rest(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_little_room(monkeypatch, 200_000)
    read(folder)
    write(folder, {"train/b/new.png": (150, 160)})
    counter = Counter(monkeypatch)
    table = read(folder)
    assert counter.taken() == (["train/b/new.png"], 1)
    for name, pixels in zip(table.row_names or (), pictures(table), strict=True):
        assert np.array_equal(pixels, shorter(folder / name, 147))


def test_small_encoded_pictures_of_one_size_are_dense_in_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write(tmp_path / "s", {"a/1.png": (20, 20), "b/1.png": (20, 20)}, mode="L")
    with_little_room(monkeypatch, 10)
    table = read(root, size=24)
    assert table.schema["picture"].shape == (24, 24, 1)
    expected = Image.open(root / "a/1.png").resize((24, 24), Image.Resampling.BICUBIC)
    assert np.array_equal(pictures(table)[0][..., 0], np.asarray(expected))


def test_mapped_pictures_go_to_torch_without_a_warning(folder: Path) -> None:
    import torch

    data = read(folder).columns["picture"]
    assert isinstance(data, Pictures)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.from_numpy(data.flat).add_(1)
    # What a process writes stays with it.
    assert not np.array_equal(data.flat, read(folder).columns["picture"].flat)  # type: ignore[attr-defined]


def test_limit_of_the_cache_is_kept_while_it_grows(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DERIN_CACHE_LIMIT", "1K")
    read(folder)
    other = write(tmp_path / "other", {"a/1.png": (20, 20), "b/1.png": (20, 20)})
    read(other)
    assert [entry.name.split("/")[1].split("-")[0] for entry in cache.entries()] == ["other"]
    assert cache.entries()[0].about == f"2 pictures of {other}"


def test_none_readable_is_refused_and_leaves_no_entry(tmp_path: Path) -> None:
    for name in ("a/1.jpg", "b/1.jpg"):
        (tmp_path / "s" / name).parent.mkdir(parents=True)
        (tmp_path / "s" / name).write_text("no picture")
    with pytest.raises(DataError, match=r"none of its 2 .* can be read .*a/1\.jpg: no picture that can be read"):
        read(tmp_path / "s")
    assert cache.entries() == []
