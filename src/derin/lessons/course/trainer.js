// A network on its data, step by step; the same as derin.lessons.course.experiment.Experiment.
"use strict";

class Trainer {
  constructor(settings, rows, task) {
    Object.assign(this, { settings, rows, task, step: 0, history: [] });
    const { hidden, activation, initializer, dropout, batchNorm, seed, testShare } = settings;
    Object.assign(this, DATA.divide(rows.length, testShare, seed));
    this.network = new ENGINE.Network({ inputs: 2, outputs: task === "softmax" ? 3 : 1, hidden, activation, initializer, dropout, batchNorm, seed });
    this.batchSize = Math.min(settings.batchSize, this.train.length);
    this.stepsPerEpoch = Math.floor(this.train.length / this.batchSize);
    this.record();
  }
  inputs(rows) {
    const x = ENGINE.matrix(rows.length, 2);
    rows.forEach((row, b) => x.data.set(this.rows[row].slice(0, 2), 2 * b));
    return x;
  }
  targets(rows) { return rows.map((row) => this.rows[row][2]); }
  // The rows of a step: each epoch has an order of its own, and what fills no batch waits for the next.
  batch(step) {
    const epoch = Math.floor(step / this.stepsPerEpoch), first = step % this.stepsPerEpoch * this.batchSize;
    if (this.mixed?.epoch !== epoch) this.mixed = { epoch, order: RANDOM.order(this.settings.seed, "order", epoch, this.train.length) };
    return this.mixed.order.slice(first, first + this.batchSize).map((place) => this.train[place]);
  }
  loss(rows) {
    return rows.length ? ENGINE.LOSSES[this.task](this.network.forward(this.inputs(rows)), this.targets(rows)).loss : NaN;
  }
  record() { this.history.push([this.step, this.loss(this.train), this.loss(this.test)]); }
  // Forward, loss, backward and update; all that the step made stays with the layers until the next.
  advance() {
    const rows = this.batch(this.step), { optimizer, learningRate: rate, l1, weightDecay: decay } = this.settings;
    const z = this.network.forward(this.inputs(rows), { training: true, step: this.step, rows });
    const { loss, slope } = ENGINE.LOSSES[this.task](z, this.targets(rows));
    this.network.backward(slope);
    this.step += 1;
    const parameters = this.network.parameters, before = parameters.map((one) => Float64Array.from(one.data));
    for (const one of parameters) ENGINE.update(optimizer, one, { rate, l1, decay }, this.step);
    const layers = this.network.layers.map(({ kind, input, output, slope: gradient, parameters: own }) => ({
      kind, output: output, gradient, parameters: own.map((one) => {
        const at = parameters.indexOf(one);
        return { name: one.name, shape: one.shape, before: before[at], gradient: Float64Array.from(one.gradient), after: Float64Array.from(one.data) };
      }) }));
    this.latest = { rows, loss, layers, x: this.inputs(rows), targets: this.targets(rows) };
  }
  predict(points) { return this.network.forward({ rows: points.length / 2, columns: 2, data: points }); }
}
