"""Losses and mining beside pytorch-metric-learning, formulas written out in float64, and finite differences."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations, permutations

import numpy as np
import pytest
import torch
from torch import Tensor

from derin.core.errors import UnknownNameError
from derin.tasks.comparing import arcface, contrastive, nt_xent, pair_classifier, pair_distances, triplet
from derin.tasks.mining import MINERS, all_triplets, batch_hard, distance_weighted, distance_weights, semi_hard

D, CLASSES = 6, 4
LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "contrastive": contrastive,
    **{f"triplet {name}": lambda x, y, name=name: triplet(x, y, 0.4, name) for name in MINERS},
    "pair": lambda x, y: pair_classifier(x, y, torch.linspace(-2, 1, D).to(x), torch.tensor(0.3).to(x)),
    "arcface": lambda x, y: arcface(x, y, directions().to(x), 0.5, 16.0),
    "ntxent": lambda x, y: nt_xent(x, y, 0.2),
}


def batch(seed: int, num: int = 13, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Vectors of length 1, not near their classes; the first two classes have two rows at least."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.nn.functional.normalize(torch.randn(num, D, generator=draw, dtype=torch.float64), dim=1)
    labels = torch.cat([torch.tensor([0, 0, 1, 1]), torch.randint(0, CLASSES, (num - 4,), generator=draw)])
    return x.to(dtype), labels


def directions() -> Tensor:
    return torch.randn(CLASSES, D, generator=torch.Generator().manual_seed(99), dtype=torch.float64)


@pytest.mark.parametrize("seed", range(4))
def test_losses_are_those_of_pytorch_metric_learning(seed: int) -> None:
    peers = pytest.importorskip("pytorch_metric_learning.losses")
    reducers = pytest.importorskip("pytorch_metric_learning.reducers")
    miners = pytest.importorskip("pytorch_metric_learning.miners")
    x, labels = batch(seed)
    every, each = peers.TripletMarginLoss(margin=0.4), peers.TripletMarginLoss(0.4, reducer=reducers.MeanReducer())
    expected = {
        "triplet batch-all": every(x, labels),
        "triplet batch-hard": each(x, labels, miners.BatchHardMiner()(x, labels)),
        "triplet semi-hard": every(x, labels, miners.TripletMarginMiner(0.4, "semihard")(x, labels)),
        "ntxent": peers.NTXentLoss(temperature=0.2)(x, labels),
    }
    peer = peers.ArcFaceLoss(CLASSES, D, margin=math.degrees(0.5), scale=16.0).double()
    peer.W.data = directions().T
    expected["arcface"] = peer(x, labels)
    for name, value in expected.items():
        assert LOSSES[name](x, labels).item() == pytest.approx(value.item(), abs=1e-6), name


@pytest.mark.parametrize("seed", range(4))
def test_mined_triplets_are_those_of_pytorch_metric_learning(seed: int) -> None:
    miners = pytest.importorskip("pytorch_metric_learning.miners")
    utilities = pytest.importorskip("pytorch_metric_learning.utils.loss_and_miner_utils")
    x, labels = batch(seed)
    distances = pair_distances(x)
    for ours, theirs in (
        (all_triplets(distances, labels), utilities.get_all_triplets_indices(labels)),
        (batch_hard(distances, labels), miners.BatchHardMiner()(x, labels)),
        (semi_hard(distances, labels, 0.4), miners.TripletMarginMiner(0.4, "semihard")(x, labels)),
    ):
        assert set(zip(*(rows.tolist() for rows in ours))) == set(zip(*(rows.tolist() for rows in theirs)))
        assert len(ours[0]) == len(theirs[0])


def test_distance_weights_are_the_inverse_density_on_the_sphere() -> None:
    x, labels = batch(5, 40)
    distances = pair_distances(x)
    weights = distance_weights(distances, labels, D)
    for a in range(40):
        expected = np.zeros(40)
        for n in range(40):
            d = max(float(distances[a, n]), 0.5)
            if labels[a] != labels[n] and d < 1.4:
                expected[n] = d ** (2 - D) * (1 - d * d / 4) ** (-(D - 3) / 2)
        np.testing.assert_allclose(weights[a], expected / expected.sum(), rtol=1e-9)  # float64
    torch.manual_seed(0)
    drawn = torch.cat([distance_weighted(distances, labels, dim=D)[2] for _ in range(400)])
    anchors, positives, _ = distance_weighted(distances, labels, dim=D)
    assert (labels[anchors] == labels[positives]).all()
    assert (anchors != positives).all()
    expected = weights[anchors].mean(0)
    found = torch.bincount(drawn, minlength=40) / len(drawn)
    # Each row is drawn in some thousandths of 400 draws of a few hundred: five standard deviations.
    assert ((found - expected).abs() < 5 * (expected / len(drawn)).sqrt() + 1e-3).all()


@pytest.mark.parametrize("seed", range(3))
def test_contrastive_and_pair_classifier_are_their_formulas(seed: int) -> None:
    x, labels = batch(seed)
    points, weight = x.numpy(), np.linspace(-2, 1, D)
    same, different, of_same, of_different = [], [], [], []
    for i, j in combinations(range(len(points)), 2):
        d = np.sqrt(((points[i] - points[j]) ** 2).sum())
        p = 1 / (1 + np.exp(-((weight * np.abs(points[i] - points[j])).sum() + 0.3)))
        if labels[i] == labels[j]:
            same.append(d**2)
            of_same.append(-np.log(p))
        else:
            different.append(max(0.0, 1.0 - d) ** 2)
            of_different.append(-np.log(1 - p))
    assert contrastive(x, labels).item() == pytest.approx((np.mean(same) + np.mean(different)) / 2, abs=1e-12)
    found = pair_classifier(x, labels, torch.from_numpy(weight), torch.tensor(0.3, dtype=torch.float64))
    assert found.item() == pytest.approx((np.mean(of_same) + np.mean(of_different)) / 2, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_batch_all_is_the_mean_over_triplets_that_cost(seed: int) -> None:
    x, labels = batch(seed, 9)
    d = pair_distances(x).numpy()
    costs = [
        d[a, p] - d[a, n] + 0.4
        for a, p, n in permutations(range(9), 3)
        if labels[a] == labels[p] and labels[a] != labels[n]
    ]
    expected = np.mean([cost for cost in costs if cost > 0])
    assert triplet(x, labels, 0.4, "batch-all").item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_gradient_is_that_of_finite_differences(name: str) -> None:
    x, labels = batch(11, 7)

    def seeded(points: Tensor) -> Tensor:
        torch.manual_seed(3)
        return LOSSES[name](points, labels)

    assert torch.autograd.gradcheck(seeded, (x.requires_grad_(),))


@pytest.mark.parametrize("name", LOSSES)
def test_single_precision_is_near_double(name: str) -> None:
    x, labels = batch(12)
    if name == "triplet distance-weighted":
        pytest.skip("what is drawn may differ with the last bit of a weight")
    # float32 has 24 bits; arcface multiplies its cosines by 16.
    found = LOSSES[name](x.float(), labels)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(LOSSES[name](x, labels).item(), rel=1e-4)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2], [0]], ids=["one class", "no same pair", "one row"])
def test_batch_without_pairs_costs_something_finite_and_has_a_gradient(name: str, labels: list[int]) -> None:
    x = batch(1)[0][: len(labels)].requires_grad_()
    loss = LOSSES[name](x, torch.tensor(labels))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("name", LOSSES)
def test_equal_embeddings_have_a_finite_gradient(name: str) -> None:
    x = torch.nn.functional.normalize(torch.ones(6, D), dim=1).requires_grad_()
    LOSSES[name](x, torch.tensor([0, 0, 1, 1, 2, 2])).backward()
    assert torch.isfinite(x.grad).all()


def test_unknown_mining_is_answered_with_near_names() -> None:
    x, labels = batch(0)
    with pytest.raises(UnknownNameError, match="did you mean 'batch-hard'"):
        triplet(x, labels, mining="batch-hrad")
