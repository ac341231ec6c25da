"""Preparation of series: scales of the training steps alone, no look at the future, and a card that is checked."""

import json
from pathlib import Path

import numpy as np
import pytest

from derin.core.errors import DataError, RefusedFileError, ShapeError, UsageError
from derin.data.preparation import Batching, preparation_from_json
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.series.preparation import SeriesPreparation
from derin.data.series.windows import WindowSource
from derin.data.table import Dense, Table
from derin.readers.series import read_series

RNG = np.random.default_rng(0)
NUM = 60
SPLITS = {"train": np.arange(36), "val": np.arange(36, 48), "test": np.arange(48, NUM)}


def table_of(load: np.ndarray, **others: np.ndarray) -> Table:
    """Hours with a target `load` and inputs."""
    num = len(load)
    seconds = 3600.0 * np.arange(num)
    columns = [
        Column(name="time", kind=Kind.DATE, role=Role.TIME),
        Column(name="load", kind=Kind.NUMBER, role=Role.TARGET),
        *(Column(name=name, kind=Kind.NUMBER, role=Role.INPUT) for name in others),
    ]
    data = {"time": Dense(seconds), "load": Dense(load), **{n: Dense(v) for n, v in others.items()}}
    return Table(name="hours", schema=Schema(tuple(columns)), columns=data, splits=SPLITS)


def fitted(table: Table, **options: object) -> SeriesPreparation:
    options = {"horizon": 3, "context_length": 8, "season": 4, **options}
    return SeriesPreparation.fit(table, table.splits["train"], **options)  # type: ignore[arg-type]


def batches(preparation: SeriesPreparation, table: Table, split: str) -> list[tuple[np.ndarray, np.ndarray]]:
    source = preparation.source(
        preparation.encode_table(table), {}, table.splits[split], input_name="input", batching=Batching(batch_size=5)
    )
    return [(b["input"].numpy(), b["target"].numpy()) for b in source.batches(0)]


def test_values_are_standardized_by_the_training_steps() -> None:
    load, wind = RNG.normal(5, 3, NUM), RNG.normal(-1, 9, NUM)
    preparation = fitted(table_of(load, wind=wind))
    values = preparation.encode_table(table_of(load, wind=wind)).values
    for place, column in enumerate((load, wind)):
        train = column[:36]
        np.testing.assert_allclose(values[:, place], (column - train.mean()) / train.std(), rtol=1e-4, atol=1e-5)
    expected = np.abs(load[4:36] - load[:32]).mean() / load[:36].std()
    assert preparation.scales[0] == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(preparation.in_units(values[:, :1])[:, 0], load, rtol=1e-5, atol=1e-4)


def test_what_comes_after_the_training_steps_changes_neither_scales_nor_training_windows() -> None:
    load, wind = RNG.normal(size=NUM), RNG.normal(size=NUM)
    changed = [np.r_[column[:36], 1e3 + column[36:] * 50] for column in (load, wind)]
    tables = [table_of(load, wind=wind), table_of(changed[0], wind=changed[1])]
    first, second = (fitted(t) for t in tables)
    assert first == second
    for (x, y), (again_x, again_y) in zip(*(batches(first, t, "train") for t in tables)):
        np.testing.assert_array_equal(x, again_x)
        np.testing.assert_array_equal(y, again_y)


@pytest.mark.parametrize("known", ["", "holiday"])
def test_no_window_holds_anything_from_its_horizon_on(known: str) -> None:
    load, wind, holiday = (RNG.normal(size=NUM) for _ in range(3))
    load[50:53] = np.nan  # a gap before which, within which and after which windows begin
    table = table_of(load, wind=wind, holiday=holiday)
    preparation = fitted(table, known=known)
    for anchor in range(48, 58):
        later = np.arange(NUM) >= anchor
        # What is known in advance is known for one horizon, and no further.
        beyond = np.arange(NUM) >= anchor + (3 if known else 0)
        shifted = table_of(
            np.where(later, 77.0, load), wind=np.where(later, 77.0, wind), holiday=np.where(beyond, 77.0, holiday)
        )
        windows = [preparation.encode_table(t).values[anchor - 8 : anchor] for t in (table, shifted)]
        np.testing.assert_array_equal(windows[0], windows[1])


def test_what_is_known_in_advance_stands_one_horizon_earlier() -> None:
    load, holiday = RNG.normal(size=NUM), np.arange(NUM, dtype=float)
    preparation = fitted(table_of(load, holiday=holiday), known="holiday")
    values = preparation.encode_table(table_of(load, holiday=holiday)).values[:, 1]
    train = holiday[:36]
    shifted = np.minimum(holiday + 3, NUM - 1)
    np.testing.assert_allclose(values, (shifted - train.mean()) / train.std(), rtol=1e-5, atol=1e-6)


def test_the_latest_window_ends_at_the_last_known_target() -> None:
    load, holiday = RNG.normal(size=NUM), np.arange(NUM, dtype=float)
    preparation = fitted(table_of(load, holiday=holiday), known="holiday")
    ahead = table_of(np.r_[load, [np.nan] * 3], holiday=np.arange(NUM + 3, dtype=float))
    windows, ends = preparation.latest(ahead)
    assert ends.tolist() == [NUM]
    np.testing.assert_array_equal(windows[0], preparation.encode_table(ahead).values[NUM - 8 : NUM])
    with pytest.raises(DataError, match="known in advance is required for 3 steps after the last known target; got 0"):
        preparation.latest(table_of(load, holiday=holiday))


def test_defaults_follow_the_calendar_and_the_length() -> None:
    def months(num: int) -> Table:
        starts = (np.datetime64("1900-01", "M") + np.arange(num)).astype("datetime64[s]").astype(np.float64)
        columns = (
            Column(name="month", kind=Kind.DATE, role=Role.TIME),
            Column(name="load", kind=Kind.NUMBER, role=Role.TARGET),
        )
        data = {"month": Dense(starts), "load": Dense(RNG.normal(size=num))}
        bounds = np.cumsum([0, num * 6 // 10, num * 2 // 10, num - num * 8 // 10])
        splits = {s: np.arange(a, b) for s, a, b in zip(("train", "val", "test"), bounds[:-1], bounds[1:])}
        return Table(name="m", schema=Schema(columns), columns=data, splits=splits)

    found = [SeriesPreparation.fit(t, t.splits["train"]) for t in (months(144), months(2_820))]
    assert [(p.horizon, p.context_length, p.season) for p in found] == [(12, 36, 12), (12, 168, 12)]


def test_categories_are_places_and_several_series_stay_apart(tmp_path: Path) -> None:
    lines = [
        f"2024-01-{d:02d},{s},{d + (5 if s == 'b' else 0)},{'wet' if d % 3 else 'dry'}"
        for s in "ab"
        for d in range(1, 29)
    ]
    path = tmp_path / "shops.csv"
    path.write_text("day,shop,sales,weather\n" + "\n".join(lines) + "\n", encoding="utf-8")
    table = read_series(path, name="shops", group="shop")
    preparation = SeriesPreparation.fit(table, table.splits["train"], horizon=2, context_length=4)
    assert preparation.input_shape == (4, 3)
    assert preparation.network_options() == {"targets": 1}
    host = preparation.encode_table(table)
    assert host.first.tolist() == [0] * 28 + [28] * 28
    assert host.values[0, 1:].tolist() == [0.0, 1.0]  # dry, wet
    windows, ends = preparation.latest(table)
    assert ends.tolist() == [28, 56]
    assert preparation.series_of(table, ends - 1) == ["a", "b"]
    assert windows.shape == (2, 4, 3)


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        ({"load": np.full(NUM, 3.0)}, {}, "'load' is 3 in all training steps"),
        ({"load": np.full(NUM, np.nan)}, {}, "'load' has no value in the training steps"),
        ({}, {"horizon": 13}, "the val split of 12 steps is too short for context_length=8 and horizon=13"),
        (
            {},
            {"context_length": 40},
            "the train split of 36 steps is too short for context_length=40 and horizon=3 together",
        ),
        ({}, {"horizon": 0}, "horizon as a whole number from 1 to 10,000; got 0"),
        ({}, {"known": "load"}, "Only an input can be known in advance"),
        ({}, {"known": "wind", "context_length": 2}, "context_length must be at least horizon=3"),
    ],
)
def test_what_cannot_be_forecast_is_one_clear_sentence(
    change: dict[str, np.ndarray], options: dict[str, object], words: str
) -> None:
    table = table_of(change.get("load", RNG.normal(size=NUM)), wind=RNG.normal(size=NUM))
    with pytest.raises((DataError, UsageError)) as caught:
        fitted(table, **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_splits_drawn_at_random_are_refused() -> None:
    table = table_of(RNG.normal(size=NUM))
    order = RNG.permutation(NUM)
    mixed = table.with_splits({"train": order[:36], "val": order[36:48], "test": order[48:]})
    with pytest.raises(DataError, match="must follow one another in time; those of train lie apart"):
        fitted(mixed)


def test_numbers_of_a_person_become_the_last_window() -> None:
    load = RNG.normal(4, 2, NUM)
    preparation = fitted(table_of(load))
    expected = preparation.encode_table(table_of(load)).values[-8:]
    for given in (load.tolist(), load[:, None], load[None, :, None], {"load": load}):
        np.testing.assert_allclose(preparation.read(given)[0], expected, rtol=1e-5, atol=1e-6)
    with pytest.raises(ShapeError, match="At least 8 steps of load are required; got 5 steps of 1"):
        preparation.read(load[:5])


def test_the_card_gives_the_same_preparation_and_damage_is_refused() -> None:
    table = table_of(RNG.normal(size=NUM), wind=RNG.normal(size=NUM))
    preparation = fitted(table, known="wind")
    card = json.loads(json.dumps(preparation.to_json()))
    assert preparation_from_json(card) == preparation
    variable = card["variables"][0]
    for wrong in (
        {"num_targets": 3},
        {"scales": [0.0]},
        {"horizon": 10**9},
        {"look_back": "8"},
        {"variables": []},
        {"variables": [{**variable, "std": 0.0}]},
        {"variables": [{**variable, "mean": float("nan")}]},
        {"group": 5},
        {"more": 1},
    ):
        with pytest.raises(RefusedFileError):
            SeriesPreparation.from_json({**card, **wrong})


def shops(folder: Path, sizes: dict[str, float], num: int = 60, late: dict[str, int] | None = None) -> Table:
    """Days of shops whose sales are alike but for their size; the late ones have only so many days at the end."""
    wave = np.sin(np.arange(num) * 2 * np.pi / 7) + RNG.normal(size=num) * 0.1
    starts = {name: num - (late or {}).get(name, num) for name in sizes}
    lines = [
        f"{np.datetime64('2024-01-01') + d},{name},{size * (10 + wave[d]):.6f}"
        for name, size in sizes.items()
        for d in range(starts[name], num)
    ]
    path = folder / f"{'-'.join(sizes)}.csv"
    path.write_text("day,shop,sales\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return read_series(path, name="shops", group="shop", target="sales")


def test_each_series_has_the_scale_of_its_own_training_steps(tmp_path: Path) -> None:
    table = shops(tmp_path, {"kiosk": 1, "market": 1000})
    preparation = SeriesPreparation.fit(table, table.splits["train"], horizon=3, context_length=7)
    sales = table.columns["sales"].values.reshape(2, 60)
    train = sales[:, :36]
    host = preparation.encode_table(table)
    expected = (sales - train.mean(1, keepdims=True)) / train.std(1, keepdims=True)
    np.testing.assert_allclose(host.values[:, 0].reshape(2, 60), expected, rtol=1e-3, atol=1e-4)
    scales = [one.scales[0] * one.stds[0] for one in preparation.series if one.stds is not None]
    np.testing.assert_allclose(scales, np.abs(train[:, 7:] - train[:, :-7]).mean(1), rtol=1e-6)
    source = preparation.source(host, {}, table.splits["test"], input_name="input", batching=Batching(batch_size=4))
    for batch in source.batches(0):
        units = batch["target"].double() * batch["spread"] + batch["center"]
        rows = batch.rows[:, None].numpy() + np.arange(3)
        np.testing.assert_allclose(units[..., 0].numpy(), table.columns["sales"].values[rows], rtol=1e-5)
    windows = preparation.windows(table)
    np.testing.assert_allclose(windows.in_units(windows.values)[..., 0], sales[:, -7:], rtol=1e-5)
    assert preparation_from_json(json.loads(json.dumps(preparation.to_json()))) == preparation
    card = preparation.to_json()
    for wrong in (3, [{**card["series"][0], "stds": [0.0]}], [{**card["series"][0], "means": [1.0, 2.0]}], [{}]):
        with pytest.raises(RefusedFileError):
            preparation_from_json(json.loads(json.dumps({**card, "series": wrong})))


def test_windows_of_a_series_that_training_did_not_have_are_standardized_one_by_one(tmp_path: Path) -> None:
    known = shops(tmp_path, {"kiosk": 1, "market": 1000})
    preparation = SeriesPreparation.fit(known, known.splits["train"], horizon=3, context_length=7)
    other = shops(tmp_path, {"fair": 37.0})
    sales = other.columns["sales"].values
    last = sales[-7:]
    expected = (last - last.mean()) / last.std()
    for given in (other, sales, sales[-7:], np.stack([sales[-9:]])[..., None]):
        windows = preparation.windows(given)
        np.testing.assert_allclose(windows.values[0, :, 0], expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(windows.in_units(windows.values)[0, :, 0], last, rtol=1e-5)
    host = preparation.encode_table(other)
    source = preparation.source(host, {}, np.arange(60), input_name="input", batching=Batching(batch_size=64))
    batch = next(iter(source.batches(0)))
    place = int(batch.rows[5])
    window = sales[place - 7 : place]
    np.testing.assert_allclose(
        batch["target"][5, :, 0], (sales[place : place + 3] - window.mean()) / window.std(), rtol=1e-3, atol=1e-4
    )
    unit = np.abs(sales[7:] - sales[:-7]).mean() / window.std()
    assert batch["unit"][5].item() == pytest.approx(unit, rel=1e-4)


def test_a_series_that_is_too_short_is_named_and_left_out(tmp_path: Path) -> None:
    table = shops(tmp_path, {"a": 1, "b": 2, "Dükkan": 3}, late={"Dükkan": 5})
    preparation = SeriesPreparation.fit(table, table.splits["train"], horizon=3, context_length=7)
    assert (
        "1 series is too short in train for a window of 10 steps, and nothing is learned from it: Dükkan"
        in " ".join(table.report.notes)
    )
    windows = preparation.windows(table)
    assert (windows.series, windows.left_out) == (["a", "b"], (("Dükkan", 5),))
    with pytest.raises(DataError, match=r"looks back at 7 steps; the series have fewer \(Dükkan 5\)"):
        preparation.windows(shops(tmp_path, {"Dükkan": 3}, late={"Dükkan": 5}))


def test_what_was_a_year_before_is_found_behind_the_window(tmp_path: Path) -> None:
    table = shops(tmp_path, {"a": 1, "b": 50})
    preparation = SeriesPreparation.fit(table, table.splits["train"], horizon=3, context_length=7)
    source = preparation.source(
        preparation.encode_table(table), {}, table.splits["test"], input_name="input", batching=Batching(batch_size=64)
    )
    assert isinstance(source, WindowSource)
    assert (source.reaches(40), source.reaches(49)) == (True, False)
    batch = next(iter(source.batches(0)))
    units = source.earlier(batch.rows, 28).double() * batch["spread"] + batch["center"]
    rows = batch.rows.numpy()[:, None] - 28 + np.arange(3)
    np.testing.assert_allclose(units[..., 0].numpy(), table.columns["sales"].values[rows], rtol=1e-5)
