"""Numbers that only change their place: shapes, slices, joins, padding, indexing, enlarging."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from derin.explain.trace.operation import Array, Call, Cell, Gradients, Index, Operation, Term, no_gradient, table
from derin.explain.trace.operations.arithmetic import plain, reduced_to


def _by_places(place: Callable[..., Array]) -> tuple[Callable[..., Array], Callable[[Call, Any], Gradients]]:
    """Forward and backward of an operation whose every output is one cell of x.

    `place` is given an array of the same shape as x that holds each cell's number and rearranges it as x would be.
    """

    def forward(x: Array, *options: Any) -> Array:
        return np.asarray(place(x, *options))

    def backward(call: Call, gradient: Any) -> Gradients:
        x, *options = call.arguments
        sources = place(np.arange(x.size).reshape(x.shape), *options)
        to_x = np.bincount(np.ravel(sources), weights=np.ravel(gradient), minlength=x.size)
        return (to_x.reshape(x.shape), *(None,) * len(options))

    return forward, backward


def _moving(name: str, options: tuple[str, ...], place: Callable[..., Array], formula: str) -> Operation:
    forward, backward = _by_places(place)

    def cell(call: Call, index: Index) -> Cell:
        x, *rest = call.arguments
        source = int(place(np.arange(x.size).reshape(x.shape), *rest)[index])
        at = tuple(int(axis) for axis in np.unravel_index(source, x.shape))
        return Cell((Term(((0, at, float(x[at])),)),), float(call.output[index]), "sum")

    return Operation(
        name=f"aten.{name}",
        symbols=("x", *options),
        forward=forward,
        backward=backward,
        formula=rf"y = {formula}",
        gradient_formula=r"\bar{x}_i = \sum_{q : y_q = x_i} \bar{y}_q",
        cell=cell,
    )


def _slice(x: Array, axis: int, start: int | None, end: int | None, step: int) -> Array:
    return x[(slice(None),) * (axis % x.ndim) + (slice(start, end, step),)]


def _expand(x: Array, shape: tuple[int, ...], implicit: bool = False) -> Array:
    lead = len(shape) - x.ndim
    sizes = [x.shape[axis - lead] if size == -1 else size for axis, size in enumerate(shape)]
    return np.broadcast_to(x, sizes)


def _squeeze(x: Array, axes: Any = None) -> Array:
    wanted = range(x.ndim) if axes is None else [axes] if isinstance(axes, int) else axes
    return np.squeeze(x, tuple(axis % x.ndim for axis in wanted if x.ndim and x.shape[axis] == 1))


def _repeat(x: Array, times: tuple[int, ...]) -> Array:
    return np.tile(x, times)


def _roll(x: Array, shifts: tuple[int, ...], axes: tuple[int, ...] = ()) -> Array:
    if not axes:
        return np.roll(x, shifts[0])
    return np.roll(x, shifts, axes)


def _unfold(x: Array, axis: int, size: int, step: int) -> Array:
    windows = np.lib.stride_tricks.sliding_window_view(x, size, axis % x.ndim)
    return _slice(windows, axis % x.ndim, None, None, step)


def _as_strided(x: Array, shape: tuple[int, ...], strides: tuple[int, ...], offset: int | None = 0) -> Array:
    places = np.full(shape, offset or 0)
    for axis, stride in enumerate(strides):
        places = places + np.arange(shape[axis]).reshape(-1, *(1,) * (len(shape) - axis - 1)) * stride
    return np.ravel(x)[places]


def _constant_pad(x: Array, padding: tuple[int, ...], value: float = 0.0) -> Array:
    pairs = _pairs(padding, x.ndim)
    cut = x[tuple(slice(max(0, -low), size - max(0, -high)) for (low, high), size in zip(pairs, x.shape, strict=True))]
    return np.pad(cut, [(max(0, low), max(0, high)) for low, high in pairs], constant_values=value)


def _pairs(padding: tuple[int, ...], num_axes: int) -> list[tuple[int, int]]:
    """PyTorch lists (before, after) from the last axis on."""
    pairs = [(padding[at], padding[at + 1]) for at in range(0, len(padding), 2)]
    return [(0, 0)] * (num_axes - len(pairs)) + pairs[::-1]


def _constant_pad_backward(call: Call, gradient: Any) -> Gradients:
    _, padding, _ = call.arguments
    return _constant_pad(np.asarray(gradient), tuple(-size for size in padding)), None, None


def _edge_pad(mode: str) -> Callable[..., Array]:
    return lambda x, padding: np.pad(x, _pairs(padding, x.ndim), mode=mode)  # type: ignore[call-overload]


def _nearest(x: Array, size: Any, *scales: float | None) -> Array:
    for number, (wanted, scale) in enumerate(zip(size, scales, strict=True)):
        axis = x.ndim - len(size) + number
        ratio = x.shape[axis] / wanted if scale is None else 1 / scale
        places = np.minimum((np.arange(wanted) * ratio).astype(int), x.shape[axis] - 1)
        x = np.take(x, places, axis=axis)
    return x


def _pixel_shuffle(x: Array, r: int) -> Array:
    """y_{c, hr + i, wr + j} = x_{cr² + ir + j, h, w}."""
    *lead, channels, height, width = x.shape
    parts = x.reshape(*lead, channels // (r * r), r, r, height, width)
    c = len(lead)
    order = (*range(c), c, c + 3, c + 1, c + 4, c + 2)
    return parts.transpose(order).reshape(*lead, channels // (r * r), height * r, width * r)


def _bilinear_matrix(size: int, wanted: int, align_corners: bool, scale: float | None) -> Array:
    """``(wanted, size)``: each row holds the shares of the two neighbours."""
    if align_corners:
        source = np.arange(wanted) * ((size - 1) / (wanted - 1) if wanted > 1 else 0.0)
    else:
        ratio = size / wanted if scale is None else 1 / scale
        source = np.maximum((np.arange(wanted) + 0.5) * ratio - 0.5, 0.0)
    low = np.minimum(source.astype(int), size - 1)
    high = np.minimum(low + 1, size - 1)
    share = source - low
    matrix = np.zeros((wanted, size))
    np.add.at(matrix, (np.arange(wanted), low), 1 - share)
    np.add.at(matrix, (np.arange(wanted), high), share)
    return matrix


def _bilinear_matrices(call_arguments: tuple[Any, ...]) -> tuple[Array, Array]:
    x, size, align_corners, *scales = call_arguments
    rows, columns = (_bilinear_matrix(x.shape[axis - 2], size[axis], align_corners, scales[axis]) for axis in range(2))
    return rows, columns


def _bilinear(*arguments: Any) -> Array:
    rows, columns = _bilinear_matrices(arguments)
    return np.asarray(rows @ arguments[0] @ columns.T)


def _bilinear_backward(call: Call, gradient: Any) -> Gradients:
    rows, columns = _bilinear_matrices(call.arguments)
    return (rows.T @ gradient @ columns, *(None,) * (len(call.arguments) - 1))


def _bilinear_cell(call: Call, index: Index) -> Cell:
    rows, columns = _bilinear_matrices(call.arguments)
    *lead, row, column = index
    terms = []
    for i, j in zip(*np.nonzero(np.outer(rows[row], columns[column])), strict=True):
        at = (*lead, int(i), int(j))
        terms.append(Term((plain(rows[row, i] * columns[column, j]), (0, at, float(call.arguments[0][at])))))
    return Cell(tuple(terms), float(call.output[index]), "sum")


def _cat_backward(call: Call, gradient: Any) -> Gradients:
    parts, axis = call.arguments
    ends = np.cumsum([part.shape[axis] for part in parts])[:-1]
    return tuple(np.split(gradient, ends, axis=axis)), None


def _stack_backward(call: Call, gradient: Any) -> Gradients:
    parts, axis = call.arguments
    return tuple(np.take(gradient, at, axis=axis) for at in range(len(parts))), None


def _where(indices: tuple[Any, ...]) -> Any:
    """Indices as NumPy takes them: all of an axis where there is none."""
    return tuple(slice(None) if one is None else one for one in indices)


def _index(x: Array, indices: tuple[Any, ...]) -> Array:
    return np.asarray(x[_where(indices)])


def _index_backward(call: Call, gradient: Any) -> Gradients:
    x, indices = call.arguments
    to_x = np.zeros_like(x)
    np.add.at(to_x, _where(indices), gradient)
    return to_x, tuple(None for _ in indices)


def _index_put(x: Array, indices: tuple[Any, ...], values: Array, accumulate: bool = False) -> Array:
    output = x.copy()
    where = _where(indices)
    if accumulate:
        np.add.at(output, where, values)
    else:
        output[where] = values
    return output


def _index_put_backward(call: Call, gradient: Any) -> Gradients:
    _, indices, values, accumulate = call.arguments
    where = _where(indices)
    to_x = np.array(gradient)
    if not accumulate:
        to_x[where] = 0.0
    return to_x, tuple(None for _ in indices), reduced_to(gradient[where], values), None


def _gather_backward(call: Call, gradient: Any) -> Gradients:
    x, axis, index, *rest = call.arguments
    to_x = np.zeros_like(x)
    places = list(np.ogrid[tuple(slice(size) for size in index.shape)])
    places[axis % x.ndim] = index
    np.add.at(to_x, tuple(places), gradient)
    return (to_x, None, None, *(None,) * len(rest))


def _put(x: Array, part: Array, where: tuple[Any, ...]) -> Array:
    output = x.copy()
    output[where] = part
    return output


def _slice_place(x: Array, axis: int, start: int | None, end: int | None, step: int) -> tuple[Any, ...]:
    return (slice(None),) * (axis % x.ndim) + (slice(start, end, step),)


def _select_place(x: Array, axis: int, at: int) -> tuple[Any, ...]:
    return (slice(None),) * (axis % x.ndim) + (at,)


def _putting(name: str, options: tuple[str, ...], where: Callable[..., tuple[Any, ...]]) -> Operation:
    """x with a part of it replaced."""

    def backward(call: Call, gradient: Any) -> Gradients:
        x, _, *rest = call.arguments
        place = where(x, *rest)
        return (_put(np.asarray(gradient), np.zeros(()), place), gradient[place], *(None,) * len(rest))

    return Operation(
        name=f"aten.{name}",
        symbols=("x", "v", *options),
        forward=lambda x, part, *rest: _put(x, part, where(x, *rest)),
        backward=backward,
        formula=r"y = v \text{ at the place, else } x",
        gradient_formula=r"\bar{v} = \bar{y} \text{ at the place}, \; \bar{x} = \bar{y} \text{ elsewhere}",
    )


def _triangle(name: str, keep: Callable[..., Any]) -> Operation:
    return Operation(
        name=f"aten.{name}",
        symbols=("x", "k"),
        forward=lambda x, diagonal=0: keep(x, diagonal),
        backward=lambda call, gradient: (keep(gradient, call.arguments[1]), None),
        formula=rf"y = \text{{{name}}}(x)",
        gradient_formula=rf"\bar{{x}} = \text{{{name}}}(\bar{{y}})",
    )


_KINDS = {"float64": np.float64, "int64": np.int64, "bool": np.bool_}


def _converted(x: Array, kind: str | None) -> Array:
    return x if kind is None else x.astype(_KINDS[kind])


_SHAPE = (r"\text{shape}",)
_AXIS = (r"\text{axis}",)

SHAPING = table(
    _moving("view", _SHAPE, lambda x, shape: x.reshape(shape), r"\text{view}(x)"),
    _moving("clone", (), lambda x: x, "x"),
    _moving("t", (), lambda x: x.T, r"x^\top"),
    _moving(
        "transpose", (r"\text{axis}", r"\text{axis}"), lambda x, a, b: np.swapaxes(x, a, b) if x.ndim else x, r"x^\top"
    ),
    _moving("permute", (r"\text{axes}",), lambda x, axes: np.transpose(x, axes), r"\text{permute}(x)"),
    _moving("expand", _SHAPE, _expand, r"\text{expand}(x)"),
    _moving("squeeze", _AXIS, _squeeze, r"\text{squeeze}(x)"),
    _moving("unsqueeze", _AXIS, np.expand_dims, r"\text{unsqueeze}(x)"),
    _moving(
        "slice",
        (r"\text{axis}", r"\text{from}", r"\text{to}", r"\text{step}"),
        _slice,
        r"x[\text{from} : \text{to} : \text{step}]",
    ),
    _moving("select", (r"\text{axis}", "i"), lambda x, axis, at: np.take(x, at, axis=axis), "x[i]"),
    _moving("repeat", (r"\text{times}",), _repeat, r"\text{repeat}(x)"),
    _moving("flip", (r"\text{axes}",), np.flip, r"\text{flip}(x)"),
    _moving("roll", (r"\text{shift}", r"\text{axes}"), _roll, r"\text{roll}(x)"),
    _moving("unfold", (r"\text{axis}", r"\text{size}", r"\text{step}"), _unfold, r"\text{unfold}(x)"),
    _moving("as_strided", (r"\text{shape}", r"\text{strides}", r"\text{offset}"), _as_strided, r"\text{view}(x)"),
    _moving(
        "diagonal",
        ("k", r"\text{axis}", r"\text{axis}"),
        lambda x, k, a, b: np.diagonal(x, k, a, b),
        r"\text{diagonal}(x)",
    ),
    _moving("index_select", (r"\text{axis}", "i"), lambda x, axis, at: np.take(x, at, axis=axis), "x[i]"),
    *(
        _moving(f"reflection_pad{axes}d", (r"\text{padding}",), _edge_pad("reflect"), r"\text{reflect}(x)")
        for axes in (1, 2, 3)
    ),
    *(
        _moving(f"replication_pad{axes}d", (r"\text{padding}",), _edge_pad("edge"), r"\text{replicate}(x)")
        for axes in (1, 2, 3)
    ),
    _moving("upsample_nearest1d", (r"\text{size}", "s"), _nearest, r"x_{\text{nearest}}"),
    _moving("upsample_nearest2d", (r"\text{size}", "s", "s"), _nearest, r"x_{\text{nearest}}"),
    _moving("pixel_shuffle", ("r",), _pixel_shuffle, r"\text{shuffle}_r(x)"),
    Operation(
        name="aten.upsample_bilinear2d",
        symbols=("x", r"\text{size}", r"\text{corners}", "s", "s"),
        forward=_bilinear,
        backward=_bilinear_backward,
        formula=r"y = R x C^\top",
        gradient_formula=r"\bar{x} = R^\top \bar{y} C",
        cell=_bilinear_cell,
    ),
    Operation(
        name="aten.constant_pad_nd",
        symbols=("x", r"\text{padding}", "v"),
        forward=_constant_pad,
        backward=_constant_pad_backward,
        formula=r"y = x \text{ inside}, v \text{ around it}",
        gradient_formula=r"\bar{x} = \bar{y} \text{ inside}",
    ),
    Operation(
        name="aten.cat",
        symbols=("x", r"\text{axis}"),
        forward=lambda parts, axis=0: np.concatenate(parts, axis=axis),
        backward=_cat_backward,
        formula=r"y = [x_1, x_2, \dots]",
        gradient_formula=r"[\bar{x}_1, \bar{x}_2, \dots] = \bar{y}",
    ),
    Operation(
        name="aten.stack",
        symbols=("x", r"\text{axis}"),
        forward=lambda parts, axis=0: np.stack(parts, axis=axis),
        backward=_stack_backward,
        formula=r"y = [x_1, x_2, \dots]",
        gradient_formula=r"[\bar{x}_1, \bar{x}_2, \dots] = \bar{y}",
    ),
    Operation(
        name="aten.index",
        symbols=("x", "i"),
        forward=_index,
        backward=_index_backward,
        formula="y = x[i]",
        gradient_formula=r"\bar{x}_j = \sum_{q : i_q = j} \bar{y}_q",
    ),
    Operation(
        name="aten.index_put",
        symbols=("x", "i", "v", r"\text{add}"),
        forward=_index_put,
        backward=_index_put_backward,
        formula=r"y = x, \; y[i] = v",
        gradient_formula=r"\bar{v} = \bar{y}[i], \; \bar{x} = \bar{y} \text{ elsewhere}",
    ),
    Operation(
        name="aten.gather",
        symbols=("x", r"\text{axis}", "i", r"\text{sparse}"),
        forward=lambda x, axis, index, sparse=False: np.take_along_axis(x, index, axis=axis),
        backward=_gather_backward,
        formula="y = x[i]",
        gradient_formula=r"\bar{x}_j = \sum_{q : i_q = j} \bar{y}_q",
    ),
    _putting("slice_scatter", (r"\text{axis}", r"\text{from}", r"\text{to}", r"\text{step}"), _slice_place),
    _putting("select_scatter", (r"\text{axis}", "i"), _select_place),
    Operation(
        name="aten.copy",
        symbols=("x", "v"),
        forward=lambda x, value: np.array(np.broadcast_to(value, x.shape)),
        backward=lambda call, gradient: (np.zeros_like(gradient), reduced_to(gradient, call.arguments[1])),
        formula="y = v",
        gradient_formula=r"\bar{v} = \bar{y}, \; \bar{x} = 0",
    ),
    _triangle("tril", np.tril),
    _triangle("triu", np.triu),
    Operation(
        name="aten._to_copy",
        symbols=("x", r"\text{kind}"),
        forward=_converted,
        backward=lambda call, gradient: (gradient if call.output.dtype.kind == "f" else None, None),
        formula="y = x",
        gradient_formula=r"\bar{x} = \bar{y}",
    ),
    Operation(
        name="aten.detach",
        symbols=("x",),
        forward=lambda x: x,
        backward=no_gradient,
        formula="y = x",
        gradient_formula="",
    ),
)
