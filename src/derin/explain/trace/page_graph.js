// The graph: modules that are folded up, a layout in layers from top to bottom, and its drawing.
"use strict";

const GRAPH = (() => {
  const MOST_OPEN = 70; // nodes that are drawn one by one when the page opens
  const GAP_X = 26, GAP_Y = 58, HEIGHT = 40, LETTER = 7.1, NOTE = 6, MARGIN = 18;
  const SVG = "http://www.w3.org/2000/svg";

  // Runs of operations of one folded module become one item. Runs are consecutive, so that no cycle comes about.
  function items(nodes, opened) {
    const folded = (place) => {
      const parts = place ? place.split(".") : [];
      for (let depth = 1; depth <= parts.length; depth++) {
        const path = parts.slice(0, depth).join(".");
        if (!opened.has(path)) return path;
      }
      return null;
    };
    const found = [], itemOf = new Map(), byName = new Map(nodes.map((node) => [node.name, node]));
    // What is given, and copies of it that stand outside of all modules.
    const isGiven = (node) => node.kind !== "operation" || (!node.place && node.sources.length > 0
      && node.sources.every((source) => ["parameter", "buffer", "constant"].includes(byName.get(source).kind)));
    let run = null;
    for (const node of nodes) {
      if (isGiven(node)) continue;
      const path = folded(node.place);
      if (path === null || !run || run.path !== path) {
        run = { id: node.name, path, members: [] };
        found.push(run);
      }
      run.members.push(node);
      itemOf.set(node.name, run);
    }
    // What is given lies within the item that reads it first; whoever else reads it comes later.
    for (const node of [...nodes].reverse()) {
      if (!isGiven(node)) continue;
      const first = itemOf.get(node.users[0]);
      if (first && first.path !== null && node.kind !== "input" && node.kind !== "target") {
        first.members.unshift(node);
        itemOf.set(node.name, first);
      } else {
        const alone = { id: node.name, path: null, members: [node] };
        found.push(alone);
        itemOf.set(node.name, alone);
      }
    }
    for (const item of found) item.folded = item.members.length > 1;
    return { items: found, itemOf };
  }

  // Modules to open at first: level by level, while few enough items are drawn.
  function opening(nodes) {
    const paths = new Set();
    for (const node of nodes) {
      const parts = node.place ? node.place.split(".") : [];
      parts.forEach((_, depth) => paths.add(parts.slice(0, depth + 1).join(".")));
    }
    const depth = (path) => path.split(".").length;
    let opened = new Set();
    for (let level = 1; level <= Math.max(0, ...[...paths].map(depth)); level++) {
      const wider = new Set([...paths].filter((path) => depth(path) <= level));
      if (items(nodes, wider).items.length > MOST_OPEN) break;
      opened = wider;
    }
    return opened;
  }

  function edges(nodes, itemOf) {
    const found = new Map();
    for (const node of nodes) for (const source of node.sources) {
      const from = itemOf.get(source), to = itemOf.get(node.name);
      if (from === to) continue;
      const key = `${from.id}→${to.id}→${source}`;
      if (!found.has(key)) found.set(key, { from, to, source, user: node.name });
    }
    return [...found.values()];
  }

  // `labelOf` gives the lines in a box, `noteOf` what stands below it, at the start of its edges.
  function layout(list, links, labelOf, noteOf) {
    const before = new Map(list.map((item) => [item, []])), after = new Map(list.map((item) => [item, []]));
    for (const link of links) { before.get(link.to).push(link.from); after.get(link.from).push(link.to); }
    const level = new Map(), visit = (item) => {
      if (!level.has(item)) {
        level.set(item, 0);
        level.set(item, Math.max(0, ...before.get(item).map((one) => visit(one) + 1)));
      }
      return level.get(item);
    };
    list.forEach(visit);
    // What does not come from an input (weights, and what is made of them alone) stands right above its first user.
    const fed = new Map(), isFed = (item) => {
      if (!fed.has(item)) fed.set(item, item.members.some((node) => node.kind === "input") || before.get(item).some(isFed));
      return fed.get(item);
    };
    const late = list.filter((item) => after.get(item).length && (!isFed(item) || !before.get(item).length));
    for (const item of late.sort((a, b) => level.get(b) - level.get(a))) {
      level.set(item, Math.max(0, Math.min(...after.get(item).map((one) => level.get(one))) - 1));
    }
    const layers = Array.from({ length: Math.max(...level.values()) + 1 }, () => []);
    const boxes = new Map();
    for (const item of list) {
      const lines = labelOf(item);
      const inside = Math.max(56, Math.max(...lines.map((line) => line.length)) * LETTER + 18);
      const width = after.get(item).length ? Math.max(inside, Math.max(...noteOf(item).map((line) => line.length)) * NOTE) : inside;
      const box = { item, lines, inside, width, level: level.get(item), up: [], down: [] };
      boxes.set(item, box);
      layers[box.level].push(box);
    }
    // A long edge gets a place in every layer that it crosses.
    for (const link of links) {
      let last = boxes.get(link.from);
      const end = boxes.get(link.to);
      link.path = [last];
      for (let at = last.level + 1; at <= end.level; at++) {
        const next = at === end.level ? end : { width: 8, level: at, up: [], down: [] };
        if (next !== end) layers[at].push(next);
        last.down.push(next);
        next.up.push(last);
        link.path.push(next);
        last = next;
      }
    }
    order(layers);
    const width = place(layers);
    return { boxes, width, height: layers.length * (HEIGHT + GAP_Y) - GAP_Y + 2 * MARGIN };
  }

  const mean = (values, fallback) => values.length ? values.reduce((a, b) => a + b, 0) / values.length : fallback;

  function order(layers) {
    const number = () => layers.forEach((layer) => layer.forEach((box, place) => { box.rank = place; }));
    number();
    for (let sweep = 0; sweep < 6; sweep++) {
      const side = sweep % 2 ? "down" : "up";
      for (const layer of side === "up" ? layers : [...layers].reverse()) {
        for (const box of layer) box.wish = mean(box[side].map((one) => one.rank), box.rank);
        layer.sort((a, b) => a.wish - b.wish);
        layer.forEach((box, rank) => { box.rank = rank; });
      }
    }
  }

  function place(layers) {
    for (const layer of layers) {
      let x = 0;
      for (const box of layer) { box.x = x + box.width / 2; x += box.width + GAP_X; }
      for (const box of layer) box.x -= x / 2;
    }
    for (let sweep = 0; sweep < 12; sweep++) {
      const side = sweep % 2 ? "down" : "up";
      for (const layer of side === "up" ? layers : [...layers].reverse()) {
        for (const box of layer) box.wish = mean(box[side].map((one) => one.x), box.x);
        let edge = -Infinity;
        for (const box of layer) {
          box.x = Math.max(box.wish, edge + box.width / 2);
          edge = box.x + box.width / 2 + GAP_X;
        }
        const shift = mean(layer.map((box) => box.wish - box.x), 0);
        for (const box of layer) box.x += shift;
      }
    }
    const all = layers.flat();
    const left = Math.min(...all.map((box) => box.x - box.width / 2));
    layers.forEach((layer, level) => layer.forEach((box) => {
      box.x += MARGIN - left;
      box.y = MARGIN + level * (HEIGHT + GAP_Y);
    }));
    return Math.max(...all.map((box) => box.x + box.width / 2)) + MARGIN;
  }

  function make(name, attributes, text) {
    const element = document.createElementNS(SVG, name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    if (text !== undefined) element.textContent = text;
    return element;
  }

  function curve(path) {
    let words = `M ${path[0].x} ${path[0].y + HEIGHT}`;
    for (let at = 1; at < path.length; at++) {
      const from = path[at - 1], to = path[at], start = from.y + HEIGHT, half = (start + to.y) / 2;
      words += ` C ${from.x} ${half} ${to.x} ${half} ${to.x} ${to.y}`;
      if (at < path.length - 1) words += ` L ${to.x} ${to.y + HEIGHT}`;
    }
    return words;
  }

  function draw(svg, drawn, onItem) {
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${drawn.width} ${drawn.height}`);
    svg.setAttribute("width", drawn.width);
    svg.setAttribute("height", drawn.height);
    const defs = make("defs", {}), arrow = make("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" });
    arrow.append(make("path", { d: "M 0 0 L 8 4 L 0 8 z" }));
    defs.append(arrow);
    svg.append(defs);
    for (const link of drawn.links) {
      link.line = make("path", { class: "edge", d: curve(link.path), "marker-end": "url(#arrow)" });
      svg.append(link.line);
    }
    // Value and gradient stand where the edges leave their box.
    for (const box of drawn.boxes.values()) {
      box.notes = ["value", "gradient"].map((kind, place) => make("text", { class: kind, x: box.x, y: box.y + HEIGHT + 16 + 13 * place }));
      svg.append(...box.notes);
    }
    for (const box of drawn.boxes.values()) {
      const group = make("g", { class: `box ${box.item.folded ? "folded" : box.item.members[0].kind}`, tabindex: 0, role: "button",
        transform: `translate(${box.x - box.inside / 2} ${box.y})`, "data-item": box.item.id });
      group.append(make("rect", { width: box.inside, height: HEIGHT, rx: box.item.folded || box.item.members[0].kind === "operation" ? 7 : 19 }));
      box.lines.forEach((line, place) => group.append(make("text", {
        class: place ? "small" : "name", x: box.inside / 2, y: box.lines.length > 1 ? 17 + 15 * place : 25 }, line)));
      group.addEventListener("click", () => onItem(box.item));
      group.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); onItem(box.item); } });
      box.element = group;
      svg.append(group);
    }
  }

  return { items, opening, edges, layout, draw };
})();
