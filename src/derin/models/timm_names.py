"""The names that timm gives to the tensors of networks of inverted residuals, MobileNet and EfficientNet alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from derin.models.key_map import KeyMap

NORM = "(weight|bias|running_mean|running_var)"


def timm_keys(blocks: Iterable[tuple[int, int, Mapping[str, str]]], *, has_head: bool) -> KeyMap:
    """The rules for a network of a stem, blocks, a last 1×1 convolution where it has one, and an output layer.

    Args:
        blocks: stage and place of each block, from 1, and its convolutions in order: timm's name and ours. The norms
            of a block are numbered in the order of the convolutions that have one; those of squeeze and excitation
            (``se.``) have biases instead.
        has_head: whether a 1×1 convolution stands before the average.

    Example:
        >>> names = timm_keys([(1, 1, {"conv_dw": "depthwise", "conv_pw": "pointwise"})], has_head=False)
        >>> names.translate("blocks.0.0.bn2.running_var")
        'stage1.block1.pointwise.norm.running_var'
    """
    rules = [(r"conv_stem\.weight", "stem.conv.weight"), (rf"bn1\.{NORM}", r"stem.norm.\1")]
    for stage, place, parts in blocks:
        theirs, ours = rf"blocks\.{stage - 1}\.{place - 1}", f"stage{stage}.block{place}"
        norms = 0
        for name, part in parts.items():
            if name.startswith("se."):
                rules.append((rf"{theirs}\.{name}\.(weight|bias)", rf"{ours}.{part}.\1"))
            else:
                norms += 1
                rules.append((rf"{theirs}\.{name}\.weight", f"{ours}.{part}.conv.weight"))
                rules.append((rf"{theirs}\.bn{norms}\.{NORM}", rf"{ours}.{part}.norm.\1"))
    if has_head:
        rules += [(r"conv_head\.weight", "head.conv.weight"), (rf"bn2\.{NORM}", r"head.norm.\1")]
    rules.append((r"classifier\.(weight|bias)", r"output.\1"))
    return KeyMap("timm", rules=tuple(rules), unused=(r"(blocks\.\d+\.\d+\.)?bn\d\.num_batches_tracked",))
