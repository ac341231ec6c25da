"""Networks are called with their inputs by name, whatever order the names come in."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from torch import nn

import derin
from derin.core.errors import UsageError
from derin.layers import Concat, Dense
from derin.models.signature import bind_inputs


class Plain(nn.Module):
    def forward(self, left: Any, right: Any) -> Any: ...


class WithMask(nn.Module):
    def forward(self, tokens: Any, mask: Any = None, kinds: Any = None) -> Any: ...


class ByKeyword(nn.Module):
    def forward(self, left: Any, *, right: Any, top: Any = None) -> Any: ...


class AnyNumber(nn.Module):
    def forward(self, *given: Any) -> Any: ...


class AnyName(nn.Module):
    def forward(self, first: Any, **further: Any) -> Any: ...


def graph() -> nn.Module:
    left, right = derin.Input((3,)), derin.Input((3,))
    return derin.Graph({"left": left, "right": right}, Dense(2)(Concat()(left, right)))


@pytest.mark.parametrize(
    ("network", "given", "positional", "keywords"),
    [
        (Plain(), {"right", "left"}, ("left", "right"), ()),
        (graph(), {"right", "left"}, ("left", "right"), ()),
        (WithMask(), {"mask", "tokens"}, ("tokens", "mask"), ()),
        (WithMask(), {"kinds", "tokens"}, ("tokens",), ("kinds",)),
        (WithMask(), {"kinds", "mask", "tokens"}, ("tokens", "mask", "kinds"), ()),
        (ByKeyword(), {"right", "left"}, ("left",), ("right",)),
        (ByKeyword(), {"top", "right", "left"}, ("left",), ("right", "top")),
    ],
)
def test_the_order_of_names_never_matters(
    network: nn.Module, given: set[str], positional: tuple[str, ...], keywords: tuple[str, ...]
) -> None:
    for order in itertools.permutations(given):
        found = bind_inputs(network, order)
        assert (found.positional, found.keywords, found.by_name) == (positional, keywords, True)


def test_other_names_go_by_keyword_where_the_network_takes_any() -> None:
    found = bind_inputs(AnyName(), ["second", "first"])
    assert (found.positional, found.keywords) == (("first",), ("second",))


def test_places_get_the_names_of_the_network() -> None:
    places = ["input_0", "input_1"]
    assert bind_inputs(Plain(), places, named=False).names == ("left", "right")
    assert bind_inputs(AnyNumber(), places, named=False).names == tuple(places)
    assert not bind_inputs(AnyNumber(), places, named=False).by_name


@pytest.mark.parametrize("network", [nn.Linear(3, 2), AnyNumber(), WithMask(), AnyName()])
def test_one_input_needs_no_name(network: nn.Module) -> None:
    for named in (True, False):
        found = bind_inputs(network, ["wave"], named=named)
        assert (found.positional, found.by_name) == (("wave",), False)


@pytest.mark.parametrize(
    ("network", "given", "named", "message"),
    [
        (Plain(), ["left", "top"], True, r"reads left, right; the data has left, top\."),
        (Plain(), ["left"], True, "reads left, right; the data has left"),
        (Plain(), ["left", "right", "top"], True, "reads left, right; the data has left, right, top"),
        (Plain(), ["wave"], True, "reads left, right; the data has wave"),
        (WithMask(), ["mask"], True, "reads tokens and perhaps mask, kinds; the data has mask"),
        (ByKeyword(), ["input_0", "input_1"], False, "reads left, right and perhaps top"),
        (Plain(), ["input_0", "input_1", "input_2"], False, "the data has input_0, input_1, input_2"),
        (AnyNumber(), ["left", "right"], True, "left, right cannot be told apart; give a tuple"),
    ],
)
def test_what_does_not_fit_is_told_with_both_sides(
    network: nn.Module, given: list[str], named: bool, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        bind_inputs(network, given, named=named)
