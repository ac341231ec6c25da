"""From the text of an expression to the graph of its operations.

Python's parser reads the text, and a walk over a short list of what is allowed writes down the nodes; nothing of the
text is ever executed.
"""

from __future__ import annotations

import ast
import itertools
import math
import sys
from collections.abc import Mapping

from derin.core.errors import UnknownNameError, UsageError
from derin.core.quiet import quiet
from derin.explain.trace.graph import Argument, Graph, Node, Ref

# Stands where a network's module would, so that all of it counts as forward pass.
_PLACE = "expression"
# A line for people, not a program; also what keeps Python's parser and the recursion below far from their limits.
_MOST_CHARACTERS = 2000
_DEEPEST = 100

_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "aten.add",
    ast.Sub: "aten.sub",
    ast.Mult: "aten.mul",
    ast.Div: "aten.div",
    ast.Pow: "aten.pow",
}
# What aten takes after the two operands.
_FURTHER: dict[str, tuple[Argument, ...]] = {"aten.add": (1,), "aten.sub": (1,)}
_FUNCTIONS = {name: f"aten.{name}" for name in ("exp", "log", "sin", "cos", "tanh", "sigmoid", "relu", "sqrt", "abs")}
_CHOICES = {"max": "aten.maximum", "min": "aten.minimum"}
FUNCTIONS = tuple(sorted([*_FUNCTIONS, *_CHOICES]))


def parse(text: str, given: Mapping[str, float]) -> tuple[Graph, dict[str, str]]:
    """The graph of an expression, and the formulas of the nodes that it names; see `trace_expression`."""
    if len(text) > _MOST_CHARACTERS:
        raise UsageError(f"An expression may have {_MOST_CHARACTERS} characters; got {len(text)}.")
    for name, value in given.items():
        if not math.isfinite(value):
            raise UsageError(f"The names of an expression must have finite values; got {name}={value}.")
    try:
        with quiet():  # the parser's hints on text that is refused below
            statements = ast.parse(text.strip()).body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise UsageError(f"{text.strip()!r} cannot be read as arithmetic; write it like J = 3*(a + b*c).") from error
    if not statements:
        raise UsageError("An expression must not be empty; write it like J = 3*(a + b*c).")
    names = {node.id for statement in statements for node in ast.walk(statement) if isinstance(node, ast.Name)}
    reader = _Reader(given, names)
    for statement in statements:
        output = reader.read(statement, last=statement is statements[-1])
    unread = sorted(set(given) - reader.read_names)
    if unread:
        raise UsageError(f"Every value must belong to a name of the expression; it does not read {', '.join(unread)}.")
    if not isinstance(output, Ref) or output.name in given:
        raise _refused(statements[-1], "the last statement must compute something")
    return Graph(tuple(reader.nodes), output.name), reader.formulas


class _Reader:
    """Walks over statements and writes down a node for each operation; equal parts become one node."""

    def __init__(self, given: Mapping[str, float], names: set[str]) -> None:
        self.nodes = [Node(name=name, kind="input", title=name) for name in given]
        self.read_names: set[str] = set()
        self.formulas: dict[str, str] = {}
        self._given = frozenset(given)
        self._taken = names | set(given)
        self._assigned: dict[str, Argument] = {}
        self._done: dict[str, Ref] = {}

    def read(self, statement: ast.stmt, *, last: bool) -> Argument:
        """What a statement comes to; only the last may go without a name."""
        if _depth(statement) > _DEEPEST:
            raise UsageError(f"An expression may be nested {_DEEPEST} deep; split it into statements name = ….")
        match statement:
            case ast.Expr(value=value) if last:
                return self._read(value)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                if name in self._assigned or name in self._given:
                    raise UsageError(
                        f"A name of an expression stands for one value; {name!r} got two. Use another name."
                    )
                result = self._read(value, name)
                self._assigned[name] = result
                return result
        raise _refused(statement, "statements are name = arithmetic, and only the last may go without a name")

    def _read(self, expression: ast.expr, name: str | None = None) -> Argument:
        """A number, or a reference to the node that holds the value; a node that is made gets the name."""
        match expression:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return _as_float(number)
            case ast.Name(id=read):
                return self._named(read)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._read(operand, name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self._read(operand)
                return -inner if isinstance(inner, float) else self._write(expression, "aten.neg", (inner,), name)
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATORS:
                operation = _OPERATORS[type(operator)]
                pair = (self._read(left), self._read(right))
                return self._write(expression, operation, (*pair, *_FURTHER.get(operation, ())), name)
            case ast.Call(func=ast.Name(id=function), args=arguments, keywords=[]):
                return self._called(expression, function, arguments, name)
        raise _refused(expression, "only numbers, names, + - * / **, brackets and functions are arithmetic")

    def _named(self, name: str) -> Argument:
        if name in self._assigned:
            return self._assigned[name]
        if name in self._given:
            self.read_names.add(name)
            return Ref(name)
        raise UsageError(f"The expression needs a value for {name!r}; add {name}=… to it.")

    def _called(self, expression: ast.Call, function: str, arguments: list[ast.expr], name: str | None) -> Argument:
        if function not in FUNCTIONS:
            raise UnknownNameError("function for an expression", function, FUNCTIONS)
        wanted = "two or more arguments" if function in _CHOICES else "one argument"
        if any(isinstance(argument, ast.Starred) for argument in arguments) or (
            len(arguments) < 2 if function in _CHOICES else len(arguments) != 1
        ):
            raise UsageError(f"{function} in an expression takes {wanted}; got {ast.unparse(expression)}.")
        if function in _FUNCTIONS:
            return self._write(expression, _FUNCTIONS[function], (self._read(arguments[0]),), name)
        if len(arguments) == 2:
            return self._write(expression, _CHOICES[function], tuple(map(self._read, arguments)), name)
        # The largest of several is the larger of the last and of the largest of those before.
        before = self._called(ast.Call(expression.func, arguments[:-1], []), function, arguments[:-1], None)
        return self._write(expression, _CHOICES[function], (before, self._read(arguments[-1])), name)

    def _write(self, expression: ast.expr, operation: str, arguments: tuple[Argument, ...], name: str | None) -> Ref:
        text = ast.unparse(expression)
        if name is None and text in self._done:
            return self._done[text]
        if name:
            self.formulas[name] = text
        node = Node(
            name=name or self._free_name(),
            kind="operation",
            operation=operation,
            arguments=arguments,
            place=_PLACE,
            title=name or text,
        )
        self.nodes.append(node)
        self._done.setdefault(text, Ref(node.name))
        return Ref(node.name)

    def _free_name(self) -> str:
        """t1, t2 …, passing over those that the text has for itself."""
        name = next(name for number in itertools.count(1) if (name := f"t{number}") not in self._taken)
        self._taken.add(name)
        return name


def _as_float(number: int | float) -> float:
    try:
        value = float(number)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise UsageError(f"The numbers of an expression must fit in 64 bits; got one above {sys.float_info.max:.3g}.")
    return value


def _depth(statement: ast.stmt) -> int:
    """How many brackets stand within one another, counted without recursion."""
    deepest = 0
    inner: list[ast.AST] = [statement]
    while inner:
        inner = [child for node in inner for child in ast.iter_child_nodes(node)]
        deepest += 1
    return deepest


def _refused(part: ast.AST, rule: str) -> UsageError:
    text = ast.unparse(part)
    return UsageError(f"{text if len(text) < 60 else text[:57] + '…'!r} is no part of an expression: {rule}.")
