"""What is PostgreSQL's own: the address, the server that cannot be reached, names beside other people's tables."""

from __future__ import annotations

import numpy as np
import pytest
from tests.apps.faces.conftest import DIM

from derin.apps.faces import postgres_store
from derin.apps.faces.gallery import Gallery
from derin.core.errors import StorageError, UsageError

psycopg = pytest.importorskip("psycopg")


def test_a_server_that_cannot_be_reached_is_a_sentence_without_the_password() -> None:
    with pytest.raises(StorageError, match=r"cannot be read or written .*check the server and its address") as caught:
        Gallery.open("postgresql://somebody:secret@127.0.0.1:1/faces", model="model-a")
    assert "secret" not in str(caught.value)


def test_the_password_is_not_shown_and_tables_of_others_stay(empty_postgres: str) -> None:
    with psycopg.connect(empty_postgres, autocommit=True) as server:
        server.execute("CREATE TABLE people (id int)")
        address = empty_postgres.replace("postgres:@", "postgres:secret@")
        with pytest.raises(UsageError, match=r"There is no gallery in postgresql://"):
            Gallery.open(address)
        with Gallery.open(address, model="model-a", dim=DIM) as gallery:
            gallery.enrol("Ada", np.eye(1, DIM, dtype=np.float32))
            assert "secret" not in gallery.place
        assert server.execute("SELECT count(*) FROM people").fetchone() == (0,)
        server.execute("DROP TABLE people")


def test_a_server_without_a_pgvector_that_is_new_enough_is_refused(
    empty_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_store, "_MIN_PGVECTOR", (99, 0))
    with pytest.raises(UsageError, match=r"needs pgvector of at least 99.0; it has 0\.\d+\.\d+. Update it"):
        Gallery.open(empty_postgres, model="model-a", dim=DIM)


def test_a_server_without_pgvector_is_a_sentence_unless_the_gallery_is_encrypted(empty_postgres: str) -> None:
    with psycopg.connect(empty_postgres, autocommit=True) as server:
        server.execute("DROP EXTENSION IF EXISTS vector")
        server.execute("DROP ROLE IF EXISTS somebody")
        server.execute("CREATE ROLE somebody LOGIN")
        server.execute("GRANT CREATE ON DATABASE " + server.info.dbname + " TO somebody")
        address = empty_postgres.replace("postgres:@", "somebody:@")
        with pytest.raises(
            UsageError, match=r"needs the extension pgvector, which cannot be made there \(.*permission"
        ):
            Gallery.open(address, model="model-a", dim=DIM)
        with Gallery.open(address, model="model-a", dim=DIM, key="a long secret") as gallery:
            gallery.enrol("Ada", np.eye(1, DIM, dtype=np.float32))
            assert gallery.search(np.eye(1, DIM, dtype=np.float32)).names == [["Ada"]]
        server.execute("DROP OWNED BY somebody CASCADE")
        server.execute("DROP ROLE somebody")
