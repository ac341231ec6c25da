"""U-Net gives every pixel of every size its values, and the paper's form refuses what its poolings would cut."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from derin.core.errors import ShapeError
from derin.models import build, from_spec
from derin.models.building import describe


@pytest.mark.parametrize(("height", "width"), [(16, 16), (17, 31), (45, 37), (64, 33)])
def test_map_is_as_large_as_the_picture(height: int, width: int) -> None:
    network = build("unet", input_shape=(2, 16, 16), num_outputs=5, seed=0, width=3)
    assert network(torch.zeros(2, 2, height, width)).shape == (2, 5, height, width)


def test_a_picture_is_filled_up_with_zeros_all_around_and_its_map_cut_out_again() -> None:
    network = build("unet", input_shape=(2, 45, 37), num_outputs=5, seed=0, width=3)
    x = torch.rand(2, 2, 45, 37, generator=torch.Generator().manual_seed(1))
    filled = F.pad(x, (5, 6, 1, 2))  # 45 + 3 = 48, 37 + 11 = 48
    torch.testing.assert_close(network(x), network(filled)[:, :, 1:46, 5:42])


@pytest.mark.parametrize(("depth", "side", "output"), [(4, 188, 4), (4, 572, 388), (2, 44, 4), (1, 18, 2)])
def test_valid_form_loses_a_margin(depth: int, side: int, output: int) -> None:
    network = build("unet", input_shape=(1, side, side), num_outputs=3, width=1, depth=depth, padding="valid")
    assert network(torch.zeros(1, 1, side, side)).shape == (1, 3, output, output)


@pytest.mark.parametrize(("side", "fitting"), [(571, 572), (573, 588), (172, 188)])
def test_valid_form_refuses_sizes_that_a_pooling_would_cut(side: int, fitting: int) -> None:
    network = build("unet", input_shape=(1, 188, 188), num_outputs=3, width=1, padding="valid")
    with pytest.raises(ShapeError, match=f"Use {fitting} pixels"):
        network(torch.zeros(1, 1, 188, side))
    with pytest.raises(ShapeError, match=f"Use {fitting} pixels"):
        build("unet", input_shape=(1, side, 188), num_outputs=3, width=1, padding="valid")


def test_bridges_of_the_valid_form_are_cut_in_their_middle() -> None:
    network = build("unet", input_shape=(1, 44, 44), num_outputs=1, seed=0, width=2, depth=1, padding="valid")
    seen: list[torch.Tensor] = []
    network.up[0].look.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    x = torch.rand(1, 1, 44, 44, generator=torch.Generator().manual_seed(1))
    network(x)
    bridge = network.down[0](x)  # 40 pixels; the way up gives 2 · (20 − 4) = 32
    assert torch.equal(seen[0][:, :2], bridge[:, :, 4:36, 4:36])


def test_batch_norm_is_an_option_and_takes_the_place_of_the_biases() -> None:
    network = build("unet", input_shape=(1, 16, 16), num_outputs=2, width=3, batch_norm=True)
    kinds = [type(layer).__name__ for layer in network.down[0][0]]
    assert kinds == ["Conv2d", "BatchNorm2d", "ReLU"]
    assert network.down[0][0].conv.bias is None


def walked(side: int, depth: int) -> int | None:
    """Pixels that come out of the valid form, walked through by hand; None where a pooling would cut or none is left.

    A bridge has to be as large as what it is cut for.
    """
    bridges = []
    for _ in range(depth):
        side -= 4
        if side < 2 or side % 2:
            return None
        bridges.append(side)
        side //= 2
    side -= 4
    for bridge in reversed(bridges):
        side *= 2
        if side < 1 or side > bridge:
            return None
        side -= 4
    return side if side > 0 else None


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_valid_form_takes_just_the_sizes_that_come_out_even(depth: int) -> None:
    for side in range(16, 16 * 2**depth):
        asked = {"input_shape": (1, side, side), "num_outputs": 2, "width": 1, "padding": "valid", "depth": depth}
        expected = walked(side, depth)
        if expected is None:
            with pytest.raises(ShapeError):
                from_spec(describe("unet", **asked), device="meta")
        else:
            net = from_spec(describe("unet", **asked), device="meta")
            assert net(torch.zeros(1, 1, side, side, device="meta")).shape[2:] == (expected, expected)
