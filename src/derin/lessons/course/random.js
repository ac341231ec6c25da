// Random numbers as a function of integers: Philox-4x32-10, bit for bit those of derin.core.seeds.
"use strict";

const RANDOM = (() => {
  const TABLE = Uint32Array.from({ length: 256 }, (_, start) => {
    let word = start;
    for (let bit = 0; bit < 8; bit++) word = word & 1 ? (word >>> 1) ^ 0xedb88320 : word >>> 1;
    return word;
  });
  function crc32(text) {
    let word = 0xffffffff;
    for (const byte of new TextEncoder().encode(text)) word = TABLE[(word ^ byte) & 255] ^ (word >>> 8);
    return (word ^ 0xffffffff) >>> 0;
  }
  // The upper 32 bits of a product of two words; every part stays below 2^53.
  function upper(a, b) {
    const low = a & 0xffff, high = a >>> 16, under = b & 0xffff, over = b >>> 16;
    const middle = high * under + Math.floor(low * under / 65536), cross = low * over + (middle % 65536);
    return high * over + Math.floor(middle / 65536) + Math.floor(cross / 65536);
  }
  function philox(counter, key) {
    let [c0, c1, c2, c3] = counter, [k0, k1] = key;
    for (let round = 0; round < 10; round++) {
      const first = upper(0xd2511f53, c0), second = upper(0xcd9e8d57, c2);
      const low0 = Math.imul(0xd2511f53, c0) >>> 0, low1 = Math.imul(0xcd9e8d57, c2) >>> 0;
      [c0, c1, c2, c3] = [(second ^ c1 ^ k0) >>> 0, low1, (first ^ c3 ^ k1) >>> 0, low0];
      k0 = (k0 + 0x9e3779b9) >>> 0;
      k1 = (k1 + 0xbb67ae85) >>> 0;
    }
    return [c0, c1, c2, c3];
  }

  // `num` numbers in [0, 1) for each row, one row after the other.
  function uniforms(seed, stream, epoch, rows, num) {
    const key = [seed >>> 0, crc32(stream)], drawn = new Float64Array(rows.length * num);
    rows.forEach((row, place) => {
      for (let block = 0; block * 4 < num; block++) {
        const words = philox([row, 0, epoch, block], key);
        for (let k = 0; k < 4 && block * 4 + k < num; k++) drawn[place * num + block * 4 + k] = (words[k] >>> 8) * 2 ** -24;
      }
    });
    return drawn;
  }
  // Standard normal numbers, by Box and Muller.
  function normals(seed, stream, rows, num) {
    const pairs = uniforms(seed, stream, 0, rows, 2 * num);
    return Float64Array.from({ length: rows.length * num }, (_, k) =>
      Math.sqrt(-2 * Math.log(1 - pairs[2 * k])) * Math.cos(2 * Math.PI * pairs[2 * k + 1]));
  }
  const range = (num) => Array.from({ length: num }, (_, k) => k);
  // An order of examples, by numbers drawn for each.
  function order(seed, stream, epoch, num) {
    const keys = uniforms(seed, stream, epoch, range(num), 1);
    return range(num).sort((a, b) => keys[a] - keys[b] || a - b);
  }

  return { philox, uniforms, normals, order, range };
})();
