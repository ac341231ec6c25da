"""Every operation of the table as the page has it, cell by cell and back, beside PyTorch's operator and autograd."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.browser import Visit, scripted
from tests.explain.trace.test_operations import CASES, NOT_DIFFERENTIABLE, case_of, expected_of

from derin.explain.page_frame import page_part, whole_page
from derin.explain.trace.operations import OPERATIONS
from derin.explain.trace.page_data import CELL_SCRIPTS, SHARED_SCRIPTS, trace_part

# A cell of each call, a whole array where there is one, and for each real argument the sum over all that it reaches.
SCRIPT = """
  const array = (one, slots) => Object.assign(new Numbers("x", one.shape, Float64Array.from(one.data.map(Number))),
    { slot: slots.push(one) - 1, real: one.real });
  const read = (one, slots) => Array.isArray(one) ? one.map((part) => read(part, slots))
    : one?.number ? Number(one.number) : one?.shape ? array(one, slots) : one;
  const all = (one) => Array.isArray(one) ? one.flatMap(all) : one instanceof Numbers ? [one] : [];
  const product_of = (factors, start = 1) => factors.reduce((all, factor) => all * factorValue(factor), start);
  for (const { name, given, out, gradient } of CASES) {
    const call = { arguments: read(given, []), out: read(out, [0]) }, entry = OPERATIONS[name];
    if (!entry) { found.push([name, "missing"]); continue; }
    const value = (at) => {
      const cell = entry.cell(call, at);
      return cell.value ?? total(cell.terms.map((term) => product_of(term)));
    };
    const slopes = read(gradient, [0]), sent = (one, at) => total(entry.reached(call, one, at)
      .map((to) => product_of(entry.slope(call, to, one, at), slopes.at(to))));
    try {
      const cells = walk(call.out.shape).map(value), whole = entry.whole?.(call);
      const real = all(call.arguments).filter((one) => one.real);
      const back = real.map((one) => walk(one.shape).map((at) => sent(one, at)));
      found.push([name, cells.map(String), whole ? [...whole].map(String) : null, back]);
    } catch (error) { found.push([name, error.stack]); }
  }"""


def packed(value: Any) -> Any:
    if isinstance(value, tuple):
        return [packed(one) for one in value]
    if isinstance(value, np.ndarray):
        numbers = [str(float(one)).replace("inf", "Infinity").replace("nan", "NaN") for one in value.ravel()]
        return {"shape": list(value.shape), "data": numbers, "real": value.dtype.kind == "f"}
    return {"number": "Infinity"} if value == np.inf else value


def same(ours: Any, theirs: Any) -> bool:
    """Both count in 64 bits; sums differ by their order alone."""
    return np.allclose(np.array(ours, dtype=float), theirs, rtol=1e-9, atol=1e-11, equal_nan=True)


@pytest.mark.slow
def test_every_operation_of_the_table_is_on_the_page_and_agrees_with_pytorch(tmp_path: Path, visit: Visit) -> None:
    calls, sent = [], []
    for name in OPERATIONS:
        for arguments in case_of(name)[1]:
            expected = expected_of(name, arguments)
            calls.append((name, expected))
            out, gradient = packed(np.asarray(expected[0])), packed(np.asarray(expected[1]))
            sent.append({"name": name, "given": packed(arguments), "out": out, "gradient": gradient})
    script = "\n".join([*map(page_part, SHARED_SCRIPTS), *map(trace_part, CELL_SCRIPTS)])
    page = tmp_path / "operations.html"
    page.write_text(whole_page("Operations", [], style="", script=script), encoding="utf-8")
    wrong = []
    answers = scripted(page, f"const CASES = {json.dumps(sent)};{SCRIPT}", visit)
    for (name, (output, _, gradients)), (answered, *answer) in zip(calls, answers, strict=True):
        assert answered == name
        if len(answer) == 1:
            wrong.append((name, answer[0][:300]))
            continue
        cells, whole, back = answer
        wanted = np.asarray(output, dtype=float).ravel()
        for what, numbers in (("cells", cells), ("whole", whole)):
            if numbers is not None and not same(numbers, wanted):
                wrong.append((name, what))
        # Weights of losses stand last.
        num = len(gradients) if name in NOT_DIFFERENTIABLE else len(back)
        for found, theirs in zip(back[:num], gradients, strict=True):
            if not same(found, np.zeros(len(found)) if theirs is None else theirs.ravel()):
                wrong.append((name, "gradient"))
    assert wrong == []
    assert len(calls) >= len(CASES)
