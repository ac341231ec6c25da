// Pooling: the window of an output, and the outputs whose window holds an input. Sums, means, extremes and the like over axes.
"use strict";

function poolingOf(call, at) {
  const [x, kernel, stride, padding, dilation] = call.arguments, axes = at.length - 2;
  const list = (value, fallback) => {
    const found = Array.isArray(value) ? value : [value];
    return Array.from({ length: axes }, (_, axis) => found.length ? given(found[found.length === 1 ? 0 : axis], fallback[axis]) : fallback[axis]);
  };
  const size = list(kernel, []), step = list(given(stride, []), size);
  return { x, size, step, pad: list(given(padding, 0), size.map(() => 0)), dilate: list(given(dilation, 1), size.map(() => 1)) };
}
const inside = (x, at, places) => places.map((place) => [at[0], at[1], ...place]).filter((index) => x.has(index));
function poolWindow(call, at, dilates) {
  const p = poolingOf(dilates ? call : { arguments: call.arguments.slice(0, 4) }, at);
  return { p, cells: inside(p.x, at, walk(p.size).map((k) => k.map((q, a) => at[2 + a] * p.step[a] - p.pad[a] + q * p.dilate[a]))) };
}
function poolReached(call, at, dilates) {
  const p = poolingOf(dilates ? call : { arguments: call.arguments.slice(0, 4) }, at), found = [];
  for (const k of walk(p.size)) {
    const place = k.map((q, a) => (at[2 + a] + p.pad[a] - q * p.dilate[a]) / p.step[a]);
    const index = [at[0], at[1], ...place];
    if (call.out.has(index)) found.push(index);
  }
  return found;
}
function largest(x, cells) {
  let best = 0;
  cells.forEach((index, place) => { if (x.at(index) > x.at(cells[best])) best = place; });
  return best;
}
const same = (a, b) => a.every((place, axis) => place === b[axis]);
const maxPool = {
  cell(call, at) {
    const { p, cells } = poolWindow(call, at, true), chosen = largest(p.x, cells);
    return { form: "max", terms: cells.map((index) => [cellOf(p.x, index)]), chosen, value: p.x.at(cells[chosen]) };
  },
  reached: (call, argument, at) => poolReached(call, at, true),
  slope(call, at, argument, from) {
    const { p, cells } = poolWindow(call, at, true);
    return [plain(Number(same(cells[largest(p.x, cells)], from)))];
  },
};
function averageShare(call, at) {
  const { p, cells } = poolWindow(call, at, false), [, , , , , padded, divisor] = call.arguments;
  if (divisor) return 1 / divisor;
  if (padded === false) return 1 / cells.length;
  // A window that reaches beyond the padding (ceil mode) counts only up to its end.
  return 1 / count(p.size.map((size, a) => {
    const start = at[2 + a] * p.step[a] - p.pad[a];
    return Math.min(start + size, p.x.shape[2 + a] + p.pad[a]) - start;
  }));
}
const averagePool = {
  cell(call, at) {
    const { p, cells } = poolWindow(call, at, false), share = averageShare(call, at);
    return sum(cells.map((index) => [plain(share), cellOf(p.x, index)]));
  },
  reached: (call, argument, at) => poolReached(call, at, false),
  slope: (call, at) => [plain(averageShare(call, at))],
};
const adaptive = {
  bounds(call, at) {
    const x = call.arguments[0], out = call.out;
    return at.slice(2).map((q, a) => {
      const wide = x.shape[2 + a], narrow = out.shape[2 + a];
      const start = Math.floor(q * wide / narrow), end = Math.ceil((q + 1) * wide / narrow);
      return Array.from({ length: end - start }, (_, k) => start + k);
    });
  },
  cell(call, at) {
    const places = walk(this.bounds(call, at));
    return sum(places.map((place) => [plain(1 / places.length), cellOf(call.arguments[0], [at[0], at[1], ...place])]));
  },
  reached(call, argument, at) {
    return walk([[at[0]], [at[1]], ...call.out.shape.slice(2)]).filter((index) =>
      this.bounds(call, index).every((places, a) => places.includes(at[2 + a])));
  },
  slope(call, at) { return [plain(1 / count(this.bounds(call, at).map((places) => places.length)))]; },
};

// Some axes of an array, all of them where none is named: the cells of an output, and the output of a cell.
function overAxes(call, axes) {
  const x = call.arguments[0], rank = x.shape.length, named = (Array.isArray(axes) ? axes : typeof axes === "number" ? [axes] : []).map((axis) => (axis + rank) % rank);
  const gone = named.length ? named : x.shape.map((_, axis) => axis), kept = call.out.shape.length === rank;
  return {
    num: count(gone.map((axis) => x.shape[axis])),
    cells(at) {
      let next = 0;
      return walk(x.shape.map((size, axis) => gone.includes(axis) ? size : [kept ? at[axis] : at[next++]]));
    },
    reached: (at) => [kept ? at.map((place, axis) => gone.includes(axis) ? 0 : place) : at.filter((_, axis) => !gone.includes(axis))],
  };
}
const reducing = (place, cell, slope) => ({
  cell: (call, at) => cell(call, overAxes(call, call.arguments[place]).cells(at), at),
  reached: (call, argument, at) => overAxes(call, call.arguments[place]).reached(at),
  slope: (call, at, argument, from) => slope(call, overAxes(call, call.arguments[place]).cells(at), at, from),
});
const cellsOf = (call, cells) => cells.map((index) => cellOf(call.arguments[0], index));
const summed = (scale) => reducing(1, (call, cells) => sum(cellsOf(call, cells).map((cell) => scaled(cell, scale(cells.length)))), (call, cells) => scaled(null, scale(cells.length)));
// Of several equal extremes all share the gradient (`even`), or the first has it.
function extreme(sign, even) {
  const best = (call, cells) => largest({ at: (index) => sign * call.arguments[0].at(index) }, cells);
  return reducing(1, (call, cells) => {
    const chosen = best(call, cells);
    return { form: sign > 0 ? "max" : "min", terms: cellsOf(call, cells).map((cell) => [cell]), chosen, value: call.arguments[0].at(cells[chosen]) };
  }, (call, cells, at, from) => {
    const x = call.arguments[0], chosen = cells[best(call, cells)];
    if (!even) return [plain(Number(same(chosen, from)))];
    return [plain(x.at(from) === x.at(chosen) ? 1 / cells.filter((index) => x.at(index) === x.at(chosen)).length : 0)];
  });
}
// The place of an extreme along an axis, or among all.
const placeOf = (sign) => reducing(1, (call, cells) => {
  const chosen = largest({ at: (index) => sign * call.arguments[0].at(index) }, cells);
  return { form: sign > 0 ? "argmax" : "argmin", terms: cellsOf(call, cells).map((cell) => [cell]), chosen, value: chosen };
}, () => [plain(0)]);
const whether = (form, of) => reducing(1, (call, cells) => ({ form, terms: cellsOf(call, cells).map((cell) => [cell]), value: Number(of(cells.map((index) => call.arguments[0].at(index)))) }), () => [plain(0)]);
// Σ (x − mean)² / (n − correction), and its root.
const apartOf = (call, cells) => { const x = call.arguments[0], mean = total(cells.map((index) => x.at(index))) / cells.length; return cells.map((index) => cellOf(x, index, { minus: mean })); };
const deviating = (root) => reducing(1, (call, cells) => {
  const share = plain(1 / (cells.length - given(call.arguments[2], 1))), found = sum(apartOf(call, cells).map((apart) => [share, apart, apart]));
  return root ? { ...found, form: "sqrt", value: Math.sqrt(total(found.terms.map((term) => term.reduce((all, factor) => all * factorValue(factor), 1)))) } : found;
}, (call, cells, at, from) => {
  const share = 1 / (cells.length - given(call.arguments[2], 1)), apart = apartOf(call, cells).find((one) => same(one.at, from));
  return root ? [plain(share / call.out.at(at)), apart] : [plain(2 * share), apart];
});
const normed = reducing(2, (call, cells) => {
  const power = given(call.arguments[1], 2), sizes = cells.map((index) => Math.abs(call.arguments[0].at(index)));
  return { form: `norm ${power}`, terms: cellsOf(call, cells).map((cell) => [cell]), value: power === Infinity ? Math.max(...sizes) : total(sizes.map((size) => size ** power)) ** (1 / power) };
}, (call, cells, at, from) => {
  const power = given(call.arguments[1], 2), x = call.arguments[0], value = x.at(from), norm = call.out.at(at);
  if (power !== Infinity) return [plain(norm ? Math.sign(value) * (Math.abs(value) / norm) ** (power - 1) : 0)];
  return [plain(Math.abs(value) === norm ? Math.sign(value) / cells.filter((index) => Math.abs(x.at(index)) === norm).length : 0)];
});
const logOfSum = reducing(1, (call, cells) => {
  const values = cells.map((index) => call.arguments[0].at(index)), top = Math.max(...values);
  return { form: "logsumexp", terms: cellsOf(call, cells).map((cell) => [cell]), value: top + Math.log(total(values.map((value) => Math.exp(value - top)))) };
}, (call, cells, at, from) => [plain(Math.exp(call.arguments[0].at(from) - call.out.at(at)))]);
const running = {
  // Along an axis, all up to a place.
  cell(call, at) {
    const [x, dim] = call.arguments, axis = (dim + at.length) % at.length;
    return sum(walk([at[axis] + 1]).map(([k]) => [cellOf(x, at.map((place, a) => a === axis ? k : place))]));
  },
  reached(call, argument, at) {
    const axis = (call.arguments[1] + at.length) % at.length;
    return walk(at.map((place, a) => a === axis ? Array.from({ length: call.out.shape[a] - place }, (_, k) => place + k) : [place]));
  },
  slope: () => [],
};
const adaptiveMax = {
  cells(call, at) { return walk(adaptive.bounds(call, at)).map((place) => [at[0], at[1], ...place]); },
  cell(call, at) {
    const cells = this.cells(call, at), chosen = largest(call.arguments[0], cells);
    return { form: "max", terms: cellsOf(call, cells).map((cell) => [cell]), chosen, value: call.arguments[0].at(cells[chosen]) };
  },
  reached: (call, argument, at) => adaptive.reached(call, argument, at),
  slope(call, at, argument, from) { const cells = this.cells(call, at); return [plain(Number(same(cells[largest(call.arguments[0], cells)], from)))]; },
};

Object.assign(OPERATIONS, {
  "aten.max_pool2d": maxPool,
  "aten.max_pool3d": maxPool,
  "aten.avg_pool1d": averagePool,
  "aten.avg_pool2d": averagePool,
  "aten.avg_pool3d": averagePool,
  "aten.adaptive_avg_pool2d": adaptive,
  "aten.adaptive_avg_pool3d": adaptive,
  "aten.adaptive_max_pool2d": adaptiveMax,
  "aten.adaptive_max_pool3d": adaptiveMax,
  "aten.sum": summed(() => 1),
  "aten.mean": summed((num) => 1 / num),
  "aten.amax": extreme(1, true),
  "aten.amin": extreme(-1, true),
  "derin.max_values": extreme(1, false),
  "derin.min_values": extreme(-1, false),
  "aten.argmax": placeOf(1),
  "aten.argmin": placeOf(-1),
  "derin.max_indices": placeOf(1),
  "derin.min_indices": placeOf(-1),
  "aten.any": whether("any", (values) => values.some(Boolean)),
  "aten.all": whether("all", (values) => values.every(Boolean)),
  "aten.var": deviating(false),
  "aten.std": deviating(true),
  "aten.linalg_vector_norm": normed,
  "aten.logsumexp": logOfSum,
  "aten.cumsum": running,
});
