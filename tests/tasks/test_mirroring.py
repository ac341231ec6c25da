"""Pictures are not flipped where that makes another class of them: names tell, and the pictures themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn import linear_model

from derin.api.prepare import prepare
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Table
from derin.tasks.recipes import recipe
from derin.tasks.recipes.mirroring import _DAMPING, _answers, _small, mirrored_names, mirroring_of


def table_of(pictures: np.ndarray, labels: np.ndarray, classes: tuple[str, ...]) -> Table:
    schema = Schema(
        (
            Column(name="picture", kind=Kind.PICTURE, role=Role.INPUT, shape=pictures.shape[1:]),
            Column(name="label", kind=Kind.CATEGORY, role=Role.TARGET, classes=classes),
        )
    )
    return Table(name="t", schema=schema, columns={"picture": Dense(pictures), "label": Dense(labels)}, splits={})


def noise(num: int, seed: int = 0, side: int = 20) -> np.ndarray:
    return np.random.default_rng(seed).integers(90, 160, (num, side, side, 3)).astype(np.uint8)


def wedges(num: int) -> tuple[np.ndarray, np.ndarray]:
    """Triangles that point to the left (0) or to the right (1), anywhere, in any colour."""
    draw = np.random.default_rng(1)
    pictures, labels = noise(num), np.arange(num) % 2
    for picture, label in zip(pictures, labels, strict=True):
        color, top, left = draw.integers(0, 80, 3), int(draw.integers(0, 8)), int(draw.integers(0, 8))
        for column in range(10):
            height = column if label == 0 else 9 - column
            picture[top + 6 - height // 2 : top + 7 + height // 2, left + column] = color
    return pictures, labels


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (("left", "right"), True),
        (("arrow_left", "arrow_right", "arrow_up"), True),
        (("TurnLeft", "TurnRight"), True),
        (("links", "rechts"), True),
        (("sol", "sağ"), True),
        (("ost", "west"), True),
        (("SOL", "SAG"), True),
        (("sağa dön", "sola dön"), True),
        (("b", "d", "p", "q"), True),
        (("p", "q"), True),
        (("<", ">"), True),
        (("east", "west", "north"), True),
        (("eye_l", "eye_r"), True),
        (("a", "b", "c"), False),
        (("l", "m", "r"), False),
        (("cat", "dog"), False),
        (("left", "up"), False),
        (("bright", "dark"), False),
    ],
)
def test_names_of_mirror_images_are_known(classes: tuple[str, ...], expected: bool) -> None:
    assert (mirrored_names(classes) is not None) == expected


def test_named_pairs_are_not_flipped_and_the_reason_is_said() -> None:
    table = table_of(noise(40), np.arange(40) % 2, ("left", "right"))
    chosen = recipe("convnet", table)
    assert "flip" not in chosen.augmentation
    assert "'left' and 'right' are each other's mirror images" in chosen.notes[0]
    assert chosen.notes[0] in chosen.reasons
    assert "flip" in recipe("convnet", table_of(noise(40), np.arange(40) % 2, ("cat", "dog"))).augmentation


def test_pictures_that_look_like_another_class_in_a_mirror_are_found() -> None:
    pictures, labels = wedges(240)
    found = mirroring_of(table_of(pictures, labels, ("one", "two")), Column(
        name="picture", kind=Kind.PICTURE, role=Role.INPUT, shape=(20, 20, 3)))  # fmt: skip
    assert not found.same
    assert "'one' and 'two'" in found.note


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("each", [6, 15, 60])
@pytest.mark.parametrize("num_classes", [2, 7])
def test_classes_without_a_side_are_flipped(num_classes: int, each: int, seed: int) -> None:
    num = num_classes * each
    pictures, labels = noise(num, seed).astype(np.int64), np.arange(num) % num_classes
    if seed % 2:
        # Told apart by what is as it was in a mirror: a bright line, higher or lower.
        for picture, label in zip(pictures, labels, strict=True):
            picture[2 * label : 2 * label + 2] += 80
    table = table_of(pictures.astype(np.uint8), labels, tuple(f"class {i}" for i in range(num_classes)))
    assert mirroring_of(table, table.inputs[0]).same


def test_gray_in_three_channels_is_gray() -> None:
    pictures = np.repeat(noise(40)[..., :1], 3, axis=-1)
    found = mirroring_of(
        table_of(pictures, np.arange(40) % 2, ("a", "c")), table_of(pictures, np.arange(40), ()).inputs[0]
    )
    assert not found.same
    assert "gray" in found.note


@pytest.mark.parametrize(("augment", "said"), [("flip", True), ("flip_vertical", False), ("shift=0.1", False)])
def test_flips_that_were_asked_for_are_said_to_make_mirrored_classes_alike(augment: str, said: bool) -> None:
    table = table_of(noise(40), np.arange(40) % 2, ("left", "right"))
    table = replace(table, splits={"train": np.arange(40)})
    notes = prepare(table, model="lenet5", augment=augment, epochs=1).table.report.notes
    assert any("each other's mirror images: a network cannot tell" in note for note in notes) == said


@pytest.mark.parametrize("shape", [(16, 16, 1), (37, 50, 3), (16, 5, 3), (7, 33, 1)])
def test_small_pictures_are_means_of_their_parts(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)

    def part(place: int, num: int) -> slice:
        first = place * num // 16
        return slice(first, max((place + 1) * num // 16, first + 1))

    expected = [[pixels[part(y, shape[0]), part(x, shape[1])].mean((0, 1)) / 255 for x in range(16)] for y in range(16)]
    np.testing.assert_allclose(_small(pixels), expected, atol=1e-12)


def test_each_half_is_answered_by_ridge_regression_on_the_other() -> None:
    random = np.random.default_rng(2)
    small, asked, numbers = random.normal(size=(31, 2, 3, 1)), random.normal(size=(31, 2, 3, 1)), np.arange(31) % 3
    found = _answers(small, asked, numbers, 3)
    for half in (0, 1):
        fit, test = np.arange(31) % 2 == half, np.arange(31) % 2 != half
        inputs = small[fit].reshape(-1, 6)
        alpha = _DAMPING * np.square(inputs - inputs.mean(0)).sum() / len(inputs)
        ridge = linear_model.Ridge(alpha=alpha).fit(inputs, np.eye(3)[numbers[fit]])
        assert found[test].tolist() == ridge.predict(asked[test].reshape(-1, 6)).argmax(1).tolist()


def test_how_often_a_mirrored_picture_is_taken_for_the_other_class_is_said() -> None:
    """One column is bright: at the left edge or at the right one; the third class has a bright line at its top."""
    pictures, labels = noise(240, side=16), np.arange(240) % 3
    for picture, label in zip(pictures, labels, strict=True):
        picture[(slice(None), 0, slice(None)) if label == 0 else (slice(None), 15) if label == 1 else (0,)] = 255
    table = table_of(pictures, labels, ("one", "two", "top"))
    found = mirroring_of(table, table.inputs[0])
    assert (found.same, found.pair) == (False, ("one", "two"))
    assert "100" in found.note
    # Who looks at a split for training looks at its rows alone: there all edges are at the left.
    part = replace(table, splits={"train": np.flatnonzero(labels != 1)})
    assert mirroring_of(part, part.inputs[0]).same
