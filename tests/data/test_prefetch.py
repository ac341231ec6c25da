"""Work that is done ahead: the same results in the same order, errors where they belong, and no thread left behind."""

from __future__ import annotations

import threading
import time
from contextlib import closing

import numpy as np
import pytest
import torch

from derin.data.batch import open_batches
from derin.data.codecs.base import EncodedColumn
from derin.data.codecs.values import ValuesCodec
from derin.data.prefetch import ahead
from derin.data.preparation import Batching
from derin.data.source import TableSource

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


def test_no_more_is_worked_ahead_than_promised() -> None:
    done: list[int] = []
    with closing(ahead(lambda item: done.append(item), range(100))) as results:  # type: ignore[type-var]
        next(results)
        time.sleep(0.05)
        assert len(done) <= 4
