"""Padding says nothing: whatever a network's biases are, a row gives alone what it gives among longer ones.

Biases begin at zero, where much of what padding could add is zero too; here they are not.
"""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from tests.models.small_networks import NAMES, build_small
from torch import Tensor, nn

from derin.models import MODELS

LENGTHS = (7, 1, 4)
# Word vectors read windows of text, and pictures are padded at their edges alone.
WITHOUT_ROWS = {"skip_gram", "cbow", "glove"}
READERS = [name for name in NAMES if MODELS[name].input_kind == "tokens" and name not in WITHOUT_ROWS]
TRANSLATORS = {"seq2seq_gru", "seq2seq_attention", "transformer"}


def biased(name: str) -> nn.Module:
    """A network in double precision, every number of it drawn anew but for the padding's vector, which stays zero."""
    net = build_small(name).double().eval()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3 + 0.1)
        for module in net.modules():
            if isinstance(module, nn.Embedding) and module.padding_idx is not None:
                module.weight[module.padding_idx] = 0.0
    return net


def padded(*lengths: int, characters: bool = False, seed: int = 2) -> Tensor:
    """Tokens, with zeros behind the length of each row; with characters each word is a row too."""
    generator, longest = torch.Generator().manual_seed(seed), max(lengths)
    shape = (len(lengths), longest, 6) if characters else (len(lengths), longest)
    tokens = torch.randint(4, 7, shape, generator=generator)
    there = torch.arange(longest) < torch.tensor(lengths)[:, None]
    if characters:
        tokens[:, ::2, 4:] = 0  # shorter words
    return tokens * (there[..., None] if characters else there)


def scores(net: nn.Module, *inputs: Tensor) -> Tensor:
    found = net(*inputs)
    return found[0] if isinstance(found, tuple) else found


@pytest.mark.parametrize("name", [name for name in READERS if name not in TRANSLATORS])
def test_a_row_gives_alone_what_it_gives_among_longer_ones(name: str) -> None:
    net = biased(name)
    tokens = padded(*LENGTHS, characters=name == "bilstm_crf")
    with torch.no_grad():
        together = scores(net, tokens)
        for row, length in enumerate(LENGTHS):
            alone = scores(net, tokens[row : row + 1, :length])[0]
            found = together[row, :length] if together.ndim == 3 else together[row]
            torch.testing.assert_close(found, alone, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", sorted(TRANSLATORS))
def test_a_translation_is_scored_alone_as_among_longer_sources_and_targets(name: str) -> None:
    net, source, target = biased(name), padded(*LENGTHS), padded(2, 5, 3, seed=3)
    with torch.no_grad():
        together = net(source, target)
        for row, (read, written) in enumerate(zip(LENGTHS, (2, 5, 3))):
            alone = net(source[row : row + 1, :read], target[row : row + 1, :written])[0]
            torch.testing.assert_close(together[row, :written], alone, rtol=1e-9, atol=1e-9)


def test_tags_of_a_padded_sentence_are_those_of_the_sentence_alone() -> None:
    net, tokens = biased("bilstm_crf"), padded(*LENGTHS, characters=True)
    with torch.no_grad():
        best = net.crf.decode(net(tokens), tokens[..., 0] != 0)
        for row, length in enumerate(LENGTHS):
            one = tokens[row : row + 1, :length]
            alone = net.crf.decode(net(one), one[..., 0] != 0)
            assert torch.equal(torch.as_tensor(best[row])[:length], torch.as_tensor(alone[0])[:length])


PICTURES = ["convnet", "resnet20", "mobilenet_v1", "unet", "vgg11", "inception_v3", "lenet5"]


@pytest.mark.parametrize("name", PICTURES)
def test_what_pads_a_picture_is_zero_before_the_bias_of_its_convolution(name: str) -> None:
    """Every padded convolution of a network gives what a picture with a black frame of its own gives."""
    torch.manual_seed(3)
    for module in build_small(name).modules():
        if not isinstance(module, nn.Conv2d) or not any(module.padding):
            continue
        x = torch.randn(1, module.in_channels, 9, 11)
        with torch.no_grad():
            if module.bias is not None:
                module.bias.fill_(1.5)
            height, width = module.padding
            framed = F.pad(x, (width, width, height, height))
            expected = F.conv2d(framed, module.weight, module.bias, module.stride, 0, module.dilation, module.groups)
            torch.testing.assert_close(module(x), expected, rtol=1e-4, atol=1e-4)


def test_a_unet_fills_pictures_up_with_zeros_and_cuts_the_filling_off() -> None:
    net = biased("unet")
    x = torch.randn(1, 3, 19, 23, dtype=torch.float64)
    # 32 × 32 hold it: 13 rows and 9 columns more, the odd one below and at the right.
    with torch.no_grad():
        whole = net(F.pad(x, (4, 5, 6, 7)))
        torch.testing.assert_close(net(x), whole[:, :, 6:25, 4:27], rtol=1e-9, atol=1e-9)
