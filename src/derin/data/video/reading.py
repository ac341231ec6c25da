"""Reads a video frame by frame, so that no more than one of them is in memory, however long it is."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, MissingExtraError
from derin.core.messages import Message

Pixels = npt.NDArray[np.uint8]
_QUARTER = 90  # degrees
_USUAL_RATE = Fraction(25)


def video_library() -> Any:
    """PyAV.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import av
    except ImportError:
        raise MissingExtraError("av", "video", "Reading and writing videos") from None
    return av


@dataclass(frozen=True, eq=False)
class VideoFrame:
    """One picture of a video.

    Args:
        number: its place, from 0 on.
        time: when it is shown, in units of the video's `time_base`; that of the first frame is 0.
        seconds: the same in seconds.
        pixels: upright.

    Shapes:
        pixels ``(H, W, 3)`` uint8.
    """

    number: int
    time: int
    seconds: float
    pixels: Pixels


class VideoReader:
    """The frames of a video in their order, upright, each with its time.

    Args:
        path: of the file.

    Attributes:
        time_base: seconds in a unit of time.
        rate: frames per second on average.
        width, height: of its frames, upright.
        num_frames: how many the file says it has; None where it says nothing.
        pixel_aspect: how much wider than high a pixel is shown.
        notes: what is to be known of the reading, as messages; those on damage come with the last frame.

    Raises:
        MissingExtraError: PyAV is not installed.
        DataError: the file cannot be read, is no video, or holds none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[Message] = []
        with closing(self._opened()) as container:
            if not container.streams.video:
                held = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
                raise DataError(f"{path}: a video is required; the file holds no moving pictures, but {held}.")
            stream = container.streams.video[0]
            self.time_base: Fraction = stream.time_base or 1 / _USUAL_RATE
            self.rate: Fraction = stream.average_rate or stream.guessed_rate or _USUAL_RATE
            self.num_frames: int | None = stream.frames or _frames_in(container, self.rate)
            self.pixel_aspect: Fraction = stream.codec_context.sample_aspect_ratio or Fraction(1)
            if container.streams.audio:
                self.notes.append(Message("video.sound_left_out"))
        with closing(iter(self)) as frames:
            self.height, self.width = next(frames).pixels.shape[:2]

    def __iter__(self) -> Generator[VideoFrame, None, None]:
        av = video_library()
        step = max(1, round(1 / (self.rate * self.time_base)))
        number, damaged, begin, last = 0, 0, None, -step
        with closing(self._opened()) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            for packet in container.demux(stream):
                try:
                    decoded = packet.decode()
                except av.error.FFmpegError:
                    damaged += 1
                    continue
                for frame in decoded:
                    begin = frame.pts if begin is None else begin
                    time = last + step if frame.pts is None or begin is None else frame.pts - begin
                    # Players and writers want times that rise.
                    last = time if time > last else last + 1
                    pixels = frame.to_ndarray(format="rgb24")
                    turned = np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / _QUARTER)))
                    yield VideoFrame(number, last, float(last * self.time_base), turned)
                    number += 1
        if not number:
            raise DataError(f"{self.path}: a video is required; none of its frames can be read, the file is damaged.")
        if damaged:
            self.notes.append(Message("video.damaged", count=damaged))

    def _opened(self) -> Any:
        av = video_library()
        try:
            # Lists of other files and of addresses are videos to FFmpeg too: nothing but this file is opened.
            return av.open(f"file:{self.path}", options={"protocol_whitelist": "file"})
        except (av.error.FFmpegError, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise DataError(f"{self.path}: a video is required; it cannot be read ({reason}).") from None


def _frames_in(container: Any, rate: Fraction) -> int | None:
    """How many frames fill the length that a container states, in millionths of a second."""
    return None if not container.duration else max(1, round(container.duration * rate / 1_000_000))
