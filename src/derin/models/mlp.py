"""Multilayer perceptron: dense layers with an activation between them.

Z = W A + b, A = g(Z) for each hidden layer; the last layer stays linear, its activation is in the loss.
Paper: D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning representations by back-propagating errors", Nature
    323, 1986.
Differs: ReLU, He's initialization, and batch norm or dropout where asked. Input of more than one axis is flattened.
Categories of tables become vectors that are learned: C. Guo, F. Berkhahn, "Entity embeddings of categorical variables",
    2016, arXiv:1604.06737.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from derin.core.errors import UsageError
from derin.layers.activations import activation, suitable_initializer
from derin.layers.embedding import EmbeddingTable
from derin.layers.initializers import initialize
from derin.layers.options import require_range
from derin.models.info import ModelInfo
from derin.models.network import Network

_DEVIATION = 0.3


@dataclass(frozen=True, kw_only=True)
class MLPOptions:
    """Options of `mlp`.

    Args:
        hidden: units of each hidden layer.
        activation: a name of `layers.activations`.
        dropout: share of hidden activations set to zero in training.
        batch_norm: between each dense layer and its activation.
        embeddings: features that are whole numbers, each a row of a table of vectors: place of the feature, rows and
            columns of its table. The vectors stand behind the other features.
    """

    hidden: tuple[int, ...] = (128, 64)
    activation: str = "relu"
    dropout: float = 0.0
    batch_norm: bool = False
    embeddings: tuple[tuple[int, int, int], ...] = ()

    def __post_init__(self) -> None:
        activation(self.activation)
        require_range("mlp", "dropout", self.dropout, 0.0, 0.99)
        require_range("mlp", "len(hidden)", len(self.hidden), 0, 1000)
        for width in self.hidden:
            require_range("mlp", "hidden", width, 1)
        for _, vectors, dim in self.embeddings:
            require_range("mlp", "rows of embeddings", vectors, 1)
            require_range("mlp", "columns of embeddings", dim, 1)
        places = [place for place, *_ in self.embeddings]
        if places != sorted(set(places)):
            raise UsageError(f"mlp.embeddings must be of different features in their order; got {places}.")


class MLP(Network):
    """Dense layers of `options.hidden` units, then one of `num_outputs`.

    Shapes:
        ``(B, *input_shape)`` → ``(B, num_outputs)``.

    Example:
        >>> import torch
        >>> net = MLP((1, 28, 28), 10, MLPOptions(hidden=(512,)))
        >>> net(torch.zeros(2, 1, 28, 28)).shape, sum(p.numel() for p in net.parameters())
        (torch.Size([2, 10]), 407050)
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: MLPOptions) -> None:
        super().__init__(input_shape, options=options)
        width = math.prod(input_shape)
        self.categories = CategoryEmbeddings(width, options.embeddings) if options.embeddings else None
        if self.categories is not None:
            width = self.categories.width
        self.hidden = nn.Sequential()
        for index, units in enumerate(options.hidden, start=1):
            # A norm's own shift makes the bias of the layer before it idle.
            self.hidden.add_module(f"dense{index}", nn.Linear(width, units, bias=not options.batch_norm))
            if options.batch_norm:
                self.hidden.add_module(f"norm{index}", nn.BatchNorm1d(units))
            self.hidden.add_module(f"{options.activation}{index}", activation(options.activation))
            if options.dropout:
                self.hidden.add_module(f"dropout{index}", nn.Dropout(options.dropout))
            width = units
        self.output = nn.Linear(width, num_outputs)
        initialize(self.hidden, suitable_initializer(options.activation))
        initialize(self.output, "xavier")

    def forward(self, x: Tensor) -> Tensor:
        x = self.require(x).flatten(1)
        return self.output(self.hidden(x if self.categories is None else self.categories(x)))


class CategoryEmbeddings(nn.Module):
    """Features of which some are whole numbers: those become the vectors of their tables, behind all others.

    Args:
        num_features: of an example.
        embeddings: place, rows and columns of each table, in the order of the places.

    Attributes:
        width: how many numbers come out.

    Shapes:
        ``(B, num_features)`` → ``(B, width)``.

    Source: C. Guo, F. Berkhahn, 2016, arXiv:1604.06737, section 3. The rows begin normal with deviation 0.3, those of
        no class (place 0, others; 1, missing) at zero.
    """

    others: Tensor

    def __init__(self, num_features: int, embeddings: tuple[tuple[int, int, int], ...]) -> None:
        super().__init__()
        self.places = [place for place, *_ in embeddings]
        if self.places[-1] >= num_features or self.places[0] < 0:
            raise UsageError(
                f"mlp.embeddings must be of places among the features, 0 to {num_features - 1}; got {self.places}."
            )
        others = [place for place in range(num_features) if place not in set(self.places)]
        self.register_buffer("others", torch.tensor(others, dtype=torch.int64), persistent=False)
        tables = [EmbeddingTable(rows, dim) for _, rows, dim in embeddings]
        with torch.no_grad():
            for table in tables:
                table.weight.normal_(std=_DEVIATION)
                table.weight[:2].zero_()
        self.tables = nn.ModuleList(tables)
        self.width = len(others) + sum(dim for *_, dim in embeddings)

    def forward(self, x: Tensor) -> Tensor:
        vectors = [table(x[:, place]) for place, table in zip(self.places, self.tables)]
        return torch.cat([x.index_select(1, self.others), *vectors], dim=1)


MLP_INFO = ModelInfo(
    name="mlp",
    build=MLP,
    options=MLPOptions,
    input_kind="any",
    native_input=(1, 28, 28),
    native_outputs=10,
    paper="Rumelhart, Hinton, Williams: Learning representations by back-propagating errors. Nature 1986",
    year=1986,
    note="ReLU and He initialization; the paper's units are sigmoids (activation=sigmoid).",
)
