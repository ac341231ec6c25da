"""From pictures to embeddings: faces found, aligned, and read by a network whose embeddings tell people apart."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from derin.apps.faces.aligning import TEMPLATE, aligned
from derin.apps.faces.area_sums import AreaSums
from derin.apps.faces.finding import Face, FaceFinder, FoundFaces
from derin.core.devices import device_named
from derin.core.errors import DataError, ShapeError, UsageError
from derin.core.files import usable_path
from derin.core.strict_json import dump_json

if TYPE_CHECKING:
    from torch import Tensor, nn

    from derin.data.pictures.codec import PictureCodec

Array = npt.NDArray[Any]
Pixels = npt.NDArray[np.uint8]

PUBLISHED_EMBEDDER = "mobilefacenet"
_CHUNK = 64  # pictures that are held decoded at once
_MOST_PIXELS = 5_000_000  # of pictures that are looked through together: 16 of 640 × 480
_MOST_FACES = 64  # through the embedder at once
_ENLARGED = 2  # times, where faces are looked for that are too small
_TURNS = {1: "a quarter to the left", 2: "upside down", 3: "a quarter to the right"}


@dataclass(frozen=True, eq=False)
class Embedded:
    """What became of pictures.

    Args:
        embeddings: of length 1; rows of NaN where there is none.
        reasons: why there is none, as a sentence; None where there is one.
        num_faces: how many faces each picture shows; 1 where it was taken for a face as it is.

    Shapes:
        embeddings ``(N, dim)`` float32, num_faces ``(N,)``.
    """

    embeddings: npt.NDArray[np.float32]
    reasons: tuple[str | None, ...]
    num_faces: npt.NDArray[np.int64]


class FaceRecognizer:
    """Finds faces in pictures and gives each an embedding: near ones are of one person.

    Args:
        embedder: known weights by name (`derin weights`), their file, or a run or bundle of the task ``embedding``.
        finder: a folder with pnet.pt, rnet.pt and onet.pt, the known weights of MTCNN; or a `FaceFinder`. None takes
            them from where `DERIN_DATA` and downloads are. They are read when a face is first to be found.
        device: where is computed.
        min_face: side of the smallest face that is looked for, in pixels.

    Raises:
        DataError: the weights are not on this machine.
        UsageError: the embedder gives no embeddings of pictures.
    """

    def __init__(
        self,
        embedder: str | Path = PUBLISHED_EMBEDDER,
        finder: str | Path | FaceFinder | None = None,
        *,
        device: str = "cpu",
        min_face: int = 20,
    ) -> None:
        self._device = device_named(device)
        self._min_face = min_face
        self._finder = finder
        self._network, self._codec, self._answer = _embedder(embedder)
        self._network.to(self._device).eval()

    @cached_property
    def finder(self) -> FaceFinder:
        """What finds faces."""
        if isinstance(self._finder, FaceFinder):
            return self._finder
        return load_finder(self._finder, min_face=self._min_face, device=self._device.type)

    @cached_property
    def dim(self) -> int:
        """How many numbers an embedding has."""
        return self._embed_pixels(np.zeros((1, *self._codec.size, self._codec.channels), dtype=np.uint8)).shape[1]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all that embeddings follow from: network, weights, preparation, template of the face.

        Embeddings of different fingerprints cannot be compared.
        """
        from derin.api.bundles import model_entry

        found = hashlib.sha256(dump_json([model_entry(self._network), self._codec.to_json(), TEMPLATE.tolist()]))
        for name, tensor in sorted(self._network.state_dict().items()):
            if not name.endswith("num_batches_tracked"):
                found.update(dump_json([name, str(tensor.dtype), list(tensor.shape)]))
                found.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return found.hexdigest()

    def find(self, picture: Any) -> list[Face]:
        """The faces of a picture, the most probable first.

        Args:
            picture: a path, bytes, a Pillow picture or an array of one, as `Model.predict` takes it.

        Raises:
            DataError: it cannot be read.
        """
        return self._found(read_picture(picture)[None]).of(0)

    def embed_each(self, picture: Any) -> tuple[list[Face], npt.NDArray[np.float32]]:
        """Every face of a picture, the most probable first, and the embedding of each.

        Args:
            picture: as `find` takes it.

        Shapes:
            the embeddings are ``(N, dim)``; of a picture without faces ``(0, dim)``.
        """
        pixels = read_picture(picture)[None]
        found = self._found(pixels)
        return found.of(0), self._embed_faces(pixels, found)

    def embed(self, pictures: Any, *, cropped: bool = False, largest: bool = False) -> npt.NDArray[np.float32]:
        """The embedding of the one face in each picture.

        Args:
            pictures: one, or a list of them, each as `find` takes it.
            cropped: whether each picture is a face as it stands: nothing is looked for, nothing turned.
            largest: whether the largest of several faces is meant.

        Shapes:
            → ``(N, dim)`` float32, rows of length 1.

        Raises:
            DataError: a picture cannot be read, shows no face, or several.
        """
        listed = pictures if isinstance(pictures, list | tuple) else [pictures]
        found = self.embed_all(listed, cropped=cropped, largest=largest)
        for reason in found.reasons:
            if reason is not None:
                raise DataError(reason)
        return found.embeddings

    def embed_all(
        self,
        pictures: Iterable[Any],
        *,
        names: Sequence[str] | None = None,
        cropped: bool = False,
        largest: bool = False,
        whole_if_none: bool = False,
    ) -> Embedded:
        """As `embed`, of many pictures, some of which may have none: they are read one after the other.

        Args:
            pictures: each as `find` takes it.
            names: of the pictures, for the reasons; None takes paths, or counts.
            cropped: see `embed`.
            largest: see `embed`.
            whole_if_none: whether a picture in which no face is found is taken as one that is cropped; its `num_faces`
                is 0.
        """
        parts = []
        for start, chunk in _chunks(pictures):
            called = [_name(picture, start + place, names) for place, picture in enumerate(chunk)]
            read = [_read(picture, name) for picture, name in zip(chunk, called, strict=True)]
            pixels = {place: each for place, each in enumerate(read) if not isinstance(each, str)}
            reasons = [each if isinstance(each, str) else None for each in read]
            embeddings = np.full((len(chunk), self.dim), np.nan, dtype=np.float32)
            num_faces = np.full(len(chunk), int(cropped), dtype=np.int64)
            whole = list(pixels) if cropped else []
            for places in [] if cropped else _of_one_size(pixels):
                group = np.stack([pixels[place] for place in places])
                found = self._found(group)
                num_faces[places] = np.bincount(found.pictures, minlength=len(places))
                chosen = found[_chosen(found, largest)]
                embeddings[np.array(places)[chosen.pictures]] = self._embed_faces(group, chosen)
            for place, picture in pixels.items():
                if num_faces[place] == 0 and whole_if_none:
                    whole.append(place)
                elif num_faces[place] == 0:
                    reasons[place] = f"{called[place]}: {self._why_none(picture)}"
                elif num_faces[place] > 1 and not largest:
                    reasons[place] = (
                        f"{called[place]}: one face is required; it shows {num_faces[place]}. Cut out the one that is "
                        "meant, or take the largest."
                    )
            if whole:
                embeddings[whole] = self._embed_pixels(self._codec.read([pixels[place] for place in whole]))
            parts.append((embeddings, reasons, num_faces))
        return Embedded(
            np.concatenate([np.zeros((0, self.dim), dtype=np.float32), *(part[0] for part in parts)]),
            tuple(chain.from_iterable(part[1] for part in parts)),
            np.concatenate([np.zeros(0, dtype=np.int64), *(part[2] for part in parts)]),
        )

    def _found(self, pictures: Pixels) -> FoundFaces:
        return self.finder.find(pictures)

    def _tensor(self, pictures: Pixels) -> Tensor:
        import torch

        return torch.from_numpy(pictures).to(self._device).permute(0, 3, 1, 2)

    def _embed_faces(self, pictures: Pixels, faces: FoundFaces) -> Array:
        import torch

        sums = AreaSums(self._tensor(pictures))
        parts = [np.zeros((0, self.dim), dtype=np.float32)]
        for start in range(0, len(faces), _MOST_FACES):
            some = faces[np.arange(start, min(start + _MOST_FACES, len(faces)))]
            pixels = aligned(sums, some.pictures, some.points, self._codec.size)
            if self._codec.channels == 1:
                # The brightness that Pillow gives a picture in color (ITU-R BT.601).
                pixels = (pixels * torch.tensor([0.299, 0.587, 0.114], device=pixels.device).view(3, 1, 1)).sum(
                    1, keepdim=True
                )
            parts.append(self._embed(pixels.permute(0, 2, 3, 1)))
        return np.concatenate(parts)

    def _embed_pixels(self, pixels: Pixels) -> Array:
        import torch

        parts = torch.from_numpy(pixels).to(self._device).split(_MOST_FACES)
        return np.concatenate([self._embed(part) for part in parts])

    def _embed(self, pixels: Tensor) -> Array:
        """``(N, height, width, channels)`` in 0 to 255 → ``(N, dim)``."""
        import torch
        from torch.nn.functional import normalize

        with torch.inference_mode():
            answers = self._answer(self._codec.to_model_input(pixels))
            return normalize(answers.to(torch.float32)).cpu().numpy()

    def _why_none(self, picture: Pixels) -> str:
        """A sentence about a picture in which no face was found; whether it is turned or small is tried out."""
        turned = {turns: self._found(np.ascontiguousarray(np.rot90(picture, turns))[None]) for turns in _TURNS}
        likely = {turns: found.probabilities.max(initial=0) for turns, found in turned.items()}
        best = max(likely, key=likely.__getitem__)
        if likely[best]:
            return f"an upright face is required; one is found where the picture is turned {_TURNS[best]}. Turn it so."
        import PIL.Image

        height, width, _ = picture.shape
        least, enlarged = self.finder.min_face, (width * _ENLARGED, height * _ENLARGED)
        found = self._found(np.array(PIL.Image.fromarray(picture).resize(enlarged, PIL.Image.Resampling.BICUBIC))[None])
        if len(found):
            side = (found.boxes[:, 3] - found.boxes[:, 1]).max() / _ENLARGED
            return (
                f"a face of at least {least} pixels is required; the one that is found has about {side:.0f}. Give a "
                "larger picture."
            )
        return f"a picture with an upright face of at least {least} pixels is required; none is found. Give another."


def _embedder(source: str | Path) -> tuple[nn.Module, PictureCodec, Callable[[Tensor], Tensor]]:
    """Network, preparation, and what answers to prepared pictures."""
    from derin.models.registry import MODELS
    from derin.models.weights.known import BY_NAME

    path = usable_path(source, "The embedder")
    if str(source) in BY_NAME or path.is_file():
        from derin.api.published import picture_codec, read_published

        published = read_published(source)
        if MODELS[published.model].output_kind != "embedding":
            raise UsageError(
                f"The embedder must give embeddings; the weights {source} are of {published.model}, which does not. "
                f"Name {PUBLISHED_EMBEDDER}, or a run of the task embedding."
            )
        network = published.network()
        return network, picture_codec(published), network
    import torch

    from derin.api.bundles import load_model
    from derin.data.batch import Batch

    network, task, preparation, _ = load_model(path)
    if task.name != "embedding" or not preparation.reads_pictures:
        raise UsageError(
            f"The embedder must be of the task embedding and read pictures; {source} is of {task.name} and reads "
            f"{preparation.input_kind}. Train one of pictures with --task embedding."
        )

    def answer(pictures: Tensor) -> Tensor:
        rows = torch.arange(len(pictures), device=pictures.device)
        found: Tensor = task.predict(network, Batch({task.input: pictures}, rows))["embedding"]
        return found

    return network, preparation.input, answer  # type: ignore[attr-defined]


def load_finder(folder: str | Path | None = None, *, min_face: int = 20, device: str = "cpu") -> FaceFinder:
    """What finds faces.

    Args:
        folder: with the known weights as pnet.pt, rnet.pt and onet.pt; None looks where `DERIN_DATA` and downloads are.
        min_face: side of the smallest face that is looked for, in pixels.
        device: where is computed.

    Raises:
        DataError: the weights are not on this machine.
        UsageError: other files are in their place.
    """
    from derin.api.published import read_published

    place = None if folder is None else usable_path(folder, "The finder")
    networks = {}
    for name in ("pnet", "rnet", "onet"):
        published = read_published(f"mtcnn_{name}" if place is None else place / f"{name}.pt")
        if published.model != f"mtcnn_{name}":
            raise UsageError(f"{place} must hold {name}.pt with the weights of mtcnn_{name}; got {published.model}.")
        networks[name] = published.network().to(device_named(device))
    return FaceFinder(networks, min_face=min_face)


def _chunks(pictures: Iterable[Any]) -> Iterator[tuple[int, list[Any]]]:
    coming, start = iter(pictures), 0
    while chunk := list(islice(coming, _CHUNK)):
        yield start, chunk
        start += len(chunk)


def _of_one_size(pictures: Mapping[int, Pixels]) -> Iterator[list[int]]:
    """The places of pictures that can be looked through together."""
    by_size: dict[tuple[int, ...], list[int]] = {}
    for place, picture in pictures.items():
        by_size.setdefault(picture.shape, []).append(place)
    for (height, width, _), places in by_size.items():
        num = max(1, _MOST_PIXELS // (height * width))
        for start in range(0, len(places), num):
            yield places[start : start + num]


def _chosen(found: FoundFaces, largest: bool) -> npt.NDArray[np.int64]:
    """The one face of each picture: where there are several, the largest or none."""
    sides = found.boxes[:, 2:] - found.boxes[:, :2]
    order = np.lexsort((-sides.prod(1), found.pictures))
    _, firsts, counts = np.unique(found.pictures[order], return_index=True, return_counts=True)
    return order[firsts if largest else firsts[counts == 1]]


def _name(picture: Any, place: int, names: Sequence[str] | None) -> str:
    if names is not None:
        return names[place]
    return str(picture) if isinstance(picture, str | Path) else f"Picture {place + 1}"


def _read(picture: Any, name: str) -> Pixels | str:
    try:
        return read_picture(picture)
    except (DataError, ShapeError) as error:
        said = str(error)
        return said if name in said else f"{name}: {said}"


def read_picture(picture: Any) -> Pixels:
    """The pixels of a picture, in RGB, whatever form it comes in.

    Args:
        picture: a path, bytes, a Pillow picture, or an array; gray, with transparency or of 16 bits too.

    Shapes:
        → ``(height, width, 3)`` uint8.

    Raises:
        DataError: it cannot be read.
    """
    import PIL.Image

    from derin.data.pictures.decode import gray_or_rgb, pixels_of
    from derin.data.pictures.reading_inputs import images_of
    from derin.data.pictures.values import PixelValues

    found = images_of(picture, channels=3, values=PixelValues())
    if len(found) != 1:
        raise DataError(f"One picture is required; got {len(found)}. Give a list of them.")
    image = found[0]
    if isinstance(image, np.ndarray):
        plain = np.ascontiguousarray(image[..., 0] if image.shape[2] == 1 else image)
        image = gray_or_rgb(PIL.Image.fromarray(plain), [])
    return np.array(pixels_of(image, 3))  # a copy: what Pillow gives cannot be written to
