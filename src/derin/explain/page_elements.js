// What every page of Derin's stands on: elements of the document, and numbers as the language writes them.
"use strict";

function tag(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const key in attributes) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), attributes[key]);
    else if (key in made && key !== "style" && key !== "list") made[key] = attributes[key];
    else made.setAttribute(key, attributes[key]);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

// A message with its values; {count:=row|rows} is the first word where it is 1.
function filled(message, values) {
  return message.replace(/\{(\w+)(?::=([^|}]*)\|([^}]*))?\}/g, (_, name, one, many) => one === undefined ? values[name] : values[name] === 1 ? one : many);
}

function spellNumber(value, digits, language) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-4 || size >= 1e7)
    ? value.toExponential(Math.max(0, digits - 2)).replace(/\.?0+e/, "e").replace(/e\+?(-?\d+)/, (_, power) => `·10${[...power].map((sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]).join("")}`)
    : String(Number(value.toPrecision(digits)));
  return (language === "tr" ? text.replace(".", ",") : text).replace("-", "−");
}
