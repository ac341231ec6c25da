"""Arithmetic as a graph: the course's J = 3(a + bc), derivatives against autograd, and nothing but arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from derin.core.errors import UnknownNameError, UsageError
from derin.explain.trace.expression import trace_expression
from derin.explain.trace.expression_text import expression_document, render_expression

COURSE = {"a": 5.0, "b": 3.0, "c": 2.0}
TORCH = {name: getattr(torch, name) for name in ("exp", "log", "sin", "cos", "tanh", "sigmoid", "relu", "sqrt", "abs")}
TORCH |= {"max": torch.maximum, "min": torch.minimum}


def test_a8_the_graph_of_the_course() -> None:
    found = trace_expression("u = b*c; v = a + u; J = 3*v", COURSE)
    values = {name: float(value) for name, value in found.values.items()}
    assert values == {"a": 5, "b": 3, "c": 2, "u": 6, "v": 11, "J": 33}
    gradients = {name: float(value) for name, value in found.gradients.items()}
    assert gradients == {"a": 3, "b": 6, "c": 9, "u": 3, "v": 3, "J": 1}
    moved = {nudge.name: (nudge.after, nudge.result_after) for nudge in found.nudges}
    assert moved["a"] == pytest.approx((5.001, 33.003))
    assert moved["b"] == pytest.approx((3.001, 33.006))


def test_one_line_names_its_inner_nodes_by_what_they_compute() -> None:
    found = trace_expression("J = 3*(a + b*c)", COURSE)
    assert [node.title for node in found.graph.nodes[3:]] == ["b * c", "a + b * c", "J"]
    assert found.formulas == {"J": "3 * (a + b * c)"}
    assert [(edge.read, edge.gradient) for edge in found.edges] == [
        ("b", 6.0),
        ("c", 9.0),
        ("a", 3.0),
        ("t1", 3.0),
        ("t2", 3.0),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a*b - c/a + (-b)",
        "a**3 - b**c + c**-2",
        "u = exp(-a/7) + log(b)\nv = u*u\nsin(v) - cos(u)*u*c",
        "tanh(a - b) * sigmoid(b - c) + relu(a - 2*c) - relu(c - a)",
        "sqrt(a + b) + abs(c - a)",
        "max(a, b*c) + min(a, b, c) + max(a*b, c, -a)",
        "+a * 2.5 + b * 1e-3 - c ** 0.5",
    ],
)
def test_values_and_derivatives_are_those_of_autograd(text: str) -> None:
    found = trace_expression(text, {"a": 1.7, "b": 0.9, "c": 2.3})
    tensors = {
        name: torch.tensor(value, dtype=torch.float64, requires_grad=True)
        for name, value in {"a": 1.7, "b": 0.9, "c": 2.3}.items()
    }
    names = TORCH | {
        "max": lambda *values: torch.stack(values).max(),
        "min": lambda *values: torch.stack(values).min(),
    }
    *before, last = text.replace("\n", ";").split(";")
    scope = {**names, **tensors}
    exec(";".join(before), scope)  # the line above, by Python itself
    result = eval(last, scope)
    result.backward()
    assert float(found.values[found.graph.output]) == pytest.approx(result.item(), rel=1e-12)
    for name, tensor in tensors.items():
        assert float(found.gradients[name]) == pytest.approx(tensor.grad.item(), rel=1e-9), name


def test_the_gradients_on_the_edges_add_up() -> None:
    found = trace_expression("u = a*b; J = u*u + u + exp(a)", {"a": 0.5, "b": 1.5})
    for name, gradient in found.gradients.items():
        if name != found.graph.output:
            assert sum(edge.gradient for edge in found.edges if edge.read == name) == pytest.approx(float(gradient))


def test_a_nudge_may_leave_the_domain() -> None:
    found = trace_expression("sqrt(1.0005 - a)", {"a": 1})
    assert float(found.gradients["a"]) == pytest.approx(-0.5 / np.sqrt(0.0005))
    assert np.isnan(found.nudges[0].result_after)


def test_equal_parts_are_computed_once() -> None:
    found = trace_expression("(a + b)*(a + b) + sin(a + b)", {"a": 1, "b": 2})
    assert [node.title for node in found.graph.of_kind("operation")].count("a + b") == 1


def test_names_of_the_text_are_never_taken_for_inner_nodes() -> None:
    found = trace_expression("t1 = a*a + 1; t3 = t1*2 + a; t2 = t3 + t1*t1", {"a": 2})
    names = [node.name for node in found.graph.nodes]
    assert len(names) == len(set(names))
    # t1 = 5, t3 = 12, t2 = 12 + 25; dt2/da = (2·2a + 1) + 2·t1·2a
    assert float(found.values["t2"]) == 37
    assert float(found.gradients["a"]) == 9 + 40


def test_text_and_document_tell_the_nudge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "en")
    found = trace_expression("J = 3*(a + b*c)", COURSE)
    text = render_expression(found)
    assert "a  5 → 5.001" in text
    assert "33 → 33.003" in text
    document = expression_document(found)
    assert document["result"] == 33
    assert {node["name"]: node["gradient"] for node in document["nodes"]}["c"] == 9
    monkeypatch.setenv("DERIN_LANG", "tr")
    assert "33 → 33,003" in render_expression(found)


@pytest.mark.parametrize(
    ("text", "values", "message"),
    [
        ("", {}, "must not be empty"),
        ("3*(a +", {"a": 1}, "cannot be read"),
        ("a + b", {"a": 1}, "needs a value for 'b'"),
        ("a + 1", {"a": 1, "b": 2, "c": 3}, "does not read b, c"),
        ("a = a + 1", {"a": 1}, "'a' got two"),
        ("u = a; u = a + 1", {"a": 1}, "'u' got two"),
        ("a", {"a": 1}, "must compute something"),
        ("u = 3", {}, "must compute something"),
        ("a + 1; a + 2", {"a": 1}, "only the last"),
        ("sin(a, a)", {"a": 1}, "takes one argument"),
        ("max(a)", {"a": 1}, "takes two or more"),
        ("1/(a - 1)", {"a": 1}, "not a finite number"),
        ("log(-a)", {"a": 1}, "not a finite number"),
        ("sqrt(a - 1)", {"a": 1}, "sqrt.a - 1. has no finite derivative with respect to a - 1"),
        ("a**10**10", {"a": 2}, "not a finite number"),
        ("a * 1e999", {"a": 2}, "fit in 64 bits"),
        ("a + 1", {"a": float("nan")}, "finite values"),
        ("a" + " + a" * 1000, {"a": 1}, "2000 characters"),
        ("-" * 200 + "a", {"a": 1}, "100 deep"),
    ],
)
def test_what_cannot_be_computed_is_told_in_one_sentence(text: str, values: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        trace_expression(text, values)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').getcwd()",
        "a.real",
        "a[0]",
        "(lambda: a)()",
        "[a for a in (1,)]",
        "a if a else 1",
        "a == 1",
        "a and 1",
        "not a",
        "~a",
        "a // 2",
        "a % 2",
        "a @ a",
        "(b := a)",
        "'a' * 3",
        "f'{a}'",
        "a + 1j",
        "a + True",
        "a + ...",
        "import os",
        "def f(): pass",
        "del a",
        "u: int = a",
        "u += a",
        "u, v = a, a",
        "max(a, *[a])",
        "exp(x=a)",
        "await a",
        "a\0",
        "3and a",
        "'\\d'",
        "3(a)",
    ],
)
def test_nothing_but_arithmetic_is_accepted(text: str) -> None:
    with pytest.raises(UsageError):
        trace_expression(text, {"a": 1})


def test_a_name_of_python_is_no_function() -> None:
    with pytest.raises(UnknownNameError, match="'exp'"):
        trace_expression("exq(a)", {"a": 1})
    with pytest.raises(UnknownNameError, match="eval"):
        trace_expression("eval(a)", {"a": 1})


def test_an_expression_as_deep_as_allowed_is_computed() -> None:
    found = trace_expression("+".join(["a"] * 90), {"a": 2})
    assert float(found.values[found.graph.output]) == 180
    assert np.isclose(float(found.gradients["a"]), 90)
