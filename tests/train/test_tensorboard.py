"""The events, read back with TensorBoard's own reader."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from torch import nn

from derin.core.errors import MissingExtraError, UsageError
from derin.data.batch import Batch
from derin.train.averages import WeightAverage
from derin.train.config import TrainConfig
from derin.train.network_graph import network_graph

pytest.importorskip("tensorboard")
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from derin.train.tensorboard import TensorBoardEvents

EVERYTHING = {"scalars": 0, "histograms": 0, "tensors": 0, "graph": 1}


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.body = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.Dropout(0.5))
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x)))
        x = torch.relu(x + self.body(x))
        return self.head(x.mean((2, 3)))


class Task:
    target = "kind"

    def predict(self, model, batch):
        return {"logits": model(batch["x"])}

    def truths(self, targets):
        return [("cat", "dog\twith tab", "owl")[i] for i in targets.tolist()]


class Source:
    batch_size, num_examples, num_batches = 4, 11, 3

    def __init__(self, size=(6, 5)):
        generator = torch.Generator().manual_seed(0)
        self.x = torch.randn(11, 1, *size, generator=generator)

    def batches(self, epoch, from_step=0):
        for rows in torch.arange(11).split(4)[from_step:]:
            yield Batch({"x": self.x[rows], "kind": rows % 3}, rows + 100)


def training(tmp_path, **changes):
    torch.manual_seed(0)
    settings = {
        "model": Network(),
        "task": Task(),
        "run": SimpleNamespace(path=tmp_path),
        "config": TrainConfig(histograms=True),
        "step": 0,
        "examples_seen": 0,
        "epoch": 0,
        "learning_rate": 0.1,
        "stopped": "",
        "source": Source(),
        "validation": Source(),
        "average": None,
    }
    return SimpleNamespace(**{**settings, **changes})


def go_on(events, loop, num_epochs, value=0.5):
    """Trains as the loop does: gradients are gone when the listeners are told."""
    for _ in range(num_epochs):
        for batch in loop.source.batches(loop.epoch):
            loop.task.predict(loop.model, batch)["logits"].square().mean().backward()
            loop.model.zero_grad(set_to_none=True)
            loop.step += 1
            events.on_step(loop)
        loop.epoch += 1
        record = {
            "epoch": loop.epoch,
            "best": True,
            "running": {"loss": value},
            "val": {"accuracy": value, "f1": [1.0]},
        }
        events.on_epoch_end(loop, record)


def read(folder):
    events = EventAccumulator(str(folder), size_guidance=EVERYTHING)
    events.Reload()
    return events


def steps(events, tag):
    return [event.step for event in events.Scalars(tag)]


def test_metrics_and_rate_are_written_after_every_epoch(tmp_path):
    loop, events = training(tmp_path), TensorBoardEvents()
    events.on_start(loop)
    go_on(events, loop, 2)
    loop.stopped = "finished"
    events.on_stop(loop)
    found = read(tmp_path / "events")
    assert set(found.Tags()["scalars"]) == {"loss/running", "accuracy/val", "learning_rate"}
    assert steps(found, "accuracy/val") == [3, 6]
    assert found.Scalars("accuracy/val")[0].value == 0.5
    assert found.Scalars("learning_rate")[0].value == pytest.approx(0.1)


def test_the_rate_is_also_written_within_an_epoch_once_a_step(tmp_path):
    loop, events = training(tmp_path), TensorBoardEvents()
    events.on_start(loop)
    for loop.step in (49, 50, 50, 51, 100):  # with accumulation several batches share a step
        events.on_step(loop)
    events.on_stop(loop)
    assert steps(read(tmp_path / "events"), "learning_rate") == [50, 100]


def test_histograms_show_weights_and_the_gradients_of_an_epochs_first_step(tmp_path):
    loop, events = training(tmp_path), TensorBoardEvents()
    events.on_start(loop)
    go_on(events, loop, 2)
    events.on_stop(loop)
    found = read(tmp_path / "events")
    names = dict(loop.model.named_parameters())
    of_weights = {tag for tag in found.Tags()["histograms"] if not tag.startswith("activations/")}
    assert of_weights == {f"{kind}/{name}" for kind in ("weights", "gradients") for name in names}
    assert [event.step for event in found.Histograms("weights/head.weight")] == [3, 6]
    assert [event.step for event in found.Histograms("gradients/head.weight")] == [1, 4]
    last = found.Histograms("weights/head.weight")[-1].histogram_value
    assert last.num == names["head.weight"].numel()
    assert last.sum == pytest.approx(names["head.weight"].sum().item(), abs=1e-5)
    assert not any(p._post_accumulate_grad_hooks for p in loop.model.parameters())


def test_histograms_show_what_each_layer_gives_for_the_same_examples(tmp_path):
    loop, events = training(tmp_path), TensorBoardEvents()
    events.on_start(loop)
    go_on(events, loop, 1)
    x = loop.validation.x[:4]  # the first batch
    loop.model.eval()
    with torch.no_grad():
        first = loop.model.conv(x)
        last = loop.model(x)
    loop.model.train()
    loop.model.conv.weight.data.mul_(2)
    go_on(events, loop, 1)
    events.on_stop(loop)
    found = read(tmp_path / "events")
    layers = {tag.partition("/")[2] for tag in found.Tags()["histograms"] if tag.startswith("activations/")}
    assert layers == {"conv", "norm", "body.0", "body.1", "head"}
    shown = found.Histograms("activations/conv")
    assert [event.step for event in shown] == [3, 6]
    assert shown[0].histogram_value.num == first.numel()
    assert shown[0].histogram_value.sum == pytest.approx(first.sum().item(), abs=1e-4)
    assert found.Histograms("activations/head")[0].histogram_value.sum == pytest.approx(last.sum().item(), abs=1e-4)
    assert shown[1].histogram_value.sum != pytest.approx(first.sum().item(), abs=1e-2)
    assert loop.model.training
    assert not any(module._forward_hooks for module in loop.model.modules())


def test_no_histograms_unless_asked_for(tmp_path):
    loop, events = training(tmp_path, config=TrainConfig()), TensorBoardEvents()
    events.on_start(loop)
    go_on(events, loop, 1)
    events.on_stop(loop)
    assert read(tmp_path / "events").Tags()["histograms"] == []


def test_a_weight_that_is_not_finite_does_not_hide_the_guards_error(tmp_path):
    loop, events = training(tmp_path), TensorBoardEvents()
    events.on_start(loop)
    loop.model.head.weight.data[0, 0] = float("nan")
    loop.model.conv.weight.data.fill_(float("nan"))
    go_on(events, loop, 1)
    events.on_stop(loop)
    found = read(tmp_path / "events")
    assert found.Histograms("weights/head.weight")[0].histogram_value.num == 11
    assert "weights/conv.weight" not in found.Tags()["histograms"]


def test_a_resumed_run_shows_no_step_twice(tmp_path):
    loop, events = training(tmp_path), TensorBoardEvents()
    events.on_start(loop)
    go_on(events, loop, 4, value=0.1)
    events.on_stop(loop)  # as when killed: steps 9 and 12 come after the saved state
    loop = training(tmp_path, step=6, epoch=2)
    events = TensorBoardEvents()
    events.on_start(loop)
    go_on(events, loop, 3, value=0.9)
    events.on_stop(loop)
    found = read(tmp_path / "events")
    assert steps(found, "accuracy/val") == [3, 6, 9, 12, 15]
    assert [round(event.value, 3) for event in found.Scalars("accuracy/val")] == [0.1, 0.1, 0.9, 0.9, 0.9]
    assert [event.step for event in found.Histograms("gradients/conv.weight")] == [1, 4, 7, 10, 13]


def test_a_run_killed_before_anything_was_saved_begins_its_curves_anew(tmp_path):
    for value in (0.1, 0.9):
        loop, events = training(tmp_path), TensorBoardEvents()
        events.on_start(loop)
        go_on(events, loop, 1, value=value)
        events.on_stop(loop)
    found = read(tmp_path / "events")
    assert [round(event.value, 3) for event in found.Scalars("accuracy/val")] == [0.9]


def test_the_graph_is_readable_and_boxed_by_layer(tmp_path):
    loop, events = training(tmp_path), TensorBoardEvents()
    events.on_start(loop)
    events.on_stop(loop)
    nodes = {node.name: node for node in read(tmp_path / "events").Graph().node}
    assert list(nodes["body/0/conv2d"].input) == ["relu", "body/0/weight", "body/0/bias"]
    assert list(nodes["add"].input) == ["relu", "body/1/dropout"]
    assert list(nodes["head/linear"].input) == ["mean", "head/weight", "head/bias"]
    shape = nodes["conv/conv2d"].attr["_output_shapes"].list.shape[0]
    assert [dim.size for dim in shape.dim] == [2, 4, 6, 5]
    assert all(source in nodes for node in nodes.values() for source in node.input)


def test_a_layer_that_runs_twice_has_two_nodes_with_one_weight():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 3, bias=False)

        def forward(self, x):
            return self.layer(self.layer(x))

    model = Twice()
    nodes = {node.name: list(node.input) for node in network_graph(model, lambda: model(torch.zeros(1, 3))).node}
    assert nodes == {
        "input": [],
        "layer/weight": [],
        "layer/linear": ["input", "layer/weight"],
        "layer/linear_2": ["layer/linear", "layer/weight"],
    }


def test_watching_leaves_network_and_random_numbers_as_they_were(tmp_path):
    loop, events = training(tmp_path), TensorBoardEvents()
    loop.model.train()
    loop.model.norm.eval()
    state = {name: value.clone() for name, value in loop.model.state_dict().items()}
    random_state = torch.get_rng_state()
    events.on_start(loop)
    loop.stopped = "finished"
    events.on_stop(loop)
    assert all(torch.equal(value, state[name]) for name, value in loop.model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random_state)
    assert loop.model.training
    assert not loop.model.norm.training
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in loop.model.modules())


def embedded(folder, step):
    place = folder / "events" / f"{step:05d}" / "last_layer_inputs"
    values = [[float(v) for v in line.split("\t")] for line in (place / "tensors.tsv").read_text().splitlines()]
    with Image.open(place / "sprite.png") as sprite:
        sheet = sprite.size
    return torch.tensor(values), (place / "metadata.tsv").read_text().splitlines(), sheet


def test_embeddings_are_what_enters_the_last_layer_with_labels_and_pictures(tmp_path):
    loop, events = training(tmp_path, step=6, stopped="finished"), TensorBoardEvents()
    events.on_start(loop)
    events.on_stop(loop)
    values, labels, sheet = embedded(tmp_path, 6)
    loop.model.eval()
    with torch.no_grad():
        x = torch.relu(loop.model.norm(loop.model.conv(loop.source.x)))
        wanted = torch.relu(x + loop.model.body(x)).mean((2, 3))
    torch.testing.assert_close(values, wanted, rtol=1e-4, atol=1e-5)  # other batch sizes, other order of sums
    assert labels[:3] == ["row\tlabel", "100\tcat", "101\tdog with tab"]
    assert len(labels) == 12
    assert sheet == (24, 24)  # 11 pictures of 6 pixels on a square sheet


def test_embeddings_are_those_of_the_averaged_weights_where_there_are_any(tmp_path):
    loop = training(tmp_path, step=2, stopped="finished")
    loop.average = WeightAverage(loop.model, decay=0.9)
    for parameter in loop.model.parameters():
        parameter.data.fill_(float("nan"))
    events = TensorBoardEvents()
    events.on_start(loop)
    events.on_stop(loop)
    values, _, _ = embedded(tmp_path, 2)
    assert torch.isfinite(values).all()


@pytest.mark.parametrize("changes", [{"stopped": ""}, {"validation": None, "stopped": "finished"}])
def test_no_embeddings_after_an_error_or_without_validation(tmp_path, changes):
    loop, events = training(tmp_path, **changes), TensorBoardEvents()
    events.on_start(loop)
    events.on_stop(loop)
    assert not list((tmp_path / "events").glob("*/last_layer_inputs"))


def test_a_network_without_a_linear_layer_has_no_embeddings(tmp_path):
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    loop, events = training(tmp_path, model=model, stopped="finished"), TensorBoardEvents()
    events.on_start(loop)
    events.on_stop(loop)
    assert not list((tmp_path / "events").glob("*/last_layer_inputs"))


def test_large_pictures_are_made_small_for_the_sheet(tmp_path):
    loop = training(tmp_path, stopped="finished", validation=Source((90, 130)))
    events = TensorBoardEvents()
    events.on_start(loop)
    events.on_stop(loop)
    assert embedded(tmp_path, 0)[2] == (4 * 64, 4 * 64)


def test_a_folder_of_ones_own_serves_a_training_without_a_run(tmp_path):
    loop, events = training(tmp_path, run=None), TensorBoardEvents(tmp_path / "mine")
    events.on_start(loop)
    events.on_stop(loop)
    assert list(Path(tmp_path / "mine").glob("events.out.*"))
    with pytest.raises(UsageError, match="folder"):
        TensorBoardEvents().on_start(loop)


def test_without_the_extra_the_install_line_is_given(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"derin\[tensorboard\]"):
        TensorBoardEvents()
