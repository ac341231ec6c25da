"""Features that are rows of tables of vectors; the oracle is a dense network on one-hot features, in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from derin.core.errors import UsageError
from derin.core.roles import parameter_roles
from derin.models import build

# Two numbers, at 1 and 3, between three categories of 5, 4 and 7 rows.
TABLES = ((0, 5, 2), (2, 4, 3), (4, 7, 1))


def test_vectors_are_a_dense_layer_of_one_hot_features() -> None:
    network = build("mlp", input_shape=(5,), num_outputs=2, hidden=(6,), embeddings=TABLES, seed=0).eval()
    weights = {name: value.detach().double().numpy() for name, value in network.named_parameters()}
    random = np.random.default_rng(0)
    codes = np.stack([random.integers(0, rows, 11) for _, rows, _ in TABLES], axis=1)
    numbers = random.normal(size=(11, 2))
    x = np.stack([codes[:, 0], numbers[:, 0], codes[:, 1], numbers[:, 1], codes[:, 2]], axis=1).astype(np.float32)
    vectors = [
        np.eye(rows)[codes[:, i]] @ weights[f"categories.tables.{i}.weight"] for i, (_, rows, _) in enumerate(TABLES)
    ]
    hidden = np.concatenate([x[:, [1, 3]], *vectors], axis=1)
    hidden = np.maximum(hidden @ weights["hidden.dense1.weight"].T + weights["hidden.dense1.bias"], 0)
    expected = hidden @ weights["output.weight"].T + weights["output.bias"]
    # float32 of sums of some ten products of about 1.
    np.testing.assert_allclose(network(torch.from_numpy(x)).detach().numpy(), expected, atol=1e-5)
    roles = parameter_roles(network)
    assert {name for name, role in roles.items() if role == "embedding"} == {
        f"categories.tables.{i}.weight" for i in range(3)
    }


def test_places_of_what_is_new_or_missing_begin_at_zero() -> None:
    network = build("mlp", input_shape=(5,), num_outputs=2, embeddings=TABLES, seed=0)
    for i in range(3):
        weight = network.get_parameter(f"categories.tables.{i}.weight")
        assert not weight[:2].any()
        assert (weight[2:] != 0).all()


@pytest.mark.parametrize("tables", [((5, 3, 2),), ((-1, 3, 2),), ((2, 3, 2), (2, 3, 2)), ((0, 0, 2),)])
def test_tables_of_no_feature_are_refused(tables: tuple[tuple[int, int, int], ...]) -> None:
    with pytest.raises(UsageError, match="mlp"):
        build("mlp", input_shape=(5,), num_outputs=2, embeddings=tables)
