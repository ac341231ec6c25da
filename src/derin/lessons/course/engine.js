// Dense networks in 64 bits: layers, losses and optimizers with the definitions of Derin's own. Each layer keeps what the
// latest step made of it, so that every number of the step can be shown.
"use strict";

const ENGINE = (() => {
  // g, and its slope by z and a = g(z).
  const ACTIVATIONS = {
    linear: [(z) => z, () => 1],
    sigmoid: [(z) => 1 / (1 + Math.exp(-z)), (z, a) => a * (1 - a)],
    tanh: [Math.tanh, (z, a) => 1 - a * a],
    relu: [(z) => Math.max(0, z), (z) => z > 0 ? 1 : 0],
    leaky_relu: [(z) => z > 0 ? z : 0.01 * z, (z) => z > 0 ? 1 : 0.01],
    elu: [(z) => z > 0 ? z : Math.expm1(z), (z, a) => z > 0 ? 1 : a + 1],
  };
  // The deviation of the first weights, by inputs and outputs of the layer.
  const DEVIATIONS = {
    zeros: () => 0,
    normal: () => 0.01,
    xavier: (inputs) => Math.sqrt(1 / inputs),
    glorot: (inputs, outputs) => Math.sqrt(2 / (inputs + outputs)),
    he: (inputs) => Math.sqrt(2 / inputs),
  };

  const matrix = (rows, columns) => ({ rows, columns, data: new Float64Array(rows * columns) });
  const mapped = (source, make) => ({ ...source, data: source.data.map(make) });
  const parameter = (name, shape, data, decays) => ({ name, shape, data, decays, gradient: new Float64Array(data.length), memory: {} });

  class Dense {
    constructor(inputs, outputs, bias) {
      this.kind = "dense";
      this.inputs = inputs;
      this.outputs = outputs;
      this.weight = parameter("weight", [outputs, inputs], new Float64Array(inputs * outputs), true);
      this.bias = bias ? parameter("bias", [outputs], new Float64Array(outputs), false) : null;
      this.parameters = bias ? [this.weight, this.bias] : [this.weight];
    }
    forward(x) {
      this.input = x;
      const out = matrix(x.rows, this.outputs), { inputs, outputs } = this;
      for (let b = 0; b < x.rows; b++) for (let o = 0; o < outputs; o++) {
        let sum = this.bias ? this.bias.data[o] : 0;
        for (let i = 0; i < inputs; i++) sum += x.data[b * inputs + i] * this.weight.data[o * inputs + i];
        out.data[b * outputs + o] = sum;
      }
      return out;
    }
    backward(dz) {
      const { inputs, outputs, input } = this, dx = matrix(dz.rows, inputs);
      for (const one of this.parameters) one.gradient.fill(0);
      for (let b = 0; b < dz.rows; b++) for (let o = 0; o < outputs; o++) {
        const slope = dz.data[b * outputs + o];
        if (this.bias) this.bias.gradient[o] += slope;
        for (let i = 0; i < inputs; i++) {
          this.weight.gradient[o * inputs + i] += slope * input.data[b * inputs + i];
          dx.data[b * inputs + i] += slope * this.weight.data[o * inputs + i];
        }
      }
      return dx;
    }
  }

  class Activation {
    constructor(name) {
      this.kind = name;
      this.parameters = [];
      [this.g, this.derivative] = ACTIVATIONS[name];
    }
    forward(z) {
      this.input = z;
      this.output = mapped(z, this.g);
      return this.output;
    }
    backward(da) {
      return mapped(da, (slope, k) => slope * this.derivative(this.input.data[k], this.output.data[k]));
    }
  }

  // Training normalizes by the variance of the batch with 1/B; the running average takes the one with 1/(B − 1).
  class BatchNorm {
    constructor(features) {
      this.kind = "batch_norm";
      this.scale = parameter("scale", [features], new Float64Array(features).fill(1), false);
      this.shift = parameter("shift", [features], new Float64Array(features), false);
      this.parameters = [this.scale, this.shift];
      this.mean = new Float64Array(features);
      this.variance = new Float64Array(features).fill(1);
    }
    forward(z, { training }) {
      const { rows, columns } = z, out = matrix(rows, columns);
      if (training) Object.assign(this, { normalized: matrix(rows, columns), spread: new Float64Array(columns) });
      for (let c = 0; c < columns; c++) {
        let mean = this.mean[c], variance = this.variance[c];
        if (training) {
          mean = variance = 0;
          for (let b = 0; b < rows; b++) mean += z.data[b * columns + c] / rows;
          for (let b = 0; b < rows; b++) variance += (z.data[b * columns + c] - mean) ** 2 / rows;
          this.mean[c] += 0.1 * (mean - this.mean[c]);
          this.variance[c] += 0.1 * (variance * rows / (rows - 1) - this.variance[c]);
        }
        const spread = Math.sqrt(variance + 1e-5);
        if (training) this.spread[c] = spread;
        for (let b = 0; b < rows; b++) {
          const normalized = (z.data[b * columns + c] - mean) / spread;
          if (training) this.normalized.data[b * columns + c] = normalized;
          out.data[b * columns + c] = this.scale.data[c] * normalized + this.shift.data[c];
        }
      }
      return out;
    }
    backward(dy) {
      const { rows, columns } = dy, dz = matrix(rows, columns);
      for (let c = 0; c < columns; c++) {
        let shift = 0, scale = 0;
        for (let b = 0; b < rows; b++) {
          shift += dy.data[b * columns + c];
          scale += dy.data[b * columns + c] * this.normalized.data[b * columns + c];
        }
        this.shift.gradient[c] = shift;
        this.scale.gradient[c] = scale;
        for (let b = 0; b < rows; b++) {
          const k = b * columns + c;
          dz.data[k] = this.scale.data[c] / this.spread[c] * (dy.data[k] - shift / rows - this.normalized.data[k] * scale / rows);
        }
      }
      return dz;
    }
  }

  // Which values are dropped depends on seed, layer, step and example, and on nothing else.
  class Dropout {
    constructor(rate, seed, stream) {
      this.kind = "dropout";
      this.parameters = [];
      Object.assign(this, { rate, seed, stream });
    }
    forward(a, { training, step, rows }) {
      if (!training) return a;
      const drawn = RANDOM.uniforms(this.seed, this.stream, step, rows, a.columns);
      this.mask = drawn.map((u) => u >= this.rate ? 1 / (1 - this.rate) : 0);
      return mapped(a, (value, k) => value * this.mask[k]);
    }
    backward(da) { return mapped(da, (slope, k) => slope * this.mask[k]); }
  }

  // The share of each column in e^z of its row.
  function softmax(z) {
    const out = matrix(z.rows, z.columns);
    for (let row = 0; row < z.rows; row++) {
      const scores = z.data.subarray(row * z.columns, (row + 1) * z.columns), top = Math.max(...scores), all = scores.reduce((sum, score) => sum + Math.exp(score - top), 0);
      scores.forEach((score, column) => { out.data[row * z.columns + column] = Math.exp(score - top) / all; });
    }
    return out;
  }
  // The mean over the batch, and its slope by the network's output; "binary" has its sigmoid within.
  const LOSSES = {
    binary(z, targets) {
      let loss = 0;
      const slope = mapped(z, (value, k) => {
        loss += (Math.max(value, 0) - value * targets[k] + Math.log1p(Math.exp(-Math.abs(value)))) / z.rows;
        return (1 / (1 + Math.exp(-value)) - targets[k]) / z.rows;
      });
      return { loss, slope };
    },
    // −log of the target's share of softmax z; its slope is the shares, less 1 at the target.
    softmax(z, targets) {
      const shares = softmax(z);
      let loss = 0;
      const slope = mapped(shares, (share, k) => (share - (k % z.columns === targets[Math.floor(k / z.columns)] ? 1 : 0)) / z.rows);
      targets.forEach((target, row) => {
        const scores = z.data.subarray(row * z.columns, (row + 1) * z.columns), top = Math.max(...scores);
        loss += (top - scores[target] + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - top), 0))) / z.rows;
      });
      return { loss, slope };
    },
    mse(z, targets) {
      let loss = 0;
      const slope = mapped(z, (value, k) => {
        loss += (value - targets[k]) ** 2 / z.rows;
        return 2 * (value - targets[k]) / z.rows;
      });
      return { loss, slope };
    },
  };

  // What a gradient does to a parameter; `memory` is kept from step to step.
  const kept = (memory, name, length) => memory[name] ??= new Float64Array(length);
  const adam = (decoupled) => (w, g, memory, { rate, decay }, step) => {
    const mean = kept(memory, "mean", w.length), square = kept(memory, "square", w.length);
    for (let k = 0; k < w.length; k++) {
      if (decoupled) w[k] -= rate * decay * w[k];
      mean[k] += (1 - 0.9) * (g[k] - mean[k]);
      square[k] = 0.999 * square[k] + (1 - 0.999) * g[k] ** 2;
      w[k] -= rate / (1 - 0.9 ** step) * mean[k] / (Math.sqrt(square[k]) / Math.sqrt(1 - 0.999 ** step) + 1e-8);
    }
  };
  const OPTIMIZERS = {
    sgd(w, g, memory, { rate }) {
      for (let k = 0; k < w.length; k++) w[k] -= rate * g[k];
    },
    momentum(w, g, memory, { rate }) {
      const speed = kept(memory, "speed", w.length);
      for (let k = 0; k < w.length; k++) w[k] -= rate * (speed[k] = 0.9 * speed[k] + g[k]);
    },
    nesterov(w, g, memory, { rate }) {
      const speed = kept(memory, "speed", w.length);
      for (let k = 0; k < w.length; k++) {
        speed[k] = 0.9 * speed[k] + g[k];
        w[k] -= rate * (g[k] + 0.9 * speed[k]);
      }
    },
    adagrad(w, g, memory, { rate }) {
      const square = kept(memory, "square", w.length);
      for (let k = 0; k < w.length; k++) {
        square[k] += g[k] ** 2;
        w[k] -= rate * g[k] / (Math.sqrt(square[k]) + 1e-10);
      }
    },
    rmsprop(w, g, memory, { rate }) {
      const square = kept(memory, "square", w.length);
      for (let k = 0; k < w.length; k++) {
        square[k] = 0.99 * square[k] + (1 - 0.99) * g[k] ** 2;
        w[k] -= rate * g[k] / (Math.sqrt(square[k]) + 1e-8);
      }
    },
    adam: adam(false),
    adamw: adam(true),
  };

  // One step of one parameter: penalties first, then the optimizer. `step` counts from 1.
  function update(optimizer, one, { rate, l1 = 0, decay = 0 }, step) {
    const shrink = one.decays ? decay : 0, g = one.gradient.map((slope, k) =>
      slope + (one.decays ? l1 * Math.sign(one.data[k]) : 0) + (optimizer === "adamw" ? 0 : shrink * one.data[k]));
    OPTIMIZERS[optimizer](one.data, g, one.memory, { rate, decay: shrink }, step);
  }

  class Network {
    constructor({ inputs, outputs = 1, hidden, activation, initializer, dropout = 0, batchNorm = false, seed = 0 }) {
      this.layers = [];
      let width = inputs;
      const dense = (units, bias) => {
        const layer = new Dense(width, units, bias), deviation = DEVIATIONS[initializer](width, units);
        const number = this.layers.filter((one) => one.kind === "dense").length;
        layer.weight.data.set(RANDOM.normals(seed, `weights${number}`, RANDOM.range(units), width).map((n) => n * deviation));
        this.layers.push(layer);
        width = units;
      };
      hidden.forEach((units, number) => {
        dense(units, !batchNorm);
        if (batchNorm) this.layers.push(new BatchNorm(units));
        this.layers.push(new Activation(activation));
        if (dropout) this.layers.push(new Dropout(dropout, seed, `dropout${number}`));
      });
      dense(outputs, true);
    }
    forward(x, how = { training: false }) {
      let out = x;
      for (const layer of this.layers) {
        layer.output = layer.forward(out, how);
        out = layer.output;
      }
      return out;
    }
    backward(slope) {
      for (const layer of this.layers.toReversed()) {
        layer.slope = slope;
        slope = layer.backward(slope);
      }
    }
    get parameters() { return this.layers.flatMap((layer) => layer.parameters); }
  }

  return { ACTIVATIONS, DEVIATIONS, OPTIMIZERS, LOSSES, Network, matrix, softmax, update };
})();
