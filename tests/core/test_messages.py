"""The message catalogue: both languages say the same, and numbers are written as each language writes them."""

from __future__ import annotations

import ast
import copy
import json
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import derin
from derin.core.errors import UsageError
from derin.core.messages import LANGUAGES, Message, catalogue, format_number, language, localize, suffixed, translate

SOURCE = Path(derin.__file__).parent
# What in a sentence counts things, so that it may be 1.
COUNTED = frozenset(
    {"count", "different", "dim", "first", "here", "infinite", "left", "longest", "look_back", "missing", "num"}
    | {"num_asked", "num_windows", "parameters", "patience", "present", "published", "rows", "steps", "units", "words"}
)


def fields(message: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(message) if name}


def nested(depth: int) -> dict[str, object]:
    """A sentence in a sentence in a sentence …"""
    found: dict[str, object] = Message("reading.hidden_file").to_json()
    for _ in range(depth):
        found = {"key": "reading.as_classes", "values": {"why": found}}
    return found


def forms(message: Message) -> tuple[str, ...]:
    return message if isinstance(message, tuple) else (message,)


@pytest.fixture(autouse=True)
def _no_language(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DERIN_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


def test_both_languages_have_the_same_keys() -> None:
    english, turkish = (set(catalogue(spoken)) for spoken in LANGUAGES)
    assert english == turkish


def test_every_form_of_a_message_has_the_same_placeholders() -> None:
    english, turkish = (catalogue(spoken) for spoken in LANGUAGES)
    found = {key: [fields(form) for m in (english[key], turkish[key]) for form in forms(m)] for key in english}
    assert {key: names for key, names in found.items() if any(n != names[0] for n in names)} == {}


def test_what_is_filled_into_a_sentence_is_written_alike_in_both_languages() -> None:
    def written(message: Message) -> set[tuple[str | None, str | None, str | None]]:
        parts = [part for form in forms(message) for part in string.Formatter().parse(form) if part[1]]
        return {tuple(part[1:]) for part in parts if not str(part[2]).startswith("=")}  # one or several: as each needs

    english, turkish = (catalogue(spoken) for spoken in LANGUAGES)
    keys = [key for key in english if key.startswith("reading.")]
    assert [key for key in keys if written(english[key]) != written(turkish[key])] == []


@pytest.mark.parametrize("spoken", LANGUAGES)
def test_what_has_a_plural_is_chosen_by_its_count(spoken: str) -> None:
    for key, message in catalogue(spoken).items():
        if isinstance(message, tuple):
            assert "count" in fields(message[0]), key


def trees_with(pattern: str) -> Iterator[ast.Module]:
    """The files in whose text a pattern is found, parsed; to parse all of them takes seconds."""
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "messages" not in path.parts and re.search(pattern, text):
            yield ast.parse(text)


def test_every_message_that_the_code_says_is_in_the_catalogue() -> None:
    said = {
        key.value
        for tree in trees_with(r"\b(translate|Message)\(")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("translate", "Message")
        for said_by in node.args[:1]
        for key in ((said_by.body, said_by.orelse) if isinstance(said_by, ast.IfExp) else (said_by,))
        if isinstance(key, ast.Constant)
    }
    assert {"reading.class_empty", "reading.left_same"} <= said
    assert said <= set(catalogue("en"))


def test_every_message_in_the_catalogue_is_said_somewhere() -> None:
    """By its whole key, by a beginning that ends in a dot, or by a key with a place for a name: f"run.{name}"."""
    said: set[str] = set()
    for tree in trees_with(r"[\"'][a-z_-]+\."):
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value:
                said.add(re.escape(node.value) + ("[a-z0-9_]+" if node.value.endswith(".") else ""))
            elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                parts = (re.escape(v.value) if isinstance(v, ast.Constant) else ".+" for v in node.values)
                said.add("".join(parts))  # type: ignore[arg-type]
    some_key = re.compile("|".join(pattern for pattern in sorted(said) if re.match(r"[a-z_\\-]+\\\.", pattern)))
    assert [key for key in catalogue("en") if not some_key.fullmatch(key)] == []


@pytest.mark.parametrize(
    ("variables", "spoken"),
    [
        ({}, "en"),
        ({"DERIN_LANG": "tr"}, "tr"),
        ({"DERIN_LANG": "EN", "LANG": "tr_TR.UTF-8"}, "en"),
        ({"LANG": "tr_TR.UTF-8"}, "tr"),
        ({"LANG": "tr_TR.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "de_DE", "LC_MESSAGES": "tr_CY"}, "tr"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_language_is_the_named_one_or_that_of_the_locale(
    variables: dict[str, str], spoken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert language() == spoken


def test_a_language_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "de")
    with pytest.raises(UsageError, match="known: en, tr"):
        translate("split.test")


def test_numbers_are_written_as_the_language_writes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"low": 0.25, "last": 1.5, "epoch": 3, "last_epoch": 9, "train_then": 0.125, "train_last": 0.05}
    assert "(0.25) and rose to 1.5" in translate("fit.rise", **values)
    monkeypatch.setenv("DERIN_LANG", "tr")
    assert "3. epokta (0,25)" in translate("fit.rise", **values)
    assert translate("confusion.cell", true="4", predicted="9", count=1234, share=0.125) == "4 → 9: 1.234 (%12,5)"


@pytest.mark.parametrize(
    ("value", "spec", "turkish"),
    [(-0.5, ".0%", "-%50"), (60000, ",", "60.000"), ("1,5", "", "1,5"), (True, "", "True"), (1e-05, "g", "1e-05")],
)
def test_turkish_spelling(value: object, spec: str, turkish: str) -> None:
    assert format_number(value, spec, "tr") == turkish


@pytest.mark.parametrize(
    ("number", "suffix"),
    [
        *zip(
            ("%0,1", "%97,2", "%4,3", "%1,4", "%5", "%1,6", "%27", "%8", "%99"),
            ["i", "si", "ü", "ü", "i", "sı", "si", "i", "u"],
        ),
        *zip(
            ("0", "10", "20", "%30", "40", "%50", "60", "70", "80", "90"),
            ["ı", "u", "si", "u", "ı", "si", "ı", "i", "i", "ı"],
        ),
        *zip(("100", "2.000", "100.000", "3.000.000", "%0,50", "%2,05", "%3,0"), ["ü", "i", "i", "u", "si", "i", "ı"]),
    ],
)
def test_turkish_suffixes_follow_the_number_as_it_is_read_out(number: str, suffix: str) -> None:
    # The oracle is the spoken word: iki'si, üç'ü, altı'sı, dokuz'u, on'u, yirmi'si, kırk'ı, yüz'ü, bin'i, milyon'u.
    assert suffixed(f"{number}'(s)i") == f"{number}'{suffix}"
    assert suffixed(f"{number}'(s)ini") == f"{number}'{suffix}n{suffix[-1]}"


def test_one_and_several_are_told_apart_wherever_a_number_stands() -> None:
    """No English sentence puts a number before a word in the plural without saying what it is for 1."""
    plural = re.compile(r"\{(\w+)(?::,)?\}((?: [a-z-]+){0,2}? [a-z-]+s)\b")
    # Words that are no plurals, numbers that are never 1, and numbers within a name.
    fine = {"is", "as", "has", "was", "this", "its", "belongs", "occurs", "holds", "reaches", "makes", "gives"}
    found = {}
    for key, message in catalogue("en").items():
        if isinstance(message, tuple):
            continue
        for name, words in plural.findall(message):
            if name in COUNTED and words.split()[-1] not in fine:
                found[key] = (name, words)
    # A set made by rule, with 36,525 of them.
    found.pop("reading.days_and_forms", None)
    assert not found, "write {num} {num:=row|rows} in the messages named here"


def test_text_that_is_filled_in_is_not_read_as_a_message() -> None:
    assert (
        translate("summary.baseline", name="{0.__class__}", value="1 %")
        == "Always answering “{0.__class__}” would reach 1 %."
    )


def test_an_unknown_key_is_answered_with_near_matches() -> None:
    with pytest.raises(UsageError, match=r"did you mean 'split\.test'"):
        translate("split.tests")


def test_a_sentence_is_english_text_that_is_told_in_the_readers_language(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = Message("reading.numbers_note", kind=Message("reading.whole_numbers"), way="", different=1200)
    sentence = Message("reading.with_missing", note=inner, missing=3)
    assert sentence == "whole numbers, 1,200 different, 3 missing"
    assert localize("as it is") == "as it is"
    monkeypatch.setenv("DERIN_LANG", "tr")
    assert sentence == "whole numbers, 1,200 different, 3 missing"
    assert localize(sentence) == "tam sayılar, 1.200 farklı, 3 eksik"


def test_a_sentence_survives_json_copies_and_other_processes() -> None:
    sentence = Message("reading.cut_one", first="val (3)", source=Message("reading.from_all", count=7), seed=0, how="")
    for again in (
        Message.from_json(json.loads(json.dumps(sentence.to_json()))),
        copy.deepcopy(sentence),
        sentence.__reduce_ex__(2)[0](*sentence.__reduce_ex__(2)[1]),
    ):
        assert isinstance(again, Message)
        assert (again, again.key, again.values) == (sentence, sentence.key, sentence.values)
    assert json.dumps([sentence]) == json.dumps([str(sentence)])


@pytest.mark.parametrize(
    "data",
    [
        None,
        "hidden file",
        {"key": "reading.hidden_file"},
        {"key": "reading.there_is_none", "values": {}},
        {"key": ["reading.hidden_file"], "values": {}},
        {"key": "reading.enlarged", "values": {}},
        {"key": "reading.enlarged", "values": {"count": "many"}},
        {"key": "reading.with_missing", "values": {"note": {"key": "no"}, "missing": 1}},
        {"key": "reading.hidden_file", "values": []},
        nested(2_000),
    ],
)
def test_what_describes_no_sentence_is_refused(data: object) -> None:
    with pytest.raises(ValueError, match="no sentence"):
        Message.from_json(data)


def test_every_sentence_of_reading_is_said_somewhere() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py") if "messages" not in path.parts)
    made = (
        "kind_",
        "digits_",
        "both_empty",
        "source_empty",
        "target_empty",
        "iob1",
        "bioes",
        "io",
    )  # put together from parts
    keys = [key for key in catalogue("en") if key.startswith("reading.")]
    assert [key for key in keys if key not in source and not key.removeprefix("reading.").startswith(made)] == []
