from __future__ import annotations

import inspect

import pytest

from derin.core import errors
from derin.core.errors import DerinError, MissingExtraError, UnknownNameError, near_matches


def all_errors() -> list[type[Exception]]:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]
    return [kind for kind in kinds if not issubclass(kind, Warning)]


def test_every_error_descends_from_the_root_and_stands_in_the_tree_of_the_docstring() -> None:
    assert errors.__doc__ is not None
    for kind in all_errors():
        assert issubclass(kind, DerinError)
        assert kind.__name__ in errors.__doc__


def test_wrong_use_exits_with_two_and_all_else_with_one() -> None:
    codes = {kind.__name__: kind.exit_code for kind in all_errors() if issubclass(kind, DerinError)}
    assert {name for name, code in codes.items() if code == 2} == {"UsageError", "UnknownNameError"}
    assert set(codes.values()) == {1, 2}


@pytest.mark.parametrize(
    ("name", "clause"),
    [("resnet-20", "'resnet20'"), ("LeNet5", "'lenet5'"), ("qqqq", "known: lenet5, mlp, resnet20")],
)
def test_an_unknown_name_is_answered_with_what_was_probably_meant(name: str, clause: str) -> None:
    error = UnknownNameError("model", name, ["resnet20", "lenet5", "mlp"])
    assert str(error).startswith(f"There is no model named {name!r}; ")
    assert clause in str(error)


def test_an_empty_registry_says_so() -> None:
    assert near_matches("a", []) == "none is registered"


def test_a_missing_extra_answers_with_the_install_line() -> None:
    message = str(MissingExtraError("tensorboard", "tensorboard", "Writing events"))
    assert 'pip install "derin[tensorboard]"' in message


def test_storage_errors_are_also_os_errors_and_usage_errors_value_errors() -> None:
    assert issubclass(errors.StorageError, OSError)
    assert issubclass(errors.UsageError, ValueError)
