"""Where somebody speaks: tones in noise whose places are known."""

from __future__ import annotations

import numpy as np
import pytest

from derin.data.sounds.voice import find_voice, in_noise
from derin.data.table import Sounds

RATE = 8000


def tones(num: int) -> Sounds:
    """Words of two tones with a pause of 60 ms between them."""
    drawn, words = np.random.default_rng(1), []
    for _ in range(num):
        lengths = drawn.integers(900, 2000, 2)
        parts = [0.5 * np.sin(2 * np.pi * drawn.uniform(200, 1500) * np.arange(n) / RATE) for n in lengths]
        words.append(np.concatenate([parts[0], np.zeros(480), parts[1]]).astype(np.float32))
    return Sounds.of(words, RATE)


@pytest.mark.parametrize("snr_db", [30.0, 15.0])
def test_a_word_with_a_pause_is_found_within_a_frame(snr_db: float) -> None:
    stretches, bounds = in_noise(tones(40), 1.5, snr_db, seed=3)
    frame = 128
    for samples, (start, end) in zip(stretches.each(), bounds.tolist()):
        found = find_voice(samples, RATE)
        assert start - frame <= found[0] <= start + frame
        assert end - frame <= found[1] <= end + frame


def test_of_two_words_the_louder_one_is_found_and_of_silence_all() -> None:
    drawn = np.random.default_rng(0)
    samples = 0.001 * drawn.normal(size=16_000).astype(np.float32)
    samples[1600:3200] += 0.1 * np.sin(np.arange(1600, dtype=np.float32))
    samples[9600:12_800] += 0.4 * np.sin(np.arange(3200, dtype=np.float32))
    assert find_voice(samples, RATE) == (9600, 12_800)
    assert find_voice(np.zeros(4000, dtype=np.float32), RATE) == (0, 4000)
    assert find_voice(np.ones(100, dtype=np.float32), RATE) == (0, 100)


def test_the_noise_is_as_strong_as_was_asked_and_the_sound_lies_where_it_is_said_to() -> None:
    sounds = tones(30)
    stretches, bounds = in_noise(sounds, 2.0, 10.0, seed=0)
    again, _ = in_noise(sounds, 2.0, 10.0, seed=0)
    assert (stretches.flat == again.flat).all()
    assert set(stretches.lengths.tolist()) == {2 * RATE}
    ratios, places = [], []
    for samples, word, (start, end) in zip(stretches.each(), sounds.each(), bounds.tolist()):
        assert end - start == len(word)
        assert np.corrcoef(samples[start:end], word)[0, 1] > 0.9
        outside = np.concatenate([samples[:start], samples[end:]])
        # One factor for the whole stretch, where it would have been louder than a sample can be.
        scale = np.dot(samples[start:end], word) / np.dot(word, word)
        ratios.append(10 * np.log10(np.square(scale * word).mean() / np.square(outside).mean()))
        places.append(start)
    assert np.mean(ratios) == pytest.approx(10.0, abs=0.2)  # of 10,000 samples of noise each
    assert len(set(places)) > 25
    longer, where = in_noise(sounds, 0.01, 10.0, seed=0)
    assert (longer.lengths == sounds.lengths).all()
    assert (where[:, 0] == 0).all()
