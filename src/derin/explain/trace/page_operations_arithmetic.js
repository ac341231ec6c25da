// Operations cell by cell, with broadcasting.
"use strict";

// One number in, one number out: the function and its slope, both also of the further arguments.
const unary = (form, of, slope) => ({
  ...broadcasting(
    (call, at) => {
      const x = operand(call.arguments[0], at);
      return { form, terms: [[x]], value: of(factorValue(x), call.arguments) };
    },
    (call, at) => [plain(slope(operandValue(call.arguments[0], at), call.out.at(at), call.arguments))],
  ),
  whole: (call) => call.arguments[0].size === call.out.size ? Float64Array.from(call.arguments[0].data, (x) => of(x, call.arguments)) : null,
});
// Two numbers in, one number out.
const binary = (cell, slope, of) => ({
  ...broadcasting(cell, slope),
  whole(call) {
    const [a, b] = call.arguments.slice(0, 2).map((one) => stretched(one, call.out)), found = new Float64Array(call.out.size);
    for (let k = 0; k < found.length; k++) found[k] = of(a(k), b(k), call.arguments);
    return found;
  },
});
const logistic = (x) => 1 / (1 + Math.exp(-x));
// By its series where it converges soon, else by the continued fraction of 1 − erf.
function erf(x) {
  const size = Math.abs(x), bell = Math.exp(-x * x);
  if (size < 2.5) {
    let term = size, sum = size;
    for (let n = 1; term > sum * 1e-17; n++) sum += term *= 2 * x * x / (2 * n + 1);
    return Math.sign(x) * 2 / Math.sqrt(Math.PI) * bell * sum;
  }
  let fraction = size;
  for (let n = 60; n > 0; n--) fraction = size + n / 2 / fraction;
  return Math.sign(x) * (1 - bell / Math.sqrt(Math.PI) / fraction);
}
const gelu = (x, given_) => given_.includes("tanh")
  ? 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))) : 0.5 * x * (1 + erf(x / Math.SQRT2));
// To the nearest whole number, halves to the even one.
const rounded = (x) => Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x);
// From y = x·Φ(x) the share Φ is known without an error function.
const bell = (x) => Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
function geluSlope(x, y, given_) {
  if (given_.includes("tanh")) {
    const inner = Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3), bent = Math.tanh(inner);
    return 0.5 * (1 + bent) + 0.5 * x * (1 - bent * bent) * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);
  }
  return (x === 0 ? 0.5 : y / x) + x * bell(x);
}
function chosenOf(first) {
  const chosen = (call, at) => first(operandValue(call.arguments[0], at), operandValue(call.arguments[1], at)) ? 0 : 1;
  const even = (call, at) => operandValue(call.arguments[0], at) === operandValue(call.arguments[1], at);
  return broadcasting(
    (call, at) => ({ form: "chosen", terms: [[operand(call.arguments[0], at)], [operand(call.arguments[1], at)]], chosen: chosen(call, at), value: operandValue(call.arguments[chosen(call, at)], at) }),
    (call, at, argument) => [plain(even(call, at) ? 0.5 : Number(argument.slot === call.arguments[chosen(call, at)].slot))],
  );
}

Object.assign(OPERATIONS, {
  "aten.add": binary(
    (call, at) => sum([[operand(call.arguments[0], at)], scaled(operand(call.arguments[1], at), call.arguments[2])]),
    (call, at, argument) => argument.slot === call.arguments[1].slot ? scaled(null, call.arguments[2]) : [],
    (a, b, rest) => a + given(rest[2], 1) * b,
  ),
  "aten.sub": binary(
    (call, at) => sum([[operand(call.arguments[0], at)], [plain(-given(call.arguments[2], 1)), operand(call.arguments[1], at)]]),
    (call, at, argument) => argument.slot === call.arguments[1].slot ? [plain(-given(call.arguments[2], 1))] : [],
    (a, b, rest) => a - given(rest[2], 1) * b,
  ),
  "aten.mul": binary(
    (call, at) => sum([[operand(call.arguments[0], at), operand(call.arguments[1], at)]]),
    (call, at, argument) => [operand(call.arguments[argument.slot === call.arguments[1].slot ? 0 : 1], at)],
    (a, b) => a * b,
  ),
  "aten.div": binary(
    (call, at) => call.arguments[2] === "floor"
      ? { form: "floor", terms: [[operand(call.arguments[0], at), inverse(operand(call.arguments[1], at))]],
        value: Math.floor(operandValue(call.arguments[0], at) / operandValue(call.arguments[1], at)) }
      : sum([[operand(call.arguments[0], at), inverse(operand(call.arguments[1], at))]]),
    (call, at, argument) => argument.slot === call.arguments[1].slot
      ? [plain(-1), cellOf(call.out, at), inverse(operand(argument, at))] : [inverse(operand(call.arguments[1], at))],
    (a, b, rest) => rest[2] === "floor" ? Math.floor(a / b) : a / b,
  ),
  "aten.pow": broadcasting(
    (call, at) => ({ form: "pow", terms: [[operand(call.arguments[0], at)], [operand(call.arguments[1], at)]],
      value: operandValue(call.arguments[0], at) ** operandValue(call.arguments[1], at) }),
    (call, at, argument) => {
      const base = operandValue(call.arguments[0], at), power = operandValue(call.arguments[1], at);
      if (argument.slot === call.arguments[0].slot) return [plain(power === 0 ? 0 : power * base ** (power - 1))];
      return [cellOf(call.out, at), plain(Math.log(base))];
    },
  ),
  "aten.where": broadcasting(
    (call, at) => ({ form: "where", terms: [[operand(call.arguments[operandValue(call.arguments[0], at) ? 1 : 2], at)]] }),
    (call, at, argument) => [plain(Number(argument.slot === call.arguments[operandValue(call.arguments[0], at) ? 1 : 2].slot))],
  ),
  "aten.masked_fill": broadcasting(
    (call, at) => ({ form: "copy", terms: [[operand(call.arguments[operandValue(call.arguments[1], at) ? 2 : 0], at)]] }),
    (call, at, argument) => [plain(Number((argument.slot === call.arguments[0].slot) !== Boolean(operandValue(call.arguments[1], at))))],
  ),
  "aten.lerp": broadcasting(
    (call, at) => {
      const [a, b, weight] = call.arguments.map((argument) => operand(argument, at));
      return sum([[plain(1 - factorValue(weight)), a], [weight, b]]);
    },
    (call, at, argument) => {
      const [a, b, weight] = call.arguments;
      if (argument.slot === weight.slot) return [plain(operandValue(b, at) - operandValue(a, at))];
      return argument.slot === b.slot ? [operand(weight, at)] : [plain(1 - operandValue(weight, at))];
    },
  ),
  "aten.addcmul": broadcasting(
    (call, at) => {
      const [x, a, b] = call.arguments.map((argument) => operand(argument, at));
      return sum([[x], [...scaled(null, call.arguments[3]), a, b]]);
    },
    (call, at, argument) => {
      const [x, a, b, scale] = call.arguments;
      return argument.slot === x.slot ? [] : scaled(operand(argument.slot === a.slot ? b : a, at), scale);
    },
  ),
  "aten.maximum": chosenOf((a, b) => a > b),
  "aten.minimum": chosenOf((a, b) => a < b),
  "aten.xlogy": broadcasting(
    (call, at) => {
      const [a, b] = call.arguments.map((argument) => operand(argument, at)), value = factorValue(a);
      return { form: "xlogy", terms: [[a], [b]], value: value === 0 ? 0 : value * Math.log(factorValue(b)) };
    },
    (call, at, argument) => {
      const [a, b] = call.arguments.map((one) => operandValue(one, at));
      return [plain(argument.slot === call.arguments[0].slot ? a === 0 && b <= 0 ? 0 : Math.log(b) : a / b)];
    },
  ),
  "aten.prelu": broadcasting(
    (call, at) => { const [x, w] = call.arguments.map((argument) => operand(argument, at)); return factorValue(x) > 0 ? { form: "copy", terms: [[x]] } : sum([[x, w]]); },
    (call, at, argument) => {
      const [x, w] = call.arguments.map((one) => operand(one, at)), above = factorValue(x) > 0;
      return argument.slot === call.arguments[0].slot ? above ? [] : [w] : [above ? plain(0) : x];
    },
  ),
  "aten.threshold": unary("threshold", (x, a) => x > a[1] ? x : a[2], (x, y, a) => Number(x > a[1])),
  "aten.softshrink": unary("softshrink", (x, a) => Math.sign(x) * Math.max(0, Math.abs(x) - given(a[1], 0.5)), (x, y, a) => Number(Math.abs(x) > given(a[1], 0.5))),
  "aten.hardshrink": unary("hardshrink", (x, a) => Math.abs(x) > given(a[1], 0.5) ? x : 0, (x, y, a) => Number(Math.abs(x) > given(a[1], 0.5))),
  // The first half of an axis through the sigmoid of the second.
  "aten.glu": {
    halves(call, at) { const x = call.arguments[0], axis = (given(call.arguments[1], -1) + at.length) % at.length; return [cellOf(x, at), cellOf(x, at.map((place, a) => a === axis ? place + x.shape[a] / 2 : place))]; },
    cell(call, at) { const [a, b] = this.halves(call, at); return { form: "glu", terms: [[a], [b]], value: factorValue(a) * logistic(factorValue(b)) }; },
    reached(call, argument, at) {
      const axis = (given(call.arguments[1], -1) + at.length) % at.length, half = argument.shape[axis] / 2;
      return [at.map((place, a) => a === axis ? place % half : place)];
    },
    slope(call, at, argument, from) { const [a, b] = this.halves(call, at), s = logistic(factorValue(b)); return [plain(same(from, at) ? s : factorValue(a) * s * (1 - s))]; },
  },
  "aten.neg": unary("neg", (x) => -x, () => -1),
  "aten.exp": unary("exp", (x) => Math.exp(x), (x, y) => y),
  "aten.log": unary("log", (x) => Math.log(x), (x) => 1 / x),
  "aten.expm1": unary("expm1", (x) => Math.expm1(x), (x, y) => y + 1),
  "aten.log2": unary("log2", (x) => Math.log2(x), (x) => 1 / (x * Math.LN2)),
  "aten.log10": unary("log10", (x) => Math.log10(x), (x) => 1 / (x * Math.LN10)),
  "aten.log1p": unary("log1p", (x) => Math.log1p(x), (x) => 1 / (1 + x)),
  "aten.sqrt": unary("sqrt", (x) => Math.sqrt(x), (x, y) => 1 / (2 * y)),
  "aten.rsqrt": unary("rsqrt", (x) => 1 / Math.sqrt(x), (x, y) => -y / (2 * x)),
  "aten.reciprocal": unary("reciprocal", (x) => 1 / x, (x, y) => -y * y),
  "aten.square": unary("square", (x) => x * x, (x) => 2 * x),
  "aten.tan": unary("tan", (x) => Math.tan(x), (x, y) => 1 + y * y),
  "aten.atan": unary("atan", (x) => Math.atan(x), (x) => 1 / (1 + x * x)),
  "aten.abs": unary("abs", (x) => Math.abs(x), (x) => Math.sign(x)),
  "aten.sin": unary("sin", (x) => Math.sin(x), (x) => Math.cos(x)),
  "aten.cos": unary("cos", (x) => Math.cos(x), (x) => -Math.sin(x)),
  "aten.tanh": unary("tanh", (x) => Math.tanh(x), (x, y) => 1 - y * y),
  "aten.sigmoid": unary("sigmoid", logistic, (x, y) => y * (1 - y)),
  "aten.relu": unary("relu", (x) => Math.max(0, x), (x) => Number(x > 0)),
  "aten.log_sigmoid": unary("log_sigmoid", (x) => Math.min(0, x) - Math.log1p(Math.exp(-Math.abs(x))), (x) => logistic(-x)),
  "aten.mish": unary("mish", (x) => x * Math.tanh(Math.log1p(Math.exp(x))), (x, y) => { const bent = Math.tanh(Math.log1p(Math.exp(x))); return bent + x * logistic(x) * (1 - bent * bent); }),
  "aten.silu": unary("silu", (x) => x * logistic(x), (x) => logistic(x) * (1 + x * (1 - logistic(x)))),
  "aten.gelu": unary("gelu", gelu, geluSlope),
  "aten.erf": unary("erf", erf, (x) => 2 / Math.sqrt(Math.PI) * Math.exp(-x * x)),
  "aten.leaky_relu": unary("leaky_relu", (x, a) => x > 0 ? x : given(a[1], 0.01) * x, (x, y, a) => x > 0 ? 1 : given(a[1], 0.01)),
  "aten.elu": unary("elu", (x, a) => given(a[2], 1) * (x > 0 ? x : given(a[1], 1) * Math.expm1(x * given(a[3], 1))), (x, y, a) => {
    const scale = given(a[2], 1), inner = given(a[3], 1);
    return x > 0 ? scale : scale * inner * given(a[1], 1) * Math.exp(x * inner);
  }),
  "aten.softplus": unary("softplus", (x, a) => given(a[1], 1) * x > given(a[2], 20) ? x : Math.log1p(Math.exp(given(a[1], 1) * x)) / given(a[1], 1), (x, y, a) => logistic(given(a[1], 1) * x)),
  "aten.hardtanh": unary("hardtanh", (x, a) => Math.max(given(a[1], -1), Math.min(given(a[2], 1), x)), (x, y, a) => Number(x > given(a[1], -1) && x < given(a[2], 1))),
  "aten.clamp": unary("clamp", (x, a) => Math.min(given(a[2], Infinity), Math.max(given(a[1], -Infinity), x)), (x, y, a) => Number(x >= given(a[1], -Infinity) && x <= given(a[2], Infinity))),
  "aten.hardsigmoid": unary("hardsigmoid", (x) => Math.max(0, Math.min(6, x + 3)) / 6, (x) => x > -3 && x < 3 ? 1 / 6 : 0),
  "aten.hardswish": unary("hardswish", (x) => x * Math.max(0, Math.min(6, x + 3)) / 6, (x) => x <= -3 ? 0 : x >= 3 ? 1 : (2 * x + 3) / 6),
});

for (const [name, of] of Object.entries({ sign: Math.sign, floor: Math.floor, ceil: Math.ceil, round: rounded,
  logical_not: (x) => Number(!x), isnan: (x) => Number(Number.isNaN(x)), isinf: (x) => Number(Math.abs(x) === Infinity) })) {
  OPERATIONS[`aten.${name}`] = unary(name, (x) => of(x), () => 0);
}
for (const [name, of] of Object.entries({ eq: (a, b) => a === b, ne: (a, b) => a !== b, lt: (a, b) => a < b, le: (a, b) => a <= b,
  gt: (a, b) => a > b, ge: (a, b) => a >= b, logical_and: (a, b) => a && b, logical_or: (a, b) => a || b })) {
  OPERATIONS[`aten.${name}`] = broadcasting((call, at) => {
    const terms = call.arguments.map((argument) => operand(argument, at));
    return { form: name, terms: terms.map((term) => [term]), value: Number(Boolean(of(...terms.map(factorValue)))) };
  }, () => [plain(0)]);
}
