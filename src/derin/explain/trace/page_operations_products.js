// Products of matrices and convolutions.
"use strict";

// Products of matrices: rows of a, columns of b, with whatever axes stand before them.
function product(left, right, bias) {
  const parts = (call) => ({ a: call.arguments[left], b: call.arguments[right], c: bias === null ? null : call.arguments[bias] });
  const scales = (call) => bias === null ? [1, 1] : [given(call.arguments[3], 1), given(call.arguments[4], 1)];
  return {
    cell(call, at) {
      const { a, b, c } = parts(call), [beta, alpha] = scales(call);
      const lead = at.slice(0, -2), [row, column] = at.slice(-2);
      const terms = walk([a.shape.at(-1)]).map(([k]) =>
        [...scaled(null, alpha), cellOf(a, [...lead, row, k]), cellOf(b, [...lead, k, column])]);
      if (c) terms.push(scaled(cellOf(c, narrowed(c, at)), beta));
      return sum(terms);
    },
    reached(call, argument, at) {
      const { a, b } = parts(call);
      if (argument.slot === a.slot) return walk(call.out.shape.map((size, axis) => axis === at.length - 1 ? size : [at[axis]]));
      if (argument.slot === b.slot) return walk(call.out.shape.map((size, axis) => axis === at.length - 2 ? size : [at[axis]]));
      return spread(argument, at, call.out.shape);
    },
    slope(call, at, argument, from) {
      const { a, b } = parts(call), [beta, alpha] = scales(call), lead = at.slice(0, -2);
      if (argument.slot === a.slot) return scaled(cellOf(b, [...lead, from.at(-1), at.at(-1)]), alpha);
      if (argument.slot === b.slot) return scaled(cellOf(a, [...lead, at.at(-2), from.at(-2)]), alpha);
      return scaled(null, beta);
    },
  };
}
const linear = {
  cell(call, at) {
    const [x, w, b] = call.arguments, lead = at.slice(0, -1), unit = at.at(-1);
    const terms = walk([w.shape[1]]).map(([k]) => [cellOf(x, [...lead, k]), cellOf(w, [unit, k])]);
    if (isArray(b)) terms.push([cellOf(b, [unit])]);
    return sum(terms);
  },
  reached(call, argument, at) {
    const [x, w] = call.arguments, lead = call.out.shape.slice(0, -1);
    if (argument.slot === x.slot) return walk([...at.slice(0, -1).map((place) => [place]), w.shape[0]]);
    return walk([...lead, [at[0]]]);
  },
  slope(call, at, argument, from) {
    const [x, w] = call.arguments;
    if (argument.slot === x.slot) return [cellOf(w, [at.at(-1), from.at(-1)])];
    return argument.slot === w.slot ? [cellOf(x, [...at.slice(0, -1), from[1]])] : [];
  },
};

// Convolution over any number of axes; `meet` says which output, input and kernel places belong together.
const convolution = {
  of(call) {
    const [x, w, bias, stride, padding, dilation, transposed, , groups] = call.arguments;
    const axes = x.shape.length - 2, each = (value, fallback) => {
      const list = Array.isArray(value) ? value : [given(value, fallback)];
      return Array.from({ length: axes }, (_, axis) => list[list.length === 1 ? 0 : axis]);
    };
    return { x, w, bias, axes, stride: each(stride, 1), padding: each(padding, 0), dilation: each(dilation, 1),
      transposed: Boolean(transposed), groups: given(groups, 1), kernel: w.shape.slice(2) };
  },
  // On one axis: wide = narrow·stride − padding + kernel·dilation. Plain convolution reads wide, transposed writes it.
  narrow: (p, axis, wide, kernel) => (wide + p.padding[axis] - kernel * p.dilation[axis]) / p.stride[axis],
  wide: (p, axis, narrow, kernel) => narrow * p.stride[axis] - p.padding[axis] + kernel * p.dilation[axis],
  channels(p, out) {
    const outputs = out.shape[1] / p.groups, inputs = p.x.shape[1] / p.groups;
    return { outputs, inputs };
  },
  weightAt(p, out, input, output, kernel) {
    const { outputs, inputs } = this.channels(p, out);
    return p.transposed ? [input, output % outputs, ...kernel] : [output, input % inputs, ...kernel];
  },
  cell(call, at) {
    const p = this.of(call), { outputs, inputs } = this.channels(p, call.out), [example, output, ...place] = at;
    const first = Math.floor(output / outputs) * inputs, terms = [];
    let outside = 0;
    for (let input = first; input < first + inputs; input++) for (const kernel of walk(p.kernel)) {
      const from = place.map((q, axis) => (p.transposed ? this.narrow : this.wide)(p, axis, q, kernel[axis]));
      const index = [example, input, ...from];
      if (!p.x.has(index)) { outside += 1; continue; }
      terms.push([cellOf(p.x, index), cellOf(p.w, this.weightAt(p, call.out, input, output, kernel))]);
    }
    if (isArray(p.bias)) terms.push([cellOf(p.bias, [output])]);
    return { form: "sum", terms, outside: p.transposed ? 0 : outside };
  },
  reached(call, argument, at) {
    const p = this.of(call), out = call.out, { outputs, inputs } = this.channels(p, out);
    if (isArray(p.bias) && argument.slot === p.bias.slot) return walk(out.shape.map((size, axis) => axis === 1 ? [at[0]] : size));
    const found = [];
    if (argument.slot === p.x.slot) {
      const [example, input, ...place] = at, first = Math.floor(input / inputs) * outputs;
      for (let output = first; output < first + outputs; output++) for (const kernel of walk(p.kernel)) {
        const index = [example, output, ...place.map((q, axis) => (p.transposed ? this.wide : this.narrow)(p, axis, q, kernel[axis]))];
        if (out.has(index)) found.push(index);
      }
      return found;
    }
    // A weight meets one input channel and one output channel, at every place where both lie inside.
    const kernel = at.slice(2), input = this.inputOf(p, out, at), output = this.outputOf(p, out, at);
    for (const place of walk(out.shape.slice(2))) {
      const from = place.map((q, axis) => (p.transposed ? this.narrow : this.wide)(p, axis, q, kernel[axis]));
      if (!p.x.has([0, input, ...from])) continue;
      for (let example = 0; example < out.shape[0]; example++) found.push([example, output, ...place]);
    }
    return found;
  },
  inputOf(p, out, at) {
    const { outputs, inputs } = this.channels(p, out);
    return p.transposed ? at[0] : Math.floor(at[0] / outputs) * inputs + at[1];
  },
  outputOf(p, out, at) {
    const { outputs, inputs } = this.channels(p, out);
    return p.transposed ? Math.floor(at[0] / inputs) * outputs + at[1] : at[0];
  },
  slope(call, at, argument, from) {
    const p = this.of(call), [example, output, ...place] = at;
    if (argument.slot === p.x.slot) {
      const kernel = place.map((q, axis) => {
        const [wide, narrow] = p.transposed ? [q, from[2 + axis]] : [from[2 + axis], q];
        return (wide + p.padding[axis] - narrow * p.stride[axis]) / p.dilation[axis];
      });
      return [cellOf(p.w, this.weightAt(p, call.out, from[1], output, kernel))];
    }
    if (argument.slot !== p.w.slot) return [];
    const kernel = from.slice(2);
    const index = place.map((q, axis) => (p.transposed ? this.narrow : this.wide)(p, axis, q, kernel[axis]));
    return [cellOf(p.x, [example, this.inputOf(p, call.out, from), ...index])];
  },
};

// A matrix or a vector times a vector.
const inner = {
  cell: (call, at) => sum(walk([call.arguments[1].size]).map(([k]) => [cellOf(call.arguments[0], [...at, k]), cellOf(call.arguments[1], [k])])),
  reached: (call, argument, at) => argument.slot === call.arguments[0].slot ? [at.slice(0, -1)] : walk(call.out.shape),
  slope: (call, at, argument, from) => argument.slot === call.arguments[0].slot
    ? [cellOf(call.arguments[1], [from.at(-1)])] : [cellOf(call.arguments[0], [...at, from[0]])],
};

Object.assign(OPERATIONS, {
  "aten.mm": product(0, 1, null),
  "aten.bmm": product(0, 1, null),
  "aten.addmm": product(1, 2, 0),
  "aten.baddbmm": product(1, 2, 0),
  "aten.mv": inner,
  "aten.dot": inner,
  "aten.linear": linear,
  "aten.convolution": convolution,
});
