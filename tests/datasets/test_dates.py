"""Generated dates; the oracles are Python's own calendar and the suffixes as a grammar lists them."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from derin.core.errors import UnknownNameError, UsageError
from derin.data.table import Ragged, Table
from derin.datasets.generated.dates import NUM_DAYS, generate_dates, turkish_last_word, turkish_suffix


def pairs(table: Table) -> list[tuple[str, str]]:
    said, meant = table.columns["date"], table.columns["iso"]
    assert isinstance(said, Ragged)
    assert isinstance(meant, Ragged)
    return list(zip(said.texts(), meant.texts(), strict=True))


@pytest.mark.parametrize("language", ["en", "tr"])
def test_every_day_is_one_row_and_the_splits_share_none(language: str) -> None:
    table = generate_dates(language, num=1200)
    days = [meant for _, meant in pairs(table)]
    assert len(set(days)) == len(days) == 1200
    assert {split: len(rows) for split, rows in table.splits.items()} == {"train": 1000, "val": 100, "test": 100}


def test_the_same_seed_gives_the_same_table_and_another_another() -> None:
    first, again, other = (generate_dates("tr", num=60, seed=seed) for seed in (3, 3, 4))
    assert first.fingerprint() == again.fingerprint() != other.fingerprint()


def test_numeric_forms_mean_what_strptime_reads() -> None:
    """Month first with slashes in English, day first everywhere else, two digits of a year as POSIX has them."""
    readings = {
        "en": {r"\d+/\d+/\d{4}": "%m/%d/%Y", r"\d\d/\d\d/\d\d": "%m/%d/%y"},
        "tr": {r"\d+/\d+/\d{4}": "%d/%m/%Y", r"\d\d/\d\d/\d\d": "%d/%m/%y"},
    }
    shared = {
        r"\d+\.\d+\.\d{4}": "%d.%m.%Y",
        r"\d\d\.\d\d\.\d\d": "%d.%m.%y",
        r"\d\d-\d\d-\d{4}": "%d-%m-%Y",
        r"\d{4}/\d\d/\d\d": "%Y/%m/%d",
        r"\d{8}": "%Y%m%d",
    }
    for language, own in readings.items():
        checked = 0
        for said, meant in pairs(generate_dates(language, num=2400)):
            for pattern, form in {**own, **shared}.items():
                if re.fullmatch(pattern, said):
                    read = datetime.strptime(said, form).date()
                    # strptime takes 69 as 1969; here the century runs from 1970.
                    read = read.replace(year=2069) if read.year == 1969 else read
                    assert read.isoformat() == meant
                    checked += 1
        assert checked > 300


def test_english_names_mean_what_strptime_reads() -> None:
    checked = 0
    for said, meant in pairs(generate_dates("en", num=2400)):
        plain = re.sub(r"(\d)(st|nd|rd|th)\b", r"\1", said.lower()).replace(",", "")
        if match := re.fullmatch(r"([a-z]+day) ([a-z]+) (\d+) (\d{4})", plain):
            assert datetime.strptime(" ".join(match.groups()), "%A %B %d %Y").strftime("%Y-%m-%d %A").lower() == (
                f"{meant} {match[1]}"
            )
            checked += 1
    assert checked > 50


def test_turkish_suffixes_follow_the_sounds() -> None:
    """Written by hand, from the months and numbers that differ in their last sounds."""
    locatives = {"ocak": "ta", "şubat": "ta", "nisan": "da", "mayıs": "ta", "haziran": "da", "temmuz": "da"}
    locatives |= {"ağustos": "ta", "eylül": "de", "ekim": "de", "kasım": "da", "aralık": "ta"}
    assert {month: turkish_suffix(month, "locative") for month in locatives} == locatives
    genitives = {"ocak": "ın", "temmuz": "un", "eylül": "ün", "ekim": "in", "altı": "nın", "yirmi": "nin", "bin": "in"}
    assert {word: turkish_suffix(word, "genitive") for word in genitives} == genitives
    datives = {"iki": "ye", "altı": "ya", "üç": "e", "on": "a", "kırk": "a", "elli": "ye"}
    assert {word: turkish_suffix(word, "dative") for word in datives} == datives
    in_its = {"bir": "inde", "iki": "sinde", "üç": "ünde", "altı": "sında", "dokuz": "unda", "otuz": "unda"}
    assert {word: turkish_suffix(word, "possessive locative") for word in in_its} == in_its
    assert [turkish_last_word(n) for n in (1, 10, 20, 31, 1970, 1990, 2000, 2006, 1900)] == [
        *("bir", "on", "yirmi", "bir", "yetmiş", "doksan", "bin", "altı", "yüz")
    ]


def test_turkish_capitals_keep_both_letters_i() -> None:
    said = [text for text, _ in pairs(generate_dates("tr", num=6000))]
    assert any("HAZİRAN" in text for text in said)
    assert any("KASIM" in text for text in said)
    assert any("kasım" in text for text in said)
    assert not any("HAZIRAN" in text or "kasim" in text or "i̇" in text for text in said)


def test_what_cannot_be_generated_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="'fi'"):
        generate_dates("fi")
    with pytest.raises(UsageError, match="num must lie between 12 and 36525"):
        generate_dates("en", num=NUM_DAYS + 1)
