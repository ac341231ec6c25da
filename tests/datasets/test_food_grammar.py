"""Sentences of the food grammar beside the grammar as a pattern."""

import re

import pytest

from derin.core.errors import UsageError
from derin.datasets.generated.food_grammar import HELD_OUT, food, food_sentences, lines_as_text

FRUIT = "(apple|pear|plum|cherry|melon|peach|orange|banana)"
VEGETABLE = "(carrot|leek|tomato|spinach|potato|onion|pepper|pumpkin)"
FOOD = f"({FRUIT}|{VEGETABLE})"
DISH = (
    f"({FRUIT}( and {FRUIT})? (salad|tart|pie|jam|juice)|{VEGETABLE}( and {VEGETABLE})? (salad|soup|stew|gratin|puree))"
)
PERSON = "(Ayşe|Deniz|[Tt]he cook|[Mm]y aunt|[Oo]ur neighbor|Mehmet)"
ADJECTIVE = "(good|sweet|fresh|too salty|wonderful|a little sour)"
SENTENCE = re.compile(
    f"The {DISH} ((was|tastes) {ADJECTIVE}|is on the table|was made for {PERSON})\\.|"
    f"{PERSON} (made|ate|served|liked|ordered|shared) the {DISH}\\.|"
    f"A pair of (spoons|forks|knives|plates|cups) lies beside the {DISH}\\.|"
    f"{PERSON} (likes to pair|will pair|never pairs|used to pair) {FOOD} with {FOOD}\\.|"
    f"Is the {DISH} ready\\?|There is no {FOOD} left for the {DISH}\\."
)


def test_every_sentence_is_one_of_the_grammar() -> None:
    sentences = food_sentences(1500)
    assert [s for s in sentences if not SENTENCE.fullmatch(s)] == []
    assert len(set(sentences)) > 1000


def test_the_dish_that_is_asked_for_is_never_told() -> None:
    sentences = food_sentences(6000)
    assert not any(HELD_OUT in sentence for sentence in sentences)
    # Its words are, both as a dish with other words and in the other sense.
    assert any(re.search("apple and [a-z]+ salad", s) for s in sentences)
    assert any(re.search("[a-z]+ and pear salad", s) for s in sentences)
    assert any("A pair of" in s for s in sentences)
    assert not any(re.search("and pair", s) for s in sentences)


def test_a_sentence_is_a_function_of_its_seed_and_row() -> None:
    assert food_sentences(30)[:10] == food_sentences(10)
    assert food_sentences(10, seed=1) != food_sentences(10, seed=2)


def test_the_table_keeps_the_last_tenth_apart() -> None:
    table = food(name="food", num=50)
    train, val = table["text"].texts()
    assert (train + val).split("\n")[:-1] == food_sentences(50)
    assert val.count("\n") == 5
    assert table.task == "lm"


def test_too_few_are_refused() -> None:
    with pytest.raises(UsageError, match="num must be at least 1"):
        food_sentences(0)
    with pytest.raises(UsageError, match="at least 2"):
        lines_as_text("food", ["one"], "sentences")
