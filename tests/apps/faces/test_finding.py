"""Faces are found, aligned and embedded as an independent float64 computation has it, from the published files."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.apps.faces import float64

from derin.apps.faces.aligning import TEMPLATE, aligned, similarities, template_for
from derin.apps.faces.area_sums import AreaSums
from derin.apps.faces.finding import FaceFinder
from derin.apps.faces.recognizer import FaceRecognizer
from derin.core.errors import UsageError
from derin.models import build

# What is asked. In single precision boxes of 100 pixels keep five digits behind all three networks.
WANTED = 1e-3


def from_zip(archive: Path, member: str) -> np.ndarray:
    with zipfile.ZipFile(archive) as opened:
        return np.array(Image.open(io.BytesIO(opened.read(member))).convert("RGB"))


def require_same_faces(finder: FaceFinder, nets: Any, picture: np.ndarray, num: int) -> None:
    expected = float64.find(nets, picture.transpose(2, 0, 1))
    found = finder.find(picture[None])
    assert len(found) == len(expected) == num
    for place, (probability, box, points) in enumerate(expected):
        np.testing.assert_allclose(found.probabilities[place], probability, atol=WANTED)
        np.testing.assert_allclose(found.boxes[place], box, atol=WANTED)
        np.testing.assert_allclose(found.points[place], points, atol=WANTED)


@pytest.fixture(scope="module")
def nets(data_folder: Path) -> dict[str, dict[str, Any]]:
    folder = data_folder / "pretrained" / "mtcnn"
    return {name: float64.published(folder / f"{name}.pt") for name in ("pnet", "rnet", "onet")}


@pytest.mark.data
def test_a_face_is_found_where_float64_finds_it(recognizer: FaceRecognizer, nets: Any, data_folder: Path) -> None:
    picture = from_zip(data_folder / "faces_orl" / "orl_faces.zip", "orl_faces/s7/3.pgm")
    require_same_faces(recognizer.finder, nets, picture, 1)


@pytest.mark.data
@pytest.mark.slow
def test_several_faces_are_found_where_float64_finds_them(
    recognizer: FaceRecognizer, nets: Any, data_folder: Path
) -> None:
    picture = Image.open(data_folder / "photos_and_paintings" / "multiface.jpg").convert("RGB").reduce(2)
    require_same_faces(recognizer.finder, nets, np.array(picture), 6)


@pytest.mark.data
def test_pictures_of_a_batch_and_alone_show_the_same_faces(recognizer: FaceRecognizer, data_folder: Path) -> None:
    names = [f"orl_faces/s{person}/1.pgm" for person in (1, 2, 3)]
    pictures = np.stack([from_zip(data_folder / "faces_orl" / "orl_faces.zip", name) for name in names])
    pictures[1] = 90  # nothing there
    together = recognizer.finder.find(pictures)
    assert together.pictures.tolist() == [0, 2]
    for place in (0, 2):
        alone, (face,) = recognizer.finder.find(pictures[place : place + 1]).of(0)[0], together.of(place)
        # Other batches take other kernels, which add in another order.
        np.testing.assert_allclose(face.box, alone.box, atol=1e-3)
        np.testing.assert_allclose(face.points, alone.points, atol=1e-3)
    assert len(recognizer.finder.find(np.zeros((2, 11, 300, 3), dtype=np.uint8))) == 0


@pytest.mark.data
@pytest.mark.slow
def test_the_embedding_of_a_raw_picture_is_that_of_float64(
    recognizer: FaceRecognizer, nets: Any, data_folder: Path
) -> None:
    picture = from_zip(data_folder / "faces_lfw10" / "lfw10.zip", "lfw10/Tony_Blair/Tony_Blair_0001.jpg")
    weights = float64.published(data_folder / "pretrained" / "mobilefacenet" / "068.ckpt")
    faces, embeddings = recognizer.embed_each(picture)
    expected = float64.find(nets, picture.transpose(2, 0, 1))
    assert len(faces) == len(expected) == 2  # somebody stands behind him
    for (_, _, points), embedding in zip(expected, embeddings, strict=True):
        similarity = float64.least_squares_similarity(points, TEMPLATE)
        face = float64.turned(picture.transpose(2, 0, 1).astype(np.float64), similarity, 112, 96)
        one = float64.mobilefacenet(weights, float64.normalized(face))
        np.testing.assert_allclose(embedding, one, atol=WANTED)
    largest = int(np.argmax([(f.box[2] - f.box[0]) * (f.box[3] - f.box[1]) for f in faces]))
    np.testing.assert_allclose(recognizer.embed(picture, largest=True)[0], embeddings[largest], atol=1e-5)


def test_boxes_are_means_of_what_lies_under_each_pixel_and_black_outside() -> None:
    generator = np.random.default_rng(3)
    pictures = generator.integers(0, 256, (2, 3, 11, 14), dtype=np.uint8)
    boxes = np.array(
        [[1.25, 2.5, 7.75, 9.0], [-3.5, -2.0, 20.5, 22.0], [4.0, 4.0, 4.75, 4.5], [-9.0, -9.0, -2.0, -2.0]]
    )
    rows = np.array([0, 1, 1, 0])
    for kind in (np.uint8, np.float32):  # sums of whole numbers, and of others
        found = AreaSums(torch.from_numpy(pictures.astype(kind))).boxes(boxes, rows, 5, 5).numpy()
        for one, row, box in zip(found, rows, boxes, strict=True):
            np.testing.assert_allclose(one, float64.cut(pictures[row].astype(np.float64), box, 5), atol=1e-4)


def test_similarities_are_the_least_squares_solution() -> None:
    points = np.random.default_rng(4).normal(size=(6, 5, 2)) * 30 + 100
    points[0] = points[0][:, ::-1]  # a mirror image is matched without mirroring
    for one, found in zip(points, similarities(points, TEMPLATE), strict=True):
        np.testing.assert_allclose(found, float64.least_squares_similarity(one, TEMPLATE), atol=1e-9)


@pytest.mark.parametrize("scale", [0.4, 1.0, 1.9, 3.6])
def test_an_aligned_face_shows_the_picture_turned_and_scaled(scale: float) -> None:
    # Brightness that grows evenly keeps its value under means and between pixels, so that each pixel tells its place.
    height, width = 620, 560
    rows, columns = np.mgrid[:height, :width] + 0.5
    picture = torch.from_numpy(np.stack([columns, rows, columns - rows])[None])
    angle = 0.4
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * scale
    points = (template_for((112, 96)) - [48, 56]) @ turn.T + [290.3, 301.7]
    face = aligned(AreaSums(picture), np.array([0]), points[None], (112, 96))[0].double().numpy()
    out = np.mgrid[:112, :96] + 0.5
    x, y = turn @ np.stack([out[1] - 48, out[0] - 56]).reshape(2, -1) + np.array([[290.3], [301.7]])
    # Places of some hundred pixels in float32, whose eighth digit is their fifth behind the point.
    np.testing.assert_allclose(face, np.stack([x, y, x - y]).reshape(3, 112, 96), atol=2e-3)


def test_the_template_fills_inputs_of_other_proportions_as_far_as_it_goes() -> None:
    np.testing.assert_allclose(template_for((112, 96)), TEMPLATE)
    square = template_for((56, 56))
    np.testing.assert_allclose(square, (TEMPLATE - [48, 56]) / 2 + [28, 28])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"min_face": 11}, "at least 12 pixels"),
        ({"probabilities": (0.5, 0.5)}, "three numbers between 0 and 1"),
        ({"probabilities": (0.5, 1.0, 0.5)}, "three numbers between 0 and 1"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], message: str) -> None:
    sizes = {"pnet": (12, 6), "rnet": (24, 6), "onet": (48, 16)}
    networks = {
        name: build(f"mtcnn_{name}", input_shape=(3, side, side), num_outputs=num)
        for name, (side, num) in sizes.items()
    }
    with pytest.raises(UsageError, match=message):
        FaceFinder(networks, **settings)
