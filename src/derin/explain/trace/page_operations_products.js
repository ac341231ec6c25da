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
    whole(call) {
      const { a, b, c } = parts(call), [beta, alpha] = scales(call), rows = a.shape.at(-2), inner = a.shape.at(-1), columns = b.shape.at(-1);
      const found = new Float64Array(call.out.size), added = c ? stretched(c, call.out) : () => 0;
      for (let first = 0; first * columns < found.length; first++) {
        const from = Math.floor(first / rows) * inner * columns, to = first * columns;
        for (let k = 0; k < inner; k++) {
          const value = alpha * a.data[first * inner + k];
          for (let column = 0; column < columns; column++) found[to + column] += value * b.data[from + k * columns + column];
        }
        for (let column = 0; column < columns; column++) found[to + column] += beta * added(to + column);
      }
      return found;
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
  whole(call) {
    const [x, w, b] = call.arguments, [units, inner] = w.shape, found = new Float64Array(call.out.size);
    for (let k = 0; k < found.length; k++) {
      const row = Math.floor(k / units), unit = k % units;
      let sum = isArray(b) ? b.data[unit] : 0;
      for (let i = 0; i < inner; i++) sum += x.data[row * inner + i] * w.data[unit * inner + i];
      found[k] = sum;
    }
    return found;
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
  whole(call) {
    const p = this.of(call), out = call.out, { outputs, inputs } = this.channels(p, out);
    if (p.axes !== 2 || p.transposed) return null;
    const [num, channels, height, width] = out.shape, [, all, tall, wide] = p.x.shape, [kernelRows, kernelColumns] = p.kernel;
    const found = new Float64Array(out.size);
    for (let n = 0; n < num; n++) for (let o = 0; o < channels; o++) {
      const start = (n * channels + o) * height * width, first = Math.floor(o / outputs) * inputs;
      if (isArray(p.bias)) found.fill(p.bias.data[o], start, start + height * width);
      for (let i = 0; i < inputs; i++) for (let r = 0; r < kernelRows; r++) for (let c = 0; c < kernelColumns; c++) {
        const weight = p.w.data[((o * inputs + i) * kernelRows + r) * kernelColumns + c], from = (n * all + first + i) * tall;
        for (let row = 0; row < height; row++) {
          const y = row * p.stride[0] - p.padding[0] + r * p.dilation[0];
          if (y < 0 || y >= tall) continue;
          for (let column = 0; column < width; column++) {
            const x = column * p.stride[1] - p.padding[1] + c * p.dilation[1];
            if (x >= 0 && x < wide) found[start + row * width + column] += weight * p.x.data[(from + y) * wide + x];
          }
        }
      }
    }
    return found;
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
