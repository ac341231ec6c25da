"""Numbers of data frames: read from their arrays, they are what their cells would have been read as."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import derin
from derin.data.cells.typed import NumberCells
from derin.readers import typed_records


def _odd_columns(seed: int, num: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    gaps = np.where(rng.random(num) < 0.1, np.nan, rng.integers(0, 900, num))
    columns = {
        "int8": rng.integers(-5, 5, num).astype(np.int8),
        "uint64": rng.integers(0, 1 << 63, num).astype(np.uint64) * np.uint64(2),
        "codes": rng.integers(10**15, 10**16, num),
        "float32": rng.normal(size=num).astype(np.float32),
        "float16": rng.normal(size=num).astype(np.float16),
        "gaps": gaps,
        "flags": rng.integers(0, 2, num).astype(float),
        "infinite": np.where(rng.random(num) < 0.1, np.inf, rng.normal(size=num)),
        "minus zero": np.where(rng.random(num) < 0.5, -0.0, rng.integers(0, 3, num)),
        "thousandths": rng.integers(1000, 9999, num) / 1000,
        "day": 20200101 + rng.integers(0, 28, num),
        "time": 1.6e9 + 3600.0 * np.arange(num),
        "year": rng.integers(1990, 2024, num),
        "constant": np.full(num, 7.5),
        "empty": np.full(num, np.nan),
        "large": rng.normal(size=num) * 1e300,
        "number": np.arange(num),
    }
    chosen = rng.permutation(list(columns))[: int(rng.integers(2, 8))]
    return {str(name): columns[str(name)] for name in chosen} | {"y": rng.integers(0, 3, num)}


@pytest.mark.parametrize("num", [3, 40, 2_500])  # few cells and many are told apart in different ways
def test_numbers_of_a_frame_are_those_of_its_cells(num: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(25):
        frame = pd.DataFrame(_odd_columns(seed, num))
        tables = [_loaded(frame)]
        with monkeypatch.context() as patch:
            patch.setattr(typed_records, "NumberCells", lambda values: tuple(NumberCells(values)))
            tables.append(_loaded(frame))
        assert tables[0] == tables[1], (seed, list(frame))


def _loaded(frame: pd.DataFrame) -> object:
    try:
        table = derin.load(frame, target="y")
    except derin.DerinError as error:
        return str(error)
    return table.fingerprint(), table.splits_fingerprint(), table.schema.to_json(), table.report.to_json()


def test_a_file_of_parquet_is_read_as_the_frame_that_was_saved(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    for seed in range(5):
        frame = pd.DataFrame(_odd_columns(seed, 40))
        frame.to_parquet(tmp_path / "t.parquet")
        saved = derin.load(tmp_path / "t.parquet", target="y")
        assert saved.fingerprint() == derin.load(frame, target="y").fingerprint()
        assert saved.schema.to_json() == derin.load(frame, target="y").schema.to_json()


def test_cells_are_those_of_a_csv_file_one_by_one_and_in_parts() -> None:
    values = np.array([1.0, -2.5, np.nan, 1e22, 3.0, 1.0])
    cells = NumberCells(values)
    expected = ["1", "-2.5", "", "1e+22", "3", "1"]
    assert list(cells) == [cells[i] for i in range(6)] == expected
    assert cells[1:3] == ("-2.5", "")
    different, codes = cells.distinct()
    assert list(different) == list(dict.fromkeys(expected))
    assert codes is not None
    assert [different[int(code)] for code in codes] == expected
    assert NumberCells(np.arange(3)).distinct()[1] is None
