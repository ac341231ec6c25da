"""Outputs that are distances to a code of each class: digits as small pictures of themselves, other classes by chance.

Paper: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition", Proc.
    IEEE 86, 1998, section II.B and fig. 3: similar characters have similar codes, so that a rejected answer is near
    the right one.
Differs: the paper shows its pictures of 7×12 pixels without a table; these are drawn anew. +1 is ink, −1 is paper.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

NUM_BITS = 84  # 12 rows of 7 pixels
_SEED = 1998  # codes of other classes are the same wherever they are made

_ZERO = """
..###..
.#...#.
#.....#
#.....#
#.....#
#.....#
#.....#
#.....#
#.....#
#.....#
.#...#.
..###..
"""
_ONE = """
...#...
..##...
.#.#...
...#...
...#...
...#...
...#...
...#...
...#...
...#...
...#...
.#####.
"""
_TWO = """
.#####.
#.....#
#.....#
......#
......#
.....#.
....#..
...#...
..#....
.#.....
#......
#######
"""
_THREE = """
.#####.
#.....#
......#
......#
......#
..####.
......#
......#
......#
......#
#.....#
.#####.
"""
_FOUR = """
.....#.
....##.
...#.#.
..#..#.
.#...#.
#....#.
#....#.
#######
.....#.
.....#.
.....#.
.....#.
"""
_FIVE = """
#######
#......
#......
#......
######.
......#
......#
......#
......#
......#
#.....#
.#####.
"""
_SIX = """
..####.
.#.....
#......
#......
#......
#.####.
##....#
#.....#
#.....#
#.....#
#.....#
.#####.
"""
_SEVEN = """
#######
......#
......#
.....#.
.....#.
....#..
....#..
...#...
...#...
..#....
..#....
..#....
"""
_EIGHT = """
.#####.
#.....#
#.....#
#.....#
#.....#
.#####.
#.....#
#.....#
#.....#
#.....#
#.....#
.#####.
"""
_NINE = """
.#####.
#.....#
#.....#
#.....#
#.....#
#....##
.####.#
......#
......#
......#
.....#.
.####..
"""
_DIGITS = (_ZERO, _ONE, _TWO, _THREE, _FOUR, _FIVE, _SIX, _SEVEN, _EIGHT, _NINE)


class RadialBasisOutput(nn.Module):
    """yᵢ = −Σⱼ (xⱼ − wᵢⱼ)²: minus the squared distance to the code of each class, so that the nearest code is largest.

    The codes are fixed. A softmax over y is the posterior of classes that are Gaussian around their codes.

    Shapes:
        ``(B, 84)`` → ``(B, num_outputs)``.

    Source: eq. 7, with the sign changed.
    """

    codes: Tensor

    def __init__(self, num_outputs: int) -> None:
        super().__init__()
        self.register_buffer("codes", class_codes(num_outputs))

    def forward(self, x: Tensor) -> Tensor:
        return -(x.unsqueeze(1) - self.codes).square().sum(2)


def class_codes(num_classes: int) -> Tensor:
    """One code of 84 signs per class, on torch's default device.

    Args:
        num_classes: for ten classes the codes are pictures of the digits; for another number every sign is drawn with
            equal chances from a fixed seed.

    Shapes:
        → ``(num_classes, 84)``.

    Example:
        >>> codes = class_codes(10)
        >>> ["".join("#" if bit > 0 else "." for bit in row) for row in codes[4].reshape(12, 7)[5:9]]
        ['#....#.', '#....#.', '#######', '.....#.']
    """
    if num_classes == len(_DIGITS):
        return torch.tensor([[1.0 if pixel == "#" else -1.0 for pixel in "".join(d.split())] for d in _DIGITS])
    device = torch.get_default_device()
    if device.type == "meta":  # a network without memory draws nothing
        return torch.empty(num_classes, NUM_BITS)
    generator = torch.Generator(device="cpu").manual_seed(_SEED)
    bits = torch.randint(0, 2, (num_classes, NUM_BITS), generator=generator, dtype=torch.int8, device="cpu")
    return (2.0 * bits - 1.0).to(device)
