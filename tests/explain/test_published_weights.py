"""With published weights the heat is where the elephants are, and the attributions add up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from derin.data.pictures.codec import PictureCodec
from derin.explain.deconvnet import deconvnet
from derin.explain.grad_cam import grad_cam
from derin.explain.integrated_gradients import integrated_gradients
from derin.models.weights import load_published

pytestmark = pytest.mark.data
AFRICAN_ELEPHANT = 386  # in the standard order of ImageNet's classes
# Top, left, bottom, right of the calf and of its mother, as shares of the centre of the picture.
ELEPHANTS = ((0.36, 0.0, 0.70, 0.62), (0.06, 0.40, 0.66, 1.0))
NETWORKS = {"mobilenet_v2": "mobilenet_v2_imagenet_bnfolded.npz", "squeezenet1_0": "squeezenet1_0_imagenet.npz"}


def elephants(name: str, data_folder: Path) -> tuple[nn.Module, torch.Tensor]:
    """A network with published weights, and the course's elephants as it reads them."""
    published = load_published(data_folder / "pretrained" / NETWORKS[name])
    asked = published.preprocess
    # The middle of the picture, where the boxes above were measured, whatever a network's pictures went through.
    preparation = PictureCodec(
        column="picture", size=asked.size, channels=3, mean=asked.mean, std=asked.std, rule="crop"
    )
    picture = preparation.read(data_folder / "photos_and_paintings" / "creative_commons_elephant.jpg")
    return published.network(), preparation.to_model_input(torch.from_numpy(picture))


def mask_of(boxes: tuple[tuple[float, ...], ...], side: int) -> np.ndarray:
    mask = np.zeros((side, side), dtype=bool)
    for box in boxes:
        top, left, bottom, right = (round(share * side) for share in box)
        mask[top:bottom, left:right] = True
    return mask


@pytest.mark.parametrize("name", list(NETWORKS))
@pytest.mark.parametrize("plus_plus", [False, True])
def test_the_heat_of_the_answer_is_on_the_elephants(name: str, plus_plus: bool, data_folder: Path) -> None:
    network, x = elephants(name, data_folder)
    with torch.no_grad():
        assert network(x).argmax().item() == AFRICAN_ELEPHANT
    heat = grad_cam(network, x, plus_plus=plus_plus)
    inside = mask_of(ELEPHANTS, x.shape[-1])
    row, column = heat.peak(0)
    assert inside[row, column]
    assert heat.values[0][inside].mean() > 2 * heat.values[0][~inside].mean()


def test_attributions_of_a_published_network_add_up(data_folder: Path) -> None:
    network, x = elephants("squeezenet1_0", data_folder)
    found = integrated_gradients(network, x, AFRICAN_ELEPHANT, num_steps=32)
    with torch.no_grad():
        rise = (network(x) - network(torch.zeros_like(x)))[0, AFRICAN_ELEPHANT].item()
    assert found.attributions.sum() == pytest.approx(rise, rel=0.01)


def test_projections_of_an_early_layer_stay_within_its_view(data_folder: Path) -> None:
    network, x = elephants("squeezenet1_0", data_folder)
    _, found = deconvnet(network, x, "stem.conv", num_units=4)
    for one in found:
        top, left, bottom, right = one.box
        # A 7×7 filter with stride 2 and no padding.
        assert (top, left) >= (2 * one.place[0], 2 * one.place[1])
        assert bottom <= 2 * one.place[0] + 7
        assert right <= 2 * one.place[1] + 7
