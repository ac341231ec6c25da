"""Documents from outside are of the form that is asked, or refused naming the field."""

from __future__ import annotations

from typing import Any

import pytest

from derin.core.errors import DataError, RefusedFileError
from derin.core.fields import ANY, MapOf, Maybe, OneOf, Required, checked_form, misfits_told

FORM = {
    "name": Required(str),
    "count": int,
    "share": Maybe(float),
    "sizes": [int],
    "metrics": MapOf(MapOf(Maybe(float))),
    "value": OneOf((str, bool)),
    "other": ANY,
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
        misfits_told("The card"),
    ):
        work()
    assert refusal.value.__cause__ is not None


def test_documented_errors_and_interrupts_pass() -> None:
    for error in (DataError("x"), KeyboardInterrupt(), OSError("disk")):
        with pytest.raises(type(error)), misfits_told("The card"):
            raise error
