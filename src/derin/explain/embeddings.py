"""Embeddings: what a layer makes of many examples, laid out in two or three dimensions for the eye.

Examples that a network takes for alike lie close together. PCA keeps the directions of the largest spread and their
true distances; t-SNE and UMAP keep who is next to whom, and the distances between groups mean little there.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from derin.core.errors import DataError, MissingExtraError, ShapeError, UnknownNameError, UsageError
from derin.explain.layer_names import find_layer
from derin.explain.watching import as_input, unchanged

Floats = npt.NDArray[np.float32]

METHODS = ("pca", "tsne", "umap")
# Where t-SNE and UMAP begin: wider activations are first brought to so many directions, which hold nearly all of their
# spread and cost a fraction of the time (van der Maaten and Hinton 2008, section 4.2, took 30).
_NUM_DIRECTIONS = 50
_PERPLEXITY = 30.0
FEWEST = 5  # examples


@dataclass(frozen=True)
class Projection:
    """Points in the plane or in space.

    Args:
        points: one for each example.
        method: of `METHODS`.
        explained: for PCA the share of the whole spread that each axis holds; else empty.

    Shapes:
        points ``(N, dim)``.
    """

    points: Floats
    method: str
    explained: tuple[float, ...] = ()


def layer_activations(network: nn.Module, inputs: Iterable[Tensor], layer: str | None = None) -> tuple[str, Floats]:
    """What a layer gives for many examples, a row of numbers for each.

    Args:
        network: any network with one input.
        inputs: batches of it.
        layer: its name; None takes what goes into the last dense layer or convolution. Maps and sequences count by the
            mean over their places.

    Shapes:
        a layer's ``(B, F)``, ``(B, C, H, W)`` or ``(B, C, T)`` → ``(N, F)`` or ``(N, C)``.

    Returns:
        the layer's name and its numbers.

    Raises:
        UsageError: there is no such layer, or no dense layer and no convolution where none was named.
        ShapeError: the layer gives no row for each example.
        DataError: it gives NaN or infinities.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(108, 2))
        >>> batches = [torch.zeros(5, 1, 8, 8), torch.zeros(2, 1, 8, 8)]
        >>> [layer_activations(net, batches, name)[1].shape for name in ("0", None)]
        [(7, 3), (7, 108)]
    """
    found: list[Tensor] = []
    kept: list[object] = [None]
    handle, name = None, layer

    def keep(seen: object) -> None:
        # A copy, since what comes after may work in place.
        kept[0] = seen.clone() if isinstance(seen, Tensor) else seen

    try:
        for batch in inputs:
            x = as_input(network, batch)
            if layer is None and handle is None:
                name = _last_weighted(network, x)
                dense = network.get_submodule(name)
                handle = dense.register_forward_pre_hook(lambda _, given: keep(given[0]))
            elif layer is not None and handle is None:
                handle = find_layer(network, x, layer).register_forward_hook(lambda _, __, given: keep(given))
            with unchanged(network), torch.no_grad():
                network(x)
            found.append(_rows(kept[0], len(x), str(name)))
    finally:
        if handle is not None:
            handle.remove()
    if not found or name is None:
        raise DataError("An embedding needs examples; got none.")
    values: Floats = torch.cat(found).numpy()
    if not np.isfinite(values).all():
        raise DataError(f"What the layer {name!r} gives is not finite everywhere; train the network again.")
    return name, values


def project(values: npt.NDArray[np.floating], *, method: str = "pca", dim: int = 2, seed: int = 0) -> Projection:
    """Lays rows of numbers out in two or three dimensions.

    Args:
        values: a row for each example.
        method: ``"pca"``, ``"tsne"`` or ``"umap"``.
        dim: 2 or 3.
        seed: of what is random in t-SNE and UMAP.

    Shapes:
        ``(N, F)`` → ``(N, dim)``.

    Raises:
        UnknownNameError: there is no such method.
        UsageError: another number of dimensions, or too few examples.
        MissingExtraError: UMAP is not installed.

    Example:
        >>> project(np.outer(np.arange(6.0), [0.6, 0.8, 0.0]), dim=2).points[:, 0].round(3).tolist()
        [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]
    """
    if method not in METHODS:
        raise UnknownNameError("method of embedding", method, METHODS)
    if dim not in (2, 3):
        raise UsageError(f"An embedding has 2 or 3 dimensions; got dim={dim}.")
    if len(values) < FEWEST:
        raise UsageError(f"An embedding needs at least {FEWEST} examples; got {len(values)}.")
    if method == "pca":
        points, shares = principal_components(values, dim)
        return Projection(points, method, tuple(float(share) for share in shares))
    reduced = principal_components(values, _NUM_DIRECTIONS)[0] if values.shape[1] > _NUM_DIRECTIONS else values
    laid_out = _tsne(reduced, dim, seed) if method == "tsne" else _umap(reduced, dim, seed)
    return Projection(np.ascontiguousarray(laid_out, dtype=np.float32), method)


def principal_components(values: npt.NDArray[np.floating], num: int) -> tuple[Floats, Floats]:
    """The places of examples along the directions of the largest spread, X − mean = U S Vᵀ ↦ U S.

    Each direction is turned so that its largest coefficient is positive; directions that do not exist are zero.

    Shapes:
        ``(N, F)`` → ``(N, num)`` and the share of the whole variance that each direction holds, ``(num,)``.

    Source: K. Pearson, "On lines and planes of closest fit to systems of points in space", 1901.
    """
    centered = np.asarray(values, dtype=np.float64)
    centered = centered - centered.mean(axis=0)
    left, strengths, directions = np.linalg.svd(centered, full_matrices=False)
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)[:, 0]
    places = left * strengths * np.where(largest < 0, -1.0, 1.0)
    variances = strengths**2
    shares = variances / (variances.sum() or 1.0)
    points = np.zeros((len(values), num), np.float32)
    kept = min(num, places.shape[1])
    points[:, :kept] = places[:, :kept]
    filled = np.zeros(num, np.float32)
    filled[:kept] = shares[:kept]
    return points, filled


def _tsne(values: npt.NDArray[np.floating], dim: int, seed: int) -> npt.NDArray[np.floating]:
    from sklearn.manifold import TSNE

    # Fewer examples than thrice the perplexity have too few neighbors for it.
    perplexity = min(_PERPLEXITY, (len(values) - 1) / 3)
    # PCA as the beginning is deterministic, but divides by the spread, which alike examples do not have.
    init = "pca" if values.shape[1] >= dim and values.std() > 0 else "random"
    found: npt.NDArray[np.floating] = TSNE(
        n_components=dim, perplexity=perplexity, init=init, random_state=seed, n_jobs=1
    ).fit_transform(values)
    return found


def _umap(values: npt.NDArray[np.floating], dim: int, seed: int) -> npt.NDArray[np.floating]:
    if importlib.util.find_spec("umap") is None:
        raise MissingExtraError("umap-learn", "umap", "An embedding by UMAP")
    from umap import UMAP

    neighbors = min(15, len(values) - 1)
    found: npt.NDArray[np.floating] = UMAP(
        n_components=dim, n_neighbors=neighbors, random_state=seed, n_jobs=1
    ).fit_transform(values)
    return found


def _last_weighted(network: nn.Module, x: Tensor) -> str:
    """The name of the dense layer or convolution that runs last: what it reads is what the answer is made of."""
    ran: list[str] = []
    handles = [
        module.register_forward_pre_hook(lambda _, __, name=name: ran.append(name))
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d)
    ]
    try:
        with unchanged(network), torch.no_grad():
            network(x[:1].clone())
    finally:
        for handle in handles:
            handle.remove()
    if not ran:
        raise UsageError(
            "This network has no dense layer and no convolution before which to look at examples; name a layer."
        )
    return ran[-1]


def _rows(output: object, num: int, layer: str) -> Tensor:
    """A layer's output as ``(B, F)`` on the CPU."""
    if not isinstance(output, Tensor) or output.ndim < 2 or len(output) != num:
        came = f"shape {tuple(output.shape)}" if isinstance(output, Tensor) else "no tensor"
        raise ShapeError(f"A layer that gives (batch, units, …) for {num} examples is required; {layer!r} gave {came}.")
    return (output if output.ndim == 2 else output.flatten(2).mean(2)).float().cpu()
