"""The gallery: what is enrolled is found, removed, exported; what cannot be is one sentence and changes nothing."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from derin.apps.faces.gallery import COPY_DISTANCE, Gallery
from derin.core.errors import DataError, DerinError, RefusedFileError, ShapeError, UsageError

DIM = 12
Opener = Callable[..., Gallery]


def unit(*shape: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal(shape)
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def test_who_is_nearest_is_found_and_found_again_by_another_process(open_gallery: Opener) -> None:
    people = {"Ada": unit(3, DIM, seed=1), "Alan": unit(DIM, seed=2), "Çiğdem": unit(2, DIM, seed=3)}
    with open_gallery() as gallery:
        for name, embeddings in people.items():
            assert gallery.enrol(name, embeddings, note=f"note of {name}").num_people == 1
    queries = unit(5, DIM, seed=9)
    with open_gallery() as gallery:
        names, distances = gallery.search(queries, 3)
        rows = {name: np.atleast_2d(e).astype(np.float64) for name, e in people.items()}
        for at, query in enumerate(queries.astype(np.float64)):
            by_name = {name: np.linalg.norm(e - query, axis=1).min() for name, e in rows.items()}
            assert names[at] == sorted(by_name, key=by_name.__getitem__)
            np.testing.assert_allclose(distances[at], sorted(by_name.values()), rtol=1e-14)
        means = {name: e.mean(0) / np.linalg.norm(e.mean(0)) for name, e in rows.items()}
        names, distances = gallery.search(queries, 1, by="mean")
        for at, query in enumerate(queries.astype(np.float64)):
            by_name = {name: float(np.linalg.norm(mean - query)) for name, mean in means.items()}
            assert names[at] == [min(by_name, key=by_name.__getitem__)]
            # The mean is kept in float32, so that its distance is off by some of its units.
            assert distances[at, 0] == pytest.approx(min(by_name.values()), abs=1e-6)
        for by, of in (
            ("nearest", lambda e: [e[0], *e[1:]]),
            ("mean", lambda e: [e.mean(0) / np.linalg.norm(e.mean(0))]),
        ):
            found = gallery.distances(queries, "Ada", by=by)  # type: ignore[arg-type]
            expected = [min(np.linalg.norm(row - query) for row in of(rows["Ada"])) for query in queries]
            np.testing.assert_allclose(found, expected, rtol=1e-12)
        assert [(p.name, p.num_embeddings, p.note) for p in gallery.people()] == [
            (name, len(rows[name]), f"note of {name}") for name in people
        ]
        assert (gallery.num_people, gallery.num_embeddings) == (3, 6)


def test_an_empty_gallery_knows_nobody(open_gallery: Opener) -> None:
    with open_gallery() as gallery:
        for by in ("nearest", "mean"):
            names, distances = gallery.search(unit(2, DIM), 3, by=by)  # type: ignore[arg-type]
            assert (names, distances.shape) == ([[], []], (2, 0))
        assert (gallery.people(), gallery.log(), gallery.duplicates()) == ([], [], ())
        assert gallery.enrol_many([]).num_people == 0


def test_threads_share_a_gallery(open_gallery: Opener) -> None:
    rows = unit(12, DIM)
    with open_gallery() as gallery, ThreadPoolExecutor(4) as pool:
        done = [pool.submit(gallery.enrol, str(at), row) for at, row in enumerate(rows)]
        found = [pool.submit(gallery.search, row) for row in rows]
        assert sum(future.result().num_people for future in done) == 12
        assert all(len(future.result().names) == 1 for future in found)
        assert gallery.search(rows).names == [[str(at)] for at in range(12)]


def test_export_gives_back_all_that_was_stored(open_gallery: Opener) -> None:
    embeddings = unit(2, DIM)
    with open_gallery() as gallery:
        gallery.enrol("Ada", embeddings, note="by the door")
        gallery.enrol("Alan", unit(DIM, seed=5))
        found = gallery.export("Ada")
        entries = gallery.log()
    assert np.array_equal(np.array(found["embeddings"], np.float32), embeddings)
    assert (found["name"], found["note"], found["model"]) == ("Ada", "by the door", "model-a")
    assert [entry["action"] for entry in found["log"]] == ["enrol", "export"]
    assert [(entry.action, entry.name) for entry in entries] == [("enrol", "Ada"), ("enrol", "Alan"), ("export", "Ada")]


def test_the_log_names_nobody_and_its_link_goes_with_the_person(open_gallery: Opener) -> None:
    with open_gallery() as gallery:
        gallery.enrol("Ada", unit(DIM))
        gallery.record("verify", "Ada")
        before = gallery.log()
        gallery.remove("Ada")
        after = gallery.log()
    assert [entry.action for entry in after] == ["enrol", "verify", "remove"]
    assert {entry.name for entry in before} == {"Ada"}
    assert {entry.name for entry in after} == {None}
    assert {entry.person for entry in after} == {entry.person for entry in before}


def test_what_is_removed_is_gone_from_the_bytes_of_all_files(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of many lengths in no order split pages of the index: without writing the file anew, one is left."""
    monkeypatch.setattr("derin.apps.faces.gallery._EMBEDDINGS_OF_A_COMMIT", 50)
    draw = random.Random(11)
    names = [f"{draw.getrandbits(64):016x}" * draw.randint(1, 6) for _ in range(500)]
    embeddings = unit(500, DIM)
    gallery = Gallery.open(place, model="model-a", dim=DIM)
    reader = Gallery.open(place, model="model-a", dim=DIM)
    gallery.enrol_many(zip(names, embeddings, strict=True), compare=False)
    assert reader.search(embeddings[1]).names == [[names[1]]]
    log_ids = {entry.name: entry.person or "" for entry in gallery.log()}
    gone = draw.sample(range(500), 250)
    staying = sorted(set(range(500)) - set(gone))

    def found(people: list[int]) -> int:
        data = b"".join(path.read_bytes() for path in place.parent.glob("faces.db*"))
        parts = [names[at].encode() for at in people] + [embeddings[at].tobytes() for at in people]
        return sum(part in data for part in parts)

    assert found(gone) == found(staying) == 500
    for start in range(0, len(gone), 100):
        gallery.remove(*[names[at] for at in gone[start : start + 100]])
    assert (found(gone), found(staying)) == (0, 500)
    assert {entry.person for entry in gallery.log() if entry.action == "remove"} == {log_ids[names[at]] for at in gone}
    assert reader.search(embeddings[staying]).names == [[names[at]] for at in staying]
    connection = sqlite3.connect(place)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_a_removal_that_was_killed_before_the_bytes_were_gone_is_finished_later(place: Path) -> None:
    embedding = unit(DIM)
    program = (
        "import os, signal, numpy as np; from derin.apps.faces.gallery import Gallery\n"
        "from derin.apps.faces.sqlite_store import SQLiteStore\n"
        f"gallery = Gallery.open({str(place)!r}, model='model-a', dim={DIM})\n"
        f"gallery.enrol('Ada', np.frombuffer({embedding.tobytes()!r}, np.float32))\n"
        "SQLiteStore.finish_removal = lambda self: os.kill(os.getpid(), signal.SIGKILL)\n"
        "gallery.remove('Ada')\n"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == -9

    def held() -> bool:
        return any(embedding.tobytes() in path.read_bytes() for path in place.parent.glob("faces.db*"))

    assert held()
    with Gallery.open(place) as gallery:
        assert gallery.people() == []
        assert not held()


def test_what_is_encrypted_stands_nowhere_in_plain(place: Path) -> None:
    pytest.importorskip("cryptography")
    embedding = unit(DIM)
    gallery = Gallery.open(place, model="model-a", dim=DIM, key="a long secret")
    gallery.enrol("Ada Lovelace", embedding, note="by the door")
    data = b"".join(path.read_bytes() for path in place.parent.glob("faces.db*"))
    for part in (b"Lovelace", b"by the door", embedding.tobytes(), embedding.tobytes()[:16], b"a long secret"):
        assert part not in data
    assert gallery.search(embedding).names == [["Ada Lovelace"]]
    with pytest.raises(UsageError, match="a person named 'Ada Lovelace' already"):
        gallery.enrol("Ada Lovelace", embedding)


def test_an_encrypted_entry_that_was_moved_to_another_person_is_refused(place: Path) -> None:
    pytest.importorskip("cryptography")
    gallery = Gallery.open(place, model="model-a", dim=DIM, key="a long secret")
    gallery.enrol_many([("Ada", unit(DIM, seed=1)), ("Alan", unit(DIM, seed=2))])
    with sqlite3.connect(place) as connection:
        connection.execute("UPDATE embeddings SET value = (SELECT value FROM embeddings WHERE id = 1) WHERE id = 2")
    connection.close()
    with (
        Gallery.open(place, model="model-a", dim=DIM, key="a long secret") as other,
        pytest.raises(RefusedFileError, match="was changed"),
    ):
        other.search(unit(DIM))


def test_wrong_use_is_one_sentence_and_stores_nothing(open_gallery: Opener) -> None:
    a, b = unit(2, DIM, seed=3)
    with open_gallery() as gallery:
        gallery.enrol("Ada", a)
        wrong: list[tuple[type[DerinError], str, Callable[[], object]]] = [
            (UsageError, "knows a person named 'Ada' already; choose another name", lambda: gallery.enrol("Ada", b)),
            (UsageError, "named 'Ada' already", lambda: gallery.enrol(" Ada ", b)),
            (UsageError, "1 to 200 printable letters; got ''", lambda: gallery.enrol("", b)),
            (UsageError, "printable letters", lambda: gallery.enrol("A\x1b[2J", b)),
            (UsageError, "knows nobody named 'Bob'", lambda: gallery.remove("Bob")),
            (UsageError, "knows nobody named 'Bob'", lambda: gallery.remove("Ada", "Bob")),
            (UsageError, "knows nobody named 'Bob'", lambda: gallery.export("Bob")),
            (UsageError, "knows nobody named 'Bob'", lambda: gallery.distances(b, "Bob")),
            (UsageError, "knows nobody named 'Bob'", lambda: gallery.record("verify", "Bob")),
            (ShapeError, rf"has {DIM} numbers.* got \(5,\) for 'Bob'", lambda: gallery.enrol("Bob", b[:5])),
            (ShapeError, rf"got \(0, {DIM}\) for 'Bob'", lambda: gallery.enrol("Bob", b[:0].reshape(0, DIM))),
            (DataError, "of length 1; got length 3 for 'Bob'. Divide it", lambda: gallery.enrol("Bob", 3 * b)),
            (DataError, "length nan for 'Bob'", lambda: gallery.enrol("Bob", b * np.nan)),
            (DataError, "got length 2", lambda: gallery.search(2 * b)),
            (UsageError, "k of at least 1; got k=0", lambda: gallery.search(b, 0)),
            (UsageError, "between 0 and 2; got 3", lambda: gallery.set_settings({"threshold": 3})),
            (UsageError, "'refuse', 'add' or 'skip'", lambda: gallery.enrol("Bob", b, known="no")),  # type: ignore[arg-type]
        ]
        before = gallery.log()
        for kind, sentence, call in wrong:
            with pytest.raises(kind, match=sentence) as caught:
                call()
            assert str(caught.value).count("\n") == 0
        assert [person.name for person in gallery.people()] == ["Ada"]
        assert gallery.log() == before
        assert gallery.settings == {}


def test_a_gallery_opens_only_for_its_model_and_its_key(place: Path) -> None:
    pytest.importorskip("cryptography")
    missing = place.with_name("missing.db")
    with pytest.raises(UsageError, match=r"There is no gallery .*missing.db"):
        Gallery.open(missing)
    assert not missing.exists()
    for key, other, sentence in ((None, "secret", "is not encrypted"), ("secret", None, "is encrypted; set DERIN_")):
        path = place.with_name(f"{key}.db")
        Gallery.open(path, model="model-a", dim=DIM, key=key).close()
        with pytest.raises(UsageError, match=sentence):
            Gallery.open(path, model="model-a", dim=DIM, key=other)
        with pytest.raises(RefusedFileError, match=r"holds embeddings of the model model-a.* got model-b"):
            Gallery.open(path, model="model-b", dim=DIM, key=key)
        with pytest.raises(ShapeError, match=f"embeddings of {DIM} numbers; got dim=7"):
            Gallery.open(path, model="model-a", dim=7, key=key)
        with Gallery.open(path, key=key) as gallery:
            assert gallery.people() == []
            with pytest.raises(UsageError, match="without naming the model"):
                gallery.search(unit(DIM))
    with pytest.raises(RefusedFileError, match="encrypted with another key"):
        Gallery.open(place.with_name("secret.db"), model="model-a", dim=DIM, key="guess")


def test_the_key_comes_from_the_environment(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cryptography")
    monkeypatch.setenv("DERIN_GALLERY_KEY", "a long secret")
    with Gallery.open(place, model="model-a", dim=DIM) as gallery:
        assert gallery.encrypted
    monkeypatch.setenv("DERIN_GALLERY_KEY", "")
    with pytest.raises(UsageError, match="is encrypted"):
        Gallery.open(place, model="model-a", dim=DIM)


def test_what_is_no_gallery_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    text, other, newer, cut = (tmp_path / name for name in ("text", "other.db", "newer.db", "cut.db"))
    text.write_text("not a database at all, but long enough to be taken for the head of one, " * 20)
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE people (id INTEGER)")
    connection.close()
    for path in (newer, cut):
        Gallery.open(path, model="model-a", dim=DIM).close()
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    cut.write_bytes(cut.read_bytes()[:5000])
    for path, sentence in (
        (text, "no gallery or is damaged"),
        (other, "no gallery of Derin's"),
        (newer, "newer Derin"),
        (cut, "damaged"),
        (tmp_path, "cannot be"),
        (tmp_path / "no" / "folder.db", "choose a folder that exists"),
    ):
        before = path.read_bytes() if path.is_file() else None
        with pytest.raises(DerinError, match=sentence):
            Gallery.open(path, model="model-a", dim=DIM)
        assert (path.read_bytes() if path.is_file() else None) == before


def test_people_who_are_suspiciously_near_are_reported(open_gallery: Opener) -> None:
    base = unit(DIM, seed=1)
    tilted = base + 0.3 * unit(DIM, seed=2)
    tilted /= np.linalg.norm(tilted)
    apart = float(np.linalg.norm(base.astype(np.float64) - tilted))
    with open_gallery() as gallery:
        assert gallery.enrol("Ada", np.stack([base, base])).near == ()  # two pictures of one person are no finding
        found = gallery.enrol("Augusta", base).near
        assert [(pair.name, pair.other) for pair in found] == [("Augusta", "Ada")]
        assert found[0].distance <= COPY_DISTANCE
        assert gallery.enrol("Alan", tilted).near == ()
        gallery.set_settings({"threshold": apart + 0.01})
        found = gallery.enrol_many([("Bob", tilted), ("Bea", tilted), ("Cem", -base)]).near
        near = {(pair.name, pair.other): pair.distance for pair in found}
        assert {pair for pair, distance in near.items() if distance == 0} == {
            ("Bob", "Alan"), ("Bea", "Alan"), ("Bea", "Bob"),
        }  # fmt: skip
        assert near["Bob", "Ada"] == pytest.approx(apart, abs=1e-7)
        assert {(pair.name, pair.other) for pair in gallery.duplicates()} == {
            *near, ("Augusta", "Ada"), ("Alan", "Ada"), ("Alan", "Augusta"),
        }  # fmt: skip


def test_bulk_enrolment_goes_on_where_it_stopped(open_gallery: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("derin.apps.faces.gallery._EMBEDDINGS_OF_A_COMMIT", 10)
    rows = unit(40, DIM)
    people = [(f"person {at}", rows[2 * at : 2 * at + 2]) for at in range(20)]
    with open_gallery() as gallery:
        with pytest.raises(DataError, match="person 12"):
            gallery.enrol_many([*people[:12], ("person 12", 2 * rows[:2]), *people[13:]])
        assert [person.name for person in gallery.people()] == [f"person {at}" for at in range(10)]
        result = gallery.enrol_many(people, known="skip")
        assert (result.num_people, result.num_embeddings, result.num_skipped) == (10, 20, 10)
        assert [name for name, *_ in gallery.search(rows).names] == [f"person {at // 2}" for at in range(40)]
        assert gallery.enrol("person 3", unit(DIM, seed=4), known="add", note="again").num_embeddings == 1
        assert (gallery.people()[3].num_embeddings, gallery.people()[3].note) == (3, "again")
        monkeypatch.setattr("derin.apps.faces.gallery._MAX_COMPARISONS", 0)
        assert gallery.enrol_many([("copy", rows[0])]).num_compared == 0
        assert gallery.enrol_many([("copy of it", rows[0])], compare=True).near[0].distance == 0


def test_rows_that_are_nearly_of_length_one_are_made_so_and_others_keep_their_bits(open_gallery: Opener) -> None:
    kept = unit(DIM)
    with open_gallery() as gallery:
        gallery.enrol_many([("kept", kept), ("rounded", unit(DIM, seed=1).astype(np.float16))])
        assert np.array_equal(np.array(gallery.export("kept")["embeddings"][0], np.float32), kept)
        rounded = np.array(gallery.export("rounded")["embeddings"][0])
        assert np.linalg.norm(rounded) == pytest.approx(1, abs=1e-7)


def test_settings_are_kept(open_gallery: Opener) -> None:
    with open_gallery() as gallery:
        assert gallery.threshold is None
        gallery.set_settings({"threshold": 1.07, "fmr": 0.001})
    with open_gallery() as gallery:
        assert gallery.threshold == 1.07
        assert gallery.settings == {"threshold": 1.07, "fmr": 0.001}
