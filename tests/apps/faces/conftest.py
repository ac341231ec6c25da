"""Galleries to try, in a file and in PostgreSQL, plain and encrypted; and the recognizer with published weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from derin.apps.faces.gallery import Gallery
from derin.apps.faces.recognizer import FaceRecognizer
from derin.models.weights import published
from derin.models.weights.importer import plain_tensors

DIM = 12


@pytest.fixture
def empty_postgres(postgres: str) -> str:
    """The address of a database without a gallery."""
    import psycopg

    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute("SET client_min_messages = error")
        server.execute("DROP SCHEMA IF EXISTS derin_faces CASCADE")
    return postgres


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where a file may lie."""
    return tmp_path / "faces.db"


@pytest.fixture(params=["file", "encrypted file", "postgres", "encrypted postgres"])
def open_gallery(request: pytest.FixtureRequest, place: Path) -> Callable[..., Gallery]:
    """Opens the same gallery again and again."""
    where: object = place
    if "postgres" in request.param:
        where = request.getfixturevalue("empty_postgres")
    if "encrypted" in request.param:
        pytest.importorskip("cryptography")
    settings = {"model": "model-a", "dim": DIM, "key": "a long secret" if "encrypted" in request.param else None}
    return lambda **others: Gallery.open(where, **{**settings, **others})


def read_here(patch: pytest.MonkeyPatch) -> None:
    """Published weights are read in this process, which takes no seconds; that they are not is tested elsewhere."""
    patch.setattr(published, "read_weights", lambda path: plain_tensors(torch.load(path, "cpu", weights_only=True)))


@pytest.fixture
def weights_read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """During a test."""
    read_here(monkeypatch)


@pytest.fixture(scope="session")
def recognizer(data_folder: Path) -> FaceRecognizer:
    """With the published MobileFaceNet and MTCNN."""
    with pytest.MonkeyPatch.context() as patch:
        read_here(patch)
        made = FaceRecognizer()
        assert made.finder.networks  # which are read when they are first needed
        return made
