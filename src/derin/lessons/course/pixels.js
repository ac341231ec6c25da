// Gray pictures as 64-bit numbers from 0 to 1, and kernels that walk over them.
"use strict";

const PIXELS = (() => {
  // The sum of products under the kernel at each place; zeros beyond the edge. A kernel has an odd number of rows and columns.
  function correlate({ rows, columns, data }, kernel) {
    const out = new Float64Array(rows * columns), up = (kernel.length - 1) / 2, left = (kernel[0].length - 1) / 2;
    for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) {
      let sum = 0;
      kernel.forEach((row, a) => row.forEach((weight, b) => {
        const y = r + a - up, x = c + b - left;
        if (y >= 0 && y < rows && x >= 0 && x < columns) sum += weight * data[y * columns + x];
      }));
      out[r * columns + c] = sum;
    }
    return { rows, columns, data: out };
  }
  function cut({ columns, data }, top, left, height, width) {
    const out = new Float64Array(height * width);
    for (let k = 0; k < out.length; k++) out[k] = data[(top + Math.floor(k / width)) * columns + left + k % width];
    return { rows: height, columns: width, data: out };
  }
  // Windows of so many pixels are read as 13 × 13 places, each the mean strength of edges, down and across, of four pixels.
  const WINDOW = 28, CELLS = 13, STRIDE = 2, EDGES = [[[1, 0, -1], [2, 0, -2], [1, 0, -1]], [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]];
  function edges(image) {
    return EDGES.map((kernel) => {
      const found = cut(correlate(image, kernel), 1, 1, image.rows - 2, image.columns - 2), rows = found.rows >> 1, columns = found.columns >> 1;
      const at = (r, c) => Math.abs(found.data[r * found.columns + c]);
      const data = Float64Array.from({ length: rows * columns }, (_, k) => {
        const r = 2 * Math.floor(k / columns), c = 2 * (k % columns);
        return (at(r, c) + at(r, c + 1) + at(r + 1, c) + at(r + 1, c + 1)) / 4;
      });
      return { rows, columns, data };
    });
  }
  // The answers of all windows, `STRIDE` pixels apart, at once, and that of one window cut out and read alone. The weights are
  // what lies in that window, less its mean.
  function windows(image, top, left) {
    const own = edges(cut(image, top, left, WINDOW, WINDOW)), whole = edges(image);
    const mean = own.flatMap(({ data }) => [...data]).reduce((a, b) => a + b, 0) / (own.length * CELLS * CELLS);
    const weights = own.map(({ data }) => Array.from({ length: CELLS }, (_, r) => Array.from(data.subarray(r * CELLS, (r + 1) * CELLS), (value) => value - mean)));
    const maps = whole.map((map, k) => cut(correlate(map, weights[k]), CELLS >> 1, CELLS >> 1, map.rows - CELLS + 1, map.columns - CELLS + 1));
    const alone = own.reduce((sum, { data }, k) => sum + data.reduce((part, value, place) => part + value * weights[k].flat()[place], 0), 0);
    return { answers: { ...maps[0], data: maps[0].data.map((value, k) => value + maps[1].data[k]) }, alone };
  }
  // What an eye sees of red, green and blue (ITU-R BT.601), without transparency.
  function gray({ width, height, data }) {
    const out = new Float64Array(width * height);
    for (let k = 0; k < out.length; k++) out[k] = (0.299 * data[4 * k] + 0.587 * data[4 * k + 1] + 0.114 * data[4 * k + 2]) / 255;
    return { rows: height, columns: width, data: out };
  }
  function paint(canvas, { rows, columns, data }, shade = (value) => value) {
    const image = new ImageData(columns, rows);
    data.forEach((value, k) => image.data.set([...Array(3).fill(255 * shade(value)), 255], 4 * k));
    Object.assign(canvas, { width: columns, height: rows });
    canvas.getContext("2d").putImageData(image, 0, 0);
  }
  // A picture to begin with: edges in all directions, a slope of brightness, and letters.
  function sample(side) {
    const canvas = new OffscreenCanvas(side, side), pen = canvas.getContext("2d"), sky = pen.createLinearGradient(0, 0, side, side);
    sky.addColorStop(0, "#fff");
    sky.addColorStop(1, "#555");
    pen.fillStyle = sky;
    pen.fillRect(0, 0, side, side);
    pen.fillStyle = "#222";
    pen.fillRect(side * 0.1, side * 0.52, side * 0.34, side * 0.34);
    pen.beginPath(); pen.arc(side * 0.72, side * 0.68, side * 0.19, 0, 7); pen.fill();
    pen.lineWidth = side * 0.03;
    pen.beginPath(); pen.moveTo(side * 0.08, side * 0.45); pen.lineTo(side * 0.9, side * 0.38); pen.stroke();
    pen.font = `700 ${side * 0.26}px system-ui, sans-serif`;
    pen.fillText("Derin", side * 0.08, side * 0.3);
    return gray(pen.getImageData(0, 0, side, side));
  }
  async function read(file, most) {
    const bitmap = await createImageBitmap(file), scale = Math.min(1, most / Math.max(bitmap.width, bitmap.height));
    const [width, height] = [bitmap.width, bitmap.height].map((one) => Math.max(1, Math.round(one * scale)));
    const pen = new OffscreenCanvas(width, height).getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, width, height);
    pen.drawImage(bitmap, 0, 0, width, height);
    return gray(pen.getImageData(0, 0, width, height));
  }
  return { WINDOW, STRIDE, correlate, cut, windows, gray, paint, sample, read };
})();
