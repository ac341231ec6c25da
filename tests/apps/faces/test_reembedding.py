"""Another model's embeddings take the place of those that are there, all at once; what was begun is gone on with."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.apps.faces.conftest import DIM

from derin.apps.faces import gallery as gallery_module
from derin.apps.faces.gallery import Gallery
from derin.core.errors import DataError, RefusedFileError, ShapeError, UsageError

NEW_DIM = 7


def unit(num: int, dim: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((num, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_people_get_embeddings_of_another_model(
    open_gallery: Callable[..., Gallery], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery_module, "_PEOPLE_OF_A_RENEWAL", 10)
    old, new = unit(150, DIM, 1), unit(150, NEW_DIM, 2)
    calls: list[str] = []

    def embed(names: list[str]) -> list[np.ndarray]:
        if len(calls) == 50:
            calls.append("the end")
            raise KeyboardInterrupt
        calls.extend(names)
        return [new[[int(name)]] for name in names]

    with open_gallery() as gallery, open_gallery() as other:
        gallery.enrol_many([(str(at), row) for at, row in enumerate(old)], compare=False)
        gallery.set_settings({"threshold": 1.0})
        gallery.build_index()
        with pytest.raises(KeyboardInterrupt):
            gallery.reembed(embed, model="model-b", dim=NEW_DIM)
        # Until all is done the gallery is as it was.
        assert other.search(old).names == [[str(at)] for at in range(150)]
        assert gallery.threshold == 1.0
        gallery.remove("3")  # new embeddings of this one are there already
        gallery.remove("149")
        gallery.enrol("7", old[7], known="add")  # who changes meanwhile is done again
        assert gallery.reembed(embed, model="model-b", dim=NEW_DIM) == 148
        assert calls == [*map(str, range(50)), "the end", "7", *map(str, range(50, 149))]
        assert (gallery.model, gallery.dim, gallery.threshold, gallery.index) == ("model-b", NEW_DIM, None, None)
        assert gallery.search(new[:3]).names == [["0"], ["1"], ["2"]]
        with pytest.raises(RefusedFileError, match=r"holds embeddings of the model model-b.* got model-a"):
            other.search(old)
        with pytest.raises(RefusedFileError, match=r"got model-a"):
            other.enrol("new", old[0])
        with pytest.raises(UsageError, match="has embeddings of the model model-b already"):
            gallery.reembed(embed, model="model-b", dim=NEW_DIM)
    with open_gallery(model="model-b", dim=NEW_DIM) as gallery:
        assert gallery.search(new[[100]]).names == [["100"]]


def test_wrong_new_embeddings_are_a_sentence_and_change_nothing(open_gallery: Callable[..., Gallery]) -> None:
    old = unit(2, DIM, 1)
    with open_gallery() as gallery:
        gallery.enrol_many([("Ada", old[0]), ("Alan", old[1])])
        for found, error, sentence in (
            ([old[0]], DataError, "of 2 people were asked for; got those of 1"),
            ([old[0], old[1]], ShapeError, f"has {NEW_DIM} numbers.* for 'Ada'"),
            ([unit(1, NEW_DIM, 1), 2 * unit(1, NEW_DIM, 1)], DataError, "length 2 for 'Alan'"),
        ):
            with pytest.raises(error, match=sentence):
                gallery.reembed(lambda names, found=found: found, model="model-b", dim=NEW_DIM)  # type: ignore[misc]
        assert (gallery.model, gallery.search(old).names) == ("model-a", [["Ada"], ["Alan"]])


def test_old_embeddings_are_gone_from_the_bytes(place: Path) -> None:
    old, new = unit(3, DIM, 1), unit(3, NEW_DIM, 2)
    with Gallery.open(place, model="model-a", dim=DIM) as gallery:
        gallery.enrol_many([(str(at), row) for at, row in enumerate(old)])
        gallery.reembed(lambda names: [new[[int(name)]] for name in names], model="model-b", dim=NEW_DIM)
        data = b"".join(path.read_bytes() for path in place.parent.glob("faces.db*"))
        assert [row.tobytes() in data for row in old] == [False] * 3
        assert [row.tobytes() in data for row in new] == [True] * 3


def test_a_gallery_of_the_first_form_is_brought_up_to_date(place: Path) -> None:
    """Written here as the first form had it, by SQLite alone."""
    rows = unit(2, DIM, 5)
    connection = sqlite3.connect(place)
    connection.executescript("""
        CREATE TABLE gallery (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE people (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, note TEXT, log_id TEXT NOT NULL, enrolled TEXT NOT NULL
        );
        CREATE TABLE embeddings (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            person INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE,
            value BLOB NOT NULL
        );
        CREATE INDEX embeddings_of_person ON embeddings (person);
        CREATE TABLE log (id INTEGER PRIMARY KEY, time TEXT NOT NULL, action TEXT NOT NULL, person TEXT);
        INSERT INTO gallery VALUES ('changes', '2'), ('removals', '0'), ('next_person', '3');
        INSERT INTO gallery VALUES ('model', '"model-a"'), ('dim', '12'), ('settings', '{"threshold": 0.9}');
        INSERT INTO people VALUES (1, 'Ada', NULL, 'aa', '2026-11-30T12:00:00+00:00');
        INSERT INTO people VALUES (2, 'Alan', 'by the door', 'bb', '2026-11-30T12:00:00+00:00');
        INSERT INTO log (time, action, person) VALUES ('2026-11-30T12:00:00+00:00', 'enrol', 'aa');
        PRAGMA application_id = 0x44464743;
        PRAGMA user_version = 1;
    """)
    connection.executemany("INSERT INTO embeddings (person, value) VALUES (?, ?)", [(1, rows[0]), (2, rows[1])])
    connection.commit()
    connection.close()
    with Gallery.open(place, model="model-a", dim=DIM) as gallery:
        assert gallery.search(rows).names == [["Ada"], ["Alan"]]
        assert [(person.name, person.note) for person in gallery.people()] == [("Ada", None), ("Alan", "by the door")]
        assert (gallery.threshold, gallery.log()[0].name) == (0.9, "Ada")
        new = unit(2, NEW_DIM, 6)
        assert gallery.reembed(lambda names: [new[[0]], new[[1]]], model="model-b", dim=NEW_DIM) == 2
    connection = sqlite3.connect(place)
    assert connection.execute("PRAGMA user_version").fetchone() == (3,)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
