"""Finding faces: the cascade of P-, R- and O-Net over a batch of pictures.

Paper: K. Zhang, Z. Zhang, Z. Li, Y. Qiao, "Joint face detection and alignment using multitask cascaded convolutional
    networks", IEEE Signal Processing Letters 23 (10), 2016, arXiv:1604.02878.
P-Net looks at every window of pictures that become smaller step by step; what it takes for a face is cut out, as a
square, at 24 pixels for R-Net, and what that leaves at 48 pixels for O-Net, which also gives five points. Between the
steps boxes move as the networks say, and of those that overlap the most probable stays.
Differs: windows are cut out between pixels, with the mean of what lies under each pixel of theirs (`AreaSums`), where
    the authors round to whole pixels; black lies around the picture, as there. The points are O-Net's at a second look,
    at the box that it found, which makes them more exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import UsageError
from derin.data.box_overlap import suppress

if TYPE_CHECKING:
    from torch import Tensor, nn

    from derin.apps.faces.area_sums import AreaSums

Array = npt.NDArray[Any]

WINDOW = 12  # pixels of P-Net's window
_SHRINK = 0.709  # from one size of the picture to the next: half the area, as the authors' code has it
_SAME_SIZE_OVERLAP, _OVERLAP = 0.5, 0.7  # windows of one size, and all others
_MOST_WINDOWS = 512  # through a network at once: 140 MB of maps within O-Net


@dataclass(frozen=True)
class Face:
    """A face in a picture.

    Args:
        box: left, top, right, bottom in pixels; it may reach over the edge of the picture.
        points: x and y of the left and the right eye as the picture shows them, the nose, the left and the right corner
            of the mouth, in pixels. Pixel i reaches from i to i + 1.
        probability: that it is one.

    Shapes:
        box ``(4,)``, points ``(5, 2)``.
    """

    box: tuple[float, float, float, float]
    points: tuple[tuple[float, float], ...]
    probability: float

    def to_json(self) -> dict[str, Any]:
        return {
            "box": list(self.box),
            "points": [list(point) for point in self.points],
            "probability": self.probability,
        }


@dataclass(frozen=True, eq=False)
class FoundFaces:
    """The faces of a batch of pictures, by picture, the most probable first.

    Args:
        pictures: which picture each face is in.
        boxes, points, probabilities: see `Face`.

    Shapes:
        pictures ``(N,)``, boxes ``(N, 4)``, points ``(N, 5, 2)``, probabilities ``(N,)``.
    """

    pictures: npt.NDArray[np.int64]
    boxes: Array
    points: Array
    probabilities: Array

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, part: Array) -> FoundFaces:
        """Some of the faces."""
        return FoundFaces(self.pictures[part], self.boxes[part], self.points[part], self.probabilities[part])

    def of(self, picture: int) -> list[Face]:
        """The faces of one picture."""
        return [
            Face(tuple(box), tuple(map(tuple, points)), probability)
            for box, points, probability in zip(
                *(a[self.pictures == picture].tolist() for a in (self.boxes, self.points, self.probabilities)),
                strict=True,
            )
        ]


class FaceFinder:
    """Finds faces by MTCNN.

    Args:
        networks: the networks ``"pnet"``, ``"rnet"``, ``"onet"``.
        min_face: side of the smallest face that is looked for, in pixels.
        probabilities: what a face must have by each of the three.

    Raises:
        UsageError: a setting that cannot be.
    """

    def __init__(
        self,
        networks: Mapping[str, nn.Module],
        *,
        min_face: int = 20,
        probabilities: Sequence[float] = (0.6, 0.7, 0.7),
    ) -> None:
        import torch

        if min_face < WINDOW:
            raise UsageError(
                f"min_face must be at least {WINDOW} pixels, the window of the first network; got {min_face}."
            )
        if len(probabilities) != 3 or not all(0 < p < 1 for p in probabilities):
            raise UsageError(f"probabilities must be three numbers between 0 and 1; got {tuple(probabilities)}.")
        self.networks = {
            name: networks[name].eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            for name in ("pnet", "rnet", "onet")
        }
        self.min_face, self.probabilities = min_face, tuple(probabilities)

    def find(self, pictures: npt.NDArray[np.uint8]) -> FoundFaces:
        """The faces of pictures of one size.

        Args:
            pictures: in RGB.

        Shapes:
            ``(B, H, W, 3)``
        """
        import torch

        from derin.apps.faces.area_sums import AreaSums

        device = next(self.networks["pnet"].parameters()).device
        with torch.inference_mode():
            pixels = torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2)
            sums = AreaSums(pixels)
            rows, boxes = self._proposals(pixels.to(torch.float32))
            rows, boxes, _ = self._refined("rnet", 24, sums, rows, boxes, self.probabilities[1])
            rows, boxes, scores = self._refined("onet", 48, sums, rows, boxes, self.probabilities[2])
            points = self._points(sums, rows, boxes)
        return FoundFaces(rows, boxes, points, scores)

    def _proposals(self, pictures: Tensor) -> tuple[Array, Array]:
        """What P-Net takes for faces: which picture, squares."""
        from torch.nn.functional import interpolate

        found = []
        height, width = pictures.shape[2:]
        for size in self._sizes(height, width):
            smaller = interpolate(pictures, size, mode="bilinear", antialias=True)
            maps = self.networks["pnet"](_normalized(smaller))
            # p > t as z₁ − z₀ > ln(t / (1 − t)): most windows need no exponential.
            margin = maps[:, 1] - maps[:, 0]
            rows, down, along = (margin > _logit(self.probabilities[0])).nonzero(as_tuple=True)
            if not len(rows):
                continue
            shifts = maps[rows, 2:6, down, along]
            corner = np.stack([along.cpu().numpy(), down.cpu().numpy()], 1) * 2.0
            scale = np.array([width / size[1], height / size[0]])
            boxes = np.concatenate([corner * scale, (corner + WINDOW) * scale], 1)
            scores = margin[rows, down, along].sigmoid().double().cpu().numpy()
            one = rows.cpu().numpy(), boxes, scores, shifts.double().cpu().numpy()
            found.append(_best(one, _SAME_SIZE_OVERLAP))
        if not found:
            return np.zeros(0, np.int64), np.zeros((0, 4))
        rows, boxes, scores, shifts = _best([np.concatenate(parts) for parts in zip(*found, strict=True)], _OVERLAP)
        return rows, _squares(_moved(boxes, shifts))

    def _sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        """Heights and widths at which faces of all sizes, one after the other, fill the window."""
        sizes = []
        scale = WINDOW / self.min_face
        while min(height, width) * scale >= WINDOW:
            sizes.append((int(np.ceil(height * scale)), int(np.ceil(width * scale))))
            scale *= _SHRINK
        return sizes

    def _refined(
        self, name: str, side: int, sums: AreaSums, rows: Array, boxes: Array, probability: float
    ) -> tuple[Array, Array, Array]:
        """What a further network leaves of squares, moved: pictures, squares or at last boxes, probabilities."""
        found = self._answers(name, side, sums, rows, boxes)
        scores = 1 / (1 + np.exp(found[:, 0] - found[:, 1]))
        kept = scores > probability
        rows, boxes, scores, shifts = rows[kept], boxes[kept], scores[kept], found[kept, 2:6]
        if name == "onet":
            return _best((rows, _moved(boxes, shifts), scores), _OVERLAP, over="smaller")
        rows, boxes, scores, shifts = _best((rows, boxes, scores, shifts), _OVERLAP)
        return rows, _squares(_moved(boxes, shifts)), scores

    def _points(self, sums: AreaSums, rows: Array, boxes: Array) -> Array:
        """The five points, by a second look of O-Net at where it found the face."""
        squares = _squares(boxes)
        shares = self._answers("onet", 48, sums, rows, squares)[:, 6:].reshape(-1, 2, 5).transpose(0, 2, 1)
        return squares[:, None, :2] + (squares[:, 2:] - squares[:, :2])[:, None] * shares

    def _answers(self, name: str, side: int, sums: AreaSums, rows: Array, squares: Array) -> Array:
        """What a network says to squares of the pictures, a row for each."""
        network, answers = self.networks[name], [np.zeros((0, 16 if name == "onet" else 6))]
        for start in range(0, len(rows), _MOST_WINDOWS):
            part = slice(start, start + _MOST_WINDOWS)
            windows = sums.boxes(squares[part], rows[part], side, side)
            answers.append(network(_normalized(windows)).double().cpu().numpy())
        return np.concatenate(answers)


def _best(found: Sequence[Array], threshold: float, over: Any = "union") -> Any:
    """Suppression within each picture, of what lies side by side: pictures, boxes, probabilities and more."""
    rows, boxes, scores, *_ = found
    order = np.argsort(rows, kind="stable")
    edges = np.searchsorted(rows[order], np.unique(rows))[1:]
    of_pictures = [part for part in np.split(order, edges) if len(part)]
    kept = [part[suppress(boxes[part], scores[part], threshold, over)] for part in of_pictures]
    places = np.concatenate(kept) if kept else order
    return tuple(part[places] for part in found)


def _moved(boxes: Array, shifts: Array) -> Array:
    sides = boxes[:, 2:] - boxes[:, :2]
    return boxes + shifts * np.concatenate([sides, sides], 1)


def _squares(boxes: Array) -> Array:
    """Around the same middle, with the longer side."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(1, keepdims=True, initial=1e-3) / 2
    return np.concatenate([middle - half, middle + half], 1)


def _normalized(pixels: Tensor) -> Tensor:
    import torch

    # Channels last: windows of few channels are computed in half the time.
    return pixels.contiguous(memory_format=torch.channels_last).sub(127.5).mul_(1 / 128)


def _logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))
