"""`derin faces` from the command line, by a recognizer whose faces are colors: what is stored, answered and refused."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from derin.apps.faces import gallery, recognizer
from derin.apps.faces.finding import Face
from derin.apps.faces.gallery import Gallery
from derin.cli.main import app
from derin.core.errors import DataError

SIDE = 16  # pixels of a face: a square of one color; black is none
COLORS = {"Ada": (250, 20, 20), "Alan": (20, 250, 20), "Grace": (20, 20, 250), "Çağrı": (240, 240, 20)}


class ColorRecognizer:
    """Takes every colored square of a picture for a face, and its color for the embedding."""

    dim = 3

    def __init__(self, embedder: Any = None, finder: Any = None, **settings: Any) -> None:
        self.fingerprint = f"colors of {embedder}"

    def embed_each(self, picture: Any) -> tuple[list[Face], np.ndarray]:
        try:
            source = io.BytesIO(picture) if isinstance(picture, bytes) else picture
            pixels = np.asarray(Image.open(source).convert("RGB"))
        except OSError:
            raise DataError(f"{picture}: a picture is required; got none.") from None
        squares = [(x, pixels[SIDE // 2, x + SIDE // 2].astype(float)) for x in range(0, pixels.shape[1], SIDE)]
        found = [(x, color / np.linalg.norm(color)) for x, color in squares if color.sum() > 0]
        if not found:
            raise DataError(f"{picture}: a face is required; none is found.")
        faces = [Face((x, 0, x + SIDE, SIDE), ((x, 0),) * 5, 0.9) for x, _ in found]
        return faces, np.array([color for _, color in found], np.float32)

    def embed_all(
        self,
        pictures: Any,
        *,
        names: Any = None,
        cropped: bool = False,
        largest: bool = False,
        whole_if_none: bool = False,
    ) -> Any:
        rows, reasons, counts = [], [], []
        for name, picture in zip(names, pictures, strict=True):
            try:
                faces, each = self.embed_each(picture)
                reasons.append(
                    None if len(faces) == 1 or largest else f"{name}: one face is required; it shows several."
                )
                rows.append(each[0])
                counts.append(len(faces))
            except DataError as error:
                reasons.append(f"{name}: {error}")
                rows.append(np.full(3, np.nan))
                counts.append(0)
        return recognizer.Embedded(np.array(rows, np.float32), tuple(reasons), np.array(counts))

    def embed(self, pictures: Any, *, cropped: bool = False, largest: bool = False) -> np.ndarray:
        listed = pictures if isinstance(pictures, list) else [pictures]
        found = self.embed_all(listed, names=listed, cropped=cropped, largest=largest)
        for reason in found.reasons:
            if reason is not None:
                raise DataError(reason)
        return found.embeddings


def picture(path: Path, *colors: tuple[int, int, int], seed: int = 0) -> Path:
    """Squares side by side, each a little off its color."""
    random = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((SIDE, SIDE * len(colors), 3), np.uint8)
    for place, color in enumerate(colors):
        off = random.integers(-8, 9, 3) if any(color) else 0
        pixels[:, place * SIDE : (place + 1) * SIDE] = np.clip(np.array(color) + off, 0, 255)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs a command in an empty folder: its JSON document, or what it prints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DERIN_LANG", "en")
    monkeypatch.delenv("DERIN_GALLERY_KEY", raising=False)
    monkeypatch.setattr(recognizer, "FaceRecognizer", ColorRecognizer)
    for name, color in COLORS.items():
        for number in range(4):
            picture(tmp_path / "people" / name / f"{number}.png", color, seed=number)

    def command(*words: str, is_refused: bool = False) -> Any:
        result = CliRunner().invoke(app, ["faces", *map(str, words)])
        assert isinstance(result.exception, SystemExit | None), repr(result.exception)
        assert (result.exit_code != 0) == is_refused, result.output
        return json.loads(result.stdout) if "--json" in words else result.output

    return command


def test_people_are_enrolled_listed_exported_and_deleted(run: Callable[..., Any], tmp_path: Path) -> None:
    assert "1 person enrolled with 2 pictures" in run(
        "enrol", "Ada", "people/Ada/0.png", "people/Ada/1.png", "--note", "x"
    )
    stored = run("enrol", "people", "--known", "skip", "--json")
    assert (stored["enrolled"], stored["embeddings"], stored["skipped"], stored["num_people"]) == (3, 12, 1, 4)
    listed = run("list", "--json")
    assert [person["name"] for person in listed["people"]] == list(COLORS)
    assert listed["people"][0]["note"] == "x"
    assert "4 people in faces.db" in run("list")
    run("export", "Çağrı", "--out", "out.json")
    assert len(json.loads((tmp_path / "out.json").read_text())["embeddings"]) == 4
    assert run("delete", "Çağrı", "Alan", "--json") == {"deleted": ["Çağrı", "Alan"], "num_embeddings": 8}
    assert [person["name"] for person in run("list", "--json")["people"]] == ["Ada", "Grace"]
    actions = [entry["action"] for entry in run("list", "--log", "--json")["log"]]
    assert actions.count("remove") == 2
    assert "remove" in run("list", "--log")
    with sqlite3.connect(tmp_path / "faces.db") as database:
        assert not any("Alan" in str(row) for row in database.execute("SELECT * FROM people"))


def test_answers_say_what_they_rest_on(run: Callable[..., Any], tmp_path: Path) -> None:
    run("enrol", "people")
    again = picture(tmp_path / "again.png", COLORS["Ada"], seed=9)
    assert "No threshold was calibrated" in run("verify", "Ada", str(again))
    assert "no rates are known" in run("verify", "Ada", str(again), "--threshold", "0.3")
    found = run(
        "calibrate", "people", "--fmr", "0.01", "--fpir", "0.5", "--enrolled", "2", "--out", "roc.png", "--json"
    )
    assert found["fmr"] <= 0.01
    assert found["num_different"] == 96
    assert (tmp_path / "roc.png").is_file()
    with Gallery.open("faces.db") as gallery:
        assert gallery.threshold == found["threshold"]
        assert gallery.model == "colors of mobilefacenet"
    yes, no = (run("verify", name, str(again), "--json") for name in ("Ada", "Alan"))
    assert (yes["accepted"], no["accepted"]) == (True, False)
    assert yes["distance"] <= yes["threshold"] < no["distance"]
    assert yes["calibration"]["fmr"] == found["fmr"]
    words = run("verify", "Ada", str(again))
    assert words.startswith("Yes: ")
    assert "The nearest of 4 enrolled pictures counts" in words
    group = picture(tmp_path / "group.png", COLORS["Grace"], (120, 120, 120), COLORS["Ada"])
    document = run("identify", str(group), "--num", "2", "--json", "--threshold", "0.2")
    assert [face["name"] for face in document["pictures"][0]["faces"]] == ["Grace", None, "Ada"]
    assert document["pictures"][0]["faces"][0]["box"] == [0, 0, SIDE, SIDE]
    assert len(document["pictures"][0]["faces"][1]["candidates"]) == 2
    told = run("identify", str(group))
    assert "With 2 of such people enrolled" in told
    assert "4 people are enrolled here" in told
    assert [entry["action"] for entry in run("list", "--log", "--json")["log"]].count("verify") == 5


def test_what_a_calibration_cannot_show_is_printed(run: Callable[..., Any]) -> None:
    words = run("calibrate", "people", "--fmr", "0.0001")
    assert "96 different pairs cannot show a false-match rate of 1 in 10,000" in words
    assert "36,887 independent pairs" in words
    assert "are of 4 people and so not independent" in words
    assert run("list", "--json")["threshold"] is not None


def test_of_pairs_the_largest_face_is_taken_and_said(run: Callable[..., Any], tmp_path: Path) -> None:
    picture(tmp_path / "people" / "Ada" / "0.png", COLORS["Ada"], COLORS["Alan"])
    people = list(COLORS)
    lines = [f"1,{person},0.png,{person},1.png" for person in people]
    lines += [f"0,{person},0.png,{other},1.png" for person in people for other in people if person != other]
    (tmp_path / "people" / "pairs.csv").write_text("\n".join(["same,person_a,file_a,person_b,file_b", *lines]), "utf-8")
    assert run("calibrate", "people/pairs.csv", "--fmr", "0.1", "--json")["num_several"] == 1
    assert "1 picture shows several faces; the largest was taken" in run("calibrate", "people/pairs.csv")


def test_an_index_is_built_used_and_taken_away(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("faiss")
    monkeypatch.setattr(gallery, "_MIN_INDEXED", 16)
    run("enrol", "people")
    face = "people/Ada/1.png"
    assert "has no index to search by" in run("identify", face, "--threshold", "0.3", "--approximate", is_refused=True)
    assert "16 embeddings in faces.db indexed in " in run("index")
    built = run("index", "--json")["index"]
    assert (built["kind"], built["recall"], built["num_embeddings"]) == ("inverted lists", 1.0, 16)
    found = run("identify", face, "--threshold", "0.3", "--approximate", "--json")
    assert (found["pictures"][0]["faces"][0]["name"], found["index"]) == ("Ada", built)
    told = run("identify", face, "--threshold", "0.3", "--approximate")
    assert "which found the nearest in 100.00% of 16 cases" in told
    assert "again" not in told
    run("enrol", "people", "--known", "add")
    picture(tmp_path / "more.png", (120, 120, 120))
    run("enrol", "Eve", "more.png")
    told = run("identify", "more.png", "--threshold", "0.1", "--approximate")
    assert "more.png [0, 0, 16, 16]: Eve" in told
    assert "built of 16 embeddings, and there are 33 now" in told
    assert run("index", "--drop", "--json")["index"] is None
    assert "no index" in run("identify", face, "--threshold", "0.3", "--approximate", is_refused=True)


def test_faces_without_names_are_grouped(run: Callable[..., Any], tmp_path: Path) -> None:
    picture(tmp_path / "people" / "all.png", *COLORS.values())
    picture(tmp_path / "people" / "none.png", (0, 0, 0))
    found = run("cluster", "people", "--threshold", "0.4", "--sheet", "sheet.png", "--json")
    assert found["sizes"] == [5, 5, 5, 5]
    assert len(found["left_out"]) == 1
    with (tmp_path / "groups.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = [{Path(row["picture"]).parent.name for row in rows if row["group"] == str(group)} for group in range(4)]
    assert [len(each - {"people"}) for each in names] == [1, 1, 1, 1]
    assert not (tmp_path / "faces.db").exists()
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 1000
    run("cluster", "people", "--method", "dbscan", "--threshold", "0.4", "--out", "groups.json")
    assert len(json.loads((tmp_path / "groups.json").read_text())["groups"]) == 4


def test_another_model_takes_over_by_embedding_anew(run: Callable[..., Any], tmp_path: Path) -> None:
    run("enrol", "people")
    run("enrol", "Nobody", str(picture(tmp_path / "grey.png", (90, 90, 90))))
    assert "which no other's can be compared with" in run(
        "verify", "Ada", "people/Ada/0.png", "--weights", "other", is_refused=True
    )
    assert "there is none of Nobody" in run("reembed", "people", "--weights", "other", is_refused=True)
    run("delete", "Nobody")
    assert run("reembed", "people", "--weights", "other", "--json")["embeddings"] == 16
    assert run("verify", "Ada", "people/Ada/0.png", "--weights", "other", "--threshold", "0.2").startswith("Yes")


def test_likely_copies_are_told(run: Callable[..., Any]) -> None:
    run("enrol", "Ada", "people/Ada/0.png")
    stored = run("enrol", "Eve", "people/Ada/0.png", "--json")
    assert [(pair["name"], pair["other"]) for pair in stored["near"]] == [("Eve", "Ada")]


REFUSED = {
    "no face": (("enrol", "Eve", "none.png"), "none is found"),
    "several faces": (("enrol", "Eve", "two.png"), "it shows several"),
    "one of several pictures": (("enrol", "Eve", "people/Ada/0.png", "none.png"), "none is found"),
    "no picture": (("enrol", "Eve"), "needs a picture"),
    "damaged": (("enrol", "Eve", "text.png"), "a picture is required"),
    "name that is there": (("enrol", "Ada", "people/Ada/0.png"), "knows a person named 'Ada' already"),
    "name that is none": (("enrol", "\t", "people/Ada/0.png"), "A person's name is text"),
    "unknown name": (("verify", "Eve", "people/Ada/0.png"), "knows nobody named 'Eve'"),
    "unknown name deleted": (("delete", "Ada", "Eve"), "knows nobody named 'Eve'"),
    "other model": (("enrol", "Eve", "people/Ada/0.png", "--weights", "other"), "which no other's"),
    "no gallery": (("verify", "Ada", "people/Ada/0.png", "--db", "no.db"), "no gallery no.db"),
    "no threshold": (("verify", "Ada", "people/Ada/0.png", "--db", "other.db", "--weights", "other"), "A threshold is"),
    "not that threshold": (("verify", "Ada", "people/Ada/0.png", "--threshold", "3"), "between 0 and 2"),
    "one person": (("calibrate", "lone"), "three people or more"),
    "pairs and folder": (("calibrate", "people", "--pictures", "x"), "--pictures is for a .csv"),
    "largest of pairs": (("calibrate", "pairs.csv", "--largest"), "the largest face of each picture is taken"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_one_sentence_and_stores_nothing(case: str, run: Callable[..., Any], tmp_path: Path) -> None:
    run("enrol", "Ada", "people/Ada/0.png")
    run("enrol", "Ada", "people/Ada/0.png", "--db", "other.db", "--weights", "other")
    picture(tmp_path / "none.png", (0, 0, 0))
    picture(tmp_path / "two.png", COLORS["Ada"], COLORS["Alan"])
    picture(tmp_path / "lone" / "Ada" / "1.png", COLORS["Ada"])
    (tmp_path / "text.png").write_text("no picture")
    before = run("list", "--json"), {path.name for path in tmp_path.glob("*.db")}
    words, sentence = REFUSED[case]
    told = run(*words, is_refused=True)
    assert sentence in told
    assert len(told.strip().splitlines()) == 1
    assert (run("list", "--json"), {path.name for path in tmp_path.glob("*.db")}) == before


def test_a_folder_with_a_name_that_is_there_stores_nobody(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("enrol", "Çağrı", "people/Çağrı/0.png")
    monkeypatch.setattr(gallery, "_EMBEDDINGS_OF_A_COMMIT", 1)
    assert "knows a person named 'Çağrı' already" in run("enrol", "people", is_refused=True)
    assert [person["name"] for person in run("list", "--json")["people"]] == ["Çağrı"]
    assert run("enrol", "people", "--known", "skip", "--json")["num_people"] == 4


def test_a_wrong_key_opens_nothing(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cryptography")
    monkeypatch.setenv("DERIN_GALLERY_KEY", "a long secret")
    run("enrol", "Ada", "people/Ada/0.png")
    monkeypatch.setenv("DERIN_GALLERY_KEY", "a guess")
    assert "encrypted with another key" in run("verify", "Ada", "people/Ada/0.png", is_refused=True)
