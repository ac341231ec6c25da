"""Work that is done ahead: the same results in the same order, errors where they belong, and no thread left behind."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from derin.data.batch import open_batches
from derin.data.codecs.base import EncodedColumn
from derin.data.codecs.values import ValuesCodec
from derin.data.columns import ColumnsPreparation
from derin.data.pictures import encoded
from derin.data.prefetch import ahead
from derin.data.preparation import Batching
from derin.data.source import TableSource
from derin.readers.picture_folder import read_picture_folder
from derin.readers.pictures import spool

NUM_ROWS = 23


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "derin-prefetch"]


class SlowHost:
    """Rows that take a millisecond, as decoding a picture does; `broken` cannot be read."""

    is_random = True

    def __init__(self, seconds: float = 1e-3, broken: int | None = None) -> None:
        self.seconds, self.broken = seconds, broken

    def __len__(self) -> int:
        return NUM_ROWS

    def gather(self, rows: np.ndarray, uniforms: np.ndarray | None = None) -> torch.Tensor:
        if self.broken in rows.tolist():
            raise OSError(f"row {self.broken}")
        time.sleep(self.seconds * len(rows))
        values = rows.astype(np.float32)[:, None]
        return torch.from_numpy(values if uniforms is None else values + uniforms[:, :1])


def source(host: EncodedColumn) -> TableSource:
    # As large as pictures, so that each batch is gathered for itself.
    columns = {"input": (ValuesCodec("input", (1_000_000,)), host)}
    return TableSource(columns, np.arange(NUM_ROWS), Batching(batch_size=4, seed=3, shuffle=True))  # type: ignore[arg-type]


def test_batches_are_the_same_to_the_bit_from_any_step() -> None:
    slow, quick = source(SlowHost()), source(SlowHost(0.0))
    assert slow.prefetches
    assert not quick.prefetches
    for step in (0, 3, 6):
        for a, b in zip(slow.batches(1, step), quick.batches(1, step), strict=True):
            assert torch.equal(a["input"], b["input"])
            assert torch.equal(a.rows, b.rows)
    assert not threads()


def test_gathering_runs_beside_the_step() -> None:
    made = source(SlowHost(2e-3))
    assert made.prefetches
    started = time.perf_counter()
    for batch in made.batches(0):
        time.sleep(2e-3 * len(batch))
    # One after the other it would take twice as long as the larger of the two.
    assert time.perf_counter() - started < 1.7 * 2e-3 * NUM_ROWS


def test_an_error_comes_where_its_batch_would_have() -> None:
    rows = torch.cat([batch.rows for batch in source(SlowHost()).batches(0)])
    broken = int(rows[13])  # in the fourth batch
    made = source(SlowHost(broken=broken))
    made.__dict__["prefetches"] = True
    batches = made.batches(0)
    assert [len(next(batches)) for _ in range(3)] == [4, 4, 4]
    with pytest.raises(OSError, match=f"row {broken}"):
        next(batches)
    assert not threads()


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_who_stops_early_leaves_no_thread(error: type[BaseException]) -> None:
    def stop() -> None:
        with open_batches(source(SlowHost()), 0) as batches:
            next(batches)
            assert threads()
            raise error

    with pytest.raises(error):
        stop()
    assert not threads()


def test_encoded_photographs_are_decoded_ahead_by_any_number_of_threads_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = np.random.default_rng(0)
    for number in range(NUM_ROWS):
        place = tmp_path / "photographs" / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(draw.integers(0, 256, (23, 31, 3), dtype=np.uint8))
        coarse.resize((500, 375)).save(place / f"{number}.jpg", quality=90)
    monkeypatch.setenv("DERIN_CACHE", str(tmp_path / "cache"))
    # Where the disk cannot hold them decoded, photographs stay encoded.
    monkeypatch.setattr(spool.shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
    found = []
    for num_threads in (1, 3):
        monkeypatch.setattr(encoded, "num_decoders", lambda num=num_threads: num)
        table = read_picture_folder(tmp_path / "photographs", name="photographs", size=64)
        (pictures,) = (column for column in table.columns.values() if isinstance(column, encoded.EncodedPictures))
        assert len(pictures) == NUM_ROWS
        preparation = ColumnsPreparation.fit(table, np.arange(NUM_ROWS), 64)
        made = preparation.source(
            preparation.encode_table(table),
            {},
            np.arange(NUM_ROWS),
            input_name="input",
            batching=Batching(batch_size=4, seed=3, shuffle=True),
        )
        assert made.prefetches
        for prefetches in (True, False):
            made.__dict__["prefetches"] = prefetches
            found.append(torch.cat([batch["input"] for batch in made.batches(1)]))
    for other in found[1:]:
        assert torch.equal(other, found[0])


def test_no_more_is_worked_ahead_than_promised() -> None:
    done: list[int] = []
    with closing(ahead(lambda item: done.append(item), range(100))) as results:  # type: ignore[type-var]
        next(results)
        time.sleep(0.05)
        assert len(done) <= 4
