"""Numbers of the user's own are read from the command line and from files, or refused in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from derin.core.errors import UsageError
from derin.lessons.numbers import read_rows


@pytest.mark.parametrize("text", ["1,3; 2,5", "1 3;2 5;", "1, 3\n2, 5\n", "2/2 3;4/2 5", "1e0,3.0;2,+5"])
def test_rows_are_read_in_any_spelling(text: str) -> None:
    assert read_rows(text, where="--points") == ((1.0, 3.0), (2.0, 5.0))


def test_rows_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("0.5,-1\n\n7,8\n", encoding="utf-8")
    assert read_rows(str(path), where="--points") == ((0.5, -1.0), (7.0, 8.0))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "got none"),
        ("1,2; 3", "rows of 1 and of 2"),
        ("1,x", "got 'x'"),
        ("nan,1", "got 'nan'"),
        ("1/0", "got '1/0'"),
        ("missing.csv", "got 'missing.csv'"),
    ],
)
def test_nonsense_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_rows(text, where="--points")


def test_a_picture_is_no_file_of_numbers(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(UsageError, match="is no text"):
        read_rows(str(path), where="--kernel")
