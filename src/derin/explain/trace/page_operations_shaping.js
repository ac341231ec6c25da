// Numbers that only change their place.
"use strict";

// A number that only changes its place: from output to input and back.
function moving(source, reached) {
  return {
    cell(call, at) {
      const from = source(call, at);
      return { form: "copy", terms: [[from.of ? from : plain(from)]] };
    },
    reached: (call, argument, at) => reached(call, argument, at),
    slope: () => [],
  };
}
const flat = {
  ...moving(
    (call, at) => cellOf(call.arguments[0], call.arguments[0].index(call.out.offset(at))),
    (call, argument, at) => [call.out.index(argument.offset(at))],
  ),
  whole: (call) => call.arguments[0].data,
};
function permuted(order) {
  return moving(
    (call, at) => {
      const axes = order(call), from = [];
      axes.forEach((axis, place) => { from[axis] = at[place]; });
      return cellOf(call.arguments[0], from);
    },
    (call, argument, at) => [order(call).map((axis) => at[axis])],
  );
}
const positive = (axis, rank) => (axis + rank) % rank;
const sliced = (call) => {
  const [x, dim, start, , step] = call.arguments, axis = positive(given(dim, 0), x.shape.length), size = x.shape[axis];
  const first = given(start, 0);
  return { axis, first: Math.min(first < 0 ? first + size : first, size), step: given(step, 1) };
};
const replaced = (at, axis, place) => at.map((old, a) => a === axis ? place : old);
const joined = (call, axis) => {
  let start = 0;
  return call.arguments[0].map((part) => { const first = start; start += part.shape[axis]; return { part, first }; });
};
const axisOf = (call) => positive(given(call.arguments[1], 0), call.out.shape.length);
Object.assign(OPERATIONS, {
  "aten.permute": permuted((call) => call.arguments[1].map((axis) => positive(axis, call.out.shape.length))),
  "aten.transpose": permuted((call) => {
    const order = call.out.shape.map((_, axis) => axis), [a, b] = call.arguments.slice(1).map((axis) => positive(axis, order.length));
    [order[a], order[b]] = [order[b], order[a]];
    return order;
  }),
  "aten.t": permuted((call) => call.out.shape.length === 2 ? [1, 0] : [0]),
  "aten.expand": moving(
    (call, at) => cellOf(call.arguments[0], narrowed(call.arguments[0], at)),
    (call, argument, at) => spread(argument, at, call.out.shape),
  ),
  "aten.slice": moving(
    (call, at) => { const { axis, first, step } = sliced(call); return cellOf(call.arguments[0], replaced(at, axis, first + at[axis] * step)); },
    (call, argument, at) => {
      const { axis, first, step } = sliced(call), to = replaced(at, axis, (at[axis] - first) / step);
      return call.out.has(to) ? [to] : [];
    },
  ),
  "aten.slice_scatter": moving(
    (call, at) => {
      const [x, part, dim, start, , step] = call.arguments, { axis, first } = sliced({ arguments: [x, dim, start] }), place = (at[axis] - first) / given(step, 1);
      const to = replaced(at, axis, place);
      return part.has(to) ? cellOf(part, to) : cellOf(x, at);
    },
    (call, argument, at) => {
      const [x, part, dim, start, , step] = call.arguments, { axis, first } = sliced({ arguments: [x, dim, start] });
      if (argument.slot === part.slot) return [replaced(at, axis, first + at[axis] * given(step, 1))];
      return part.has(replaced(at, axis, (at[axis] - first) / given(step, 1))) ? [] : [at];
    },
  ),
  "aten.select": moving(
    (call, at) => {
      const [x, dim, place] = call.arguments, axis = positive(dim, x.shape.length);
      return cellOf(x, [...at.slice(0, axis), positive(place, x.shape[axis]), ...at.slice(axis)]);
    },
    (call, argument, at) => {
      const [x, dim, place] = call.arguments, axis = positive(dim, x.shape.length);
      return at[axis] === positive(place, x.shape[axis]) ? [at.filter((_, a) => a !== axis)] : [];
    },
  ),
  "aten.cat": moving(
    (call, at) => {
      const axis = axisOf(call), { part, first } = joined(call, axis).findLast((one) => one.first <= at[axis] && one.part.shape[axis]);
      return cellOf(part, replaced(at, axis, at[axis] - first));
    },
    (call, argument, at) => {
      const axis = axisOf(call), { first } = joined(call, axis).find((one) => one.part.slot === argument.slot);
      return [replaced(at, axis, at[axis] + first)];
    },
  ),
  "aten.stack": moving(
    (call, at) => { const axis = axisOf(call); return cellOf(call.arguments[0][at[axis]], at.filter((_, a) => a !== axis)); },
    (call, argument, at) => {
      const axis = axisOf(call), place = call.arguments[0].findIndex((part) => part.slot === argument.slot);
      return [[...at.slice(0, axis), place, ...at.slice(axis)]];
    },
  ),
  "aten.constant_pad_nd": moving(
    (call, at) => {
      const [x, pads, value] = call.arguments, index = at.map((place, axis) => place - given(pads[2 * (at.length - 1 - axis)], 0));
      return x.has(index) ? cellOf(x, index) : given(value, 0);
    },
    (call, argument, at) => {
      const index = at.map((place, axis) => place + given(call.arguments[1][2 * (at.length - 1 - axis)], 0));
      return call.out.has(index) ? [index] : [];
    },
  ),
  // The value that is written, not what stood there.
  "aten.copy": moving(
    (call, at) => operand(call.arguments[1], at),
    (call, argument, at) => argument.slot === call.arguments[1].slot ? spread(argument, at, call.out.shape) : [],
  ),
  "aten.gather": moving(
    (call, at) => { const [x, dim, places] = call.arguments; return cellOf(x, replaced(at, positive(dim, at.length), places.at(at))); },
    (call, argument, at) => {
      const [x, dim, places] = call.arguments, axis = positive(dim, at.length);
      if (argument.slot !== x.slot) return [];
      return walk(call.out.shape.map((size, a) => a === axis ? size : [at[a]])).filter((index) => call.out.has(index) && places.at(index) === at[axis]);
    },
  ),
  "aten.index_select": moving(
    (call, at) => { const [x, dim, places] = call.arguments, axis = positive(dim, at.length); return cellOf(x, replaced(at, axis, places.at([at[axis]]))); },
    (call, argument, at) => {
      const [x, dim, places] = call.arguments, axis = positive(dim, at.length);
      if (argument.slot !== x.slot) return [];
      return walk([places.size]).filter(([k]) => places.at([k]) === at[axis]).map(([k]) => replaced(at, axis, k));
    },
  ),
  "aten.embedding": moving(
    (call, at) => { const [table, rows] = call.arguments; return cellOf(table, [rows.at(at.slice(0, -1)), at.at(-1)]); },
    (call, argument, at) => {
      const rows = call.arguments[1], found = [];
      if (argument.slot === rows.slot) return [];
      rows.data.forEach((row, offset) => { if (row === at[0]) found.push([...rows.index(offset), at[1]]); });
      return found;
    },
  ),
});
for (const name of ["view", "clone", "squeeze", "unsqueeze"]) OPERATIONS[`aten.${name}`] = flat;
// Whole numbers and conditions of real ones.
const CAST = { int64: Math.trunc, bool: (x) => Number(Boolean(x)) };
OPERATIONS["aten._to_copy"] = {
  ...flat,
  cell(call, at) { const found = flat.cell(call, at); return { ...found, value: (CAST[call.arguments[1]] ?? Number)(call.arguments[0].at(at)) }; },
  whole: (call) => call.arguments[1] in CAST ? Float64Array.from(call.arguments[0].data, CAST[call.arguments[1]]) : call.arguments[0].data,
};
