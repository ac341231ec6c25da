"""What the face networks do beside what every model does: vectors of length 1, and the parts that only they have."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from derin.models import MODELS, build
from derin.models.facenet import FaceModule, L2Pool


@pytest.mark.parametrize(
    ("name", "shape", "options"),
    [
        ("facenet_nn1", (1, 33, 40), {"dense_units": 12}),
        ("facenet_nn4_small2", (3, 66, 71), {}),
        ("mobilefacenet", (3, 33, 50), {}),
    ],
)
def test_embeddings_have_length_one(name: str, shape: tuple[int, ...], options: dict[str, int]) -> None:
    network = build(name, input_shape=shape, num_outputs=9, seed=0, **options).eval()
    vectors = network(torch.rand(4, *shape, generator=torch.Generator().manual_seed(1)))
    torch.testing.assert_close((vectors.double() ** 2).sum(1), torch.ones(4, dtype=torch.float64))


def test_l2_pooling_is_the_root_of_the_sum_of_squares_of_windows_side_by_side() -> None:
    x = torch.randn(2, 5, 7, 9, generator=torch.Generator().manual_seed(1))
    windows = x[:, :, :6].double().numpy().reshape(2, 5, 2, 3, 3, 3)
    np.testing.assert_allclose(L2Pool()(x).numpy(), np.sqrt((windows**2).sum((3, 5))), rtol=1e-5)


def test_l2_pooling_of_nothing_but_zeros_has_a_gradient_of_zero() -> None:
    x = torch.zeros(1, 1, 3, 3, requires_grad=True)
    L2Pool()(x).sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, torch.zeros(1, 1, 3, 3))


def test_smaller_views_of_a_face_module_stand_in_the_middle_of_zeros() -> None:
    module = FaceModule(4, (2, 3), None, torch.nn.MaxPool2d(3, 2))
    x = 1 + torch.rand(2, 4, 12, 12)
    joined = module(x)
    assert joined.shape == (2, 3 + 4, 12, 12)
    pooled = joined[:, 3:]  # 5 pixels: 3 zeros before them, 4 behind
    assert torch.equal(pooled[:, :, 3:8, 3:8], module.pooled(x))
    assert torch.count_nonzero(pooled) == 2 * 4 * 25


def test_every_tensor_of_the_openface_scheme_is_known() -> None:
    (names,) = MODELS["facenet_nn4_small2"].key_maps
    network = build("facenet_nn4_small2", input_shape=(3, 96, 96), num_outputs=128)
    foreign = [f"layer{n}.{part}" for n in (1, 6, 9, 25) for part in ("weight", "bias")]
    foreign += [f"layer{n}.{part}" for n in (2, 7, 10) for part in ("weight", "bias", "running_mean", "running_var")]
    for layer in (14, 15, 16, 17, 18, 19, 21):
        windows = 1 if layer > 18 else 2
        units = [(place, unit) for place in range(windows) for unit in ((1, 2), (4, 5))]
        if layer not in (16, 18):  # these halve the map and have neither projection nor 1×1 windows
            units += [(windows, (2, 3)), (windows + 1, (1, 2))]
        for place, (conv, norm) in units:
            start = f"layer{layer}.seq_list.{place}."
            foreign += [f"{start}{conv}_conv.{part}" for part in ("weight", "bias")]
            foreign += [f"{start}{norm}_bn.{part}" for part in ("weight", "bias", "running_mean", "running_var")]
    own = [key for key in network.state_dict() if not key.endswith("num_batches_tracked")]
    assert sorted(names.translate(name) or name for name in foreign) == sorted(own)


def test_the_pools_of_nn4_small2_are_those_of_openface() -> None:
    """Table of B. Amos et al., OpenFace: m 3×3, 2 in 3a, 3c, 4e and 5b, and L2 over 3×3 elsewhere."""
    network = build("facenet_nn4_small2", input_shape=(3, 96, 96), num_outputs=2)
    pools = {name: part.pooled[0] for name, part in network.named_children() if isinstance(part, FaceModule)}
    largest = {name: (pool.kernel_size, pool.stride) for name, pool in pools.items() if not isinstance(pool, L2Pool)}
    assert largest == dict.fromkeys(("inception3a", "inception3c", "inception4e", "inception5b"), (3, 2))
    assert len(pools) == 7
