"""Segmentation: metrics beside a NumPy loop, a set learned in seconds, and answers in the size of the picture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from torch.nn import functional
from typer.testing import CliRunner

import derin
from derin.cli.main import app
from derin.core.errors import RefusedFileError, UnknownNameError, UsageError
from derin.data.batch import Batch
from derin.data.codecs.frame import Frame
from derin.tasks.losses import dice_loss
from derin.tasks.metrics.segmentation import SegmentationMetrics
from derin.tasks.segmentation import Segmentation, in_original_size


def test_metrics_equal_a_loop_over_pixels() -> None:
    random = np.random.default_rng(3)
    true = random.choice([0, 1, 2, 255], size=(5, 7, 6)).astype(np.int64)
    predicted = random.integers(0, 3, (5, 7, 6))
    metrics = SegmentationMetrics(("a", "b", "c", "never"))
    for part in (slice(0, 2), slice(2, 5)):
        loss = torch.ones(len(true[part]))
        outputs = {"classes": torch.from_numpy(predicted[part]), "loss": loss, "loss_weight": loss}
        target = torch.from_numpy(true[part])
        metrics.update(outputs, Batch({"input": target, "target": target}, torch.arange(len(target))))
    found = metrics.compute()
    ious, dices, right, total = [], [], 0, 0
    for number in range(3):
        both = either = sizes = 0
        for t, p in zip(true.reshape(-1).tolist(), predicted.reshape(-1).tolist()):
            if t != 255:
                both += t == number and p == number
                either += t == number or p == number
                sizes += (t == number) + (p == number)
        ious.append(both / either)
        dices.append(2 * both / sizes)
        right += both
    total = int((true != 255).sum())
    assert found["mean_iou"] == pytest.approx(np.mean(ious), abs=1e-12)
    assert found["dice"] == pytest.approx(np.mean(dices), abs=1e-12)
    assert found["pixel_accuracy"] == pytest.approx(right / total, abs=1e-12)
    # A class that occurs nowhere is left out of the means.
    assert np.isnan(found["per_class"]["never"]["iou"])
    low, high = metrics.intervals()["mean_iou"]
    assert low <= found["mean_iou"] <= high
    # Whole pictures are drawn: of each the right pixels of a class, and those that are it or were taken for it.
    drawn = np.random.default_rng(0).integers(0, len(true), (4000, len(true)))
    for number, name in enumerate("abc"):
        known = true != 255
        both = ((true == number) & (predicted == number)).sum(axis=(1, 2))
        either = (((true == number) | (predicted == number)) & known).sum(axis=(1, 2))
        wanted = np.percentile(both[drawn].sum(axis=1) / either[drawn].sum(axis=1), [2.5, 97.5])
        # Two drawings of a thousand resamples and more: quantiles of them lie within 0.02 of one another.
        assert found["per_class"][name]["iou_interval"] == pytest.approx(wanted, abs=0.02)
    assert np.isnan(found["per_class"]["never"]["iou_interval"]).all()


def test_rare_classes_count_more_unless_weights_are_given(tmp_path: Path) -> None:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for number in range(8):
        mask = np.zeros((40, 40), dtype=np.uint8)
        mask[:4, :40] = 1  # 160 of 1,600 pixels
        Image.fromarray(mask).save(tmp_path / "masks" / f"{number}.png")
        Image.fromarray(mask * 200).save(tmp_path / "images" / f"{number}.png")
    table = derin.load(tmp_path)
    rows = table.splits["train"]
    common, rare = Segmentation.from_table(table, rows, {}).class_weights or ()
    assert rare / common == pytest.approx(3)  # √(1,440 / 160)
    assert common * 1_440 + rare * 160 == pytest.approx(1_600)
    common, rare = Segmentation.from_table(table, rows, {"class_weights": "balanced"}).class_weights or ()
    assert rare / common == pytest.approx(9)
    assert Segmentation.from_table(table, rows, {"class_weights": [1, 2]}).class_weights == (1, 2)


def test_loss_leaves_void_out_and_weighs_classes() -> None:
    torch.manual_seed(0)
    logits, target = torch.randn(2, 3, 4, 5), torch.randint(0, 3, (2, 4, 5))
    target[0, :2] = 255
    weights = torch.tensor([1.0, 2.0, 0.5])
    names, given = ["a", "b", "c"], weights.tolist()
    task = Segmentation(columns=["mask"], classes=names, class_weights=given, loss_name="cross-entropy")
    batch = Batch({"input": torch.zeros(2, 1, 4, 5), "target": target}, torch.arange(2))
    network = torch.nn.Module()
    network.forward = lambda x: logits  # type: ignore[method-assign]
    found = task.loss(network, batch)
    assert torch.allclose(found["loss"], functional.cross_entropy(logits, target, weight=weights, ignore_index=255))
    assert float(found["weight_sum"]) == pytest.approx(float(weights[target[target != 255]].sum()))
    batch = Batch({**batch.columns, "target": torch.full_like(target, 255)}, torch.arange(2))
    assert float(task.loss(network, batch)["loss"]) == 0.0


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 0.5]])
def test_losses_of_overlap_count_a_picture_by_the_weight_of_its_pixels(weights: list[float] | None) -> None:
    torch.manual_seed(0)
    logits, target = torch.randn(2, 3, 4, 5), torch.randint(0, 3, (2, 4, 5))
    target[0, :2] = 255
    each = dice_loss(logits, target, None if weights is None else torch.tensor(weights))
    pixels = torch.ones(3) if weights is None else torch.tensor(weights)
    shares = torch.stack([pixels[mask[mask != 255]].sum() for mask in target])
    dice = (each * shares).sum() / shares.sum()
    weight = None if weights is None else torch.tensor(weights)
    cross_entropy = functional.cross_entropy(logits, target, weight=weight, ignore_index=255)
    network = torch.nn.Module()
    network.forward = lambda x: logits  # type: ignore[method-assign]
    batch = Batch({"input": torch.zeros(2, 1, 4, 5), "target": target}, torch.arange(2))
    for name, wanted in (("dice", dice), ("cross-entropy+dice", cross_entropy + dice)):
        task = Segmentation(columns=["mask"], classes=["a", "b", "c"], class_weights=weights, loss_name=name)
        assert torch.allclose(task.loss(network, batch)["loss"], wanted)
        assert Segmentation.from_json(task.to_json()).to_json() == task.to_json()


def test_cards_of_before_there_was_a_choice_of_losses_open_and_other_names_are_refused() -> None:
    card = Segmentation(columns=["mask"], classes=["a", "b"]).to_json()
    assert Segmentation.from_json({k: v for k, v in card.items() if k != "loss_name"}).loss_name == "cross-entropy"
    with pytest.raises(RefusedFileError, match="loss_name"):
        Segmentation.from_json(card | {"loss_name": ["dice"]})
    with pytest.raises(UnknownNameError, match="dise"):
        Segmentation(columns=["mask"], classes=["a", "b"], loss_name="dise")


@pytest.mark.parametrize("rule", ["resize", "pad", "crop"])
def test_maps_come_back_to_where_the_picture_has_them(rule: str) -> None:
    """The left half of any picture is the left half of its mask again, whatever frame the network saw it in."""
    frame, size = Frame((64, 64), rule), (90, 150)
    geometry = frame.geometry(np.array([size]))
    middle = float(geometry.moved(np.array([[[75.0, 45.0]]]))[0, 0, 0])
    right = (torch.arange(64) + 0.5 > middle).float().expand(64, 64)
    mask = in_original_size(torch.stack([1 - right, right]), frame, size)
    seen = mask[45] != 255
    assert seen.all() or rule == "crop"
    assert mask.shape == size
    assert abs(int((mask[45][seen] == 0).sum()) - int(seen.sum()) / 2) <= 2


def discs(folder: Path, num: int) -> Path:
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:32, :40]
    for number in range(num):
        mask = np.zeros((32, 40), np.uint8)
        y, x = random.integers(8, 24, 2)
        mask[(rows - y) ** 2 + (columns - x) ** 2 < 40] = 1
        y, x = random.integers(2, 20, 2)
        mask[y : y + 9, x : x + 9] = 2
        mask[:3, :5] = 255
        noise = random.normal(0, 20, (32, 40, 3))
        picture = (np.array([60, 140, 220])[mask % 253][..., None] + noise).clip(0, 255).astype(np.uint8)
        for part, image in (("images", picture), ("masks", mask)):
            (folder / part).mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / part / f"{number}.png")
    return folder


@pytest.mark.slow
def test_discs_and_squares_are_learnt_and_answers_agree_with_what_was_measured(tmp_path: Path) -> None:
    data, run = discs(tmp_path / "discs", 80), tmp_path / "run"
    settings = {"width": 8, "depth": 2, "batch_norm": True}
    found = derin.fit(data, model_options=settings, learning_rate=0.01, epochs=12, out=run, threads=1)
    recorded = found.metrics["test"]
    assert recorded["mean_iou"] > 0.9
    model = derin.open(run)
    measured = model.evaluate(data, split="test").metrics
    for name in ("mean_iou", "dice", "pixel_accuracy", "loss"):
        assert measured[name] == pytest.approx(recorded[name], abs=1e-6)
    table = derin.load(data)
    total = np.zeros((3, 3), dtype=np.int64)
    for row in table.splits["test"].tolist():
        answer = model.predict(data / table.row_names[row])  # type: ignore[index]
        assert answer.mask.shape == (32, 40)
        assert answer.overlay().shape == (32, 40, 3)
        assert sum(answer.shares.values()) == pytest.approx(1.0)
        truth = table["mask"].take(np.array([row]))[0]
        has_class = truth != 255
        np.add.at(total, (truth[has_class], answer.mask[has_class]), 1)
    assert total.tolist() == measured["confusion"]
    page = (run / "report.html").read_text()
    assert page.count("data:image/png") >= 24
    told = model.export(tmp_path / "m.onnx", with_preparation=True)
    assert [(one["name"], one["shape"]) for one in told["outputs"]][:2] == [
        ("probabilities", ["batch", 3, 32, 40]),
        ("label", ["batch", 32, 40]),
    ]
    pictures = [data / table.row_names[row] for row in table.splits["test"].tolist()]  # type: ignore[index]
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    pixels = np.stack([np.asarray(Image.open(picture)) for picture in pictures])
    label = session.run(["label"], {"input": pixels})[0]
    # Where two classes are equally likely, either program may decide otherwise: a pixel in a thousand at most.
    assert np.mean(label != np.stack([answer.mask for answer in model.predict(pictures)])) < 1e-3
    says = session.get_modelmeta().custom_metadata_map
    assert (json.loads(says["class_names"]), says["resize"]) == (list(table.target().classes or ()), "pad")


def test_command_writes_masks_and_overlays(tmp_path: Path) -> None:
    data, run = discs(tmp_path / "discs", 12), tmp_path / "run"
    settings = {"width": 2, "depth": 1}
    derin.fit(data, model_options=settings, epochs=1, plan="plain", out=run, threads=1)
    picture = data / "images/3.png"
    result = CliRunner().invoke(app, ["predict", str(run), str(picture), "--out", str(tmp_path / "out"), "--json"])
    assert result.exit_code == 0
    (told,) = json.loads(result.stdout)
    mask = Image.open(told["mask"])
    answer = derin.open(run).predict(picture)
    assert mask.mode == "P"
    assert np.array_equal(np.asarray(mask), answer.mask)
    assert np.array_equal(np.asarray(Image.open(told["overlay"])), answer.overlay())
    assert told["shares"] == answer.shares
    assert told["classes"] == ["0", "1", "2"]
    assert (run / "masks.npz").is_file()
    # Whatever a picture is, its mask has the size in which it is seen.
    random, folder = np.random.default_rng(0), tmp_path / "odd"
    folder.mkdir()
    pixels = random.integers(0, 255, (33, 50, 3), dtype=np.uint8)
    turned = Image.fromarray(pixels)
    exif = turned.getexif()
    exif[274] = 6
    turned.save(folder / "turned.jpg", exif=exif)
    Image.fromarray(np.dstack([pixels, pixels[..., :1]])).save(folder / "rgba.png")
    Image.fromarray(random.integers(0, 65_536, (40, 30)).astype(np.uint16)).save(folder / "deep.png")
    Image.fromarray(pixels[:1, :1]).save(folder / "one.png")
    (folder / "broken.jpg").write_bytes(b"no picture")
    result = CliRunner().invoke(app, ["predict", str(run), str(folder), "--out", str(tmp_path / "all"), "--json"])
    assert result.exit_code == 0
    sizes = {}
    for told in json.loads(result.stdout):
        with Image.open(told["mask"]) as mask:
            sizes[Path(told["input"]).stem] = mask.size
    assert sizes == {"turned": (33, 50), "rgba": (50, 33), "deep": (30, 40), "one": (1, 1)}


def test_a_run_without_pictures_keeps_none(tmp_path: Path) -> None:
    data, run = discs(tmp_path / "discs", 12), tmp_path / "run"
    settings = {"model_options": {"width": 2, "depth": 1}, "task_options": {"loss_name": "dice"}, "plan": "plain"}
    found = derin.fit(data, epochs=1, out=run, threads=1, report_pictures=False, **settings)
    assert found.record["findings"]["baseline"]
    assert found.record["task"]["loss_name"] == "dice"
    assert not (run / "masks.npz").exists()
    assert "data:image/png" not in (run / "report.html").read_text()
    # Weights of a network of masks go on as they are, and stand under no other.
    again = derin.fit(data, weights=run, epochs=1, out=tmp_path / "again", threads=1, plan="plain")
    assert again.record["model"]["name"] == "unet"
    with pytest.raises(UsageError, match="belong to unet, not to unet_trunk"):
        derin.fit(data, weights=run, model="unet_trunk", epochs=1, out=tmp_path / "other", threads=1)


@pytest.mark.parametrize("rule", ["resize", "pad", "crop"])
def test_maps_are_drawn_large_between_the_middles_of_their_pixels(rule: str) -> None:
    """Each pixel of the picture has the class whose map is largest where the picture's geometry puts it: the maps
    lie at the middles of their pixels, and between these they are bilinear."""
    random = np.random.default_rng(1)
    frame, size = Frame((16, 16), rule), (61, 83)
    logits = random.normal(size=(3, 16, 16)).astype(np.float32)
    mask = in_original_size(torch.from_numpy(logits), frame, size)
    rows, columns = np.mgrid[: size[0], : size[1]] + 0.5
    places = np.stack([columns, rows], axis=-1).reshape(1, -1, 2).astype(np.float32)
    at = frame.geometry(np.array([size])).moved(places)[0].astype(np.float64) - 0.5
    inside = ((at >= 0) & (at <= 15)).all(axis=1)  # beyond the last middles the edge is held, by each in its own way
    assert (mask.reshape(-1)[inside] != 255).all()
    x, y = at[inside].T
    left, top = np.minimum(x.astype(int), 14), np.minimum(y.astype(int), 14)
    right, down = x - left, y - top
    between = (
        logits[:, top, left] * (1 - right) * (1 - down)
        + logits[:, top, left + 1] * right * (1 - down)
        + logits[:, top + 1, left] * (1 - right) * down
        + logits[:, top + 1, left + 1] * right * down
    )
    # Sides are rounded to whole pixels before and after, which moves a border by up to a pixel.
    agree = between.argmax(axis=0) == mask.reshape(-1)[inside]
    assert agree.mean() > (0.999 if rule == "resize" else 0.93)
