// The page's behavior: language, colors, search, progress, questions, exercises, copying, and a lesson's sheet and figures.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const root = document.documentElement;
const element = (id) => document.getElementById(id);
const all = (selector) => [...document.querySelectorAll(selector)];
const page = { language: data.language, dark: matchMedia("(prefers-color-scheme: dark)").matches, redraw: [] };
const say = (key, values = {}) => filled(data.words[page.language][key], values);
const spell = (value, digits = 4) => spellNumber(value, digits, page.language);

// What the browser keeps; a page from disk may be refused it, and then forgets.
const kept = {
  read(key) { try { return localStorage.getItem(`derin-course-${key}`); } catch { return null; } },
  write(key, value) { try { localStorage.setItem(`derin-course-${key}`, value); } catch { /* the page works without */ } },
};

// ── language and colors ───────────────────────────────────────────────────────────────────────────────────────────
function speak() {
  root.lang = page.language;
  root.dataset.theme = page.dark ? "dark" : "light";
  document.title = data.titles[page.language];
  for (const one of all("[data-label]")) { one.setAttribute("aria-label", say(one.dataset.label)); one.title = say(one.dataset.label); }
  for (const one of all("[data-hint]")) one.placeholder = say(one.dataset.hint);
  element("language").textContent = page.language === "en" ? "Türkçe" : "English";
  element("language").lang = page.language === "en" ? "tr" : "en";
  for (const link of all("a[data-page]")) link.href = `${link.dataset.page}#lang=${page.language}&theme=${root.dataset.theme}`;
  for (const draw of page.redraw) draw();
}
// The block that stands at the top stays there while every text around it changes its length.
function change(what) {
  const first = all("main h1, main h2, main h3, main p, main li, main .given, main .line, main figure").find((one) => one.getBoundingClientRect().top >= 0 && one.offsetParent);
  const before = first?.getBoundingClientRect().top;
  what();
  speak();
  if (!first) return;
  // A paragraph in one language gives its place to its neighbor in the other.
  const now = first.offsetParent ? first : first.parentElement;
  window.scrollBy({ top: now.getBoundingClientRect().top - before, behavior: "instant" });
}
element("language").addEventListener("click", () => change(() => {
  page.language = page.language === "en" ? "tr" : "en";
  kept.write("language", page.language);
}));
element("theme").addEventListener("click", () => change(() => {
  page.dark = !page.dark;
  kept.write("theme", page.dark ? "dark" : "light");
}));
element("large").addEventListener("click", () => change(() => root.classList.toggle("projector")));

// ── search ────────────────────────────────────────────────────────────────────────────────────────────────────────
const plain = (text) => text.toLocaleLowerCase(page.language).normalize("NFD").replace(/[\u0300-\u036f]/g, "").replaceAll("ı", "i");
element("search").addEventListener("input", () => {
  const words = plain(element("search").value).split(/\s+/).filter(Boolean), list = element("found");
  const within = (text) => words.every((word) => plain(text).includes(word));
  const matches = data.search.filter((one) => words.length && within(`${one[page.language].title} ${one[page.language].text}`));
  // What has the very name stands first, then what has the words in its title.
  const rank = (one) => { const { title } = one[page.language]; return 2 * (plain(title) === words.join(" ")) + within(title); };
  const found = matches.toSorted((a, b) => rank(b) - rank(a));
  list.replaceChildren(...found.slice(0, 8).map((one) => tag("li", {}, tag("a", { href: one.page + (one.anchor ? `#${one.anchor}` : `#lang=${page.language}`), textContent: one[page.language].title }))));
  if (words.length && !found.length) list.append(tag("li", { textContent: say("nothing_found") }));
  list.hidden = !words.length;
});
element("search").addEventListener("keydown", (event) => {
  if (event.key === "Escape") { element("search").value = ""; element("found").hidden = true; }
  if (event.key === "Enter") element("found").querySelector("a")?.click();
});

// ── progress ──────────────────────────────────────────────────────────────────────────────────────────────────────
const done = () => new Set((kept.read("done") ?? "").split(" ").filter(Boolean));
function finish(name) {
  kept.write("done", [...done().add(name)].join(" "));
  showProgress();
}
function showProgress() {
  for (const one of all("[data-lesson]")) one.classList.toggle("done", done().has(one.dataset.lesson));
  const bar = element("progress");
  if (!bar) return;
  bar.max = all("[data-lesson]").length;
  bar.value = all("[data-lesson].done").length;
  element("progress_text").textContent = say("progress", { done: bar.value, all: bar.max });
}
page.redraw.push(showProgress);

// ── the question before, the exercise after ───────────────────────────────────────────────────────────────────────
function answerQuestion(button) {
  const right = Number(button.dataset.choice) === data.lesson.question;
  for (const one of all("#question button[data-choice]")) {
    one.setAttribute("aria-pressed", String(one === button));
    one.classList.toggle("right", Number(one.dataset.choice) === data.lesson.question);
    one.classList.toggle("wrong", one === button && !right);
  }
  reveal();
  element("verdict").textContent = say(right ? "foreseen" : "surprised");
  page.redraw.push(() => { element("verdict").textContent = say(right ? "foreseen" : "surprised"); });
}
function reveal() {
  element("why").hidden = false;
  element("reveal").hidden = true;
  document.body.classList.add("answered");
  for (const draw of page.redraw) draw();
}
function checkExercise() {
  const { answer, tolerance } = data.lesson.exercise, typed = element("answer").value.trim().replace(",", ".").replace("−", "-");
  const right = typed !== "" && Math.abs(Number(typed) - answer) <= tolerance;
  element("exercise").dataset.result = right ? "right" : "wrong";
  element("result").textContent = say(typed === "" || Number.isNaN(Number(typed)) ? "no_number" : right ? "right" : "wrong");
  if (right) { finish(data.lesson.name); element("way").hidden = false; }
}
function nextHint() {
  const hint = all("#exercise .hint").find((one) => one.hidden);
  if (hint) hint.hidden = false;
  else element("way").hidden = false;
  if (!element("way").hidden) element("hint").hidden = true;
}

// ── copying ───────────────────────────────────────────────────────────────────────────────────────────────────────
async function copy(button) {
  const code = button.parentElement.querySelector("code"), text = code.textContent;
  try { await navigator.clipboard.writeText(text); } catch {
    // Pages from disk have no clipboard of that kind everywhere.
    getSelection().selectAllChildren(code);
    document.execCommand("copy");
  }
  button.textContent = say("copied");
  setTimeout(() => { button.textContent = say("copy"); }, 1500);
}
for (const button of all("button.copy")) {
  button.addEventListener("click", () => copy(button));
  page.redraw.push(() => { button.textContent = say("copy"); });
}

// ── a lesson's numbers and figures ────────────────────────────────────────────────────────────────────────────────
function openLesson() {
  const { lesson } = data;
  page.lesson = lesson;
  for (const button of all("#question button[data-choice]")) button.addEventListener("click", () => answerQuestion(button));
  element("reveal").addEventListener("click", reveal);
  element("check").addEventListener("click", checkExercise);
  element("answer").addEventListener("keydown", (event) => { if (event.key === "Enter") checkExercise(); });
  element("hint").addEventListener("click", nextHint);
  if (done().has(lesson.name)) reveal();
  page.sheet = null;
  if (!lesson.sheet) return;
  const sheet = page.sheet = new Sheet(lesson.sheet), spoken = (text) => text[page.language], tools = { say, spell, spoken };
  lesson.figures.forEach(({ options, kind }, number) => {
    const holder = all(".figure")[number];
    const draw = FIGURES[kind](holder, sheet, options, { ...tools, label: `figure${number}` });
    sheet.watchers.push(() => { if (holder.offsetParent) draw(); });
    page.redraw.push(() => { if (holder.offsetParent) draw(); });
    for (const name of ["focusin", "focusout"]) holder.addEventListener(name, draw);
  });
  page.redraw.push(sheet.draw(element("givens"), element("lines"), tools));
  const steps = () => { if (element("steps")) element("steps").textContent = say("steps", { count: sheet.steps }); };
  sheet.watchers.push(steps);
  page.redraw.push(steps);
  let running = null;
  const stop = () => { clearInterval(running); running = null; if (element("run")) element("run").textContent = say("run"); };
  const bind = (id, what) => element(id)?.addEventListener("click", what);
  bind("back", () => { stop(); sheet.back(); });
  bind("step", () => { stop(); sheet.forward(); });
  bind("run", () => {
    if (running) return stop();
    running = setInterval(() => sheet.forward(), 120);
    element("run").textContent = say("pause");
  });
  bind("reset", () => { stop(); sheet.choose(sheet.set); });
  for (const name of ["set", "start"]) {
    page.redraw.push(() => element(name)?.replaceChildren(...lesson.sheet[`${name}s`].map(({ title }, place) =>
      tag("option", { value: place, selected: place === sheet[name], textContent: spoken(title) }))));
    element(name)?.addEventListener("change", (event) => { stop(); sheet[name] = Number(event.target.value); sheet.choose(sheet.set); });
  }
  window.addEventListener("resize", () => { for (const draw of page.redraw) draw(); });
  page.redraw.push(() => { if (element("run") && !running) element("run").textContent = say("run"); });
}

// ── on paper ──────────────────────────────────────────────────────────────────────────────────────────────────────
// Paper is light, and shows what a page opens only after the question.
function wear(dark) {
  page.dark = dark;
  root.dataset.theme = dark ? "dark" : "light";
  for (const draw of page.redraw) draw();
}
let worn = null;
window.addEventListener("beforeprint", () => {
  worn = page.dark;
  if (data.lesson) reveal();
  wear(false);
});
window.addEventListener("afterprint", () => wear(worn));

// ── the beginning ─────────────────────────────────────────────────────────────────────────────────────────────────
function open() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const language = wanted.get("lang") ?? kept.read("language"), theme = wanted.get("theme") ?? kept.read("theme");
  if (data.words[language]) page.language = language;
  if (theme) page.dark = theme === "dark";
  if (wanted.has("open")) document.body.classList.add("answered");
  root.lang = page.language;
  root.dataset.theme = page.dark ? "dark" : "light";
  if (data.lesson) openLesson();
  if (wanted.has("open") && element("reveal")) reveal();
  if (window.openPage) window.openPage();
  speak();
}
window.derinCourse = page;
open();
