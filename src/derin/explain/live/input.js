// What a person hands over: a picture drawn or from a file, or the values of a row. `given()` is called after every change.
"use strict";

// Pixels in 0..255, row by row, channels last, as files of training had them.
class PictureInput {
  constructor(settings, given) {
    [this.height, this.width, this.channels] = settings.shape;
    Object.assign(this, { settings, given, pen: "pen", cursor: null, last: null });
    this.size = this.height * this.width * this.channels;
    this.pixels = new Float64Array(this.size);
    const bytes = Uint8Array.from(atob(settings.examples), (letter) => letter.charCodeAt(0));
    this.examples = settings.names.map((name, place) => ({ name, pixels: Float64Array.from(bytes.subarray(place * this.size, (place + 1) * this.size)) }));
    if (this.examples.length) this.pixels.set(this.examples[0].pixels);
    else this.clear();
  }
  clear() { this.pixels.fill(this.settings.is_dark ? 0 : 255); }
  values() { return [this.pixels]; }

  open(holder) {
    this.canvas = tag("canvas", { id: "board", width: this.width, height: this.height, tabindex: 0, role: "img", "data-label": "draw" });
    const place = (event) => {
      const box = this.canvas.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width * this.width, (event.clientY - box.top) / box.height * this.height];
    };
    this.canvas.addEventListener("pointerdown", (event) => { this.canvas.setPointerCapture(event.pointerId); this.last = place(event); this.stroke(this.last, this.last); });
    this.canvas.addEventListener("pointermove", (event) => { if (this.last) { const to = place(event); this.stroke(this.last, to); this.last = to; } });
    for (const end of ["pointerup", "pointercancel"]) this.canvas.addEventListener(end, () => { this.last = null; });
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("blur", () => { this.cursor = null; this.paint(); });
    const tool = (name, act) => tag("button", { type: "button", "data-say": name, "data-tool": name, onclick: act });
    const choose = (name) => () => { this.pen = name; this.mark(); };
    this.file = tag("input", { type: "file", id: "file", accept: "image/*", onchange: () => { if (this.file.files[0]) this.read(this.file.files[0]); } });
    this.thick = tag("input", { type: "range", id: "thick", min: 0.5, max: Math.max(2, this.height / 8), step: 0.25, value: Math.max(1, this.height / 20), "data-label": "width" });
    this.color = tag("input", { type: "color", id: "color", value: this.settings.is_dark ? "#ffffff" : "#000000", "data-label": "color" });
    this.said = tag("p", { className: "faint", role: "status" });
    holder.append(this.canvas, tag("div", { className: "row" }, tool("pen", choose("pen")), tool("eraser", choose("eraser")),
      tool("clear", () => { this.clear(); this.changed(); }), this.thick, this.channels === 3 ? this.color : null),
    tag("p", { className: "row" }, tag("label", { className: "file" }, tag("span", { "data-say": "file" }), this.file), tag("span", { className: "faint", "data-say": "drop" })), this.said);
    if (this.examples.length) {
      const list = tag("div", { className: "examples" }, ...this.examples.map((one) => {
        const canvas = tag("canvas", { width: this.width, height: this.height });
        this.draw(canvas, one.pixels);
        return tag("button", { type: "button", "data-example": one.name, onclick: () => { this.pixels.set(one.pixels); this.changed(); } }, canvas, tag("small", { textContent: one.name }));
      }));
      holder.append(tag("p", { className: "faint", "data-say": "examples" }), list);
    }
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => { event.preventDefault(); if (event.dataTransfer.files[0]) this.read(event.dataTransfer.files[0]); });
    this.mark();
    this.paint();
  }
  mark() {
    for (const button of document.querySelectorAll("[data-tool=pen], [data-tool=eraser]")) button.setAttribute("aria-pressed", String(button.dataset.tool === this.pen));
  }
  changed() { this.said.textContent = ""; this.paint(); this.given(); }

  // A line of a round pen, soft at its edge, from one place to another.
  stroke(from, to) {
    const reach = Number(this.thick.value) / 2 + 0.5, ground = this.settings.is_dark ? 0 : 255;
    const ink = this.channels === 3 ? [1, 3, 5].map((k) => parseInt(this.color.value.slice(k, k + 2), 16)) : [255 - ground];
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]], length = dx * dx + dy * dy;
    for (let row = 0; row < this.height; row++) for (let column = 0; column < this.width; column++) {
      const x = column + 0.5 - from[0], y = row + 0.5 - from[1], along = length ? Math.max(0, Math.min(1, (x * dx + y * dy) / length)) : 0;
      const weight = Math.min(1, reach + 0.5 - Math.hypot(x - along * dx, y - along * dy));
      if (weight <= 0) continue;
      for (let c = 0; c < this.channels; c++) {
        const spot = (row * this.width + column) * this.channels + c, wanted = this.pen === "pen" ? ink[c] : ground, now = this.pixels[spot];
        const mixed = Math.round(ground + (wanted - ground) * weight);
        // A stroke over a stroke keeps what is more ink.
        this.pixels[spot] = this.pen === "eraser" || this.channels === 3 ? Math.round(now + (wanted - now) * weight)
          : ground ? Math.min(now, mixed) : Math.max(now, mixed);
      }
    }
    this.changed();
  }
  key(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (!(event.key in steps) && event.key !== " ") return;
    event.preventDefault();
    const before = this.cursor ?? [Math.floor(this.width / 2), Math.floor(this.height / 2)], [dx, dy] = steps[event.key] ?? [0, 0];
    this.cursor = [Math.max(0, Math.min(this.width - 1, before[0] + dx)), Math.max(0, Math.min(this.height - 1, before[1] + dy))];
    if (event.key === " ") this.stroke(this.cursor.map((one) => one + 0.5), this.cursor.map((one) => one + 0.5));
    else this.paint();
  }

  draw(canvas, pixels) {
    const pen = canvas.getContext("2d"), image = pen.createImageData(this.width, this.height);
    for (let spot = 0; spot < this.width * this.height; spot++) {
      for (let c = 0; c < 3; c++) image.data[4 * spot + c] = pixels[spot * this.channels + (this.channels === 3 ? c : 0)];
      image.data[4 * spot + 3] = 255;
    }
    pen.putImageData(image, 0, 0);
  }
  paint() {
    this.draw(this.canvas, this.pixels);
    if (!this.cursor) return;
    const pen = this.canvas.getContext("2d");
    pen.fillStyle = "#d98a00";
    pen.fillRect(this.cursor[0], this.cursor[1], 1, 1);
  }

  // A picture of any size, brought to the network's by the rule of training.
  async read(file) {
    let bitmap;
    try { bitmap = await createImageBitmap(file); } catch { this.said.textContent = say("unreadable"); return; }
    const canvas = tag("canvas", { width: this.width, height: this.height }), pen = canvas.getContext("2d", { willReadFrequently: true });
    const scales = [this.width / bitmap.width, this.height / bitmap.height];
    const scale = { pad: Math.min(...scales), crop: 1.15 * Math.max(...scales) }[this.settings.rule];
    const [wide, tall] = scale ? [bitmap.width * scale, bitmap.height * scale] : [this.width, this.height];
    pen.fillStyle = "black";
    pen.fillRect(0, 0, this.width, this.height);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(bitmap, (this.width - wide) / 2, (this.height - tall) / 2, wide, tall);
    this.take(pen.getImageData(0, 0, this.width, this.height).data);
  }
  // Gray of colors is that of ITU-R BT.601, with Pillow's whole numbers.
  take(rgba) {
    for (let spot = 0; spot < this.width * this.height; spot++) {
      const [r, g, b] = rgba.subarray(4 * spot, 4 * spot + 3);
      if (this.channels === 3) this.pixels.set([r, g, b], 3 * spot);
      else this.pixels[spot] = (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
    }
    this.changed();
  }
}

// A row of a table: a slider and a number for each column, or a choice.
class TableInput {
  constructor(settings, given) {
    Object.assign(this, { settings, given });
    this.row = settings.fields.map(({ low, high, codes }) => codes ? Object.values(codes)[0] : (low + high) / 2);
  }
  values() { return this.row.map((value) => [value]); }
  open(holder) {
    this.settings.fields.forEach(({ name, low, high, codes }, place) => {
      const take = (value) => { if (!Number.isFinite(value)) return; this.row[place] = value; this.given(); };
      if (codes) {
        const choice = tag("select", { "data-field": name, onchange: () => take(Number(choice.value)) }, ...Object.entries(codes).map(([text, code]) => tag("option", { value: code, textContent: text })));
        holder.append(tag("label", { className: "field" }, name, choice));
        return;
      }
      const digits = Math.max(0, 3 - Math.floor(Math.log10(high - low))), text = (value) => String(Number(value.toFixed(Math.min(12, digits))));
      const slider = tag("input", { type: "range", min: low, max: high, step: "any", value: this.row[place], "aria-label": name, oninput: () => { number.value = text(Number(slider.value)); take(Number(number.value)); } });
      const number = tag("input", { type: "number", step: "any", value: text(this.row[place]), "data-field": name, oninput: () => { slider.value = number.value; take(number.value === "" ? NaN : Number(number.value)); } });
      this.row[place] = Number(number.value);
      holder.append(tag("label", { className: "field" }, name, number), slider);
    });
  }
}

// Texts into tokens, as derin.data.text cuts them.
const TOKENIZERS = {
  characters: (text) => [...text],
  bytes: (text) => [...new TextEncoder().encode(text)].map((byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`),
  words(text) {
    const spaced = text.normalize("NFC").replace(/[’ʼ]/g, "'").replace(/<br\s*\/?>/gi, " ");
    return spaced.split(/[\s\x1c-\x1f\x85]+/).flatMap((chunk) => chunk.match(WORDS) ?? []);
  },
};
const WORDS = (() => {
  const han = "\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufaff", w = "[\\p{L}\\p{N}_]", no = `(?!${w})`, word = `(?:(?![${han}])[\\p{L}\\p{N}\\p{M}_\\u200c\\u200d])+`;
  const drawn = "[\\ufe0e\\ufe0f\\u{1f3fb}-\\u{1f3ff}]*";
  return new RegExp([
    "(?:https?://|www\\.)[^\\s<>\"]*[^\\s<>\"'.,;:!?()\\[\\]{}]",
    "(?=([\\p{L}\\p{N}_.+\\-]{1,64}))\\1@[\\p{L}\\p{N}_\\-]+(?:\\.[\\p{L}\\p{N}_\\-]+)+",
    `(?=(\\p{Nd}+(?:[.,:\\/]\\p{Nd}+)*))\\2${no}`,
    `[${han}]`,
    `(?:[@#](?=${w}))?${word}(?:'[tT]${no})?`,
    `(?<=${w})'${word}`,
    `[:;=]-?[()DP]${no}`,
    "\\.{2,3}", "!{2,3}", "\\?{2,3}", "[!?]{2,3}", "-{2,3}", "\\*{2,3}", "={2,3}", "~{2,3}",
    `\\S${drawn}(?:\\u200d\\S${drawn})*`,
  ].join("|"), "gu");
})();
// Special tokens come first; none of them is a word of a text.
const SPECIAL = 4, UNKNOWN = 1;
class TextInput {
  constructor(settings, given) {
    Object.assign(this, { settings, given, text: settings.examples[0] ?? "" });
    this.numbers = new Map(settings.tokens.map((token, number) => [token, number]).slice(SPECIAL));
  }
  encode(text) {
    let written = text.normalize("NFC");
    if (this.settings.lowercase) {
      written = written.replaceAll("İ", "i");
      if (this.settings.dotless) written = written.replaceAll("I", "ı");
      written = written.toLowerCase().normalize("NFC");
    }
    return TOKENIZERS[this.settings.tokenizer](written).map((token) => this.numbers.get(token) ?? UNKNOWN);
  }
  // All that fits: the beginning that a language model has before each text, and the tokens.
  get tokens() { return [...(this.settings.start === null ? [] : [this.settings.start]), ...this.encode(this.text)].slice(0, this.settings.length); }
  values() {
    const row = new Float64Array(this.settings.length);
    row.set(this.tokens);
    return [row];
  }
  // What stands beside the rows of maps.
  get names() { return this.tokens.map((number) => visible(this.settings.tokens[number])); }
  open(holder) {
    this.area = tag("textarea", { id: "text", rows: 4, value: this.text, "data-label": "text", oninput: () => { this.text = this.area.value; this.tell(); this.given(); } });
    this.told = tag("p", { className: "tokens" });
    this.cut = tag("p", { className: "faint", role: "status" });
    holder.append(this.area, this.told, this.cut, ...(this.settings.examples.length ? [tag("div", { className: "texts" }, ...this.settings.examples.map((one) =>
      tag("button", { type: "button", textContent: one, onclick: () => { this.area.value = this.text = one; this.tell(); this.given(); } })))] : []));
    this.tell();
  }
  tell() {
    const { length, start } = this.settings, all = this.encode(this.text).length + (start === null ? 0 : 1);
    this.told.replaceChildren(...this.names.map((name, place) => tag("span", { className: this.tokens[place] === UNKNOWN ? "unknown" : "" }, name)));
    this.cut.textContent = all > length ? say("cut", { length, count: all }) : "";
  }
}
const INPUTS = { picture: PictureInput, table: TableInput, text: TextInput };
