// Pooling: the window of an output, and the outputs whose window holds an input. Sums, means and extremes over axes.
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

// Sums and means over some axes.
function reduction(scale, form) {
  const axesOf = (call) => {
    const [x, axes] = call.arguments, all = x.shape.map((_, axis) => axis);
    if (!Array.isArray(axes) && typeof axes !== "number") return all;
    const list = [axes].flat().map((axis) => (axis + x.shape.length) % x.shape.length);
    return list.length ? list : all;
  };
  const kept = (call) => call.out.shape.length === call.arguments[0].shape.length;
  const cells = (call, at) => {
    const x = call.arguments[0], axes = axesOf(call), rest = kept(call) ? at : [...at];
    let next = 0;
    return walk(x.shape.map((size, axis) => {
      if (axes.includes(axis)) return size;
      return [kept(call) ? at[axis] : rest[next++]];
    }));
  };
  const share = (call) => scale(count(axesOf(call).map((axis) => call.arguments[0].shape[axis])));
  return {
    cell(call, at) {
      const x = call.arguments[0], list = cells(call, at);
      if (form === "sum") return sum(list.map((index) => scaled(cellOf(x, index), share(call))));
      const chosen = largest(x, list);
      return { form, terms: list.map((index) => [cellOf(x, index)]), chosen, value: x.at(list[chosen]) };
    },
    reached(call, argument, at) {
      const axes = axesOf(call);
      if (kept(call)) return [at.map((place, axis) => axes.includes(axis) ? 0 : place)];
      return [at.filter((_, axis) => !axes.includes(axis))];
    },
    slope(call, at, argument, from) {
      if (form === "sum") return scaled(null, share(call));
      const x = call.arguments[0], list = cells(call, at), top = x.at(list[largest(x, list)]);
      const even = list.filter((index) => x.at(index) === top).length;
      return [plain(x.at(from) === top ? 1 / even : 0)];
    },
  };
}

Object.assign(OPERATIONS, {
  "aten.max_pool2d": maxPool,
  "aten.max_pool3d": maxPool,
  "aten.avg_pool1d": averagePool,
  "aten.avg_pool2d": averagePool,
  "aten.avg_pool3d": averagePool,
  "aten.adaptive_avg_pool2d": adaptive,
  "aten.adaptive_avg_pool3d": adaptive,
  "aten.sum": reduction(() => 1, "sum"),
  "aten.mean": reduction((num) => 1 / num, "sum"),
  "aten.amax": reduction(() => 1, "max"),
});
