"""Documents from outside are of the form that is asked, or refused naming the field."""

from __future__ import annotations

from typing import Any

import pytest

from derin.core.errors import DataError, RefusedFileError
from derin.core.fields import (
    ANY,
    Among,
    Exactly,
    Listed,
    MapOf,
    Maybe,
    OneOf,
    Required,
    Within,
    checked_form,
    refusing_misfits,
)

FORM = {
    "name": Required(str),
    "count": int,
    "share": Maybe(float),
    "sizes": [int],
    "metrics": MapOf(MapOf(Maybe(float))),
    "value": OneOf((str, bool)),
    "other": ANY,
    "rate": Within(float, above=0, most=1),
    "rule": Among(("pad", 1)),
    "names": Listed(str, 1, 2),
    "part": Exactly({"low": int, "high": Maybe(int)}, frozenset({"high"})),
}
GOOD: list[dict[str, Any]] = [
    {"name": "a"},
    {
        "name": "",
        "count": 0,
        "share": None,
        "sizes": [],
        "metrics": {},
        "value": True,
        "other": [{}],
        "unknown": object(),
    },
    {"name": "a", "rate": 1, "rule": 1, "names": ["a", "b"], "part": {"low": 1}},
    {"name": "a", "rate": 0.5, "rule": "pad", "names": ["a"], "part": {"low": 1, "high": None}},
    {"name": "a", "share": 1, "sizes": [1, 2], "metrics": {"test": {"loss": 0.5, "auc": None}}, "value": "x"},
]
BAD: dict[str, tuple[Any, str]] = {
    "no object": ([], "it must be an object"),
    "missing": ({}, "name must be there, as text"),
    "null": ({"name": None}, "name must be text; got None"),
    "truth for a number": ({"name": "a", "count": True}, "count must be a whole number; got True"),
    "half for a count": ({"name": "a", "count": 1.5}, "count must be a whole number"),
    "text for a number": ({"name": "a", "share": "1"}, "share must be a number or null; got '1'"),
    "not finite": ({"name": "a", "share": float("nan")}, "share must be a number or null"),
    "within a list": ({"name": "a", "sizes": [1, "2"]}, r"sizes\.1 must be a whole number; got '2'"),
    "deep": ({"name": "a", "metrics": {"test": {"loss": []}}}, r"metrics\.test\.loss must be a number or null"),
    "no map": ({"name": "a", "metrics": {"test": False}}, r"metrics\.test must be an object; got False"),
    "a bound": ({"name": "a", "rate": 0}, "rate must be a number above 0 and of at most 1; got 0"),
    "too large for a float": ({"name": "a", "rate": 10**400}, "rate must be a number above 0"),
    "of another type": ({"name": "a", "rule": True}, "rule must be one of 'pad', 1; got True"),
    "too few": ({"name": "a", "names": []}, "names must be a list of 1 to 2"),
    "too many": ({"name": "a", "names": ["a", "b", "c"]}, "names must be a list of 1 to 2"),
    "another in a list": ({"name": "a", "names": ["a", 2]}, r"names\.1 must be text; got 2"),
    "a field absent": ({"name": "a", "part": {"high": 2}}, r"part\.low must be there, as a whole number"),
    "a field too many": (
        {"name": "a", "part": {"low": 1, "x": 2}},
        r"part\.x must be left out, as the fields are low, high",
    ),
    "neither": ({"name": "a", "value": 3}, "value must be text or true or false; got 3"),
}


@pytest.mark.parametrize("document", GOOD)
def test_a_document_of_the_form_is_given_back(document: dict[str, Any]) -> None:
    assert checked_form(document, FORM, "It") is document


@pytest.mark.parametrize(("document", "problem"), BAD.values(), ids=BAD)
def test_the_first_field_of_another_form_is_named(document: Any, problem: str) -> None:
    with pytest.raises(RefusedFileError, match=f"^The card is refused: {problem}"):
        checked_form(document, FORM, "The card")


def test_a_long_value_is_cut() -> None:
    with pytest.raises(RefusedFileError) as refusal:
        checked_form({"name": ["x" * 10_000]}, FORM, "The card")
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize("work", [lambda: {}["a"], lambda: "a" + 1, lambda: int("9" * 5000), lambda: None.a])  # type: ignore
def test_what_code_raises_on_a_misfit_is_one_sentence_and_keeps_its_cause(work: Any) -> None:
    with (
        pytest.raises(RefusedFileError, match=r"^The card is refused: .* Restore it\.$") as refusal,
        refusing_misfits("The card"),
    ):
        work()
    assert refusal.value.__cause__ is not None


def test_documented_errors_and_interrupts_pass() -> None:
    for error in (DataError("x"), KeyboardInterrupt(), OSError("disk")):
        with pytest.raises(type(error)), refusing_misfits("The card"):
            raise error
