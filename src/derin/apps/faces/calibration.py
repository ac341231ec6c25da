"""The threshold of a gallery: fitted to a false-match rate that somebody asks for, with what the sample can say of it.

Two questions are told apart. *Verification* compares a face with one person: at the threshold, a share of different
pairs (FMR) is taken for the same and a share of same pairs (FNMR) is not. *Identification* compares it with everybody
who is enrolled, and the answer may be nobody: a share of unknown people (FPIR) is taken for somebody, the more the more
people are enrolled, and a share of known ones (FNIR) is not given their own name.

Rates of identification are expectations over all ways to enrol N of the K people of the sample, not a drawing of some:
of an unknown face that is at most the threshold from m of the K − 1 others, nobody of them is enrolled in
C(K − 1 − m, N) of C(K − 1, N) ways.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, StorageError, UsageError
from derin.core.messages import Message, translate
from derin.tasks.metrics.intervals import Interval, bootstrap, bootstrap_pairs, clopper_pearson
from derin.tasks.metrics.verification import Roc, ThresholdFit, auc, equal_error_rate, roc, threshold_at_fmr

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

CONFIDENCE = 0.95
# False-match rates at which the curve is written down.
_TABLE = (0.1, 0.01, 0.001, 0.0001)
_MAX_POINTS = 200  # of the curve in a document
_MAX_FACES = 6_000  # of which every pair is taken: 18 million, some 1.5 GB
_MAX_DISTANCES = 20_000_000  # from faces to enrolled faces, over all choices of these


@dataclass(frozen=True, kw_only=True)
class OpenSetIdentification:
    """How well one of N enrolled people is named, or nobody.

    Attributes:
        threshold: above it the answer is nobody.
        asked_fpir: the rate that it was fitted to; None where it is the threshold of verification.
        num_enrolled: N, each with one picture.
        num_people: K, of the sample.
        fpir: false-positive identification rate: unknown faces that are taken for somebody.
        fnir: false-negative identification rate: known faces that are not given their own name.
        misidentified: the part of `fnir` that is taken for somebody else.
        fpir_interval, fnir_interval: 95 %, over people: other people of the same kind.
    """

    threshold: float
    asked_fpir: float | None
    num_enrolled: int
    num_people: int
    fpir: float
    fnir: float
    misidentified: float
    fpir_interval: Interval
    fnir_interval: Interval

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return dict(vars(self))


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """A threshold, what it was asked to do and what it does.

    Attributes:
        asked_fmr: the false-match rate that was asked for.
        fit: the threshold and its false-match rate, see `ThresholdFit`; its interval takes pairs for independent.
        fmr_over_people: 95 % interval of the same rate, by drawing people and not pairs. None where pairs have no
            names.
        num_same: same pairs.
        fnmr: the share of them that is refused.
        fnmr_interval: exact, at 95 %, taking pairs for independent.
        fnmr_over_people: by drawing people.
        eer, auc: of all pairs.
        num_people: who the pairs are of.
        curve: both error rates at every threshold.
        identification: None where there was no folder of people.
    """

    asked_fmr: float
    fit: ThresholdFit
    fmr_over_people: Interval | None
    num_same: int
    fnmr: float
    fnmr_interval: Interval
    fnmr_over_people: Interval | None
    eer: float
    auc: float
    num_people: int | None
    curve: Roc
    identification: OpenSetIdentification | None = None

    @property
    def threshold(self) -> float:
        """At or below this distance two faces are said to show one person."""
        return self.fit.threshold

    @property
    def num_pairs_needed(self) -> int:
        """How many different pairs could show the rate that was asked for, if they agreed without an error."""
        return pairs_needed(self.asked_fmr)

    def fnmr_at(self, fmr: float) -> float | None:
        """The share of same pairs refused where at most this share of different ones is accepted.

        None where there are fewer different pairs than one error in them would need.
        """
        if fmr * self.fit.num_impostors < 1:
            return None
        return float(self.curve.fnmr[np.searchsorted(self.curve.fmr, fmr * (1 + 1e-12), "right") - 1])

    def table(self) -> list[tuple[float, float | None]]:
        """False-match rates with the false-non-match rate at each."""
        return [(fmr, self.fnmr_at(fmr)) for fmr in _TABLE]

    def notes(self) -> list[Message]:
        """What the sample cannot say, in sentences."""
        fit = self.fit
        found = []
        if not fit.supported:
            found.append(
                Message(
                    "faces.unsupported",
                    pairs=fit.num_impostors,
                    asked=one_in(self.asked_fmr),
                    shown=one_in(fit.smallest_fmr),
                    needed=self.num_pairs_needed,
                )
            )
        if self.num_people is not None and fit.num_impostors > self.num_people // 2:
            found.append(Message("faces.few_people", people=self.num_people, pairs=fit.num_impostors))
        if self.identification is not None:
            smallest = clopper_pearson(0, self.identification.num_people, CONFIDENCE)[1]
            asked = self.identification.asked_fpir
            if asked is not None and asked < smallest:
                found.append(
                    Message(
                        "faces.unsupported_fpir",
                        people=self.identification.num_people,
                        asked=asked,
                        shown=smallest,
                        needed=pairs_needed(asked),
                    )
                )
        return found

    def to_json(self) -> dict[str, Any]:
        """Plain data, with at most 200 points of the curve."""
        places = np.unique(np.linspace(0, len(self.curve.fmr) - 1, _MAX_POINTS).round().astype(int))
        # Where different pairs are rarely accepted is where people look, and equal steps would miss it.
        rare = np.searchsorted(self.curve.fmr, np.geomspace(1 / self.fit.num_impostors, 1, _MAX_POINTS // 2))
        places = np.unique(np.concatenate([places[::2], np.minimum(rare, len(self.curve.fmr) - 1)]))
        return {
            **self.to_settings(),
            "eer": self.eer,
            "auc": self.auc,
            "fnmr_at_fmr": [{"fmr": fmr, "fnmr": fnmr} for fmr, fnmr in self.table()],
            "roc": {
                "thresholds": self.curve.thresholds[places].tolist(),
                "fmr": self.curve.fmr[places].tolist(),
                "fnmr": self.curve.fnmr[places].tolist(),
            },
            "notes": [str(note) for note in self.notes()],
        }

    def to_settings(self) -> dict[str, Any]:
        """What a gallery keeps of it, beside ``threshold``."""
        return {
            "threshold": self.threshold,
            "asked_fmr": self.asked_fmr,
            "fmr": self.fit.fmr,
            "fmr_interval": [self.fit.low, self.fit.high],
            "fmr_over_people": self.fmr_over_people and list(self.fmr_over_people),
            "supported": self.fit.supported,
            "smallest_fmr": self.fit.smallest_fmr,
            "num_pairs_needed": self.num_pairs_needed,
            "fnmr": self.fnmr,
            "fnmr_interval": list(self.fnmr_interval),
            "fnmr_over_people": self.fnmr_over_people and list(self.fnmr_over_people),
            "num_same": self.num_same,
            "num_different": self.fit.num_impostors,
            "num_people": self.num_people,
            "identification": self.identification and self.identification.to_json(),
        }

    def figure(self) -> Figure:
        """The two error rates against each other, the threshold and the equal error rate marked."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6.4, 4.4), layout="constrained")
        axes = figure.subplots()
        smallest = 1 / self.fit.num_impostors
        # From the last threshold that accepts no different pair on; what is before is a vertical line.
        start = int(np.searchsorted(self.curve.fmr, 0, "right")) - 1
        rates, accepted = np.maximum(self.curve.fmr[start:], smallest / 2), 1 - self.curve.fnmr[start:]
        axes.step(rates, accepted, where="post", color="#1f5fa8", linewidth=2)
        axes.plot([max(self.fit.fmr, smallest / 2)], [1 - self.fnmr], "o", color="#c4501b")
        axes.annotate(
            translate("faces.roc_threshold", threshold=self.threshold),
            (max(self.fit.fmr, smallest / 2), 1 - self.fnmr),
            xytext=(8, -16),
            textcoords="offset points",
            color="#c4501b",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},  # over the line of the equal error rate
        )
        axes.axvline(self.eer, color="#6b7280", linestyle=":", label=translate("faces.roc_eer", eer=self.eer))
        axes.axvspan(
            smallest / 2, self.fit.smallest_fmr, color="#b9c3d0", alpha=0.35, label=translate("faces.roc_unsupported")
        )
        axes.set(
            xscale="log",
            xlim=(smallest / 2, 1),
            ylim=(max(0, 1.3 * float(accepted[0]) - 0.3 - 0.02), 1.02),
            xlabel=translate("faces.roc_x"),
            ylabel=translate("faces.roc_y"),
            title=translate("faces.roc_title", same=self.num_same, different=self.fit.num_impostors),
        )
        axes.grid(alpha=0.25)
        axes.legend(frameon=False, loc="lower right")
        return figure

    def save(self, path: str | Path) -> None:
        """Writes the picture of the curve; the ending (.png, .svg, .pdf) says in which form.

        Raises:
            StorageError: the file cannot be written.
            UsageError: another ending.
        """
        try:
            self.figure().savefig(path, dpi=150)
        except OSError as error:
            raise StorageError(f"The picture {path} cannot be written: {error.strerror or error}.") from error
        except ValueError as error:  # an ending that matplotlib does not know
            raise UsageError(f"The picture {path} cannot be written: {error}. Use a name that ends in .png.") from error


def calibrate(
    embeddings: npt.ArrayLike,
    people: Sequence[str],
    *,
    fmr: float,
    fpir: float | None = None,
    num_enrolled: int | None = None,
) -> Calibration:
    """Fits the threshold on all pairs of faces of people.

    Args:
        embeddings: of one face each, of length one.
        people: who each of them is.
        fmr: the false-match rate that is asked for.
        fpir: the false-positive identification rate that is asked for; by default identification goes by the threshold
            of verification.
        num_enrolled: how many people are enrolled where rates of identification are measured; by default half of them.

    Shapes:
        embeddings ``(N, D)``.

    Raises:
        UsageError: a rate is not between 0 and 1, or as many people cannot be enrolled.
        DataError: fewer than three people, nobody with two pictures, or more than 6,000 faces.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> faces = np.repeat(rng.normal(size=(40, 8)), 5, axis=0) + 0.1 * rng.normal(size=(200, 8))
        >>> faces /= np.linalg.norm(faces, axis=1, keepdims=True)
        >>> found = calibrate(faces, [str(row // 5) for row in range(200)], fmr=0.001)
        >>> found.fit.num_impostors, found.fit.fmr <= 0.001, found.fit.supported, found.identification.num_enrolled
        (19500, True, True, 20)
    """
    points = np.asarray(embeddings, np.float64)
    names, codes = np.unique(np.asarray(people), return_inverse=True)
    counts = np.bincount(codes, minlength=len(names))
    if len(names) < 3 or counts.max(initial=0) < 2:
        raise DataError(
            "A calibration needs pictures of three people or more, two or more of some; got "
            f"{len(points)} of {len(names)}. Give a folder with a folder for each person."
        )
    if len(points) > _MAX_FACES:
        raise DataError(
            f"A calibration takes every pair of at most {_MAX_FACES:,} faces; got {len(points):,}. Give fewer people, "
            "or a table of pairs."
        )
    first, second = np.triu_indices(len(points), 1)
    between = _distances(points, points)
    found = calibrate_pairs(between[first, second], codes[first] == codes[second], codes[first], codes[second], fmr=fmr)
    rates = _identification(between, codes, found.threshold, fpir, num_enrolled)
    return Calibration(**{**vars(found), "identification": rates})


def calibrate_pairs(
    distances: npt.ArrayLike,
    same: npt.ArrayLike,
    first: npt.ArrayLike | None = None,
    second: npt.ArrayLike | None = None,
    *,
    fmr: float,
) -> Calibration:
    """Fits the threshold on pairs that somebody chose.

    Args:
        distances: of the pairs.
        same: whether each shows one person.
        first, second: who is shown, as numbers or names; without them nothing is said of people.
        fmr: the false-match rate that is asked for.

    Shapes:
        each ``(N,)``.

    Raises:
        UsageError: the rate is not between 0 and 1.
        DataError: one kind of pair is missing, or a distance is not finite.

    Example:
        >>> distances = np.append(np.linspace(0.1, 0.9, 50), np.linspace(0.8, 1.6, 200))
        >>> found = calibrate_pairs(distances, np.arange(250) < 50, fmr=0.01)
        >>> round(found.threshold, 3), found.fnmr
        (0.804, 0.12)
        >>> print(calibrate_pairs(distances, np.arange(250) < 50, fmr=0.0001).notes()[0])
        200 different pairs cannot show a false-match rate of 1 in 10,000: without any error among them they show 1 in \
55 at best. That takes 36,887 independent pairs.
    """
    values, truth = np.asarray(distances, np.float32), np.asarray(same, bool)
    curve = roc(values, truth)
    fit = threshold_at_fmr(values[~truth], fmr, CONFIDENCE)
    accepted = values <= np.float32(fit.threshold)
    num_same, num_refused = int(truth.sum()), int((truth & ~accepted).sum())
    of_people: dict[str, Any] = {"fmr_over_people": None, "fnmr_over_people": None, "num_people": None}
    if first is not None and second is not None:
        names, codes = np.unique(np.concatenate([np.asarray(first), np.asarray(second)]), return_inverse=True)
        pairs = codes.reshape(2, -1)
        of_people = {
            "num_people": len(names),
            "fmr_over_people": _over_pairs_of_people(accepted[~truth], pairs[:, ~truth], len(names)),
            "fnmr_over_people": _over_people(~accepted[truth], pairs[0, truth], np.ones(num_same), len(names)),
        }
    return Calibration(
        asked_fmr=fmr,
        fit=fit,
        num_same=num_same,
        fnmr=num_refused / num_same,
        fnmr_interval=clopper_pearson(num_refused, num_same, CONFIDENCE),
        eer=equal_error_rate(values, truth),
        auc=auc(values, truth),
        curve=curve,
        **of_people,
    )


def identification_rates(
    embeddings: npt.ArrayLike, people: Sequence[str], threshold: float, num_enrolled: int | None = None
) -> OpenSetIdentification:
    """The rates of identification at a threshold, as the mean over every choice of who is enrolled.

    Each is enrolled with one picture; the rates are also means over which one, ten of them at most.

    Args:
        embeddings: of one face each, of length one.
        people: who each of them is.
        threshold: above it the answer is nobody.
        num_enrolled: how many people are; by default half of them.

    Shapes:
        embeddings ``(N, D)``.

    Raises:
        UsageError: as many people cannot be enrolled, with somebody left who is not.
    """
    points = np.asarray(embeddings, np.float64)
    codes = np.unique(np.asarray(people), return_inverse=True)[1]
    return _identification(_distances(points, points), codes, threshold, None, num_enrolled)


def pairs_needed(rate: float) -> int:
    """How many independent trials without an error show at 95 % that errors are at most as frequent.

    Example:
        >>> pairs_needed(0.001), clopper_pearson(0, pairs_needed(0.001))[1] <= 0.001 < clopper_pearson(0, 3687)[1]
        (3688, True)
    """
    return math.ceil(math.log((1 - CONFIDENCE) / 2) / math.log1p(-rate))


def one_in(rate: float) -> int:
    """A rate as the number in "1 in 10,000"."""
    return round(1 / rate)


def _distances(points: Floats, others: Floats) -> npt.NDArray[np.float32]:
    # In float64, because |a|² + |b|² − 2ab loses half of the digits where a is near b.
    squares = np.square(points).sum(1)[:, None] + np.square(others).sum(1) - 2 * points @ others.T
    return np.sqrt(np.maximum(squares, 0)).astype(np.float32)


def _identification(
    between: npt.NDArray[np.float32],
    codes: Integers,
    threshold: float,
    fpir: float | None,
    num_enrolled: int | None,
) -> OpenSetIdentification:
    num_people = int(codes.max()) + 1
    num = num_people // 2 if num_enrolled is None else num_enrolled
    if not 1 <= num < num_people:
        raise UsageError(
            f"Of {num_people} people 1 to {num_people - 1} can be enrolled, so that somebody is unknown; got {num}."
        )
    if fpir is not None and not 0 < fpir < 1:
        raise UsageError(f"fpir must lie between 0 and 1; got {fpir}. Give 0.01 for one in a hundred.")
    choices = _choices(codes, num_people)
    # Of each face, for each choice of enrolled pictures: the others' distances ascending, and that of its own person.
    others, own, is_known = [], [], []
    for chosen in choices:
        to_people = between[:, chosen]
        mate = to_people[np.arange(len(codes)), codes]
        to_people = np.sort(to_people[codes[:, None] != np.arange(num_people)].reshape(len(codes), -1), axis=1)
        others.append(to_people)
        own.append(mate)
        is_known.append(np.arange(len(codes)) != chosen[codes])
    far, mates, known = np.concatenate(others), np.concatenate(own), np.concatenate(is_known)
    owners = np.tile(codes, len(choices))
    free = _none_enrolled(num_people - 1, num)
    limit = np.float32(threshold)
    if fpir is not None:
        limit = _limit_at(far, free[:-1] - free[1:], fpir)
    near = (far <= limit).sum(1)
    taken = 1 - free[near]
    # With the person there are N − 1 others, drawn from the same K − 1.
    first = _none_enrolled(num_people - 1, num - 1)
    nearer = (far < mates[:, None]).sum(1)
    right = np.where(mates <= limit, first[nearer], 0)[known]
    wrong = 1 - first[np.minimum(nearer, near)][known]
    ones = np.ones(len(owners))
    return OpenSetIdentification(
        threshold=float(limit),
        asked_fpir=fpir,
        num_enrolled=num,
        num_people=num_people,
        fpir=float(taken.mean()),
        fnir=float(1 - right.mean()),
        misidentified=float(wrong.mean()),
        fpir_interval=_over_people(taken, owners, ones, num_people),
        fnir_interval=_over_people(1 - right, owners[known], ones[known], num_people),
    )


def _choices(codes: Integers, num_people: int) -> list[Integers]:
    """Rows of the enrolled pictures, one of each person, in several ways."""
    counts = np.bincount(codes, minlength=num_people)
    order = np.argsort(codes, kind="stable")
    first = np.cumsum(counts) - counts
    num = max(1, min(int(counts.max()), 10, _MAX_DISTANCES // (len(codes) * num_people)))
    return [order[first + choice % counts] for choice in range(num)]


def _none_enrolled(num_others: int, num_enrolled: int) -> Floats:
    """Of m people among the others nobody is enrolled: C(K − m, N) / C(K, N), for m from 0 to K.

    Example:
        >>> _none_enrolled(4, 2).round(4).tolist()
        [1.0, 0.5, 0.1667, 0.0, 0.0]
    """
    left = num_others - np.arange(num_others)
    return np.append(1.0, np.cumprod(np.maximum(left - num_enrolled, 0) / left))


def _limit_at(far: npt.NDArray[np.float32], shares: Floats, fpir: float) -> np.float32:
    """The largest threshold at which the expected rate is at most the wanted one.

    Of an unknown face the i-th nearest person is the nearest enrolled one in this share of the choices.
    """
    ordered = np.argsort(far, axis=None)
    values = far.reshape(-1)[ordered]
    rate = np.cumsum(np.broadcast_to(shares, far.shape).reshape(-1)[ordered]) / len(far)
    over = int(np.searchsorted(rate, fpir * (1 + 1e-9), "right"))
    if over == len(values):
        return values[-1]
    # The first that is refused, and with it all that are equal.
    accepted = int(np.searchsorted(values, values[over]))
    return values[accepted - 1] if accepted else np.nextafter(values[over], np.float32(-np.inf))


def _over_pairs_of_people(accepted: npt.NDArray[np.bool_], pairs: Integers, num_people: int) -> Interval:
    """The interval of a share of pairs, by drawing people."""
    cells = pairs[0] * num_people + pairs[1]
    errors = np.bincount(cells, accepted.astype(np.float64), minlength=num_people**2)
    counts = np.bincount(cells, minlength=num_people**2).astype(np.float64)
    if not errors.any():  # people in disjoint pairs are independent, whatever else is
        return clopper_pearson(0, num_people // 2, CONFIDENCE)
    shape = (num_people, num_people)
    return bootstrap_pairs(errors.reshape(shape), counts.reshape(shape))


def _over_people(errors: npt.ArrayLike, owners: Integers, counts: Floats, num_people: int) -> Interval:
    """The interval of a share of faces or of pairs of one person, by drawing people."""
    weights = (np.asarray(values, np.float64) for values in (errors, counts))
    sums: Floats = np.stack([np.bincount(owners, one, minlength=num_people) for one in weights], 1).astype(np.float64)
    sums = sums[sums[:, 1] > 0]
    if not sums[:, 0].any():
        return clopper_pearson(0, len(sums), CONFIDENCE)
    return bootstrap(sums, lambda means: {"share": means[:, 0] / means[:, 1]})["share"]
