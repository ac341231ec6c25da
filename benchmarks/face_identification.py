"""Whether unknown people are refused at the rate that a calibration was asked for, on ORL and the ten people of LFW.

DERIN_DATA=… python benchmarks/face_identification.py

For each asked rate the threshold is fitted on all people; then half of them are drawn and enrolled with a random
picture each, and all other pictures are searched for: 200 times, counted by `open_set_rates`. The last lines fit on one
half of the people and measure on the other.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from derin.apps.faces import FaceRecognizer, PeopleSource, calibrate, identification_rates
from derin.datasets.named import data_folder
from derin.tasks.metrics.verification import open_set_rates, pair_distances

NUM_HALVES = 200
NUM_HELD_OUT = 100
FMR = 0.001
ASKED = (0.01, 0.05, 0.1)
Array = npt.NDArray[np.float64]
Names = npt.NDArray[np.str_]


def main() -> None:
    folder = data_folder()
    assert folder is not None, "DERIN_DATA names the folder with faces_orl, faces_lfw10 and pretrained"
    recognizer = FaceRecognizer()
    for place in ("faces_orl/orl_faces.zip", "faces_lfw10/lfw10.zip"):
        embeddings, names = embedded(recognizer, folder / place)
        found = calibrate(embeddings, names.tolist(), fmr=FMR)
        print(f"{place}: {len(names)} faces of {len(np.unique(names))} people")
        print(f"  fmr {FMR}: threshold {found.threshold:.4f}, fnmr {found.fnmr:.4f}, eer {found.eer:.4f}")
        for fpir in ASKED:
            rates = calibrate(embeddings, names.tolist(), fmr=FMR, fpir=fpir).identification
            assert rates is not None
            line = f"  fpir {fpir}: threshold {rates.threshold:.4f}, expected {rates.fpir:.4f} / {rates.fnir:.4f}"
            print(f"{line}, {spread(halves(embeddings, names, rates.threshold))}")
    embeddings, names = embedded(recognizer, folder / "faces_orl/orl_faces.zip")
    for fpir in ASKED[1:]:
        rows = held_out(embeddings, names, fpir)
        print(f"ORL, other people, fpir {fpir}: {spread(rows[:, :3])}; fmr {FMR}: {spread(rows[:, 3:])}")


def embedded(recognizer: FaceRecognizer, place: Path) -> tuple[Array, Names]:
    """Embeddings of the largest face of each picture, and whose it is."""
    people = list(PeopleSource(place, recognizer, largest=True).people())
    names = np.array([person.name for person in people for _ in person.pictures])
    return np.concatenate([person.embeddings for person in people]).astype(np.float64), names


def halves(embeddings: Array, names: Names, threshold: float) -> Array:
    """FPIR, FNIR and the share given another's name, for random halves of the people."""
    random, people = np.random.default_rng(0), np.unique(names)
    rows = []
    for _ in range(NUM_HALVES):
        enrolled = random.permutation(people)[: len(people) // 2]
        gallery = np.array([random.choice(np.flatnonzero(names == name)) for name in enrolled])
        is_known = np.isin(names, enrolled)
        is_known_search = is_known.copy()
        is_known_search[gallery] = False
        distances = np.linalg.norm(embeddings[:, None] - embeddings[gallery], axis=2)
        right = names[gallery][distances.argmin(1)] == names
        nearest = distances.min(1)
        rates = open_set_rates(nearest[is_known_search], right[is_known_search], nearest[~is_known], threshold)
        rows.append((rates.fpir, rates.fnir, rates.misidentified))
    return np.array(rows)


def held_out(embeddings: Array, names: Names, fpir: float) -> Array:
    """The same three, and FMR and FNMR, fitted on a random half of the people and measured on the other."""
    random, people = np.random.default_rng(1), np.unique(names)
    rows = []
    for _ in range(NUM_HELD_OUT):
        fitted = np.isin(names, random.permutation(people)[: len(people) // 2])
        found = calibrate(embeddings[fitted], names[fitted].tolist(), fmr=FMR, fpir=fpir)
        assert found.identification is not None
        others, whose = embeddings[~fitted], names[~fitted]
        rates = identification_rates(others, whose.tolist(), found.identification.threshold)
        distances, same = pair_distances(others, whose)
        accepted = distances <= np.float32(found.threshold)
        rows.append((rates.fpir, rates.fnir, rates.misidentified, accepted[~same].mean(), (~accepted)[same].mean()))
    return np.array(rows)


def spread(rows: Array) -> str:
    """Means, and the first column's 5th and 95th percentiles."""
    low, high = np.percentile(rows[:, 0], [5, 95])
    return f"mean {' / '.join(f'{mean:.4f}' for mean in rows.mean(0))} ({low:.4f} to {high:.4f})"


if __name__ == "__main__":
    main()
