// The playground: settings, the network as one clicks it together, its maps, its losses, and every number of a step.
"use strict";

const PLAYGROUND = (() => {
  const DEFAULTS = { data: "circles", num: 200, noise: 0.05, testShare: 0.3, hidden: [4, 2], activation: "tanh", initializer: "xavier",
    optimizer: "adam", learningRate: 0.03, batchSize: 10, l1: 0, weightDecay: 0, dropout: 0, batchNorm: false, seed: 0 };
  const CHOICES = {
    data: [...Object.keys(DATA.SETS), "own"], activation: Object.keys(ENGINE.ACTIVATIONS), initializer: Object.keys(ENGINE.DEVIATIONS),
    optimizer: Object.keys(ENGINE.OPTIMIZERS), learningRate: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3], batchSize: [1, 2, 5, 10, 20, 50, 200],
    l1: [0, 0.0001, 0.001, 0.01, 0.1], weightDecay: [0, 0.0001, 0.001, 0.01, 0.1], dropout: [0, 0.1, 0.25, 0.5],
    num: [20, 50, 100, 200, 400], noise: [0, 0.05, 0.1, 0.2, 0.4], testShare: [0, 0.1, 0.3, 0.5, 0.7], batchNorm: [false, true], seed: null,
  };
  const GROUPS = [["data", "num", "noise", "testShare", "seed"], ["activation", "initializer", "batchNorm", "dropout"],
    ["optimizer", "learningRate", "batchSize", "l1", "weightDecay"]];
  const MOST_LAYERS = 5, MOST_UNITS = 8, CELLS = 40;
  const settings = structuredClone(DEFAULTS);
  let own = [], task = "binary", trainer = null, running = false, pen = "one", chosen = null, reach = 1.2;

  // ── data ──────────────────────────────────────────────────────────────────────────────────────────────────────
  const rowsNow = () => settings.data === "own" ? own : DATA.generate(settings.data, settings.num, settings.noise, settings.seed);
  const taskOf = (rows) => rows.every((row) => [0, 1].includes(row[2])) ? "binary" : rows.every((row) => [0, 1, 2].includes(row[2])) ? "softmax" : "mse";
  // Rows of x₁, x₂ and the answer; columns of x are brought to mean 0 and deviation ½, and two or three words become 0, 1 and 2.
  function readTable(text) {
    const cells = text.split(/\r?\n/).map((line) => line.split(/[;,\t]| +/).map((cell) => cell.trim()).filter(Boolean)).filter((row) => row.length >= 3);
    const isNumber = (cell) => cell !== "" && Number.isFinite(Number(cell));
    const body = cells.length && !isNumber(cells[0][0]) ? cells.slice(1) : cells;
    const answers = body.map((row) => row.at(-1)), names = [...new Set(answers)].sort();
    const numeric = answers.every(isNumber);
    if (body.length < 4 || !body.every((row) => isNumber(row[0]) && isNumber(row[1])) || (!numeric && ![2, 3].includes(names.length))) return null;
    const columns = [0, 1].map((k) => {
      const values = body.map((row) => Number(row[k])), mean = values.reduce((a, b) => a + b, 0) / values.length;
      const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) || 1;
      return values.map((value) => Number(((value - mean) / deviation / 2).toPrecision(9)));
    });
    const scores = numeric ? answers.map(Number) : answers.map((name) => names.indexOf(name));
    const two = [...new Set(scores)].sort((a, b) => a - b);
    return scores.slice(0, 2000).map((score, k) => [columns[0][k], columns[1][k], two.length === 2 ? two.indexOf(score) : score]);
  }

  // ── from settings to a network ────────────────────────────────────────────────────────────────────────────────
  function begin() {
    if (settings.batchNorm && settings.batchSize < 2) settings.batchSize = 2;
    const rows = rowsNow();
    task = settings.data === "own" ? taskOf(rows) : DATA.SETS[settings.data].task;
    trainer = rows.length < 2 ? null : new Trainer(settings, rows, task);
    reach = Math.max(1.2, ...rows.map((row) => 1.08 * Math.max(Math.abs(row[0]), Math.abs(row[1]))));
    element("board").dataset.task = task;
    chosen = null;
    showSettings();
    show();
  }
  function change(name, value) {
    settings[name] = value;
    if (name === "data" && value === "own" && !own.length) own = DATA.generate("blobs", 12, 0, 0);
    begin();
  }
  const run = () => {
    if (!running || !trainer) return;
    const until = performance.now() + 25, most = Number(element("speed").value);
    for (let k = 0; k < most && performance.now() < until; k++) trainer.advance();
    trainer.record();
    show();
    requestAnimationFrame(run);
  };
  function toggle(on = !running) {
    running = on && trainer !== null;
    element("play").textContent = say(running ? "pause" : "run");
    if (running) run();
    else show();
  }
  function step() {
    toggle(false);
    if (!trainer) return;
    trainer.advance();
    trainer.record();
    show();
  }

  // ── settings on the page ──────────────────────────────────────────────────────────────────────────────────────
  const inputs = new Map();
  function makeSettings() {
    GROUPS.forEach((names, group) => {
      const holder = all(".settings")[group];
      for (const name of names) {
        const list = CHOICES[name], input = list
          ? tag("select", { id: `set_${name}`, onchange: () => change(name, list[input.selectedIndex]) })
          : tag("input", { id: `set_${name}`, type: "number", min: 0, max: 999, step: 1, onchange: () => change(name, Math.max(0, Math.round(Number(input.value) || 0))) });
        const label = tag("label", { htmlFor: `set_${name}` });
        inputs.set(name, [input, label]);
        holder.append(label, input);
      }
    });
    element("layer_more").addEventListener("click", () => { if (settings.hidden.length < MOST_LAYERS) change("hidden", [...settings.hidden, 2]); });
    element("layer_less").addEventListener("click", () => change("hidden", settings.hidden.slice(0, -1)));
  }
  function showSettings() {
    for (const [name, [input, label]] of inputs) {
      label.textContent = say(`set_${name}`);
      const list = CHOICES[name];
      if (list) input.replaceChildren(...list.map((one) => tag("option", { selected: one === settings[name],
        textContent: typeof one === "number" ? spell(one) : typeof one === "boolean" ? say(one ? "yes" : "no") : data.words[page.language][`${name}_${one}`] ?? one })));
      else input.value = settings[name];
      input.disabled = settings.data === "own" && (name === "num" || name === "noise");
    }
    element("units").replaceChildren(...settings.hidden.map((units, layer) => {
      const resize = (by) => change("hidden", settings.hidden.map((size, k) => k === layer ? Math.max(1, Math.min(MOST_UNITS, size + by)) : size));
      return tag("span", { className: "units" }, tag("button", { type: "button", textContent: "−", "aria-label": say("unit_less", { layer: layer + 1 }), onclick: () => resize(-1) }),
        ` ${units} `, tag("button", { type: "button", textContent: "+", "aria-label": say("unit_more", { layer: layer + 1 }), onclick: () => resize(1) }));
    }));
  }

  // ── pictures ──────────────────────────────────────────────────────────────────────────────────────────────────
  let board = null, net = null, curve = null, places = [];
  const grid = new Float64Array(2 * CELLS * CELLS);
  // What every unit makes of every place of the plane: a list of columns of units, the inputs first.
  function maps() {
    for (let row = 0; row < CELLS; row++) for (let column = 0; column < CELLS; column++) {
      grid[2 * (row * CELLS + column)] = ((column + 0.5) / CELLS * 2 - 1) * reach;
      grid[2 * (row * CELLS + column) + 1] = (1 - (row + 0.5) / CELLS * 2) * reach;
    }
    const out = trainer.predict(grid), { layers } = trainer.network;
    const hidden = layers.filter((layer) => layer.kind in ENGINE.ACTIVATIONS).map((layer) => layer.output);
    return [{ columns: 2, data: grid }, ...hidden, task === "softmax" ? ENGINE.softmax(out) : out];
  }
  const KINDS = ["zero", "one", "good"];
  const shown = (value) => task === "softmax" ? 2 * value - 1 : task === "binary" ? 2 / (1 + Math.exp(-value)) - 1 : value;
  const squash = (value) => value / Math.max(1, reach / 1.2);
  function showBoard(out) {
    const { pen: ink, width, height } = board.begin();
    if (out.columns === KINDS.length && task === "softmax") DRAW.shares(ink, width, height, CELLS, CELLS, KINDS, (c, r, kind) => out.data[(r * CELLS + c) * KINDS.length + kind]);
    else DRAW.ground(ink, width, height, CELLS, CELLS, (c, r) => shown(out.data[r * CELLS + c]));
    if (task === "binary") {
      const at = (a, b) => out.data[Math.min(CELLS - 1, Math.floor(b * CELLS)) * CELLS + Math.min(CELLS - 1, Math.floor(a * CELLS))];
      ink.strokeStyle = DRAW.color("ink");
      ink.lineWidth = 1.4;
      ink.save();
      ink.translate(width / CELLS / 2, height / CELLS / 2);
      DRAW.contour(ink, width * (CELLS - 1) / CELLS, height * (CELLS - 1) / CELLS, CELLS - 1, CELLS - 1, (a, b) => at(a * (CELLS - 1) / CELLS + 1e-9, b * (CELLS - 1) / CELLS + 1e-9));
      ink.restore();
    }
    const tested = new Set(trainer.test);
    trainer.rows.forEach(([a, b, answer], row) => {
      const x = (a / reach + 1) / 2 * width, y = (1 - b / reach) / 2 * height, kind = task === "softmax" ? KINDS[answer] : answer > (task === "binary" ? 0.5 : 0) ? "one" : "zero";
      ink.globalAlpha = task !== "mse" ? 1 : 0.35 + 0.65 * Math.min(1, Math.abs(answer));
      if (!tested.has(row)) DRAW.dot(ink, x, y, kind, 4.2);
      else { ink.beginPath(); ink.arc(x, y, 3.6, 0, 7); ink.lineWidth = 1.8; ink.strokeStyle = DRAW.color(kind); ink.fillStyle = DRAW.color("paper"); ink.fill(); ink.stroke(); }
      ink.globalAlpha = 1;
    });
  }
  // Edges by their weight, units by their maps; the places are kept for clicks.
  function showNet(columns) {
    const { pen: ink, width, height } = net.begin(), dense = trainer.network.layers.filter((layer) => layer.kind === "dense");
    const side = Math.min(52, width / columns.length * 0.62, height / Math.max(...columns.map((one) => one.columns)) * 0.8);
    places = columns.map((one, column) => Array.from({ length: one.columns }, (_, unit) => ({
      x: (column + 0.5) / columns.length * width, y: (unit + 0.5) / one.columns * height, side })));
    dense.forEach((layer, column) => places[column + 1].forEach((to, o) => places[column].forEach((from, i) => {
      const weight = layer.weight.data[o * layer.inputs + i];
      ink.beginPath();
      ink.moveTo(from.x + side / 2, from.y);
      ink.bezierCurveTo((from.x + to.x) / 2, from.y, (from.x + to.x) / 2, to.y, to.x - side / 2, to.y);
      ink.lineWidth = Math.min(7, 0.6 + 2.4 * Math.abs(weight));
      ink.globalAlpha = Math.min(1, 0.25 + Math.abs(weight) / 2);
      ink.strokeStyle = DRAW.color(weight < 0 ? "zero" : "one");
      ink.stroke();
      ink.globalAlpha = 1;
    })));
    columns.forEach((one, column) => places[column].forEach(({ x, y }, unit) => {
      ink.save();
      ink.translate(x - side / 2, y - side / 2);
      const last = column === columns.length - 1;
      DRAW.ground(ink, side, side, CELLS / 2, CELLS / 2, (c, r) => { const value = one.data[(2 * r * CELLS + 2 * c) * one.columns + unit]; return last ? shown(value) : column ? value : squash(value); });
      ink.strokeStyle = DRAW.color(chosen && chosen[0] === column && chosen[1] === unit ? "ink" : "quiet");
      ink.lineWidth = chosen && chosen[0] === column && chosen[1] === unit ? 3 : 1;
      ink.strokeRect(0, 0, side, side);
      ink.restore();
      if (column) return;
      ink.fillStyle = DRAW.color("ink");
      ink.font = "italic 13px Georgia, serif";
      ink.textAlign = "center";
      ink.fillText(["x₁", "x₂"][unit], x, y - side / 2 - 5);
    }));
  }
  function showCurve() {
    const { pen: ink, width, height } = curve.begin(), { history } = trainer;
    const values = history.flatMap(([, train, test]) => [train, test]).filter(Number.isFinite), top = Math.max(...values) || 1, last = Math.max(1, history.at(-1)[0]);
    ink.strokeStyle = DRAW.color("line");
    for (let k = 0; k <= 3; k++) { ink.beginPath(); ink.moveTo(0, 4 + k / 3 * (height - 8)); ink.lineTo(width, 4 + k / 3 * (height - 8)); ink.stroke(); }
    [["zero", 1], ["one", 2]].forEach(([color, column]) => {
      ink.beginPath();
      const every = Math.max(1, Math.floor(history.length / 600));
      history.forEach((point, k) => { if (k % every && k < history.length - 1) return; if (Number.isFinite(point[column])) ink.lineTo(point[0] / last * width, height - 4 - point[column] / top * (height - 8)); });
      ink.strokeStyle = DRAW.color(color);
      ink.lineWidth = 2;
      ink.stroke();
    });
  }

  // ── every number of the latest step ───────────────────────────────────────────────────────────────────────────
  const numbersOf = (name, shape, values) => new Numbers(name, shape, values);
  function table(title, numbers, tell) {
    const holder = tag("div", {}), line = tag("p", { className: "told" });
    const draw = (at = null) => TENSOR.draw(holder, numbers, { lead: [], chosen: at, spell, dark: page.dark, cellLabel: (place) => `[${place.join(", ")}]`,
      onCell: (place) => { draw(place); line.textContent = tell ? tell(place) : `[${place.join(", ")}] = ${spell(numbers.at(place), 8)}`; } });
    draw();
    return tag("div", { className: "numbers" }, tag("h4", { textContent: title }), holder, line);
  }
  const part = (value) => value < 0 ? `(${spell(value)})` : spell(value);
  const sumOf = (pairs) => pairs.map((factors) => factors.map(part).join("·")).join(" + ");
  function showNumbers() {
    const holder = element("step_numbers"), { latest } = trainer;
    element("step_hint").hidden = Boolean(latest) && !running;
    if (!latest || running) return holder.replaceChildren();
    const size = latest.rows.length, { layers } = latest;
    const blocks = [tag("section", {}, tag("h3", { textContent: say("the_batch", { count: size }) }), tag("div", { className: "row" },
      table("x", numbersOf("x", [size, 2], latest.x.data)), table("y", numbersOf("y", [size, 1], Float64Array.from(latest.targets)))),
    tag("p", {}, say("loss_of_step"), " ", tag("b", { textContent: spell(latest.loss, 8) })))];
    let before = latest.x;
    layers.forEach(({ kind, output, gradient, parameters }, number) => {
      const input = before, weight = parameters.find((one) => one.name === "weight"), bias = parameters.find((one) => one.name === "bias");
      const how = kind === "dense" ? ([b, o]) => `[${b}, ${o}] = ${sumOf(Array.from({ length: input.columns }, (_, i) => [weight.before[o * input.columns + i], input.data[b * input.columns + i]]))}${bias ? ` + ${part(bias.before[o])}` : ""} = ${spell(output.data[b * output.columns + o], 8)}`
        : kind in ENGINE.ACTIVATIONS ? ([b, o]) => `[${b}, ${o}] = ${kind}(${spell(input.data[b * input.columns + o])}) = ${spell(output.data[b * output.columns + o], 8)}` : null;
      const tables = [table(say("output"), numbersOf("output", [output.rows, output.columns], output.data), how),
        table(say("slope_of_output"), numbersOf("gradient", [gradient.rows, gradient.columns], gradient.data))];
      for (const one of parameters) {
        const shape = one.shape.length === 1 ? [1, one.shape[0]] : one.shape;
        const slope = one.name === "weight" ? ([o, i]) => `[${o}, ${i}] = ${sumOf(Array.from({ length: size }, (_, b) => [gradient.data[b * output.columns + o], input.data[b * input.columns + i]]))} = ${spell(one.gradient[o * shape[1] + i], 8)}` : null;
        tables.push(table(say("before", { name: one.name }), numbersOf(one.name, shape, one.before)), table(say("slope_of", { name: one.name }), numbersOf(one.name, shape, one.gradient), slope),
          table(say("after_step", { name: one.name }), numbersOf(one.name, shape, one.after)));
      }
      blocks.push(tag("section", {}, tag("h3", { textContent: `${number + 1}. ${say(`layer_${kind in ENGINE.ACTIVATIONS ? "activation" : kind}`)}${kind in ENGINE.ACTIVATIONS ? `: ${kind}` : ""}` }), tag("div", { className: "row" }, ...tables)));
      before = output;
    });
    holder.replaceChildren(...blocks);
  }

  // ── the same in Derin ─────────────────────────────────────────────────────────────────────────────────────────
  function commands() {
    const s = settings, quoted = s.data === "own" ? "points.csv" : s.data, tuple = `(${s.hidden.join(", ")}${s.hidden.length === 1 ? "," : ""})`;
    const lines = [`data="${quoted}"`, ...(s.data === "own" ? [] : [`num=${s.num}`, `noise=${s.noise}`]), `test_share=${s.testShare}`, `hidden=${tuple}`, `activation="${s.activation}"`,
      `initializer="${s.initializer}"`, `optimizer="${s.optimizer}"`, `learning_rate=${s.learningRate}`, `batch_size=${s.batchSize}`, `l1=${s.l1}`, `weight_decay=${s.weightDecay}`,
      `dropout=${s.dropout}`, `batch_norm=${s.batchNorm ? "True" : "False"}`, `seed=${s.seed}`];
    const python = `from derin.lessons.course.experiment import Experiment\n\nexperiment = Experiment(\n${lines.map((line) => `    ${line},\n`).join("")})\nexperiment.train(${trainer?.step ?? 0})\nprint(experiment.train_loss, experiment.test_loss)\n`;
    const flags = [`--task ${{ binary: "binary", softmax: "classification", mse: "regression" }[task]}`, "--model mlp", `--option 'hidden=[${s.hidden}]'`, `--option activation=${s.activation}`,
      ...(s.dropout ? [`--option dropout=${s.dropout}`] : []), ...(s.batchNorm ? ["--option batch_norm=true"] : []), `--optimizer ${s.optimizer}`, `--lr ${s.learningRate}`,
      `--batch-size ${s.batchSize}`, ...(s.l1 ? [`--l1 ${s.l1}`] : []), `--weight-decay ${s.weightDecay}`, "--schedule constant", "--epochs " + Math.max(1, Math.ceil((trainer?.step ?? 0) / (trainer?.stepsPerEpoch ?? 1))), `--seed ${s.seed}`];
    return { python, command: `derin train points.csv --target y ${flags.join(" ")}\n` };
  }
  const csv = () => `x1,x2,y\n${trainer.rows.map((row) => row.join(",")).join("\n")}\n`;

  function show() {
    element("play").disabled = element("one_step").disabled = !trainer;
    if (!trainer) return;
    if (element("board").offsetParent) {
      const columns = maps(), large = chosen ? columns[chosen[0]] : columns.at(-1), unit = chosen ? chosen[1] : 0;
      const last = !chosen || chosen[0] === columns.length - 1;
      showBoard(last ? columns.at(-1) : { columns: 1, data: Float64Array.from({ length: CELLS * CELLS }, (_, k) => task === "softmax" ? (1 + large.data[k * large.columns + unit]) / 2 : 2 * large.data[k * large.columns + unit]) });
      showNet(columns);
      showCurve();
    }
    const [, train, test] = trainer.history.at(-1);
    element("train_loss").textContent = spell(train, 5);
    element("test_loss").textContent = trainer.test.length ? spell(test, 5) : "–";
    element("counts").textContent = say("counted", { steps: trainer.step, epochs: spell(Math.floor(trainer.step / trainer.stepsPerEpoch)) });
    if (!running) {
      const { python, command } = commands();
      element("python").textContent = python;
      element("command").textContent = command;
      element("points").href = `data:text/csv;charset=utf-8,${encodeURIComponent(csv())}`;
    }
    showNumbers();
  }

  function place(a, b) {
    const point = [Number(((2 * a - 1) * reach).toFixed(3)), Number(((1 - 2 * b) * reach).toFixed(3))];
    if (settings.data !== "own") own = trainer.rows.map((row) => [...row]);
    if (pen === "erase") {
      const near = own.map((row) => Math.hypot(row[0] - point[0], row[1] - point[1])), best = near.indexOf(Math.min(...near));
      if (own.length > 4 && near[best] < 0.1 * reach) own.splice(best, 1);
    } else own.push([...point, task === "mse" ? (pen === "one" ? 1 : -1) : { zero: 0, one: 1, good: 2 }[pen]]);
    settings.data = "own";
    toggle(false);
    begin();
  }

  function open() {
    board = DRAW.canvas(element("board"), 1, "board_title");
    net = DRAW.canvas(element("net"), 0.78, "net_title");
    curve = DRAW.canvas(element("curve"), 0.42, "curve_title");
    makeSettings();
    element("play").addEventListener("click", () => toggle());
    element("one_step").addEventListener("click", step);
    element("again").addEventListener("click", () => { toggle(false); begin(); });
    board.element.addEventListener("click", (event) => {
      const box = board.element.getBoundingClientRect();
      place((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    });
    net.element.addEventListener("click", (event) => {
      const box = net.element.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
      chosen = null;
      places.forEach((column, k) => column.forEach((one, unit) => { if (Math.abs(one.x - x) < one.side / 2 && Math.abs(one.y - y) < one.side / 2) chosen = [k, unit]; }));
      show();
    });
    for (const button of all("[data-pen]")) button.addEventListener("click", () => {
      pen = button.dataset.pen;
      for (const other of all("[data-pen]")) other.setAttribute("aria-pressed", String(other === button));
    });
    element("file").addEventListener("change", async () => {
      const [file] = element("file").files;
      if (!file) return;
      const rows = readTable(await file.text());
      element("file_result").textContent = rows ? say("file_read", { count: rows.length }) : say("file_refused");
      if (!rows) return;
      own = rows;
      change("data", "own");
    });
    window.addEventListener("resize", show);
    page.redraw.push(() => { showSettings(); element("play").textContent = say(running ? "pause" : "run"); show(); });
    begin();
  }
  return { open, settings, change, step, place, readTable, commands, get trainer() { return trainer; } };
})();
window.openPage = PLAYGROUND.open;
