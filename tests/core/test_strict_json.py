from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derin.core.errors import RefusedFileError
from derin.core.strict_json import dump_json, parse_json

REFUSED = {
    "NaN": b'{"a": NaN}',
    "Infinity": b"[-Infinity]",
    "too large a float": b"[1e999]",
    "too long an integer": b"[" + b"9" * 4000 + b"]",
    "an integer that Python refuses": b"[" + b"9" * 5000 + b"]",
    "a name twice": b'{"a": 1, "b": 2, "a": 3}',
    "a name twice, spelled otherwise": b'{"a": 1, "\\u0061": 3}',
    "deep lists": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "depth hidden behind strings": b'["\\"[", ' * 65 + b"1" + b"]" * 65,
    "not UTF-8": b'["\xff"]',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "half a pair": b'["\\ud800"]',
    "a pickle": b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01a\x94K\x01s.",
    "nothing": b"",
    "two documents": b"{} {}",
    "a comma at the end": b"[1,]",
    "single quotes": b"{'a': 1}",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_strict_json_is_refused_in_one_sentence(name: str) -> None:
    with pytest.raises(RefusedFileError) as caught:
        parse_json(REFUSED[name], "The file a.json")
    message = str(caught.value)
    assert message.startswith("The file a.json is refused: ")
    assert message.endswith(".")
    assert "\n" not in message
    assert len(message) < 200


DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(DOCUMENTS)
def test_documents_come_back_equal_and_the_standard_reader_agrees(document: object) -> None:
    data = dump_json(document)
    assert parse_json(data, "It") == document
    assert json.loads(data) == document


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_as_the_standard_reader_does_or_refused(data: bytes) -> None:
    try:
        found = parse_json(data, "It")
    except RefusedFileError:
        return
    assert found == json.loads(data)


def test_sixty_four_levels_are_read() -> None:
    document = parse_json(b"[" * 64 + b'"[[["' + b"]" * 64, "It")
    for _ in range(64):
        (document,) = document
    assert document == "[[["
