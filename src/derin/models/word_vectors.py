"""Word vectors that were learned elsewhere, as the beginning of an embedding."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from derin.core.errors import ShapeError


def take_vectors(embedding: nn.Embedding, vectors: Tensor, model: str) -> None:
    """Puts vectors in the place of an embedding's own; the row of padding stays as it is.

    Args:
        embedding: of a network.
        vectors: a row for each token.
        model: the network's name, for messages.

    Shapes:
        vectors ``(vocabulary, dim)``, as the embedding's.

    Raises:
        ShapeError: they have another shape.

    Example:
        >>> embedding = nn.Embedding(3, 2, padding_idx=0)
        >>> take_vectors(embedding, torch.tensor([[9.0, 9.0], [1.0, 2.0], [3.0, 4.0]]), "text_average")
        >>> embedding.weight.tolist()
        [[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]]
    """
    if vectors.shape != embedding.weight.shape:
        raise ShapeError(
            f"{model} takes vectors of shape {tuple(embedding.weight.shape)}; got {tuple(vectors.shape)}. "
            f"Build it with vocabulary={vectors.shape[0]} and dim={vectors.shape[-1]}."
        )
    with torch.no_grad():
        padding = None if embedding.padding_idx is None else embedding.weight[embedding.padding_idx].clone()
        embedding.weight.copy_(vectors)
        if embedding.padding_idx is not None and padding is not None:
            embedding.weight[embedding.padding_idx] = padding
