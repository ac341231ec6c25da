"""The pages of the course: whole, in both languages, without a reference elsewhere; their numbers are Python's."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
import torch
from tests.browser import Visit, scripted
from typer.testing import CliRunner

import derin
from derin.cli.main import app
from derin.layers import BatchNorm
from derin.lessons.course.early_stopping import RUN, STEPS_BETWEEN, TRAINING, VALIDATION
from derin.lessons.course.experiment import Experiment
from derin.lessons.course.form import CourseLesson
from derin.lessons.course.glossary import GLOSSARY
from derin.lessons.course.registry import COURSE
from derin.lessons.course.site import build_course, cached_course
from derin.lessons.course.words import WORDS
from derin.lessons.registry import LESSONS
from derin.models import MODELS
from derin.tasks import perceptual_losses
from derin.tasks.anchors import shape_overlap
from derin.tasks.box_losses import box_similarity, localization_loss
from derin.tasks.losses import binary_cross_entropy
from derin.tasks.perceptual_losses import gram_matrix

ROOT = Path(__file__).resolve().parents[3]
LARGEST = 1_000_000  # bytes of a page
Numbers = Mapping[str, float]


def float64(given: Numbers, *names: str, **options: Any) -> torch.Tensor:
    return torch.tensor([given[name] for name in names], dtype=torch.float64, **options)


def one_neuron(given: Numbers) -> dict[str, float]:
    """The perceptron's rule as Rosenblatt wrote it, and the logistic unit by automatic differentiation."""
    x = torch.cat([float64(given, "x1", "x2"), torch.ones(1, dtype=torch.float64)])
    w, v = float64(given, "w1", "w2", "b"), float64(given, "v1", "v2", "c", requires_grad=True)
    answer = float((x @ w).item() > 0)
    moved = w + given["eta"] * (given["y"] - answer) * x
    score = v @ x
    loss, _ = binary_cross_entropy(score[None], float64(given, "y"))
    loss.backward()
    assert v.grad is not None
    after = (v - given["eta"] * v.grad).tolist()
    numbers = {"z": (x @ w).item(), "o": answer, "e": given["y"] - answer, "s": score.item(), "L": loss.item()}
    numbers |= {"p": torch.sigmoid(score).item(), "ds": v.grad[2].item()}
    return numbers | dict(zip(("w1n", "w2n", "bn", "v1n", "v2n", "cn"), [*moved.tolist(), *after], strict=True))


def xor(given: Numbers) -> dict[str, float]:
    """Thresholds as torch's own step, the hidden layer as one product."""
    x, zero = float64(given, "x1", "x2"), torch.zeros((), dtype=torch.float64)
    score = x @ float64(given, "w1", "w2") + given["b"]
    hidden = torch.heaviside(torch.ones(2, 2, dtype=torch.float64) @ x + float64(given, "c1", "c2"), zero)
    output = hidden @ float64(given, "v1", "v2") + given["d"]
    numbers = {"z": score, "o": torch.heaviside(score, zero), "h1": hidden[0], "h2": hidden[1]}
    numbers |= {"r": output, "q": torch.heaviside(output, zero)}
    return {name: value.item() for name, value in numbers.items()}


def backpropagation(given: Numbers) -> dict[str, float]:
    """Every slope by automatic differentiation."""
    weights = ("w11", "w12", "w21", "w22", "b1", "b2", "v1", "v2", "c")
    w = float64(given, *weights, requires_grad=True)
    z = w[:4].view(2, 2) @ float64(given, "x1", "x2") + w[4:6]
    a = z.tanh()
    s = a @ w[6:8] + w[8]
    loss, _ = binary_cross_entropy(s[None], float64(given, "y"))
    dz, da, ds, dw = torch.autograd.grad(loss, [z, a, s, w])
    names = ("z1", "z2", "a1", "a2", "s", "p", "L")
    numbers = dict(zip(names, [*z.tolist(), *a.tolist(), s.item(), torch.sigmoid(s).item(), loss.item()], strict=True))
    slopes = (*weights, "z1", "z2", "a1", "a2", "s")
    found = [*dw.tolist(), *dz.tolist(), *da.tolist(), ds.item()]
    numbers |= dict(zip((f"d{name}" for name in slopes), found, strict=True))
    return numbers | dict(zip((f"{name}n" for name in weights), (w - given["eta"] * dw).tolist(), strict=True))


def batch_norm(given: Numbers) -> dict[str, float]:
    """The product's layer in training, then in evaluation on the first example alone."""
    layer: Any = BatchNorm().build((1,)).double()
    z = float64(given, "z1", "z2", "z3", "z4")[:, None]
    with torch.no_grad():
        layer.weight.fill_(given["gamma"])
        layer.bias.fill_(given["beta"])
        layer.running_mean.fill_(given["m"])
        layer.running_var.fill_(given["v"])
        y, late = layer(z)[:, 0].tolist(), layer.eval()(z[:1]).item()
        normalized = torch.nn.functional.batch_norm(z, None, None, training=True)[:, 0].tolist()
    numbers = {"mu": z.mean().item(), "var": z.var(correction=0).item(), "s2": z.var().item(), "late": late}
    numbers |= {"sd": math.sqrt(numbers["var"] + layer.eps)}
    numbers |= {"mn": layer.running_mean.item(), "vn": layer.running_var.item()}
    return (
        numbers | {f"y{k}": value for k, value in enumerate(y, 1)} | {f"n{k}": v for k, v in enumerate(normalized, 1)}
    )


def signal_over_depth(given: Numbers) -> dict[str, float]:
    """Variances of independent products added one by one, and a factor taken thirty times."""
    n, s, k, q, x, h = (given[name] for name in "nskqxh")
    products = torch.tensor([-s, s], dtype=torch.float64).var(correction=0).expand(round(n))
    factor = (k * products).sum()
    numbers = {
        "v": (products * q).sum(),
        "qn": k * (products * q).sum(),
        "f": factor,
        "e": factor.expand(30).prod(),
    }
    numbers |= {"s0": (k * n) ** -0.5, "sx": n**-0.5, "sh": (n / 2) ** -0.5, "xn": k * x, "hn": 2 * k * h}
    return {key: float(value) for key, value in numbers.items()} | {
        name: math.log10(math.sqrt(value)) for name, value in (("lq", q), ("lx", x), ("lh", h))
    }


def softmax(given: Numbers) -> dict[str, float]:
    """Torch's softmax and cross-entropy, and its slopes by automatic differentiation."""
    z = float64(given, "z1", "z2", "z3", "z4", requires_grad=True)
    shifted, target = z + given["c"], torch.tensor(round(given["k"]) - 1)
    loss = torch.nn.functional.cross_entropy(shifted, target)
    (slope,) = torch.autograd.grad(loss, z)
    numbers = {"S": shifted.exp().sum().item(), "L": loss.item()}
    wanted = torch.nn.functional.one_hot(target, 4)
    columns = {"e": shifted.exp(), "p": shifted.softmax(0), "t": wanted, "d": slope}
    numbers |= {f"{name}{k}": value for name, row in columns.items() for k, value in enumerate(row.tolist(), 1)}
    return numbers | {f"z{k}n": value for k, value in enumerate((z - given["eta"] * slope).tolist(), 1)}


def gradient_descent(given: Numbers) -> dict[str, float]:
    """Torch's SGD from the same speed, on the square of the distance from 5."""
    w = float64(given, "w").requires_grad_()
    optimizer = torch.optim.SGD([w], lr=given["eta"], momentum=given["mu"])
    optimizer.state[w]["momentum_buffer"] = float64(given, "s")
    loss = ((w - 5) ** 2).sum()
    loss.backward()
    optimizer.step()
    assert w.grad is not None
    speed = optimizer.state[w]["momentum_buffer"].item() if given["mu"] else w.grad.item()
    numbers = {"L": loss.item(), "g": w.grad.item(), "sn": speed, "wn": w.item(), "Ln": (w.item() - 5) ** 2}
    return numbers | {"five": 5, "f": 1 - 2 * given["eta"]}


def optimizers(given: Numbers) -> dict[str, float]:
    """Torch's optimizers, each with the memory that is given."""
    numbers = {"tn": given["t"] + 1}
    step = torch.tensor(float(given["t"]))
    for k in range(1, 5):
        w = float64(given, f"u{k}", f"v{k}").requires_grad_()
        chosen: list[Any] = [torch.optim.SGD, torch.optim.SGD, torch.optim.RMSprop, torch.optim.Adam]
        optimizer = chosen[k - 1]([w], lr=given[f"r{k}"], **({"momentum": 0.9} if k == 2 else {}))
        kept = {
            name: name in "ms" and float64(given, f"{name}u{k}", f"{name}v{k}") for name in ("", "", "m", "s", "ms")[k]
        }
        names = [{}, {}, {"m": "momentum_buffer"}, {"s": "square_avg"}, {"m": "exp_avg", "s": "exp_avg_sq"}][k]
        optimizer.state[w].update({names[name]: value for name, value in kept.items()})
        if k > 2:
            optimizer.state[w]["step"] = step.clone()
        hole = (-w.square().sum() / 2).exp()
        loss = given["a"] * w[0] ** 2 / 2 + given["b"] * w[1] ** 2 / 2 + given["c"] * w[1] ** 4 / 4
        loss = loss + given["e"] * (1 - hole)
        loss.backward()
        optimizer.step()
        assert w.grad is not None
        rows = {"g": w.grad, **{f"{name}|n": optimizer.state[w][names[name]] for name in names}, "|n": w}
        numbers |= {f"L{k}": loss.item(), f"h{k}": hole.item()}
        for name, row in rows.items():
            before, _, after = name.partition("|")
            numbers |= {f"{before}{axis}{k}{after}": value for axis, value in zip("uv", row.tolist(), strict=True)}
    return numbers


def activations(given: Numbers) -> dict[str, float]:
    """Torch's functions, and their slopes by automatic differentiation."""
    z, slope = float64(given, "z", requires_grad=True), given["k"]
    functions = {"sig": torch.sigmoid, "tan": torch.tanh, "rel": torch.relu}
    functions["lea"] = lambda one: torch.nn.functional.leaky_relu(one, slope)
    numbers = {}
    for name, function in functions.items():
        (derivative,) = torch.autograd.grad(function(z).sum(), z)
        numbers |= {name: function(z).item(), f"d{name}": derivative.item()}
        numbers[f"n{name}"] = math.prod([derivative.item()] * round(given["n"]))
    return numbers


def moving_average(given: Numbers) -> dict[str, float]:
    """A mix of old and new; the correction is the sum of the weights that the days have had."""
    beta, days = given["beta"], round(given["t"])
    mixed = torch.lerp(float64(given, "theta"), float64(given, "v"), beta).item()
    weights = math.fsum((1 - beta) * beta**k for k in range(days))
    return {"vn": mixed, "c": weights, "u": mixed / weights, "d": (1 - beta) ** -1, "tn": days + 1}


def learning_rate_decay(given: Numbers) -> dict[str, float]:
    """Torch's schedules, stepped as far as the epoch."""
    schedules: dict[str, Callable[[torch.optim.Optimizer], Any]] = {
        "inv": lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda t: 1 / (1 + given["k"] * t)),
        "exp_": lambda o: torch.optim.lr_scheduler.ExponentialLR(o, given["q"]),
        "stair": lambda o: torch.optim.lr_scheduler.StepLR(o, round(given["T"] / 3), 0.5),
        "wave": lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, round(given["T"])),
    }
    numbers = {"tn": given["t"] + 1}
    for name, make in schedules.items():
        optimizer = torch.optim.SGD([torch.zeros(1)], lr=given["a0"])
        schedule = make(optimizer)
        for _ in range(round(given["t"])):
            optimizer.step()
            schedule.step()
        numbers[name] = optimizer.param_groups[0]["lr"]
    after = {f"{w}n": given[w] - lr * (given[w] + given["n"]) for w, lr in (("w", given["a0"]), ("x", numbers["inv"]))}
    return numbers | after


def early_stopping(given: Numbers) -> dict[str, float]:
    """The rule in words of a program, not of numbers."""
    best, check, waited, stopped = given["b"], given["e"], given["c"], bool(given["s"])
    better = not stopped and given["v"] < best - given["delta"]
    if better:
        best, check, waited = given["v"], given["t"], 0
    elif not stopped:
        waited += 1
    stop = float(waited >= given["P"])
    numbers = {"i": float(better), "bn": best, "en": check, "cn": waited, "sn": stop}
    return numbers | {"gap": given["v"] - given["l"], "tn": given["t"] + 1}


def l1_l2(given: Numbers) -> dict[str, float]:
    """The loss with its penalty, by automatic differentiation."""
    numbers = {}
    for k, penalty in enumerate((lambda w: 0 * w, lambda w: w**2 / 2, torch.abs), 1):
        w = float64(given, f"u{k}", f"v{k}", requires_grad=True)
        loss = (float64({"u": 0.5, "v": 0.15}, "u", "v") * (w - float64(given, "us", "vs")) ** 2).sum()
        (slope,) = torch.autograd.grad(loss + given["lam"] * penalty(w).sum(), w)
        after = (w - given["eta"] * slope).tolist()
        numbers |= {f"L{k}": loss.item(), f"u{k}n": after[0], f"v{k}n": after[1]}
    return numbers


def dropout(given: Numbers) -> dict[str, float]:
    """Values where the draw lies above the share, and the mean of all sums so far."""
    values, draws = (float64(given, *(f"{name}{k}" for k in range(1, 5))) for name in "ar")
    kept = draws > given["p"]
    scaled = values.masked_fill(~kept, 0) / (1 - given["p"])
    before = round(given["t"]) - 1
    mean = torch.tensor([given["m"]] * before + [scaled.sum().item()], dtype=torch.float64).mean().item()
    numbers = {"s": values.sum().item(), "d": scaled.sum().item(), "mn": mean, "tn": before + 2}
    rows = {"k": kept.double(), "d": scaled}
    return numbers | {f"{name}{k}": value for name, row in rows.items() for k, value in enumerate(row.tolist(), 1)}


def linear_regression(given: Numbers) -> dict[str, float]:
    """Torch's mean squared error of both points."""
    w, x, y = float64(given, "m", "b", requires_grad=True), float64(given, "x1", "x2"), float64(given, "y1", "y2")
    predicted = w[0] * x + given["k"] * w[1]
    loss = torch.nn.functional.mse_loss(predicted, y)
    (slope,) = torch.autograd.grad(loss, w)
    names = ("h1", "h2", "e1", "e2", "MSE", "RMSE", "gm", "gb", "mn", "bn")
    found = [*predicted, *(predicted - y), loss, loss.sqrt(), *slope, *(w - given["eta"] * slope)]
    at = given["m"] * given["x"] + given["k"] * given["b"]
    return dict(zip(names, (one.item() for one in found), strict=True)) | {"f": at}


def mini_batches(given: Numbers) -> dict[str, float]:
    """Mean squared errors of four points and of one, by automatic differentiation."""
    x, y = (float64(given, *(f"{name}{k}" for k in range(1, 5))) for name in "XY")
    batch, one = float64(given, "m", "b", requires_grad=True), float64(given, "p", "q", requires_grad=True)
    costs = [torch.nn.functional.mse_loss(w[0] * x + w[1], y) for w in (batch, one)]
    error = one[0] * given["x"] + one[1] - given["y"]
    (slope,), (single,) = torch.autograd.grad(costs[0], batch), torch.autograd.grad(error**2, one)
    over = (round(given["t"]) + 1) % 4 == 0
    after = [*(batch - over * given["eta"] * slope).tolist(), *(one - given["eta"] * single).tolist()]
    numbers = {"Jm": costs[0].item(), "Jp": costs[1].item(), "gm": slope[0].item(), "gb": slope[1].item()}
    numbers |= {"E": float(over), "e": error.item(), "L": error.item() ** 2, "tn": given["t"] + 1}
    return numbers | dict(zip(("mn", "bn", "pn", "qn"), after, strict=True))


def table(given: Numbers, letter: str, rows: int, columns: int) -> torch.Tensor:
    names = [f"{letter}{r}{c}" for r in range(1, rows + 1) for c in range(1, columns + 1)]
    return float64(given, *names).view(1, 1, rows, columns)


def cells(letter: str, values: torch.Tensor) -> dict[str, float]:
    rows = values.reshape(values.shape[-2:]).tolist()
    return {f"{letter}{r}{c}": value for r, row in enumerate(rows, 1) for c, value in enumerate(row, 1)}


def convolution(given: Numbers) -> dict[str, float]:
    kernel = table(given, "k", 3, 3)
    result = torch.nn.functional.conv2d(table(given, "x", 5, 5), kernel, float64(given, "b"))
    return cells("y", result) | {"S": kernel.sum().item()}


def padding(given: Numbers) -> dict[str, float]:
    """The windows over the cells themselves, numbered as on the page."""
    n, f, p, s, d, i = (round(given[name]) for name in "nfpsdi")
    reach = list(range(0, d * f, d))[-1] + 1
    windows = torch.arange(1 - p, n + p + 1).unfold(0, reach, s)
    size = torch.nn.functional.conv1d(torch.zeros(1, 1, n), torch.zeros(1, 1, f), padding=p, stride=s, dilation=d)
    shown = windows[i - 1].tolist()
    numbers = {"r": reach, "m": size.shape[2], "a": shown[0], "z": shown[-1], "u": n + p - windows[-1, -1].item()}
    return numbers | {"q": (reach - 1) / 2}


def pooling(given: Numbers) -> dict[str, float]:
    """Torch's pooling, and where its slopes go."""
    x, slopes = table(given, "x", 4, 4).requires_grad_(), table(given, "g", 2, 2)
    largest = torch.nn.functional.max_pool2d(x, 2)
    (chosen,) = torch.autograd.grad(largest.sum(), x, retain_graph=True)
    (back,) = torch.autograd.grad(largest, x, slopes)
    mean = torch.nn.functional.avg_pool2d(x, 2)
    return cells("m", largest) | cells("a", mean) | cells("w", chosen) | cells("d", back)


def receptive_field(given: Numbers) -> dict[str, float]:
    """Which cells have a slope: of one number the field, between two neighbors the distance."""
    x = torch.zeros(1, 1, 300, dtype=torch.float64, requires_grad=True)
    out, numbers, weights = x, {}, 0
    for layer in (1, 2, 3):
        width = round(given[f"k{layer}"])
        ones = torch.ones(1, 1, width, dtype=torch.float64)
        out = torch.nn.functional.conv1d(out, ones, stride=round(given[f"s{layer}"]))
        seen = [torch.autograd.grad(out[0, 0, k], x, retain_graph=True)[0][0, 0].nonzero()[:, 0] for k in (0, 1)]
        numbers |= {f"r{layer}": len(seen[0]), f"j{layer}": (seen[1][0] - seen[0][0]).item()}
        weights += torch.nn.Conv2d(1, 1, width, bias=False).weight.numel()
    return numbers | {"W": weights, "F": torch.nn.Conv2d(1, 1, int(numbers["r3"]), bias=False).weight.numel()}


def residual(given: Numbers) -> dict[str, float]:
    """Both layers' slopes by automatic differentiation."""
    (a, r), w = float64(given, "a", "r", requires_grad=True), given["w"]
    plain, made = torch.tanh(w * a), torch.tanh(w * r)
    g, h = (
        torch.autograd.grad(out, one, torch.tensor(given[name], dtype=torch.float64))[0]
        for out, one, name in ((plain, a, "g"), (r + made, r, "h"))
    )
    numbers = {"an": plain.item(), "t": made.item(), "rn": (r + made).item(), "gn": g.item(), "hn": h.item()}
    return numbers | {f"l{name}": math.log10(abs(given[name])) for name in "gh"}


def logistic_loss(given: Numbers) -> dict[str, float]:
    """Both losses, their slopes and bends by automatic differentiation."""
    w, u = float64(given, "w", requires_grad=True), float64(given, "u", requires_grad=True)
    wanted = float64(given, "y")
    p, o = torch.sigmoid(w * given["x"]), torch.sigmoid(u * given["x"])
    losses = {"L": torch.nn.functional.binary_cross_entropy(p, wanted), "Q": torch.nn.functional.mse_loss(p, wanted)}
    numbers = {"p": p.item(), "o": o.item(), "M": math.exp(-losses["L"].item())}
    for name, loss in losses.items():
        (slope,) = torch.autograd.grad(loss, w, create_graph=True)
        (bend,) = torch.autograd.grad(slope, w, retain_graph=True)
        numbers |= {name: loss.item(), f"d{name}": slope.item(), f"c{name}": bend.item()}
    (other,) = torch.autograd.grad(torch.nn.functional.mse_loss(o, wanted), u)
    return numbers | {"wn": given["w"] - given["eta"] * numbers["dL"], "un": (u - given["eta"] * other).item()}


def bias_variance(given: Numbers) -> dict[str, float]:
    """Differences of neighbors, and the first of the largest."""
    gaps = dict(zip("AVMO", float64(given, *"htmde").diff().tolist(), strict=True))
    largest = max(gaps.values())
    return gaps | {"s": given["e"] - given["h"]} | {f"w{name}": float(gap == largest) for name, gap in gaps.items()}


def attention(given: Numbers) -> dict[str, float]:
    """Torch's attention, and its softmax of the scores that a mask leaves."""
    query = float64(given, "qx", "qy")[None]
    keys, values = (
        float64(given, *(f"{name}{k}{axis}" for k in (1, 2, 3) for axis in "xy")).view(3, 2) for name in "kv"
    )
    seen = torch.arange(3) < given["i"]
    scores = (keys @ query[0]) / math.sqrt(2)
    answer = torch.nn.functional.scaled_dot_product_attention(query, keys, values, attn_mask=seen[None])
    powers, weights = scores.exp() * seen, scores.masked_fill(~seen, -math.inf).softmax(0)
    numbers = {"ox": answer[0, 0].item(), "oy": answer[0, 1].item(), "S": powers.sum().item()}
    rows = {"s": scores, "n": seen.double(), "e": powers, "a": weights}
    return numbers | {f"{name}{k}": value for name, row in rows.items() for k, value in enumerate(row.tolist(), 1)}


def lstm(given: Numbers) -> dict[str, float]:
    """Torch's cells of one number, whose weights are those of the page."""
    cell, plain = torch.nn.LSTMCell(2, 1).double(), torch.nn.RNNCell(2, 1).double()
    with torch.no_grad():
        for parameter in (*cell.parameters(), *plain.parameters()):
            parameter.zero_()
        # In the order of torch: update (input), forget, candidate, output.
        cell.weight_ih.copy_(torch.tensor([[0, given["pu"]], [0, given["pf"]], [given["w"], 0], [0, 0]]))
        cell.weight_hh[2] = given["v"]
        cell.bias_ih.copy_(float64({**given, "none": 0}, "bu", "bf", "none", "bo"))
        plain.weight_ih[0, 0] = given["w"]
        plain.weight_hh.fill_(given["k"])
    before = float64(given, "c")[None].requires_grad_()
    state = float64(given, "y")[None].requires_grad_()
    h, c = cell(float64(given, "x", "u")[None], (float64(given, "h")[None], before))
    y = plain(float64(given, "x", "u")[None], state)
    (kept,), (left,) = torch.autograd.grad(c, before), torch.autograd.grad(y, state)
    gates = torch.sigmoid(
        float64({**given, "none": 0}, "bu", "bf", "bo") + given["u"] * float64({**given, "none": 0}, "pu", "pf", "none")
    )
    candidate = math.tanh(given["w"] * given["x"] + given["v"] * given["h"])
    numbers = dict(zip(("gu", "gf", "go"), gates.tolist(), strict=True)) | {"ca": candidate}
    numbers |= {"cn": c.item(), "hn": h.item(), "yn": y.item()}
    factors = {"mn": given["m"] * kept.item(), "nn": given["n"] * left.item()}
    return numbers | (dict.fromkeys(factors, 1.0) if given["u"] else factors)


def gru(given: Numbers) -> dict[str, float]:
    """Torch's cell, whose update gate counts the other way."""
    cell = torch.nn.GRUCell(2, 1).double()
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.zero_()
        cell.weight_ih.copy_(torch.tensor([[0, 0], [0, -given["pu"]], [given["w"], 0]]))
        cell.bias_ih.copy_(torch.tensor([given["br"], -given["bu"], 0]))
        cell.weight_hh[2] = given["v"]
    before = float64(given, "c")[None].requires_grad_()
    after = cell(float64(given, "x", "u")[None], before)
    (slope,) = torch.autograd.grad(after, before)
    update = torch.sigmoid(float64(given, "bu") + given["pu"] * given["u"]).item()
    reset = torch.sigmoid(float64(given, "br")).item()
    candidate = math.tanh(given["w"] * given["x"] + given["v"] * reset * given["c"])
    return {"gu": update, "gr": reset, "ca": candidate, "cn": after.item(), "k": slope.item()}


def embeddings(given: Numbers) -> dict[str, float]:
    """Sums of embeddings through one layer, one-hot rows through another; slopes by automatic differentiation."""
    places = {word: float64(given, f"{word}x", f"{word}y") for word in "ofacdg"}
    w, u = (
        float64(given, "w1", "w2", "e", requires_grad=True),
        float64(given, "uo", "uf", "ua", "uc", "b", requires_grad=True),
    )
    sums = torch.stack([places[first] + places[second] for first, second in ("of", "ac", "dg")])
    known = torch.tensor([[1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]], dtype=torch.float64)
    scores, others = sums @ w[:2] + w[2], known @ u[:4] + u[4]
    wanted = torch.tensor([1, 0], dtype=torch.float64)
    losses = [torch.nn.functional.binary_cross_entropy_with_logits(one[:2], wanted) for one in (scores, others)]
    (dw,), (du,) = torch.autograd.grad(losses[0], w), torch.autograd.grad(losses[1], u)
    cosine = torch.nn.functional.cosine_similarity(places["o"], places["d"], dim=0)
    numbers = {"L": losses[0].item(), "cos": cosine.item()}
    for letter, row in (("p", scores), ("q", others)):
        numbers |= {f"{letter}{k}": value for k, value in enumerate(torch.sigmoid(row).tolist(), 1)}
    after = [*(w - given["eta"] * dw).tolist(), *(u - given["eta"] * du).tolist()]
    return numbers | dict(zip(("w1n", "w2n", "en", "uon", "ufn", "uan", "ucn", "bn"), after, strict=True))


def beam_search(given: Numbers) -> dict[str, float]:
    """Beginnings sorted by their probability, and sentences by theirs."""
    first = {"a": given["pa"], "b": given["pb"], "c": 1 - given["pa"] - given["pb"]}
    ranked = sorted(first, key=lambda word: -first[word])
    kept = ranked[: round(given["B"])]
    threshold = [*(first[word] for word in ranked), -1][round(given["B"])]
    sentences = {}
    for word, probability in first.items():
        q = given[f"q{word}"]
        after = {"1": q, "2": 0.6 * (1 - q), "3": 0.4 * (1 - q)}
        sentences |= {word + other: probability * share for other, share in after.items()}
    found = max(value for name, value in sentences.items() if name[0] in kept)
    numbers = {
        "pc": first["c"],
        "mid": sorted(first.values())[1],
        "T": threshold,
        "F": found,
        "G": max(sentences.values()),
    }
    numbers |= {f"k{word}": float(word in kept) for word in first}
    numbers |= {f"P{name}": value for name, value in sentences.items()}
    return numbers | {f"w{name}": float(name[0] in kept and value == found) for name, value in sentences.items()}


def localization(given: Numbers) -> dict[str, float]:
    """The course's squares over numbers that are known, and the product's loss of a vector that begins with logits."""
    there, sides = given["p"] > 0.5, ("x", "y", "h", "w")
    classes = torch.eye(3, dtype=torch.float64)[round(given["k"]) - 1]
    true = torch.cat([torch.ones(1, dtype=torch.float64), float64(given, *(f"b{side}" for side in sides)), classes])
    found = float64(given, "q", *(f"h{side}" for side in sides), "e1", "e2", "e3")
    wanted = true if there else torch.cat([torch.zeros(1, dtype=torch.float64), found[1:]])
    costs = torch.nn.functional.mse_loss(found, wanted, reduction="none")
    logits = torch.cat([found[:1].logit(), found[1:5], found[5:].log()])[None]
    parts = [logits[:, :1], logits[:, :5]]
    sure, placed, whole = (localization_loss(part, wanted[None, : part.shape[1]]).item() for part in (*parts, logits))
    numbers = {"i": float(there), "L": costs.sum().item(), "Lp": sure, "Lb": placed - sure, "Lc": whole - placed}
    numbers |= {"J": whole, "V": len(true), "N": torch.zeros(round(given["n"]), 2).numel() + 1}
    numbers |= {f"c{k}": value for k, value in enumerate(classes.tolist(), 1)}
    return numbers | dict(zip(("dp", "dx", "dy", "dh", "dw", "d1", "d2", "d3"), costs.tolist(), strict=True))


def boxes(given: Numbers) -> dict[str, float]:
    """The product's overlap of boxes, and areas of what numpy clips."""
    one, other = (float64(given, *(f"{edge}{name}" for edge in "ltru")) for name in "AB")
    areas = [(box[2:] - box[:2]).prod().item() for box in (one, other)]
    common = torch.cat([torch.maximum(one, other)[:2], torch.minimum(one, other)[2:]])
    x, y = (common[2:] - common[:2]).clamp(min=0).tolist()
    iou = box_similarity(one, other).item()
    numbers = {"FA": areas[0], "FB": areas[1], "x": x, "y": y, "I": sum(areas) * iou / (1 + iou), "U": iou}
    return numbers | {"C": sum(areas) / (1 + iou), "g": float(iou >= given["T"])}


def grid(given: Numbers) -> dict[str, float]:
    """Places as a program fills them, best fitting first; overlap of shapes as the anchors of the product have it."""
    cells, anchors = round(given["S"]), np.array([[given[f"W{k}"], given[f"H{k}"]] for k in (1, 2)])
    numbers = {"N": float(cells**2 * 8), "M": float(torch.zeros(2, 8, cells, cells).numel())}
    asks = {}
    for name in "ABC":
        (c, u), (r, v) = (divmod(cells * given[f"{axis}{name}"], 1) for axis in "xy")
        alike = shape_overlap(np.array([[given[f"w{name}"], given[f"h{name}"]]]), anchors)[0]
        asks[name] = (c, r, int(alike.argmax())), alike.max()
        row = {"c": c, "r": r, "u": u, "v": v, "g": cells * given[f"h{name}"], "d": cells * given[f"w{name}"]}
        row |= {"i1": alike[0], "i2": alike[1], "a": alike.argmax() + 1, "m": alike.max()}
        row |= {"p": np.ravel_multi_index((int(r), int(c), int(alike.argmax())), (cells, cells, 2)) + 1}
        numbers |= {f"{letter}{name}": float(value) for letter, value in row.items()}
    filled: dict[tuple[float, float, int], str] = {}
    for name in sorted(asks, key=lambda name: -asks[name][1]):
        filled.setdefault(asks[name][0], name)
    return numbers | {f"k{name}": float(name in filled.values()) for name in "ABC"} | {"K": float(len(filled))}


def non_max_suppression(given: Numbers) -> dict[str, float]:
    """A round as a program: of a list of boxes the surest, and the product's overlap with each."""
    names, places = "ABCDE", [float64(given, *(f"{edge}{name}" for edge in "ltru")) for name in "ABCDE"]
    left = [name for name in names if given[f"s{name}"] and given[f"p{name}"] > given["P"]]
    best = max(left, key=lambda name: given[f"p{name}"], default=None)
    chosen = torch.zeros(4, dtype=torch.float64) if best is None else places[names.index(best)]
    numbers = dict(zip("LTRU", chosen.tolist(), strict=True)) | {"z": given["z0"] + 1}
    numbers |= {"m": given[f"p{best}"] if best else 0.0, "K": given[f"k{best}"] if best else 0.0}
    for name, box in zip(names, places, strict=True):
        iou, areas = box_similarity(box, chosen).item(), [(one[2:] - one[:2]).prod().item() for one in (box, chosen)]
        alike = best is not None and given[f"k{name}"] == given[f"k{best}"] and iou > given["V"]
        stays, answer = name in left and name != best and not alike, given[f"o{name}"] + (name == best)
        row = {"a": name in left, "c": name == best, "d": name in left and name != best and alike, "n": stays}
        row |= {"I": sum(areas) * iou / (1 + iou), "U": iou, "g": answer, "v": stays or answer}
        numbers |= {f"{letter}{name}": float(value) for letter, value in row.items()}
    return numbers


def flow_matching(given: Numbers) -> dict[str, float]:
    """The mean picture behind a place, by Bayes' rule with torch's normal distribution, and a step of Euler."""
    step, time = 1 / given["N"], given["t"]
    left, length = max(1 - time, step), min(step, 1 - time)
    pictures = torch.tensor([[given["ax"], given["ay"]], [given["bx"], given["by"]]], dtype=torch.float64)
    numbers = {"h": length, "r": left, "tn": time + length}
    for k in (1, 2):
        x = torch.tensor([given[f"x{k}"], given[f"y{k}"]], dtype=torch.float64)
        told = torch.distributions.Normal(time * pictures, left).log_prob(x).sum(1)
        shares = torch.softmax(told, 0)
        v, w = ((shares @ pictures - x) / left).tolist()
        a, b = (((x - time * pictures) / left).square().sum(1) / 2).tolist()
        numbers |= {f"a{k}": a, f"b{k}": b, f"p{k}": shares[0].item(), f"v{k}": v, f"w{k}": w, f"q{k}": min(a, b)}
        numbers |= {f"xn{k}": given[f"x{k}"] + length * v, f"yn{k}": given[f"y{k}"] + length * w}
    return numbers


def style_cost(given: Numbers) -> dict[str, float]:
    """The product's Gram matrix and cost, and slopes by automatic differentiation."""
    maps = torch.stack([float64(given, *(f"{name}{k}" for k in range(1, 5))) for name in "ab"]).requires_grad_()
    wanted = torch.stack([float64(given, *(f"{name}{k}" for k in range(1, 5))) for name in "st"])
    grams = [gram_matrix(one[None, :, None]) for one in (maps, wanted)]
    cost = perceptual_losses.style_cost(grams[0], grams[1]).sum()
    (slopes,) = torch.autograd.grad(cost, maps)
    numbers = {"J": cost.item(), "N": (grams[1] ** 2).sum().item()}
    for letter, gram in zip("gh", grams, strict=True):
        numbers |= {f"{letter}{i + 1}{j + 1}": gram[0, i, j].item() for i, j in ((0, 0), (0, 1), (1, 1))}
    for letter, row in zip("pqmn", [*slopes, *(maps - given["eta"] * slopes)], strict=True):
        numbers |= {f"{letter}{k}": value for k, value in enumerate(row.tolist(), start=1)}
    return numbers


def sliding_window(given: Numbers) -> dict[str, float]:
    """Torch's layers: over the strip and over a window of it, and their sizes and products in two dimensions."""
    strip, kernel = (float64(given, *(f"{name}{i}" for i in range(1, num + 1))) for name, num in (("x", 8), ("k", 3)))
    dense = torch.nn.Linear(2, 1, dtype=torch.float64)
    dense.load_state_dict({"weight": float64(given, "v1", "v2")[None], "bias": float64(given, "c")})
    y, g = (torch.conv1d(x[None, None], kernel[None, None]).relu() for x in (strip, strip[2:]))
    z, h = (torch.nn.functional.max_pool1d(one, 2) for one in (y, g))
    o = torch.conv1d(z, dense.weight[None], dense.bias)
    numbers = {
        f"{letter}{i}": value
        for letter, row in (("y", y), ("z", z), ("o", o), ("g", g), ("h", h))
        for i, value in enumerate(row.flatten().tolist(), start=1)
    }
    numbers |= {"q": dense(h[0, 0]).item(), "d": 0.0}
    n, s, k, u = (round(given[name]) for name in "nsKu")

    def read(side: int, wide: int | None) -> tuple[int, int, int, list[int]]:
        """Sides after convolution, pooling and the first dense layer, and the products of the four layers."""
        at, sides, products = torch.empty(1, 3, side, side, device="meta"), list[int](), list[int]()
        for num, width in ((k, 5), (u, wide), (u, 1), (4, 1)):
            weight = torch.empty(num, at.shape[1], width or at.shape[2], width or at.shape[3], device="meta")
            at = torch.conv2d(at, weight)
            products.append(at[0, 0].numel() * weight.numel())
            sides.append(at.shape[3])
            if len(sides) == 1:
                at = torch.nn.functional.max_pool2d(at, s)
                sides.append(at.shape[3])
        return sides[0], sides[1], sides[2], products

    a, b, _, (first, *others) = read(14, None)
    _, _, m, (at_once, *rest) = read(n, b)
    numbers |= {"a": a, "b": b, "m": m, "N": m * m, "P": first, "A": m * m * first, "B": at_once, "D": sum(others)}
    return numbers | {"R": m * m * first / at_once, "T": m * m * (first + sum(others)) / (at_once + sum(rest))}


# Every line of a lesson's sheet, from its given numbers, by another way than the sheet's formulas.
EXPECTED: dict[str, Callable[[Numbers], dict[str, float]]] = {
    "one-neuron": one_neuron,
    "xor": xor,
    "backpropagation": backpropagation,
    "signal-over-depth": signal_over_depth,
    "softmax": softmax,
    "gradient-descent": gradient_descent,
    "optimizers": optimizers,
    "activations": activations,
    "zero-initialization": backpropagation,
    "linear-regression": linear_regression,
    "moving-average": moving_average,
    "learning-rate-decay": learning_rate_decay,
    "mini-batches": mini_batches,
    "early-stopping": early_stopping,
    "l1-l2": l1_l2,
    "dropout": dropout,
    "batch-norm": batch_norm,
    "convolution": convolution,
    "padding": padding,
    "pooling": pooling,
    "receptive-field": receptive_field,
    "residual": residual,
    "logistic-loss": logistic_loss,
    "bias-variance": bias_variance,
    "attention": attention,
    "lstm": lstm,
    "gru": gru,
    "embeddings": embeddings,
    "beam-search": beam_search,
    "localization": localization,
    "sliding-window": sliding_window,
    "boxes": boxes,
    "grid": grid,
    "non-max-suppression": non_max_suppression,
    "style-cost": style_cost,
    "flow-matching": flow_matching,
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_course(tmp_path_factory.mktemp("site") / "pages").parent


def data_of(page: Path) -> Any:
    text = page.read_text(encoding="utf-8")
    return json.loads(text.split('<script id="data" type="application/json">')[1].split("</script>")[0])


def test_every_page_is_small_whole_and_refers_to_nothing_elsewhere(site: Path) -> None:
    names = {page.name for page in site.iterdir()}
    assert names >= {"index.html", "glossary.html", *(f"{name}.html" for name in COURSE)}
    for page in site.iterdir():
        text = page.read_text(encoding="utf-8")
        assert len(text.encode()) <= LARGEST
        assert set(re.findall(r"https?://[^\s\"'`]+", text)) <= {"http://www.w3.org/2000/svg"}  # not fetched
        assert "default-src 'none'" in text
        links = set(re.findall(r'href="([^"#]+)', text)) | {entry["page"] for entry in data_of(page)["search"]}
        assert links <= names
        anchors = {entry["anchor"] for entry in data_of(page)["search"] if entry["anchor"]}
        assert anchors == {entry.name for entry in GLOSSARY}


def test_what_has_no_page_yet_is_listed_as_the_command_that_it_is(site: Path) -> None:
    listed = re.findall(r"derin lesson ([\w-]+)", (site / "index.html").read_text(encoding="utf-8"))
    assert listed == list(LESSONS)


def test_a_lesson_that_has_become_a_page_leads_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_CACHE", str(tmp_path))
    names = [name for lesson in COURSE for name in COURSE[lesson].covers]
    assert set(names).isdisjoint(LESSONS)
    for name in names:
        result = CliRunner().invoke(app, ["lesson", name, "--json"])
        assert Path(json.loads(result.stdout)["address"].removeprefix("file://")).is_file()
    assert CliRunner().invoke(app, ["lesson", names[0], "-o", "target=2"]).exit_code == 2


@pytest.mark.parametrize("name", COURSE)
def test_a_lesson_is_of_one_piece(name: str) -> None:
    lesson: CourseLesson = COURSE[name]
    assert lesson.name == name
    assert {line.id for line in lesson.sheet.lines}.isdisjoint(given.id for given in lesson.sheet.givens)
    known = {given.id for given in lesson.sheet.givens}
    for line in lesson.sheet.lines:
        used = set(re.findall(r"[A-Za-z]\w*(?!\w|\()", line.formula))
        assert used <= known, line
        known.add(line.id)
    assert set(lesson.sheet.updates) <= {given.id for given in lesson.sheet.givens}
    assert set(lesson.sheet.updates.values()) <= {line.id for line in lesson.sheet.lines}
    assert lesson.question.right < len(lesson.question.choices)
    assert set(lesson.after) <= set(COURSE)
    assert "\\text" not in lesson.formula  # a formula is the same in both languages
    lessons, models = (re.findall(rf"derin {word} ([\w-]+)", lesson.code) for word in ("lesson", ".*--model"))
    assert set(lessons) <= set(LESSONS)
    assert set(models) <= set(MODELS)
    if "import" in lesson.code:
        exec(lesson.code, {})
    assert name in EXPECTED


def test_the_curves_of_early_stopping_are_those_of_a_run() -> None:
    experiment, losses = Experiment(**RUN), []
    for _ in VALIDATION:
        losses.append((round(experiment.train_loss, 3), round(experiment.test_loss, 3)))
        experiment.train(STEPS_BETWEEN)
    assert losses == list(zip(TRAINING, VALIDATION, strict=True))


def test_words_are_of_both_languages_and_of_the_same_holes() -> None:
    for word in (*WORDS.values(), *(entry.meaning for entry in GLOSSARY)):
        assert word.en
        assert word.tr
        assert set(re.findall(r"\{\w+\}", word.en)) == set(re.findall(r"\{\w+\}", word.tr))


class _Spoken(HTMLParser):
    """The text of a page in each language, without code and scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, str | None]] = []
        self.text: dict[str, list[str]] = {"en": [], "tr": []}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("html", "meta", "link", "input", "br", "img"):
            self.open.append((tag, dict(attrs).get("lang")))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        spoken = next((spoken for _, spoken in reversed(self.open) if spoken in self.text), None)
        if spoken is not None and not {"code", "pre", "script", "style"} & {tag for tag, _ in self.open}:
            self.text[spoken].append(data)


def test_turkish_writes_every_number_of_the_english_text_with_a_comma(site: Path) -> None:
    num = 0
    for page in site.glob("*.html"):
        found = _Spoken()
        found.feed(page.read_text(encoding="utf-8"))
        english, turkish = (" ".join(found.text[spoken]) for spoken in ("en", "tr"))
        assert not re.findall(r"\d\.\d", turkish), page.name
        decimals = set(re.findall(r"\d+\.\d+", english))
        assert {number.replace(".", ",") for number in decimals} <= set(re.findall(r"\d+,\d+", turkish)), page.name
        num += len(decimals)
        for said in re.findall(r'"tr": ?"((?:[^"\\]|\\.)*)"', page.read_text(encoding="utf-8")):
            assert not re.search(r"\d\.\d", said), page.name
    assert num > 50


def test_the_glossary_has_the_words_of_the_course_table() -> None:
    table = (ROOT / "docs" / "course.md").read_text(encoding="utf-8").split("## Glossary")[1]
    rows = [[cell.strip() for cell in line.split("|")[1:3]] for line in table.splitlines() if line.startswith("| ")]
    turkish = {english: word for word, english in rows}
    shared = [entry for entry in GLOSSARY if entry.term.en in turkish]
    assert len(shared) > 10
    assert [entry.name for entry in shared if entry.term.tr not in turkish[entry.term.en].split(", ")] == []


def test_the_course_table_names_every_page_with_its_rows() -> None:
    text = (ROOT / "docs" / "course.md").read_text(encoding="utf-8")
    for name in COURSE:
        assert f"\n| {name} | {COURSE[name].title.en} | {', '.join(COURSE[name].rows)} |\n" in text


def test_trained_networks_stand_beside_the_lessons(tmp_path: Path) -> None:
    run = tmp_path / 'iris "a" #1'
    derin.fit("iris", epochs=1, out=run, report=False)
    pages = tmp_path / "pages"
    result = CliRunner().invoke(app, ["course", "--out", str(pages), "--network", str(run), "--json"])
    assert result.exit_code == 0, result.output
    linked = re.findall(r'href="(network-[^"]*)"', (pages / "index.html").read_text(encoding="utf-8"))
    assert [(pages / unquote(one)).is_file() for one in linked] == [True]
    twice = CliRunner().invoke(app, ["course", "--out", str(pages), "--network", str(run), "--network", str(run)])
    assert twice.exit_code == 2
    assert CliRunner().invoke(app, ["course", "--network", str(run)]).exit_code == 2


def test_the_course_is_written_once_and_into_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_CACHE", str(tmp_path / "cache"))
    first = cached_course()
    changed = first.stat().st_mtime_ns
    assert cached_course() == first
    assert first.stat().st_mtime_ns == changed
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine.txt").write_text("mine")
    result = CliRunner().invoke(app, ["course", "--out", str(tmp_path / "own"), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["course"] == str(tmp_path / "own" / "index.html")
    assert (tmp_path / "own" / "mine.txt").read_text() == "mine"


VISIT = """
  const { sheet } = derinCourse, of = (id) => document.getElementById(id), press = (id) => of(id).click();
  const { exercise, question, sheet: { givens } } = derinCourse.lesson;
  const open = () => of("lines").offsetParent !== null;
  const given = () => Object.fromEntries(givens.map(({ id }) => [id, sheet.values[id]]));
  const tell = () => found.push([given(), { ...sheet.values }]);
  const answer = (text) => { of("answer").value = text; press("check"); return of("exercise").dataset.result; };
  const before = open();
  document.querySelector(`#question button[data-choice="${question}"]`).click();
  found.push([before, open(), of("verdict").textContent]);
  for (let k = 0; k < 3; k++) press("hint");
  found.push(document.querySelectorAll("#exercise .hint:not([hidden])").length);
  const far = String(exercise.answer + 10 * exercise.tolerance);
  found.push(["", "x", far, String(exercise.answer).replace(".", ",")].map(answer));
  tell();
  for (let k = 0; k < 5; k++) { if (of("step")) press("step"); tell(); }
  if (of("back")) press("back");
  found.push(sheet.steps);
  document.querySelector("#lines .number").click();
  const english = of("lines").textContent;
  press("language");
  const commas = (text) => text.split(",").length;
  const spelled = !/\\d\\.\\d/.test(english) || commas(of("lines").textContent) > commas(english);
  found.push([document.querySelectorAll(".origin").length, spelled]);
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", COURSE)
def test_a_page_has_pythons_numbers_and_answers(name: str, site: Path, visit: Visit) -> None:
    """The numbers at first and after some steps, the question, and the exercise with wrong and right answers."""
    lesson = COURSE[name]
    seen, hints, results, *told, steps, (marked, spelled) = scripted(site / f"{name}.html", VISIT, visit, "lang=en")
    assert seen == [False, True, WORDS["foreseen"].en]
    assert hints == 3
    assert results == ["wrong", "wrong", "wrong", "right"]
    assert (marked, spelled) == (1, True)
    assert steps == (4 if lesson.sheet.updates else 0)
    for given, values in told:
        expected = EXPECTED[name](given)
        assert set(expected) == {line.id for line in lesson.sheet.lines}
        # Both count in 64 bits; what the sheet writes out differs from Python's kernels by rounding alone.
        assert {key: values[key] for key in expected} == pytest.approx(expected, abs=1e-9)


@pytest.mark.slow
def test_the_playground_gives_the_lines_that_have_its_numbers(
    site: Path, visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named sets and points of one's own, clicked and from a file, after a hundred steps; of three classes too."""
    script = """
      const of = (id) => document.getElementById(id);
      const tell = () => { for (let k = 0; k < 99; k++) PLAYGROUND.trainer.advance();
        of("one_step").click();
        found.push([of("python").textContent, decodeURIComponent(of("points").href.split(",").slice(1).join(",")),
          PLAYGROUND.trainer.history.at(-1), document.querySelectorAll("#step_numbers .numbers").length]); };
      PLAYGROUND.change("hidden", [3]); tell();
      document.querySelector("[data-pen=zero]").click(); PLAYGROUND.place(0.5, 0.5); tell();
      PLAYGROUND.change("data", "pinwheel"); tell();
      found.push(PLAYGROUND.readTable("a;b;c\\n1;2;yes\\n3;4;no\\n5;6;no\\n7;9;yes"));
      found.push(PLAYGROUND.readTable("a,b\\n1,2"));
      of("language").click(); found.push(of("play").textContent)"""
    monkeypatch.chdir(tmp_path)
    *runs, table, refused, play = scripted(site / "playground.html", script, visit, "lang=en")
    for lines, points, (steps, train, test), tables in runs:
        (tmp_path / "points.csv").write_text(points)
        namespace: dict[str, Any] = {}
        exec(lines.replace("print(", "("), namespace)
        experiment = namespace["experiment"]
        assert steps == experiment.step == 100
        assert (train, test) == pytest.approx((experiment.train_loss, experiment.test_loss), abs=1e-6)
        assert tables > 10
    assert runs[0][1].count("\n") + 1 == runs[1][1].count("\n")
    assert [row[2] for row in table] == [1, 0, 0, 1]
    assert sum(row[0] for row in table) == pytest.approx(0, abs=1e-8)
    assert refused is None
    assert play == WORDS["run"].tr


@pytest.mark.slow
def test_search_finds_words_of_either_language(site: Path, visit: Visit) -> None:
    script = """const box = document.getElementById("search");
      for (const [word, spoken] of [["gradient", "en"], ["öğrenme oranı", "tr"], ["OGRENME", "tr"], ["qqq", "en"]]) {
        derinCourse.language = spoken; box.value = word; box.dispatchEvent(new Event("input"));
        found.push([...document.querySelectorAll("#found a")].map((link) => link.textContent));
      }"""
    gradient, rate, plain, nothing = scripted(site / "index.html", script, visit, "lang=en")
    assert "gradient" in gradient
    assert rate[0] == "öğrenme oranı"
    assert "öğrenme oranı" in plain
    assert nothing == []
