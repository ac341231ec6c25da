// Figures that one moves. Each is made once in its holder and gives a function that draws it anew.
"use strict";

const FIGURES = {
  // The plane of two given numbers, colored by a line of the sheet; its examples can be moved.
  plane(holder, sheet, { x, y, value, level, edge, low, high, answer }, { say, spell, label }) {
    const board = DRAW.canvas(holder, 1, label), score = tag("p", { className: "score", "aria-live": "polite" });
    holder.append(score);
    const share = (number) => (number - low) / (high - low), number = (part) => low + part * (high - low);
    const at = (a, b) => sheet.at(value, { [x]: number(a), [y]: number(1 - b) });
    const rounded = (part) => Math.round(number(part) * 20) / 20;
    const ring = DRAW.drag(board.element, {
      handles: () => sheet.examples.map((one, key) => ({ key, place: [share(one[x]), 1 - share(one[y])] })),
      chosen: (place) => sheet.show(place),
      move: (place, across, down) => {
        Object.assign(sheet.examples[place], { [x]: rounded(across), [y]: rounded(1 - down) });
        sheet.show(place);
      },
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
      ring(pen, width, height);
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
  curve(holder, sheet, { x, values, low, high, bottom, top }, { spell, label }) {
    const board = DRAW.canvas(holder, 0.56, label), legend = tag("p", { className: "legend" });
    holder.append(legend);
    const number = (part) => low + part * (high - low), share = () => (sheet.values[x] - low) / (high - low);
    const ring = DRAW.drag(board.element, { near: Infinity, handles: () => [{ key: x, place: [share(), 0.5] }],
      move: (_, a) => sheet.change(x, Math.round(number(a) * 100) / 100) });
    return () => {
      const { pen, width, height } = board.begin(), { across, up } = DRAW.axes(pen, width, height, { low, high, bottom, top }, spell);
      values.forEach(({ id }, k) => {
        DRAW.through(pen, Array.from({ length: 201 }, (_, step) => {
          const at = number(step / 200);
          return [across(at), up(sheet.at(id, { [x]: at }))];
        }), DRAW.COLORS[k]);
        DRAW.dot(pen, across(sheet.values[x]), up(sheet.values[id]), DRAW.COLORS[k]);
      });
      ring(pen, width, height);
      legend.replaceChildren(...values.map(({ id, symbol }, k) => tag("span", { className: `key ${DRAW.COLORS[k]}` },
        tag("span", { innerHTML: symbol }), ` = ${spell(sheet.values[id])}`)));
    };
  },

  // Given numbers as points on a line, each to be moved, and what the sheet makes of them on lines below.
  dots(holder, sheet, { rows, low, high }, { spell, label }) {
    const board = DRAW.canvas(holder, 0.1 + 0.17 * rows.length, label);
    const number = (part) => Math.round((low + part * (high - low)) * 20) / 20, share = (value) => (value - low) / (high - low);
    const line = (row) => (row + 0.6) / (rows.length + 0.4);
    const ring = DRAW.drag(board.element, {
      near: 0.2, handles: () => rows[0].ids.map((key) => ({ key, place: [share(sheet.values[key]), line(0) * 0.8] })),
      move: (id, a) => sheet.change(id, number(a)),
    });
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
      ring(pen, width, height);
    };
  },

  // What the sheet's steps make of some lines, all at once: as far as `steps`, with the step at hand marked. `held` is a
  // number of the examples that is moved up and down; `marks` are lines whose first value above ½ is marked.
  rollout(holder, sheet, { values, steps, bottom, top, held, marks = [], first = 0 }, { spell, label }) {
    const board = DRAW.canvas(holder, 0.56, label), legend = tag("p", { className: "legend" });
    holder.append(legend);
    const range = { low: first, high: first + steps, bottom, top }, share = (step) => step / steps, floor = () => 1 - 18 / board.element.clientHeight;
    const ring = held ? DRAW.drag(board.element, {
      handles: () => sheet.examples.slice(0, steps + 1).map((one, key) => ({ key, place: [share(key), floor() * (1 - (one[held] - bottom) / (top - bottom))] })),
      move: (place, _, b) => {
        sheet.examples[place][held] = Math.round((bottom + Math.max(0, 1 - b / floor()) * (top - bottom)) * 100) / 100;
        sheet.show(sheet.place);
      },
    }) : () => {};
    return () => {
      const { pen, width, height } = board.begin(), axes = DRAW.axes(pen, width, height, range, spell), rows = sheet.rollout(steps);
      pen.save();
      pen.beginPath(); pen.rect(0, 0, width, axes.floor); pen.clip();
      marks.forEach(({ id, color }) => {
        const at = rows.findIndex((row) => row[id] > 0.5);
        if (at >= 0) DRAW.through(pen, [[axes.across(first + at), 0], [axes.across(first + at), axes.floor]], color, 1.4);
      });
      values.forEach(({ id, dots }, k) => {
        const points = rows.map((row, step) => [axes.across(first + step), axes.up(row[id])]).filter(([, y]) => Number.isFinite(y));
        if (!dots) DRAW.through(pen, points, DRAW.COLORS[k]);
        if (dots || steps <= 24) for (const [x, y] of points) DRAW.dot(pen, x, y, DRAW.COLORS[k], 3.4);
        if (sheet.steps <= steps) DRAW.dot(pen, axes.across(first + sheet.steps), axes.up(sheet.values[id]), DRAW.COLORS[k]);
      });
      pen.restore();
      ring(pen, width, height);
      legend.replaceChildren(...[...values.map(({ id, symbol }, k) => [id, symbol, DRAW.COLORS[k], spell(sheet.values[id])]),
        ...marks.map(({ id, symbol, color }) => [id, symbol, color, ((at) => at < 0 ? "–" : spell(first + at))(rows.findIndex((row) => row[id] > 0.5))])]
        .map(([, symbol, color, value]) => tag("span", { className: `key ${color}` }, tag("span", { innerHTML: symbol }), ` = ${value}`)));
    };
  },

  // The plane of two given numbers as a landscape, and where the sheet's steps lead on it. The first places are moved; with
  // `together` all walkers begin at one. `names` are the two numbers in the line that makes the landscape.
  path(holder, sheet, { walkers, value, names, low, high, bottom, top, steps, levels, together }, { say, spell, spoken, label }) {
    const board = DRAW.canvas(holder, 0.66, label), legend = tag("p", { className: "legend" });
    holder.append(legend);
    const count = 60, number = ([a, b]) => [low + a * (high - low), top - b * (top - bottom)];
    const shareOf = (row, { x, y }) => [(row[x] - low) / (high - low), (top - row[y]) / (top - bottom)];
    const ring = DRAW.drag(board.element, {
      near: 0.12,
      handles: () => walkers.slice(0, together ? 1 : undefined).map((one, key) => ({ key, place: shareOf(sheet.rollout(steps)[0], one) })),
      move: (key, a, b) => {
        sheet.restart();
        const [x, y] = number([a, b]).map((one) => Math.round(one * 20) / 20);
        for (const one of together ? walkers : [walkers[key]]) { sheet.values[one.x] = x; sheet.values[one.y] = y; }
        sheet.compute();
      },
    });
    return () => {
      const { pen, width, height } = board.begin(), rows = sheet.rollout(steps);
      const at = (a, b) => { const [x, y] = number([a, b]); return sheet.at(value, { [names[0]]: x, [names[1]]: y }); };
      const heights = Array.from({ length: count + 1 }, (_, r) => Array.from({ length: count + 1 }, (_, c) => at(c / count, r / count)));
      const [least, most] = [Math.min, Math.max].map((pick) => pick(...heights.map((row) => pick(...row))));
      DRAW.ground(pen, width, height, count, count, (c, r) => -(((most - heights[r][c]) / (most - least)) ** 4));
      pen.strokeStyle = DRAW.color("quiet");
      pen.lineWidth = 0.7;
      const kept = (a, b) => heights[Math.round(b * count)][Math.round(a * count)];
      for (let k = 1; k <= levels; k++) DRAW.contour(pen, width, height, count, count, kept, least + (most - least) * (k / (levels + 1)) ** 2.5);
      walkers.forEach((one, k) => {
        const points = rows.map((row) => shareOf(row, one)).filter((place) => place.every(Number.isFinite)).map(([a, b]) => [a * width, b * height]);
        DRAW.through(pen, points, DRAW.COLORS[k], 2);
        if (points.length <= 120) for (const [x, y] of points) DRAW.dot(pen, x, y, DRAW.COLORS[k], 2.4);
      });
      walkers.forEach((one, k) => {
        const [a, b] = shareOf(sheet.values, one);
        DRAW.dot(pen, a * width, b * height, DRAW.COLORS[k], 7);
      });
      ring(pen, width, height);
      legend.replaceChildren(...walkers.map(({ name, loss }, k) => tag("span", { className: `key ${DRAW.COLORS[k]}` },
        `${spoken(name)}: ${spell(sheet.values[loss], 3)}`)));
    };
  },

  // Numbers as bars, in panels side by side; a given one is moved by the end of its bar.
  bars(holder, sheet, { panels }, { spell, label }) {
    const row = tag("div", { className: "panels" });
    holder.append(row);
    const made = panels.map(({ symbol, bars, low, high, hold }) => {
      const box = tag("div", {}, tag("span", { className: "panel-title", innerHTML: symbol }));
      row.append(box);
      const board = DRAW.canvas(box, 0.72, label), up = (value) => 0.9 - 0.78 * (value - low) / (high - low);
      const across = (k) => (k + 0.5) / bars.length;
      const ring = hold ? DRAW.drag(board.element, {
        near: 0.3, handles: () => bars.map(({ id }, k) => ({ key: id, place: [across(k), up(sheet.values[id])] })),
        move: (id, _, b) => sheet.change(id, Math.round(Math.max(low, Math.min(high, low + (0.9 - b) / 0.78 * (high - low))) * 20) / 20),
      }) : () => {};
      return () => {
        const { pen, width, height } = board.begin(), wide = width / bars.length * 0.62;
        pen.font = "12px system-ui, sans-serif";
        pen.textAlign = "center";
        bars.forEach(({ id, name, mark }, k) => {
          const value = sheet.values[id], x = across(k) * width, shown = Math.max(low, Math.min(high, value));
          pen.fillStyle = DRAW.color(mark && sheet.values[mark] > 0.5 ? "one" : "zero");
          pen.fillRect(x - wide / 2, up(Math.max(shown, 0)) * height, wide, Math.max(1, Math.abs(up(shown) - up(0)) * height));
          pen.fillStyle = DRAW.color("ink");
          pen.fillText(spell(value, 2), x, (value < 0 ? up(shown) * height + 14 : up(shown) * height - 4));
          pen.fillStyle = DRAW.color("quiet");
          pen.fillText(name, x, height - 3);
        });
        DRAW.through(pen, [[0, up(0) * height], [width, up(0) * height]], "quiet", 1);
        ring(pen, width, height);
      };
    });
    return () => { for (const draw of made) draw(); };
  },

  // Points, each of two given numbers, and a line of the sheet over another, with how far it is from each.
  scatter(holder, sheet, { points, across: x, value, low, high, bottom, top }, { spell, label }) {
    const board = DRAW.canvas(holder, 0.6, label), range = { low, high, bottom, top };
    const floor = () => 1 - 18 / board.element.clientHeight, values = () => sheet.values;
    const ring = DRAW.drag(board.element, {
      handles: () => points.map((one, key) => ({ key, place: [(values()[one.x] - low) / (high - low), floor() * (1 - (values()[one.y] - bottom) / (top - bottom))] })),
      move: (key, a, b) => {
        values()[points[key].x] = Math.round((low + a * (high - low)) * 10) / 10;
        sheet.change(points[key].y, Math.round((bottom + (1 - b / floor()) * (top - bottom)) * 10) / 10);
      },
    });
    return () => {
      const { pen, width, height } = board.begin(), { across, up } = DRAW.axes(pen, width, height, range, spell);
      const at = (one) => sheet.at(value, { [x]: one });
      DRAW.through(pen, Array.from({ length: 61 }, (_, k) => low + k / 60 * (high - low)).map((one) => [across(one), up(at(one))]), "zero");
      DRAW.dot(pen, across(values()[x]), up(values()[value]), "zero", 5);
      for (const one of points) {
        const [left, height] = [values()[one.x], values()[one.y]];
        DRAW.through(pen, [[across(left), up(height)], [across(left), up(at(left))]], "bad", 1.4);
        DRAW.dot(pen, across(left), up(height), "one", 6);
      }
      ring(pen, width, height);
    };
  },
};
