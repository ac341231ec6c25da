"""What a network says of each frame of a video: read, answered, drawn and written beside one another."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from derin.core.errors import DataError, UsageError
from derin.core.files import usable_path
from derin.core.messages import Message, format_number, localize
from derin.data.box_drawing import draw_caption
from derin.data.box_tracking import BoxTracker
from derin.data.pictures.reading_inputs import images_of
from derin.data.pictures.values import PixelValues
from derin.data.prefetch import ahead
from derin.data.video.reading import Pixels, VideoFrame, VideoReader
from derin.data.video.writing import is_written_video, open_video_writer
from derin.readers.file_kinds import VIDEO_FILES
from derin.readers.listing import list_files
from derin.tasks.detected import Detected
from derin.tasks.prediction import Answers, Labels, Prediction, Value
from derin.tasks.segmented import Segmented

if TYPE_CHECKING:
    from derin.api.model import Model

_FOLDER_RATE = Fraction(25)  # frames per second of a folder, which says nothing of time
_BATCH_BYTES = 8 << 20  # of frames that are answered together; some batches are in memory at a time
_MOST_AT_ONCE = 8
# Frames from which on the seconds are saved again that a faster program takes: recording one with its steps joined and
# timing it took 12 seconds of a processor where it saved 47 ms a frame; writing a network as ONNX takes far longer.
_WORTH_RECORDING, _WORTH_EXPORTING = 250, 2_000
_WAYS = {"torch": "torch", "onednn": "oneDNN", "onnxruntime": "ONNX Runtime"}


def is_video(path: Path, out: Path | None = None) -> bool:
    """Whether a path is to be answered as a video: by its ending, or because a video is to be written of it."""
    return (VIDEO_FILES.is_named(path.name) and not path.is_dir()) or (out is not None and is_written_video(out))


@dataclass(frozen=True)
class FrameAnswer:
    """What a network says of one frame.

    Args:
        frame: its place in the video, from 0 on.
        seconds: when it is shown, after the first one.
        answer: as `derin.api.model.Model.predict` gives it for a picture.

    Example:
        >>> FrameAnswer(25, 1.0, Value(0.5)).to_json()
        {'frame': 25, 'seconds': 1.0, 'value': 0.5}
    """

    frame: int
    seconds: float
    answer: Any

    def to_json(self) -> dict[str, Any]:
        return {"frame": self.frame, "seconds": round(self.seconds, 4), **self.answer.to_json()}

    def __str__(self) -> str:
        return str(self.answer)


class VideoAnswers(Iterator[FrameAnswer]):
    """The answers to the frames of a video in their order; `derin.api.model.Model.predict_video` makes it.

    Frames are read ahead while the network computes, and drawn while it computes the next ones. However long a video
    is, a few batches of frames are in memory.

    Attributes:
        width, height: of the frames, upright.
        num_frames: how many there are; None where the file says nothing.
        num_answered: how many were answered so far.
    """

    def __init__(self, model: Model, path: str | Path, *, out: str | Path | None = None, track: bool = False) -> None:
        preparation = model.preparation
        if preparation.medium != "pictures" or not hasattr(preparation, "input"):
            raise UsageError(f"Frames of a video are pictures; {model.path} reads {preparation.input_kind}.")
        self._model, self._track = model, track
        self._tracker = BoxTracker()
        self._out = None if out is None else usable_path(out, "The video")
        place = usable_path(path, "The video")
        if place.is_dir():
            self._reader: VideoReader | _FolderReader = _FolderReader(place)
        elif not place.is_file():
            raise DataError(f"{place}: a video is required; no such file exists.")
        else:
            self._reader = VideoReader(place)
        self.width, self.height, self.num_frames = self._reader.width, self._reader.height, self._reader.num_frames
        self.num_answered = 0
        self._way: list[Message] = []  # by which program the network is computed, once that is decided
        self._began = self._ended = time.perf_counter()
        self._answers = self._run()

    @property
    def notes(self) -> list[str]:
        """What is to be known of the video, as sentences; of damage it is known at the end."""
        return [localize(note) for note in (*self._reader.notes, *self._way)]

    @property
    def frames_per_second(self) -> float:
        """How many frames were answered in a second so far."""
        return self.num_answered / max(self._ended - self._began, 1e-9)

    def __next__(self) -> FrameAnswer:
        return next(self._answers)

    def close(self) -> None:
        """Stops; a video that is being written is thrown away unless its last frame was answered."""
        self._answers.close()

    def _run(self) -> Generator[FrameAnswer, None, None]:
        size = max(1, min(_MOST_AT_ONCE, _BATCH_BYTES // (3 * self.width * self.height)))
        self._warm_up(size)
        self._began = time.perf_counter()
        with ExitStack() as stack:
            frames = stack.enter_context(closing(iter(self._reader)))
            batches = stack.enter_context(closing(ahead(list, _batches(frames, size))))
            answered = stack.enter_context(closing(ahead(self._answered, batches)))
            writer = None
            if self._out is not None:
                reader = self._reader
                opened = open_video_writer(
                    self._out, (self.height, self.width), rate=reader.rate, time_base=reader.time_base,
                    pixel_aspect=reader.pixel_aspect,
                )  # fmt: skip
                writer = stack.enter_context(opened)
            for pairs in answered:
                for frame, answer in pairs:
                    if self._track:
                        answer = self._tracked(answer)
                    if writer is not None:
                        writer.write(drawn_answer(answer, frame.pixels), frame.time)
                    self.num_answered += 1
                    self._ended = time.perf_counter()
                    yield FrameAnswer(frame.number, frame.seconds, answer)

    def _warm_up(self, size: int) -> None:
        """The fastest program for batches of this size, as far as finding it is worth its time."""
        model, num = self._model, self.num_frames
        is_short = num is not None and num < _WORTH_RECORDING
        if is_short or not model.has_fast_form or _device(model.network) != "cpu":
            return
        seconds = model.warm_up(size, with_onnx=num is not None and num >= _WORTH_EXPORTING)[size]
        fastest, *others = sorted(seconds, key=lambda way: seconds[way])
        told = [f"{_WAYS[way]} {format_number(1000 * seconds[way] / size, '.0f')} ms" for way in (fastest, *others)]
        self._way.append(Message("video.way", way=_WAYS[fastest], told=", ".join(told)))

    def _answered(self, frames: list[VideoFrame]) -> list[tuple[VideoFrame, Any]]:
        answers = self._model.predictions([frame.pixels for frame in frames])
        return list(zip(frames, answers, strict=True))

    def _tracked(self, answer: Any) -> Detected:
        if not isinstance(answer, Detected):
            raise UsageError(f"Tracking follows boxes; the task {self._model.task.name!r} finds none. Leave it out.")
        corners = np.array([box.xyxy for box in answer.boxes])
        classes = [answer.classes.index(box.label) for box in answer.boxes]
        return answer.with_tracks(self._tracker.update(corners, classes).tolist())


def drawn_answer(answer: Any, pixels: Pixels) -> Pixels:
    """A picture with what was answered to it: boxes, points or masks where they lie, and all else as words.

    Args:
        answer: to the picture.
        pixels: of the picture.

    Shapes:
        ``(H, W, 3)`` → ``(H, W, 3)``.

    Raises:
        UsageError: the answer is nothing that can be drawn.
    """
    found: Pixels
    if isinstance(answer, Segmented):
        found = answer.overlay()
    elif hasattr(answer, "drawn"):
        found = answer.drawn()
    elif isinstance(answer, Prediction | Labels | Value | Answers):
        found = draw_caption(pixels, _in_words(answer))
    else:
        raise UsageError(f"Answers of the kind {type(answer).__name__} cannot be drawn on a video; leave out away.")
    return found


def _in_words(answer: Prediction | Labels | Value | Answers) -> str:
    if isinstance(answer, Answers):
        return "  ".join(f"{name}: {_in_words(part)}" for name, part in answer.columns.items())
    if isinstance(answer, Prediction):
        return f"{answer.label} {answer.probability:.2f}"
    if isinstance(answer, Labels):
        return ", ".join(answer.labels) or "–"
    return repr(answer).removeprefix("Value(").removesuffix(")")


class _FolderReader:
    """The pictures of a folder as the frames of a video, in the order in which people count."""

    def __init__(self, folder: Path) -> None:
        self._paths = list_files(folder)
        if not self._paths:
            raise DataError(f"The folder {folder} holds no pictures; name a folder of frames, or a video.")
        self.rate, self.time_base, self.pixel_aspect = _FOLDER_RATE, 1 / _FOLDER_RATE, Fraction(1)
        self.num_frames: int | None = len(self._paths)
        self.notes: list[Message] = [Message("video.folder", rate=int(_FOLDER_RATE))]
        self.height, self.width = self._pixels(self._paths[0]).shape[:2]

    def __iter__(self) -> Generator[VideoFrame, None, None]:
        for number, path in enumerate(self._paths):
            yield VideoFrame(number, number, float(number / self.rate), self._pixels(path))

    def _pixels(self, path: Path) -> Pixels:
        pixels = np.asarray(images_of(path, channels=3, values=PixelValues())[0])
        whole = pixels[..., None] if pixels.ndim == 2 else pixels
        return np.ascontiguousarray(np.broadcast_to(whole, (*whole.shape[:2], 3)))


def _batches(frames: Iterable[VideoFrame], size: int) -> Iterator[list[VideoFrame]]:
    source = iter(frames)
    while batch := list(islice(source, size)):
        yield batch


def _device(network: nn.Module) -> str:
    return next(network.parameters()).device.type
