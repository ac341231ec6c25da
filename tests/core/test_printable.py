"""Names from outside as they are shown: what they hold can neither forge lines nor move the cursor nor run."""

from __future__ import annotations

import csv
import io
import json
import unicodedata

import pytest

from derin.core.messages import translate
from derin.core.printable import has_half_pairs, printable, printable_lines, spreadsheet_cell, whole_pairs
from derin.core.readme import readme
from derin.core.strict_json import dump_json, parse_json

NAMES = {
    "plain": ("ağ-7.png", "ağ-7.png"),
    "not UTF-8": (b"caf\xe9".decode("utf-8", "surrogateescape"), r"caf\xe9"),
    "half of a pair": ("a\ud800b", r"a\ud800b"),
    "escape code": ("\x1b[2Jx", r"\x1b[2Jx"),
    "C1 code": ("\x9b2Jx", r"\x9b2Jx"),
    "line break": ("a\nb\r", r"a\nb\r"),
    "line separator": ("a\u2028b\u2029", r"a\u2028b\u2029"),
    "turned": ("\u202egnp.exe\u2069", r"\u202egnp.exe\u2069"),
    "delete": ("a\x7f", r"a\x7f"),
}


@pytest.mark.parametrize(("name", "shown"), NAMES.values(), ids=NAMES)
def test_a_name_is_shown_on_one_line(name: str, shown: str) -> None:
    assert printable(name) == shown
    assert printable(shown) == shown, "what was shown once can be shown again"
    assert not any(unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") for sign in printable(name))
    printable(name).encode("utf-8")


def test_lines_and_tabs_of_a_text_stay() -> None:
    assert printable_lines("a\n\tb\x1b[0m") == "a\n\tb\\x1b[0m"


def test_half_pairs_are_found_and_made_whole() -> None:
    assert [has_half_pairs(text) for text in ("ağ", "\U0001f600", "a\udce9")] == [False, False, True]
    assert whole_pairs("a\udce9\n\U0001f600") == "a\\xe9\n\U0001f600"


@pytest.mark.parametrize(("name", "shown"), NAMES.values(), ids=NAMES)
def test_json_holds_names_as_they_are_and_prints_none_of_their_codes(name: str, shown: str) -> None:
    data = dump_json({name: [name]})
    text = data.decode("utf-8")
    assert text.isprintable()
    wanted = whole_pairs(name)
    assert json.loads(text) == parse_json(data, "It") == {wanted: [wanted]}


@pytest.mark.parametrize(("name", "shown"), NAMES.values(), ids=NAMES)
def test_sentences_and_pages_show_names(name: str, shown: str) -> None:
    assert shown in translate("data.sheet", path=name)
    page = readme({"model": {"name": name}, "task": {"classes": [name]}, "license": name}).decode("utf-8")
    assert all(line.isprintable() for line in page.split("\n"))


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+2", "'=1+2"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-a", "'-a"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'  =1"),
        ("\t=1", "'\\t=1"),
        ("\r=1", "'\\r=1"),
        ("\uff1d1", "'\uff1d1"),
        ("a=1", "a=1"),
        ("-12.5e3", "-12.5e3"),
        (-3, -3),
        (0.5, 0.5),
        (True, True),
        (None, None),
    ],
)
def test_no_cell_of_a_table_begins_as_a_formula(cell: object, written: object) -> None:
    assert spreadsheet_cell(cell) == written


def test_a_cell_comes_back_from_csv() -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerow([spreadsheet_cell(name) for name, _ in NAMES.values()])
    text.getvalue().encode("utf-8")
    assert next(csv.reader(io.StringIO(text.getvalue()))) == [shown for _, shown in NAMES.values()]


def test_a_library_reason_is_short_and_on_one_line() -> None:
    from derin.core.printable import shown_reason

    damaged = ValueError("differs:\n  \x1b[2J" + "x" * 5_000)
    assert shown_reason(damaged) == "differs: \\x1b[2J" + "x" * 184 + "…"
    assert shown_reason(EOFError()) == "EOFError"
