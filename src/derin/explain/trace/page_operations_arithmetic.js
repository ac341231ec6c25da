// Operations cell by cell, with broadcasting.
"use strict";

// One number in, one number out.
const unary = (form, slope) => broadcasting(
  (call, at) => ({ form, terms: [[operand(call.arguments[0], at)]] }),
  (call, at) => [plain(slope(operandValue(call.arguments[0], at), call.out.at(at), call.arguments))],
);
const logistic = (x) => 1 / (1 + Math.exp(-x));
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
    (call, at) => ({ form: "chosen", terms: [[operand(call.arguments[0], at)], [operand(call.arguments[1], at)]], chosen: chosen(call, at) }),
    (call, at, argument) => [plain(even(call, at) ? 0.5 : Number(argument.slot === call.arguments[chosen(call, at)].slot))],
  );
}

Object.assign(OPERATIONS, {
  "aten.add": broadcasting(
    (call, at) => sum([[operand(call.arguments[0], at)], scaled(operand(call.arguments[1], at), call.arguments[2])]),
    (call, at, argument) => argument.slot === call.arguments[1].slot ? scaled(null, call.arguments[2]) : [],
  ),
  "aten.sub": broadcasting(
    (call, at) => sum([[operand(call.arguments[0], at)], [plain(-given(call.arguments[2], 1)), operand(call.arguments[1], at)]]),
    (call, at, argument) => argument.slot === call.arguments[1].slot ? [plain(-given(call.arguments[2], 1))] : [],
  ),
  "aten.mul": broadcasting(
    (call, at) => sum([[operand(call.arguments[0], at), operand(call.arguments[1], at)]]),
    (call, at, argument) => [operand(call.arguments[argument.slot === call.arguments[1].slot ? 0 : 1], at)],
  ),
  "aten.div": broadcasting(
    (call, at) => sum([[operand(call.arguments[0], at), inverse(operand(call.arguments[1], at))]]),
    (call, at, argument) => argument.slot === call.arguments[1].slot
      ? [plain(-1), cellOf(call.out, at), inverse(operand(argument, at))] : [inverse(operand(call.arguments[1], at))],
  ),
  "aten.pow": broadcasting(
    (call, at) => ({ form: "pow", terms: [[operand(call.arguments[0], at)], [operand(call.arguments[1], at)]] }),
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
  "aten.neg": unary("neg", () => -1),
  "aten.exp": unary("exp", (x, y) => y),
  "aten.log": unary("log", (x) => 1 / x),
  "aten.expm1": unary("expm1", (x, y) => y + 1),
  "aten.log2": unary("log2", (x) => 1 / (x * Math.LN2)),
  "aten.log10": unary("log10", (x) => 1 / (x * Math.LN10)),
  "aten.log1p": unary("log1p", (x) => 1 / (1 + x)),
  "aten.sqrt": unary("sqrt", (x, y) => 1 / (2 * y)),
  "aten.rsqrt": unary("rsqrt", (x, y) => -y / (2 * x)),
  "aten.reciprocal": unary("reciprocal", (x, y) => -y * y),
  "aten.square": unary("square", (x) => 2 * x),
  "aten.tan": unary("tan", (x, y) => 1 + y * y),
  "aten.atan": unary("atan", (x) => 1 / (1 + x * x)),
  "aten.abs": unary("abs", (x) => Math.sign(x)),
  "aten.sin": unary("sin", (x) => Math.cos(x)),
  "aten.cos": unary("cos", (x) => -Math.sin(x)),
  "aten.tanh": unary("tanh", (x, y) => 1 - y * y),
  "aten.sigmoid": unary("sigmoid", (x, y) => y * (1 - y)),
  "aten.relu": unary("relu", (x) => Number(x > 0)),
  "aten.log_sigmoid": unary("log_sigmoid", (x) => logistic(-x)),
  "aten.mish": unary("mish", (x, y) => { const bent = Math.tanh(Math.log1p(Math.exp(x))); return bent + x * logistic(x) * (1 - bent * bent); }),
  "aten.silu": unary("silu", (x) => logistic(x) * (1 + x * (1 - logistic(x)))),
  "aten.gelu": unary("gelu", geluSlope),
  "aten.erf": unary("erf", (x) => 2 / Math.sqrt(Math.PI) * Math.exp(-x * x)),
  "aten.leaky_relu": unary("leaky_relu", (x, y, a) => x > 0 ? 1 : given(a[1], 0.01)),
  "aten.elu": unary("elu", (x, y, a) => {
    const scale = given(a[2], 1), inner = given(a[3], 1);
    return x > 0 ? scale : scale * inner * given(a[1], 1) * Math.exp(x * inner);
  }),
  "aten.softplus": unary("softplus", (x, y, a) => logistic(given(a[1], 1) * x)),
  "aten.hardtanh": unary("hardtanh", (x, y, a) => Number(x > given(a[1], -1) && x < given(a[2], 1))),
  "aten.clamp": unary("clamp", (x, y, a) => Number(x >= given(a[1], -Infinity) && x <= given(a[2], Infinity))),
  "aten.hardsigmoid": unary("hardsigmoid", (x) => x > -3 && x < 3 ? 1 / 6 : 0),
  "aten.hardswish": unary("hardswish", (x) => x <= -3 ? 0 : x >= 3 ? 1 : (2 * x + 3) / 6),
});

for (const name of ["sign", "floor", "ceil", "round"]) OPERATIONS[`aten.${name}`] = unary(name, () => 0);
for (const name of ["eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or"]) {
  OPERATIONS[`aten.${name}`] = broadcasting((call, at) => ({ form: name, terms: call.arguments.map((argument) => [operand(argument, at)]) }), () => [plain(0)]);
}
