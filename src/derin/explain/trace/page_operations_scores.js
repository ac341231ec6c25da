// Softmax, normalization and losses: where one cell depends on many in a way that is no sum.
"use strict";

// Softmax along one axis, and its logarithm.
function softmax(form) {
  const line = (call, at) => {
    const x = call.arguments[0], axis = (call.arguments[1] + at.length) % at.length;
    return walk(x.shape.map((size, a) => a === axis ? size : [at[a]]));
  };
  const logarithm = (call, at) => {
    const x = call.arguments[0], values = line(call, at).map((index) => x.at(index)), top = Math.max(...values);
    return x.at(at) - top - Math.log(total(values.map((value) => Math.exp(value - top))));
  };
  const share = (call, at) => Math.exp(logarithm(call, at));
  return {
    cell(call, at) {
      const cells = line(call, at);
      return { form, terms: cells.map((index) => [cellOf(call.arguments[0], index)]), chosen: cells.findIndex((index) => same(index, at)),
        value: (form === "softmax" ? share : logarithm)(call, at) };
    },
    whole(call) {
      const x = call.arguments[0], axis = (call.arguments[1] + x.shape.length) % x.shape.length, step = x.strides[axis], size = x.shape[axis];
      const found = new Float64Array(x.size);
      for (let start = 0; start < x.size; start++) {
        if (Math.floor(start / step) % size) continue;
        let top = -Infinity, all = 0;
        for (let k = 0; k < size; k++) top = Math.max(top, x.data[start + k * step]);
        for (let k = 0; k < size; k++) all += Math.exp(x.data[start + k * step] - top);
        for (let k = 0; k < size; k++) {
          const apart = x.data[start + k * step] - top;
          found[start + k * step] = form === "softmax" ? Math.exp(apart) / all : apart - Math.log(all);
        }
      }
      return found;
    },
    reached: (call, argument, at) => line(call, at),
    slope(call, at, argument, from) {
      const own = Number(same(at, from));
      if (form === "log_softmax") return [plain(own - share(call, from))];
      return [cellOf(call.out, at), plain(own - share(call, from))];
    },
  };
}

// Normalization: (x − μ)/√(σ² + ε)·γ + β. `group` lists what shares a mean; `spot` is the place in γ and β.
function normalization(read) {
  const statistics = (call, at) => {
    const r = read(call), x = r.x;
    if (r.mean) return { r, mean: r.mean.at(r.spot(at)), scale: 1 / Math.sqrt(r.variance.at(r.spot(at)) + r.epsilon), cells: null };
    const key = r.key(at);
    call.memory ??= new Map();
    if (!call.memory.has(key)) {
      const cells = r.group(at), values = cells.map((index) => x.at(index)), mean = total(values) / values.length;
      const variance = total(values.map((value) => (value - mean) ** 2)) / values.length;
      call.memory.set(key, { mean, scale: 1 / Math.sqrt(variance + r.epsilon), cells });
    }
    return { r, ...call.memory.get(key) };
  };
  return {
    cell(call, at) {
      const { r, mean, scale } = statistics(call, at);
      const terms = [[cellOf(r.x, at, { minus: mean }), plain(scale)]];
      if (isArray(r.weight)) terms[0].push(cellOf(r.weight, r.spot(at)));
      if (isArray(r.bias)) terms.push([cellOf(r.bias, r.spot(at))]);
      return sum(terms);
    },
    reached(call, argument, at) {
      const { r } = argument.slot === read(call).x.slot ? statistics(call, at) : { r: read(call) };
      if (argument.slot === r.x.slot) return r.mean ? [at] : statistics(call, at).cells;
      if ([r.weight, r.bias].some((one) => isArray(one) && one.slot === argument.slot)) return r.spread(at);
      return [];
    },
    slope(call, at, argument, from) {
      const { r, mean, scale, cells } = statistics(call, at), hat = (index) => (r.x.at(index) - mean) * scale;
      if (isArray(r.bias) && argument.slot === r.bias.slot) return [];
      if (isArray(r.weight) && argument.slot === r.weight.slot) return [plain(hat(at))];
      const gain = isArray(r.weight) ? [cellOf(r.weight, r.spot(at))] : [];
      if (!cells) return [...gain, plain(scale)];
      return [...gain, plain(scale * (Number(same(at, from)) - (1 + hat(at) * hat(from)) / cells.length))];
    },
  };
}
const channelOf = (x, channel) => walk(x.shape.map((size, axis) => axis === 1 ? [channel] : size));
const batchNorm = normalization((call) => {
  const [x, weight, bias, mean, variance, training, , epsilon] = call.arguments;
  return { x, weight, bias, mean: training ? null : mean, variance, epsilon, spot: (at) => [at[1]], key: (at) => at[1],
    group: (at) => channelOf(x, at[1]), spread: (at) => channelOf(x, at[0]) };
});
const groupNorm = normalization((call) => {
  const [x, groups, weight, bias, epsilon] = call.arguments, size = x.shape[1] / groups;
  const first = (at) => Math.floor(at[1] / size) * size;
  return { x, weight, bias, mean: null, epsilon, spot: (at) => [at[1]], key: (at) => `${at[0]},${first(at)}`,
    group: (at) => walk(x.shape.map((all, axis) => axis === 0 ? [at[0]] : axis === 1 ? Array.from({ length: size }, (_, k) => first(at) + k) : all)),
    spread: (at) => channelOf(x, at[0]) };
});
const layerNorm = normalization((call) => {
  const [x, sizes, weight, bias, epsilon] = call.arguments, lead = x.shape.length - sizes.length;
  return { x, weight, bias, mean: null, epsilon: given(epsilon, 1e-5), spot: (at) => at.slice(lead), key: (at) => at.slice(0, lead).join(),
    group: (at) => walk(x.shape.map((size, axis) => axis < lead ? [at[axis]] : size)),
    spread: (at) => walk(x.shape.map((size, axis) => axis < lead ? size : [at[axis - lead]])) };
});

// Losses: `each` is an example's share of the mean.
const share = (call, reduction) => reduction === 1 ? 1 / call.arguments[0].size : 1;
const squares = {
  cell(call, at) {
    const [x, t, reduction] = call.arguments, mode = given(reduction, 1);
    const cells = mode === 0 ? [at] : walk(x.shape);
    const terms = cells.map((index) => {
      const apart = cellOf(x, index, { minus: t.at(index) });
      return [...scaled(null, share(call, mode)), apart, apart];
    });
    return sum(terms);
  },
  reached: (call, argument, at) => given(call.arguments[2], 1) === 0 ? [at] : [[]],
  slope(call, at, argument, from) {
    const [x, t, reduction] = call.arguments, sign = argument.slot === x.slot ? 2 : -2;
    return [plain(sign * share(call, given(reduction, 1))), cellOf(x, from, { minus: t.at(from) })];
  },
};
const likelihood = {
  weights(call) {
    const [x, target, weight, reduction, ignored] = call.arguments, skip = given(ignored, -100);
    const own = Array.from(target.data, (row) => row === skip ? 0 : isArray(weight) ? weight.at([row]) : 1);
    const whole = given(reduction, 1) === 1 ? total(own) : 1;
    return { x, target, mode: given(reduction, 1), shares: own.map((value) => value / whole) };
  },
  cell(call, at) {
    const { x, target, mode, shares } = this.weights(call), rows = (mode === 0 ? at : [...shares.keys()]).filter((row) => shares[row]);
    return sum(rows.map((row) => [plain(-shares[row]), cellOf(x, x.shape.length === 1 ? [target.data[row]] : [row, target.data[row]])]));
  },
  reached(call, argument, at) { return given(call.arguments[3], 1) === 0 ? [[at[0]]] : [[]]; },
  slope(call, at, argument, from) {
    const { target, shares } = this.weights(call), row = from.length === 1 ? 0 : from[0];
    return [plain(target.data[row] === from.at(-1) ? -shares[row] : 0)];
  },
};

// −p·t·log σ(x) − (1 − t)·log(1 − σ(x)), weighted and averaged.
const soft = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const logitLoss = {
  at(call, index) {
    const [x, target, weight, positive, reduction] = call.arguments;
    const value = x.at(index), t = target.at(index), heavier = isArray(positive) ? operandValue(positive, index) : 1;
    const scale = (isArray(weight) ? operandValue(weight, index) : 1) * share(call, given(reduction, 1));
    return { loss: (1 - t) * soft(value) + heavier * t * soft(-value), scale,
      slope: (1 - t) * logistic(value) - heavier * t * logistic(-value), rise: heavier * soft(-value) - soft(value) };
  },
  cell(call, at) {
    const places = given(call.arguments[4], 1) === 0 ? [at] : walk(call.arguments[0].shape);
    return sum(places.map((index) => { const { loss, scale } = this.at(call, index); return [plain(scale), plain(loss)]; }));
  },
  reached: (call, argument, at) => given(call.arguments[4], 1) === 0 ? [at] : [[]],
  slope(call, at, argument, from) {
    const { slope, rise, scale } = this.at(call, from);
    return [plain(scale), plain(argument.slot === call.arguments[0].slot ? slope : argument.slot === call.arguments[1].slot ? rise : 0)];
  },
};

// Losses of single places by a function of both numbers, with its slope by the first, averaged or summed.
const pairLoss = (of, slope) => ({
  places: (call, at) => given(call.arguments[2], 1) === 0 ? [at] : walk(call.arguments[0].shape),
  cell(call, at) {
    const [x, t, reduction, setting] = call.arguments, scale = share(call, given(reduction, 1));
    return sum(this.places(call, at).map((index) => [plain(scale), plain(of(x.at(index) - t.at(index), setting))]));
  },
  reached: (call, argument, at) => given(call.arguments[2], 1) === 0 ? [at] : [[]],
  slope(call, at, argument, from) {
    const [x, t, reduction, setting] = call.arguments, sign = argument.slot === x.slot ? 1 : -1;
    return [plain(sign * share(call, given(reduction, 1)) * slope(x.at(from) - t.at(from), setting))];
  },
});
const huber = pairLoss((d, delta) => Math.abs(d) <= delta ? d * d / 2 : delta * (Math.abs(d) - delta / 2), (d, delta) => Math.max(-delta, Math.min(delta, d)));
const smooth = pairLoss((d, beta) => Math.abs(d) < beta ? d * d / 2 / beta : Math.abs(d) - beta / 2, (d, beta) => Math.abs(d) < beta ? d / beta : Math.sign(d));
// −w (t log x + (1 − t) log(1 − x)), logarithms not below −100.
const shareLoss = {
  scale(call, index) { const [, , weight, reduction] = call.arguments; return (isArray(weight) ? operandValue(weight, index) : 1) * share(call, given(reduction, 1)); },
  cell(call, at) {
    const [x, t, , reduction] = call.arguments, log = (value) => Math.max(-100, Math.log(value));
    return sum((given(reduction, 1) === 0 ? [at] : walk(x.shape)).map((index) => [plain(-this.scale(call, index)), plain(t.at(index) * log(x.at(index)) + (1 - t.at(index)) * log(1 - x.at(index)))]));
  },
  reached: (call, argument, at) => given(call.arguments[3], 1) === 0 ? [at] : [[]],
  slope(call, at, argument, from) {
    const [x, t] = call.arguments, p = x.at(from);
    return [plain(this.scale(call, from) * (argument.slot === x.slot ? (p - t.at(from)) / (p * (1 - p)) : argument.slot === t.slot ? Math.log(1 - p) - Math.log(p) : 0))];
  },
};
// What batch norm keeps of a batch: (1 − m) of what it had, and m of the batch's mean, or of its variance with n − 1.
const keeping = (of) => ({
  cell(call, at) {
    const [kept, x, momentum] = call.arguments, cells = channelOf(x, at[0]), mean = total(cells.map((index) => x.at(index))) / cells.length;
    const apart = (index) => of ? [cellOf(x, index, { minus: mean }), cellOf(x, index, { minus: mean })] : [cellOf(x, index)];
    return sum([[plain(1 - momentum), cellOf(kept, at)], ...cells.map((index) => [plain(momentum / (cells.length - of)), ...apart(index)])]);
  },
  reached: () => [],
  slope: () => [],
});

Object.assign(OPERATIONS, {
  "aten.huber_loss": huber,
  "aten.smooth_l1_loss": smooth,
  "aten.binary_cross_entropy": shareLoss,
  "derin.running_mean": keeping(0),
  "derin.running_variance": keeping(1),
  "aten._softmax": softmax("softmax"),
  "aten._safe_softmax": softmax("softmax"),
  "aten._log_softmax": softmax("log_softmax"),
  "aten.batch_norm": batchNorm,
  "aten.layer_norm": layerNorm,
  "aten.group_norm": groupNorm,
  "aten.mse_loss": squares,
  "aten.binary_cross_entropy_with_logits": logitLoss,
  "aten.nll_loss": likelihood,
});
