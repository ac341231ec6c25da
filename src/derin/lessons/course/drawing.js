// What figures are drawn with, and how a hand or a keyboard moves what is in them.
"use strict";

const DRAW = (() => {
  const COLORS = ["one", "zero", "good", "violet", "bad"];
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
  // A map of shares of several kinds, each in its color.
  function shares(pen, width, height, columns, rows, kinds, at) {
    const image = new ImageData(columns, rows), small = new OffscreenCanvas(columns, rows), paper = channels("paper"), ends = kinds.map(channels);
    for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) {
      const weights = kinds.map((_, kind) => 0.62 * at(column, row, kind) ** 2);
      image.data.set([...paper.map((part, k) => ends.reduce((sum, end, kind) => sum + (end[k] - part) * weights[kind], part)), 255], 4 * (row * columns + column));
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
    if (radius < 4) return;
    pen.lineWidth = 1.5;
    pen.strokeStyle = color("paper");
    pen.stroke();
  }
  // What the course looks for, as wide and high as it is to be: 1 a person, 2 a car, 3 a motorcycle.
  const THINGS = {
    1: { shapes: [[0.18, 0.3, 0.82, 0.3, 0.82, 0.64, 0.68, 0.64, 0.66, 1, 0.34, 1, 0.32, 0.64, 0.18, 0.64]], rounds: [[0.5, 0.14, 0.24, 0.14]] },
    2: { shapes: [[0, 0.46, 0.16, 0.42, 0.3, 0.04, 0.72, 0.04, 0.86, 0.42, 1, 0.5, 1, 0.84, 0, 0.84]], rounds: [[0.22, 0.83, 0.12, 0.17], [0.78, 0.83, 0.12, 0.17]],
      holes: [[0.26, 0.4, 0.35, 0.14, 0.5, 0.14, 0.5, 0.4], [0.55, 0.4, 0.55, 0.14, 0.68, 0.14, 0.77, 0.4]] },
    3: { shapes: [[0.2, 0.7, 0.3, 0.34, 0.6, 0.3, 0.58, 0.02, 0.78, 0, 0.68, 0.12, 0.8, 0.7, 0.5, 0.82]], rounds: [[0.2, 0.72, 0.2, 0.28], [0.8, 0.72, 0.2, 0.28]] },
  };
  function thing(pen, kind, left, top, width, height) {
    const { shapes, rounds, holes = [] } = THINGS[Math.max(1, Math.min(3, Math.round(kind)))];
    const fill = (corners) => {
      pen.beginPath();
      for (let k = 0; k < corners.length; k += 2) pen.lineTo(left + corners[k] * width, top + corners[k + 1] * height);
      pen.fill();
    };
    pen.fillStyle = color("quiet");
    shapes.forEach(fill);
    for (const [x, y, a, b] of rounds) { pen.beginPath(); pen.ellipse(left + x * width, top + y * height, a * width, b * height, 0, 0, 7); pen.fill(); }
    pen.fillStyle = color("paper");
    holes.forEach(fill);
  }
  // Axes over a range of numbers, with marks at round ones; gives where a number is, across and up.
  function axes(pen, width, height, { low, high, bottom, top }, spell) {
    const foot = 18, across = (value) => (value - low) / (high - low) * width, up = (value) => (height - foot) * (1 - (value - bottom) / (top - bottom));
    const ticks = (from, to, most) => {
      const rough = (to - from) / most, size = 10 ** Math.floor(Math.log10(rough)), step = size * [1, 2, 5, 10].find((one) => one * size >= rough * 0.999);
      return Array.from({ length: Math.floor((to - from) / step + 1e-9) + 1 }, (_, k) => (Math.ceil(from / step - 1e-9) + k) * step).filter((one) => one <= to + 1e-9);
    };
    const rule = (a, b, c, d) => { pen.beginPath(); pen.moveTo(a, b); pen.lineTo(c, d); pen.stroke(); };
    pen.lineWidth = 1;
    pen.font = "12px system-ui, sans-serif";
    pen.fillStyle = color("quiet");
    pen.strokeStyle = color("line");
    pen.textAlign = "center";
    for (const tick of ticks(low, high, width / 55)) {
      rule(across(tick), 0, across(tick), height - foot);
      if (across(tick) > 8 && across(tick) < width - 8) pen.fillText(spell(tick), across(tick), height - 4);
    }
    pen.textAlign = "left";
    for (const tick of ticks(bottom, top, height / 45)) {
      rule(0, up(tick), width, up(tick));
      if (up(tick) > 14) pen.fillText(spell(tick), 3, up(tick) - 3);
    }
    pen.strokeStyle = color("quiet");
    if (bottom <= 0 && top >= 0) rule(0, up(0), width, up(0));
    if (low <= 0 && high >= 0) rule(across(0), 0, across(0), height - foot);
    return { across, up, floor: height - foot };
  }
  function through(pen, points, name, width = 2.2) {
    pen.strokeStyle = color(name);
    pen.lineWidth = width;
    pen.beginPath();
    for (const [x, y] of points) pen.lineTo(x, y);
    pen.stroke();
  }
  // Handles that are held and moved; places are shares of the drawing, from the left and from the top. From the keyboard
  // Enter goes to the next handle and the arrows move it. Gives a function that rings the one at hand.
  function drag(element, { handles, move, chosen = () => {}, near = 0.08 }) {
    let held = null, at = 0;
    const share = (event) => {
      const box = element.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    };
    const within = (part) => Math.max(0, Math.min(1, part));
    element.tabIndex = 0;
    element.setAttribute("role", "application");
    element.dataset.label = "keys";
    element.addEventListener("pointerdown", (event) => {
      const [a, b] = share(event), shape = element.clientHeight / element.clientWidth;
      const far = handles().map(({ place }) => Math.hypot(place[0] - a, (place[1] - b) * shape)), least = Math.min(...far);
      if (!(least <= near)) return;
      at = far.indexOf(least);
      held = handles()[at].key;
      chosen(held);
      move(held, within(a), within(b));
      element.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    element.addEventListener("pointermove", (event) => { if (held !== null) move(held, ...share(event).map(within)); });
    for (const name of ["pointerup", "pointercancel"]) element.addEventListener(name, () => { held = null; });
    element.addEventListener("keydown", (event) => {
      const all = handles(), [right, down] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
      if (!all.length || !(right || down || event.key === "Enter")) return;
      event.preventDefault();
      if (event.key === "Enter") at += 1;
      at %= all.length;
      const { key, place } = all[at];
      chosen(key);
      if (right || down) move(key, within(place[0] + 0.025 * right), within(place[1] + 0.025 * down));
      else element.dispatchEvent(new FocusEvent("focusin", { bubbles: true }));
    });
    return (pen, width, height) => {
      const one = handles()[at];
      if (document.activeElement !== element || !one) return;
      pen.strokeStyle = color("accent");
      pen.lineWidth = 2;
      pen.beginPath(); pen.arc(one.place[0] * width, one.place[1] * height, 13, 0, 7); pen.stroke();
    };
  }
  return { COLORS, color, canvas, ground, shares, contour, dot, thing, axes, through, drag };
})();
