"""The published MobileFaceNet weights, in our names, know the ten people of faces_lfw10 as well as is published."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from derin.models.weights import load_published

CENTER = (77, 65, 173, 177)  # left, top, right, bottom: 96 × 112 pixels around the face


@pytest.fixture(scope="module")
def network(data_folder: Path) -> torch.nn.Module:
    return load_published(data_folder / "pretrained" / "mobilefacenet" / "068.ckpt").network()


@pytest.fixture(scope="module")
def faces(data_folder: Path) -> tuple[torch.Tensor, list[str]]:
    """A hundred faces as the weights want them, and whose they are."""
    pictures, people = [], []
    with zipfile.ZipFile(data_folder / "faces_lfw10" / "lfw10.zip") as archive:
        for name in sorted(name for name in archive.namelist() if name.endswith(".jpg")):
            picture = Image.open(io.BytesIO(archive.read(name))).convert("RGB").crop(CENTER)
            pictures.append(np.asarray(picture))
            people.append(name.split("/")[-2])
    pixels = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float()
    return (pixels - 127.5) / 128, people


@pytest.mark.data
@torch.no_grad()
def test_published_weights_tell_ten_people_apart(
    network: torch.nn.Module, faces: tuple[torch.Tensor, list[str]]
) -> None:
    pictures, people = faces
    vectors = torch.cat([network(batch) for batch in pictures.split(25)])
    cosine = (vectors @ vectors.T).numpy()
    same = np.array([[one == other for other in people] for one in people])
    assert cosine.shape == (100, 100)

    nearest = np.where(np.eye(100, dtype=bool), -2, cosine).argmax(1)
    assert all(people[place] == person for place, person in zip(nearest, people))

    pairs = np.triu_indices(100, 1)
    accepted, alike = cosine[pairs] >= 0.31, same[pairs]
    balanced = (accepted[alike].mean() + (~accepted)[~alike].mean()) / 2
    assert round(balanced, 2) == 0.96
