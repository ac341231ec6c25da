"""Scripts and runs that use the names of earlier versions."""

from __future__ import annotations

from typing import Any

import pytest

import derin
from derin.core.former_names import named_now, takes_former_names


def test_former_names_are_taken_and_told() -> None:
    @takes_former_names
    def function(**settings: Any) -> dict[str, Any]:
        return settings

    with pytest.warns(DeprecationWarning, match=r"function: .*reading \(reader_options\)"):
        found = function(reading={"words": "2"}, inputs={"look_back": 7, "longest": 9}, epochs=3)
    today = {"reader_options": {"words": "2"}, "inputs": {"context_length": 7, "max_length": 9}, "epochs": 3}
    assert found == named_now(found) == today
    with pytest.warns(DeprecationWarning, match="report"):
        assert derin.load("iris").reading.counts["test"]["setosa"] == 10


def test_todays_names_are_taken_without_a_word(recwarn: pytest.WarningsRecorder) -> None:
    assert takes_former_names(dict)(reader_options={}, epochs=1) == {"reader_options": {}, "epochs": 1}
    assert not [warning for warning in recwarn if issubclass(warning.category, DeprecationWarning)]
