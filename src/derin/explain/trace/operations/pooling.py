"""Pooling over windows: the largest, the mean, and windows that adapt to a wanted output size."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import numpy as np

from derin.explain.trace.operation import Array, Call, Cell, Gradients, Index, Operation, Term, table
from derin.explain.trace.operations.arithmetic import plain

Sizes = Sequence[int]
Window = tuple[slice, ...]


def _spread(value: Any, num_axes: int) -> tuple[int, ...]:
    """One number per axis from one, from a list of one, or from as many as there are axes."""
    values = (value,) if isinstance(value, int) else tuple(value)
    return values * num_axes if len(values) == 1 else values


def _num_places(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    places = (room + (stride - 1 if ceil_mode else 0)) // stride + 1
    # With rounding up the last window must still begin inside the input or the padding before it.
    return places - 1 if ceil_mode and (places - 1) * stride >= size + padding else places


class _Windows:
    """Which cells each output of a pool over the last axes of x reads."""

    def __init__(
        self, x: Array, kernel: Any, stride: Any, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
    ) -> None:
        # A kernel with a size for each axis says how many axes there are; an input may lack the axis of examples.
        axes = x.ndim - 2 if isinstance(kernel, int) or len(kernel) == 1 else len(kernel)
        self.kernel = _spread(kernel, axes)
        self.stride = self.kernel if stride == () else _spread(stride, axes)
        self.padding, self.dilation = _spread(padding, axes), _spread(dilation, axes)
        self.sizes = x.shape[-axes:]
        self.lead = x.shape[:-axes]
        self.places = tuple(
            _num_places(*along, ceil_mode)
            for along in zip(self.sizes, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        )
        # Far enough for the last window, which may reach beyond the padding.
        self.reach = tuple(
            max(size + 2 * pad, (places - 1) * step + (taps - 1) * spread + 1)
            for size, pad, places, step, taps, spread in zip(
                self.sizes, self.padding, self.places, self.stride, self.kernel, self.dilation, strict=True
            )
        )

    def padded(self, x: Array, fill: float) -> Array:
        wide = np.full((*self.lead, *self.reach), fill)
        wide[self.inside()] = x
        return wide

    def inside(self) -> tuple[Any, ...]:
        return (..., *(slice(pad, pad + size) for pad, size in zip(self.padding, self.sizes, strict=True)))

    def taps(self) -> Iterator[tuple[Any, ...]]:
        """For each place of the kernel, where in the padded input it lies for all outputs at once."""
        for tap in np.ndindex(*self.kernel):
            yield (
                ...,
                *(
                    slice(at * spread, at * spread + step * (places - 1) + 1, step)
                    for at, spread, step, places in zip(tap, self.dilation, self.stride, self.places, strict=True)
                ),
            )

    def cells(self, index: Index) -> list[Index]:
        """The cells of x that one output reads."""
        lead, place = index[: len(self.lead)], index[len(self.lead) :]
        along = [
            [at for k in range(taps) if 0 <= (at := q * step - pad + k * spread) < size]
            for q, taps, step, pad, spread, size in zip(
                place, self.kernel, self.stride, self.padding, self.dilation, self.sizes, strict=True
            )
        ]
        return [(*lead, *at) for at in itertools.product(*along)]


def _max_pool(
    x: Array, kernel: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> Array:
    windows = _Windows(x, kernel, stride, padding, dilation, ceil_mode)
    wide = windows.padded(x, -np.inf)
    return np.asarray(np.max([wide[tap] for tap in windows.taps()], axis=0))


def _max_pool_backward(call: Call, gradient: Any) -> Gradients:
    """To the first of the largest cells of each window."""
    x, *options = call.arguments
    windows = _Windows(x, *options)
    wide, to_wide = windows.padded(x, -np.inf), np.zeros((*windows.lead, *windows.reach))
    left = np.ones(call.output.shape, dtype=bool)
    for tap in windows.taps():
        here = left & (wide[tap] == call.output)
        to_wide[tap] += gradient * here
        left &= ~here
    return (to_wide[windows.inside()], *(None,) * len(options))


def _max_pool_cell(call: Call, index: Index) -> Cell:
    x, *options = call.arguments
    cells = _Windows(x, *options).cells(index)
    return Cell(tuple(Term(((0, at, float(x[at])),)) for at in cells), float(call.output[index]), "max")


def _counts(windows: _Windows, count_padding: bool, divisor: int | None) -> Any:
    """By how many cells the sum of each window is divided."""
    if divisor:
        return float(divisor)
    counted = np.zeros(windows.reach)
    pads = windows.padding if count_padding else (0,) * len(windows.padding)
    counted[
        tuple(
            slice(pad - more, pad + size + more)
            for pad, size, more in zip(windows.padding, windows.sizes, pads, strict=True)
        )
    ] = 1.0
    return np.sum([counted[tap] for tap in windows.taps()], axis=0)


def _avg_pool(
    x: Array,
    kernel: Any,
    stride: Any = (),
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor: int | None = None,
) -> Array:
    windows = _Windows(x, kernel, stride, padding, 1, ceil_mode)
    wide = windows.padded(x, 0.0)
    total = np.sum([wide[tap] for tap in windows.taps()], axis=0)
    return np.asarray(total / _counts(windows, count_include_pad, divisor))


def _avg_options(call: Call) -> tuple[_Windows, Any]:
    x, kernel, stride, padding, ceil_mode, count_include_pad, *rest = call.arguments
    windows = _Windows(x, kernel, stride, padding, 1, ceil_mode)
    return windows, _counts(windows, count_include_pad, rest[0] if rest else None)


def _avg_pool_backward(call: Call, gradient: Any) -> Gradients:
    windows, counts = _avg_options(call)
    to_wide = np.zeros((*windows.lead, *windows.reach))
    for tap in windows.taps():
        to_wide[tap] += gradient / counts
    return (to_wide[windows.inside()], *(None,) * (len(call.arguments) - 1))


def _avg_pool_cell(call: Call, index: Index) -> Cell:
    x = call.arguments[0]
    windows, counts = _avg_options(call)
    share = 1 / float(np.broadcast_to(counts, windows.places)[index[len(windows.lead) :]])
    terms = tuple(Term((plain(share), (0, at, float(x[at])))) for at in windows.cells(index))
    return Cell(terms, float(call.output[index]), "sum")


def _adaptive_windows(size: int, places: int) -> list[slice]:
    """Windows that cover an axis, each from ⌊q·size/places⌋ up to ⌈(q + 1)·size/places⌉."""
    return [slice(q * size // places, -(-(q + 1) * size // places)) for q in range(places)]


def _adaptive(x: Array, wanted: Any) -> tuple[tuple[int, ...], list[tuple[Index, Window]]]:
    sizes = _spread(wanted, x.ndim - 2)
    axes = [_adaptive_windows(size, places) for size, places in zip(x.shape[-len(sizes) :], sizes, strict=True)]
    return sizes, [(place, tuple(axis[q] for axis, q in zip(axes, place, strict=True))) for place in np.ndindex(*sizes)]


def _adaptive_pool(reduce: Callable[..., Any]) -> Callable[[Array, Any], Array]:
    def forward(x: Array, wanted: Any) -> Array:
        sizes, windows = _adaptive(x, wanted)
        output = np.empty((*x.shape[: -len(sizes)], *sizes))
        for place, window in windows:
            part = x[cast(Any, (..., *window))]
            output[cast(Any, (..., *place))] = reduce(part, axis=tuple(range(-len(sizes), 0)))
        return output

    return forward


def _adaptive_avg_backward(call: Call, gradient: Any) -> Gradients:
    x, wanted = call.arguments
    to_x = np.zeros_like(x)
    sizes, windows = _adaptive(x, wanted)
    for place, window in windows:
        count = np.prod([part.stop - part.start for part in window])
        to_x[(..., *window)] += (gradient[(..., *place)] / count)[(..., *(None,) * len(sizes))]
    return to_x, None


def _adaptive_max_backward(call: Call, gradient: Any) -> Gradients:
    x, wanted = call.arguments
    to_x = np.zeros_like(x)
    sizes, windows = _adaptive(x, wanted)
    for lead in np.ndindex(*x.shape[: -len(sizes)]):
        for place, window in windows:
            part = x[(*lead, *window)]
            best = np.unravel_index(int(part.argmax()), part.shape)
            to_x[(*lead, *window)][best] += gradient[(*lead, *place)]
    return to_x, None


def _adaptive_cell(form: str) -> Callable[[Call, Index], Cell]:
    def cell(call: Call, index: Index) -> Cell:
        x, wanted = call.arguments
        sizes, windows = _adaptive(x, wanted)
        lead, place = index[: -len(sizes)], index[-len(sizes) :]
        window = dict(windows)[place]
        cells = [(*lead, *at) for at in itertools.product(*(range(part.start, part.stop) for part in window))]
        share = (plain(1 / len(cells)),) if form == "sum" else ()
        return Cell(tuple(Term((*share, (0, at, float(x[at])))) for at in cells), float(call.output[index]), form)

    return cell


def _max_operation(axes: int) -> Operation:
    return Operation(
        name=f"aten.max_pool{axes}d",
        symbols=("x", "k", "s", "p", "d", r"\text{ceil}"),
        forward=_max_pool,
        backward=_max_pool_backward,
        formula=r"y_q = \max_{k} x_{q s - p + k d}",
        gradient_formula=r"\bar{x}_i = \sum_q \bar{y}_q \text{ where } x_i \text{ is the first largest of window } q",
        cell=_max_pool_cell,
    )


def _avg_operation(axes: int) -> Operation:
    divisor = () if axes == 1 else (r"\text{divisor}",)
    return Operation(
        name=f"aten.avg_pool{axes}d",
        symbols=("x", "k", "s", "p", r"\text{ceil}", r"\text{count padding}", *divisor),
        forward=_avg_pool,
        backward=_avg_pool_backward,
        formula=r"y_q = \frac{1}{n_q} \sum_k x_{q s - p + k}",
        gradient_formula=r"\bar{x}_i = \sum_{q : i \in q} \frac{\bar{y}_q}{n_q}",
        cell=_avg_pool_cell,
    )


def _adaptive_avg_operation(axes: int) -> Operation:
    return Operation(
        name=f"aten.adaptive_avg_pool{axes}d",
        symbols=("x", r"\text{size}"),
        forward=_adaptive_pool(np.mean),
        backward=_adaptive_avg_backward,
        formula=r"y_q = \frac{1}{n_q} \sum_{i \in q} x_i",
        gradient_formula=r"\bar{x}_i = \sum_{q : i \in q} \frac{\bar{y}_q}{n_q}",
        cell=_adaptive_cell("sum"),
    )


def _adaptive_max_operation(axes: int) -> Operation:
    return Operation(
        name=f"aten.adaptive_max_pool{axes}d",
        symbols=("x", r"\text{size}"),
        forward=_adaptive_pool(np.max),
        backward=_adaptive_max_backward,
        formula=r"y_q = \max_{i \in q} x_i",
        gradient_formula=r"\bar{x}_i = \sum_q \bar{y}_q \text{ where } x_i \text{ is the first largest of window } q",
        cell=_adaptive_cell("max"),
    )


POOLING = table(
    _max_operation(2),
    _max_operation(3),
    _avg_operation(1),
    _avg_operation(2),
    _avg_operation(3),
    _adaptive_avg_operation(2),
    _adaptive_avg_operation(3),
    _adaptive_max_operation(2),
    _adaptive_max_operation(3),
)
