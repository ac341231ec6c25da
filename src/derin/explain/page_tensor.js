// One array on the page: numbers in a table where they are few, a heat map to click where they are many.
"use strict";

const TENSOR = (() => {
  const MOST_COLUMNS = 10, MOST_ROWS = 16, WRAP = 24;

  // Rows and columns of the last two axes; a long vector, alone or as the one row of a batch, may be wrapped into lines.
  function face(numbers, lead, wrapped) {
    const rank = numbers.shape.length;
    if (rank === 0) return { rows: 1, columns: 1, at: () => [] };
    const [rows, columns] = rank === 1 ? [1, numbers.shape[0]] : numbers.shape.slice(-2), first = rank === 1 ? [] : rows === 1 ? [...lead, 0] : null;
    if (!first || columns <= MOST_COLUMNS || !wrapped) return { rows, columns, at: (row, column) => first ? [...first, column] : [...lead, row, column] };
    const wide = Math.min(WRAP, Math.ceil(Math.sqrt(columns * 2)));
    return { rows: Math.ceil(columns / wide), columns: wide, wrapped: true, at: (row, column) => row * wide + column < columns ? [...first, row * wide + column] : null };
  }

  // From blue over paper to red, zero in the middle.
  function color(value, reach, dark) {
    const share = !Number.isFinite(value) ? Math.sign(value) || 0 : reach ? Math.max(-1, Math.min(1, value / reach)) : 0, weight = Math.abs(share) ** 0.7;
    const [paper, warm, cold] = dark ? [[24, 28, 36], [232, 96, 84], [84, 150, 240]] : [[255, 255, 255], [206, 60, 52], [36, 98, 200]];
    const end = share > 0 ? warm : cold;
    return paper.map((part, k) => Math.round(part + (end[k] - part) * weight));
  }

  function reachOf(numbers) {
    const { low, high } = numbers.summary(), whole = Math.max(Math.abs(low), Math.abs(high));
    // −∞ stands in masks of attention.
    return Number.isFinite(whole) || !numbers.data ? whole : numbers.data.reduce((most, value) => Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most, 0);
  }

  // A map of the last two axes, a pixel for each number; of rows and columns at most so many.
  function paint(canvas, numbers, lead, dark, { wrapped = false, most = [Infinity, Infinity] } = {}) {
    const shape = face(numbers, lead, wrapped), reach = reachOf(numbers), pen = canvas.getContext("2d");
    const rows = canvas.height = Math.min(shape.rows, most[0]), columns = canvas.width = Math.min(shape.columns, most[1]);
    const image = pen.createImageData(columns, rows);
    for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) {
      const at = shape.at(row, column), spot = 4 * (row * columns + column);
      if (!at) continue;
      const [r, g, b] = color(numbers.at(at), reach, dark);
      image.data.set([r, g, b, 255], spot);
    }
    pen.putImageData(image, 0, 0);
  }

  function draw(holder, numbers, { lead, chosen, spell, dark, onCell, cellLabel }) {
    holder.replaceChildren();
    const shape = face(numbers, lead, true), reach = reachOf(numbers);
    const isChosen = (at) => chosen && at && at.every((place, axis) => place === chosen[axis]);
    if (shape.rows <= MOST_ROWS && shape.columns <= MOST_COLUMNS) {
      const tableElement = document.createElement("table");
      for (let row = 0; row < shape.rows; row++) {
        const line = tableElement.insertRow();
        for (let column = 0; column < shape.columns; column++) {
          const at = shape.at(row, column), cell = line.insertCell();
          if (!at) continue;
          const value = numbers.at(at), [r, g, b] = color(value, reach, dark), button = document.createElement("button");
          button.type = "button";
          button.textContent = spell(value, shape.columns > 6 ? 4 : 5);
          button.dataset.at = at.join(",");
          button.setAttribute("aria-label", `${cellLabel(at)} = ${spell(value)}`);
          button.setAttribute("aria-pressed", String(Boolean(isChosen(at))));
          cell.style.background = `rgb(${r} ${g} ${b} / .5)`;
          button.addEventListener("click", () => onCell(at));
          cell.append(button);
        }
      }
      holder.append(tableElement);
      return;
    }
    const canvas = document.createElement("canvas");
    paint(canvas, numbers, lead, dark, { wrapped: true });
    const wide = Math.max(1, Math.min(18, Math.floor(480 / shape.columns), Math.max(4, Math.floor(360 / shape.rows))));
    const frame = document.createElement("div");
    frame.className = "map";
    frame.style.aspectRatio = `${shape.columns} / ${shape.rows}`;
    frame.style.width = `${shape.columns * wide}px`;
    frame.append(canvas);
    const mark = (at, kind) => {
      const offset = shape.wrapped ? [Math.floor(at.at(-1) / shape.columns), at.at(-1) % shape.columns] : [0, ...at].slice(-2);
      const spot = document.createElement("i");
      spot.className = kind;
      Object.assign(spot.style, { left: `${100 * offset[1] / shape.columns}%`, top: `${100 * offset[0] / shape.rows}%`,
        width: `${100 / shape.columns}%`, height: `${100 / shape.rows}%` });
      frame.append(spot);
    };
    if (chosen && (lead.every((place, axis) => place === chosen[axis]))) mark(chosen, "chosen");
    const placeOf = (event) => {
      const box = canvas.getBoundingClientRect();
      const column = Math.min(shape.columns - 1, Math.max(0, Math.floor((event.clientX - box.left) / box.width * shape.columns)));
      const row = Math.min(shape.rows - 1, Math.max(0, Math.floor((event.clientY - box.top) / box.height * shape.rows)));
      return shape.at(row, column);
    };
    frame.addEventListener("click", (event) => { const at = placeOf(event); if (at) onCell(at); });
    frame.addEventListener("mousemove", (event) => {
      const at = placeOf(event);
      frame.title = at ? `${cellLabel(at)} = ${spell(numbers.at(at))}` : "";
    });
    holder.append(frame);
  }

  return { draw, paint };
})();
