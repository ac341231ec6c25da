"""Videos frame by frame: what was read against what was drawn, answers against those to the single pictures."""

from __future__ import annotations

import json
import re
import struct
import sys
import tracemalloc
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import derin
from derin.api.bundles import save_model
from derin.api.model import Model
from derin.api.video import drawn_answer
from derin.cli.main import app
from derin.core.errors import DataError, MissingExtraError, ShapeError, UsageError
from derin.data.codecs.boxes import BoxesCodec
from derin.data.codecs.mask import MaskCodec
from derin.data.codecs.points import PointsCodec
from derin.data.columns import ColumnsPreparation
from derin.data.pictures.codec import PictureCodec
from derin.data.video.reading import VideoReader
from derin.data.video.writing import open_video_writer
from derin.models import build
from derin.tasks.detection import Detection
from derin.tasks.landmarks import Landmarks
from derin.tasks.localization import Localization
from derin.tasks.segmentation import Segmentation

av = pytest.importorskip("av")
Pixels = npt.NDArray[np.uint8]
MILLISECOND = Fraction(1, 1000)


def scene(number: int, size: tuple[int, int] = (48, 80)) -> Pixels:
    """A red square that goes to the right, and a bright corner at the upper left that tells which side is up."""
    pixels = np.full((*size, 3), 40, dtype=np.uint8)
    pixels[20:36, 4 + 2 * number : 20 + 2 * number] = (230, 20, 20)
    pixels[:10, :10] = 240
    return pixels


def clip(path: Path, times: list[int], size: tuple[int, int] = (48, 80)) -> Path:
    """A video of the scene whose frames are shown at these milliseconds."""
    with open_video_writer(path, size, rate=Fraction(25), time_base=MILLISECOND) as writer:
        for number, time in enumerate(times):
            writer.write(scene(number, size), time)
    return path


def with_sound(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        video, sound = container.add_stream("libx264", rate=10), container.add_stream("aac", rate=16000)
        video.width, video.height, video.pix_fmt = 80, 48, "yuv420p"
        for number in range(3):
            container.mux(video.encode(av.VideoFrame.from_ndarray(scene(number), format="rgb24")))
        for start in range(0, 4096, 1024):
            tone = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
            tone.sample_rate, tone.pts = 16000, start
            container.mux(sound.encode(tone))
        container.mux([*video.encode(), *sound.encode()])
    return path


def only_sound(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        sound = container.add_stream("pcm_s16le", rate=16000)
        tone = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.int16), format="s16", layout="mono")
        tone.sample_rate = 16000
        container.mux([*sound.encode(tone), *sound.encode()])
    return path


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of boxes that nobody trained: what it says is nonsense, and the same each time."""
    torch.manual_seed(0)
    network = build("yolo", input_shape=(3, 64, 64), num_outputs=2, seed=0, width=8, depth=1,
                    trunk_options=[["width", 0.1]]).eval()  # fmt: skip
    with torch.no_grad():
        for branch in network.classes:
            branch[-1].bias.zero_()
    codec = PictureCodec(column="picture", size=(64, 64), channels=3, mean=(0.3,) * 3, std=(0.3,) * 3, rule="pad")
    preparation = ColumnsPreparation({"input": codec}, {"target": BoxesCodec(column="boxes", frame=codec.frame)})
    task = Detection(columns=["boxes"], classes=["red", "blue"], thresholds=[0.501, 0.501])
    path = tmp_path_factory.mktemp("detector") / "model"
    save_model(path, network, task, preparation, {})
    return path


@pytest.fixture
def model(detector: Path) -> Model:
    return derin.open(detector)


def test_frames_come_back_with_their_times_and_odd_sides(tmp_path: Path) -> None:
    times = [0, 40, 90, 300, 305, 400]
    for size in ((48, 80), (49, 81)):
        reader = VideoReader(clip(tmp_path / f"{size[0]}.mp4", times, size))
        frames = list(reader)
        assert (reader.height, reader.width) == tuple(side + side % 2 for side in size)
        assert [round(frame.seconds, 4) for frame in frames] == [time / 1000 for time in times]
        for frame in frames:
            # Colors are stored for two by two pixels, so that edges of color are off.
            assert np.abs(frame.pixels[: size[0], : size[1]].astype(int) - scene(frame.number, size)).mean() < 6
        assert not reader.notes


def test_a_turned_video_is_read_and_written_upright(tmp_path: Path, model: Model) -> None:
    data = clip(tmp_path / "a.mp4", [0, 40]).read_bytes()
    # The matrix of the track's header, ISO/IEC 14496-12, 8.3.2: x' = height − y, y' = x, as of phones held upright.
    place = data.index(b"tkhd") + 44
    matrix = struct.pack(">9I", 0, 0x10000, 0, 0xFFFF0000, 0, 0, 48 << 16, 0, 0x40000000)
    (tmp_path / "turned.mp4").write_bytes(data[:place] + matrix + data[place + 36 :])
    frame = next(iter(VideoReader(tmp_path / "turned.mp4")))
    assert frame.pixels.shape == (80, 48, 3)
    assert frame.pixels[:8, -8:].min() > 200  # turned clockwise, the upper left corner is at the upper right
    assert len(list(model.predict_video(tmp_path / "turned.mp4", out=tmp_path / "upright.mp4"))) == 2
    written = next(iter(VideoReader(tmp_path / "upright.mp4")))
    assert written.pixels.shape == (80, 48, 3)


def test_answers_are_those_to_the_single_pictures_and_boxes_are_tracked(tmp_path: Path, model: Model) -> None:
    path = clip(tmp_path / "a.mp4", [0, 40, 90, 300, 305, 400, 430, 500, 600, 640, 700])
    with av.open(str(path)) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    video = model.predict_video(path, out=tmp_path / "drawn.mkv", track=True)
    answers = list(video)
    assert [each.frame for each in answers] == list(range(11))
    assert any(each.answer.boxes for each in answers)
    for each, picture in zip(answers, pictures):
        wanted = model.predict(picture)
        assert [box.label for box in each.answer] == [box.label for box in wanted]
        for box, other in zip(each.answer, wanted):
            assert box.xyxy == pytest.approx(other.xyxy, abs=1e-3)  # sums of a batch are rounded in another order
        tracks = [box.track for box in each.answer]
        assert None not in tracks
        assert len(set(tracks)) == len(tracks)
        assert all(f"#{box.track}" in box.caption for box in each.answer)
    assert {"label", "probability", "xyxy", "track"} == set(answers[0].to_json()["boxes"][0])
    written = VideoReader(tmp_path / "drawn.mkv")
    for frame, each in zip(written, answers, strict=True):
        assert frame.seconds == pytest.approx(each.seconds, abs=1e-3)
        # Lossy, and lines of color are thinner than colors are stored.
        off = [
            np.abs(frame.pixels - pixels.astype(int)).mean() for pixels in (each.answer.drawn(), each.answer.picture)
        ]
        assert off[0] < off[1] / 2
    assert video.num_answered == video.num_frames == 11
    assert video.frames_per_second > 0


def places_model(task: Any, name: str, target: Any, **options: Any) -> Callable[[Path], Model]:
    """A network of the task that nobody trained, whose pictures come to it with a border."""

    def make(folder: Path) -> Model:
        network = build(name, input_shape=(3, 64, 64), num_outputs=task.num_outputs, seed=0, **options).eval()
        codec = PictureCodec(column="picture", size=(64, 64), channels=3, mean=(0.3,) * 3, std=(0.3,) * 3, rule="pad")
        save_model(folder, network, task, ColumnsPreparation({"input": codec}, {"target": target(codec.frame)}), {})
        return derin.open(folder)

    return make


SMALL = {"trunk_options": [["width", 0.1]], "width": 8}
PLACES = {
    "segmentation": places_model(
        Segmentation(columns=["mask"], classes=["ground", "thing"]), "unet",
        lambda frame: MaskCodec(column="mask", frame=frame), width=4, depth=2,
    ),
    "landmarks": places_model(
        Landmarks(columns=["points"], points=["left", "right", "top"]), "landmark_heatmaps",
        lambda frame: PointsCodec(column="points", frame=frame, count=3), **SMALL,
    ),
    "localization": places_model(
        Localization(columns=["boxes"], classes=["red", "blue"], thresholds=[0.0, 0.0]), "localizer",
        lambda frame: BoxesCodec(column="boxes", frame=frame), **SMALL, cells=2, units=8,
    ),
}  # fmt: skip


@pytest.mark.parametrize("task", PLACES)
def test_masks_points_and_the_one_box_of_a_video_are_those_of_its_pictures(tmp_path: Path, task: str) -> None:
    model = PLACES[task](tmp_path / "model")
    path = clip(tmp_path / "a.mp4", [0, 40, 90, 300, 305, 400, 430, 500, 600])
    found = list(model.predict_video(path, out=tmp_path / "drawn.mp4"))
    assert len(found) == 9
    drawn = VideoReader(tmp_path / "drawn.mp4")
    for each, frame, shown in zip(found, VideoReader(path), drawn, strict=True):
        answer, wanted = each.answer, model.predict(frame.pixels)
        if task == "segmentation":
            # Sums of a batch are rounded in another order, so that a pixel on the edge may change sides.
            assert (answer.mask != wanted.mask).mean() < 2e-3
            assert 0 < (answer.mask == 1).mean() < 1
        elif task == "landmarks":
            assert [tuple(point)[1:] for point in answer] == [
                pytest.approx(tuple(point)[1:], abs=1e-3) for point in wanted
            ]
            assert len(answer) == 3
        else:
            assert [box.label for box in answer] == [box.label for box in wanted]
            assert answer.boxes[0].xyxy == pytest.approx(wanted.boxes[0].xyxy, abs=1e-3)
        line = each.to_json()
        assert line["frame"] == frame.number
        assert {"segmentation": "shares", "landmarks": "points", "localization": "boxes"}[task] in line
        own, plain = drawn_answer(answer, frame.pixels), frame.pixels
        # Lossy, and lines of color are thinner than colors are stored.
        off = [np.abs(shown.pixels - pixels.astype(int)).mean() for pixels in (own, plain)]
        assert off[0] < off[1]
    with pytest.raises(UsageError, match=r"is a video, and predict answers pictures; predict_video\("):
        model.predict(path)
    if task != "localization":
        with pytest.raises(UsageError, match="Tracking follows boxes"):
            list(model.predict_video(path, track=True))


def test_the_command_prints_a_line_for_each_frame_and_writes_the_video(tmp_path: Path, detector: Path) -> None:
    path = with_sound(tmp_path / "sound.mp4")
    runner = CliRunner()
    found = runner.invoke(app, ["predict", str(detector), str(path), "--json", "--track"])
    assert found.exit_code == 0
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    assert [(each["input"], each["frame"], each["seconds"]) for each in lines] == [
        (str(path), 0, 0.0), (str(path), 1, 0.1), (str(path), 2, 0.2),
    ]  # fmt: skip
    assert all(box["track"] for each in lines for box in each["boxes"])
    assert "sound" in found.stderr
    out = tmp_path / "drawn.mp4"
    found = runner.invoke(app, ["predict", str(detector), str(path), "--out", str(out)])
    assert found.exit_code == 0
    assert ": 3, " in found.stderr
    with av.open(str(out)) as container:
        assert len(list(container.decode(video=0))) == 3
        assert not container.streams.audio


def test_a_folder_a_gif_and_one_frame_are_videos_too(tmp_path: Path, model: Model) -> None:
    (tmp_path / "frames").mkdir()
    pictures = [Image.fromarray(scene(number)) for number in range(11)]
    for number, picture in enumerate(pictures):
        picture.save(tmp_path / "frames" / f"{number}.png")
    pictures[0].save(tmp_path / "clip.gif", save_all=True, append_images=pictures[1:3], duration=70)
    clip(tmp_path / "one.mp4", [0])
    for name, times in (
        ("frames", [n / 25 for n in range(11)]), ("clip.gif", [0.0, 0.07, 0.14]), ("one.mp4", [0.0]),
    ):  # fmt: skip
        found = list(model.predict_video(tmp_path / name, out=tmp_path / "out.mp4"))
        assert [each.seconds for each in found] == pytest.approx(times)
        assert len(list(VideoReader(tmp_path / "out.mp4"))) == len(times)
    Image.fromarray(scene(0)[:20]).save(tmp_path / "frames" / "9.png")
    with pytest.raises(ShapeError, match="one size, here 80 × 48 pixels; got a frame of 80 × 20"):
        list(model.predict_video(tmp_path / "frames", out=tmp_path / "uneven.mp4"))
    assert not (tmp_path / "uneven.mp4").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_what_is_no_video_is_refused_in_a_sentence(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    whole = clip(tmp_path / "a.mp4", [0, 40, 80]).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    for path, reason in (
        (tmp_path / "text.mp4", "cannot be read"),
        (tmp_path / "list.m3u8", "cannot be read|damaged|no moving pictures"),
        (tmp_path / "cut.mp4", "cannot be read|damaged"),
        (only_sound(tmp_path / "sound.wav"), "no moving pictures, but audio"),
        (tmp_path / "none.mp4", "no such file"),
    ):
        with pytest.raises(DataError, match=reason):
            list(model.predict_video(path))
    with pytest.raises(UsageError, match=r"\.mp4, \.m4v, \.mov, \.mkv, \.webm; got 'a\.avi'"):
        list(model.predict_video(tmp_path / "a.mp4", out=tmp_path / "a.avi"))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"derin\[video\]"):
        model.predict_video(tmp_path / "a.mp4")


def test_damage_in_the_middle_is_passed_over_and_said(tmp_path: Path, model: Model) -> None:
    path = clip(tmp_path / "a.mkv", [40 * number for number in range(30)])
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    for packet in packets[10:14]:
        place = data.index(packet)
        data[place : place + len(packet)] = b"\xff" * len(packet)
    (tmp_path / "damaged.mkv").write_bytes(data)
    video = model.predict_video(tmp_path / "damaged.mkv")
    found = list(video)
    assert 20 <= len(found) < 30
    assert "damaged pieces" in " ".join(video.notes)
    assert [each.seconds for each in found] == sorted({each.seconds for each in found})


def test_a_long_video_takes_no_more_memory_than_a_short_one(tmp_path: Path, model: Model) -> None:
    def most(num: int) -> int:
        path = clip(tmp_path / f"{num}.mp4", [40 * n for n in range(num)], (96, 128))
        tracemalloc.start()
        for _ in model.predict_video(path):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    # Twenty-eight frames of 37 kB more would be 1 MB.
    assert most(56) < most(28) + (1 << 19)


def test_of_a_long_video_it_is_said_by_which_program_the_network_is_computed(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("derin.api.video._WORTH_RECORDING", 3)
    video = model.predict_video(clip(tmp_path / "a.mp4", [0, 40, 80]))
    assert len(list(video)) == 3
    (told,) = video.notes
    assert re.search(r"computed by (torch|oneDNN), the fastest here, a frame each: .*torch \d+ ms", told)
    assert "ONNX" not in told  # which would take longer to write than the video


def test_boxes_written_as_coco_are_read_again(tmp_path: Path, detector: Path, model: Model) -> None:
    (tmp_path / "new").mkdir()
    for number in range(3):
        Image.fromarray(scene(3 * number)).save(tmp_path / "new" / f"{number}.png")
    words = ["predict", str(detector), str(tmp_path / "new"), "--to", "coco", "--json"]
    found = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "coco")])
    assert found.exit_code == 0, found.output
    table: Any = derin.load(tmp_path / "coco")
    boxes, classes = table["boxes"], table.target().classes
    for number, row in enumerate(np.argsort(table.row_names)):
        wanted = {(box.label, *np.float32(box.xyxy).tolist()) for box in model.predict(scene(3 * number))}
        own = boxes.take(np.array([row]))
        assert {(classes[n], *c) for n, c in zip(own.classes, own.corners.tolist())} == wanted
        assert wanted
    assert CliRunner().invoke(app, words).exit_code == 2


def test_a_class_is_written_on_the_frame(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(6):
            pixels = random.integers(0, 255, (48, 80, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / name / f"{number}.png")
    run = derin.fit(
        tmp_path / "pets", model="lenet5", epochs=1, out=tmp_path / "run", report=False, progress=False, quiet=True,
        size=32,
    )  # fmt: skip
    found = list(run.model().predict_video(clip(tmp_path / "a.mp4", [0, 40]), out=tmp_path / "b.mp4"))
    assert found[0].answer.label in ("cat", "dog")
    shown = next(iter(VideoReader(tmp_path / "b.mp4"))).pixels
    assert np.abs(shown[:12, 12:60].astype(int) - 40).max() > 100  # letters where nothing was
    with pytest.raises(UsageError, match="Tracking follows boxes"):
        list(run.model().predict_video(tmp_path / "a.mp4", track=True))
    answer: Any = CliRunner().invoke(app, ["predict", str(run.path), str(tmp_path / "pets"), "--track"])
    assert answer.exit_code == 2
