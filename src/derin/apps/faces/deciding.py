"""Answers: whether a face is the one of somebody, and whose it is, with what the answer rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from derin.core.errors import UsageError

if TYPE_CHECKING:
    from derin.apps.faces.gallery import Gallery

# Of the published MobileFaceNet: the cosine of 0.31 at which its ten people of LFW were told apart best, as a distance.
PUBLISHED_THRESHOLD = 1.175

Origin = Literal["given", "calibrated", "published"]
By = Literal["nearest", "mean"]


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """The distance that decides, and where it comes from.

    Attributes:
        value: at or below it two faces are said to show one person.
        origin: ``"given"`` by whoever asks, ``"calibrated"`` for the gallery, or ``"published"`` with the model.
        calibration: what the gallery keeps of its calibration (`Calibration.to_settings`); None for the others.
    """

    value: float
    origin: Origin
    calibration: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Verification:
    """Whether a face is somebody's.

    Attributes:
        name: who it is said to be.
        accepted: whether the distance is at most the threshold.
        distance: from the face to the person.
        num_enrolled: embeddings of the person.
        threshold: what decided.
    """

    name: str
    accepted: bool
    distance: float
    num_enrolled: int
    threshold: Threshold

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "name": self.name,
            "accepted": self.accepted,
            "distance": self.distance,
            "num_enrolled": self.num_enrolled,
            "threshold": self.threshold.value,
            "threshold_origin": self.threshold.origin,
            "calibration": self.threshold.calibration,
        }


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Whose a face is.

    Attributes:
        name: None where nobody who is enrolled is near enough.
        distance: to the nearest person; None where nobody is enrolled.
        candidates: the nearest people with their distances, near enough or not.
    """

    name: str | None
    distance: float | None
    candidates: tuple[tuple[str, float], ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "name": self.name,
            "distance": self.distance,
            "candidates": [{"name": name, "distance": distance} for name, distance in self.candidates],
        }


def threshold_of(
    gallery: Gallery | None,
    *,
    given: float | None = None,
    published: float | None = None,
    identifying: bool = False,
) -> Threshold:
    """What decides: the threshold that is given, else that of the gallery, else that of the model.

    Args:
        gallery: whose calibration counts; None where there is none.
        given: by whoever asks.
        published: with the model; None where there is none.
        identifying: whether one of many is to be named: a calibration for a rate of that has a threshold of its own.

    Raises:
        UsageError: there is none of the three, or the given one is no distance.
    """
    if given is not None:
        if not 0 <= given <= 2:
            raise UsageError(f"A threshold is a distance between 0 and 2; got {given}.")
        return Threshold(value=given, origin="given")
    settings = {} if gallery is None else gallery.settings
    if settings.get("threshold") is not None:
        rates = settings.get("identification") or {}
        own = identifying and rates.get("asked_fpir") is not None
        value = rates["threshold"] if own else settings["threshold"]
        return Threshold(value=float(value), origin="calibrated", calibration=settings)
    if published is None:
        raise UsageError(
            "A threshold is required, and the gallery has none; fit one with derin faces calibrate, or name one."
        )
    return Threshold(value=published, origin="published")


def verify(
    gallery: Gallery, name: str, embedding: npt.NDArray[np.float32], threshold: Threshold, *, by: By = "nearest"
) -> Verification:
    """Whether a face is somebody's, written into the log of the gallery.

    Args:
        gallery: who is known, opened with its model.
        name: who it is said to be.
        embedding: of the face.
        threshold: see `threshold_of`.
        by: whether the nearest of the person's embeddings counts, or their mean.

    Raises:
        UsageError: nobody of that name is enrolled.
        ShapeError, DataError: the embedding is none of this gallery's.

    Example:
        >>> import tempfile; from pathlib import Path; from derin.apps.faces.gallery import Gallery
        >>> gallery = Gallery.open(Path(tempfile.mkdtemp()) / "faces.db", model="a fingerprint")
        >>> ada, alan = np.eye(2, 128, dtype=np.float32)
        >>> _ = gallery.enrol("Ada", ada)
        >>> found = verify(gallery, "Ada", alan, threshold_of(gallery, given=1.0))
        >>> found.accepted, round(found.distance, 3)
        (False, 1.414)
        >>> identify(gallery, ada, threshold_of(gallery, given=1.0))[0].name
        'Ada'
    """
    person = gallery.person(name)
    distance = float(gallery.distances(embedding, name, by=by)[0])
    gallery.record("verify", name)
    return Verification(
        name=person.name,
        accepted=bool(np.float32(distance) <= np.float32(threshold.value)),
        distance=distance,
        num_enrolled=person.num_embeddings,
        threshold=threshold,
    )


def identify(
    gallery: Gallery,
    embeddings: npt.NDArray[np.float32],
    threshold: Threshold,
    *,
    num_candidates: int = 1,
    by: By = "nearest",
    exact: bool = True,
) -> list[Identity]:
    """Whose faces these are, one of those who are enrolled or nobody, written into the log of the gallery.

    Args:
        gallery: who is known, opened with its model.
        embeddings: of the faces.
        threshold: see `threshold_of`.
        num_candidates: how many of the nearest people are told of each.
        by: whether the nearest of a person's embeddings counts, or their mean.
        exact: whether everybody is compared; otherwise whom the index of the gallery leads to, see `Gallery.search`.

    Shapes:
        embeddings ``(N, D)``; the answer has N.

    Raises:
        UsageError: fewer than one candidate, or the gallery has no index to go by.
        ShapeError, DataError: the embeddings are none of this gallery's.
    """
    found = gallery.search(embeddings, num_candidates, by=by, exact=exact)
    answers = []
    for names, distances in zip(found.names, found.distances.tolist(), strict=True):
        candidates = tuple(zip(names, distances, strict=True))
        named = bool(candidates) and bool(np.float32(candidates[0][1]) <= np.float32(threshold.value))
        answers.append(
            Identity(
                name=candidates[0][0] if named else None,
                distance=candidates[0][1] if candidates else None,
                candidates=candidates,
            )
        )
    named_people = sorted({answer.name for answer in answers if answer.name is not None})
    for name in named_people:
        gallery.record("identify", name)
    if not named_people:
        gallery.record("identify")
    return answers
