"""The pages of the course: whole, in both languages, without a reference elsewhere; their numbers are Python's."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.browser import Visit, scripted
from typer.testing import CliRunner

from derin.cli.main import app
from derin.layers import BatchNorm
from derin.lessons.course.form import CourseLesson
from derin.lessons.course.glossary import GLOSSARY
from derin.lessons.course.registry import COURSE
from derin.lessons.course.site import build_course, cached_course
from derin.lessons.course.words import WORDS
from derin.lessons.registry import LESSONS
from derin.tasks.losses import binary_cross_entropy

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
        loss = given["a"] * w[0] ** 2 / 2 + given["b"] * w[1] ** 2 / 2 + given["c"] * w[1] ** 4 / 4
        loss.backward()
        optimizer.step()
        assert w.grad is not None
        rows = {"g": w.grad, **{f"{name}|n": optimizer.state[w][names[name]] for name in names}, "|n": w}
        numbers[f"L{k}"] = loss.item()
        for name, row in rows.items():
            before, _, after = name.partition("|")
            numbers |= {f"{before}{axis}{k}{after}": value for axis, value in zip("uv", row.tolist(), strict=True)}
    return numbers


# Every line of a lesson's sheet, from its given numbers, by another way than the sheet's formulas.
EXPECTED: dict[str, Callable[[Numbers], dict[str, float]]] = {
    "one-neuron": one_neuron,
    "xor": xor,
    "backpropagation": backpropagation,
    "softmax": softmax,
    "gradient-descent": gradient_descent,
    "optimizers": optimizers,
    "batch-norm": batch_norm,
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
    covered = {name for lesson in COURSE for name in COURSE[lesson].covers}
    assert covered <= set(LESSONS)
    assert listed == [name for name in LESSONS if name not in covered]


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
    assert name in EXPECTED


def test_words_are_of_both_languages_and_of_the_same_holes() -> None:
    for word in (*WORDS.values(), *(entry.meaning for entry in GLOSSARY)):
        assert word.en
        assert word.tr
        assert set(re.findall(r"\{\w+\}", word.en)) == set(re.findall(r"\{\w+\}", word.tr))


def test_the_glossary_has_the_words_of_the_course_table() -> None:
    table = (ROOT / "docs" / "course.md").read_text(encoding="utf-8").split("## Glossary")[1]
    rows = [[cell.strip() for cell in line.split("|")[1:3]] for line in table.splitlines() if line.startswith("| ")]
    turkish = {english: word for word, english in rows}
    shared = [entry for entry in GLOSSARY if entry.term.en in turkish]
    assert len(shared) > 10
    assert [entry.name for entry in shared if entry.term.tr not in turkish[entry.term.en].split(", ")] == []


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
  found.push([document.querySelectorAll(".origin").length, commas(of("lines").textContent) > commas(english)]);
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
    """A named set and points of one's own, clicked and from a file, after a hundred steps."""
    script = """
      const of = (id) => document.getElementById(id);
      const tell = () => { for (let k = 0; k < 99; k++) PLAYGROUND.trainer.advance();
        of("one_step").click();
        found.push([of("python").textContent, decodeURIComponent(of("points").href.split(",").slice(1).join(",")),
          PLAYGROUND.trainer.history.at(-1), document.querySelectorAll("#step_numbers .numbers").length]); };
      PLAYGROUND.change("hidden", [3]); tell();
      document.querySelector("[data-pen=zero]").click(); PLAYGROUND.place(0.5, 0.5); tell();
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
