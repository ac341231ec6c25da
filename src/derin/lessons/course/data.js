// Data of the playground, as functions of seed, number and noise, and their division into training and test examples.
"use strict";

const DATA = (() => {
  // From two numbers in [0, 1) and the place among all to x₁, x₂ and the answer, before the noise.
  const turn = (share, radius) => [radius * Math.sin(2 * Math.PI * share), radius * Math.cos(2 * Math.PI * share)];
  const SETS = {
    xor: { task: "binary", make: (u, v) => { const [a, b] = [2 * u - 1, 2 * v - 1]; return [a, b, a * b < 0 ? 1 : 0]; } },
    circles: { task: "binary", make: (u, v, place) => [...turn(u, place % 2 === 0 ? 0.45 * Math.sqrt(v) : 0.65 + 0.3 * v), place % 2 === 0 ? 1 : 0] },
    spirals: { task: "binary", make: (u, v, place) => [...turn(1.25 * u + (place % 2 === 0 ? 0 : 0.5), 0.08 + 0.87 * u), place % 2 === 0 ? 1 : 0] },
    blobs: { task: "binary", make: (u, v, place) => { const [a, b] = turn(u, 0.3 * Math.sqrt(v)), middle = place % 2 === 0 ? 0.45 : -0.45; return [middle + a, middle + b, place % 2 === 0 ? 1 : 0]; } },
    pinwheel: { task: "softmax", make: (u, v, place) => [...turn(0.8 * u + place % 3 / 3, 0.08 + 0.87 * u), place % 3] },
    plane: { task: "mse", make: (u, v) => { const [a, b] = [2 * u - 1, 2 * v - 1]; return [a, b, 0.6 * a + 0.4 * b]; } },
    wave: { task: "mse", make: (u, v) => { const [a, b] = [2 * u - 1, 2 * v - 1]; return [a, b, Math.sin(Math.PI * a) * Math.cos(Math.PI * b / 2)]; } },
  };

  // Rows of x₁, x₂ and the answer; noise is the deviation of what is added to x₁ and x₂.
  function generate(name, num, noise, seed) {
    const rows = RANDOM.range(num), places = RANDOM.uniforms(seed, "points", 0, rows, 2), shake = RANDOM.normals(seed, "noise", rows, 2);
    return rows.map((row) => {
      const [a, b, answer] = SETS[name].make(places[2 * row], places[2 * row + 1], row);
      return [a + noise * shake[2 * row], b + noise * shake[2 * row + 1], answer];
    });
  }
  // The numbers of the rows that are learned from, and of those that only measure.
  function divide(num, share, seed) {
    const order = RANDOM.order(seed, "split", 0, num), tested = Math.min(num - 1, Math.round(num * share));
    return { test: order.slice(0, tested), train: order.slice(tested) };
  }

  return { SETS, generate, divide };
})();
