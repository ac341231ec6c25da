"""The engine of the course's pages beside Derin's own layers, losses and optimizers, in a browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.browser import Visit, scripted

import derin.lessons.course
from derin.core.seeds import philox, uniforms
from derin.explain.page_frame import whole_page
from derin.lessons.course.experiment import SETS, Experiment
from derin.train.optimizers import OPTIMIZERS

pytestmark = pytest.mark.slow

SCRIPTS = ("random.js", "engine.js", "data.js", "trainer.js", "pixels.js")
# Each optimizer, activation, initializer and set of data stands in one at least.
EXPERIMENTS: list[dict[str, Any]] = [
    {"data": "xor", "optimizer": "sgd", "hidden": [4, 2], "activation": "tanh", "initializer": "xavier"},
    {"data": "circles", "optimizer": "momentum", "hidden": [5], "activation": "relu", "initializer": "he", "l1": 1e-3},
    {"data": "spirals", "optimizer": "nesterov", "hidden": [7, 5, 3], "activation": "leaky_relu", "noise": 0.1},
    {"data": "blobs", "optimizer": "adagrad", "hidden": [3], "activation": "sigmoid", "initializer": "glorot"},
    {"data": "plane", "optimizer": "rmsprop", "hidden": [], "weight_decay": 0.01, "learning_rate": 0.01},
    {"data": "wave", "optimizer": "adam", "hidden": [6, 4], "activation": "elu", "batch_norm": True},
    {"data": "xor", "optimizer": "adamw", "hidden": [4, 4], "activation": "tanh", "weight_decay": 0.1, "dropout": 0.25},
    {
        "data": "xor",
        "optimizer": "sgd",
        "hidden": [3],
        "activation": "linear",
        "initializer": "normal",
        "test_share": 0,
    },
    {"data": "circles", "optimizer": "adam", "hidden": [3], "initializer": "zeros", "batch_size": 1},
    {"data": "pinwheel", "optimizer": "adam", "hidden": [5, 3], "learning_rate": 0.03, "weight_decay": 0.01},
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(derin.lessons.course.__file__).parent
    script = "\n".join((folder / name).read_text(encoding="utf-8") for name in SCRIPTS)
    page = tmp_path_factory.mktemp("engine") / "engine.html"
    page.write_text(whole_page("Engine", [], style="", script=script), encoding="utf-8")
    return page


def test_random_numbers_are_those_of_python_bit_for_bit(engine: Path, visit: Visit) -> None:
    script = """found.push(RANDOM.philox([1, 2, 3, 4], [5, 6]),
      RANDOM.philox([0xffffffff, 0xfffffffe, 7, 0], [0xffffffff, 9]),
      [...RANDOM.uniforms(3, "ölçü", 2, [5, 70000], 6)])"""
    first, second, drawn = scripted(engine, script, visit)
    assert first == philox((1, 2, 3, 4), (5, 6)).tolist()
    assert second == philox((0xFFFFFFFF, 0xFFFFFFFE, 7, 0), (0xFFFFFFFF, 9)).tolist()
    assert drawn == uniforms(3, "ölçü", 2, [5, 70000], 6).reshape(-1).tolist()


def test_after_a_hundred_steps_page_and_program_have_the_same_numbers(engine: Path, visit: Visit) -> None:
    names = {"learningRate": "learning_rate", "batchSize": "batch_size", "testShare": "test_share"}
    names |= {"weightDecay": "weight_decay", "batchNorm": "batch_norm"}
    chosen, pages = [Experiment(**{**one, "seed": 5, "num": 90}) for one in EXPERIMENTS], []
    for one in chosen:
        settings = {key: getattr(one.settings, names.get(key, key)) for key in (*names, *vars(one.settings))}
        pages.append({**settings, "hidden": list(settings["hidden"])})
    script = f"""for (const s of {json.dumps(pages)}) {{
      const trainer = new Trainer(s, DATA.generate(s.data, s.num, s.noise, s.seed), DATA.SETS[s.data].task);
      for (let step = 0; step < 100; step++) trainer.advance();
      trainer.record();
      const points = Float64Array.of(0.3, -0.2, -0.7, 0.9);
      found.push({{ rows: trainer.rows, loss: trainer.history.at(-1), out: [...trainer.predict(points).data],
        parameters: trainer.network.parameters.map((one) => [...one.data]) }});
    }}"""
    for experiment, page in zip(chosen, scripted(engine, script, visit), strict=True):
        # Rounding differs by some 1e-16 a step, and a hundred steps make less than 1e-9 of it.
        assert page["rows"] == [pytest.approx(row, abs=1e-12) for row in experiment.points.tolist()]
        experiment.train(100)
        assert page["loss"][1] == pytest.approx(experiment.train_loss, abs=1e-6)
        assert page["loss"][2] == (pytest.approx(experiment.test_loss, abs=1e-6) if len(experiment.test_rows) else None)
        assert page["parameters"] == [pytest.approx(values, abs=1e-6) for values in experiment.parameters]


def test_a_kernel_on_a_picture_gives_what_torch_gives(engine: Path, visit: Visit) -> None:
    picture, kernel = (
        uniforms(1, name, 0, range(rows), columns).astype(float)
        for name, rows, columns in (("picture", 7, 9), ("kernel", 5, 3))
    )
    script = f"""const image = {{ rows: 7, columns: 9, data: Float64Array.from({picture.reshape(-1).tolist()}) }};
      found.push([...PIXELS.correlate(image, {kernel.tolist()}).data])"""
    expected = torch.nn.functional.conv2d(
        *(torch.from_numpy(one)[None, None] for one in (picture, kernel)), padding=(2, 1)
    )
    # Both count in 64 bits and differ by the order of the sums alone.
    assert scripted(engine, script, visit)[0] == pytest.approx(expected.flatten().tolist(), abs=1e-9)


def test_all_windows_at_once_answer_as_each_of_them_alone(engine: Path, visit: Visit) -> None:
    picture = torch.from_numpy(uniforms(1, "picture", 0, range(40), 36).astype(float))
    script = f"""const image = {{ rows: 40, columns: 36, data: Float64Array.from({picture.flatten().tolist()}) }};
      const {{ answers, alone }} = PIXELS.windows(image, 6, 4);
      found.push([answers.rows, answers.columns], [...answers.data], alone)"""
    size, answers, alone = scripted(engine, script, visit)
    across = torch.tensor([[1, 0, -1], [2, 0, -2], [1, 0, -1]], dtype=torch.float64)
    kernels = torch.stack([across, across.T])[:, None]

    def read(pixels: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.avg_pool2d(torch.conv2d(pixels[None, None], kernels).abs(), 2)[0]

    def window(top: int, left: int) -> torch.Tensor:
        return read(picture[top : top + 28, left : left + 28])

    weights = window(6, 4) - window(6, 4).mean()
    expected = [(window(top, left) * weights).sum().item() for top in range(0, 13, 2) for left in range(0, 9, 2)]
    assert size == [7, 5]
    # Both count in 64 bits and differ by the order of the sums alone.
    assert answers == pytest.approx(expected, abs=1e-9)
    assert alone == pytest.approx(expected[3 * 5 + 2], abs=1e-9)


def test_every_choice_of_the_page_is_tried_here() -> None:
    assert {one["data"] for one in EXPERIMENTS} == set(SETS)
    # NAdam, Lion and Muon are not on the page.
    assert {one["optimizer"] for one in EXPERIMENTS} == set(OPTIMIZERS) - {"nadam", "lion", "muon"}
