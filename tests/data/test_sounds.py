"""Spectrograms against NumPy in float64 from the published formulas, augmentation by what it promises, one reading."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from scipy.fft import dct
from scipy.signal import get_window

from derin.core.errors import DataError, RefusedFileError, ShapeError
from derin.core.seeds import uniforms
from derin.data.augment import Augmentation
from derin.data.augment.sound import SNR_RANGE_DB, add_noise
from derin.data.codecs.base import codec_from_json
from derin.data.preparation import Batching
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.sounds.codec import SoundCodec, SoundsInMemory
from derin.data.sounds.decode import Sound, resampled
from derin.data.sounds.spectrogram import SCALES, Spectrogram
from derin.data.source import TableSource
from derin.data.table import Sounds, Table

RATE = 8000


def tones(lengths: list[int], rate: int = RATE) -> Table:
    """Chords with a little noise, of these numbers of samples."""
    draw = np.random.default_rng(3)
    samples = [
        (0.3 * np.sin(2 * np.pi * (200 + 170 * i) * np.arange(n) / rate) + 0.01 * draw.normal(size=n)).astype(
            np.float32
        )
        for i, n in enumerate(lengths)
    ]
    column = Column(name="sound", kind=Kind.SOUND, role=Role.INPUT, shape=(-1,))
    return Table(name="tones", schema=Schema((column,)), columns={"sound": Sounds.of(samples, rate)}, splits={})


def expected(samples: np.ndarray, made: Spectrogram) -> np.ndarray:
    """Written from the formulas, frame by frame and triangle by triangle."""
    half = made.window // 2
    padded = np.concatenate([np.zeros(half), samples.astype(np.float64), np.zeros(half)])
    window = get_window("hann", made.window)
    frames = [padded[i : i + made.window] * window for i in range(0, len(samples) + 1, made.hop)]
    place = np.arange(made.window)
    turns = np.exp(-2j * np.pi * np.outer(place, np.arange(half + 1)) / made.window)
    power = np.abs(np.array(frames) @ turns) ** 2

    def mel(hertz: float) -> float:
        if made.scale == "htk":
            return 2595 * np.log10(1 + hertz / 700)
        return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * np.log(hertz / 1000) / np.log(6.4)

    def hertz(value: float) -> float:
        if made.scale == "htk":
            return 700 * (10 ** (value / 2595) - 1)
        return value * 200 / 3 if value < 15 else 1000 * 6.4 ** ((value - 15) / 27)

    steps = (mel(made.high) - mel(made.low)) / (made.num_mels + 1)
    corners = [hertz(mel(made.low) + k * steps) for k in range(made.num_mels + 2)]
    filters = np.zeros((made.num_mels, half + 1))
    for row, (left, middle, right) in enumerate(zip(corners, corners[1:], corners[2:], strict=False)):
        for number in range(half + 1):
            frequency = number * made.rate / made.window
            rising, falling = (frequency - left) / (middle - left), (right - frequency) / (right - middle)
            area = 2 / (right - left) if made.scale == "slaney" else 1
            filters[row, number] = max(0, min(rising, falling)) * area
    decibels = 10 * np.log10(np.maximum(1e-10, filters @ power.T))
    decibels = np.maximum(decibels, decibels.max() - made.range_db)
    return (
        decibels if made.features == "log_mel" else dct(decibels, type=2, axis=0, norm="ortho")[: made.num_coefficients]
    )


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("features", ["log_mel", "mfcc"])
@pytest.mark.parametrize("rate", [RATE, 11025, 1000])
def test_spectrograms_are_those_of_the_published_formulas(scale: str, features: str, rate: int) -> None:
    made = Spectrogram.usual(rate, scale=scale, features=features, num_coefficients=7, low=rate / 100)
    samples = tones([1501], rate).columns["sound"].flat  # type: ignore[attr-defined]
    found = made(torch.from_numpy(samples)[None].double())[0].numpy()
    np.testing.assert_allclose(found, expected(samples, made), atol=1e-8)
    # float32 keeps 24 bits of a power, of which the quietest bands are 80 dB below the loudest one.
    np.testing.assert_allclose(made(torch.from_numpy(samples)[None])[0].numpy(), found, atol=2e-2)


@pytest.mark.parametrize("snr", [0.0, 7.0, 30.0])
def test_noise_has_the_stated_ratio(snr: float) -> None:
    sounds = torch.from_numpy(tones([900] * 5).columns["sound"].flat.reshape(5, 900))  # type: ignore[attr-defined]
    noise = (add_noise(sounds, np.full(5, snr), np.linspace(0, 0.9, 5)) - sounds).double()
    ratios = 10 * torch.log10(sounds.double().square().sum(dim=1) / noise.square().sum(dim=1))
    np.testing.assert_allclose(ratios.numpy(), snr, atol=1e-2)  # the difference of two float32 sounds
    assert len({tuple(row.tolist()) for row in noise / noise.std(dim=1, keepdim=True)}) == 5
    silence = torch.zeros(1, 900)
    assert torch.equal(add_noise(silence, np.array([snr]), np.array([0.5])), silence)


def test_augmentation_is_a_function_of_seed_epoch_and_row() -> None:
    table = tones([700, 1100, 800, 950, 1300])
    codec = SoundCodec.fit(table, np.arange(5), seconds=0.1)
    asked = Augmentation.parse("time_shift=0.3,noise=10,time_mask=0.4,frequency_mask=0.4")

    def inputs(batch_size: int, epoch: int) -> dict[int, torch.Tensor]:
        batching = Batching(batch_size=batch_size, seed=5, shuffle=True, augmentation=asked)
        source = TableSource({"input": (codec, codec.encode(table))}, np.arange(5), batching)
        return {int(r): x for batch in source.batches(epoch) for r, x in zip(batch.rows, batch["input"], strict=True)}

    first, again, other = inputs(2, 0), inputs(5, 0), inputs(2, 1)
    for row in range(5):
        torch.testing.assert_close(first[row], again[row])
        assert not torch.allclose(first[row], other[row])
    # By the same numbers: the move, the ratio, and the bands that are the mean.
    numbers = torch.from_numpy(uniforms(5, "augment", 0, np.arange(5), asked.num_uniforms))
    plain = codec.encode(table).gather(np.arange(5))
    quiet = replace(asked, noise=0.0)
    moved = quiet.apply_to_sounds(plain, torch.cat([numbers[:, :1], numbers[:, 3:]], dim=1))
    most = int(0.3 * codec.length)
    for row in range(5):
        move = int(numbers[row, 0] * (2 * most + 1)) - most
        assert torch.equal(moved[row], torch.from_numpy(np.roll(plain[row].numpy(), move)) * (moved[row] != 0))
    noisy = asked.apply_to_sounds(plain, numbers)
    ratio = 10 * torch.log10(moved.double().square().sum(1) / (noisy - moved).double().square().sum(1))
    np.testing.assert_allclose(ratio.numpy(), 10 + SNR_RANGE_DB * numbers[:, 1].numpy(), atol=1e-2)
    masked = asked.mask_spectrograms(torch.ones(5, 1, *codec.shape[1:]), numbers)
    rows, frames = codec.shape[1:]
    left_out = 1 - masked[:, 0]
    assert (left_out.amin(dim=2).sum(1) <= int(0.4 * rows)).all()
    assert (left_out.amin(dim=1).sum(1) <= int(0.4 * frames)).all()
    assert left_out.sum() > 0


def test_a_sound_is_read_alike_from_table_file_and_array() -> None:
    table = tones([900, 2000])
    sounds = table.columns["sound"]
    assert isinstance(sounds, Sounds)
    codec = SoundCodec.fit(table, np.arange(2), seconds=0.14)
    rows = codec.encode(table).gather(np.arange(2)).numpy()
    for row, samples in enumerate(sounds.each()):
        file = io.BytesIO()
        soundfile.write(file, samples, RATE, format="WAV", subtype="FLOAT")
        for given in ((samples, RATE), (np.stack([samples] * 2, axis=1), RATE), file.getvalue(), [file.getvalue()]):
            np.testing.assert_array_equal(codec.read(given), rows[row : row + 1])
    assert codec.is_single((samples, RATE))
    assert not codec.is_single([(samples, RATE)])
    restored = codec_from_json(json.loads(json.dumps(codec.to_json())))
    assert torch.equal(restored.to_model_input(torch.from_numpy(rows)), codec.to_model_input(torch.from_numpy(rows)))
    # Another rate: the same tone, but for the filter's edges.
    twice = (resampled(Sound(samples, RATE), 2 * RATE), 2 * RATE)
    np.testing.assert_allclose(codec.read(twice)[0, 50:-50], rows[1, 50:-50], atol=0.02)
    whole = (np.rint(samples * 32767).astype(np.int16), RATE)
    np.testing.assert_allclose(codec.read(whole), rows[1:], atol=1e-4)


def test_resampling_keeps_what_both_rates_can_hold_and_folds_nothing_down() -> None:
    for rate in (5000, 11025, 16000):
        for hertz, kept in ((400, True), (3300, rate > 6600)):
            seconds = np.arange(RATE) / RATE
            found = resampled(Sound(np.sin(2 * np.pi * hertz * seconds).astype(np.float32), RATE), rate)
            middle = found[rate // 4 : -rate // 4]
            wanted = np.sin(2 * np.pi * hertz * np.arange(len(found)) / rate)[rate // 4 : -rate // 4] * kept
            assert np.abs(middle - wanted).max() < 0.02  # the ripple of a Kaiser window with β = 5


def test_windows_lie_within_longer_sounds_and_shorter_ones_in_silence() -> None:
    sounds = Sounds.of([np.arange(1, 4, dtype=np.float32), np.arange(1, 10, dtype=np.float32)], RATE)
    column = SoundsInMemory(sounds, 5)
    assert column.is_random
    assert column.gather(np.array([0, 1])).tolist() == [[0, 1, 2, 3, 0], [3, 4, 5, 6, 7]]
    places = np.array([[0, 0.0], [0, 0.99]])
    assert column.gather(np.array([1, 1]), places).tolist() == [[1, 2, 3, 4, 5], [5, 6, 7, 8, 9]]


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        (np.zeros(9), DataError, "samples with their rate"),
        ((np.zeros(9), 3), ShapeError, "rate of a sound"),
        ((np.full(9, 3000.0), RATE), ShapeError, "full scale"),
        ((np.zeros((2, 2, 2)), RATE), ShapeError, r"\(samples, channels\)"),
        (b"RIFF nothing", DataError, "no sound"),
        ([], DataError, "at least one"),
    ],
)
def test_what_is_no_sound_is_refused_in_a_sentence(given: object, error: type[Exception], said: str) -> None:
    codec = SoundCodec.fit(tones([900]), np.arange(1))
    with pytest.raises(error, match=said):
        codec.read(given)


def test_an_altered_card_is_refused() -> None:
    card = SoundCodec.fit(tones([900]), np.arange(1)).to_json()
    for part, value in (("length", 0), ("mean", [0.0]), ("std", ["1"] * 40), ("spectrogram", {"rate": 8000})):
        with pytest.raises(RefusedFileError):
            codec_from_json({**card, part: value})
    with pytest.raises(RefusedFileError):
        codec_from_json({**card, "spectrogram": {**card["spectrogram"], "window": 1000}})
