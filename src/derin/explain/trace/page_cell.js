// One array and one of its cells in words: what pages of a trace and of a network that runs in the page share. A page gives
// `data`, `trace`, `state` (language, colors, the cell looked at), `select` and `show`.
"use strict";

const MOST_TERMS = 60, INLINE = 8;
const element = (id) => document.getElementById(id);
const say = (key, values = {}) => filled(data.words[state.language][key], values);
const spell = (value, digits = 5) => spellNumber(value, digits, state.language);
// A node by its module and the course's word for its operation; a name that was given stays.
function titleOf(node) {
  const short = (node.operation ?? "").split(".").at(-1).replace(/^_+/, ""), beginning = node.place ? `${node.place} · ` : "";
  return node.title === beginning + short ? beginning + (data.words[state.language][`operation_${short}`] ?? short) : node.title;
}
const label = (name, at) => `${trace.nodes.has(name) ? titleOf(trace.nodes.get(name)) : name}${at.length ? `[${at.join(", ")}]` : ""}`;
const shapeText = (shape) => shape.length ? shape.join("×") : say("scalar");

// Arrays are unpacked when they are first looked at.
function lazily(name, packed) {
  let found = null;
  const numbers = () => found ??= new Numbers(name, packed.shape, unpack(packed), packed.summary);
  return new Proxy({}, { get: (_, key) => { const value = numbers()[key]; return typeof value === "function" ? value.bind(numbers()) : value; } });
}

// Which nodes a node reads, and which read it.
function connect(nodes) {
  for (const node of nodes) { node.users = []; node.sources = []; }
  for (const node of nodes) {
    const read = (argument) => {
      if (Array.isArray(argument)) argument.forEach(read);
      else if (argument && argument.ref !== undefined && !node.sources.includes(argument.ref)) node.sources.push(argument.ref);
    };
    node.arguments.forEach(read);
    node.sources.forEach((source) => trace.nodes.get(source).users.push(node.name));
  }
}

function formula(text) {
  const holder = tag("div", { className: "formula" });
  holder.innerHTML = text; // MathML that was written beside the data, from formulas of the operations' own table
  return holder;
}

// Which array stands for which letter of the formula.
function legend(node) {
  const line = tag("p", { className: "faint legend" });
  node.arguments.forEach((argument, place) => {
    if (!argument || argument.ref === undefined) return;
    if (line.childNodes.length) line.append(",  ");
    line.append(mathOf(data.symbols[node.operation][place]), " = ", link(argument.ref, "value"));
  });
  return line;
}
const mathOf = (text) => tag("span", { innerHTML: text });
function link(name, side, at = null) {
  return tag("button", { type: "button", className: "link", textContent: label(name, at ?? []),
    onclick: () => select(name, side, at) });
}

function showNumbers(numbers) {
  const holder = element("numbers"), bar = element("axes");
  const lead = state.cell.slice(0, -2);
  bar.replaceChildren();
  if (!numbers.data) return holder.replaceChildren(tag("p", { className: "faint", textContent: say("left_out") }));
  bar.replaceChildren(...numbers.shape.slice(0, -2).map((size, axis) => tag("label", {}, `${say("axis")} ${axis} `, tag("input", {
    type: "number", min: 0, max: size - 1, value: state.cell[axis],
    onchange: (event) => { state.cell[axis] = Math.max(0, Math.min(size - 1, Number(event.target.value) || 0)); show(); } }), ` / ${size - 1}`)));
  TENSOR.draw(holder, numbers, { lead, chosen: state.cell, spell, dark: state.dark, cellLabel: (at) => `[${at.join(", ")}]`,
    onCell: (at) => { state.cell = at; state.all = false; show(); } });
}

function factorElement(factor) {
  if (factor.number !== undefined) return tag("span", { className: "number", textContent: factor.number < 0 ? `(${spell(factor.number)})` : spell(factor.number) });
  const value = factor.of.at(factor.at), text = factor.minus === undefined ? spell(value) : `(${spell(value)} − ${spell(factor.minus).replace(/^−(.*)/, "(−$1)")})`;
  const shown = factor.minus === undefined && value < 0 ? `(${text})` : text;
  return tag("button", { type: "button", className: factor.gradient ? "link gradient" : "link", textContent: shown,
    title: `${factor.gradient ? "∇ " : ""}${label(factor.of.name, factor.at)}`, onclick: () => select(factor.of.name, factor.gradient ? "gradient" : "value", [...factor.at]) });
}
function termElement(factors) {
  const parts = [];
  factors.forEach((factor, place) => {
    if (factor.power === -1) parts.push(place ? " ÷ " : "1 ÷ ");
    else if (place) parts.push(" · ");
    parts.push(factorElement(factor));
  });
  return tag("span", { className: "term" }, ...(parts.length ? parts : ["1"]));
}
function inlineSum(terms) {
  const line = tag("span", { className: "sum" });
  terms.forEach((term, place) => { if (place) line.append(" + "); line.append(termElement(term.factors)); });
  return line;
}
function termTable(terms, chosen) {
  const shown = state.all ? terms : terms.slice(0, MOST_TERMS);
  const body = tag("table", { className: "terms" });
  shown.forEach((term, place) => {
    const row = body.insertRow();
    if (place === chosen) row.className = "chosen";
    row.insertCell().append(tag("small", { textContent: String(place + 1) }));
    row.insertCell().append(termElement(term.factors));
    row.insertCell().append(tag("small", { textContent: term.factors.filter((factor) => factor.of).map((factor) => `${factor.gradient ? "∇ " : ""}${label(factor.of.name, factor.at)}`).join(" · ") }));
    row.insertCell().append(`= ${spell(term.value)}`);
  });
  const more = terms.length > shown.length ? tag("button", { type: "button", textContent: say("all_terms", { count: terms.length }),
    onclick: () => { state.all = true; show(); } }) : null;
  return tag("div", {}, body, more);
}
// A cell's formula with its numbers, on one line.
function written(found) {
  const listed = (wrap, sign) => found.terms.flatMap((term, place) => [...(place ? [sign] : []), ...wrap(termElement(term.factors))]);
  const plainly = (term) => [term], exponential = (term) => ["exp ", term];
  const own = () => termElement(found.terms[found.chosen].factors);
  if (found.form === "sum") return tag("p", {}, "= ", ...listed(plainly, " + "));
  if (found.form === "copy") return tag("p", {}, `${say("copied")}: `, ...listed(plainly, ", "));
  if (found.form === "softmax") return tag("p", {}, "= exp ", own(), " ÷ (", ...listed(exponential, " + "), ")");
  if (found.form === "log_softmax") return tag("p", {}, "= ", own(), " − log(", ...listed(exponential, " + "), ")");
  if (found.form === "pow") return tag("p", {}, "= ", ...listed(plainly, " ^ "));
  return tag("p", {}, `= ${found.form}(`, ...listed(plainly, ", "), ")");
}
// All terms of a cell, on one line where they are few.
function explained(found) {
  const outside = found.outside ? [tag("p", { className: "faint", textContent: say("outside", { count: found.outside }) })] : [];
  if (found.terms.length <= INLINE) return [written(found), ...outside];
  const head = `${found.form === "sum" ? "" : `${found.form}, `}${say("terms", { count: found.terms.length })}`;
  return [tag("p", { className: "faint", textContent: head }), termTable(found.terms, found.chosen), ...outside];
}
