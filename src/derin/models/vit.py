"""Vision transformer: a picture is cut into patches, and attention mixes them like the words of a sentence.

Paper: A. Dosovitskiy et al., "An image is worth 16×16 words: transformers for image recognition at scale", ICLR 2021,
    arXiv:2010.11929, equations 1–4. The small size: H. Touvron et al. (DeiT), ICML 2021, arXiv:2012.12877, table 1;
    A. Steiner et al., "How to train your ViT?", 2021, arXiv:2106.10270, table 2.
`vit_s_16` has 22 050 664 parameters and 4.6 G multiply-adds.
Differs: sides that are no multiple of the patch are padded with zeros on the right and below. `stem="small"` cuts
    pictures below 64 pixels into patches of 4×4 pixels, not 16×16. Weights begin as the authors' do (Glorot's in dense
    layers, those of q, k and v each by itself, √(1/n) in the patches, 0.02 in the positions), but for the class layer,
    0.01 and not zero, and for the biases of the dense networks, 0 and not 10⁻⁶.
Known weights: timm's vit_small_patch16_224 (Apache 2.0), from the authors of "How to train your ViT?".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.layers.attention import SelfAttention
from derin.layers.initializers import initialize
from derin.layers.options import require_range
from derin.layers.stochastic_depth import rising_drop_probs
from derin.layers.transformer import EncoderBlock
from derin.models.info import ModelInfo
from derin.models.key_map import KeyMap
from derin.models.network import Network, with_stem

_DIM, _NUM_BLOCKS, _NUM_HEADS = 384, 12, 6
_EPSILON = 1e-6  # of the norms


@dataclass(frozen=True, kw_only=True)
class ViTOptions:
    """Options of `vit_s_16`.

    Args:
        stem: "imagenet" cuts the picture into patches of 16×16 pixels, "small" of 4×4; "auto" takes "small" below 64
            pixels.
        dropout: share of the tokens' numbers set to zero in training, behind the positions and in every block.
        stochastic_depth: share of the examples that pass by the last block's sublayers in training, less for earlier
            blocks; DeiT's is 0.1.
    """

    stem: Literal["auto", "imagenet", "small"] = "auto"
    dropout: float = 0.0
    stochastic_depth: float = 0.1

    def __post_init__(self) -> None:
        require_range("vit_s_16", "dropout", self.dropout, 0.0, 0.99)
        require_range("vit_s_16", "stochastic_depth", self.stochastic_depth, 0.0, 0.99)


class PatchTokens(nn.Module):
    """z = [class token; patches · E] + positions: equation 1. N is the number of patches.

    Shapes:
        ``(B, C, H, W)`` → ``(B, 1 + N, dim)``.
    """

    parameter_roles: ClassVar[dict[str, str]] = {"class_token": "position", "positions": "position"}

    def __init__(self, input_shape: tuple[int, ...], patch: int, dim: int) -> None:
        super().__init__()
        self.patch, self.grid = patch, _grid(input_shape, patch)
        self.conv = nn.Conv2d(input_shape[0], dim, patch, patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.positions = nn.Parameter(torch.empty(1, 1 + self.grid[0] * self.grid[1], dim).normal_(std=0.02))

    def forward(self, x: Tensor) -> Tensor:
        right, below = -x.shape[3] % self.patch, -x.shape[2] % self.patch
        patches = self.conv(F.pad(x, (0, right, 0, below)) if right or below else x).flatten(2).transpose(1, 2)
        return torch.cat([self.class_token.expand(x.shape[0], -1, -1), patches], dim=1) + self.positions


class TokensAsMaps(nn.Module):
    """y = x. On the way its child `maps` sees the patches in their places, ``(B, dim, rows, columns)``: Grad-CAM looks
    there.

    Shapes:
        ``(B, 1 + N, dim)`` → the same.
    """

    def __init__(self, grid: tuple[int, int]) -> None:
        super().__init__()
        self.grid = grid
        self.maps = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        maps = self.maps(x[:, 1:].transpose(1, 2).unflatten(2, self.grid))
        return torch.cat([x[:, :1], maps.flatten(2).transpose(1, 2)], dim=1)


class ViT(Network):
    """Patches and a class token, twelve blocks, a norm, and a dense output that reads the class token.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs)``.

    Example:
        >>> net = ViT((3, 224, 224), 1000, ViTOptions())
        >>> sum(p.numel() for p in net.parameters())
        22050664
    """

    former_names: ClassVar[tuple[tuple[str, str], ...]] = ((r"(encoder\.block\d+)\.(widen|narrow)\b", r"\1.dense.\2"),)

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: ViTOptions) -> None:
        options = with_stem(options, input_shape)
        super().__init__(input_shape, options=options)
        self.stem = PatchTokens(input_shape, 4 if options.stem == "small" else 16, _DIM)
        self.dropout = nn.Dropout(options.dropout) if options.dropout else nn.Identity()
        self.encoder = nn.Sequential()
        for number, drop_prob in enumerate(rising_drop_probs(options.stochastic_depth, _NUM_BLOCKS), start=1):
            if number == _NUM_BLOCKS:
                # What follows the last block reads the class token alone, so that the patches have no gradient there.
                self.encoder.add_module("picture", TokensAsMaps(self.stem.grid))
            block = EncoderBlock(
                _DIM,
                _NUM_HEADS,
                4 * _DIM,
                options.dropout,
                epsilon=_EPSILON,
                attention_dropout=0.0,
                dense_dropout=options.dropout,
                drop_prob=drop_prob,
            )
            self.encoder.add_module(f"block{number}", block)
        self.norm = nn.LayerNorm(_DIM, eps=_EPSILON)
        self.output = nn.Linear(_DIM, num_outputs)
        initialize(self, "glorot")
        for part in self.encoder.modules():
            if isinstance(part, SelfAttention):
                # One dense layer holds three of dim → dim, and each begins as it would by itself.
                nn.init.normal_(part.qkv.weight, std=_DIM**-0.5)
        initialize(self.stem.conv, "xavier")
        initialize(self.output, "normal")

    def forward(self, x: Tensor) -> Tensor:
        x = self.encoder(self.dropout(self.stem(self.require(x))))  # (B, 197, 384) of 224 × 224
        return self.output(self.norm(x[:, 0]))


def _grid(input_shape: tuple[int, ...], patch: int) -> tuple[int, int]:
    """Rows and columns of patches, those that are padded included."""
    return -(-input_shape[1] // patch), -(-input_shape[2] // patch)


_KEYS = "(weight|bias)"


def _keys(
    scheme: str,
    *,
    class_token: str,
    positions: str,
    conv: str,
    block: str,
    parts: dict[str, str],
    ends: tuple[str, str],
) -> KeyMap:
    """Rules of one scheme; `block` holds {block}, counted from 0 as both schemes do."""
    rules = [(class_token, "stem.class_token"), (positions, "stem.positions"), (rf"{conv}\.{_KEYS}", r"stem.conv.\1")]
    for number in range(_NUM_BLOCKS):
        theirs = block.format(block=number)
        rules += [
            (rf"{theirs}\.{name}{_KEYS}", rf"encoder.block{number + 1}.{part}.\1") for name, part in parts.items()
        ]
    rules += [(rf"{ends[0]}\.{_KEYS}", r"norm.\1"), (rf"{ends[1]}\.{_KEYS}", r"output.\1")]
    return KeyMap(scheme, rules=tuple(rules))


_TIMM = _keys(
    "timm",
    class_token="cls_token",
    positions="pos_embed",
    conv=r"patch_embed\.proj",
    block=r"blocks\.{block}",
    parts={
        r"norm1\.": "norm1",
        r"attn\.qkv\.": "attention.qkv",
        r"attn\.proj\.": "attention.project",
        r"norm2\.": "norm2",
        r"mlp\.fc1\.": "dense.widen",
        r"mlp\.fc2\.": "dense.narrow",
    },
    ends=("norm", "head"),
)
_TORCHVISION = _keys(
    "torchvision",
    class_token="class_token",
    positions=r"encoder\.pos_embedding",
    conv="conv_proj",
    block=r"encoder\.layers\.encoder_layer_{block}",
    parts={
        r"ln_1\.": "norm1",
        r"self_attention\.in_proj_": "attention.qkv",
        r"self_attention\.out_proj\.": "attention.project",
        r"ln_2\.": "norm2",
        r"mlp\.0\.": "dense.widen",
        r"mlp\.3\.": "dense.narrow",
    },
    ends=(r"encoder\.ln", r"heads\.head"),
)

VIT_S_16 = ModelInfo(
    name="vit_s_16",
    build=ViT,
    options=ViTOptions,
    input_kind="picture",
    native_input=(3, 224, 224),
    native_outputs=1000,
    smallest_input=(1, 4, 4),
    paper="Dosovitskiy et al.: An image is worth 16×16 words: transformers for image recognition at scale. ICLR 2021",
    year=2020,
    note="Below 64 pixels patches of 4×4 (stem=small); sides between multiples of the patch are padded with zeros.",
    gradient_layer="encoder.picture.maps",
    key_maps=(_TIMM, _TORCHVISION),
)
