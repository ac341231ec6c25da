// The page's behavior: the network is computed anew after every change of the input, and drawn layer by layer.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const trace = {
  nodes: new Map(data.nodes.map((node) => [node.name, node])),
  values: new Map(Object.entries(data.values).map(([name, packed]) => [name, lazily(name, packed)])),
};
const state = { node: null, cell: [], language: data.language, dark: false, all: false, whole: new Set() };
const MOST_MAPS = 32;
// What only moves numbers is computed and can be reached, and has no strip of its own.
const MOVING = new Set(["view", "clone", "expand", "squeeze", "unsqueeze", "_to_copy", "copy", "t", "permute", "transpose", "slice", "select", "stack", "cat", "index_select", "gather"].map((name) => `aten.${name}`));
connect(data.nodes);

// Nodes that the input reaches; what is made of weights alone stands still.
const fed = new Set(data.inputs);
for (const node of data.nodes) if (node.sources.some((source) => fed.has(source))) fed.add(node.name);
const strips = data.nodes.filter((node) => node.name === data.prepared
  || (fed.has(node.name) && node.kind === "operation" && !node.place.startsWith("preparation") && !MOVING.has(node.operation) && node.shape.length));

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
  const order = [...numbers.data.keys()].sort((a, b) => numbers.data[b] - numbers.data[a]);
  holder.replaceChildren(...order.slice(0, 10).map((place) => answerLink(place, tag("b", { textContent: data.classes[place] }),
    tag("span", { className: "bar" }, tag("i", { style: `width:${100 * numbers.data[place]}%` })), tag("span", { className: "share", textContent: percent(numbers.data[place]) }))));
}
const percent = (value) => state.language === "tr" ? `%${spell(100 * value, 3)}` : `${spell(100 * value, 3)}%`;
function answerLink(place, ...parts) {
  const numbers = trace.values.get(data.output);
  return tag("button", { type: "button", className: "answer", onclick: () => select(data.output, "value", numbers.index(place)) }, ...parts);
}

// ── the layers ────────────────────────────────────────────────────────────────────────────────────────────────────
// Maps of the last two axes; a vector is one map.
const leadsOf = (shape) => walk(shape.length <= 2 ? [] : shape.slice(0, -2));
const made = new Map();
function makeStrips() {
  made.clear();
  element("layers").replaceChildren(...strips.map((node) => {
    const leads = leadsOf(node.shape), shown = state.whole.has(node.name) ? leads : leads.slice(0, MOST_MAPS);
    const maps = shown.map((lead, number) => {
      const canvas = tag("canvas", {});
      const button = tag("button", { type: "button", className: node.shape.length <= 2 ? "vector" : "small", onclick: () => select(node.name, "value", [...lead, ...node.shape.slice(lead.length).map(() => 0)]) }, canvas);
      return { lead, number, canvas, button };
    });
    made.set(node.name, maps);
    const more = leads.length > shown.length ? tag("button", { type: "button", textContent: say("all_maps", { count: leads.length }), onclick: () => { state.whole.add(node.name); makeStrips(); show(); } }) : null;
    return tag("section", { className: "strip", "data-strip": node.name }, tag("h3", {}, titleOf(node), tag("small", { className: "faint", textContent: ` ${shapeText(node.shape)}` })),
      tag("div", { className: "maps" }, ...maps.map((one) => one.button), more));
  }));
}
const titleOf = (node) => node.name === data.prepared ? say("prepared") : node.title;
function paintStrips() {
  for (const node of strips) {
    const numbers = trace.values.get(node.name), { low, high } = numbers.summary();
    for (const { lead, number, canvas, button } of made.get(node.name)) {
      TENSOR.paint(canvas, numbers, lead, state.dark);
      const silent = low === 0 && high === 0;
      const name = node.shape.length <= 2 ? titleOf(node) : say("map", { layer: titleOf(node), number });
      button.setAttribute("aria-label", silent ? `${name}: ${say("dead")}` : name);
      button.setAttribute("aria-pressed", String(node.name === state.node && lead.every((place, axis) => place === state.cell[axis])));
    }
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
  holder.replaceChildren(tag("h2", { textContent: titleOf(node) }), tag("p", { className: "faint", textContent: [say(`kind_${node.kind}`), node.operation, shapeText(node.shape)].filter(Boolean).join(" · ") }));
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
