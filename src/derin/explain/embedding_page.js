// The page's whole behavior. Data come from the JSON block; nothing is loaded from anywhere.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const words = data.words;
  const number = new Intl.NumberFormat(data.language);
  const share = new Intl.NumberFormat(data.language, { style: "percent", maximumFractionDigits: 1 });
  const value = new Intl.NumberFormat(data.language, { maximumSignificantDigits: 5 });
  const element = (id) => document.getElementById(id);
  const NONE = 65535; // in place of a group
  const SHADES = 32; // colors of a scale of numbers

  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
  // Every coordinate is a step between −1 and 1, alike on all axes.
  const steps = new Uint16Array(bytes(data.points));
  const points = Float32Array.from(steps, (step) => step / 32767.5 - 1);
  const wrong = new Uint8Array(bytes(data.wrong));
  const confidence = data.confidence ? new Uint8Array(bytes(data.confidence)) : null;
  const numbers = data.groups === null;
  const kinds = {};
  for (const side of ["truth", "predicted"]) {
    if (data[side]) kinds[side] = numbers ? new Float32Array(bytes(data[side])) : new Uint16Array(bytes(data[side]));
  }
  const total = points.length / data.dim;
  const is3d = data.dim === 3;
  const texts = data.names.map((name, i) =>
    [name, said("truth", i), said("predicted", i), ...(data.rows ? data.rows[i] : [])].join(" ").toLocaleLowerCase(data.language));

  const canvas = element("canvas");
  const context = canvas.getContext("2d");
  const screen = new Float32Array(total * 2);
  const depth = new Float32Array(total);
  const visible = new Uint8Array(total);
  const hidden = new Set();
  let colorBy = kinds.truth ? "truth" : "predicted";
  let order = new Uint32Array(0);
  let camera, hovered = -1, pinned = -1, waiting = false, ratio = 1, sprites = [];

  function said(side, i) {
    if (!kinds[side]) return "";
    if (numbers) return value.format(kinds[side][i]);
    return kinds[side][i] === NONE ? "" : data.groups[kinds[side][i]];
  }

  // Colors: ten that are told apart at a glance, then turns of the golden angle.
  const PALETTE = ["#3b74d6", "#e8762c", "#2f9e5b", "#d43f51", "#8b62c9", "#8a6146", "#e06bb5", "#7b8794", "#b3a523", "#22aebf"];
  const color = (group) => group === NONE ? "#9aa1ab" : PALETTE[group]
    ?? `hsl(${(group * 137.508) % 360} 58% ${group % 3 === 0 ? 38 : group % 3 === 1 ? 52 : 64}%)`;
  const shade = (k) => {
    const t = k / (SHADES - 1);
    return `hsl(${265 - 215 * t} ${62 + 25 * t}% ${28 + 32 * t}%)`;
  };
  let low = 0, high = 1;
  if (numbers) {
    low = Infinity; high = -Infinity;
    for (const side in kinds) for (const v of kinds[side]) if (isFinite(v)) { low = Math.min(low, v); high = Math.max(high, v); }
  }
  const colorIndex = (i) => {
    const found = kinds[colorBy][i];
    if (!numbers) return found === NONE ? data.groups.length : found;
    return Math.round((SHADES - 1) * Math.min(1, Math.max(0, (found - low) / (high - low || 1)))) || 0;
  };
  const colors = numbers ? Array.from({ length: SHADES }, (_, k) => shade(k)) : [...data.groups.map((_, g) => color(g)), color(NONE)];

  // Points are stamped: drawing a small picture is several times as fast as drawing a circle.
  function makeSprites(radius) {
    const side = Math.ceil(radius * 2 + 2);
    sprites = colors.map((fill) => {
      const stamp = document.createElement("canvas");
      stamp.width = stamp.height = side;
      const pen = stamp.getContext("2d");
      pen.beginPath();
      pen.arc(side / 2, side / 2, radius, 0, 2 * Math.PI);
      pen.fillStyle = fill;
      pen.fill();
      pen.strokeStyle = "rgba(255,255,255,.55)";
      pen.lineWidth = Math.max(0.5, radius * 0.18);
      pen.stroke();
      return stamp;
    });
  }

  function reset() {
    // A little turned, so that space is seen as space.
    const a = 0.6, b = 0.35;
    camera = { zoom: 1, x: 0, y: 0, turn: is3d
      ? [Math.cos(a), 0, -Math.sin(a), Math.sin(a) * Math.sin(b), Math.cos(b), Math.cos(a) * Math.sin(b),
         Math.sin(a) * Math.cos(b), -Math.sin(b), Math.cos(a) * Math.cos(b)]
      : null };
    draw();
  }

  // Turning about the screen's own axes: what is dragged follows the hand, however it lies.
  function turn(dx, dy) {
    const [ca, sa, cb, sb] = [Math.cos(dx), Math.sin(dx), Math.cos(dy), Math.sin(dy)];
    const step = [ca, 0, sa, sb * sa, cb, -sb * ca, -cb * sa, sb, cb * ca];
    const old = camera.turn, now = new Array(9);
    for (let r = 0; r < 3; r++) for (let c = 0; c < 3; c++) {
      now[3 * r + c] = step[3 * r] * old[c] + step[3 * r + 1] * old[3 + c] + step[3 * r + 2] * old[6 + c];
    }
    camera.turn = now;
  }

  const unit = () => Math.min(canvas.width, canvas.height) * (is3d ? 0.36 : 0.46) * camera.zoom;

  function place() {
    const scale = unit(), cx = canvas.width / 2 + camera.x * ratio, cy = canvas.height / 2 + camera.y * ratio;
    if (!is3d) {
      for (let i = 0; i < total; i++) {
        screen[2 * i] = cx + scale * points[2 * i];
        screen[2 * i + 1] = cy - scale * points[2 * i + 1];
      }
      return;
    }
    const m = camera.turn;
    for (let i = 0; i < total; i++) {
      const x = points[3 * i], y = points[3 * i + 1], z = points[3 * i + 2];
      const d = m[6] * x + m[7] * y + m[8] * z;
      const near = 3.2 / (3.2 - d); // the eye stands 3.2 half-widths away
      screen[2 * i] = cx + scale * near * (m[0] * x + m[1] * y + m[2] * z);
      screen[2 * i + 1] = cy - scale * near * (m[3] * x + m[4] * y + m[5] * z);
      depth[i] = d;
    }
  }

  // Far points first. 1,024 layers of depth are counted, which is faster than sorting.
  const layerOf = new Uint16Array(total);
  const sorted = new Uint32Array(total);
  function byDepth() {
    const starts = new Uint32Array(1025);
    for (const i of order) {
      layerOf[i] = Math.min(1023, Math.max(0, (depth[i] + 1.75) * 292));
      starts[layerOf[i] + 1]++;
    }
    for (let k = 1; k < 1025; k++) starts[k] += starts[k - 1];
    for (const i of order) sorted[starts[layerOf[i]]++] = i;
    return sorted.subarray(0, order.length);
  }

  function draw() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      place();
      context.clearRect(0, 0, canvas.width, canvas.height);
      if (is3d) drawAxes();
      const half = sprites[0].width / 2, width = canvas.width + half, height = canvas.height + half;
      context.globalAlpha = order.length > 4000 ? 0.75 : 0.88;
      for (const i of is3d ? byDepth() : order) {
        const x = screen[2 * i], y = screen[2 * i + 1];
        if (x > -half && y > -half && x < width && y < height) context.drawImage(sprites[colorIndex(i)], x - half, y - half);
      }
      context.globalAlpha = 1;
      for (const i of new Set([pinned, hovered])) if (i >= 0 && visible[i]) ring(i);
    });
  }

  function ring(i) {
    context.beginPath();
    context.arc(screen[2 * i], screen[2 * i + 1], sprites[0].width * 0.62, 0, 2 * Math.PI);
    context.lineWidth = 2 * ratio;
    context.strokeStyle = getComputedStyle(document.body).color;
    context.stroke();
  }

  function drawAxes() {
    const m = camera.turn, scale = unit(), cx = canvas.width / 2 + camera.x * ratio, cy = canvas.height / 2 + camera.y * ratio;
    context.strokeStyle = context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--faint");
    context.lineWidth = ratio;
    context.font = `${11 * ratio}px system-ui, sans-serif`;
    for (let axis = 0; axis < 3; axis++) {
      const end = (sign) => {
        const near = 3.2 / (3.2 - sign * m[6 + axis]);
        return [cx + sign * scale * near * m[axis], cy - sign * scale * near * m[3 + axis]];
      };
      const [from, to] = [end(-1), end(1)];
      context.beginPath();
      context.moveTo(...from);
      context.lineTo(...to);
      context.stroke();
      context.fillText(data.axes[axis], to[0] + 5 * ratio, to[1]);
    }
  }

  function choose() {
    const asked = element("search").value.trim().toLocaleLowerCase(data.language);
    const onlyWrong = element("mistakes").checked;
    const kept = [];
    for (let i = 0; i < total; i++) {
      visible[i] = (!hidden.size || !hidden.has(colorIndex(i))) && (!onlyWrong || wrong[i]) && (!asked || texts[i].includes(asked));
      if (visible[i]) kept.push(i);
    }
    order = Uint32Array.from(kept);
    element("count").textContent = words.count.replace("{shown}", number.format(kept.length)).replace("{total}", number.format(total));
    if (hovered >= 0 && !visible[hovered]) hover(-1);
    if (pinned >= 0 && !visible[pinned]) { pinned = -1; show(-1); }
    draw();
  }

  function legend() {
    const list = element("legend");
    list.replaceChildren();
    if (numbers) {
      const bar = document.createElement("div");
      bar.className = "bar";
      bar.style.background = `linear-gradient(to right, ${colors.join(",")})`;
      const ends = document.createElement("div");
      ends.className = "ends";
      ends.append(...[low, high].map((v) => Object.assign(document.createElement("span"), { textContent: value.format(v) })));
      list.append(bar, ends);
      return;
    }
    const counts = new Uint32Array(colors.length);
    for (let i = 0; i < total; i++) counts[colorIndex(i)]++;
    colors.forEach((fill, group) => {
      if (!counts[group]) return;
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", String(!hidden.has(group)));
      const dot = document.createElement("i");
      dot.style.background = fill;
      const name = document.createElement("span");
      name.textContent = data.groups[group] ?? words.unknown;
      const num = document.createElement("small");
      num.textContent = number.format(counts[group]);
      button.append(dot, name, num);
      button.title = words.toggle;
      button.addEventListener("click", (event) => {
        const shown = [...counts.keys()].filter((g) => counts[g] && !hidden.has(g));
        if (event.shiftKey || event.altKey) {
          // This one alone, or all again.
          const alone = shown.length === 1 && shown[0] === group;
          hidden.clear();
          if (!alone) counts.forEach((num, g) => { if (num && g !== group) hidden.add(g); });
        } else if (!hidden.delete(group)) hidden.add(group);
        legend();
        choose();
      });
      list.append(button);
    });
  }

  // The card of an example: picture, name, truth, answer, and its row of numbers.
  const sheets = (data.sheets ?? []).map((source) => Object.assign(new Image(), { src: source }));
  function show(i) {
    const card = element("card");
    card.hidden = i < 0;
    if (i < 0) return;
    const picture = element("picture");
    picture.hidden = !sheets.length;
    if (sheets.length) {
      const [width, height] = data.tile, inSheet = i % data.per_sheet;
      const enlarged = Math.max(1, Math.floor(176 / Math.max(width, height)));
      picture.width = width * enlarged;
      picture.height = height * enlarged;
      const pen = picture.getContext("2d");
      pen.imageSmoothingEnabled = false;
      pen.drawImage(sheets[Math.floor(i / data.per_sheet)], (inSheet % data.per_line) * width,
        Math.floor(inSheet / data.per_line) * height, width, height, 0, 0, picture.width, picture.height);
    }
    element("name").textContent = data.names[i];
    const facts = element("facts");
    facts.replaceChildren();
    const fact = (term, text, className) => {
      const name = Object.assign(document.createElement("dt"), { textContent: term });
      const said = Object.assign(document.createElement("dd"), { textContent: text });
      if (className) said.className = className;
      facts.append(name, said);
    };
    if (kinds.truth) fact(words.truth, said("truth", i));
    const sure = confidence ? ` (${share.format(confidence[i] / 255)})` : "";
    fact(words.predicted, said("predicted", i) + sure, wrong[i] && !numbers ? "wrong" : "");
    if (data.rows) data.columns.forEach((column, k) => fact(column, data.rows[i][k]));
  }

  function hover(i) {
    if (i === hovered) return;
    hovered = i;
    show(i >= 0 ? i : pinned);
    draw();
  }

  // Of the points near the pointer the one in front, that is the nearest to the eye or the last drawn.
  function under(event) {
    const box = canvas.getBoundingClientRect();
    const x = (event.clientX - box.left) * ratio, y = (event.clientY - box.top) * ratio;
    const reach = (sprites[0].width / 2 + 3 * ratio) ** 2;
    let found = -1, best = Infinity;
    for (const i of order) {
      const away = (screen[2 * i] - x) ** 2 + (screen[2 * i + 1] - y) ** 2;
      if (away <= reach && away - (is3d ? depth[i] * reach * 0.5 : 0) <= best) {
        best = away - (is3d ? depth[i] * reach * 0.5 : 0);
        found = i;
      }
    }
    return found;
  }

  function zoomAt(factor, clientX, clientY) {
    const box = canvas.getBoundingClientRect();
    const x = clientX - box.left - box.width / 2, y = clientY - box.top - box.height / 2;
    const next = Math.min(200, Math.max(0.2, camera.zoom * factor)), real = next / camera.zoom;
    camera.x = x - (x - camera.x) * real;
    camera.y = y - (y - camera.y) * real;
    camera.zoom = next;
    draw();
  }

  const fingers = new Map();
  let moved = 0;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event);
    moved = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return hover(under(event));
    const dx = event.clientX - before.clientX, dy = event.clientY - before.clientY;
    moved += Math.abs(dx) + Math.abs(dy);
    if (fingers.size === 2) {
      const other = [...fingers].find(([id]) => id !== event.pointerId)[1];
      const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
      zoomAt(apart(event) / apart(before), other.clientX, other.clientY);
    } else if (is3d && !(event.shiftKey || event.buttons === 2)) {
      turn(dx * 0.008, dy * 0.008);
    } else {
      camera.x += dx;
      camera.y += dy;
    }
    fingers.set(event.pointerId, event);
    draw();
  });
  for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, (event) => {
    fingers.delete(event.pointerId);
    if (kind === "pointerup" && moved < 5) {
      const found = under(event);
      pinned = found === pinned ? -1 : found;
      hovered = found;
      show(found >= 0 ? found : pinned);
      draw();
    }
  });
  canvas.addEventListener("pointerleave", () => { if (!fingers.size) hover(-1); });
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("dblclick", reset);
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomAt(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.clientX, event.clientY);
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const box = canvas.getBoundingClientRect();
    if (arrow && is3d && !event.shiftKey) turn(arrow[0] * 0.1, arrow[1] * 0.1);
    else if (arrow) { camera.x += arrow[0] * 30; camera.y += arrow[1] * 30; }
    else if (event.key === "+" || event.key === "-") {
      return zoomAt(event.key === "+" ? 1.25 : 0.8, box.left + box.width / 2, box.top + box.height / 2);
    } else if (event.key === "0") return reset();
    else return;
    event.preventDefault();
    draw();
  });
  element("reset").addEventListener("click", reset);
  element("search").addEventListener("input", choose);
  element("mistakes").addEventListener("change", choose);
  element("color").addEventListener("change", (event) => {
    colorBy = event.target.value;
    hidden.clear();
    legend();
    choose();
  });
  element("color").closest("label").hidden = !kinds.truth;
  element("mistakes").closest("label").hidden = !kinds.truth;

  new ResizeObserver(() => {
    ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    makeSprites((total > 6000 ? 2.6 : total > 1500 ? 3.4 : 4.6) * ratio);
    draw();
  }).observe(canvas);
  makeSprites(4);
  legend();
  reset();
  choose();
})();
