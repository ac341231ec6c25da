// Arrays of the trace, and walks over their indices.
"use strict";

// Of an array that is too large for the page, only a summary is there.
function unpack(packed) {
  if (packed.kind === "none") return null;
  const bytes = Uint8Array.from(atob(packed.data), (letter) => letter.charCodeAt(0));
  return packed.kind === "f8" ? new Float64Array(bytes.buffer) : new Float32Array(bytes.buffer);
}

class Numbers {
  constructor(name, shape, data, known = null) {
    this.name = name;
    this.shape = shape;
    this.data = data;
    this.strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
    this.size = shape.reduce((a, b) => a * b, 1);
    this.known = known;
  }
  offset(index) {
    let sum = 0;
    for (let axis = 0; axis < index.length; axis++) sum += index[axis] * this.strides[axis];
    return sum;
  }
  at(index) { return this.data ? this.data[this.offset(index)] : NaN; }
  index(offset) {
    return this.shape.map((size, axis) => Math.floor(offset / this.strides[axis]) % size);
  }
  has(index) {
    return index.length === this.shape.length
      && index.every((place, axis) => Number.isInteger(place) && place >= 0 && place < this.shape[axis]);
  }
  summary() {
    if (!this.known) {
      let low = Infinity, high = -Infinity, sum = 0;
      for (const value of this.data) { low = Math.min(low, value); high = Math.max(high, value); sum += value; }
      this.known = { low, high, mean: sum / this.size };
    }
    return this.known;
  }
}

// Every index within sizes, the last axis first; a size may be a list of places on that axis.
function walk(sizes) {
  let found = [[]];
  for (const size of sizes) {
    const places = Array.isArray(size) ? size : Array.from({ length: size }, (_, place) => place);
    const longer = [];
    for (const start of found) for (const place of places) longer.push([...start, place]);
    found = longer;
  }
  return found;
}

const total = (values) => values.reduce((a, b) => a + b, 0);
const count = (sizes) => sizes.reduce((a, b) => a * b, 1);
