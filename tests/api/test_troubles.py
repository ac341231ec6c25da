"""Bad pictures, full disks and folders that cannot be written: a sentence, and nothing lost."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.readers.troubled_pictures import make_troubled_folder

import derin
from derin.core.errors import StorageError
from derin.core.faults import faults

QUICK = {"epochs": 2, "plan": "plain", "threads": 1}


def test_folder_with_every_trouble_trains_and_its_report_names_each(tmp_path: Path) -> None:
    folder = make_troubled_folder(tmp_path / "pets")
    run = derin.fit(folder, size=24, out=tmp_path / "run", **QUICK)
    page = (run.path / "report.html").read_text(encoding="utf-8")
    findings = run.record["data"]["reading"]["findings"]
    where = " ".join(finding["where"] for finding in findings)
    for name in (
        ".ipynb_checkpoints",
        "__MACOSX",
        "fish",
        "broken.jpg",
        "text.jpg",
        "empty.png",
        "bomb.png",
        "truncated.jpg",
        "cmyk.jpg",
        "palette.png",
        "sixteen.png",
        "animated.gif",
        "turned.jpg",
        "glass.png",
        "notes.txt",
    ):
        assert name in where, name
        assert name in page, name
    assert derin.open(run.path).predict(folder / "train" / "dogs" / "turned.jpg").label in ("cats", "dogs")


def test_changed_picture_is_read_again(tmp_path: Path) -> None:
    folder = make_troubled_folder(tmp_path / "pets")
    before = derin.load(folder, size=24).fingerprint()
    assert derin.load(folder, size=24).fingerprint() == before
    picture = next((folder / "train" / "cats").glob("*.png"))
    (folder / "train" / "cats" / "added.png").write_bytes((folder / "train" / "dogs" / "palette.png").read_bytes())
    assert picture.exists()
    assert derin.load(folder, size=24).fingerprint() != before


def full_disk(point: str, passing: int) -> Callable[[str], None]:
    """A disk that is full when a named point of a write is passed for the n-th time, and stays so."""
    passed = 0

    def fault(name: str) -> None:
        nonlocal passed
        passed += name == point
        if passed >= passing and name == point:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), point)

    return fault


@pytest.mark.parametrize("point", ["state.tensors", "bundle.tensors", "log.written", "write.written"])
def test_full_disk_is_one_sentence_and_the_run_goes_on_from_its_last_good_state(point: str, tmp_path: Path) -> None:
    whole = derin.fit("iris", out=tmp_path / "whole", report=False, **QUICK)
    with faults(full_disk(point, 2)), pytest.raises(StorageError) as caught:
        derin.fit("iris", out=tmp_path / "run", report=False, **QUICK)
    assert "\n" not in str(caught.value)
    assert "space" in str(caught.value)
    resumed = derin.fit("iris", out=tmp_path / "run", resume=True, report=False, **QUICK)
    weights = [run.path / "model" / "model.safetensors" for run in (whole, resumed)]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_run_in_a_place_that_is_a_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(derin.DerinError) as caught:
        derin.fit("iris", out=tmp_path / "file" / "run", **QUICK)
    assert "\n" not in str(caught.value)
