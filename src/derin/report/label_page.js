// The page of examples without labels: one at a time, an answer by a key or a button, and several readers.
(() => {
  const STORE = `derin-label-${data.key}`;
  const UNKNOWN = -1;
  const examples = data.examples;
  const kept = recall(STORE);
  const readers = new Map(Object.entries(kept?.readers ?? {})); // name → row → class
  let reader = kept?.reader ?? "";
  let place = 0;
  const answers = () => readers.get(reader) ?? {};
  const answered = () => examples.filter((each) => each.row in answers()).length;
  const save = () => keep(STORE, { reader, readers: Object.fromEntries(readers) });
  const chosen = () => answers()[examples[place].row];
  const firstOpen = (from) => {
    const order = [...examples.keys()];
    return [...order.slice(from), ...order.slice(0, from)].find((i) => !(examples[i].row in answers()));
  };

  const buttons = data.classes.map(({ name, key }, number) => {
    const button = make("button", "answer", name);
    button.type = "button";
    if (key && key !== name.toLowerCase()) button.prepend(make("kbd", "", key));
    button.addEventListener("click", () => answer(number));
    return button;
  });
  element("answers").append(...buttons);
  const hasKeys = data.classes.every(({ key }) => key);
  element("search").hidden = hasKeys;
  element("unknown").hidden = data.unknown === null;
  const visible = () => buttons.map((button, number) => number).filter((number) => !buttons[number].hidden);

  function tell(message) {
    element("message").textContent = message;
    element("message").hidden = !message;
  }
  function render() {
    const each = examples[place];
    showPicture(element("picture"), each);
    element("shown").replaceChildren(...each.shown.map(([name, value]) => {
      const line = make("p");
      if (name) line.append(make("b", "", name), " ");
      line.append(value);
      return line;
    }));
    element("place").textContent = fill(words.place, { place: number.format(place + 1), total: number.format(examples.length) });
    const given = chosen();
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(given === i)));
    element("unknown").setAttribute("aria-pressed", String(given === UNKNOWN));
    element("back").disabled = place === 0;
    element("later").disabled = place === examples.length - 1;
    const num = answered();
    element("count").textContent = fill(words.count, { answered: number.format(num), total: number.format(examples.length) });
    element("progress").max = examples.length;
    element("progress").value = num;
    element("readers").replaceChildren(...[...readers.keys()].map((name) => Object.assign(make("option"), { value: name })));
    element("example").classList.toggle("answered", given !== undefined);
  }
  function answer(which) {
    if (!reader) {
      tell(words.named_first);
      element("reader").focus();
      return;
    }
    if (which === UNKNOWN && data.unknown === null) return;
    if (!readers.has(reader)) readers.set(reader, {});
    answers()[examples[place].row] = which;
    save();
    filter("");
    const next = firstOpen(place);
    if (next !== undefined) place = next;
    tell(next === undefined ? words.done : "");
    render();
  }
  function move(by) {
    place = Math.min(Math.max(place + by, 0), examples.length - 1);
    render();
  }
  function filter(text) {
    if (element("search").value !== text) element("search").value = text;
    const asked = text.trim().toLocaleLowerCase(data.language);
    buttons.forEach((button, i) => { button.hidden = !data.classes[i].name.toLocaleLowerCase(data.language).includes(asked); });
  }
  function named() {
    reader = element("reader").value.replace(/\s+/g, " ").trim();
    element("reader").value = reader;
    save();
    place = firstOpen(0) ?? 0;
    tell(reader && answered() === examples.length ? words.done : "");
    render();
  }

  element("reader").value = reader;
  element("reader").addEventListener("change", named);
  element("search").addEventListener("input", () => filter(element("search").value));
  element("back").addEventListener("click", () => move(-1));
  element("later").addEventListener("click", () => move(1));
  element("unknown").addEventListener("click", () => answer(UNKNOWN));
  element("export").addEventListener("click", () => handOver("answers.csv", data.columns, [...readers].flatMap(([name, given]) =>
    examples.filter((each) => each.row in given).map((each) =>
      [data.key, each.row, name, given[each.row] === UNKNOWN ? data.unknown : data.classes[given[each.row]].name]))));
  element("clear").addEventListener("click", () => {
    if (!confirm(words.clear_question)) return;
    readers.delete(reader);
    save();
    named();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target === element("reader")) {
      if (event.key === "Enter") element("reader").blur();
      return;
    }
    const isTyping = event.target === element("search") && element("search").value !== "";
    const byKey = data.classes.findIndex(({ key }) => key && key === event.key.toLocaleLowerCase(data.language));
    if (byKey >= 0) answer(byKey);
    else if (event.key === "Enter" && isTyping && visible().length) answer(visible()[0]);
    else if (event.key === "Escape") filter("");
    else if (isTyping) return;
    else if (event.key === data.unknown) answer(UNKNOWN);
    else if (event.key === "ArrowLeft" || event.key === "Backspace") move(-1);
    else if (event.key === "ArrowRight") move(1);
    else if (!hasKeys && event.key.length === 1 && event.target !== element("search")) {
      element("search").focus();
      return; // the letter goes there
    } else return;
    event.preventDefault();
  });

  named();
  if (!reader) element("reader").focus();
})();
