// The page of mistakes: a list of which only what is seen exists, tags by keyboard, filters and ceilings.
(() => {
  const called = (each) => (/^\d+$/.test(each.name) ? fill(words.row, { number: each.name }) : each.name);
  const ROW = data.row_height; // pixels, as the style sheet has it
  const mistakes = data.mistakes.map((each, place) => ({ ...each, place, own: new Set(each.own), wrong: Boolean(each.wrong) }));
  const total = mistakes.length;
  const texts = mistakes.map((each) =>
    [each.name, each.true, each.predicted, each.shown, ...each.tags.map((tag) => data.tags[tag].name)]
      .join(" ").toLocaleLowerCase(data.language));

  // What a person said, kept by the browser under the name of this run, data and split.
  const STORE = `derin-errors-${data.key}`;
  let ownNames = [...new Set([...data.own_names, ...mistakes.flatMap((each) => [...each.own])])];
  function load() {
    const kept = recall(STORE);
    if (!kept) return;
    ownNames = kept.names;
    const byRow = new Map(mistakes.map((each) => [each.row, each]));
    for (const each of mistakes) { each.own = new Set(); each.wrong = false; }
    for (const [row, own, wrong] of kept.rows) {
      const each = byRow.get(row);
      if (each) { each.own = new Set(own); each.wrong = wrong; }
    }
  }
  const save = () => keep(STORE, {
    names: ownNames,
    rows: mistakes.filter((each) => each.own.size || each.wrong).map((each) => [each.row, [...each.own], each.wrong]),
  });

  const chosenTags = new Set(); // "a3" found by itself, "o:typo" a person's own
  let shown = [];
  let selected = 0;
  const tagName = (id) => (id[0] === "a" ? data.tags[Number(id.slice(1))].name : id.slice(2));
  const carries = (each, id) => (id[0] === "a" ? each.tags.includes(Number(id.slice(1))) : each.own.has(id.slice(2)));

  function ceilings() {
    const counts = new Map();
    for (const each of mistakes) {
      for (const tag of each.tags) counts.set(`a${tag}`, (counts.get(`a${tag}`) ?? 0) + 1);
      for (const tag of each.own) counts.set(`o:${tag}`, (counts.get(`o:${tag}`) ?? 0) + 1);
    }
    for (const tag of ownNames) if (!counts.has(`o:${tag}`)) counts.set(`o:${tag}`, 0);
    const body = element("tags");
    const ranked = [...counts].sort((one, other) => other[1] - one[1]);
    body.replaceChildren(...ranked.map(([id, count]) => {
      const line = make("tr", chosenTags.has(id) ? "chosen" : "");
      const button = make("button", id[0] === "o" ? "own" : "", tagName(id));
      button.type = "button";
      button.title = words.filter_by;
      button.setAttribute("aria-pressed", String(chosenTags.has(id)));
      button.addEventListener("click", () => {
        if (!chosenTags.delete(id)) chosenTags.add(id);
        ceilings();
        choose();
      });
      const name = make("td");
      if (id[0] === "o") {
        const key = ownNames.indexOf(id.slice(2)) + 1;
        if (key && key <= 9) name.append(make("kbd", "", String(key)));
      }
      name.append(button);
      const [low, high] = total ? interval(count, total) : [0, 0];
      const about = make("td", "number", total ? share.format(count / total) : "");
      about.title = `${words.interval}: ${share.format(low)} – ${share.format(high)}`;
      const gain = make("td", "number", fine.format(count / data.num_examples));
      const [least, most] = interval(count, data.num_examples);
      gain.title = `${words.interval}: ${fine.format(least)} – ${fine.format(most)}`;
      const carrying = id[0] === "a" ? data.tags[Number(id.slice(1))].carrying : null;
      line.append(name, make("td", "number", number.format(count)), about, gain,
        make("td", "number", fine.format((total - count) / data.num_examples)),
        make("td", "number", carrying ? share.format(count / carrying) : ""));
      return line;
    }));
    const wrong = mistakes.filter((each) => each.wrong).length;
    element("corrected").textContent = fill(wrong ? words.corrected : words.uncorrected, {
      wrong: number.format(wrong),
      error: fine.format(total / data.num_examples),
      corrected: fine.format((total - wrong) / data.num_examples),
    });
  }

  function choose() {
    const asked = element("search").value.trim().toLocaleLowerCase(data.language);
    const truth = element("true").value, answer = element("predicted").value, state = element("state").value;
    const kept = shown[selected];
    shown = mistakes.filter((each) =>
      (!asked || texts[each.place].includes(asked)) && (!truth || each.true === truth) && (!answer || each.predicted === answer)
      && (state !== "wrong" || each.wrong) && (state !== "new" || !(each.wrong || each.own.size))
      && [...chosenTags].every((id) => carries(each, id)));
    element("count").textContent = fill(words.count, { shown: number.format(shown.length), total: number.format(total) });
    element("spacer").style.height = `${shown.length * ROW}px`;
    for (const node of pool) node.place = -1;
    select(Math.max(0, shown.indexOf(kept)));
  }

  // Only the rows that are seen exist; a node that scrolls out becomes one that scrolls in.
  const list = element("list");
  const pool = [];
  let waiting = false;
  function draw() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; render(); });
  }
  function render() {
    const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 3);
    const last = Math.min(shown.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + 3);
    const needed = new Set();
    for (let place = first; place < last; place++) needed.add(place);
    const free = [];
    for (const node of pool) if (!needed.delete(node.place)) free.push(node);
    for (const place of needed) {
      const node = free.pop() ?? newRow();
      fillRow(node, place);
    }
    for (const node of free) { node.place = -1; node.row.hidden = true; }
    for (const node of pool) if (node.place >= 0) {
      node.row.classList.toggle("selected", node.place === selected);
      node.row.setAttribute("aria-selected", String(node.place === selected));
    }
  }
  function newRow() {
    const row = make("div", "row");
    row.setAttribute("role", "option");
    const node = { row, place: -1, picture: make("img"), said: make("p", "said"), sure: make("span", "sure"), shown: make("p", "shown"),
      name: make("small"), chips: make("p", "chips") };
    node.picture.alt = "";
    const about = make("div", "about");
    about.append(node.said, node.shown, node.name);
    row.append(node.picture, about, node.chips);
    row.addEventListener("click", () => select(node.place));
    element("spacer").append(row);
    pool.push(node);
    return node;
  }
  function fillRow(node, place) {
    const each = shown[place];
    node.place = place;
    node.row.hidden = false;
    node.row.id = `row-${each.row}`;
    node.row.style.transform = `translateY(${place * ROW}px)`;
    node.row.setAttribute("aria-setsize", String(shown.length));
    node.row.setAttribute("aria-posinset", String(place + 1));
    showPicture(node.picture, each);
    node.picture.hidden = !data.has_pictures;
    node.sure.textContent = ` ${each.probability === null ? "" : share.format(each.probability)} · ${words.loss} ${digits.format(each.loss)}`;
    node.said.replaceChildren(make("b", "true", each.true), make("span", "arrow", " → "), make("b", "wrong", each.predicted), node.sure);
    node.shown.textContent = each.shown;
    node.shown.hidden = !each.shown;
    node.name.textContent = called(each);
    node.chips.replaceChildren(...chips(each));
  }
  const chips = (each) => [
    ...(each.wrong ? [make("span", "chip label-wrong", words.label_wrong)] : []),
    ...[...each.own].map((tag) => make("span", "chip own", tag)),
    ...each.tags.filter((tag) => !data.tags[tag].is_pair).map((tag) => make("span", "chip", data.tags[tag].name)),
  ];

  function select(place) {
    selected = Math.min(Math.max(place, 0), Math.max(shown.length - 1, 0));
    const top = selected * ROW;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
    if (shown[selected]) list.setAttribute("aria-activedescendant", `row-${shown[selected].row}`);
    render();
    card();
  }

  // The example that is selected, whole, with a button for each tag.
  function card() {
    const each = shown[selected];
    element("card").hidden = !each;
    if (!each) return;
    showPicture(element("picture"), each);
    element("whole").textContent = each.shown;
    element("facts").textContent = `${each.true} → ${each.predicted} · ${called(each)}`;
    const buttons = ownNames.map((tag, place) => {
      const button = make("button", "chip own", tag);
      button.type = "button";
      if (place < 9) button.prepend(make("kbd", "", String(place + 1)));
      button.setAttribute("aria-pressed", String(each.own.has(tag)));
      button.addEventListener("click", () => toggle(tag));
      return button;
    });
    const wrong = make("button", "chip label-wrong", words.label_wrong);
    wrong.type = "button";
    wrong.prepend(make("kbd", "", "w"));
    wrong.setAttribute("aria-pressed", String(each.wrong));
    wrong.addEventListener("click", () => toggle(null));
    element("own").replaceChildren(wrong, ...buttons);
  }
  function toggle(tag) {
    const each = shown[selected];
    if (!each) return;
    if (tag === null) each.wrong = !each.wrong;
    else if (!each.own.delete(tag)) each.own.add(tag);
    save();
    ceilings();
    const node = pool.find((one) => one.place === selected);
    if (node) fillRow(node, selected);
    card();
  }
  function addTag() {
    // Semicolons stand between tags in the file.
    const tag = element("new").value.replace(/[;\s]+/g, " ").trim();
    element("new").value = "";
    list.focus();
    if (!tag) return;
    if (!ownNames.includes(tag)) ownNames.push(tag);
    if (shown[selected] && !shown[selected].own.has(tag)) return toggle(tag);
    save();
    ceilings();
    card();
  }

  element("export").addEventListener("click", () => handOver("tags.csv", data.columns, mistakes.map((each) => [
    each.row, each.name, each.true, each.predicted, each.probability ?? "", each.loss,
    each.tags.map((tag) => data.tags[tag].key).join("; "), [...each.own].join("; "), Number(each.wrong), each.shown])));
  element("clear").addEventListener("click", () => {
    if (!confirm(words.clear_question)) return;
    for (const each of mistakes) { each.own = new Set(); each.wrong = false; }
    ownNames = [];
    save();
    ceilings();
    choose();
  });

  for (const side of ["true", "predicted"]) {
    const names = [...new Set(mistakes.map((each) => each[side]))].sort((one, other) => one.localeCompare(other, data.language, { numeric: true }));
    element(side).append(...names.map((name) => Object.assign(make("option", "", name), { value: name })));
  }
  for (const id of ["true", "predicted", "state"]) element(id).addEventListener("change", choose);
  element("search").addEventListener("input", choose);
  element("add").addEventListener("submit", (event) => { event.preventDefault(); addTag(); });
  list.addEventListener("scroll", draw, { passive: true });
  new ResizeObserver(draw).observe(list);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const field = event.target.closest("input, select, textarea");
    if (field) {
      if (event.key === "Escape") { field.blur(); list.focus(); }
      return;
    }
    const page = Math.max(1, Math.floor(list.clientHeight / ROW) - 1);
    const move = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page, Home: -total, End: total }[event.key];
    if (move) select(selected + move);
    else if (event.key === "w") toggle(null);
    else if (/^[1-9]$/.test(event.key) && ownNames[event.key - 1]) toggle(ownNames[event.key - 1]);
    else if (event.key === "n") element("new").focus();
    else if (event.key === "/") element("search").focus();
    else return;
    event.preventDefault();
  });

  load();
  ceilings();
  choose();
  list.focus();
})();
