"""Small and capital letters, and which text is Turkish."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derin.data.text.casing import looks_turkish, to_lower

SMALL, CAPITAL = "abcçdefgğhıijklmnoöprsştuüvyz", "ABCÇDEFGĞHIİJKLMNOÖPRSŞTUÜVYZ"


def capital(text: str) -> str:
    return text.translate(str.maketrans(SMALL, CAPITAL))


def test_the_turkish_alphabet_goes_down() -> None:
    assert to_lower(CAPITAL, "tr") == SMALL


@pytest.mark.parametrize("language", ["tr", "tr-TR", "TR_tr", "az"])
def test_codes_of_languages_with_a_dotless_letter(language: str) -> None:
    assert to_lower("Iİ", language) == "ıi"


@pytest.mark.parametrize("language", [None, "", "en", "de", "trx"])
def test_other_languages_follow_the_general_rule_without_a_second_dot(language: str | None) -> None:
    assert to_lower("IİÄ", language) == "iiä"


def test_separate_marks_are_composed_first() -> None:
    assert to_lower(unicodedata.normalize("NFD", "İŞÇĞ"), "tr") == "işçğ"


@given(st.text(alphabet=CAPITAL + SMALL + " '.,-", max_size=60))
def test_lower_case_stays_lower_case(text: str) -> None:
    once = to_lower(text, "tr")
    assert to_lower(once, "tr") == once
    assert to_lower(capital(text), "tr") == once


@given(st.text(max_size=60))
def test_any_text_bears_it_and_english_letters_do_as_python_does(text: str) -> None:
    assert unicodedata.is_normalized("NFC", to_lower(text))
    if text.isascii():
        assert to_lower(text) == text.lower()


def test_turkish_is_found_by_its_letters() -> None:
    turkish = "Kıyıda yürürken çakıl taşları topladık, sonra limanın ışıkları söndü."
    assert looks_turkish(turkish)
    assert looks_turkish(capital(turkish))
    assert not looks_turkish("Er fährt über die Brücke; ça va? " * 20)
    assert not looks_turkish("A long English text that names Yıldız once. " + "Nothing else is foreign in it. " * 20)
    assert not looks_turkish("12, 13.")
