"""More classes than there are: the examples of a class are moved all alike, and are then examples of another class."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from derin.core.errors import UsageError
from derin.data.augment.geometry import move
from derin.data.augment.settings import Augmentation


def read_class_augmentation(words: str) -> Augmentation:
    """The augmentation in the words of ``--augment``; what comes in over the edge is the nearest pixel,
    unless another fill is named.

    Raises:
        UsageError: it does more than move pictures, or a word or value does not fit.

    Example:
        >>> str(read_class_augmentation("flip,rotate=20"))
        'flip,rotate=20,fill=edge'
    """
    asked = Augmentation.parse(words)
    if not asked.only_moves:
        raise UsageError(
            f"class_augmentation moves the pictures of a class all alike (flip, flip_vertical, rotate, zoom, shear, "
            f"shift); got {words!r}. Leave the rest to augment (--augment)."
        )
    return asked if asked.is_identity or asked.fill != "auto" else replace(asked, fill="edge")


def augment_classes(pictures: Tensor, labels: Tensor, augmentation: Augmentation) -> Tensor:
    """The pictures of a batch, those of each class moved by one map that is drawn for the class.

    Whatever is done to two pictures alike, they are as much of one class as before: a letter in mirror writing, or a
    face with other proportions, is a class of its own that training does not know. Few classes so become many, which
    is what comparing new ones lacks. A class and what is made of it never meet in a batch, so that signs that are their
    own mirror images do no harm.

    Args:
        pictures: as the network reads them.
        labels: the class of each.
        augmentation: that moves pictures and does nothing else. Its numbers come from the generator of the device,
            which the loop seeds for every step.

    Shapes:
        ``(B, C, H, W)`` and ``(B,)`` → ``(B, C, H, W)`` float32, channels last in memory.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> rows = torch.arange(3.0).view(1, 1, 1, 3).repeat(4, 1, 1, 1)
        >>> augment_classes(rows, torch.tensor([7, 7, 3, 3]), Augmentation(flip_horizontal=0.5)).flatten(1).tolist()
        [[0.0, 1.0, 2.0], [0.0, 1.0, 2.0], [2.0, 1.0, 0.0], [2.0, 1.0, 0.0]]

    Source: A. Santoro et al., "Meta-Learning with Memory-Augmented Neural Networks", ICML 2016, section 4.1, and J.
        Liu, F. Chao, C.-M. Lin, "Task Augmentation by Rotating for Meta-Learning", 2020, arXiv:2003.00804, with turns
        by 90 degrees; any affine map serves.
    """
    classes, codes = torch.unique(labels, return_inverse=True)
    uniforms = torch.rand(len(classes), augmentation.num_uniforms, device=labels.device).cpu()
    size = (pictures.shape[2], pictures.shape[3])
    geometry = augmentation.geometry(uniforms, size)[codes.cpu().numpy()]
    moved = move(pictures, geometry, augmentation.fill_for(pictures.shape[1]))
    return moved.contiguous(memory_format=torch.channels_last)
