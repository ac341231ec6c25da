"""Features of tables; the oracles are scikit-learn's StandardScaler and OneHotEncoder, and Python's calendar."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from derin.core.errors import DataError, RefusedFileError
from derin.data.codecs.base import codec_from_json
from derin.data.features import FeaturesCodec
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Ragged, Table
from derin.readers.csv_table import read_csv

# float32 has 24 bits: 1e-6 relative to numbers of about 1 is a few units in the last place.
CLOSE = {"rtol": 1e-6, "atol": 1e-6}

CSV = """age,color,joined,deck,income
22.5,red,2020-01-06,,7.5
,blue,2021-07-15,A,8.5
40,red,2022-12-31,B,1.5
31,green,,A,2.5
18,blue,2020-02-29,B,3.5
65,red,2021-05-05,A,4.5
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(CSV, encoding="utf-8")
    return path


@pytest.fixture
def table(path: Path) -> Table:
    return read_csv(path, name="people")


@pytest.fixture
def prepared(table: Table) -> FeaturesCodec:
    return FeaturesCodec.fit(table, np.arange(5))


def column_table(values: Any, *, rows: int | None = None, **options: Any) -> Table:
    column = Column(name="c", role=Role.INPUT, **options)
    data = values if isinstance(values, Ragged) else Dense(np.asarray(values))
    return Table(name="t", schema=Schema((column,)), columns={"c": data}, splits={})


def fit(table: Table, rows: Any = None) -> FeaturesCodec:
    return FeaturesCodec.fit(table, np.arange(len(table)) if rows is None else np.asarray(rows))


def test_numbers_are_standardised_as_by_scikit_learn() -> None:
    values = np.random.default_rng(0).normal(50, 7, size=(31, 5))
    train = np.arange(0, 31, 2)
    got = fit(column_table(values, kind=Kind.NUMBER, shape=(5,)), train).encode(
        column_table(values, kind=Kind.NUMBER, shape=(5,))
    )
    np.testing.assert_allclose(got.values, StandardScaler().fit(values[train]).transform(values), **CLOSE)


def test_categories_are_one_hot_as_by_scikit_learn() -> None:
    codes = np.array([2, 0, 1, 2, 0, 1, 1])
    classes = ("ant", "bee", "cat")
    table = column_table(codes, kind=Kind.CATEGORY, classes=classes)
    expected = OneHotEncoder(sparse_output=False).fit_transform(np.asarray(classes)[codes][:, None])
    np.testing.assert_array_equal(fit(table).encode(table).values, expected)


def test_statistics_come_from_the_training_rows_alone(table: Table) -> None:
    prepared = fit(table, [0, 2, 3])
    ages = np.array([22.5, 40, 31])
    expected = (np.array([18.0, 65.0]) - ages.mean()) / ages.std()
    np.testing.assert_allclose(prepared.encode(table).values[4:, 0], expected, **CLOSE)
    assert "color = blue" not in prepared.feature_names  # no training row is blue


def test_missing_numbers_become_the_mean_and_are_told(prepared: FeaturesCodec, table: Table) -> None:
    names = prepared.feature_names
    features = prepared.encode(table).values
    assert features[:, names.index("age")][1] == 0.0
    assert features[:, names.index("age is missing")].tolist() == [0, 1, 0, 0, 0, 0]
    assert features[:, names.index("deck is missing")].tolist() == [1, 0, 0, 0, 0, 0]
    assert "color is missing" not in names


def test_a_number_that_was_never_missing_in_training_has_no_further_feature(table: Table) -> None:
    prepared = fit(table, [0, 2, 3])
    assert "age is missing" not in prepared.feature_names
    assert prepared.encode(table).values[1, 0] == 0.0


def test_dates_become_year_and_circles(prepared: FeaturesCodec, table: Table) -> None:
    names, features = prepared.feature_names, prepared.encode(table).values
    days = [date(2020, 1, 6), date(2021, 7, 15), date(2022, 12, 31), None, date(2020, 2, 29)]
    years = np.array([d.year for d in days if d], dtype=np.float64)
    for row, day in enumerate(days):
        if day is None:
            continue
        month, weekday = 2 * math.pi * (day.month - 1) / 12, 2 * math.pi * day.weekday() / 7
        expected = {
            "joined year": (day.year - years.mean()) / years.std(),
            "joined month sine": math.sin(month),
            "joined month cosine": math.cos(month),
            "joined weekday sine": math.sin(weekday),
            "joined weekday cosine": math.cos(weekday),
        }
        got = {name: features[row, names.index(name)] for name in expected}
        np.testing.assert_allclose(list(got.values()), list(expected.values()), **CLOSE)
    assert not any("hour" in name for name in names)
    assert [features[3, i] for i, name in enumerate(names) if name.startswith("joined")] == [0, 0, 0, 0, 0, 1]


def test_hours_are_a_circle_also_before_1970() -> None:
    moments = [datetime(1969, 3, 4, hour, 30, tzinfo=UTC).timestamp() for hour in (0, 6, 18)]
    table = column_table(moments, kind=Kind.DATE, unit="YYYY-MM-DD")
    prepared = fit(table)
    assert prepared.feature_names == ("c year", "c hour sine", "c hour cosine")
    np.testing.assert_allclose(prepared.encode(table).values, [[0, 0, 1], [0, 1, 0], [0, -1, 0]], **CLOSE)


def test_beyond_fifty_classes_the_rest_shares_a_feature() -> None:
    codes = np.concatenate([np.repeat(np.arange(50), 3), np.arange(50, 70)])
    table = column_table(codes, kind=Kind.CATEGORY, classes=tuple(f"k{i}" for i in range(70)))
    prepared = fit(table)
    features = prepared.encode(table).values
    assert prepared.shape == (51,)
    assert features[:, -1].tolist() == [0.0] * 150 + [1.0] * 20
    assert features.sum(axis=1).tolist() == [1.0] * 170
    assert prepared.read({"c": "never seen"})[0, -1] == 1.0


def test_categories_with_vectors_are_places_in_their_tables_and_singles_share_one() -> None:
    classes = ("Van", "Bursa", "Izmir", "Rize", "Kars")
    codes = np.array([0, 0, 1, 2, 2, 2, -1, 3, 4, 4])  # Bursa and Rize stand in one row each
    table = column_table(codes, kind=Kind.CATEGORY, classes=classes)
    prepared = FeaturesCodec.fit(table, np.arange(10), embeddings=3)
    assert prepared.feature_names == ("c",)
    by_hand = {"Van": 2, "Izmir": 3, "Kars": 4, "": 1, "Bursa": 0, "Rize": 0, "never seen": 0}
    assert prepared.encode(table).values[:, 0].tolist() == [2, 2, 0, 3, 3, 3, 1, 0, 4, 4]
    rows, notes = prepared.read_noting([{"c": name} for name in by_hand])
    assert (rows[:, 0].tolist(), notes) == (list(by_hand.values()), [])
    # 1.6 · 3^0.56 = 2.96, and rows for others and for what is missing.
    assert prepared.network_options() == {"embeddings": [[0, 5, 3]]}
    again = codec_from_json(json.loads(json.dumps(prepared.to_json())))
    assert again == prepared
    # Where no class was rare and nothing missing, both are told, since their vectors were never learned.
    few = FeaturesCodec.fit(table, np.array([0, 1, 3, 4, 8, 9]), embeddings=2)
    assert [str(note)[:31] for note in few.read_noting([{"c": "Rize"}, {"c": None}])[1]] == [
        "Values of 'c' that did not occu",
        "'c' is missing in 1 row, as in ",
    ]
    assert FeaturesCodec.fit(table, np.arange(10), embeddings=4).shape == (6,)  # five one-hot classes, and missing


def test_an_unseen_class_is_all_zero_and_noted(prepared: FeaturesCodec) -> None:
    row = {"age": 30, "color": "violet", "joined": "2020-01-01", "deck": "A"}
    features, notes = prepared.read_noting(row)
    assert [features[0, i] for i, n in enumerate(prepared.feature_names) if n.startswith("color")] == [0, 0, 0]
    assert notes == ["Values of 'color' that did not occur in training: 1; its features are 0 for them."]


def test_constant_places_give_zero() -> None:
    values = np.array([[0.1, 5.0], [0.1, 6.0], [0.1, 9.0]])
    table = column_table(values, kind=Kind.NUMBER, shape=(2,))
    prepared = fit(table)
    assert prepared.encode(table).values[:, 0].tolist() == [0.0, 0.0, 0.0]
    assert prepared.read(np.array([7.0, 5.0]))[0, 0] == 0.0


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_very_large_and_small_numbers_stay_finite(scale: float) -> None:
    values = np.array([1.0, 2.0, 4.0]) * scale
    prepared = fit(column_table(values, kind=Kind.NUMBER))
    np.testing.assert_allclose(
        prepared.read(values[:, None])[:, 0],
        StandardScaler().fit_transform(np.array([[1.0], [2.0], [4.0]]))[:, 0],
        **CLOSE,
    )
    assert np.isfinite(prepared.read([[1e308], [-1e308], [math.inf]])).all()


def test_host_gathers_rows_in_order(prepared: FeaturesCodec, table: Table) -> None:
    host = prepared.encode(table)
    rows = np.array([4, 0, 4])
    gathered = host.gather(rows, np.zeros((3, 2), dtype=np.float32))
    assert gathered.dtype == torch.float32
    assert gathered.shape == (3, *prepared.shape)
    np.testing.assert_array_equal(gathered.numpy(), host.values[rows])
    assert prepared.to_model_input(gathered) is gathered
    assert len(host) == 6


def test_large_tables_are_encoded_in_parts_without_a_seam() -> None:
    values = np.random.default_rng(1).normal(size=40_001)
    table = column_table(values, kind=Kind.NUMBER)
    np.testing.assert_allclose(fit(table).encode(table).values[:, 0], (values - values.mean()) / values.std(), **CLOSE)


# --- what people hand over ---


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return frame.to_dict("records")


FORMS = {
    "table": lambda path, frame: read_csv(path, name="again"),
    "frame": lambda path, frame: frame,
    "list of dicts": lambda path, frame: rows_of(frame),
    "list of series": lambda path, frame: [row for _, row in frame.iterrows()],
    "dict of lists": lambda path, frame: frame.to_dict("list"),
    "lists in order": lambda path, frame: frame[["age", "color", "joined", "deck"]].to_numpy().tolist(),
    "frame with dates": lambda path, frame: frame.assign(joined=pd.to_datetime(frame["joined"])),
    "frame with missing marks": lambda path, frame: frame.convert_dtypes(),
    "frame of categories": lambda path, frame: frame.assign(color=frame["color"].astype("category")),
    "frame with further columns": lambda path, frame: frame.assign(extra="x")[["extra", *reversed(frame.columns)]],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_features(prepared: FeaturesCodec, table: Table, path: Path, form: str) -> None:
    given = FORMS[form](path, pd.read_csv(path))
    np.testing.assert_array_equal(prepared.read(given), prepared.encode(table).values)


def test_a_row_alone_gives_one_row(prepared: FeaturesCodec, table: Table, path: Path) -> None:
    frame = pd.read_csv(path)
    expected = prepared.encode(table).values[2:3]
    for row in (frame.iloc[2], frame.iloc[2].to_dict(), [40, "red", "2022-12-31", "B"]):
        np.testing.assert_array_equal(prepared.read(row), expected)


def test_arrays_of_numbers_are_read_row_by_row() -> None:
    columns = [Column(name=n, kind=Kind.NUMBER, role=Role.INPUT) for n in ("u", "v", "w")]
    values = np.random.default_rng(2).normal(size=(9, 3))
    table = Table(
        name="t",
        schema=Schema(tuple(columns)),
        columns={c.name: Dense(values[:, i]) for i, c in enumerate(columns)},
        splits={},
    )
    prepared = fit(table)
    expected = StandardScaler().fit_transform(values)
    np.testing.assert_allclose(prepared.read(values), expected, **CLOSE)
    np.testing.assert_allclose(prepared.read(values[4]), expected[4:5], **CLOSE)
    np.testing.assert_allclose(prepared.read(values[4].tolist()), expected[4:5], **CLOSE)
    np.testing.assert_allclose(prepared.read(torch.from_numpy(values)), expected, **CLOSE)
    with pytest.raises(DataError, match=r"shape \(3,\) or \(rows, 3\)"):
        prepared.read(values[:, :2])


def test_vectors_of_numbers_are_read_from_arrays_lists_and_dicts() -> None:
    values = np.random.default_rng(3).normal(size=(7, 5))
    prepared = fit(column_table(values, kind=Kind.NUMBER, shape=(5,)))
    expected = StandardScaler().fit_transform(values)
    for rows in (
        values,
        values.tolist(),
        [{"c": row} for row in values],
        {"c": values[0]},
        values[0],
        values[0].tolist(),
    ):
        np.testing.assert_allclose(prepared.read(rows), expected[: 1 if len(rows) in (1, 5) else 7], **CLOSE)


def test_a_test_file_of_one_row_is_read_although_its_types_look_different(tmp_path: Path) -> None:
    train = tmp_path / "train.csv"
    train.write_text(
        "code,size,when,y\n" + "".join(f"{'ab'[i % 2]},{i}.5,{i + 12}/1/2020,{i % 2}\n" for i in range(12))
    )
    prepared = fit(read_csv(train, name="train"))
    one = tmp_path / "one.csv"
    one.write_text("code,size,when\na,2.5,3/4/2020\n")
    features = prepared.read(read_csv(one, name="one"))
    np.testing.assert_array_equal(features, prepared.read({"code": "a", "size": 2.5, "when": date(2020, 4, 3)}))


def test_a_missing_column_is_one_sentence(prepared: FeaturesCodec, table: Table) -> None:
    with pytest.raises(DataError, match=r"'color', 'deck' are not there.*It has: 'age', 'joined'"):
        prepared.read({"age": 3, "joined": None})
    with pytest.raises(DataError, match=r"Row 1: .*'deck' is not there"):
        prepared.read(
            [{"age": 3, "joined": None, "color": "red", "deck": "A"}, {"age": 3, "joined": None, "color": "red"}]
        )
    lacking = Table(name="less", schema=Schema(table.schema.columns[:2]), columns=table.columns, splits={})
    with pytest.raises(DataError, match="not there: 'joined', 'deck'"):
        prepared.read(lacking)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"age": "abc"}, "the column 'age' needs a number, or nothing where it is missing; got 'abc'"),
        ({"age": [1, 2]}, "lists of one length|needs a number"),
        ({"age": object()}, "the column 'age' needs a number"),
        ({"joined": "yesterday"}, "the column 'joined' needs a date such as 2024-12-31"),
        ({"joined": "2021-02-29"}, "needs a date"),
    ],
)
def test_values_of_another_kind_are_one_sentence(prepared: FeaturesCodec, row: dict, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        prepared.read({"age": 3, "color": "red", "joined": None, "deck": "A", **row})


@pytest.mark.parametrize("given", [[], {}, 7, b"bytes", "no_such.csv", [1, "x"], [{"age": 1}, 3], [[1], [1, 2]]])
def test_what_are_no_rows_is_refused(prepared: FeaturesCodec, given: Any) -> None:
    with pytest.raises(DataError):
        prepared.read(given)


def test_texts_alone_are_refused_and_text_beside_numbers_is_left_out_and_said() -> None:
    texts = Ragged.from_texts(["so good", "so bad", "fine"])
    with pytest.raises(DataError, match="an input of numbers, categories or dates is required beside"):
        fit(column_table(texts, kind=Kind.TEXT, shape=(-1,)))
    schema = Schema(
        (Column(name="c", kind=Kind.TEXT, role=Role.INPUT), Column(name="n", kind=Kind.NUMBER, role=Role.INPUT))
    )
    table = Table(name="t", schema=schema, columns={"c": texts, "n": Dense(np.array([1.0, 2.0, 4.0]))}, splits={})
    assert fit(table).columns == ("n",)
    assert table.report.notes == ["The column 'c' is no feature, because it is text."]


def test_identifiers_and_ignored_columns_are_no_features() -> None:
    schema = Schema(tuple(Column(name=r.value, kind=Kind.NUMBER, role=r) for r in Role))
    table = Table(name="t", schema=schema, columns={c.name: Dense(np.array([1.0, 2.0])) for c in schema}, splits={})
    assert fit(table).columns == ("input",)


# --- the card ---


def test_the_card_gives_the_same_features_to_the_bit(prepared: FeaturesCodec, table: Table) -> None:
    again = codec_from_json(json.loads(json.dumps(prepared.to_json(), allow_nan=False)))
    assert again == prepared
    np.testing.assert_array_equal(again.encode(table).values, prepared.encode(table).values)  # type: ignore[attr-defined]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=7))
def test_any_numbers_go_to_the_card_and_back(values: list[float]) -> None:
    table = column_table(np.asarray(values), kind=Kind.NUMBER)
    if not np.isfinite(values).any():
        with pytest.raises(DataError):
            fit(table)
        return
    prepared = fit(table)
    assert FeaturesCodec.from_json(json.loads(json.dumps(prepared.to_json(), allow_nan=False))) == prepared
    assert np.isfinite(prepared.encode(table).values).all()


def changes(data: Any, path: tuple[Any, ...] = ()) -> Any:
    """Every place in a JSON document."""
    yield path
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from changes(value, (*path, key))


HOSTILE = [None, -1, 1e999, float("nan"), 10**400, True, "x", [], {}, [[]], ["a", "a"], {"kind": "number"}]


def test_a_hostile_card_is_refused_with_a_sentence(prepared: FeaturesCodec, table: Table) -> None:
    refused = 0
    for place in changes(prepared.to_json()):
        if not place:
            continue
        for value in HOSTILE:
            card = json.loads(json.dumps(prepared.to_json()))
            inside = card
            for key in place[:-1]:
                inside = inside[key]
            inside[place[-1]] = value
            try:
                read = FeaturesCodec.from_json(card)
            except RefusedFileError:
                refused += 1
                continue
            # What is not refused is a card that could have been written.
            json.dumps(read.to_json(), allow_nan=False)
            assert read.shape == (len(read.feature_names),)
    assert refused > 300


@pytest.mark.parametrize("card", [{}, [], None, {"kind": "features"}, {"kind": "features", "columns": []}])
def test_cards_without_columns_are_refused(card: Any) -> None:
    with pytest.raises(RefusedFileError, match="damaged"):
        FeaturesCodec.from_json(card)


@pytest.mark.data
def test_california_housing_is_encoded_as_by_scikit_learn(data_folder: Path) -> None:
    path = data_folder / "tabular" / "california_housing.csv"
    table, frame = read_csv(path, name="california"), pd.read_csv(path)
    train = np.arange(0, len(table), 3)
    prepared = FeaturesCodec.fit(table, train)
    numbers = frame.drop(columns=["median_house_value", "ocean_proximity"])
    scaled = StandardScaler().fit(numbers.iloc[train]).transform(numbers)
    hot = OneHotEncoder(sparse_output=False).fit_transform(frame[["ocean_proximity"]])
    features = prepared.encode(table).values
    is_number = [name in numbers.columns for name in prepared.feature_names]
    np.testing.assert_allclose(features[:, is_number], np.nan_to_num(scaled), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(features[:, [" = " in name for name in prepared.feature_names]], hot)
    np.testing.assert_array_equal(prepared.read(frame.head(50)), features[:50])


@pytest.mark.data
def test_titanics_test_passengers_are_read_from_their_file(data_folder: Path) -> None:
    table = read_csv(data_folder / "tabular" / "titanic_train.csv", name="titanic")
    prepared = fit(table)
    features, notes = prepared.read_noting(read_csv(data_folder / "tabular" / "titanic_test.csv", name="test"))
    assert features.shape == (418, *prepared.shape)
    assert np.isfinite(features).all()
    # Of one passenger the fare is not known, as it is of all in training.
    assert len(notes) == 1
    assert notes[0].startswith("'Fare' is missing in 1 row,")
