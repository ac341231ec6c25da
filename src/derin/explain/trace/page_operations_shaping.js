// Numbers that only change their place, or are met by others as they are.
"use strict";

// From output to input by `source`: a cell, or a number that is written; back, all outputs that come from there.
const moving = (source) => ({
  cell(call, at) {
    const from = source(call, at);
    return { form: "copy", terms: [[from.of ? from : plain(from)]] };
  },
  reached: (call, argument, at) => walk(call.out.shape).filter((to) => {
    const from = source(call, to);
    return from.of?.slot === argument.slot && same(from.at, at);
  }),
  slope: () => [],
});
const flat = {
  ...moving((call, at) => cellOf(call.arguments[0], call.arguments[0].index(call.out.offset(at)))),
  reached: (call, argument, at) => [call.out.index(argument.offset(at))],
  whole: (call) => call.arguments[0].data,
};
const permuted = (order) => ({
  ...moving((call, at) => {
    const from = [];
    order(call).forEach((axis, place) => { from[axis] = at[place]; });
    return cellOf(call.arguments[0], from);
  }),
  reached: (call, argument, at) => [order(call).map((axis) => at[axis])],
});
const positive = (axis, rank) => (axis + rank) % rank;
const replaced = (at, axis, place) => at.map((old, a) => a === axis ? place : old);
const without = (at, axis) => at.filter((_, a) => a !== axis);
const sliced = (x, dim, start) => {
  const axis = positive(given(dim, 0), x.shape.length), size = x.shape[axis], first = given(start, 0);
  return { axis, first: Math.min(first < 0 ? first + size : first, size) };
};
const joined = (call, axis) => {
  let start = 0;
  return call.arguments[0].map((part) => { const first = start; start += part.shape[axis]; return { part, first }; });
};
const axisOf = (call) => positive(given(call.arguments[1], 0), call.out.shape.length);
// Padding before the first axes of `pads`, which names the last axis first.
const padding = (pads, at) => at.map((place, axis) => place - given(pads[2 * (at.length - 1 - axis)], 0));
const padded = (inside) => moving((call, at) => {
  const [x, pads] = call.arguments;
  return cellOf(x, padding(pads, at).map((place, axis) => inside(place, x.shape[axis] - 1)));
});
const reflected = padded((place, last) => place < 0 ? -place : place > last ? 2 * last - place : place);
const repeated = padded((place, last) => Math.max(0, Math.min(last, place)));
const nearest = moving((call, at) => {
  const [x, , ...scales] = call.arguments;
  return cellOf(x, at.map((q, axis) => {
    if (axis < 2) return q;
    const scale = scales[axis - 2];
    return Math.min(x.shape[axis] - 1, Math.floor(q * (scale ? 1 / scale : x.shape[axis] / call.out.shape[axis])));
  }));
});
const triangle = (keeps) => moving((call, at) => keeps(at.at(-1) - at.at(-2), given(call.arguments[1], 0)) ? cellOf(call.arguments[0], at) : 0);
// The cell of x that arrays of places name: their common axes stand where the first of them does, or in front.
function indexed(x, places, at) {
  const axes = places.map((one, axis) => isArray(one) ? axis : -1).filter((axis) => axis >= 0), common = Math.max(...axes.map((axis) => places[axis].shape.length));
  const start = axes.at(-1) - axes[0] === axes.length - 1 ? axes[0] : 0, own = at.slice(start, start + common), rest = [...at.slice(0, start), ...at.slice(start + common)];
  let next = 0;
  return x.shape.map((size, axis) => isArray(places[axis]) ? positive(places[axis].at(narrowed(places[axis], own)), size) : rest[next++]);
}

Object.assign(OPERATIONS, {
  "aten.permute": permuted((call) => call.arguments[1].map((axis) => positive(axis, call.out.shape.length))),
  "aten.transpose": permuted((call) => {
    const order = call.out.shape.map((_, axis) => axis), [a, b] = call.arguments.slice(1).map((axis) => positive(axis, order.length));
    [order[a], order[b]] = [order[b], order[a]];
    return order;
  }),
  "aten.t": permuted((call) => call.out.shape.length === 2 ? [1, 0] : [0]),
  "aten.expand": moving((call, at) => cellOf(call.arguments[0], narrowed(call.arguments[0], at))),
  "aten.slice": moving((call, at) => {
    const [x, dim, start, , step] = call.arguments, { axis, first } = sliced(x, dim, start);
    return cellOf(x, replaced(at, axis, first + at[axis] * given(step, 1)));
  }),
  "aten.slice_scatter": moving((call, at) => {
    const [x, part, dim, start, , step] = call.arguments, { axis, first } = sliced(x, dim, start), to = replaced(at, axis, (at[axis] - first) / given(step, 1));
    return part.has(to) ? cellOf(part, to) : cellOf(x, at);
  }),
  "aten.select": moving((call, at) => {
    const [x, dim, place] = call.arguments, axis = positive(dim, x.shape.length);
    return cellOf(x, [...at.slice(0, axis), positive(place, x.shape[axis]), ...at.slice(axis)]);
  }),
  "aten.select_scatter": moving((call, at) => {
    const [x, part, dim, place] = call.arguments, axis = positive(dim, at.length);
    return at[axis] === positive(place, x.shape[axis]) ? cellOf(part, without(at, axis)) : cellOf(x, at);
  }),
  "aten.cat": moving((call, at) => {
    const axis = axisOf(call), { part, first } = joined(call, axis).findLast((one) => one.first <= at[axis] && one.part.shape[axis]);
    return cellOf(part, replaced(at, axis, at[axis] - first));
  }),
  "aten.stack": moving((call, at) => { const axis = axisOf(call); return cellOf(call.arguments[0][at[axis]], without(at, axis)); }),
  "aten.constant_pad_nd": moving((call, at) => {
    const [x, pads, value] = call.arguments, index = padding(pads, at);
    return x.has(index) ? cellOf(x, index) : given(value, 0);
  }),
  "aten.upsample_bilinear2d": {
    // On one axis: two places with their shares.
    sides(call, q, axis) {
      const [x, , align, ...scales] = call.arguments, size = x.shape[axis], wide = call.out.shape[axis], scale = scales[axis - 2];
      const place = align ? wide > 1 ? q * (size - 1) / (wide - 1) : 0 : Math.max(0, (q + 0.5) * (scale ? 1 / scale : size / wide) - 0.5);
      const low = Math.min(size - 1, Math.floor(place)), share = place - low;
      return [[low, 1 - share], [Math.min(size - 1, low + 1), share]];
    },
    parts(call, at) { return walk([2, 2]).map(([a, b]) => { const [row, down] = this.sides(call, at[2], 2)[a], [column, across] = this.sides(call, at[3], 3)[b]; return { index: [at[0], at[1], row, column], weight: down * across }; }); },
    cell(call, at) { return sum(this.parts(call, at).map(({ index, weight }) => [plain(weight), cellOf(call.arguments[0], index)])); },
    reached(call, argument, at) { return walk([[at[0]], [at[1]], ...call.out.shape.slice(2)]).filter((to) => this.parts(call, to).some(({ index }) => same(index, at))); },
    slope(call, at, argument, from) { return [plain(total(this.parts(call, at).filter(({ index }) => same(index, from)).map(({ weight }) => weight)))]; },
  },
  "aten.repeat": moving((call, at) => { const x = call.arguments[0]; return cellOf(x, x.shape.map((size, axis) => at[axis + at.length - x.shape.length] % size)); }),
  "aten.flip": moving((call, at) => {
    const [x, axes] = call.arguments, turned = axes.map((axis) => positive(axis, at.length));
    return cellOf(x, at.map((place, axis) => turned.includes(axis) ? x.shape[axis] - 1 - place : place));
  }),
  "aten.roll": moving((call, at) => {
    const [x, shifts, axes] = call.arguments;
    if (!axes.length) return cellOf(x, x.index(positive((x.offset(at) - shifts[0]) % x.size, x.size)));
    return cellOf(x, axes.reduce((from, dim, k) => { const axis = positive(dim, at.length); return replaced(from, axis, positive((from[axis] - shifts[k]) % x.shape[axis], x.shape[axis])); }, at));
  }),
  "aten.unfold": moving((call, at) => { const [x, dim, , step] = call.arguments, axis = positive(dim, x.shape.length); return cellOf(x, replaced(at.slice(0, -1), axis, at[axis] * step + at.at(-1))); }),
  "aten.as_strided": moving((call, at) => { const [x, , strides, start] = call.arguments; return cellOf(x, x.index(given(start, 0) + total(at.map((place, axis) => place * strides[axis])))); }),
  "aten.diagonal": moving((call, at) => {
    const [x, offset, dim1, dim2] = call.arguments, rank = x.shape.length, [a, b] = [positive(given(dim1, 0), rank), positive(given(dim2, 1), rank)];
    let next = 0;
    return cellOf(x, x.shape.map((_, axis) => axis === a ? at.at(-1) + Math.max(0, -given(offset, 0)) : axis === b ? at.at(-1) + Math.max(0, given(offset, 0)) : at[next++]));
  }),
  "aten.tril": triangle((above, k) => above <= k),
  "aten.triu": triangle((above, k) => above >= k),
  // The value that is written, not what stood there.
  "aten.copy": moving((call, at) => operand(call.arguments[1], at)),
  "aten.gather": moving((call, at) => { const [x, dim, places] = call.arguments; return cellOf(x, replaced(at, positive(dim, at.length), places.at(at))); }),
  "aten.index_select": moving((call, at) => { const [x, dim, places] = call.arguments, axis = positive(dim, at.length); return cellOf(x, replaced(at, axis, places.at([at[axis]]))); }),
  // y[c, hr + i, wr + j] = x[cr² + ir + j, h, w].
  "aten.pixel_shuffle": moving((call, at) => { const [x, r] = call.arguments, [c, row, column] = at.slice(-3); return cellOf(x, [...at.slice(0, -3), c * r * r + row % r * r + column % r, Math.floor(row / r), Math.floor(column / r)]); }),
  "aten.index": moving((call, at) => cellOf(call.arguments[0], indexed(call.arguments[0], call.arguments[1], at))),
  "aten.index_put": {
    // Where the written numbers go: all of them that end in a cell.
    written(call, at) {
      const [x, places, values] = call.arguments, axes = places.map((one, axis) => isArray(one) ? axis : -1).filter((axis) => axis >= 0);
      const common = axes.map((axis) => places[axis].shape).reduce((a, b) => a.length > b.length ? a : b), start = axes.at(-1) - axes[0] === axes.length - 1 ? axes[0] : 0;
      const rest = x.shape.filter((_, axis) => !axes.includes(axis)), shape = [...rest.slice(0, start), ...common, ...rest.slice(start)];
      return walk(shape).filter((from) => same(indexed(x, places, from), at)).map((from) => operand(values, from));
    },
    cell(call, at) {
      const found = this.written(call, at), own = cellOf(call.arguments[0], at);
      return call.arguments[3] ? sum([[own], ...found.map((one) => [one])]) : { form: "copy", terms: [[found.at(-1) ?? own]] };
    },
    reached(call, argument, at) {
      if (argument.slot === call.arguments[0].slot) return call.arguments[3] || !this.written(call, at).length ? [at] : [];
      return walk(call.out.shape).flatMap((to) => this.written(call, to).filter((one) => one.of?.slot === argument.slot && same(one.at, at)).map(() => to));
    },
    slope: () => [],
  },
  "aten.embedding": (() => {
    const found = moving((call, at) => { const [table, rows] = call.arguments; return cellOf(table, [rows.at(at.slice(0, -1)), at.at(-1)]); });
    // The row of padding learns nothing.
    return { ...found, reached: (call, argument, at) => argument.slot === call.arguments[0].slot && at[0] === call.arguments[2] ? [] : found.reached(call, argument, at) };
  })(),
  "aten.detach": { ...flat, reached: () => [] },
});
for (const axes of [1, 2, 3]) {
  OPERATIONS[`aten.reflection_pad${axes}d`] = reflected;
  OPERATIONS[`aten.replication_pad${axes}d`] = repeated;
}
for (const axes of [1, 2]) OPERATIONS[`aten.upsample_nearest${axes}d`] = nearest;
for (const name of ["view", "clone", "squeeze", "unsqueeze"]) OPERATIONS[`aten.${name}`] = flat;
// Whole numbers and conditions of real ones.
const CAST = { int64: Math.trunc, bool: (x) => Number(Boolean(x)) };
OPERATIONS["aten._to_copy"] = {
  ...flat,
  cell(call, at) { const found = flat.cell(call, at); return { ...found, value: (CAST[call.arguments[1]] ?? Number)(call.arguments[0].at(at)) }; },
  reached: (call, argument, at) => call.arguments[1] in CAST ? [] : flat.reached(call, argument, at),
  whole: (call) => call.arguments[1] in CAST ? Float64Array.from(call.arguments[0].data, CAST[call.arguments[1]]) : call.arguments[0].data,
};
