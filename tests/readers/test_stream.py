"""Streams: rows of shards once in each pass, the same next batch after a stop, and nothing lost silently."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import derin
from derin.api.prepare import prepare
from derin.core.errors import DataError, DerinWarning, UsageError
from derin.core.seeds import permutation
from derin.readers.shards import read_shard, shard_paths
from derin.readers.stream import Stream
from derin.train.callback import Callback

NUM_SHARDS, ROWS_PER_SHARD = 4, 90
NUM_ROWS = NUM_SHARDS * ROWS_PER_SHARD


def npy(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def member(number: int) -> dict[str, bytes]:
    """A row whose first value is its number."""
    values = np.random.default_rng(number).normal(size=5).astype(np.float32) + number % 3
    values[0] = number
    return {"npy": npy(values), "cls": str(number % 3).encode()}


def write_tar(path: Path, rows: dict[str, dict[str, bytes]], mode: str = "w", form: int = tarfile.USTAR_FORMAT) -> None:
    with tarfile.open(path, mode, format=form) as tar:  # type: ignore[call-overload]
        for name, parts in rows.items():
            for ending, data in parts.items():
                info = tarfile.TarInfo(f"{name}.{ending}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


def rows_of(path: Path, **how: Any) -> dict[str, dict[str, Any] | str]:
    """The rows of a shard by name, or why one cannot be read."""
    found: dict[str, dict[str, Any] | str] = {}
    for part in read_shard(path, **how):
        found |= part.damaged
        found |= {part.name(i): {name: column[i] for name, column in part.columns.items()} for i in range(len(part))}
    return found


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    for shard in range(NUM_SHARDS):
        numbers = range(shard * ROWS_PER_SHARD, (shard + 1) * ROWS_PER_SHARD)
        write_tar(tmp_path / f"{shard:03d}.tar", {f"{n:06d}": member(n) for n in numbers})
    return tmp_path


def pattern(folder: Path) -> str:
    return f"{folder}/{{000..{NUM_SHARDS - 1:03d}}}.tar"


def values(batch: Any) -> list[list[float]]:
    return batch["input"].tolist()


def numbers_of(source: Any, prepared: Any, epoch: int, from_step: int = 0) -> list[int]:
    """The numbers of the rows, from their first value, which was standardized."""
    first = np.concatenate([batch["input"][:, 0].numpy() for batch in source.batches(epoch, from_step)])
    standardized, raw = (
        next(iter(prepared.encoded.values())).values[:, 0],
        prepared.table.columns["npy"].values[:, 0],
    )
    slope, offset = np.polyfit(standardized.astype(np.float64), raw.astype(np.float64), 1)
    return np.rint(first * slope + offset).astype(int).tolist()


def test_every_row_that_is_not_held_out_comes_once_in_a_pass_in_another_order(shards: Path) -> None:
    stream = Stream(pattern(shards), buffer=64, num_val=1000)
    prepared = prepare(stream, batch_size=16, steps_per_epoch=1)
    held_out = len(prepared.table.splits["val"])
    assert 0 < held_out < NUM_ROWS / 8
    in_a_pass = NUM_ROWS - held_out
    # Two passes and a bit; blocks of 64 do not end where passes do.
    prepared = prepare(stream, batch_size=16, steps_per_epoch=3 * in_a_pass // 16)
    seen = numbers_of(prepared.train_source, prepared, 0)
    first, second = seen[: in_a_pass - 64], seen[: 2 * in_a_pass]
    assert max(Counter(first).values()) == 1
    assert max(Counter(second[:-64]).values()) <= 2
    assert len(set(second)) == in_a_pass
    assert first != sorted(first)
    other = prepare(stream, batch_size=16, steps_per_epoch=3, seed=1)
    assert numbers_of(other.train_source, other, 0) != seen[: 3 * 16]


def test_the_next_batch_is_the_same_and_what_lies_before_its_block_is_not_read(
    shards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"batch_size": 16, "steps_per_epoch": 20}
    whole = prepare(Stream(pattern(shards), buffer=64), **options).train_source
    epochs = [[values(batch) for batch in whole.batches(epoch)] for epoch in range(3)]
    position = json.loads(json.dumps(whole.position(2, 7)))  # type: ignore[attr-defined]
    again = prepare(Stream(pattern(shards), buffer=64), **options).train_source
    again.seek(position)  # type: ignore[attr-defined]
    started: list[int] = []
    from derin.readers import stream

    def counted(path: Path, *, start: int = 0, **how: Any) -> Any:
        started.append(start)
        return read_shard(path, start=start, **how)

    monkeypatch.setattr(stream, "read_shard", counted)
    assert [values(batch) for batch in again.batches(2, 7)] == epochs[2][7:]
    assert started[0] == position["place"][2]
    # Without a position it reads all that lies before, and gives the same.
    fresh = prepare(Stream(pattern(shards), buffer=64), **options).train_source
    assert [values(batch) for batch in fresh.batches(2, 7)] == epochs[2][7:]


def test_rows_before_a_block_are_not_read_again_for_it() -> None:
    drawn = 0

    def rows() -> Any:
        nonlocal drawn
        for number in range(4_000):
            drawn += 1
            yield {"a": number % 7, "label": "ab"[number % 2]}

    prepared = prepare(Stream(rows, buffer=256, num_val=20, num_head=100), batch_size=32, steps_per_epoch=90)
    drawn = 0
    num_used = sum(len(batch) for batch in prepared.train_source.batches(0))
    # One row in twenty is held out, and blocks are read whole, up to three of them ahead.
    assert num_used <= drawn <= 1.1 * num_used + 4 * 256


class _Stopping(Callback):
    def on_step(self, loop: Any) -> None:
        if loop.step == 27:
            raise RuntimeError("killed")


def test_a_killed_run_goes_on_to_the_same_weights(shards: Path, tmp_path: Path) -> None:
    how: dict[str, Any] = {"steps_per_epoch": 20, "epochs": 2, "batch_size": 16, "save_every_seconds": 0.0}
    plain = {"report": False, "quiet": True}
    uninterrupted = derin.fit(pattern(shards), out=tmp_path / "a", **how, **plain)
    with pytest.raises(RuntimeError, match="killed"):
        derin.fit(pattern(shards), out=tmp_path / "b", **how, callbacks=[_Stopping()], **plain)
    resumed = derin.fit(out=tmp_path / "b", resume=True, **plain)
    assert resumed.metrics == uninterrupted.metrics
    weights = [torch.cat([p.flatten() for p in run.model().network.parameters()]) for run in (resumed, uninterrupted)]
    assert torch.equal(*weights)
    assert resumed.record["plan"]["prefetch"] is True


def test_damaged_members_are_named_and_counted_and_the_others_stay(shards: Path, tmp_path: Path) -> None:
    rows = {f"{n:06d}": member(n) for n in range(90)}
    rows["000004"]["npy"] = rows["000004"]["npy"][:-9]
    rows["000011"]["cls"] = b"seven"
    del rows["000017"]["cls"]
    write_tar(shards / "000.tar", rows)
    half = (shards / "001.tar").read_bytes()
    (shards / "001.tar").write_bytes(half[: len(half) // 2])
    with pytest.warns(DerinWarning, match="left out"):
        run = derin.fit(pattern(shards), steps_per_epoch=30, epochs=1, out=tmp_path / "run", report=False, quiet=True)
    damaged = run.record["data"]["damaged"]
    assert set(damaged["rows"]) >= {"000.tar/000004", "000.tar/000011", "001.tar"}
    assert damaged["count"] == len(damaged["rows"]) <= 5
    assert "from here on" in damaged["rows"]["001.tar"]


def test_shards_of_other_members_are_counted_row_by_row_and_empty_ones_are_none(shards: Path) -> None:
    write_tar(shards / "001.tar", {f"{n}": {"npy": npy(np.zeros(5)), "seg.cls": b"1"} for n in range(7)})
    write_tar(shards / "002.tar", {})
    write_tar(shards / "003.tar", {f"{n}": {"npy": npy(np.zeros((5, 1))), "cls": b"1"} for n in range(8)})
    stream = Stream(pattern(shards), buffer=32, num_val=1000)
    # The first shard says what the others must be like.
    seed = next(seed for seed in range(99) if permutation(seed, "shards", 0, NUM_SHARDS)[0] == 0)
    source = prepare(stream, batch_size=16, steps_per_epoch=12, seed=seed).train_source
    assert sum(len(batch) for batch in source.batches(0)) == 12 * 16
    reasons = Counter(reason for name, reason in stream.damaged.items() if not name.startswith("000.tar"))
    told = [reason for reason in reasons if "another shape" in reason], [r for r in reasons if "cls" in r]
    assert [sum(reasons[reason] for reason in some) for some in told] == [8, 7]
    assert reasons.total() == 15


def test_one_shard_is_a_stream_where_an_epoch_is_so_many_batches(shards: Path) -> None:
    prepared = prepare(shards / "000.tar", batch_size=16, steps_per_epoch=3)
    assert sum(len(batch) for batch in prepared.train_source.batches(0)) == 48


def test_pickled_members_are_refused(tmp_path: Path) -> None:
    write_tar(tmp_path / "a.tar", {"1": {"npy": npy(np.zeros(2)), "pkl": pickle.dumps(3)}})
    with pytest.raises(DataError, match=r"1\.pkl is pickled.*could run code"):
        prepare(Stream(tmp_path / "a.tar"), steps_per_epoch=2)


@pytest.mark.parametrize(
    ("name", "mode", "form"),
    [
        ("a.tar", "w", tarfile.USTAR_FORMAT),
        ("a.tar", "w", tarfile.PAX_FORMAT),
        ("a.tar", "w", tarfile.GNU_FORMAT),
        ("a.tar.gz", "w:gz", tarfile.USTAR_FORMAT),
    ],
)
def test_tars_of_all_forms_give_what_tarfile_gives(tmp_path: Path, name: str, mode: str, form: int) -> None:
    long = "folder/" + "n" * 120  # more than a plain header holds
    rows = {"a/1": member(1), "2": {"txt": "çok".encode(), "json": b'{"size": 3}'}, long: member(3)}
    if form == tarfile.USTAR_FORMAT:
        rows["folder/" * 18 + "deep"] = rows.pop(long)
    write_tar(tmp_path / name, rows, mode, form)
    found = rows_of(tmp_path / name)
    with tarfile.open(tmp_path / name) as tar:
        assert len(tar.getmembers()) == 6
    expected = np.load(io.BytesIO(member(3)["npy"]))
    assert found[f"{name}/2"] == {"txt": "çok", "size": 3}
    (last,) = [row for key, row in found.items() if key.endswith(("n" * 120, "deep"))]
    assert isinstance(last, dict)
    np.testing.assert_array_equal(last["npy"], expected)
    assert last["cls"] == 0
    assert list(rows_of(tmp_path / name, start=2)) == list(found)[2:]


def test_pictures_lines_of_json_and_parquet_train(tmp_path: Path) -> None:
    from PIL import Image

    rng = np.random.default_rng(0)
    pictures = {}
    for n in range(120):
        file = io.BytesIO()
        Image.fromarray(rng.integers(0, 90 + 160 * (n % 2), (9 + n % 4, 11, 3), dtype=np.uint8)).save(file, "PNG")
        pictures[f"{n:03d}"] = {"png": file.getvalue(), "cls": str(n % 2).encode()}
    write_tar(tmp_path / "p.tar", pictures)
    rows = [{"a": i % 5, "b": "xyz"[i % 3], "label": "big" if i % 3 else "small"} for i in range(300)]
    (tmp_path / "r.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    sources: list[Any] = [Stream(tmp_path / "p.tar", size=8, buffer=40), Stream(tmp_path / "r.jsonl", buffer=100)]
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        pass
    else:
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "r.parquet")
        sources.append(Stream(tmp_path / "r.parquet", buffer=100, val=tmp_path / "r.jsonl"))
    options: dict[str, Any] = {"steps_per_epoch": 4, "batch_size": 20}
    shapes = []
    for stream in sources:
        prepared = prepare(stream, **options)
        for batch in prepared.train_source.batches(0):
            assert len(batch) == 20
            assert set(batch["target"].tolist()) <= {0, 1}
        shapes.append(tuple(batch["input"].shape[1:]))
    assert shapes == [(3, 8, 8), *[(4,)] * (len(shapes) - 1)]


def test_workers_share_the_shards(shards: Path) -> None:
    seen = []
    for rank in range(2):
        stream = Stream(pattern(shards), buffer=32, val=shards / "000.tar", worker=(rank, 2))
        prepared = prepare(stream, batch_size=16, steps_per_epoch=2 * ROWS_PER_SHARD // 16)
        seen.append(set(numbers_of(prepared.train_source, prepared, 0)))
    assert not seen[0] & seen[1]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda f: prepare(f"{f}/no-*.tar", steps_per_epoch=2), DataError, "there is none"),
        (lambda f: prepare(pattern(f)), UsageError, "a stream needs it"),
        (lambda f: prepare("iris", steps_per_epoch=2), UsageError, "takes none"),
        (lambda f: prepare(Stream(pattern(f), target="y"), steps_per_epoch=2), DataError, "a row has npy, cls"),
        (lambda f: prepare(pattern(f), steps_per_epoch=2, sampler="balanced"), UsageError, "order of its own"),
        (lambda f: prepare(Stream(lambda: iter([])), steps_per_epoch=2), DataError, "a whole pass gave none"),
        (lambda f: Stream(pattern(f), buffer=0), UsageError, "buffer=0"),
        (lambda f: Stream(f"{f}/000.tar", worker=(0, 2)), UsageError, "need so many shards"),
    ],
)
def test_what_cannot_be_streamed_is_one_sentence(make: Any, error: type[Exception], message: str, shards: Path) -> None:
    with pytest.raises(error, match=message):
        make(shards)


def test_braces_and_stars_name_shards(shards: Path) -> None:
    assert [p.name for p in shard_paths(pattern(shards))] == ["000.tar", "001.tar", "002.tar", "003.tar"]
    assert shard_paths(f"{shards}/*.tar") == shard_paths([shards / f"{n:03d}.tar" for n in range(4)])
