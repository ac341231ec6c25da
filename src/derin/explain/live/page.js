// The page's behavior: the network is computed anew after every change of the input, and drawn layer by layer.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const trace = {
  nodes: new Map(data.nodes.map((node) => [node.name, node])),
  values: new Map(Object.entries(data.values).map(([name, packed]) => [name, lazily(name, packed)])),
};
const state = { node: null, cell: [], language: data.language, dark: false, all: false, whole: new Set() };
const MOST_MAPS = 32, MOST_AXES = 4;
// What only moves numbers is computed and can be reached, and has no strip of its own.
const MOVING = new Set(["view", "clone", "expand", "squeeze", "unsqueeze", "_to_copy", "copy", "t", "permute", "transpose", "slice", "select", "stack", "cat", "slice_scatter", "index_select", "gather"].map((name) => `aten.${name}`));
connect(data.nodes);

// Nodes that the input reaches; what is made of weights alone stands still, what prepares comes before `prepared`, and of
// texts the masks that come of tokens and not of their vectors have no strip either.
const isBeginning = (node) => data.input.kind === "text" ? node.operation === "aten.embedding" : data.inputs.includes(node.name);
const fed = new Set();
for (const node of data.nodes) if (isBeginning(node) || node.sources.some((source) => fed.has(source))) fed.add(node.name);
const first = data.nodes.findIndex((node) => node.name === data.prepared);
const own = data.nodes.filter((node, place) => place > first && node.kind === "operation" && !MOVING.has(node.operation) && node.shape.length && node.shape.length <= MOST_AXES);

// A strip is a node, or, of a memory that goes from step to step, the same operation of every step: a row for each.
const CELLS = { "addmm add sigmoid sigmoid tanh sigmoid mul mul add tanh mul": "lstm", "addmm add sigmoid add sigmoid mul add tanh sub mul add": "gru" };
function stripsOf(nodes) {
  const found = trace.nodes.get(data.prepared).kind === "input" ? [] : [{ name: data.prepared, nodes: [trace.nodes.get(data.prepared)], title: () => say("prepared") }];
  const steps = data.input.kind === "text" ? data.input.length : 1, done = new Set();
  for (const node of nodes) {
    if (done.has(node) || !fed.has(node.name)) continue;
    const places = nodes.filter((other) => other.place === node.place && other.shape.length === 2 && other.shape[0] === 1), period = places.length / steps;
    const repeats = steps > 1 && places.includes(node) && Number.isInteger(period) && places.every((other, k) => other.operation === places[k % period].operation);
    if (!repeats) { found.push({ name: node.name, nodes: [node], title: () => titleOf(node) }); continue; }
    const kind = CELLS[places.slice(0, period).map((other) => other.operation.split(".")[1]).join(" ")];
    for (let k = 0; k < period; k++) {
      const rows = places.filter((_, place) => place % period === k);
      rows.forEach((row) => done.add(row));
      found.push({ name: rows[0].name, nodes: rows, title: () => kind ? `${node.place} · ${say(`${kind}_${k}`)}` : titleOf(rows[0]) });
    }
  }
  return found;
}
const strips = stripsOf(own);
// Memories that read a text from its end: what they read has been gathered in another order.
const backwards = new Set();
for (const node of own) {
  let from = [node];
  while (from.length && !from.some((one) => one.operation === "aten.gather")) {
    from = from.flatMap((one) => one.sources).map((name) => trace.nodes.get(name)).filter((one) => fed.has(one.name) && (MOVING.has(one.operation) || one.operation === "aten.gather"));
  }
  if (from.length && strips.some((strip) => strip.nodes.length > 1 && strip.nodes[0].place === node.place)) backwards.add(node.place);
}

const input = new INPUTS[data.input.kind](data.input, () => plan());
function compute() {
  input.values().forEach((values, place) => {
    const name = data.inputs[place], { shape } = trace.nodes.get(name);
    trace.values.set(name, new Numbers(name, shape, Float64Array.from(values)));
  });
  SUMS.run(trace);
}
// Several changes within a frame are computed once.
let planned = false;
function plan() {
  if (planned) return;
  planned = true;
  requestAnimationFrame(() => { planned = false; compute(); show(); });
}

// ── the answer ────────────────────────────────────────────────────────────────────────────────────────────────────
function showAnswer() {
  const numbers = trace.values.get(data.output), holder = element("answer");
  if (!data.classes) {
    holder.replaceChildren(answerLink(0, tag("b", { textContent: `${spell(numbers.data[0], 5)}${data.unit ? ` ${data.unit}` : ""}` })));
    return;
  }
  // Of a language model, what comes behind the last token.
  const start = data.follows ? (input.tokens.length - 1) * data.classes.length : 0, chances = numbers.data.subarray(start, start + data.classes.length);
  const order = [...chances.keys()].sort((a, b) => chances[b] - chances[a]);
  holder.replaceChildren(...order.slice(0, 10).map((place) => answerLink(start + place, tag("b", { textContent: data.follows ? visible(data.classes[place]) : data.classes[place] }),
    tag("span", { className: "bar" }, tag("i", { style: `width:${100 * chances[place]}%` })), tag("span", { className: "share", textContent: percent(chances[place]) }))));
}
const percent = (value) => state.language === "tr" ? `%${spell(100 * value, 3)}` : `${spell(100 * value, 3)}%`;
function answerLink(place, ...parts) {
  const numbers = trace.values.get(data.output);
  return tag("button", { type: "button", className: "answer", onclick: () => select(data.output, "value", numbers.index(place)) }, ...parts);
}

// ── the layers ────────────────────────────────────────────────────────────────────────────────────────────────────
// Maps of the last two axes; a vector is one map. With texts, a row for each token where there are as many.
const leadsOf = (shape) => walk(shape.length <= 2 ? [] : shape.slice(0, -2));
const isByToken = ({ nodes: [node, ...more] }) => data.input.kind === "text" && (more.length > 0 || (node.shape.length > 1 && node.shape.at(-2) === data.input.length));
const made = new Map();
function makeStrips() {
  made.clear();
  element("layers").replaceChildren(...strips.map((strip) => {
    const [node] = strip.nodes, leads = leadsOf(node.shape), shown = state.whole.has(strip.name) ? leads : leads.slice(0, MOST_MAPS), byToken = isByToken(strip);
    const maps = shown.map((lead, number) => {
      const canvas = tag("canvas", {});
      const button = tag("button", { type: "button", className: byToken ? "tall" : node.shape.length <= 2 ? "vector" : "small", onclick: (event) => selectAt(strip, lead, canvas, event) }, canvas);
      return { lead, number, canvas, button };
    });
    made.set(strip.name, maps);
    const more = leads.length > shown.length ? tag("button", { type: "button", textContent: say("all_maps", { count: leads.length }), onclick: () => { state.whole.add(strip.name); makeStrips(); show(); } }) : null;
    const rows = byToken ? tag("ol", { className: "names", "aria-hidden": "true" }) : null, shape = strip.nodes.length > 1 ? [strip.nodes.length, node.shape.at(-1)] : node.shape;
    return tag("section", { className: "strip", "data-strip": strip.name }, tag("h3", {}, strip.title(), tag("small", { className: "faint", textContent: ` ${shapeText(shape)}` })),
      tag("div", { className: byToken ? "maps by-token" : "maps" }, rows, ...maps.map((one) => one.button), more));
  }));
}
// A click says which row and column of a map; the keyboard takes the first.
function selectAt(strip, lead, canvas, event) {
  const box = canvas.getBoundingClientRect(), place = (share, size) => event.detail ? Math.max(0, Math.min(size - 1, Math.floor(share * size))) : 0;
  const row = place((event.clientY - box.top) / box.height, canvas.height), column = place((event.clientX - box.left) / box.width, canvas.width);
  if (strip.nodes.length > 1) return select(strip.nodes[row].name, "value", [0, column]);
  const [{ name, shape }] = strip.nodes;
  select(name, "value", shape.length === 1 ? [column] : [...lead, row, column]);
}
// The numbers of a strip: of a memory a row from each step.
function numbersOf({ nodes }) {
  if (nodes.length === 1) return trace.values.get(nodes[0].name);
  const rows = nodes.map((node) => trace.values.get(node.name)), width = rows[0].size, found = new Numbers(nodes[0].name, [nodes.length, width], new Float64Array(nodes.length * width));
  rows.forEach((row, k) => found.data.set(row.data, k * width));
  return found;
}
const visible = (token) => token.replaceAll("\n", "⏎").replaceAll(" ", "␣");
function paintStrips() {
  for (const strip of strips) {
    const numbers = numbersOf(strip), { low, high } = numbers.summary(), silent = low === 0 && high === 0;
    // Of a text's padding nothing is shown.
    const byToken = isByToken(strip), num = byToken ? Math.max(1, input.tokens.length) : 0, square = byToken && numbers.shape.at(-1) === numbers.shape.at(-2);
    for (const { lead, number, canvas, button } of made.get(strip.name)) {
      TENSOR.paint(canvas, numbers, lead, state.dark, byToken ? { most: [num, square ? num : Infinity] } : {});
      if (byToken) Object.assign(canvas.style, { height: `${13 * num}px`, width: square ? `${13 * num}px` : "" });
      const name = made.get(strip.name).length === 1 ? strip.title() : say("map", { layer: strip.title(), number });
      button.setAttribute("aria-label", silent ? `${name}: ${say("dead")}` : name);
      button.setAttribute("aria-pressed", String(strip.nodes.some((node) => node.name === state.node) && lead.every((place, axis) => place === state.cell[axis])));
    }
    const names = document.querySelector(`[data-strip="${strip.name}"] .names`);
    const order = backwards.has(strip.nodes[0].place) ? input.names.toReversed() : input.names;
    if (names) names.replaceChildren(...order.map((one) => tag("li", {}, one)));
  }
}

// ── one node and one cell ─────────────────────────────────────────────────────────────────────────────────────────
function showNode() {
  const holder = element("node"), node = trace.nodes.get(state.node);
  if (!node) {
    holder.replaceChildren(tag("p", { className: "faint", textContent: say("choose") }));
    for (const id of ["axes", "numbers", "cell"]) element(id).replaceChildren();
    return;
  }
  const numbers = trace.values.get(node.name), at = state.cell, { low, high, mean } = numbers.summary();
  holder.replaceChildren(tag("h2", { textContent: strips.find((strip) => strip.nodes.includes(node))?.title() ?? titleOf(node) }), tag("p", { className: "faint", textContent: [say(`kind_${node.kind}`), node.operation, shapeText(node.shape)].filter(Boolean).join(" · ") }));
  if (node.formula) holder.append(formula(data.formulas[node.formula - 1]), legend(node));
  if (numbers.size > 1) holder.append(tag("p", { className: "faint", textContent: say("summary", { low: spell(low), mean: spell(mean), high: spell(high), count: numbers.size }) }));
  showNumbers(numbers);
  const cell = element("cell"), value = numbers.at(at);
  Object.assign(cell.dataset, { node: node.name, cell: at.join(","), value: String(value) });
  delete cell.dataset.sum;
  cell.replaceChildren(tag("p", { className: "result" }, `${titleOf(node)}${at.length ? `[${at.join(", ")}]` : ""} = `, tag("b", { textContent: spell(value, 7) })));
  if (node.kind !== "operation") return cell.append(tag("p", { className: "faint", textContent: say("given") }));
  const found = SUMS.forward(trace, node, at);
  cell.dataset.sum = String(found.value);
  cell.append(...explained(found));
}
function select(name, side = "value", at = null) {
  const node = trace.nodes.get(name);
  if (!node) return;
  Object.assign(state, { node: name, cell: at ? [...at] : node.shape.map(() => 0), all: false });
  show();
  if (matchMedia("(max-width: 900px)").matches) element("node").scrollIntoView({ block: "start" });
}

// ── language, colors ──────────────────────────────────────────────────────────────────────────────────────────────
function show() {
  document.documentElement.lang = state.language;
  document.documentElement.dataset.theme = state.dark ? "dark" : "light";
  for (const one of document.querySelectorAll("[data-say]")) one.textContent = say(one.dataset.say);
  for (const one of document.querySelectorAll("[data-label]")) { one.setAttribute("aria-label", say(one.dataset.label)); one.title = say(one.dataset.label); }
  element("language").textContent = state.language === "en" ? "Türkçe" : "English";
  showAnswer(); paintStrips(); showNode();
  const parts = { lang: state.language, theme: state.dark ? "dark" : "light", ...(state.node ? { node: state.node, cell: state.cell.join(",") } : {}) };
  history.replaceState(null, "", `#${new URLSearchParams(parts)}`);
}
element("language").addEventListener("click", () => { state.language = state.language === "en" ? "tr" : "en"; makeStrips(); show(); });
element("theme").addEventListener("click", () => { state.dark = !state.dark; show(); });
window.derinLive = { data, trace, state, input, strips, select, compute, show, forward: (name, at) => SUMS.forward(trace, trace.nodes.get(name), at) };

const wanted = new URLSearchParams(location.hash.slice(1));
if (data.words[wanted.get("lang")]) state.language = wanted.get("lang");
state.dark = wanted.has("theme") ? wanted.get("theme") === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
input.open(element("input"));
makeStrips();
compute();
if (trace.nodes.has(wanted.get("node"))) Object.assign(state, { node: wanted.get("node"), cell: wanted.get("cell") ? wanted.get("cell").split(",").map(Number) : [] });
show();
