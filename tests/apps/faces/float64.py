"""Faces once more, in NumPy and float64, from the published files alone: what the product's numbers are compared with.

Written after the papers: windows one after the other, boxes one after the other, pixels by their overlap.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view

Array = Any


def published(path: Path) -> dict[str, Array]:
    """The tensors of a published file, by the names that they have there."""
    loaded = torch.load(path, map_location="cpu", weights_only=True)
    return {name: tensor.double().numpy() for name, tensor in loaded.get("net_state_dict", loaded).items()}


def convolve(x: Array, weight: Array, bias: Array | None = None, stride: int = 1, padding: int = 0) -> Array:
    """``(C, H, W)`` → ``(O, H′, W′)``; of a kernel with one input channel each channel by itself."""
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    windows = sliding_window_view(x, weight.shape[2:], axis=(1, 2))[:, ::stride, ::stride]
    if weight.shape[1] == 1 and len(x) > 1:
        y = np.einsum("chwij,cij->chw", windows, weight[:, 0])
    else:
        y = np.einsum("chwij,ocij->ohw", windows, weight, optimize=True)
    return y if bias is None else y + bias[:, None, None]


def prelu(x: Array, slope: Array) -> Array:
    return np.where(x > 0, x, x * slope.reshape(-1, *[1] * (x.ndim - 1)))


def pool(x: Array, side: int) -> Array:
    """Largest values of windows two pixels apart, the last of which may reach over the edge."""
    more = [(n - side) % 2 for n in x.shape[1:]]
    x = np.pad(x, ((0, 0), (0, more[0]), (0, more[1])), constant_values=-np.inf)
    return sliding_window_view(x, (side, side), axis=(1, 2))[:, ::2, ::2].max((3, 4))


def softmax_face(two: Array) -> Array:
    e = np.exp(two - two.max(0))
    return e[1] / e.sum(0)


def pnet(w: dict[str, Array], x: Array) -> tuple[Array, Array]:
    x = pool(prelu(convolve(x, w["conv1.weight"], w["conv1.bias"]), w["prelu1.weight"]), 2)
    for number in "23":
        x = prelu(convolve(x, w[f"conv{number}.weight"], w[f"conv{number}.bias"]), w[f"prelu{number}.weight"])
    face, box = (convolve(x, w[f"conv4_{n}.weight"], w[f"conv4_{n}.bias"]) for n in "12")
    return softmax_face(face), box


def further_net(w: dict[str, Array], x: Array) -> tuple[float, Array, Array]:
    """R-Net or O-Net of one window: probability, box, points (of R-Net none)."""
    is_last = "conv4.weight" in w
    sides = (3, 3, 2) if is_last else (3, 3)
    for number in range(1, 5 if is_last else 4):
        x = prelu(convolve(x, w[f"conv{number}.weight"], w[f"conv{number}.bias"]), w[f"prelu{number}.weight"])
        if number <= len(sides):
            x = pool(x, sides[number - 1])
    first = 5 if is_last else 4
    flat = x.transpose(2, 1, 0).reshape(-1)  # column by column, channels innermost
    y = prelu(w[f"dense{first}.weight"] @ flat + w[f"dense{first}.bias"], w[f"prelu{first}.weight"])
    heads = [w[f"dense{first + 1}_{n}.weight"] @ y + w[f"dense{first + 1}_{n}.bias"] for n in (1, 2, 3)[: 2 + is_last]]
    return float(softmax_face(heads[0])), heads[1], heads[2] if is_last else np.zeros(10)


def triangle(old: int, new: int) -> Array:
    """The weights of linear interpolation whose triangle is as wide as a new pixel: ``(new, old)``."""
    scale = old / new
    reach = max(scale, 1.0)
    weights = np.zeros((new, old))
    for i in range(new):
        middle = (i + 0.5) * scale
        weights[i] = np.clip(1 - np.abs(np.arange(old) + 0.5 - middle) / reach, 0, None)
        weights[i] /= weights[i].sum()
    return weights


def smaller(picture: Array, height: int, width: int) -> Array:
    return triangle(picture.shape[1], height) @ picture @ triangle(picture.shape[2], width).T


def cut(picture: Array, box: Array, side: int) -> Array:
    """A box at another size: each pixel is the mean of what lies under it, black outside."""
    parts = []
    for low, high, num in ((box[1], box[3], picture.shape[1]), (box[0], box[2], picture.shape[2])):
        edges = low + (high - low) * np.arange(side + 1) / side
        under = np.minimum(edges[1:, None], np.arange(num) + 1) - np.maximum(edges[:-1, None], np.arange(num))
        parts.append(np.clip(under, 0, None) / ((high - low) / side))
    return parts[0] @ picture @ parts[1].T


def normalized(x: Array) -> Array:
    return (x - 127.5) / 128


def share(a: Array, b: Array, of_smaller: bool) -> float:
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    common = max(0.0, wide) * max(0.0, high)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return common / (min(areas) if of_smaller else sum(areas) - common)


def best(found: list[Any], limit: float, of_smaller: bool = False) -> list[Any]:
    """Suppression, one box after the other. Each is ``(probability, box, …)``."""
    kept: list[Any] = []
    for one in sorted(found, key=lambda one: -one[0]):
        if all(share(one[1], other[1], of_smaller) <= limit for other in kept):
            kept.append(one)
    return kept


def moved(box: Array, shift: Array) -> Array:
    sides = box[2:] - box[:2]
    return box + shift * np.array([*sides, *sides])


def square(box: Array) -> Array:
    middle, half = (box[:2] + box[2:]) / 2, max(box[2:] - box[:2]) / 2
    return np.array([*(middle - half), *(middle + half)])


def find(nets: dict[str, dict[str, Array]], picture: Array, min_face: int = 20) -> list[tuple[float, Array, Array]]:
    """Probability, box and points of each face of a ``(3, H, W)`` picture, the most probable first."""
    picture = picture.astype(np.float64)
    _, height, width = picture.shape
    windows, scale = [], 12 / min_face
    while min(height, width) * scale >= 12:
        size = math.ceil(height * scale), math.ceil(width * scale)
        faces, boxes = pnet(nets["pnet"], normalized(smaller(picture, *size)))
        factor = np.array([width / size[1], height / size[0]] * 2)
        of_size = [
            (faces[i, j], np.array([2 * j, 2 * i, 2 * j + 12, 2 * i + 12]) * factor, boxes[:, i, j])
            for i, j in zip(*np.nonzero(faces > 0.6), strict=True)
        ]
        windows += best(of_size, 0.5)
        scale *= 0.709
    squares = [square(moved(box, shift)) for _, box, shift in best(windows, 0.7)]
    second = []
    for box in squares:
        p, shift, _ = further_net(nets["rnet"], normalized(cut(picture, box, 24)))
        second += [(p, box, shift)] if p > 0.7 else []
    third = []
    for box in (square(moved(box, shift)) for _, box, shift in best(second, 0.7)):
        p, shift, _ = further_net(nets["onet"], normalized(cut(picture, box, 48)))
        third += [(p, moved(box, shift))] if p > 0.7 else []
    found = []
    for p, box in best(third, 0.7, of_smaller=True):
        around = square(box)
        _, _, ten = further_net(nets["onet"], normalized(cut(picture, around, 48)))
        points = np.stack([ten[:5], ten[5:]], 1) * (around[2] - around[0]) + around[:2]
        found.append((p, box, points))
    return found


def least_squares_similarity(points: Array, template: Array) -> Array:
    """``[[a, −b, c], [b, a, d]]`` that brings points nearest to a template, as a system of linear equations."""
    rows, right = [], []
    for (x, y), (u, v) in zip(points, template, strict=True):
        rows += [[x, -y, 1, 0], [y, x, 0, 1]]
        right += [u, v]
    a, b, c, d = np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)[0]
    return np.array([[a, -b, c], [b, a, d]])


def mobilefacenet(w: dict[str, Array], x: Array) -> Array:
    """The embedding of one ``(3, 112, 96)`` face, of length 1."""

    def unit(x: Array, name: str, norm: str, slope: str | None, **how: int) -> Array:
        x = convolve(x, w[f"{name}.weight"], **how)
        mean, var, scale, bias = (w[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        x = (x - mean[:, None, None]) * (scale / np.sqrt(var + 1e-5))[:, None, None] + bias[:, None, None]
        return x if slope is None else prelu(x, w[f"{slope}.weight"])

    x = unit(x, "conv1.conv", "conv1.bn", "conv1.prelu", stride=2, padding=1)
    x = unit(x, "dw_conv1.conv", "dw_conv1.bn", "dw_conv1.prelu", padding=1)
    block = 0
    for blocks, first_stride in ((5, 2), (1, 2), (6, 1), (1, 2), (2, 1)):
        for place in range(blocks):
            at, stride = f"blocks.{block}.conv", first_stride if place == 0 else 1
            y = unit(x, f"{at}.0", f"{at}.1", f"{at}.2")
            y = unit(y, f"{at}.3", f"{at}.4", f"{at}.5", stride=stride, padding=1)
            y = unit(y, f"{at}.6", f"{at}.7", None)
            x = x + y if stride == 1 and x.shape == y.shape else y
            block += 1
    x = unit(x, "conv2.conv", "conv2.bn", "conv2.prelu")
    x = unit(x, "linear7.conv", "linear7.bn", None)
    x = unit(x, "linear1.conv", "linear1.bn", None).reshape(-1)
    return x / np.linalg.norm(x)


def turned(picture: Array, similarity: Array, height: int, width: int) -> Array:
    """The face in a window of its own, each pixel read between four of the picture, black outside."""
    inverse = np.linalg.inv(np.vstack([similarity, [0, 0, 1]]))
    out = np.zeros((3, height, width))
    for i in range(height):
        for j in range(width):
            x, y, _ = inverse @ [j + 0.5, i + 0.5, 1]
            left, top = math.floor(x - 0.5), math.floor(y - 0.5)
            for row in (top, top + 1):
                for column in (left, left + 1):
                    if 0 <= row < picture.shape[1] and 0 <= column < picture.shape[2]:
                        weight = (1 - abs(x - 0.5 - column)) * (1 - abs(y - 0.5 - row))
                        out[:, i, j] += weight * picture[:, row, column]
    return out
