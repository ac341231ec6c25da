// Figures that one moves. Each is made once in its holder and gives a function that draws it anew.
"use strict";

const DRAW = (() => {
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const channels = (name) => [1, 3, 5].map((at) => parseInt(color(name).slice(at, at + 2), 16));

  // A canvas as sharp as the screen; sizes and places are those of the style.
  function canvas(holder, height, label) {
    const made = tag("canvas", { className: "drawing", role: "img", "aria-labelledby": label });
    made.style.aspectRatio = `1 / ${height}`;
    holder.append(made);
    return {
      element: made,
      begin() {
        const width = made.clientWidth || 320, scale = window.devicePixelRatio || 1;
        made.width = Math.round(width * scale);
        made.height = Math.round(width * height * scale);
        const pen = made.getContext("2d");
        pen.scale(scale, scale);
        return { pen, width, height: width * height };
      },
    };
  }
  // A map of numbers in −1 … 1 under a drawing; `at` gives one for a column and a row, from the top.
  function ground(pen, width, height, columns, rows, at) {
    const image = new ImageData(columns, rows), small = new OffscreenCanvas(columns, rows);
    const cold = channels("zero"), warm = channels("one"), paper = channels("paper");
    for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) {
      const share = Math.max(-1, Math.min(1, at(column, row) || 0)), end = share < 0 ? cold : warm, weight = Math.abs(share) * 0.62;
      image.data.set([...paper.map((part, k) => part + (end[k] - part) * weight), 255], 4 * (row * columns + column));
    }
    small.getContext("2d").putImageData(image, 0, 0);
    pen.imageSmoothingEnabled = true;
    pen.drawImage(small, 0, 0, width, height);
  }
  // Where `at` crosses a level, as pieces of lines on a grid of columns × rows over the drawing.
  function contour(pen, width, height, columns, rows, at, level = 0) {
    const values = Array.from({ length: rows + 1 }, (_, r) => Array.from({ length: columns + 1 }, (_, c) => at(c / columns, r / rows) - level));
    pen.beginPath();
    for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) {
      const corners = [[c, r, values[r][c]], [c + 1, r, values[r][c + 1]], [c + 1, r + 1, values[r + 1][c + 1]], [c, r + 1, values[r + 1][c]]];
      const cut = [];
      corners.forEach(([x, y, value], k) => {
        const [x2, y2, next] = corners[(k + 1) % 4];
        if ((value < 0) !== (next < 0)) { const t = value / (value - next); cut.push([x + t * (x2 - x), y + t * (y2 - y)]); }
      });
      for (let k = 0; k + 1 < cut.length; k += 2) {
        pen.moveTo(cut[k][0] / columns * width, cut[k][1] / rows * height);
        pen.lineTo(cut[k + 1][0] / columns * width, cut[k + 1][1] / rows * height);
      }
    }
    pen.stroke();
  }
  function dot(pen, x, y, kind, radius = 6) {
    pen.beginPath();
    if (kind === "one") pen.rect(x - radius * 0.9, y - radius * 0.9, radius * 1.8, radius * 1.8);
    else pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.fillStyle = color(kind);
    pen.fill();
    pen.lineWidth = 1.5;
    pen.strokeStyle = color("paper");
    pen.stroke();
  }
  // Something that is held and moved; places are shares of the drawing, from the left and from the top.
  function drag(element, start, move) {
    let held = null;
    const share = (event) => {
      const box = element.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    };
    element.addEventListener("pointerdown", (event) => {
      held = start(...share(event), event);
      if (held === null || held === undefined) return;
      element.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    element.addEventListener("pointermove", (event) => { if (held !== null && held !== undefined) move(held, ...share(event)); });
    for (const name of ["pointerup", "pointercancel"]) element.addEventListener(name, () => { held = null; });
  }
  return { color, canvas, ground, contour, dot, drag };
})();

const FIGURES = {
  // The plane of two given numbers, colored by a line of the sheet; its examples can be moved.
  plane(holder, sheet, { x, y, value, level, edge, low, high, answer }, { say, spell, label }) {
    const board = DRAW.canvas(holder, 1, label), score = tag("p", { className: "score", "aria-live": "polite" });
    holder.append(score);
    const share = (number) => (number - low) / (high - low), number = (part) => low + part * (high - low);
    const at = (a, b) => sheet.at(value, { [x]: number(a), [y]: number(1 - b) });
    DRAW.drag(board.element, (a, b) => {
      const near = sheet.examples.findIndex((one) => Math.hypot(share(one[x]) - a, 1 - share(one[y]) - b) < 0.07);
      if (near < 0) return null;
      sheet.show(near);
      return near;
    }, (near, a, b) => {
      const place = (part) => Math.round(number(Math.max(0, Math.min(1, part))) * 20) / 20;
      Object.assign(sheet.examples[near], { [x]: place(a), [y]: place(1 - b) });
      sheet.show(near);
    });
    return () => {
      const { pen, width, height } = board.begin(), columns = 44;
      const reach = 2 * Math.max(level, 1 - level);
      DRAW.ground(pen, width, height, columns, columns, (c, r) => (at((c + 0.5) / columns, (r + 0.5) / columns) - level) * reach);
      pen.strokeStyle = DRAW.color("ink");
      pen.lineWidth = 1.6;
      // A threshold has no slope at its edge, which a line before it has.
      const along = (a, b) => sheet.at(edge?.value ?? value, { [x]: number(a), [y]: number(1 - b) });
      if (edge !== false) DRAW.contour(pen, width, height, columns, columns, along, edge?.level ?? level);
      let right = 0;
      sheet.examples.forEach((one, place) => {
        const across = share(one[x]) * width, up = (1 - share(one[y])) * height, given = sheet.at(value, { ...one }) > level ? 1 : 0;
        right += given === one[answer] ? 1 : 0;
        DRAW.dot(pen, across, up, one[answer] ? "one" : "zero", width > 260 ? 7 : 6);
        if (place === sheet.place) { pen.beginPath(); pen.arc(across, up, 13, 0, 7); pen.strokeStyle = DRAW.color("ink"); pen.stroke(); }
        if (given !== one[answer]) {
          pen.font = "700 15px system-ui, sans-serif";
          pen.fillStyle = DRAW.color("bad");
          pen.fillText("×", across + 10, up - 8);
        }
      });
      score.textContent = say("right_of", { right, all: sheet.examples.length });
    };
  },

  // Nodes and edges of a small network with their values, and below them their gradients.
  net(holder, sheet, { nodes, edges, height }, { spell, label }) {
    const NAMES = "http://www.w3.org/2000/svg";
    const draw = (name, attributes, text = "") => {
      const made = document.createElementNS(NAMES, name);
      for (const key in attributes) made.setAttribute(key, attributes[key]);
      made.textContent = text;
      return made;
    };
    const graph = draw("svg", { viewBox: `0 0 640 ${height}`, class: "net", role: "img", "aria-labelledby": label });
    holder.append(graph);
    const wrote = [];
    const press = (element, id) => {
      element.classList.add("press");
      element.addEventListener("click", () => sheet.focus(id));
    };
    for (const { from, to, weight, gradient } of edges) {
      const [a, b] = [nodes[from], nodes[to]], line = draw("line", { x1: a.x, y1: a.y, x2: b.x, y2: b.y, class: "edge" });
      const at = 0.34, x = a.x + at * (b.x - a.x), y = a.y + at * (b.y - a.y);
      const value = draw("text", { x, y: y - 5, class: "value" }), slope = gradient ? draw("text", { x, y: y + 11, class: "gradient" }) : null;
      graph.append(line);
      wrote.push([line, null, weight], [value, value, weight]);
      press(value, weight);
      if (slope) { wrote.push([slope, slope, gradient]); press(slope, gradient); }
    }
    for (const [element, text] of wrote) if (text) graph.append(element);
    for (const { x, y, name, value, gradient } of Object.values(nodes)) {
      const group = draw("g", {}), shown = draw("text", { x, y: y + 12, class: "value" });
      group.append(draw("circle", { cx: x, cy: y, r: 34 }), draw("text", { x, y: y - 8, class: "name" }, name), shown);
      press(group, value);
      graph.append(group);
      wrote.push([shown, shown, value]);
      if (!gradient) continue;
      const slope = draw("text", { x, y: y + 50, class: "gradient" });
      graph.append(slope);
      press(slope, gradient);
      wrote.push([slope, slope, gradient]);
    }
    return () => {
      for (const [element, text, id] of wrote) {
        const value = sheet.values[id];
        if (text) text.textContent = (element.classList.contains("gradient") ? "∂ " : "") + spell(value, 3);
        else {
          element.style.strokeWidth = String(1 + Math.min(6, 2.2 * Math.abs(value)));
          element.style.stroke = DRAW.color(value < 0 ? "zero" : "one");
        }
      }
    };
  },

  // Lines of the sheet as functions of one given number, which is moved along the axis.
  curve(holder, sheet, { x, values, low, high, bottom, top }, { say, spell, label }) {
    const board = DRAW.canvas(holder, 0.62, label), colors = ["one", "zero", "good", "quiet"];
    const legend = tag("p", { className: "legend" });
    holder.append(legend);
    const number = (part) => low + Math.max(0, Math.min(1, part)) * (high - low);
    DRAW.drag(board.element, (a) => { sheet.change(x, Math.round(number(a) * 100) / 100); return x; }, (_, a) => sheet.change(x, Math.round(number(a) * 100) / 100));
    return () => {
      const { pen, width, height } = board.begin(), up = (value) => height - (value - bottom) / (top - bottom) * height;
      pen.strokeStyle = DRAW.color("line");
      pen.strokeRect(0.5, 0.5, width - 1, height - 1);
      for (const [a, b, c, d] of [[0, up(0), width, up(0)], [-low / (high - low) * width, 0, -low / (high - low) * width, height]]) {
        pen.beginPath(); pen.moveTo(a, b); pen.lineTo(c, d); pen.stroke();
      }
      values.forEach(({ id }, k) => {
        pen.strokeStyle = DRAW.color(colors[k]);
        pen.lineWidth = 2.2;
        pen.beginPath();
        for (let step = 0; step <= 200; step++) pen.lineTo(step / 200 * width, up(sheet.at(id, { [x]: number(step / 200) })));
        pen.stroke();
        DRAW.dot(pen, (sheet.values[x] - low) / (high - low) * width, up(sheet.values[id]), colors[k]);
      });
      legend.replaceChildren(...values.map(({ id, symbol }, k) => tag("span", { className: `key ${colors[k]}` },
        tag("span", { innerHTML: symbol }), ` = ${spell(sheet.values[id])}`)));
    };
  },

  // Given numbers as points on a line, each to be moved, and what the sheet makes of them on lines below.
  dots(holder, sheet, { rows, low, high }, { spell, label }) {
    const board = DRAW.canvas(holder, 0.1 + 0.17 * rows.length, label);
    const number = (part) => Math.round((low + part * (high - low)) * 20) / 20, share = (value) => (value - low) / (high - low);
    const line = (row) => (row + 0.6) / (rows.length + 0.4);
    DRAW.drag(board.element, (a, b) => {
      if (Math.abs(b - line(0)) > 0.5 / rows.length) return null;
      return rows[0].ids.toSorted((p, q) => Math.abs(share(sheet.values[p]) - a) - Math.abs(share(sheet.values[q]) - a))[0];
    }, (id, a) => sheet.change(id, Math.max(low, Math.min(high, number(a)))));
    return () => {
      const { pen, width, height } = board.begin();
      pen.font = "12px system-ui, sans-serif";
      pen.textAlign = "center";
      for (let tick = Math.ceil(low); tick <= high; tick++) {
        pen.fillStyle = DRAW.color("quiet");
        pen.fillText(spell(tick), share(tick) * width, height - 3);
        pen.strokeStyle = DRAW.color("line");
        pen.beginPath(); pen.moveTo(share(tick) * width, 0); pen.lineTo(share(tick) * width, height - 18); pen.stroke();
      }
      rows.forEach(({ ids, middle, names }, row) => {
        const y = line(row) * (height - 18);
        pen.strokeStyle = DRAW.color("quiet");
        pen.beginPath(); pen.moveTo(0, y); pen.lineTo(width, y); pen.stroke();
        if (middle) {
          const x = share(sheet.values[middle]) * width;
          pen.strokeStyle = DRAW.color("good");
          pen.lineWidth = 3;
          pen.beginPath(); pen.moveTo(x, y + 10); pen.lineTo(x, y + 24); pen.stroke();
          pen.lineWidth = 1;
        }
        ids.forEach((id, k) => {
          DRAW.dot(pen, share(sheet.values[id]) * width, y, row ? "zero" : "one", 8);
          pen.fillStyle = DRAW.color("ink");
          pen.fillText(names[k], share(sheet.values[id]) * width, y - 14);
        });
      });
    };
  },
};
