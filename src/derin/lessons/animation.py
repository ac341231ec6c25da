"""Animated pictures in which a still ground is drawn once and only some artists move."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

_COLORS = 128


def animate(
    figure: Figure,
    artists: Sequence[Artist],
    show: Callable[[int], None],
    *,
    num_frames: int,
    seconds: float = 0.1,
    last_seconds: float = 2.0,
) -> bytes:
    """A GIF that runs again and again.

    Args:
        figure: with everything that stands still.
        artists: what moves; made with ``animated=True``.
        show: sets the artists for a frame, numbered from 0.
        num_frames: how many there are.
        seconds: how long each is shown.
        last_seconds: how long the last one is.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    ground = canvas.copy_from_bbox(figure.bbox)
    pictures = []
    for frame in range(num_frames):
        canvas.restore_region(ground)
        show(frame)
        for artist in artists:
            artist.draw(canvas.get_renderer())
        pictures.append(Image.fromarray(np.array(canvas.buffer_rgba())).convert("RGB"))
    # One palette for all, from the last frame, on which everything has been drawn; else colors flicker.
    # Thin lines have few pixels: coverage keeps their colors apart, where the usual cut would merge them.
    palette = pictures[-1].quantize(_COLORS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    frames = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    durations = [round(1000 * seconds)] * (num_frames - 1) + [round(1000 * last_seconds)]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=True)
    return file.getvalue()
