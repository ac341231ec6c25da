"""What the recognizer says to pictures that show no face, several, a turned or a tiny one, or are no pictures."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from derin.apps.faces.recognizer import FaceRecognizer
from derin.core.errors import DataError, UsageError

pytestmark = [pytest.mark.data, pytest.mark.usefixtures("weights_read_here")]


@pytest.fixture(scope="module")
def face(data_folder: Path) -> Image.Image:
    with zipfile.ZipFile(data_folder / "faces_orl" / "orl_faces.zip") as archive:
        return Image.open(BytesIO(archive.read("orl_faces/s7/3.pgm"))).convert("RGB")


def as_file(image: Image.Image, kind: str = "PNG") -> bytes:
    file = BytesIO()
    image.save(file, kind)
    return file.getvalue()


def within(face: Image.Image, side: int) -> Image.Image:
    around = Image.new("RGB", (side, side), "gray")
    around.paste(face, (side // 2, side // 2))
    return around


def beside(face: Image.Image) -> Image.Image:
    both = Image.new("RGB", (2 * face.width, face.height))
    both.paste(face, (0, 0))
    both.paste(face, (face.width, 0))
    return both


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (
            lambda face: Image.new("RGB", (90, 90), "gray"),
            "with an upright face of at least 20 pixels .* none is found",
        ),
        (beside, "one face is required; it shows 2"),
        (lambda face: face.rotate(90, expand=True), "found where the picture is turned a quarter to the right"),
        (
            lambda face: within(face.resize((18, 22)), 70),
            r"at least 20 pixels is required; the one that is found has about 1\d",
        ),
        (lambda face: b"\xff\xd8\xff\xe0 not a picture", "a picture is required"),
        (lambda face: as_file(face)[:900], "a picture is required"),
        (lambda face: np.zeros((3, 4, 5, 6, 7), np.uint8), "An array of pictures must have the shape"),
    ],
    ids=["none", "two", "sideways", "tiny", "no picture", "cut off", "no array of a picture"],
)
def test_a_picture_without_an_embedding_is_one_sentence(
    recognizer: FaceRecognizer, face: Image.Image, make: Any, reason: str
) -> None:
    found = recognizer.embed_all([face, make(face)], names=["good.png", "bad.png"])
    assert found.reasons[0] is None
    assert np.isfinite(found.embeddings[0]).all()
    assert np.isnan(found.embeddings[1]).all()
    sentence = str(found.reasons[1])
    assert sentence.startswith("bad.png: ")
    assert "\n" not in sentence
    with pytest.raises(DataError, match=reason):
        recognizer.embed(make(face))


def test_other_forms_of_a_picture_give_the_same_embedding(recognizer: FaceRecognizer, face: Image.Image) -> None:
    expected = recognizer.embed(face)
    assert expected.shape == (1, recognizer.dim)
    assert expected.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(expected, axis=1), 1, rtol=1e-6)
    gray = face.convert("L")
    deep = np.asarray(gray).astype(np.uint16) * 257
    see_through = face.convert("RGBA")
    forms = [gray, as_file(see_through), np.asarray(face), as_file(Image.fromarray(deep)), as_file(gray, "TIFF")]
    # All in one chunk with pictures of another size between them.
    found = recognizer.embed([forms[0], beside(face), *forms[1:]], largest=True)
    np.testing.assert_allclose(np.delete(found, 1, 0), np.repeat(expected, len(forms), 0), atol=1e-5)


def test_a_cropped_face_is_taken_as_it_is_and_a_whole_picture_only_where_that_is_asked(
    recognizer: FaceRecognizer, face: Image.Image
) -> None:
    nothing = Image.new("RGB", (90, 90), "gray")
    cropped = recognizer.embed([face, nothing], cropped=True)
    assert np.isfinite(cropped).all()
    found = recognizer.embed_all([nothing, face], whole_if_none=True)
    assert found.reasons == (None, None)
    assert found.num_faces.tolist() == [0, 1]
    np.testing.assert_allclose(found.embeddings[0], cropped[1], atol=1e-6)
    assert np.linalg.norm(found.embeddings[1] - cropped[0]) > 0.1  # found and turned, not taken whole
    assert recognizer.embed_all([]).embeddings.shape == (0, 128)


def test_the_fingerprint_is_of_weights_and_preparation(recognizer: FaceRecognizer, monkeypatch: Any) -> None:
    again = FaceRecognizer(finder=recognizer.finder)
    assert again.fingerprint == recognizer.fingerprint
    assert len(again.fingerprint) == 64
    other = FaceRecognizer(finder=recognizer.finder)
    next(other._network.parameters()).data[0] += 1e-3
    assert other.fingerprint != recognizer.fingerprint


def test_weights_of_other_networks_are_refused(data_folder: Path) -> None:
    with pytest.raises(UsageError, match="must give embeddings"):
        FaceRecognizer("mtcnn_pnet")
    with pytest.raises((UsageError, OSError), match=r"pnet\.pt"):
        FaceRecognizer(finder=data_folder / "pretrained" / "mobilefacenet").find(np.zeros((30, 30, 3), np.uint8))
