"""Thresholds and rates of faces against counting by hand: every choice of who is enrolled, every resample drawn."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest

from derin.apps.faces.calibration import calibrate, calibrate_pairs, identification_rates, pairs_needed
from derin.core.errors import DataError, UsageError
from derin.tasks.metrics.intervals import bootstrap_pairs, clopper_pearson
from derin.tasks.metrics.verification import open_set_rates

COUNTS = (3, 1, 2, 3, 2)  # pictures of each person
NAMES = [f"person {person}" for person, count in enumerate(COUNTS) for _ in range(count)]


def faces(seed: int, spread: float = 0.7, counts: tuple[int, ...] = COUNTS, dim: int = 4) -> np.ndarray:
    random = np.random.default_rng(seed)
    middles = np.repeat(random.normal(size=(len(counts), dim)), counts, axis=0)
    points = middles + spread * random.normal(size=middles.shape)
    return points / np.linalg.norm(points, axis=1, keepdims=True)


@pytest.mark.parametrize("num_enrolled", [1, 2, 4])
@pytest.mark.parametrize("threshold", [0.4, 0.9])
def test_rates_of_identification_are_means_over_every_choice(num_enrolled: int, threshold: float) -> None:
    points = faces(seed=3)
    rows = [[at for at, name in enumerate(NAMES) if name == who] for who in dict.fromkeys(NAMES)]
    taken, refused, wrong = [], [], []
    # Pictures are enrolled in turn: the first of all, the second, the third, as many as the most photographed has.
    for turn, chosen in product(range(max(COUNTS)), combinations(range(len(COUNTS)), num_enrolled)):
        gallery = {person: rows[person][turn % COUNTS[person]] for person in chosen}
        enrolled = list(gallery.values())
        owners = list(gallery)
        known, right, unknown = [], [], []
        for person, pictures in enumerate(rows):
            for picture in pictures:
                distances = np.linalg.norm(points[enrolled] - points[picture], axis=1)
                if person not in gallery:
                    unknown.append(distances.min())
                elif picture != gallery[person]:
                    known.append(distances.min())
                    right.append(owners[int(distances.argmin())] == person)
        rates = open_set_rates(known, right, unknown, threshold)
        # Choices have unequal numbers of searches, each of which counts alike.
        taken.append((rates.fpir * len(unknown), len(unknown)))
        if known:
            refused.append((rates.fnir * len(known), len(known)))
            wrong.append((rates.misidentified * len(known), len(known)))
    found = identification_rates(points, NAMES, threshold, num_enrolled)
    for value, pairs in ((found.fpir, taken), (found.fnir, refused), (found.misidentified, wrong)):
        sums = np.sum(pairs, axis=0)
        assert value == pytest.approx(sums[0] / sums[1], abs=1e-12)
    assert found.fpir_interval[0] <= found.fpir <= found.fpir_interval[1]


@pytest.mark.parametrize("asked", [0.02, 0.3])
def test_the_threshold_of_identification_is_the_largest_that_keeps_the_rate(asked: float) -> None:
    points = faces(seed=5, counts=(2,) * 8)
    names = [str(row // 2) for row in range(16)]
    found = calibrate(points, names, fmr=0.1, fpir=asked, num_enrolled=3).identification
    assert found is not None
    assert found.fpir <= asked
    again = identification_rates(points, names, found.threshold, 3)
    assert again.fpir == found.fpir
    distances = np.linalg.norm(points[:, None] - points[None], axis=2).astype(np.float32)
    further = distances[distances > found.threshold].min()
    assert identification_rates(points, names, float(further), 3).fpir > asked


def test_intervals_over_pairs_of_people_are_those_of_people_drawn_one_by_one() -> None:
    random = np.random.default_rng(1)
    num = 12
    errors = np.triu(random.integers(0, 3, (num, num)), 1)
    counts = np.triu(np.full((num, num), 4), 1)
    shares = []
    for _ in range(3000):
        drawn = random.integers(0, num, num)
        # Somebody drawn twice has no pair with themselves: the diagonal is empty.
        pairs = [(min(a, b), max(a, b)) for a, b in combinations(drawn.tolist(), 2)]
        shares.append(sum(errors[p] for p in pairs) / sum(counts[p] for p in pairs))
    low, high = np.percentile(shares, [2.5, 97.5])
    # Percentiles of 1,000 and of 3,000 drawings of a share whose spread is 0.04.
    assert bootstrap_pairs(errors, counts) == pytest.approx((low, high), abs=0.012)


def test_what_pairs_cannot_show_is_said() -> None:
    random = np.random.default_rng(2)
    distances = np.append(random.uniform(0.2, 0.8, 200), random.uniform(0.9, 1.6, 200))
    same = np.arange(400) < 200
    rare = calibrate_pairs(distances, same, fmr=1e-4)
    assert not rare.fit.supported
    assert "200 different pairs cannot show a false-match rate of 1 in 10,000" in rare.notes()[0]
    for rate in (0.3, 0.01, 1e-4, 1e-6):
        needed = pairs_needed(rate)
        assert clopper_pearson(0, needed)[1] <= rate < clopper_pearson(0, needed - 1)[1]
    assert calibrate_pairs(distances, same, fmr=0.05).notes() == []
    crowd = calibrate_pairs(distances, same, np.arange(400) % 7, (np.arange(400) + ~same) % 7, fmr=0.05)
    assert "are of 7 people" in crowd.notes()[0]
    crowd = calibrate_pairs(distances, same, np.arange(400) % 7, (np.arange(400) + ~same) % 7, fmr=0.001)
    # Three disjoint pairs of people without an error are no proof that there are none.
    assert crowd.fit.fmr == 0
    assert crowd.fmr_over_people == clopper_pearson(0, 3)


def test_a_document_holds_the_curve_where_errors_are_rare(tmp_path) -> None:  # type: ignore[no-untyped-def]
    found = calibrate(faces(seed=1, counts=(4,) * 60, dim=12, spread=0.4), [str(i // 4) for i in range(240)], fmr=0.001)
    document = found.to_json()
    curve = document["roc"]
    assert len(curve["fmr"]) <= 200
    assert min(rate for rate in curve["fmr"] if rate > 0) <= 2 / found.fit.num_impostors
    assert document["fmr"] <= 0.001
    assert [row["fmr"] for row in document["fnmr_at_fmr"]] == [0.1, 0.01, 0.001, 0.0001]
    found.save(tmp_path / "roc.png")
    assert (tmp_path / "roc.png").stat().st_size > 10_000
    with pytest.raises(UsageError, match=r"ends in \.png"):
        found.save(tmp_path / "roc.xyz")


def test_what_cannot_be_calibrated_is_refused() -> None:
    points = faces(seed=0)
    with pytest.raises(DataError, match="three people or more"):
        calibrate(points[:4], NAMES[:4], fmr=0.01)
    with pytest.raises(UsageError, match="Of 5 people 1 to 4 can be enrolled"):
        calibrate(points, NAMES, fmr=0.01, num_enrolled=5)
    with pytest.raises(UsageError, match="fpir must lie between 0 and 1"):
        calibrate(points, NAMES, fmr=0.01, fpir=1.5)
    with pytest.raises(UsageError, match="fmr must lie between 0 and 1"):
        calibrate(points, NAMES, fmr=0)
