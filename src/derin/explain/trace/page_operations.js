// One entry an operation. cell: the terms that made a cell. reached: the cells that a number went into.
// slope: the factors by which such a cell follows that number. An argument that is an array comes with its `slot`,
// since one array may be given twice. Every operation of the table in Python has one here. The number of a cell is the sum of
// its terms where `cell` names no other `value`. whole: all cells at once, for networks that run in the page, where a cell
// at a time would take long; null where a cell at a time is the way.
"use strict";

const OPERATIONS = {};

const cellOf = (of, at, more = {}) => ({ of, at, ...more });
const plain = (number) => ({ number });
const isArray = (argument) => argument instanceof Numbers;
const sum = (terms) => ({ form: "sum", terms });
const given = (argument, fallback) => argument === undefined || argument === null ? fallback : argument;

function factorValue(factor) {
  if (factor.number !== undefined) return factor.number;
  let value = factor.of.at(factor.at);
  if (factor.minus !== undefined) value -= factor.minus;
  return factor.power === -1 ? 1 / value : value;
}

// Broadcasting: from an output's index to an argument's, and back to all outputs that an argument's cell reaches.
const narrowed = (array, index) => array.shape.map((size, axis) =>
  size === 1 ? 0 : index[axis + index.length - array.shape.length]);
function spread(array, index, shape) {
  const lead = shape.length - array.shape.length;
  return walk(shape.map((size, axis) => axis < lead || (array.shape[axis - lead] === 1 && size > 1) ? size : [index[axis - lead]]));
}
const operand = (argument, index) => isArray(argument) ? cellOf(argument, narrowed(argument, index)) : plain(Number(argument));
const operandValue = (argument, index) => factorValue(operand(argument, index));
// A number of an argument for each place of an output, by broadcasting.
function stretched(argument, out) {
  if (!isArray(argument)) return () => Number(argument);
  const { data } = argument;
  if (argument.size === out.size) return (k) => data[k];
  if (argument.size === 1) return () => data[0];
  const lead = out.shape.length - argument.shape.length, places = new Int32Array(out.size);
  argument.shape.forEach((size, axis) => {
    if (size === 1) return;
    const stride = out.strides[axis + lead], own = argument.strides[axis];
    for (let k = 0; k < out.size; k++) places[k] += own * (Math.floor(k / stride) % size);
  });
  return (k) => data[places[k]];
}
function scaled(factor, scale) {
  const lead = given(scale, 1) === 1 ? [] : [plain(scale)];
  return factor === null ? lead : [...lead, factor];
}
const inverse = (factor) => factor.number === undefined ? { ...factor, power: -1 } : plain(1 / factor.number);
const broadcasting = (cell, slope) => ({
  cell,
  reached: (call, argument, at) => spread(argument, at, call.out.shape),
  slope,
});
