// The page's behavior: where one stands, what is shown of it, keys, language and colors. Data come from the JSON block.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const trace = {
  nodes: new Map(data.nodes.map((node) => [node.name, node])),
  values: new Map(Object.entries(data.values).map(([name, packed]) => [name, lazily(name, packed)])),
  gradients: new Map(Object.entries(data.gradients).map(([name, packed]) => [name, lazily(name, packed)])),
};
const updates = new Map(data.updates.map((update) => [update.name, {
  ...update, parts: update.parts.map((part) => ({ ...part, numbers: part.array ? lazily(part.name, part.array)
    : trace[part.name === "gradient" ? "gradients" : "values"].get(update.name) })),
}]));
const state = { step: 0, node: null, side: "value", part: 0, cell: [], language: data.language, dark: false, opened: new Set(), all: false };
let drawn = null;
connect(data.nodes);

// A loss of a network is L; an expression's result keeps its own name.
const lossName = trace.nodes.get(data.output).title.length <= 3 ? trace.nodes.get(data.output).title : "L";

// What is known at a step: values up to it, gradients up to it.
const stepOf = { value: new Map(), gradient: new Map(), update: new Map() };
const SIDES = { forward: "value", loss: "value", backward: "gradient", update: "update" };
data.steps.forEach((step, index) => { const map = stepOf[SIDES[step.phase]]; if (!map.has(step.node)) map.set(step.node, index); });
const isKnown = (name, side) => (stepOf[side].get(name) ?? -1) <= state.step;

// ── the graph ─────────────────────────────────────────────────────────────────────────────────────────────────────
function brief(name, side) {
  const numbers = trace[side === "value" ? "values" : "gradients"].get(name);
  if (!numbers) return "";
  if (numbers.size <= 3) return [...numbers.data].map((value) => spell(value, 3)).join("  ");
  const { low, high } = numbers.summary();
  return `${spell(low, 2)} … ${spell(high, 2)}`;
}
function itemLabel(item) {
  if (item.folded) {
    return [`▸ ${item.path}`, shapeText(trace.nodes.get(lastOf(item)).shape)];
  }
  const [node] = item.members;
  return [titleOf(node), shapeText(node.shape)]
    .map((line) => line.length > 34 ? `${line.slice(0, 33)}…` : line);
}
// What leaves an item: the result of its last operation that others read.
function lastOf(item) {
  const own = new Set(item.members.map((node) => node.name));
  const isRead = (node) => node.kind === "operation" && node.users.some((user) => !own.has(user));
  return (item.members.findLast(isRead) ?? item.members.at(-1)).name;
}
function layGraph() {
  const { items, itemOf } = GRAPH.items(data.nodes, state.opened);
  const links = GRAPH.edges(data.nodes, itemOf);
  drawn = { ...GRAPH.layout(items, links, itemLabel, (item) => [brief(lastOf(item), "value"), `∇ ${brief(lastOf(item), "gradient")}`]), links, itemOf };
  GRAPH.draw(element("graph"), drawn, (item) => {
    if (item.folded) { state.opened.add(item.path); layGraph(); show(); } else select(item.members[0].name);
  });
}
function paintGraph() {
  for (const link of drawn.links) {
    link.line.classList.toggle("later", !isKnown(link.source, "value"));
    link.line.classList.toggle("backward", trace.gradients.has(link.source) && isKnown(link.source, "gradient"));
  }
  for (const [item, box] of drawn.boxes) {
    const name = lastOf(item), [value, gradient] = box.notes;
    value.textContent = isKnown(name, "value") ? brief(name, "value") : "";
    gradient.textContent = trace.gradients.has(name) && isKnown(name, "gradient") ? `∇ ${brief(name, "gradient")}` : "";
    box.element.classList.toggle("later", !item.members.some((node) => isKnown(node.name, "value")));
    box.element.classList.toggle("chosen", item.members.some((node) => node.name === state.node));
    box.element.classList.toggle("backward", item.members.some((node) => node.name === state.node) && state.side !== "value");
  }
  const box = drawn.boxes.get(drawn.itemOf.get(state.node)), pane = element("pane");
  const left = box.x - pane.clientWidth / 2, top = box.y - pane.clientHeight / 2;
  pane.scrollTo({ left, top, behavior: "auto" });
}

// ── one node ──────────────────────────────────────────────────────────────────────────────────────────────────────
function shownNumbers() {
  if (state.side === "update") return updates.get(state.node).parts[state.part].numbers;
  return trace[state.side === "value" ? "values" : "gradients"].get(state.node);
}
const startOf = (numbers) => numbers.shape.map(() => 0);

function showNode() {
  const node = trace.nodes.get(state.node), holder = element("node");
  const where = [say(`kind_${node.kind}`), node.operation, node.place, shapeText(node.shape)].filter(Boolean).join(" · ");
  const sides = ["value", "gradient", "update"].filter((side) => side === "value"
    || (side === "gradient" ? trace.gradients.has(node.name) : updates.has(node.name)));
  const tabs = tag("div", { className: "tabs", role: "tablist" }, ...sides.map((side) => tag("button", {
    type: "button", role: "tab", "aria-selected": String(side === state.side), textContent: say(side), onclick: () => select(node.name, side) })));
  holder.replaceChildren(tag("h2", { textContent: titleOf(node) }), tag("p", { className: "faint", textContent: where }), tabs);
  if (state.side === "value" && node.formula) holder.append(formula(data.formulas[node.formula - 1]));
  if (state.side === "gradient") {
    for (const user of new Set(node.users)) {
      const other = trace.nodes.get(user);
      if (!trace.gradients.has(user) || !other.gradient_formula) continue;
      holder.append(tag("p", { className: "faint" }, `${say("through")} `, link(user, "gradient")), formula(data.formulas[other.gradient_formula - 1]));
    }
  }
  if (state.side === "update") {
    const update = updates.get(node.name);
    holder.append(tag("div", { className: "tabs parts" }, ...update.parts.map((part, index) => tag("button", {
      type: "button", "aria-selected": String(index === state.part), onclick: () => { state.part = index; state.cell = fitting(); show(); } }, mathOf(part.symbol)))));
    const { formula: number } = update.parts[state.part];
    if (number) holder.append(formula(data.formulas[number - 1]));
    holder.append(tag("p", { className: "faint", textContent: Object.entries(update.settings).map(([name, value]) => `${name} = ${spell(value)}`).join(",  ") }));
  }
  if (state.side === "value" && node.operation) holder.append(legend(node));
  const numbers = shownNumbers(), { low, high, mean } = numbers.summary();
  if (numbers.size > 1) holder.append(tag("p", { className: "faint", id: "summary",
    textContent: say("summary", { low: spell(low), mean: spell(mean), high: spell(high), count: numbers.size.toLocaleString(state.language) }) }));
  if (state.side === "value" && data.differences[node.name] !== undefined) holder.append(tag("p", { className: "faint",
    textContent: say("difference", { value: spell(data.differences[node.name], 2) }) }));
}
// ── its numbers, and one cell ─────────────────────────────────────────────────────────────────────────────────────
function showCell() {
  const node = trace.nodes.get(state.node), numbers = shownNumbers(), at = state.cell, value = numbers.at(at), holder = element("cell");

  holder.dataset.node = state.node; holder.dataset.side = state.side; holder.dataset.cell = at.join(","); holder.dataset.value = String(value);
  delete holder.dataset.sum; delete holder.dataset.terms; delete holder.dataset.form;
  const head = tag("p", { className: "result" }, `${state.side === "gradient" ? `∂${lossName}/∂ ` : ""}${titleOf(node)}${at.length ? `[${at.join(", ")}]` : ""} = `, tag("b", { textContent: spell(value, 7) }));
  holder.replaceChildren(...(numbers.data ? [head] : []));
  if (!numbers.data) return;
  if (state.side === "update") return showUpdateCell(holder, at);
  if (state.side === "value" && node.kind !== "operation") return holder.append(tag("p", { className: "faint", textContent: say("given") }));
  if (state.side === "gradient" && node.name === data.output) return holder.append(tag("p", { className: "faint", textContent: say("seed") }));
  if (state.side === "value") {
    const found = SUMS.forward(trace, node, at);
    if (!found) return holder.append(tag("p", { className: "faint", textContent: say("no_terms") }));
    holder.dataset.form = found.form; holder.dataset.terms = found.terms.length; holder.dataset.sum = String(found.value);
    return holder.append(...explained(found));
  }
  const groups = SUMS.backward(trace, node, at);
  if (!groups) return holder.append(tag("p", { className: "faint", textContent: say("no_terms") }));
  holder.dataset.form = "sum";
  holder.dataset.terms = groups.reduce((all, group) => all + group.terms.length, 0);
  holder.dataset.sum = String(groups.reduce((all, group) => all + group.value, 0));
  for (const group of groups) {
    holder.append(tag("p", { className: "faint" }, `${say("through")} `, link(group.user.name, "gradient"), `: ${spell(group.value)}`));
    if (!group.terms.length) holder.append(tag("p", { textContent: say("reaches_nothing") }));
    else if (group.terms.length <= INLINE) holder.append(tag("p", {}, "= ", inlineSum(group.terms)));
    else holder.append(tag("p", { className: "faint", textContent: say("terms", { count: group.terms.length }) }), termTable(group.terms));
  }
}
function showUpdateCell(holder, at) {
  const body = tag("table", { className: "terms" });
  for (const part of updates.get(state.node).parts) {
    const row = body.insertRow();
    if (part === updates.get(state.node).parts[state.part]) row.className = "chosen";
    row.insertCell().append(mathOf(part.symbol));
    row.insertCell().append(part.formula ? formula(data.formulas[part.formula - 1]) : "");
    row.insertCell().append(`= ${spell(part.numbers.shape.length === at.length ? part.numbers.at(at) : part.numbers.at([]), 7)}`);
  }
  holder.append(body);
}

// ── where one stands ──────────────────────────────────────────────────────────────────────────────────────────────
function fitting(at = null) {
  const numbers = shownNumbers();
  return at && numbers.has(at) ? [...at] : startOf(numbers);
}
// An update ends in the new parameter.
const lastPart = (name, side) => side === "update" ? updates.get(name).parts.length - 1 : 0;
function select(name, side = "value", at = null) {
  if (!trace.nodes.has(name)) return;
  if (side === "gradient" && !trace.gradients.has(name)) side = "value";
  if (side === "update" && !updates.has(name)) side = "value";
  const step = stepOf[side].get(name);
  if (step !== undefined) state.step = step;
  Object.assign(state, { node: name, side, part: lastPart(name, side), all: false });
  state.cell = fitting(at);
  show();
}
function goto(step) {
  state.step = Math.max(0, Math.min(data.steps.length - 1, step));
  const { node, phase } = data.steps[state.step];
  Object.assign(state, { node, side: SIDES[phase], part: lastPart(node, SIDES[phase]), all: false });
  state.cell = fitting(node === state.node ? state.cell : null);
  show();
}
function show() {
  document.documentElement.lang = state.language;
  document.documentElement.dataset.theme = state.dark ? "dark" : "light";
  for (const one of document.querySelectorAll("[data-say]")) one.textContent = say(one.dataset.say);
  for (const one of document.querySelectorAll("[data-label]")) { one.setAttribute("aria-label", say(one.dataset.label)); one.title = say(one.dataset.label); }
  const { phase } = data.steps[state.step];
  element("where").textContent = say("where", { step: state.step + 1, steps: data.steps.length, phase: say(`phase_${phase}`) });
  element("bar").max = data.steps.length - 1;
  element("bar").value = state.step;
  element("language").textContent = state.language === "en" ? "Türkçe" : "English";
  element("loss").textContent = `${lossName} = ${spell(trace.values.get(data.output).at([]), 7)}`;
  paintGraph(); showNode(); showNumbers(shownNumbers()); showCell();
  const parts = { node: state.node, side: state.side, cell: state.cell.join(","), lang: state.language, theme: state.dark ? "dark" : "light" };
  history.replaceState(null, "", `#${new URLSearchParams(parts)}`);
}
function readFragment() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  if (data.words[wanted.get("lang")]) state.language = wanted.get("lang");
  layGraph();
  if (wanted.has("theme")) state.dark = wanted.get("theme") === "dark";
  if (wanted.has("step")) return goto(Number(wanted.get("step")) || 0);
  if (!trace.nodes.has(wanted.get("node"))) return goto(0);
  const at = wanted.get("cell") ? wanted.get("cell").split(",").map(Number) : null;
  select(wanted.get("node"), wanted.get("side") ?? "value", at);
}

element("back").addEventListener("click", () => goto(state.step - 1));
element("on").addEventListener("click", () => goto(state.step + 1));
element("bar").addEventListener("input", (event) => goto(Number(event.target.value)));
element("language").addEventListener("click", () => { state.language = state.language === "en" ? "tr" : "en"; layGraph(); show(); });
element("theme").addEventListener("click", () => { state.dark = !state.dark; show(); });
element("fold").addEventListener("click", () => { state.opened = new Set(); layGraph(); show(); });
document.addEventListener("keydown", (event) => {
  if (event.target.matches?.("input") || event.ctrlKey || event.metaKey || event.altKey) return;
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  if (event.key in steps) goto(state.step + steps[event.key]);
  else if (event.key === "Home") goto(0);
  else if (event.key === "End") goto(data.steps.length - 1);
  else return;
  event.preventDefault();
});
window.addEventListener("hashchange", readFragment);
window.derinTrace = { state, select, goto, cell: () => element("cell").dataset, forward: (name, at) => SUMS.forward(trace, trace.nodes.get(name), at),
  backward: (name, at) => SUMS.backward(trace, trace.nodes.get(name), at), trace, data };

state.dark = matchMedia("(prefers-color-scheme: dark)").matches;
state.opened = GRAPH.opening(data.nodes);
readFragment();
