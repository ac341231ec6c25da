// Figures of tables, windows, boxes, arrows, trees and pictures; made and drawn as those of figures.js.
"use strict";

Object.assign(FIGURES, {
  // Tables of numbers: given ones are typed, computed ones lead to their line and mark what they are made of. A cell is as
  // colored as its number is far from 0, as seen from `reach`.
  grid(holder, sheet, { grids }, { spell, spoken }) {
    const cells = new Map(), refs = new Map(sheet.lines.map(({ id, tree }) => [id, FORMULA.refs(tree)]));
    let chosen = null;
    const read = (id) => {
      chosen = id;
      const within = new Set(refs.get(id) ?? []);
      for (const [name, list] of cells) for (const cell of list) cell.classList.toggle("read", within.has(name) || name === id);
    };
    const row = tag("div", { className: "row" });
    holder.append(row);
    const titles = grids.map(({ title, table, hold }) => {
      const caption = tag("caption"), body = tag("tbody");
      row.append(tag("div", { className: "scroll" }, tag("table", { className: "cells" }, caption, body)));
      for (const ids of table) {
        body.append(tag("tr", {}, ...ids.map((id) => {
          const cell = tag("td"), input = hold
            ? tag("input", { type: "number", step: "any", "aria-label": id, oninput: () => { if (input.value !== "" && Number.isFinite(Number(input.value))) sheet.change(id, Number(input.value)); } })
            : tag("button", { type: "button", onclick: () => { read(id); sheet.focus(id); }, onpointerenter: () => read(id), onfocus: () => read(id) });
          cell.append(input);
          cells.set(id, [...(cells.get(id) ?? []), cell]);
          return cell;
        })));
      }
      return [caption, title];
    });
    const reach = new Map(grids.flatMap(({ table, reach: most }) => table.flat().map((id) => [id, most])));
    return () => {
      for (const [caption, title] of titles) caption.textContent = spoken(title);
      for (const [id, list] of cells) for (const cell of list) {
        const value = sheet.values[id], share = Math.min(1, Math.abs(value) / reach.get(id)) * 55;
        cell.style.background = `color-mix(in srgb, var(--${value < 0 ? "zero" : "one"}) ${share}%, var(--paper))`;
        if (cell.firstChild.tagName === "BUTTON") cell.firstChild.textContent = spell(value, 3);
        else if (document.activeElement !== cell.firstChild) cell.firstChild.value = Number(value.toPrecision(4));
      }
      if (chosen) read(chosen);
    };
  },

  // A window that walks over a row of cells: width, kernel, padding, stride and dilation are given numbers; `out` is the
  // line that counts the places, `at` the given number of the place that is shown.
  strip(holder, sheet, { n, f, p, s, d, out, at }, { spell, label }) {
    const board = DRAW.canvas(holder, 0.34, label);
    const value = (id) => sheet.values[id];
    const geometry = () => {
      const total = value(n) + 2 * value(p), places = Math.max(0, value(out)), most = Math.max(total, places, 1);
      return { total, places, side: 1 / (most + 0.6), left: (count) => 0.5 - count / (most + 0.6) / 2 };
    };
    const ring = DRAW.drag(board.element, {
      near: 0.3,
      handles: () => { const { places, side, left } = geometry(); return [{ key: at, place: [left(places) + (Math.min(value(at), places) - 0.5) * side, 0.84] }]; },
      move: (_, a) => { const { places, side, left } = geometry(); sheet.change(at, Math.max(1, Math.min(places, Math.round((a - left(places)) / side + 0.5)))); },
    });
    return () => {
      const { pen, width, height } = board.begin(), { total, places, side, left } = geometry(), cell = Math.min(side * width, height * 0.3);
      const place = Math.min(value(at), places), taps = Array.from({ length: value(f) }, (_, k) => (place - 1) * value(s) + k * value(d));
      const box = (x, y, fill, text) => {
        pen.fillStyle = DRAW.color(fill);
        pen.fillRect(x + 1, y, side * width - 2, cell);
        pen.strokeStyle = DRAW.color("quiet");
        pen.strokeRect(x + 1, y, side * width - 2, cell);
        pen.fillStyle = DRAW.color("ink");
        if (side * width > 14) pen.fillText(text, x + side * width / 2, y + cell / 2 + 4);
      };
      pen.font = "12px system-ui, sans-serif";
      pen.textAlign = "center";
      const [above, below] = [height * 0.1, height * 0.7];
      if (places >= 1) for (const k of taps) DRAW.through(pen, [[(left(total) + (k + 0.5) * side) * width, above + cell], [(left(places) + (place - 0.5) * side) * width, below]], "one", 1.6);
      for (let k = 0; k < total; k++) {
        const outside = k < value(p) || k >= total - value(p);
        box((left(total) + k * side) * width, above, places >= 1 && taps.includes(k) ? "chosen" : outside ? "panel" : "paper", outside ? "0" : spell(k - value(p) + 1));
      }
      for (let k = 0; k < places; k++) box((left(places) + k * side) * width, below, k === place - 1 ? "chosen" : "paper", spell(k + 1));
      ring(pen, width, height);
    };
  },

  // Layers of windows one above another, and the cells of the lowest that the middle one at the top is made of. `layers`
  // are pairs of given numbers, kernel and stride, from below.
  field(holder, sheet, { layers }, { label }) {
    const board = DRAW.canvas(holder, 0.5, label);
    return () => {
      const { pen, width, height } = board.begin(), shape = layers.map(([k, s]) => [sheet.values[k], sheet.values[s]]);
      // From above: the cells that are read, as first place and count, in the units of their own layer.
      const read = [[0, 1]];
      for (const [k, s] of shape.toReversed()) { const [first, count] = read[0]; read.unshift([first * s, (count - 1) * s + k]); }
      const jumps = [1];
      for (const [, s] of shape) jumps.push(jumps.at(-1) * s);
      const starts = [0];
      shape.forEach(([k], l) => starts.push(starts[l] + (k - 1) / 2 * jumps[l]));
      const middle = (l, c) => starts[l] + c * jumps[l], count = read[0][1], from = read[0][0] - 2, to = read[0][0] + count + 1;
      const across = (x) => (x - from + 0.5) / (to - from + 1) * width, line = (l) => height * (0.9 - 0.8 * l / layers.length), unit = width / (to - from + 1);
      for (let l = layers.length; l > 0; l--) {
        const [first, cells] = read[l], [k, s] = shape[l - 1];
        for (let c = first; c < first + cells; c++) for (let tap = 0; tap < k; tap++) {
          DRAW.through(pen, [[across(middle(l, c)), line(l)], [across(middle(l - 1, c * s + tap)), line(l - 1)]], "quiet", 0.8);
        }
      }
      for (let l = 0; l <= layers.length; l++) {
        const [first, cells] = read[l], radius = Math.min(9, Math.max(2.5, unit * Math.min(jumps[l], 3) * 0.36));
        const around = Math.ceil((to - from) / jumps[l]);
        for (let c = first - around; c <= first + cells + around; c++) {
          const x = across(middle(l, c));
          if (x < 0 || x > width) continue;
          DRAW.dot(pen, x, line(l), c >= first && c < first + cells ? "zero" : "line", radius);
        }
      }
    };
  },

  // Arrows from the origin, each of two numbers; given ones are moved.
  vectors(holder, sheet, { vectors, low, high, points }, { spoken, spell, label }) {
    const board = DRAW.canvas(holder, 0.8, label), range = { low, high, bottom: low * 0.8, top: high * 0.8 };
    const held = vectors.filter(({ hold }) => hold), floor = () => 1 - 18 / board.element.clientHeight;
    const ring = DRAW.drag(board.element, {
      handles: () => held.map(({ x, y }, key) => ({ key, place: [(sheet.values[x] - low) / (high - low), floor() * (1 - (sheet.values[y] - range.bottom) / (range.top - range.bottom))] })),
      move: (key, a, b) => {
        sheet.values[held[key].x] = Math.round((low + a * (high - low)) * 20) / 20;
        sheet.change(held[key].y, Math.round((range.bottom + (1 - Math.min(1, b / floor())) * (range.top - range.bottom)) * 20) / 20);
      },
    });
    return () => {
      const { pen, width, height } = board.begin(), { across, up } = DRAW.axes(pen, width, height, range, spell);
      for (const { x, y, name, color, hold } of vectors) {
        const [a, b] = [across(sheet.values[x]), up(sheet.values[y])], [o, u] = [across(0), up(0)], angle = Math.atan2(b - u, a - o);
        if (!points) {
          DRAW.through(pen, [[o, u], [a, b]], color);
          if (Math.hypot(a - o, b - u) > 6) DRAW.through(pen, [[a - 9 * Math.cos(angle - 0.4), b - 9 * Math.sin(angle - 0.4)], [a, b], [a - 9 * Math.cos(angle + 0.4), b - 9 * Math.sin(angle + 0.4)]], color);
        } else DRAW.dot(pen, a, b, color, 6);
        const text = spoken(name);
        pen.font = "600 13px system-ui, sans-serif";
        pen.fillStyle = DRAW.color(color);
        pen.textAlign = a > width * 0.7 ? "right" : "left";
        pen.fillText(text, a + (a > width * 0.7 ? -9 : 9), b + (b < 20 || !hold ? 18 : -6));
      }
      ring(pen, width, height);
    };
  },

  // Boxes in a picture of so many units, each of given edges (left, top, right, bottom) or of a middle (x, y, height, width);
  // a corner or the whole is moved. `there`, `kept` and `best` are numbers: of a box that is not there nothing is drawn, one
  // that is not kept is faint, the best one is full. `thing` says what stands in it. `scene` are things that stay, `cells` how
  // many the picture has along a side.
  boxes(holder, sheet, { boxes, size, scene = [], cells }, { spell, spoken, label }) {
    const [wide, high] = size, board = DRAW.canvas(holder, 0.7, label), grain = wide / 100;
    const value = (id) => sheet.values[id], round = (x, unit) => Number((Math.round(x / unit) * unit).toFixed(6));
    const edges = ({ edges: ids, middle }) => {
      if (ids) return ids.map(value);
      const [x, y, h, w] = middle.map(value);
      return [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
    };
    const is = (id, otherwise) => id === undefined ? otherwise : value(id) > 0.5, present = () => boxes.filter(({ there }) => is(there, true));
    const ring = DRAW.drag(board.element, {
      near: 0.12,
      handles: () => present().flatMap((one) => {
        const [l, t, r, b] = edges(one);
        return [[(l + r) / 2, (t + b) / 2, "all"], [l, t, "first"], [r, b, "last"]].map(([x, y, part]) => ({ key: [one, part], place: [x / wide, y / high] }));
      }),
      move: ([one, part], a, b) => {
        const [l, t, r, u] = edges(one), x = round(a * wide, grain), y = round(b * high, grain);
        const [left, top, right, low] = part === "all" ? [l + x - (l + r) / 2, t + y - (t + u) / 2, r + x - (l + r) / 2, u + y - (t + u) / 2]
          : part === "first" ? [Math.min(x, r - grain), Math.min(y, u - grain), r, u] : [l, t, Math.max(x, l + grain), Math.max(y, t + grain)];
        const moved = one.edges ? [left, top, right, low] : [(left + right) / 2, (top + low) / 2, low - top, right - left];
        (one.edges ?? one.middle).forEach((id, place) => { sheet.values[id] = round(moved[place], grain / 10); });
        sheet.compute();
      },
    });
    return () => {
      const { pen, width, height } = board.begin(), across = (x) => x / wide * width, down = (y) => y / high * height;
      const draw = (kind, [l, t, r, b]) => DRAW.thing(pen, kind, across(l), down(t), across(r - l), down(b - t));
      for (const [kind, ...place] of scene) draw(kind, place);
      for (const one of present()) if (one.thing) draw(value(one.thing), edges(one));
      for (let k = 1; k < (cells ? value(cells) : 0); k++) {
        const share = k / value(cells);
        DRAW.through(pen, [[share * width, 0], [share * width, height]], "quiet", 1);
        DRAW.through(pen, [[0, share * height], [width, share * height]], "quiet", 1);
      }
      for (const one of present()) {
        const [l, t, r, b] = edges(one), kept = is(one.kept, true), name = DRAW.COLORS[boxes.indexOf(one)];
        pen.globalAlpha = is(one.best, false) ? 0.4 : kept ? 0.16 : 0.05;
        pen.fillStyle = DRAW.color(name);
        pen.fillRect(across(l), down(t), across(r - l), down(b - t));
        pen.globalAlpha = kept ? 1 : 0.55;
        pen.setLineDash(kept ? [] : [5, 5]);
        pen.lineWidth = is(one.best, false) ? 4 : 2.4;
        pen.strokeStyle = DRAW.color(name);
        pen.strokeRect(across(l), down(t), across(r - l), down(b - t));
        pen.setLineDash([]);
        pen.globalAlpha = 1;
        for (const [x, y] of [[l, t], [r, b], [(l + r) / 2, (t + b) / 2]]) DRAW.dot(pen, across(x), down(y), name, 5);
        pen.font = "600 13px system-ui, sans-serif";
        pen.fillStyle = DRAW.color(name);
        // Every other name stands below, so that boxes of one thing do not write over each other.
        const below = boxes.indexOf(one) % 2, words = `${spoken(one.name)}${one.score ? ` ${spell(value(one.score), 2)}` : ""}`;
        pen.textAlign = below ? "right" : "left";
        if (below) pen.fillText(words, across(r) - 6, down(b) + (down(b) > height - 16 ? -6 : 15));
        else pen.fillText(words, across(l) + 6, down(t) + (down(t) < 16 ? 16 : -6));
      }
      ring(pen, width, height);
    };
  },

  // A tree of choices from the left: each node with a number; thick where the line `kept` is 1, ringed where `best` is.
  tree(holder, sheet, { nodes, levels, rows }, { spell, spoken, label }) {
    const board = DRAW.canvas(holder, 0.86, label);
    return () => {
      const { pen, width, height } = board.begin(), x = (level) => (level + 0.28) / (levels + 0.2) * width, y = (row) => (row + 0.5) / rows * height;
      const holds = (id) => id !== undefined && sheet.values[id] > 0.5;
      for (const { level, row, parent, kept } of nodes) {
        if (parent === undefined) continue;
        const above = nodes[parent];
        DRAW.through(pen, [[x(above.level), y(above.row)], [x(level), y(row)]], holds(kept) ? "one" : "line", holds(kept) ? 2.6 : 1.2);
      }
      for (const { level, row, name, number, kept, best, parent } of nodes) {
        DRAW.dot(pen, x(level), y(row), holds(kept) || parent === undefined ? "one" : "quiet", 5);
        if (holds(best)) { pen.strokeStyle = DRAW.color("good"); pen.lineWidth = 2.4; pen.beginPath(); pen.arc(x(level), y(row), 10, 0, 7); pen.stroke(); }
        pen.textAlign = "left";
        pen.fillStyle = DRAW.color("ink");
        pen.font = "600 13px system-ui, sans-serif";
        pen.fillText(spoken(name), x(level) + 12, y(row) - 2);
        pen.font = "12px system-ui, sans-serif";
        pen.fillStyle = DRAW.color("quiet");
        if (number) pen.fillText(spell(sheet.values[number], 3), x(level) + 12, y(row) + 13);
      }
    };
  },

  // A picture, one's own or the one that is there, and what a kernel of given numbers makes of it.
  picture(holder, sheet, { kernel }, { say }) {
    const [before, after] = [tag("canvas", { className: "photo", role: "img" }), tag("canvas", { className: "photo", role: "img" })];
    const words = tag("span"), told = tag("p", { className: "quiet", "aria-live": "polite" });
    let image = PIXELS.sample(160);
    const input = tag("input", { type: "file", accept: "image/*", onchange: async () => {
      try { image = await PIXELS.read(input.files[0], 240); told.textContent = ""; draw(); } catch { told.textContent = say("picture_refused"); }
    } });
    holder.append(tag("div", { className: "panels" }, before, after), tag("p", {}, tag("label", {}, words, " ", input)), told);
    function draw() {
      const weights = kernel.map((row) => row.map((id) => sheet.values[id])), sum = weights.flat().reduce((a, b) => a + b, 0);
      // What adds up to 0 finds edges: gray is none, light and dark are the two directions.
      PIXELS.paint(before, image);
      PIXELS.paint(after, PIXELS.correlate(image, weights), (value) => Math.abs(sum) < 1e-9 ? 0.5 + value / 2 : value);
      words.textContent = say("own_picture");
      before.setAttribute("aria-label", say("picture_before"));
      after.setAttribute("aria-label", say("picture_after"));
    }
    return draw;
  },

  // A picture, one's own or the one that is there, and the answers of all its windows to the one in the frame, which is moved.
  windows(holder, sheet, options, { say, spell, label }) {
    const row = tag("div", { className: "panels" });
    holder.append(row);
    const board = DRAW.canvas(row, 1, label), after = tag("canvas", { className: "photo", role: "img" });
    const words = tag("span"), told = tag("p", { className: "quiet", "aria-live": "polite" }), found = tag("p", { className: "quiet" });
    const middle = PIXELS.WINDOW / 2, within = (at) => Math.max(0, Math.min(image.rows - PIXELS.WINDOW, PIXELS.STRIDE * Math.round((at - middle) / PIXELS.STRIDE)));
    let image = PIXELS.sample(160), top = 120, left = 56;
    const input = tag("input", { type: "file", accept: "image/*", onchange: async () => {
      try {
        const own = await PIXELS.read(input.files[0], 240), side = 2 * Math.floor(Math.min(own.rows, own.columns) / 2);
        if (side < PIXELS.WINDOW) { told.textContent = say("picture_small"); return; }
        image = PIXELS.cut(own, (own.rows - side) >> 1, (own.columns - side) >> 1, side, side);
        [top, left] = [within(side / 2), within(side / 2)];
        told.textContent = "";
        draw();
      } catch { told.textContent = say("picture_refused"); }
    } });
    row.append(after);
    holder.append(found, tag("p", {}, tag("label", {}, words, " ", input)), told);
    const ring = DRAW.drag(board.element, {
      near: 2,
      handles: () => [{ key: "window", place: [(left + middle) / image.columns, (top + middle) / image.rows] }],
      move: (_, across, down) => { [top, left] = [within(down * image.rows), within(across * image.columns)]; draw(); },
    });
    function draw() {
      const { pen, width, height } = board.begin(), small = new OffscreenCanvas(1, 1), grain = width / image.columns;
      PIXELS.paint(small, image);
      pen.drawImage(small, 0, 0, width, height);
      pen.strokeStyle = DRAW.color("one");
      pen.lineWidth = 3;
      pen.strokeRect(left * grain, top * grain, PIXELS.WINDOW * grain, PIXELS.WINDOW * grain);
      ring(pen, width, height);
      const { answers, alone } = PIXELS.windows(image, top, left), most = Math.max(...answers.data, 1e-9);
      PIXELS.paint(after, answers, (value) => Math.max(0, value) / most);
      const once = answers.data[top / PIXELS.STRIDE * answers.columns + left / PIXELS.STRIDE];
      found.textContent = say("windows_told", { count: answers.data.length, once: spell(once, 6), alone: spell(alone, 6) });
      words.textContent = say("own_picture");
      after.setAttribute("aria-label", say("windows_answers"));
    }
    return draw;
  },
});
