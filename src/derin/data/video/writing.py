"""Writes a video frame by frame; the file appears when all of it is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from derin.core.errors import ShapeError, StorageError, UsageError
from derin.core.files import path_atomically
from derin.data.video.reading import Pixels, video_library

# Container, encoder and options, by the ending of the file. At a CRF of 20 nobody sees what is lost, and the quicker
# presets cost bytes rather than quality.
_H264 = ("libx264", {"crf": "20", "preset": "superfast"})
_FORMS = {
    ".mp4": ("mp4", *_H264),
    ".m4v": ("mp4", *_H264),
    ".mov": ("mov", *_H264),
    ".mkv": ("matroska", *_H264),
    ".webm": ("webm", "libvpx-vp9", {"crf": "32", "b": "0", "deadline": "realtime", "cpu-used": "8", "row-mt": "1"}),
}


def is_written_video(path: Path) -> bool:
    """Whether a file of this name would be a video that can be written."""
    return path.suffix.lower() in _FORMS


class VideoWriter:
    """A video that is being written; `open_video_writer` makes it."""

    def __init__(self, container: Any, stream: Any, size: tuple[int, int], time_base: Fraction) -> None:
        self._container, self._stream, self._size, self._time_base = container, stream, size, time_base

    def write(self, pixels: Pixels, time: int) -> None:
        """One more frame, which is shown from a time on.

        Args:
            pixels: of the size of the others.
            time: in units of the time base, later than that of the frame before.

        Shapes:
            pixels ``(H, W, 3)`` uint8.

        Raises:
            ShapeError: the frame has another size.
        """
        if pixels.shape != (*self._size, 3):
            raise ShapeError(
                f"All frames of a video must have one size, here {self._size[1]} × {self._size[0]} pixels; got a frame "
                f"of {pixels.shape[1]} × {pixels.shape[0]}."
            )
        odd = [(0, side % 2) for side in self._size]
        if any(more for _, more in odd):  # colors are stored for two by two pixels
            pixels = np.pad(pixels, (*odd, (0, 0)), mode="edge")
        frame = video_library().VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts, frame.time_base = time, self._time_base
        self._container.mux(self._stream.encode(frame))


@contextmanager
def open_video_writer(
    path: Path, size: tuple[int, int], *, rate: Fraction, time_base: Fraction, pixel_aspect: Fraction = Fraction(1)
) -> Iterator[VideoWriter]:
    """A writer of frames; the file stands there once the block ends well.

    Args:
        path: of the file, whose ending says in which form: ``.mp4``, ``.m4v``, ``.mov``, ``.mkv`` or ``.webm``.
        size: height and width of the frames. An odd side is one pixel longer in the file.
        rate: frames per second on average.
        time_base: seconds in a unit of time.
        pixel_aspect: how much wider than high a pixel is shown.

    Raises:
        UsageError: there is no such form, or FFmpeg was built without its encoder.
        StorageError: the file cannot be written.
    """
    if not is_written_video(path):
        raise UsageError(f"A video is written as {', '.join(_FORMS)}; got {path.name!r}. Choose one of these endings.")
    av = video_library()
    form, codec, options = _FORMS[path.suffix.lower()]
    if codec not in av.codecs_available:
        raise UsageError(f"{path.suffix} is written with {codec}, which this FFmpeg was built without; name another.")
    with path_atomically(path) as temporary:
        try:
            with av.open(str(temporary), "w", format=form) as container:
                stream = container.add_stream(codec, rate=rate, options=options)
                stream.height, stream.width = (side + side % 2 for side in size)
                stream.pix_fmt = "yuv420p"
                stream.codec_context.time_base = time_base
                stream.codec_context.sample_aspect_ratio = pixel_aspect
                yield VideoWriter(container, stream, size, time_base)
                container.mux(stream.encode())
        except av.error.FFmpegError as error:
            raise StorageError(f"The video {path} cannot be written: {error.strerror}.") from None
