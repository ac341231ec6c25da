"""Where words begin and end."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derin.data.text.words import WordTokenizer, join_words, split_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("So good, so bad.", "So|good|,|so|bad|."),
        ("Ankara'nın 1990'dan beri", "Ankara|'nın|1990|'dan|beri"),
        ("Ankara’nın", "Ankara|'nın"),
        ("don't, CAN'T, it's they're 'tis", "don't|,|CAN'T|,|it|'s|they|'re|'|tis"),
        ("'quoted' dogs'", "'|quoted|'|dogs|'"),
        ("a well-known e-mail", "a|well|-|known|e|-|mail"),
        ("3.14 1.234,50 12:30 3/4 v2 2nd", "3.14|1.234,50|12:30|3/4|v2|2nd"),
        ("see https://a.org/x?y=1&z=%20. Or www.b.com!", "see|https://a.org/x?y=1&z=%20|.|Or|www.b.com|!"),
        ("to ada.l@example.co.uk, please", "to|ada.l@example.co.uk|,|please"),
        ("wait... what?! no!!!!!", "wait|...|what|?!|no|!!!|!!"),
        ("so :) or ;-( or :x", "so|:)|or|;-(|or|:|x"),
        ("#konu @name C#", "#konu|@name|C|#"),
        ("one<br /><br/>two <b>x</b>", "one|two|<|b|>|x|<|/|b|>"),
        ("हिन्दी में", "हिन्दी|में"),
        ("日本 x", "日|本|x"),
        ("e\u0301te\u0301", "été"),
        ("thumbs 👍🏽 👩\u200d💻 ok", "thumbs|👍🏽|👩\u200d💻|ok"),
        ("İstanbul'da ılık", "İstanbul|'da|ılık"),
        ("snake_case", "snake_case"),
        (" \n\t ", ""),
    ],
)
def test_words_and_signs(text: str, words: str) -> None:
    assert split_words(text) == (words.split("|") if words else [])


@given(st.text(max_size=80))
def test_no_sign_is_lost_and_no_word_is_empty(text: str) -> None:
    words = split_words(text)
    assert all(words)
    kept = unicodedata.normalize("NFC", text).replace("’", "'").replace("ʼ", "'")
    kept = re.sub(r"(?i)<br\s*/?>", " ", kept)
    assert "".join(words) == "".join(kept.split())


@given(st.text(alphabet="a.b@- :/'", max_size=200))
def test_tokens_of_a_text_are_those_of_its_pieces(text: str) -> None:
    assert split_words(text) == [word for piece in text.split() for word in split_words(piece)]


@pytest.mark.parametrize(
    "text",
    [
        "Ankara'nın nüfusu 5.864.049 (2023), değil mi?",
        'He said "so good" and didn\'t leave.',
        "A well-known man's hat: $5, [twice]!",
        "wait... what?!",
    ],
)
def test_decoded_words_read_as_they_were_written(text: str) -> None:
    assert join_words(split_words(text)) == text


def test_a_text_of_many_signs_without_spaces_takes_no_time_to_speak_of() -> None:
    for piece in ("a.", "a", "1,", "@a", "www.", "'a", ":-"):
        assert "".join(split_words(piece * 30_000)) == piece * 30_000


@given(st.lists(st.text(alphabet="abc .,ı'", max_size=30), max_size=8))
def test_encoding_equals_looking_up_each_word(texts: list[str]) -> None:
    tokenizer = WordTokenizer.fit(["a b c . a' ab ı", *texts[::2]], min_count=1)
    rows = tokenizer.encode(texts)
    assert len(rows) == len(texts)
    for row, text in enumerate(texts):
        ids = rows.flat[rows.offsets[row] : rows.offsets[row + 1]]
        assert ids.tolist() == tokenizer.vocabulary.encode(split_words(text)).tolist()
