// What pages share on which a person says something of examples: words, numbers, what the browser keeps, and the file
// that is handed over. Data come from the JSON block; nothing is loaded from anywhere.
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const words = data.words;
const element = (id) => document.getElementById(id);
const number = new Intl.NumberFormat(data.language);
const percent = (digits) => new Intl.NumberFormat(data.language,
  { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits });
const share = percent(1), fine = percent(2);
const digits = new Intl.NumberFormat(data.language, { maximumSignificantDigits: 3 });
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
const make = (name, className, text) => {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};
const showPicture = (image, each) => {
  image.hidden = !each.picture;
  if (each.picture) image.src = each.picture; else image.removeAttribute("src");
  image.classList.toggle("crisp", Boolean(each.crisp));
};

// The browser keeps what a person said under the name of these data; where it keeps nothing, the page says so.
function recall(store) {
  try {
    return JSON.parse(localStorage.getItem(store) ?? "null");
  } catch {
    element("storage").hidden = false;
    return null;
  }
}
function keep(store, value) {
  try {
    localStorage.setItem(store, JSON.stringify(value));
  } catch {
    element("storage").hidden = false;
  }
}

// Wilson's interval of a share, 95 %.
function interval(count, all) {
  const z = 1.959963984540054, p = count / all, zz = z * z / all;
  const middle = (p + zz / 2) / (1 + zz), half = z * Math.sqrt(p * (1 - p) / all + zz / (4 * all)) / (1 + zz);
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

function handOver(name, columns, lines) {
  // A spreadsheet would run what begins as a formula does; numbers are none.
  const safe = (value) => typeof value === "string" && /^(\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])/.test(value) && !/^[-+]?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(value) ? `'${value}` : String(value);
  const cell = (value) => /[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
  const text = [columns, ...lines].map((line) => line.map((value) => cell(safe(value))).join(",")).join("\n") + "\n";
  const link = make("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
