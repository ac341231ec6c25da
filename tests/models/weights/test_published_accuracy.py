"""Published weights are as right as published on labelled photos, and know the course's elephant."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import derin
from derin.core.errors import DerinWarning

ELEPHANTS = {"tusker", "Asian elephant", "African bush elephant"}
# Pillow's tables at quality 75: what the copies of CIFAR-10's pictures went through.
FIRST_STEPS = [8, 6, 5, 8, 12, 20, 26, 31]


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "top1", "top5"),
    [("mobilenet_v2_imagenet_bnfolded.npz", 0.80, 0.95), ("squeezenet1_0_imagenet.npz", 0.60, 0.80)],
)
@pytest.mark.filterwarnings("ignore:Which of these examples")
def test_a_hundred_photos_and_the_elephant(file: str, top1: float, top5: float, data_folder: Path) -> None:
    model = derin.open(data_folder / "pretrained" / file)
    with pytest.warns(DerinWarning, match="900 classes of the network do not occur"):
        metrics, num_examples = model.evaluate("imagenet_samples")
    assert num_examples == 100
    assert metrics["accuracy"] >= top1
    assert metrics["top5_accuracy"] >= top5
    elephant = data_folder / "photos_and_paintings" / "creative_commons_elephant.jpg"
    assert model.predictions(elephant)[0].to_json()["label"] in ELEPHANTS


@pytest.mark.data
@pytest.mark.slow
def test_resnet20_loses_to_jpeg_what_it_lacks_on_cifar10(data_folder: Path) -> None:
    """91.8 % of the originals; 81 % of copies at quality 75, as is measured with another program too."""
    model = derin.open("resnet20_cifar10")
    pictures, classes = [], []
    with tarfile.open(data_folder / "cifar10" / "cifar10_imagefolder.tar.gz") as archive:
        for member in archive:
            parts = member.name.split("/")
            if parts[-3:-2] == ["test"] and member.isreg() and int(parts[-1].split(".")[0]) % 8 == 0:
                content = archive.extractfile(member)
                assert content is not None
                picture = Image.open(io.BytesIO(content.read()))
                assert list(picture.quantization[0])[:8] == FIRST_STEPS  # type: ignore[attr-defined]
                pictures.append(np.asarray(picture))
                classes.append(parts[-2])
    answers = [answer.to_json()["label"] for answer in model.predictions(np.stack(pictures))]
    assert len(answers) > 900
    assert np.mean([answer == name for answer, name in zip(answers, classes)]) == pytest.approx(0.81, abs=0.03)
