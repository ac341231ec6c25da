// The sum behind one cell: of a value, from the arguments of its operation; of a gradient, from all that its number reached.
"use strict";

const SUMS = (() => {
  const MOST = 400_000; // cells reached; beyond, terms are not listed

  // The call of an operation node: its arguments with arrays in place of names. Each array has a slot of its own.
  function callOf(trace, node) {
    if (node.call) return node.call;
    let slot = 0;
    const slots = [];
    const read = (argument) => {
      if (Array.isArray(argument)) return argument.map(read);
      if (argument === null || typeof argument !== "object") return argument;
      if ("number" in argument) return Number(argument.number);
      const values = trace.values.get(argument.ref);
      const array = new Numbers(argument.ref, values.shape, values.data);
      array.slot = slot++;
      slots.push(array);
      return array;
    };
    node.call = { arguments: node.arguments.map(read), out: trace.values.get(node.name), slots };
    return node.call;
  }

  const isWhole = (call) => call.out.data && call.slots.every((array) => array.data);
  const product = (factors) => factors.reduce((value, factor) => value * factorValue(factor), 1);

  function forward(trace, node, at) {
    const entry = node.operation && OPERATIONS[node.operation];
    if (!entry) return null;
    const call = callOf(trace, node);
    if (!isWhole(call)) return null;
    const found = entry.cell(call, at);
    if (!found) return null;
    const terms = found.terms.map((factors) => ({ factors, value: product(factors) }));
    return { ...found, terms, value: found.value ?? total(terms.map((term) => term.value)) };
  }

  // The values of all operations, one after the other, from what is given.
  function run(trace) {
    for (const node of trace.nodes.values()) {
      if (node.kind !== "operation") continue;
      const out = new Numbers(node.name, node.shape, new Float64Array(count(node.shape)));
      trace.values.set(node.name, out);
      node.call = null;
      const entry = OPERATIONS[node.operation], call = callOf(trace, node), all = entry.whole?.(call);
      if (all) out.data.set(all);
      else for (let offset = 0; offset < out.size; offset++) {
        const found = entry.cell(call, out.index(offset));
        out.data[offset] = found.value ?? total(found.terms.map(product));
      }
    }
  }

  // What made a gradient, one group for each place where the value was used; null where one of them has no entry.
  function backward(trace, node, at) {
    const groups = [];
    for (const name of node.users) {
      const user = trace.nodes.get(name), gradient = trace.gradients.get(name);
      if (!gradient) continue;
      const entry = OPERATIONS[user.operation];
      if (!entry) return null;
      const call = callOf(trace, user);
      if (!isWhole(call) || !gradient.data) return null;
      for (const argument of call.slots) {
        if (argument.name !== node.name) continue;
        const reached = entry.reached(call, argument, at);
        if (reached.length > MOST) return null;
        const terms = [];
        for (const to of reached) {
          const factors = entry.slope(call, to, argument, at);
          if (factors.length === 1 && factors[0].number === 0) continue;
          const all = [{ of: gradient, at: to, gradient: true }, ...factors];
          terms.push({ factors: all, value: product(all) });
        }
        groups.push({ user, terms, value: terms.reduce((sum, term) => sum + term.value, 0) });
      }
    }
    return groups;
  }

  return { forward, backward, run };
})();
