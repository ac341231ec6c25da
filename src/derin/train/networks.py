"""What the networks of a system do otherwise than the whole run: each has an optimizer, a rate, a pace of its own.

The settings are one text, entries between semicolons, each ``NETWORK.SETTING=VALUE``:

==============  ============================================================================
``lr``          its learning rate: ``0.5x`` is half of the run's, ``1e-4`` a rate of its own
``every``       it learns at every so-manieth update only
``optimizer``   its optimizer, as the run's is named: ``adam:betas=0.5/0.999``
``ema_decay``   of the average of its weights; 0 keeps none
==============  ============================================================================
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from derin.core.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from torch import nn

    from derin.train.config import TrainConfig

_SETTINGS = ("lr", "every", "optimizer", "ema_decay")


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """Of one network; None is as in the whole run.

    Args:
        rate_factor: by which the run's learning rate is multiplied, from the schedule's highest point to its lowest.
        every: it learns at every so-manieth update only.
        optimizer: its optimizer.
        ema_decay: of the average of its weights; 0 keeps none.
    """

    rate_factor: float = 1.0
    every: int = 1
    optimizer: str | None = None
    ema_decay: float | None = None


def networks_of(task: Any, model: nn.Module) -> dict[str, nn.Module]:
    """The networks that learn, by the names of their optimizers."""
    networks: dict[str, nn.Module] = task.networks(model) if hasattr(task, "networks") else {"model": model}
    return networks


def settings_of_networks(
    task: Any, model: nn.Module, config: TrainConfig
) -> dict[str, tuple[nn.Module, NetworkSettings]]:
    """Each network with what it does otherwise."""
    networks = networks_of(task, model)
    settings = read_network_settings(config.networks, networks, learning_rate=config.learning_rate)
    return {name: (network, settings[name]) for name, network in networks.items()}


def read_network_settings(text: str, names: Collection[str], *, learning_rate: float) -> dict[str, NetworkSettings]:
    """The settings of each network.

    Args:
        text: as `TrainConfig.networks` has it; empty changes nothing.
        names: of the networks.
        learning_rate: of the run, at its highest.

    Raises:
        UnknownNameError: there is no such network or setting.
        UsageError: an entry that cannot be read, or a value out of range.

    Example:
        >>> found = read_network_settings("d.lr=0.5x;g.every=2", ["d", "g"], learning_rate=0.1)
        >>> found["d"].rate_factor, found["g"].every
        (0.5, 2)
    """
    found = {name: NetworkSettings() for name in names}
    for entry in filter(None, (part.strip() for part in text.split(";"))):
        place, equals, value = (part.strip() for part in entry.partition("="))
        network, point, setting = place.partition(".")
        if not (equals and point and value):
            raise UsageError(f"A setting of one network is written NETWORK.SETTING=VALUE; got {entry[:60]!r}.")
        if network not in found:
            raise UnknownNameError("network", network, found)
        if setting not in _SETTINGS:
            raise UnknownNameError("setting of one network", setting, _SETTINGS)
        found[network] = replace(found[network], **_read(entry, setting, value, learning_rate))
    return found


def _read(entry: str, setting: str, value: str, learning_rate: float) -> Mapping[str, Any]:
    if setting == "optimizer":
        return {"optimizer": value}
    if setting == "every":
        if not (value.isascii() and value.isdigit() and int(value) >= 1):
            raise UsageError(f"The setting `every` is a whole number of updates from 1 on; got {entry[:60]!r}.")
        return {"every": int(value)}
    is_factor = setting == "lr" and value.endswith("x")
    try:
        number = float(value.removesuffix("x") if is_factor else value)
    except ValueError:
        number = math.nan
    if setting == "ema_decay":
        if not 0 <= number < 1:
            raise UsageError(f"The setting `ema_decay` is from 0 to below 1; got {entry[:60]!r}.")
        return {"ema_decay": number}
    if not 0 <= number < math.inf or not (is_factor or learning_rate):
        raise UsageError(
            f"The setting `lr` is a factor of the run's rate, such as 0.5x, or a rate such as 1e-4; got {entry[:60]!r}."
        )
    return {"rate_factor": number if is_factor else number / learning_rate}
