"""Sounds of every form on disk: classes, lists, names; what is broken, silent, too long or of another rate is said."""

from __future__ import annotations

import csv
import shutil
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

import derin
from derin.core.errors import DataError, UnknownNameError, UsageError
from derin.data.display import displayed
from derin.data.schema import Kind, Role
from derin.data.sheet import table_sheet
from derin.data.table import Sounds, Table
from derin.datasets.catalog import NAMED_SETS
from derin.datasets.named import named_set

RATE = 8000


def write(path: Path, hertz: float, *, rate: int = RATE, seconds: float = 0.3, channels: int = 1, **how: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)
    soundfile.write(path, np.stack([tone] * channels, axis=1), rate, **how)


def class_folders(folder: Path) -> Path:
    """Two classes in four forms, four rates and depths, with a broken file and a silent one."""
    for number, (ending, rate, channels, how) in enumerate(
        (
            ("wav", RATE, 1, {"subtype": "PCM_16"}),
            ("wav", 44100, 7, {"subtype": "PCM_24"}),
            ("wav", RATE, 1, {"subtype": "PCM_U8"}),
            ("flac", 16000, 2, {}),
            ("ogg", RATE, 1, {}),
            ("mp3", 16000, 1, {}),
            ("wav", RATE, 2, {"subtype": "FLOAT"}),
        )
    ):
        for label, hertz in (("high", 900), ("low", 300)):
            write(folder / label / f"{number}.{ending}", hertz + number, rate=rate, channels=channels, **how)  # type: ignore[arg-type]
    (folder / "low" / "broken.mp3").write_bytes(b"ID3 nothing that sounds")
    (folder / "low" / "cut.wav").write_bytes((folder / "low" / "0.wav").read_bytes()[:20])
    soundfile.write(folder / "low" / "silent.wav", np.zeros(800), RATE)
    return folder


def sounds(table: Table) -> Sounds:
    found = table.columns["sound"]
    assert isinstance(found, Sounds)
    return found


def as_it_is(folder: Path) -> Path:
    return folder


def zipped(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder), "zip", folder))


def tarred(folder: Path) -> Path:
    with tarfile.open(f"{folder}.tar.gz", "w:gz") as tar:
        tar.add(folder, "sounds")
    return Path(f"{folder}.tar.gz")


@pytest.mark.parametrize("packed", [as_it_is, zipped, tarred])
def test_class_folders_of_all_forms(tmp_path: Path, packed: Callable[[Path], Path]) -> None:
    table = derin.load(packed(class_folders(tmp_path / "tones")))
    assert table.target().classes == ("high", "low")
    assert len(table) == 15
    assert sounds(table).rate == RATE  # the commonest
    assert {f.where.rpartition("/")[2] for f in table.report.findings if f.outcome == "skipped"} >= {
        "broken.mp3",
        "cut.wav",
    }
    assert [f.where.rpartition("/")[2] for f in table.report.findings if f.outcome == "noted"] == ["silent.wav"]
    notes = " ".join(map(str, table.report.notes))
    for said in ("15 sounds", "8,000 Hz (9)", "6 sounds were brought to 8,000", "Of 6 sounds with several channels"):
        assert said in notes
    # A tone is that tone in whatever form it came: its zero crossings tell.
    for row, samples in enumerate(sounds(table).each()):
        name = (table.row_names or ())[row]
        if "silent" not in name:
            number = int(name.rpartition("/")[2].partition(".")[0])
            middle = samples[400:2000]
            crossings = np.count_nonzero(np.diff(middle > 0)) / len(middle) * RATE / 2
            assert crossings == pytest.approx((900 if "high" in name else 300) + number, abs=6)
    assert displayed(table, "sound", np.array([0]), max_length=9) == ["0.3 s"]
    assert table_sheet(table).height > 100


def test_other_sounds_follow_the_rate_of_the_training(tmp_path: Path) -> None:
    first = derin.load(class_folders(tmp_path / "tones"), reader_options={"rate": 4000})
    assert sounds(first).rate == 4000
    other = derin.load(class_folders(tmp_path / "others"), recipe=first.recipe, cut=False)
    assert sounds(other).rate == 4000
    assert other.fingerprint() != derin.load(tmp_path / "others", cut=False).fingerprint()
    with pytest.raises(UsageError, match="rate of sounds"):
        derin.load(tmp_path / "tones", reader_options={"rate": 3})
    with pytest.raises(UnknownNameError):
        derin.load(tmp_path / "tones", reader_options={"encoding": "utf-8"})


def test_a_table_lists_sounds_and_keeps_groups_together(tmp_path: Path) -> None:
    for number in range(20):
        write(tmp_path / "clips" / f"{number}.wav", 300 + 600 * (number % 2))
    with (tmp_path / "clips.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "word", "person"])
        writer.writerows([[f"clips/{n}.wav", ("low", "high")[n % 2], f"p{n // 2 % 5}"] for n in range(20)])
    table = derin.load(tmp_path / "clips.csv", target="word", group_column="person")
    assert table.target().classes == ("high", "low")
    (person,) = table.schema.with_role(Role.GROUP)
    codes = table.columns[person.name].take(np.arange(len(table)))
    held = [set(codes[rows].tolist()) for rows in table.splits.values()]
    assert len(held) == 3
    assert sum(map(len, held)) == len(set().union(*held)) == 5
    with pytest.raises(UnknownNameError, match="persn"):
        derin.load(tmp_path / "clips.csv", target="word", group_column="persn")


def test_names_of_a_documented_set_say_digit_and_speaker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for digit in range(3):
        for speaker in ("ann", "bob", "cem", "dee", "eva"):
            for take in range(8):
                write(tmp_path / "fsdd" / f"{digit}_{speaker}_{take}.wav", 300 + 100 * digit, seconds=0.1)
    (tmp_path / "fsdd" / "noise.wav").write_bytes(b"")
    monkeypatch.setenv("DERIN_DATA", str(tmp_path))
    table = derin.load("free_spoken_digits")
    assert table.target().classes == ("0", "1", "2")
    assert len(table.splits["test"]) == 3 * 5 * 5  # takes 0 to 4
    assert table.schema["speaker"].role is Role.IGNORED
    assert any("--group-column speaker" in str(note) for note in table.report.notes)
    apart = derin.load("free_spoken_digits", group_column="speaker")
    speakers = apart.columns["speaker"].take(np.arange(len(apart)))
    held = [set(speakers[rows].tolist()) for rows in apart.splits.values()]
    assert sum(map(len, held)) == 5
    assert len(held) == 3
    # Elsewhere a name is a name.
    with pytest.raises(DataError, match="lie in no class folders"):
        derin.load(tmp_path / "fsdd")


def of_one_class(folder: Path) -> None:
    write(folder / "one" / "1.wav", 300)


def unreadable(folder: Path) -> None:
    for label in "ab":
        (folder / label).mkdir()
        (folder / label / "1.wav").write_bytes(b"RIFF")


def with_transcripts(folder: Path) -> None:
    for label in "ab":
        write(folder / label / "1.wav", 300)
        (folder / label / "1.txt").write_text("hi")


def in_another_form(folder: Path) -> None:
    for label in "ab":
        (folder / label).mkdir()
        (folder / label / "1.m4a").write_bytes(b"x")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (of_one_class, "at least two classes with sounds"),
        (unreadable, "none of its 2 sounds"),
        (with_transcripts, "with transcripts"),
        (in_another_form, "Convert them"),
    ],
)
def test_what_is_no_set_of_sounds_is_named(tmp_path: Path, make: Callable[[Path], None], said: str) -> None:
    make(tmp_path)
    with pytest.raises(DataError, match=said):
        derin.load(tmp_path)


def test_a_header_that_claims_too_much_takes_no_memory(tmp_path: Path) -> None:
    for label in "ab":
        write(tmp_path / label / "1.flac", 300)
        flac = bytearray((tmp_path / label / "1.flac").read_bytes())
        flac[22:26] = struct.pack(">I", 0xFFFFFFFF)  # the low 32 bits of the number of samples
        (tmp_path / label / "2.flac").write_bytes(flac)
        write(tmp_path / label / "3.wav", 300)
    table = derin.load(tmp_path, cut=False)
    assert sum("more than is read" in str(f.reason) for f in table.report.findings) == 2
    assert len(table) == 4


@pytest.mark.data
def test_the_real_digits(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_DATA", str(data_folder))
    table = derin.load("free_spoken_digits")
    assert len(table) == 1320
    assert len(table.splits["test"]) == 300
    assert sounds(table).rate == 8000
    assert table.schema["speaker"].classes == ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
    assert table.schema["sound"].kind is Kind.SOUND
    assert named_set("free_spoken_digits") is NAMED_SETS["free_spoken_digits"]
