"""A variational autoencoder: an encoder that gives mean and log-variance of a code, a decoder that makes pictures.

Paper: D. P. Kingma, M. Welling, "Auto-encoding variational Bayes", ICLR 2014, arXiv:1312.6114; D. J. Rezende et al.,
    ICML 2014, arXiv:1401.4082.
Differs: the dense networks have ReLU and two hidden layers; the convolutional ones are those of DCGAN, whose generator
    ends without tanh here. Both networks are built of registered ones and have none of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

from torch import nn

from derin.core.errors import UsageError
from derin.layers.options import require_range
from derin.models.system import SystemInfo

_DENSE_UP_TO = 32  # pixels of a side of gray pictures


@dataclass(frozen=True, kw_only=True)
class VAEOptions:
    """Options of the system `vae`.

    Args:
        latent: numbers of the code.
        layers: ``"dense"`` or ``"conv"``; ``"auto"`` is dense for gray pictures of at most 32 × 32.
        hidden: of the dense encoder; the decoder has them the other way round.
        width: channels of the largest maps of the convolutional networks.
        likelihood: ``"binary"`` gives a logit for each value of a picture; ``"logistic"`` the mean and log-scale of a
            logistic distribution over its 256 levels; ``"auto"`` is binary for gray pictures.
    """

    latent: int = 20
    layers: Literal["auto", "dense", "conv"] = "auto"
    hidden: tuple[int, ...] = (512, 256)
    width: int = 32
    likelihood: Literal["auto", "binary", "logistic"] = "auto"

    def __post_init__(self) -> None:
        require_range("vae", "latent", self.latent, 1, 10_000)
        require_range("vae", "width", self.width, 1, 1024)


def _networks(input_shape: tuple[int, ...], options: VAEOptions) -> dict[str, nn.Module]:
    from derin.models.building import build

    if len(input_shape) != 3:
        raise UsageError(f"The system vae makes pictures; got inputs of shape {input_shape}.")
    channels, height, width = input_shape
    is_gray = channels == 1
    binary = options.likelihood == "binary" or (options.likelihood == "auto" and is_gray)
    of_value = 1 if binary else 2
    dense = options.layers == "dense" or (options.layers == "auto" and is_gray and max(height, width) <= _DENSE_UP_TO)
    if dense:
        return {
            "encoder": build("mlp", input_shape=input_shape, num_outputs=2 * options.latent, hidden=options.hidden),
            "decoder": build(
                "mlp",
                input_shape=(options.latent,),
                num_outputs=of_value * prod(input_shape),
                hidden=options.hidden[::-1],
            ),
        }
    return {
        "encoder": build(
            "dcgan_discriminator", input_shape=input_shape, num_outputs=2 * options.latent, width=options.width
        ),
        "decoder": build(
            "dcgan_generator",
            input_shape=(options.latent,),
            num_outputs=of_value * channels,
            size=(height, width),
            width=options.width,
            output="linear",
        ),
    }


VAE = SystemInfo(
    name="vae",
    build=_networks,
    options=VAEOptions,
    paper="Kingma, Welling: Auto-encoding variational Bayes. ICLR 2014",
)
