"""Augmentation of whole batches of pictures on the device, and a sheet to look at."""

from derin.data.augment.preview import preview, write_preview
from derin.data.augment.settings import Augmentation

__all__ = ["Augmentation", "preview", "write_preview"]
