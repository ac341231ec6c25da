"""Networks that forecast, against their formulas in NumPy float64."""

import numpy as np
import pytest
import torch

from derin.core.errors import ShapeError
from derin.models import build
from derin.models.series_network import SeriesOptions
from derin.models.series_tcn import SeriesTCN, TCNOptions

NAMES = ("series_mlp", "nlinear", "dlinear", "series_tcn", "series_lstm", "series_gru")
B, T, C, K, H = 2, 13, 3, 2, 5


def network(name: str, num_variables: int = C + K, **options: object) -> torch.nn.Module:
    built = build(name, input_shape=(T, num_variables), num_outputs=H * C, targets=C, seed=0, **options)
    return built.double().eval()


def window(num_variables: int = C + K) -> torch.Tensor:
    return torch.randn(B, T, num_variables, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def dense(layer: torch.nn.Linear, x: np.ndarray) -> np.ndarray:
    bias = 0 if layer.bias is None else layer.bias.detach().numpy()
    return x @ layer.weight.detach().numpy().T + bias


def test_nlinear_is_its_formula() -> None:
    net, x = network("nlinear"), window()
    torch.nn.init.normal_(net.others.linear.weight)
    targets, others = x[..., :C].numpy(), x[..., C:].numpy()
    last = targets[:, -1:]
    expected = dense(net.steps, (targets - last).swapaxes(1, 2)).swapaxes(1, 2) + last
    expected += dense(net.others.linear, others.reshape(B, -1)).reshape(B, H, C)
    np.testing.assert_allclose(net(x).detach().numpy().reshape(B, H, C), expected, rtol=1e-12, atol=1e-12)


def test_dlinear_is_moving_average_and_remainder() -> None:
    net, x = network("dlinear", num_variables=C, average=5), window(C)
    series = x.numpy().swapaxes(1, 2)
    padded = np.concatenate([series[..., :1]] * 2 + [series] + [series[..., -1:]] * 2, axis=-1)
    average = np.stack([padded[..., i : i + 5].mean(-1) for i in range(T)], axis=-1)
    expected = dense(net.trend, average) + dense(net.remainder, series - average)
    np.testing.assert_allclose(net(x).detach().numpy().reshape(B, H, C), expected.swapaxes(1, 2), rtol=1e-12)


@pytest.mark.parametrize("name", ["series_mlp", "nlinear", "series_tcn", "series_lstm"])
def test_a_window_that_is_moved_moves_its_forecast_alike(name: str) -> None:
    net, x = network(name, num_variables=C), window(C)
    offset = torch.tensor([100.0, -3.0, 0.5], dtype=torch.float64)
    expected = net(x).reshape(B, H, C) + offset
    torch.testing.assert_close(net(x + offset).reshape(B, H, C), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["series_tcn", "series_gru"])
def test_a_window_that_is_stretched_stretches_its_forecast_alike(name: str) -> None:
    net, x = network(name, num_variables=C), window(C)
    torch.testing.assert_close(net(1000 * x), 1000 * net(x), rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_steps_of_all_targets_and_one_target_alone_is_possible(name: str) -> None:
    assert network(name)(window()).shape == (B, H * C)
    assert build(name, input_shape=(T, 1), num_outputs=1, seed=0)(torch.zeros(B, T, 1)).shape == (B, 1)


@pytest.mark.parametrize("name", NAMES)
def test_sizes_that_do_not_fit_are_refused(name: str) -> None:
    for shape, outputs, targets in (((T,), 6, 1), ((T, 2), 6, 3), ((T, 3), 7, 3)):
        with pytest.raises(ShapeError, match="variables"):
            build(name, input_shape=shape, num_outputs=outputs, targets=targets)


def test_the_last_step_of_a_temporal_convolution_sees_the_whole_window_and_no_more_than_is_there() -> None:
    net = SeriesTCN((T, 1), H, TCNOptions(level="none", dropout=0.0)).double().eval()
    x = window(1).requires_grad_()
    net(x).sum().backward()
    assert x.grad is not None
    assert bool((x.grad[:, 0] != 0).any())
    steps = net.blocks(window(1).transpose(1, 2))
    changed = window(1)
    changed[:, 7:] += 1
    assert torch.equal(steps[..., :7], net.blocks(changed.transpose(1, 2))[..., :7])


def test_targets_share_the_weights_of_the_default_network() -> None:
    net, x = network("series_mlp", num_variables=C), window(C)
    forecast = net(x).reshape(B, H, C)
    order = [2, 0, 1]
    torch.testing.assert_close(net(x[..., order]).reshape(B, H, C), forecast[..., order])


def test_options_of_every_network_name_the_targets() -> None:
    assert SeriesOptions().targets == 1


@pytest.mark.parametrize("context_length", [2, 5, 6, 12, 13, 14, 29, 61, 62])
def test_a_temporal_network_has_the_fewest_blocks_that_see_the_whole_window(context_length: int) -> None:
    """Two convolutions of k values at dilation 2^b in block b see 1 + 2·(k − 1)·(2^blocks − 1) steps."""
    built = build("series_tcn", input_shape=(context_length, 1), num_outputs=1, targets=1, kernel=3, dropout=0.0)
    seen = [1 + 2 * 2 * (2**blocks - 1) for blocks in range(1, len(built.blocks) + 1)]
    assert seen[-1] >= context_length
    assert all(steps < context_length for steps in seen[:-1])


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_a_recurrent_network_forecasts_from_its_last_step(kind: str) -> None:
    """What was read last has a say in every number of the forecast."""
    net, x = network(f"series_{kind}", layers=1), window()
    targets, others = x[..., :C], x[..., C:]
    with torch.no_grad():
        for part in net.modules():
            if isinstance(part, torch.nn.Linear):
                torch.nn.init.normal_(part.weight)
        before = net.forecast(targets, others)
        changed = targets.clone()
        changed[:, -1] += 1
        assert ((net.forecast(changed, others) - before).abs() > 1e-6).all()
