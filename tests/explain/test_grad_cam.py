"""Grad-CAM agrees with Captum, Grad-CAM++ with its formula written out in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import LayerAttribution, LayerGradCam
from tests.explain.networks import pictures, residual
from torch import nn

from derin.core.errors import ShapeError, UnknownNameError, UsageError
from derin.explain.asked import ask
from derin.explain.grad_cam import grad_cam
from derin.explain.layer_names import level_layer
from derin.models import build
from derin.models.box_output import box_output, boxes_of_distances
from derin.models.trunk import STRIDES
from derin.tasks.detection import Detection
from derin.tasks.segmentation import Segmentation


@pytest.mark.parametrize("layer", ["stem", "norm", "first", "second", "pool"])
def test_grad_cam_agrees_with_captum(layer: str) -> None:
    x, targets = pictures(3), [4, 0, 2]
    # Captum sees the network without in-place activations, ours the one with them: the weights are the same.
    plain = residual(in_place=False)
    known = LayerGradCam(plain, plain.get_submodule(layer)).attribute(
        x, target=torch.tensor(targets), relu_attributions=True
    )
    found = grad_cam(residual(), x, targets, layer=layer)
    scale = float(known.detach().max())
    assert scale > 0
    np.testing.assert_allclose(found.maps, known[:, 0].detach(), atol=1e-5 * scale)
    large = LayerAttribution.interpolate(known, (8, 10), interpolate_mode="bilinear")
    np.testing.assert_allclose(found.values, large[:, 0].detach(), atol=1e-5 * scale)


def test_without_a_layer_the_last_maps_are_taken_and_without_a_target_the_largest_output() -> None:
    network, x = residual(), pictures(4)
    found = grad_cam(network, x)
    with torch.no_grad():
        largest = network(x).max(dim=1)
    assert found.layer == "second"
    np.testing.assert_allclose(found.scores, largest.values, rtol=1e-5)
    np.testing.assert_array_equal(found.maps, grad_cam(network, x, largest.indices.tolist(), layer="second").maps)


@pytest.mark.parametrize("flat", [False, True])
def test_grad_cam_plus_plus_is_the_formula_of_the_paper(flat: bool) -> None:
    torch.manual_seed(3)
    head = [nn.Flatten(), nn.Linear(4 * 5 * 6, 3)] if flat else [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)]
    network = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(inplace=True), *head)
    x = torch.randn(2, 2, 7, 8)
    found = grad_cam(network, x, target=1, layer="1", plus_plus=True)

    weight = network[-1].weight[1].detach().double().numpy()
    with torch.no_grad():
        maps, scores = network[:2](x).double().numpy(), network(x)[:, 1].double().numpy()
    for example in range(2):
        # The score is linear in the maps: ∂S/∂A is known without any differentiation.
        slope = weight.reshape(4, 5, 6) if flat else np.broadcast_to(weight[:, None, None] / 30, (4, 5, 6))
        total = np.zeros((5, 6))
        for unit in range(4):
            y = np.exp(scores[example])
            first, second, third = y * slope[unit], y * slope[unit] ** 2, y * slope[unit] ** 3
            below = 2 * second + maps[example, unit].sum() * third
            alpha = np.where(below != 0, second / np.where(below != 0, below, 1), 0)
            total += (alpha * np.maximum(first, 0)).sum() * maps[example, unit]
        known = np.maximum(total, 0) / np.exp(scores[example])
        np.testing.assert_allclose(found.maps[example], known, rtol=1e-4, atol=1e-6)


def test_a_score_of_ones_own_is_explained() -> None:
    network, x = residual(), pictures(2)
    both = grad_cam(network, x, lambda output: output[:, 1] + output[:, 3], layer="pool")
    assert both.scores.shape == (2,)
    np.testing.assert_allclose(both.scores, network(x)[:, [1, 3]].sum(1).detach(), rtol=1e-4)


@pytest.mark.parametrize("target", [5, -1, [0, 1, 5], [0, 1]])
def test_a_target_that_is_not_there_is_refused(target: int | list[int]) -> None:
    with pytest.raises(UsageError, match="target"):
        grad_cam(residual(), pictures(3), target)


def test_a_layer_without_maps_is_refused() -> None:
    with pytest.raises(ShapeError, match="'output' gave shape"):
        grad_cam(residual(), pictures(2), layer="output")


def by_hand(score: torch.Tensor, maps: torch.Tensor) -> np.ndarray:
    """Grad-CAM's maps of a score; to be met to 1e-5 of the largest, as both are long sums of float32."""
    (slopes,) = torch.autograd.grad(score, maps, retain_graph=True)
    found: np.ndarray = (slopes.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1).relu().detach().numpy()
    return found


def test_of_a_mask_a_class_is_explained_by_its_pixels() -> None:
    network = build("unet_trunk", input_shape=(3, 64, 96), num_outputs=3, seed=1, width=2).eval()
    with torch.no_grad():
        network.output.bias.copy_(torch.tensor([0.05, 0.0, -9.0]))  # the third class is nowhere
    task = Segmentation(columns=["mask"], classes=["sky", "road", "car"])
    x = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(2))
    # The bottom begins a graph of its own, and the way up is walked by hand.
    *bridges, last = network.trunk(x)
    bottom = network.narrow(last).detach().requires_grad_()
    y = bottom
    for stage, bridge in zip(network.up, reversed(bridges)):
        y = stage(y, bridge)
    logits = nn.functional.interpolate(network.output(y), scale_factor=2.0, mode="bilinear")
    answer = logits.argmax(dim=1)[0]
    for wanted in ("sky", "road", "car"):
        place = task.classes.index(wanted)
        region = answer == place if (answer == place).any() else torch.ones_like(answer, dtype=torch.bool)
        assert wanted == "car" or 0 < int(region.sum()) < answer.numel()
        score = logits[0, place][region].mean()
        asked = ask(task, logits.detach(), wanted)
        found = grad_cam(network, x, asked.score)
        assert found.layer == "narrow"
        np.testing.assert_allclose(found.scores, [score.item()], rtol=1e-4)
        expected = by_hand(score, bottom)
        np.testing.assert_allclose(found.maps, expected, atol=1e-5 * expected.max() + 1e-9)
        probability = logits.softmax(dim=1)[0, place][region].mean().item()
        assert asked.measure(logits.detach()).item() == pytest.approx(probability, rel=1e-4)
    seen = (answer == task.classes.index("road"))[None]
    assert ask(task, logits.detach(), seen=seen).names == ("road",)  # a border around the picture has no say
    assert ask(task, logits.detach(), seen=seen).answers[0].probability == 1.0
    assert ask(task, logits.detach()).names[0] == task.classes[int(answer.flatten().bincount().argmax())]
    with pytest.raises(UsageError, match="A box is asked for"):
        ask(task, logits.detach(), "sky", box=1)


def test_of_a_detection_a_box_is_explained_by_the_logit_of_its_class_at_its_place() -> None:
    network = build("yolo", input_shape=(3, 64, 96), num_outputs=2, seed=1, width=16, depth=1).eval()
    task = Detection(columns=["boxes"], classes=["red", "blue"])
    x = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(2))
    maps = network.trunk(x)
    maps[-1] = maps[-1].detach().requires_grad_()
    levels = zip(network.pyramid(maps), network.boxes, network.classes, STRIDES)
    output = torch.cat([boxes_of_distances(b(level), c(level), stride) for level, b, c, stride in levels], dim=1)
    logits, corners = box_output(output, 2).logits[0], box_output(output, 2).corners[0]
    for wanted in (None, "red", "blue"):
        of_class = logits if wanted is None else logits[:, task.classes.index(wanted)][:, None]
        number = int(of_class.max(dim=1).values.argmax())  # the most probable box hides, and nothing hides it
        asked = ask(task, output.detach(), wanted)
        found = grad_cam(network, x, asked.score)
        score = of_class[number].max()
        assert found.layer == f"trunk.{list(network.trunk._modules)[-1]}"
        np.testing.assert_allclose(found.scores, [score.item()], rtol=1e-5)
        expected = by_hand(score, maps[-1])
        np.testing.assert_allclose(found.maps, expected, atol=1e-5 * expected.max() + 1e-9)
        # 8·12, 4·6 and 2·3 places; the level from which the box was read begins a graph of its own.
        level = 0 if number < 96 else 1 if number < 120 else 2
        assert asked.strides == (STRIDES[level],)
        own = grad_cam(network, x, asked.score, layer=level_layer(network, asked.strides))
        seen = network.pyramid(network.trunk(x))[level].detach().requires_grad_()
        places = boxes_of_distances(network.boxes[level](seen), network.classes[level](seen), STRIDES[level])
        scores = box_output(places, 2).logits[0, number - (0, 96, 120)[level]]
        (asked_at,) = scores[None if wanted is None else task.classes.index(wanted)].reshape(-1).topk(1).values
        expected = by_hand(asked_at, seen)
        np.testing.assert_allclose(own.maps, expected, atol=1e-5 * expected.max() + 1e-9)
        assert asked.boxes[0].xyxy == pytest.approx(corners[number].tolist())
        assert asked.measure(output.detach()).item() == pytest.approx(score.sigmoid().item(), rel=1e-5)
        assert asked.boxes[0].label == (wanted or task.classes[int(logits[number].argmax())])
    second = ask(task, output.detach(), box=2)
    assert second.boxes[0].probability <= ask(task, output.detach()).boxes[0].probability
    assert second.boxes[0].xyxy != ask(task, output.detach()).boxes[0].xyxy or second.names != asked.names
    with pytest.raises(UsageError, match="box 500 was asked for"):
        ask(task, output.detach(), box=500)
    with pytest.raises(UnknownNameError, match="blu"):
        ask(task, output.detach(), "blu")
