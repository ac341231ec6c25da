"""Pairs and people are read from tables, folders and archives, and what is measured of them is what it says."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.apps.faces.conftest import FaceRecognizer
from typer.testing import CliRunner

from derin.apps.faces.evaluation import evaluate_faces, identification
from derin.apps.faces.recognizer import Embedded
from derin.cli.main import app
from derin.core.errors import DataError

PEOPLE = ("ada", "can", "ece")


class StandIn:
    """Takes what a picture's bytes say for its embedding."""

    fingerprint = "0" * 64

    def embed_all(self, pictures: Any, *, names: Any, cropped: bool, largest: bool, whole_if_none: bool) -> Embedded:
        embeddings, reasons = [], []
        for content, name in zip(pictures, names, strict=True):
            angle = float(content)
            reasons.append(None if angle < 9 else f"{name}: none is found.")
            embeddings.append([np.cos(angle), np.sin(angle)])
        counts = np.full(len(reasons), 1) + np.arange(len(reasons)) % 2
        return Embedded(np.array(embeddings, dtype=np.float32), tuple(reasons), counts)


def angle_of(person: str, number: int) -> float:
    return PEOPLE.index(person) + number / 20


def files() -> dict[str, bytes]:
    return {f"{p}/{n}.jpg": str(angle_of(p, n)).encode() for p in PEOPLE for n in range(4)}


def write_pairs(folder: Path, changed: dict[int, str] | None = None) -> Path:
    lines = ["same,person_a,file_a,person_b,file_b"]
    for number in range(1, 4):
        for place, person in enumerate(PEOPLE):
            lines.append(f"1,{person},0.jpg,{person},{number}.jpg")
            lines.append(f"0,{person},{number}.jpg,{PEOPLE[(place + 1) % 3]},0.jpg")
    for place, line in (changed or {}).items():
        lines[place] = line
    (folder / "pairs.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "pairs.csv"


def place_pictures(folder: Path, form: str) -> Path | None:
    """Puts the pictures somewhere; returns what has to be named, if anything."""
    top = "all/" if form.endswith("top") else ""
    if form.startswith("folder"):
        for name, content in files().items():
            (folder / top / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / top / name).write_bytes(content)
        return None
    if form.startswith("zip"):
        with zipfile.ZipFile(folder / "faces.zip", "w") as archive:
            for name, content in files().items():
                archive.writestr(top + name, content)
        return None
    with tarfile.open(folder / "faces.tar.gz", "w:gz") as tar:
        for name, content in reversed(files().items()):
            info = tarfile.TarInfo(top + name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return folder / "faces.tar.gz"


@pytest.mark.parametrize("form", ["folder", "folder with top", "zip", "zip with top", "tar", "tar with top"])
def test_pictures_are_found_in_a_folder_or_an_archive_with_or_without_a_top_folder(form: str, tmp_path: Path) -> None:
    table, named = write_pairs(tmp_path), place_pictures(tmp_path, form)
    found = evaluate_faces(StandIn(), table, named, folds=6)  # type: ignore[arg-type]
    assert (found.num_pairs, found.num_same, found.num_pictures) == (18, 9, 12)
    assert (found.accuracy, found.eer, found.auc) == (1.0, 0.0, 1.0)
    # The farthest of one person are 3/20 apart, the nearest of two 1 − 3/20, as angles of half their chord.
    assert 2 * np.sin(3 / 40) < found.threshold < 2 * np.sin((1 - 3 / 20) / 2)
    assert (found.num_several, found.num_whole) == (6, 0)
    assert found.identification is not None
    assert (found.identification.nearest, found.identification.one_picture) == (1.0, 1.0)


def test_of_a_folder_of_people_every_pair_is_taken(tmp_path: Path) -> None:
    place_pictures(tmp_path, "folder with top")
    found = evaluate_faces(StandIn(), tmp_path / "all", folds=2)  # type: ignore[arg-type]
    assert (found.num_pairs, found.num_same) == (66, 18)
    assert found.eer == 0.0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({0: "same,person_a,file_a,person_b,other"}, "file_b is not among"),
        ({3: "perhaps,ada,0.jpg,ada,1.jpg"}, "line 4: same must be 1 or 0"),
        ({4: "1,ada,0.jpg,ada,9.jpg"}, "the picture ada/9.jpg is required"),
        ({1: "1,bob,0.jpg,ada,1.jpg"}, "its first picture bob/0.jpg is not in .*--pictures"),
        ({4: "1,ada,0.jpg,../ada,1.jpg"}, r"the picture \.\./ada/1.jpg is required"),
        ({4: "1,ada,0.jpg"}, "every line must be a pair"),
    ],
)
def test_a_table_that_cannot_be_measured_is_refused(changed: dict[int, str], message: str, tmp_path: Path) -> None:
    place_pictures(tmp_path, "folder")
    with pytest.raises(DataError, match=message):
        evaluate_faces(StandIn(), write_pairs(tmp_path, changed))  # type: ignore[arg-type]


def test_pictures_without_a_face_are_counted_and_refused(tmp_path: Path) -> None:
    place_pictures(tmp_path, "folder")
    for name in ("can/1.jpg", "ece/2.jpg"):
        (tmp_path / name).write_bytes(b"9.5")
    with pytest.raises(DataError, match=r"can/1\.jpg: none is found\. So it is with 2 of 12 pictures\. .*--whole"):
        evaluate_faces(StandIn(), write_pairs(tmp_path))  # type: ignore[arg-type]


def test_identification_is_that_of_one_search_after_the_other() -> None:
    generator = np.random.default_rng(5)
    people = [f"p{n}" for n in generator.permutation(np.repeat(np.arange(6), (2, 3, 3, 4, 1, 5)))]
    embeddings = generator.normal(size=(len(people), 3))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)

    def nearest(place: int, among: list[int]) -> str:
        return people[min(among, key=lambda other: float(np.linalg.norm(embeddings[place] - embeddings[other])))]

    several = [p for p in range(len(people)) if people.count(people[p]) > 1]
    everyone = range(len(people))
    expected = np.mean([nearest(p, [other for other in everyone if other != p]) == people[p] for p in several])
    choices = []
    for choice in range(2):
        enrolled = [
            [p for p in everyone if people[p] == who][choice] for who in set(people) if people.count(who) > choice
        ]
        choices.append(np.mean([nearest(p, enrolled) == people[p] for p in several if p not in enrolled]))
    found = identification(embeddings, people)
    assert found is not None
    assert found.nearest == pytest.approx(expected)
    assert found.choices == pytest.approx(choices)
    assert found.one_picture == pytest.approx(np.mean(choices))
    assert found.num_people == 5
    assert identification(embeddings[:2], ["a", "b"]) is None


@pytest.mark.data
@pytest.mark.slow
def test_ten_people_of_lfw_are_told_apart_from_raw_pictures(recognizer: FaceRecognizer, data_folder: Path) -> None:
    found = evaluate_faces(recognizer, data_folder / "faces_lfw10" / "pairs.csv")
    assert (found.num_pairs, found.num_pictures, found.num_whole) == (400, 100, 0)
    assert found.accuracy >= 0.98
    assert found.eer <= 0.015
    assert found.identification is not None
    assert found.identification.nearest == 1.0


@pytest.mark.data
@pytest.mark.slow
def test_people_of_orl_are_identified_by_one_picture(recognizer: FaceRecognizer, data_folder: Path) -> None:
    found = evaluate_faces(recognizer, data_folder / "faces_orl" / "orl_faces.zip").identification
    assert found is not None
    assert (found.num_people, len(found.choices)) == (40, 10)
    assert found.one_picture >= 0.95


@pytest.mark.data
def test_faces_are_found_and_drawn_by_the_command(
    weights_read_here: None, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(data_folder / "faces_orl" / "orl_faces.zip") as archive:
        (tmp_path / "face.pgm").write_bytes(archive.read("orl_faces/s7/3.pgm"))
    command = ["faces", "find", str(tmp_path / "face.pgm"), "--out", str(tmp_path / "found.png"), "--json"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    (face,) = json.loads(result.stdout)["faces"]
    left, top, right, bottom = face["box"]
    assert right - left > 50 < bottom - top
    assert all(left < x < right and top < y < bottom for x, y in face["points"])
    assert (tmp_path / "found.png").exists()
    assert CliRunner().invoke(app, [*command[:3], "--out", str(tmp_path / "no" / "found.png")]).exit_code == 1
