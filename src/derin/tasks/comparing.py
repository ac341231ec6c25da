"""Losses by which a network learns to compare: like things near each other, different ones apart.

All are functions of the embeddings of a batch and its labels and look at all pairs or triplets of the batch at once, so
that batches must hold several examples of several classes (`derin.data.samplers.by_class.ClassBatchSampler`). A batch
without the pairs that a loss needs costs nothing and moves nothing.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from derin.core.errors import UnknownNameError
from derin.tasks.mining import MINERS, distance_weighted, same_and_different

_ALMOST_ONE = 1 - 1e-7  # of a cosine in float32, at which the slope of its sine has no bound


def pair_distances(embeddings: Tensor) -> Tensor:
    """The Euclidean distances between all rows; that of equal rows is 0 and has no gradient.

    Shapes:
        ``(B, D)`` → ``(B, B)``.

    Example:
        >>> pair_distances(torch.tensor([[0.0, 0.0], [3.0, 4.0]])).tolist()
        [[0.0, 5.0], [5.0, 0.0]]
    """
    # By differences: by the product of matrices, near rows would lose half of their digits.
    return torch.cdist(embeddings, embeddings, compute_mode="donot_use_mm_for_euclid_dist")


def contrastive(embeddings: Tensor, labels: Tensor, margin: float = 1.0) -> Tensor:
    """L = ½ mean over same pairs of d² + ½ mean over different pairs of max(0, margin − d)².

    A batch holds many more different pairs than same ones; each kind has half of the say.

    Args:
        embeddings: of a batch.
        labels: the class of each row.
        margin: the distance from which on different ones are left alone.

    Shapes:
        ``(B, D)`` and ``(B,)`` → scalar.

    Example:
        >>> contrastive(torch.tensor([[0.0], [0.0], [0.4]]), torch.tensor([0, 0, 1]), margin=1.0)
        tensor(0.1800)

    Source: R. Hadsell, S. Chopra, Y. LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", CVPR 2006,
        equation 4, there summed over pairs.
    """
    distances = pair_distances(embeddings)
    same, different = same_and_different(labels)
    apart = F.relu(margin - distances[different]).square()
    return (_mean(distances[same].square()) + _mean(apart)) / 2


def triplet(embeddings: Tensor, labels: Tensor, margin: float = 0.2, mining: str = "batch-hard") -> Tensor:
    """L = mean of max(0, d(anchor, positive) − d(anchor, negative) + margin) over the triplets that are mined.

    Of the many triplets of ``batch-all``, ``semi-hard`` and ``distance-weighted`` most are learned already; there the
    mean is over those above 0.

    Args:
        embeddings: of a batch.
        labels: the class of each row.
        margin: by how much different ones should be farther.
        mining: of `derin.tasks.mining.MINERS`.

    Shapes:
        ``(B, D)`` and ``(B,)`` → scalar.

    Raises:
        UnknownNameError: there is no such mining.

    Example:
        >>> points = torch.tensor([[0.0], [1.0], [1.5], [3.0]])
        >>> triplet(points, torch.tensor([0, 0, 1, 1]), margin=0.2)
        tensor(0.4750)

    Source: F. Schroff, D. Kalenichenko, J. Philbin, "FaceNet", CVPR 2015, arXiv:1503.03832, there of squared distances;
        A. Hermans, L. Beyer, B. Leibe, "In Defense of the Triplet Loss", 2017, arXiv:1703.07737, which finds plain
        distances better.
    """
    if mining not in MINERS:
        raise UnknownNameError("mining", mining, MINERS)
    distances = pair_distances(embeddings)
    fixed = distances.detach()
    if mining == "distance-weighted":
        anchors, positives, negatives = distance_weighted(fixed, labels, dim=embeddings.shape[1])
    else:
        anchors, positives, negatives = MINERS[mining](fixed, labels, margin)
    losses = F.relu(distances[anchors, positives] - distances[anchors, negatives] + margin)
    return _mean(losses) if mining == "batch-hard" else losses.sum() / (losses > 0).sum().clamp(min=1)


def pair_classifier(embeddings: Tensor, labels: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Cross-entropy of p(same) = σ(Σₖ wₖ |f(a)ₖ − f(b)ₖ| + b) over all pairs of a batch, same and different ones with
    half of the say each.

    Args:
        embeddings: f, of a batch.
        labels: the class of each row.
        weight: wₖ.
        bias: b.

    Shapes:
        ``(B, D)``, ``(B,)``, ``(D,)`` and a single number → scalar.

    Example:
        >>> points = torch.tensor([[0.0], [0.0], [2.0]])
        >>> pair_classifier(points, torch.tensor([0, 0, 1]), torch.zeros(1), torch.zeros(1))
        tensor(0.6931)

    Source: Y. Taigman et al., "DeepFace", CVPR 2014, section 4.2; G. Koch, R. Zemel, R. Salakhutdinov, "Siamese neural
        networks for one-shot image recognition", ICML workshop 2015, section 3.1.
    """
    first, second = torch.triu_indices(len(labels), len(labels), 1, device=labels.device)
    logits = (embeddings[first] - embeddings[second]).abs() @ weight + bias
    same = labels[first] == labels[second]
    return (_mean(F.softplus(-logits[same])) + _mean(F.softplus(logits[~same]))) / 2


def arcface(embeddings: Tensor, labels: Tensor, weight: Tensor, margin: float = 0.5, scale: float = 64.0) -> Tensor:
    """Cross-entropy over classes of s·cos θ, the own class's angle made wider: s·cos(θ + m).

    θ is the angle between an embedding and the direction of a class. Beyond π − m, where cos(θ + m) would rise again,
    cos θ − m·sin m takes its place.

    Args:
        embeddings: of a batch, of any length.
        labels: the number of each row's class.
        weight: a direction for each class, of any length.
        margin: m, in radians.
        scale: s.

    Shapes:
        ``(B, D)``, ``(B,)`` int64 and ``(classes, D)`` → scalar.

    Example:
        >>> arcface(torch.eye(2), torch.tensor([0, 1]), torch.eye(2), margin=0.0, scale=1.0)
        tensor(0.3133)

    Source: J. Deng, J. Guo, N. Xue, S. Zafeiriou, "ArcFace", CVPR 2019, arXiv:1801.07698, equation 3.
    """
    cosines = F.linear(F.normalize(embeddings, dim=1), F.normalize(weight, dim=1))
    own = cosines.gather(1, labels[:, None])
    bounded = own.clamp(-_ALMOST_ONE, _ALMOST_ONE)
    wider = bounded * math.cos(margin) - (1 - bounded.square()).sqrt() * math.sin(margin)
    wider = torch.where(bounded >= -math.cos(margin), wider, own - margin * math.sin(margin))
    return F.cross_entropy(scale * cosines.scatter(1, labels[:, None], wider), labels)


def nt_xent(embeddings: Tensor, labels: Tensor, temperature: float = 0.1) -> Tensor:
    """L = mean over same pairs (a, p) of −ln(e^(cos(a, p)/τ) / (e^(cos(a, p)/τ) + Σₙ e^(cos(a, n)/τ))), where n are the
    rows of other classes.

    Args:
        embeddings: of a batch, of any length.
        labels: the class of each row; in self-supervised learning, the picture of which it is a view.
        temperature: τ.

    Shapes:
        ``(B, D)`` and ``(B,)`` → scalar.

    Example:
        >>> nt_xent(torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 0, 1]), temperature=1.0)
        tensor(0.3133)

    Source: T. Chen, S. Kornblith, M. Norouzi, G. Hinton, "A Simple Framework for Contrastive Learning of Visual
        Representations", ICML 2020, arXiv:2002.05709, equation 1.
    """
    unit = F.normalize(embeddings, dim=1)
    similar = unit @ unit.T / temperature
    same, different = same_and_different(labels)
    others = similar.masked_fill(~different, -torch.inf).logsumexp(1)  # −∞ where there is none
    anchors, positives = torch.nonzero(same, as_tuple=True)
    return _mean(torch.logaddexp(similar[anchors, positives], others[anchors]) - similar[anchors, positives])


def _mean(losses: Tensor) -> Tensor:
    """The mean, and of nothing 0, with a gradient of 0."""
    return losses.sum() / max(losses.numel(), 1)
