"""English sentences about food, made by a small grammar: what a language model of words can learn in a minute.

The rules; ``|`` parts alternatives of equal chance, and words in capitals stand for lists below::

    sentence → The dish verdict. | PERSON PREPARATION dish. | A pair of CUTLERY lies beside the dish. |
               PERSON PAIRING food with food. | Is the dish ready? | There is no food left for the dish.
    dish     → fruits FRUIT_DISH | vegetables VEGETABLE_DISH
    fruits   → FRUIT and FRUIT (six times of ten, two different ones) | FRUIT; vegetables likewise
    food     → FRUIT | VEGETABLE
    verdict  → VERDICT ADJECTIVE | is on the table | was made for PERSON

Fruit goes with dishes of fruit and vegetables with those of vegetables; *pair* is two spoons, or what a cook does with
two foods, and never part of a dish. So "The apple and pear salad" has to be more probable than "The apple and pair
salad", although both are said the same. The dish *apple and pear salad* itself is in no sentence: it has to be told
from what the words do elsewhere.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from derin.core.errors import UsageError
from derin.core.messages import Message
from derin.core.seeds import generator
from derin.data.report import DataReport
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Ragged, Table

T = TypeVar("T")

_FRUITS = ("apple", "pear", "plum", "cherry", "melon", "peach", "orange", "banana")
_VEGETABLES = ("carrot", "leek", "tomato", "spinach", "potato", "onion", "pepper", "pumpkin")
_FRUIT_DISHES = ("salad", "tart", "pie", "jam", "juice")
_VEGETABLE_DISHES = ("salad", "soup", "stew", "gratin", "puree")
_PEOPLE = ("Ayşe", "Deniz", "the cook", "my aunt", "our neighbor", "Mehmet")
_PREPARATIONS = ("made the", "ate the", "served the", "liked the", "ordered the", "shared the")
_PAIRINGS = ("likes to pair", "will pair", "never pairs", "used to pair")
_VERDICTS = ("was", "tastes")
_ADJECTIVES = ("good", "sweet", "fresh", "too salty", "wonderful", "a little sour")
_CUTLERY = ("spoons", "forks", "knives", "plates", "cups")
_SHARE_OF_PAIRS = 0.6  # of dishes that name two foods

HELD_OUT = "apple and pear salad"


def food_sentences(num: int, seed: int = 0) -> list[str]:
    """Sentences of the grammar.

    Args:
        num: how many.
        seed: sentence i is a function of (seed, i).

    Raises:
        UsageError: fewer than one.

    Example:
        >>> for sentence in food_sentences(3, seed=1):
        ...     print(sentence)
        The banana salad is on the table.
        Is the melon and plum juice ready?
        Our neighbor ate the plum and banana jam.
    """
    if num < 1:
        raise UsageError(f"food_sentences: num must be at least 1; got {num}.")
    return [_sentence(generator(seed, "food", row)) for row in range(num)]


def food(*, name: str, num: int = 6000, seed: int = 0) -> Table:
    """Sentences of the grammar as a text with one of them in each line; the last tenth is kept apart to measure on.

    Args:
        name: of the data, for people.
        num: sentences.
        seed: of their drawing.

    Shapes:
        column ``text`` of two rows, train and val.
    """
    return lines_as_text(name, food_sentences(num, seed), Message("reading.food_sentences"))


def lines_as_text(name: str, lines: list[str], what: str, between: str = "\n") -> Table:
    """Generated lines as a table of one text for training and one, the last tenth of the lines, to measure on."""
    end = len(lines) - max(1, len(lines) // 10)
    if end < 1:
        raise UsageError(
            f"{name}: at least 2 {what} are required, one to train and one to measure on; got {len(lines)}."
        )
    parts = [between.join(part) + between for part in (lines[:end], lines[end:])]
    return Table(
        name=name,
        schema=Schema((Column(name="text", kind=Kind.TEXT, role=Role.INPUT),)),
        columns={"text": Ragged.from_texts(parts)},
        splits={"train": np.array([0]), "val": np.array([1])},
        report=DataReport(source=name, notes=[Message("reading.made_by_rule", num=len(lines), what=what)]),
        row_names=["train", "val"],
        given_splits=("train", "val"),
        task="lm",
    )


def _sentence(draw: np.random.Generator) -> str:
    """One sentence, whose dish is never the one that is held out."""
    dish = _dish(draw)
    while dish == HELD_OUT:
        dish = _dish(draw)
    foods = [_one(draw, _FRUITS + _VEGETABLES) for _ in range(2)]
    person = _one(draw, _PEOPLE)
    forms = (
        f"The {dish} {_verdict(draw)}.",
        f"{person} {_one(draw, _PREPARATIONS)} {dish}.",
        f"A pair of {_one(draw, _CUTLERY)} lies beside the {dish}.",
        f"{person} {_one(draw, _PAIRINGS)} {foods[0]} with {foods[1]}.",
        f"Is the {dish} ready?",
        f"There is no {foods[0]} left for the {dish}.",
    )
    chosen = _one(draw, forms)
    return chosen[0].upper() + chosen[1:]


def _dish(draw: np.random.Generator) -> str:
    foods, dishes = _one(draw, ((_FRUITS, _FRUIT_DISHES), (_VEGETABLES, _VEGETABLE_DISHES)))
    first, second = (foods[place] for place in draw.permutation(len(foods))[:2])
    named = f"{first} and {second}" if draw.random() < _SHARE_OF_PAIRS else first
    return f"{named} {_one(draw, dishes)}"


def _verdict(draw: np.random.Generator) -> str:
    told = f"{_one(draw, _VERDICTS)} {_one(draw, _ADJECTIVES)}"
    return _one(draw, (told, "is on the table", f"was made for {_one(draw, _PEOPLE)}"))


def _one(draw: np.random.Generator, things: tuple[T, ...]) -> T:
    return things[int(draw.integers(len(things)))]
