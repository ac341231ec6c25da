"""Named sets: where they are looked for, what is said about copies, what is fetched."""

import hashlib
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn import datasets
from tests.readers.test_idx import write_set

from derin.core.errors import DataError, UnknownNameError
from derin.core.library_settings import downloads_folder
from derin.datasets import named
from derin.datasets.catalog import NAMED_SETS
from derin.datasets.download import RemoteFile
from derin.datasets.named import find_named, read_named
from derin.readers.formats import ReadOptions

OPTIONS = ReadOptions()


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without any data set; the folder that DERIN_DATA names, empty."""
    folder = tmp_path / "sets"
    folder.mkdir()
    monkeypatch.setenv("DERIN_DATA", str(folder))
    monkeypatch.setenv("DERIN_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer"])
def test_tables_of_scikit_learn_come_whole(name: str) -> None:
    table, bunch = read_named(name, OPTIONS), getattr(datasets, f"load_{name}")()
    values = np.stack([table[c.name].take(np.arange(len(table))) for c in table.inputs], axis=1)
    np.testing.assert_array_equal(values, bunch.data)
    np.testing.assert_array_equal(table[table.target().name].take(np.arange(len(table))), bunch.target)
    assert table.target().classes == tuple(bunch.target_names)


def test_the_targets_of_diabetes_are_numbers() -> None:
    table = read_named("diabetes", OPTIONS)
    np.testing.assert_array_equal(table["progression"].take(np.arange(442)), datasets.load_diabetes().target)


def test_digits_are_pictures_of_the_whole_range_and_that_is_said() -> None:
    table = read_named("digits", OPTIONS)
    pictures = table["picture"].take(np.arange(1797))
    assert (pictures.dtype, pictures.shape, int(pictures.min()), int(pictures.max())) == (
        np.uint8,
        (1797, 8, 8, 1),
        0,
        255,
    )
    np.testing.assert_array_equal(np.rint(pictures[..., 0] / 255 * 16), datasets.load_digits().images)
    assert any("0 to 16" in note for note in table.report.notes)


def test_every_entry_can_be_found_or_needs_no_files() -> None:
    for name, entry in NAMED_SETS.items():
        assert entry.name == name
        assert entry.about
        assert bool(entry.places) != bool(entry.comes_with)
        for file in entry.files:
            assert file.address.startswith("https://")
            assert file.num_bytes > 0
            assert len(bytes.fromhex(file.sha256)) == hashlib.sha256().digest_size
        assert not entry.unpacks or len(entry.files) == 1


def test_the_folder_of_the_user_comes_before_the_downloads(nowhere: Path) -> None:
    assert find_named("mnist") is None
    cached = downloads_folder() / "mnist"
    cached.mkdir(parents=True)
    assert find_named("mnist") is None  # empty
    write_set(cached, "train", 5)
    assert find_named("mnist") == cached
    (nowhere / "mnist").mkdir()
    write_set(nowhere / "mnist", "train", 5)
    assert find_named("mnist") == nowhere / "mnist"


def test_a_copy_that_differs_in_number_says_so(nowhere: Path) -> None:
    (nowhere / "mnist").mkdir()
    write_set(nowhere / "mnist", "train", 9)
    write_set(nowhere / "mnist", "t10k", 4)
    table = read_named("mnist", OPTIONS)
    assert table.report.notes == [
        "This copy differs from the published set: train has 9 of 60,000 examples.",
        "This copy differs from the published set: test has 4 of 10,000 examples.",
    ]
    assert table.report.source == str(nowhere / "mnist")


def test_a_set_that_is_not_here_tells_where_it_was_sought_and_what_to_do(nowhere: Path) -> None:
    with pytest.raises(
        DataError, match=r"'mnist' is not on this machine; looked for mnist in .*12 MB\) with --download"
    ):
        read_named("mnist", OPTIONS)
    with pytest.raises(DataError, match=r"Put its files into a folder titanic and set DERIN_DATA"):
        read_named("titanic", OPTIONS)
    with pytest.raises(DataError, match=r"no public address"):
        read_named("titanic", OPTIONS, download=True)


def test_an_unknown_name_gets_near_matches() -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean 'mnist'"):
        read_named("mnits", OPTIONS)


def test_nothing_is_fetched_unless_that_is_asked(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(named, "fetch_all", refuse)
    with pytest.raises(DataError):
        read_named("mnist", OPTIONS)


def test_what_is_fetched_is_checked_and_read(nowhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.datasets.test_download import Server, serving

    source = tmp_path / "published"
    source.mkdir()
    write_set(source, "train", 6)
    write_set(source, "t10k", 4)
    contents = {path.name: path.read_bytes() for path in source.iterdir()}
    with serving(Server()) as server:
        server.contents = contents
        base = f"http://127.0.0.1:{server.server_address[1]}/"
        files = tuple(
            RemoteFile(address=base + n, name=n, num_bytes=len(c), sha256=hashlib.sha256(c).hexdigest())
            for n, c in contents.items()
        )
        monkeypatch.setitem(NAMED_SETS, "mnist", replace(NAMED_SETS["mnist"], files=files))
        table = read_named("mnist", OPTIONS, download=True)
        assert {k: len(v) for k, v in table.splits.items()} == {"train": 6, "test": 4}
        num_requests = len(server.requests)
        assert len(read_named("mnist", OPTIONS, download=True)) == 10
        assert len(server.requests) == num_requests == 4


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("mnist", {"train": 60_000, "test": 10_000}),
        ("fashion_mnist", {"train": 60_000, "test": 5_000}),
        ("titanic", {}),
        ("california_housing", {}),
        ("pima_diabetes", {}),
        ("sst2", {"train": 6_920, "val": 872, "test": 1_821}),
        ("rt_polarity", {}),
        ("turkish_movie_sentiment", {}),
        ("turkish_news_topics", {"train": 750, "val": 150, "test": 250}),
        ("imdb_reviews", {"train": 5_000, "test": 2_000}),
        ("hymenoptera", {"train": 245, "val": 153}),
        ("orl_faces", {}),
    ],
)
def test_local_copies_have_the_splits_of_their_manifest(name: str, counts: dict[str, int]) -> None:
    table = read_named(name, OPTIONS)
    assert {k: len(v) for k, v in table.splits.items()} == counts
    published = NAMED_SETS[name].published
    differs = any(len(table.splits.get(s, ())) != n for s, n in published.items() if s) or (
        "" in published and len(table) != published[""]
    )
    assert differs == any("differs from the published" in note for note in table.report.notes)


@pytest.mark.data
def test_mnist_begins_with_its_known_labels() -> None:
    table = read_named("mnist", OPTIONS)
    labels = table["label"]
    # The first labels of the published files, as every tutorial prints them.
    assert labels.take(table.splits["train"][:10]).tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert labels.take(table.splits["test"][:10]).tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


@pytest.mark.data
def test_pima_has_the_names_of_its_columns() -> None:
    table = read_named("pima_diabetes", OPTIONS)
    assert table.target().name == "outcome"
    assert np.bincount(table["outcome"].take(np.arange(768))).tolist() == [500, 268]  # as published
    assert [c.name for c in table.inputs][:2] == ["pregnancies", "glucose"]


def test_a_fetched_archive_is_unpacked_once_and_thrown_away(
    nowhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.datasets.test_download import Server, serving

    records = np.random.default_rng(0).integers(0, 10, (7, 3073), dtype=np.uint8)
    with tarfile.open(tmp_path / "c.tar.gz", "w:gz") as tar:
        for name in ("data_batch_1.bin", "test_batch.bin"):
            records.tofile(tmp_path / name)
            tar.add(tmp_path / name, arcname=f"cifar-10-batches-bin/{name}")
    content = (tmp_path / "c.tar.gz").read_bytes()
    with serving(Server()) as server:
        server.content = content
        address = f"http://127.0.0.1:{server.server_address[1]}/c.tar.gz"
        file = RemoteFile(
            address=address, name="c.tar.gz", num_bytes=len(content), sha256=hashlib.sha256(content).hexdigest()
        )
        monkeypatch.setitem(NAMED_SETS, "cifar10", replace(NAMED_SETS["cifar10"], files=(file,)))
        for _ in range(2):
            table = read_named("cifar10", OPTIONS, download=True)
            assert {k: len(v) for k, v in table.splits.items()} == {"train": 7, "test": 7}
        assert len(server.requests) == 1
    assert [p.name for p in downloads_folder().iterdir() if not p.name.startswith(".")] == ["cifar10"]
