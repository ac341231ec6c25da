// Worked numbers: given ones, and lines that are computed from them. What a line shows is what it computes, and each number
// in it leads to where it came from.
"use strict";

const FORMULA = (() => {
  const FUNCTIONS = {
    exp: Math.exp, ln: Math.log, sqrt: Math.sqrt, tanh: Math.tanh, abs: Math.abs, max: Math.max, min: Math.min, floor: Math.floor,
    sign: Math.sign, cos: Math.cos,
    sigmoid: (z) => 1 / (1 + Math.exp(-z)), relu: (z) => Math.max(0, z), step: (z) => z > 0 ? 1 : 0,
  };
  const SHOWN = { sigmoid: "σ", sqrt: "√", step: "φ", relu: "ReLU" };

  // sum: product (± product)…; product: factor (·÷ factor)…; factor: −factor, or atom with a power.
  function parse(text) {
    const tokens = text.match(/[A-Za-z]\w*|\d+(?:\.\d+)?(?:e-?\d+)?|[-+*/^(),]/g);
    let place = 0;
    const take = (...wanted) => wanted.includes(tokens[place]) ? tokens[place++] : null;
    function chain(below, ...signs) {
      let left = below();
      for (let sign; (sign = take(...signs));) left = { sign, left, right: below() };
      return left;
    }
    const sum = () => chain(product, "+", "-");
    const product = () => chain(factor, "*", "/");
    const factor = () => take("-") ? { sign: "negate", right: factor() } : chain(atom, "^");
    function atom() {
      if (take("(")) { const within = sum(); take(")"); return { within }; }
      const token = tokens[place++];
      if (/\d/.test(token[0])) return { number: Number(token) };
      if (!take("(")) return { ref: token };
      const list = [sum()];
      while (take(",")) list.push(sum());
      take(")");
      return { call: token, list };
    }
    return sum();
  }

  function evaluate(node, values) {
    if ("number" in node) return node.number;
    if ("ref" in node) return values[node.ref];
    if ("within" in node) return evaluate(node.within, values);
    if ("call" in node) return FUNCTIONS[node.call](...node.list.map((one) => evaluate(one, values)));
    const right = evaluate(node.right, values);
    if (node.sign === "negate") return -right;
    const left = evaluate(node.left, values);
    if (node.sign === "+") return left + right;
    if (node.sign === "-") return left - right;
    if (node.sign === "*") return left * right;
    return node.sign === "/" ? left / right : left ** right;
  }

  // The parts of a formula for the page; `leaf` makes one of a name, `spell` of a number. A negative number is bare where
  // no sign stands before it.
  function write(node, leaf, spell, bare = true) {
    const deeper = (one, first = false) => write(one, leaf, spell, first);
    if ("number" in node) return [spell(node.number)];
    if ("ref" in node) return [leaf(node.ref, bare)];
    if ("within" in node) return ["(", ...deeper(node.within, true), ")"];
    if ("call" in node) return [SHOWN[node.call] ?? node.call, "(", ...node.list.flatMap((one, k) => [...(k ? [", "] : []), ...deeper(one, true)]), ")"];
    if (node.sign === "negate") return ["−", ...deeper(node.right)];
    if (node.sign === "^") return [...deeper(node.left), tag("sup", {}, ...deeper(node.right))];
    return [...deeper(node.left, bare), { "+": " + ", "-": " − ", "*": "·", "/": " ∕ " }[node.sign], ...deeper(node.right)];
  }

  // Every name in a formula.
  function refs(node) {
    if ("ref" in node) return [node.ref];
    return [node.within, node.left, node.right, ...(node.list ?? [])].filter(Boolean).flatMap(refs);
  }

  return { parse, evaluate, write, refs };
})();

class Sheet {
  constructor({ givens, lines, sets, starts, updates }) {
    this.givens = givens;
    this.lines = lines.map((line) => ({ ...line, tree: FORMULA.parse(line.formula) }));
    Object.assign(this, { sets, starts, updates, watchers: [], start: 0 });
    this.choose(0);
  }
  // A set of examples from its beginning.
  choose(set) {
    this.set = set;
    this.examples = (this.sets[set]?.examples ?? []).map((one) => ({ ...one }));
    this.reset();
  }
  reset() {
    this.values = Object.fromEntries(this.givens.map(({ id, value }) => [id, value]));
    Object.assign(this.values, this.starts[this.start]?.values);
    Object.assign(this, { steps: 0, past: [] });
    this.show(0);
  }
  // Before the first step, with what has been changed meanwhile.
  restart() {
    const first = this.past[0];
    if (!first) return;
    for (const given of Object.keys(this.updates)) this.values[given] = first.values[given];
    Object.assign(this, { steps: 0, past: [] });
    this.show(first.place);
  }
  // The example at hand becomes what is given.
  show(place) {
    this.place = place;
    Object.assign(this.values, this.examples[place] ?? {});
    this.compute();
  }
  change(id, value) {
    this.values[id] = value;
    const example = this.examples[this.place];
    if (example && id in example) example[id] = value;
    this.compute();
  }
  compute() {
    this.rolled = null;
    for (const line of this.lines) this.values[line.id] = FORMULA.evaluate(line.tree, this.values);
    for (const watcher of this.watchers) watcher();
  }
  // A line's value where some of the given numbers are others.
  at(id, others) {
    const values = { ...this.values, ...others };
    for (const line of this.lines) {
      values[line.id] = FORMULA.evaluate(line.tree, values);
      if (line.id === id) break;
    }
    return values[id];
  }
  // All numbers before each step from the first on, with what is given now.
  rollout(steps) {
    if (this.rolled?.length > steps) return this.rolled;
    const first = this.past[0] ?? this, values = { ...this.values }, updates = Object.entries(this.updates), rows = [];
    for (const [given] of updates) values[given] = first.values[given];
    for (let step = 0; step <= steps; step++) {
      if (this.examples.length) Object.assign(values, this.examples[(first.place + step) % this.examples.length]);
      for (const { id, tree } of this.lines) values[id] = FORMULA.evaluate(tree, values);
      rows.push({ ...values });
      for (const [given, line] of updates) values[given] = values[line];
    }
    return this.rolled = rows;
  }
  forward() {
    this.past.push({ values: { ...this.values }, place: this.place });
    for (const [given, line] of Object.entries(this.updates)) this.values[given] = this.values[line];
    this.steps += 1;
    this.show(this.examples.length ? (this.place + 1) % this.examples.length : 0);
  }
  back() {
    const before = this.past.pop();
    if (!before) return;
    this.values = before.values;
    this.steps -= 1;
    this.place = before.place;
    this.compute();
  }

  // Sliders of the given numbers, and the lines under their headings.
  draw(sliders, holder, { spell, say, spoken }) {
    const rows = new Map(), symbols = new Map([...this.givens, ...this.lines].map(({ id, symbol }) => [id, symbol]));
    const symbol = (id) => tag("span", { className: "symbol", innerHTML: symbols.get(id) });
    const origin = (id) => {
      for (const one of rows.values()) one.classList.remove("origin");
      const row = rows.get(id);
      if (!row) return; // a number that a figure holds
      row.classList.add("origin");
      row.scrollIntoView({ block: "nearest", behavior: "smooth" });
    };
    const number = (id, bare) => {
      const text = this.values[id] < 0 && !bare ? `(${spell(this.values[id])})` : spell(this.values[id]);
      return !rows.has(id) ? text : tag("button", { type: "button", className: "number", textContent: text,
        title: say("origin"), onclick: () => origin(id) });
    };
    const inputs = new Map();
    for (const given of this.givens.filter((one) => one.slider)) {
      const slider = tag("input", { type: "range", min: given.low, max: given.high, step: given.step,
        oninput: () => this.change(given.id, Number(slider.value)) });
      const box = tag("input", { type: "number", step: given.step,
        oninput: () => { if (box.value !== "" && Number.isFinite(Number(box.value))) this.change(given.id, Number(box.value)); } });
      const row = tag("div", { className: "given" }, symbol(given.id), slider, box);
      rows.set(given.id, row);
      inputs.set(given, [slider, box]);
      sliders.append(row);
    }
    for (const line of this.lines) {
      if (line.heading) holder.append(tag("h3", { innerHTML: line.heading }));
      const row = tag("div", { className: "line" });
      rows.set(line.id, row);
      holder.append(row);
    }
    const show = () => {
      for (const [{ id, label }, both] of inputs) for (const input of both) {
        input.setAttribute("aria-label", spoken(label));
        input.title = spoken(label);
        if (document.activeElement !== input || Number(input.value) !== this.values[id]) input.value = Number(this.values[id].toPrecision(6));
      }
      for (const line of this.lines) {
        const written = FORMULA.write(line.tree, symbol, spell), counted = FORMULA.write(line.tree, number, spell);
        rows.get(line.id).replaceChildren(
          tag("span", { className: "part" }, symbol(line.id), " = ", ...written),
          tag("span", { className: "part" }, " = ", ...counted),
          tag("span", { className: "part" }, " = ", tag("b", { textContent: spell(this.values[line.id], 6) })));
      }
    };
    this.watchers.push(show);
    this.focus = origin;
    show();
    return show;
  }
}
