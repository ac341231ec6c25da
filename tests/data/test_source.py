"""Batches: which rows, in which order, and how little they depend on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from derin.core.errors import DataError
from derin.data.augment import Augmentation
from derin.data.codecs.base import Codec, EncodedColumn
from derin.data.codecs.values import ValuesCodec, ValuesColumn
from derin.data.extracted import ExtractedFeatures
from derin.data.pictures.codec import PictureCodec
from derin.data.pictures.fitting import ResizePolicy, Rule
from derin.data.pictures.hosts import DenseHost, ResizingHost, WindowHost
from derin.data.preparation import Batching
from derin.data.source import TableSource
from derin.data.table import Dense, Pictures

NUM_ROWS = 23


class Host:
    """Pictures that carry their row number in every pixel."""

    is_random = False

    def __init__(self) -> None:
        values = np.arange(NUM_ROWS, dtype=np.uint8)[:, None, None, None]
        self.values = torch.from_numpy(np.broadcast_to(values, (NUM_ROWS, 6, 5, 1)).copy())

    def __len__(self) -> int:
        return NUM_ROWS

    def gather(self, rows: np.ndarray, uniforms: np.ndarray | None = None) -> torch.Tensor:
        return self.values[torch.from_numpy(rows)]


class Plain(PictureCodec):
    """Casts, and does nothing else."""

    def to_model_input(self, gathered: torch.Tensor) -> torch.Tensor:
        return gathered.float().permute(0, 3, 1, 2)


PLAIN = Plain(column="picture", size=(6, 5), channels=1, mean=(0.0,), std=(1.0,), rule="resize")


def source(batch_size: int, rows: np.ndarray | None = None, **options: object) -> TableSource:
    return source_with("target", np.arange(NUM_ROWS) * 10, batch_size, rows, **options)


def source_with(
    name: str, target: np.ndarray, batch_size: int, rows: np.ndarray | None = None, **options: object
) -> TableSource:
    """The pictures of `Host` beside one target."""
    rows = np.arange(NUM_ROWS) if rows is None else rows
    columns: dict[str, tuple[Codec, EncodedColumn]] = {
        "input": (PLAIN, Host()),
        name: (ValuesCodec(name, target.shape[1:]), ValuesColumn(target)),
    }
    return TableSource(columns, rows, Batching(batch_size=batch_size, seed=3, **options))  # type: ignore[arg-type]


def hosts() -> dict[str, EncodedColumn]:
    values = np.random.default_rng(0).integers(0, 256, (NUM_ROWS, 9, 9, 1), dtype=np.uint8)
    pictures = Pictures(values.reshape(-1), np.arange(NUM_ROWS + 1) * 81, np.full(NUM_ROWS, 9), np.full(NUM_ROWS, 9), 1)
    features = np.arange(NUM_ROWS, dtype=np.float32)[:, None, None, None]
    return {
        "whole pictures": DenseHost(values),
        "windows": WindowHost(pictures, (6, 5)),
        "resized": ResizingHost(Dense(values), ResizePolicy(Rule.SHORTEST_SIDE, 9, 9), (6, 5)),
        "features": ValuesColumn(features),
        "features and views": ExtractedFeatures(features[:, 0, 0], features[None, :, 0, 0] + 100, np.arange(NUM_ROWS)),
        "features alone": ExtractedFeatures(features[:, 0, 0], np.zeros((0, NUM_ROWS, 1)), np.arange(NUM_ROWS)),
    }


@pytest.mark.parametrize("name", hosts())
def test_training_draws_anew_in_every_epoch_what_a_host_calls_random(name: str) -> None:
    host = hosts()[name]
    rows = np.arange(NUM_ROWS)

    def epoch(number: int, center_only: bool = False) -> torch.Tensor:
        batching = Batching(batch_size=50, shuffle=True, center_only=center_only)
        (batch,) = TableSource({"input": (ValuesCodec("input"), host)}, rows, batching).batches(number)
        return batch["input"][batch.rows.argsort()]

    assert torch.equal(epoch(0), epoch(0))
    assert torch.equal(epoch(0), epoch(1)) != host.is_random
    assert torch.equal(epoch(0, center_only=True), epoch(1, center_only=True))
    assert host.is_random == (name in {"windows", "resized", "features and views"})


@pytest.mark.parametrize("batch_size", [1, 4, 7, 22, 23, 50])
def test_every_row_comes_once_with_its_own_target(batch_size: int) -> None:
    batches = list(source(batch_size, shuffle=True).batches(2))
    rows = torch.cat([b.rows for b in batches])
    assert sorted(rows.tolist()) == list(range(NUM_ROWS))
    assert torch.equal(torch.cat([b["input"][:, 0, 0, 0] for b in batches]).long(), rows)
    assert torch.equal(torch.cat([b["target"] for b in batches]), rows * 10)


@pytest.mark.parametrize("chunk_bytes", [1, 900, 1 << 22])
def test_batches_depend_neither_on_chunks_nor_on_where_the_epoch_is_entered(
    chunk_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = list(source(4, shuffle=True, augmentation=Augmentation.parse("flip,rotate=9")).batches(1))
    monkeypatch.setattr("derin.data.source._CHUNK_BYTES", chunk_bytes)
    again = source(4, shuffle=True, augmentation=Augmentation.parse("flip,rotate=9"))
    for start in range(again.num_batches):
        for expected, batch in zip(whole[start:], again.batches(1, start), strict=True):
            assert torch.equal(expected["input"], batch["input"])
            assert torch.equal(expected.rows, batch.rows)


def test_order_depends_on_the_epoch_and_not_on_the_batch_size() -> None:
    def order(batch_size: int, epoch: int) -> list[int]:
        return torch.cat([b.rows for b in source(batch_size, shuffle=True).batches(epoch)]).tolist()

    assert order(4, 1) == order(9, 1) != order(4, 2)


def test_mixing_partners_do_not_depend_on_the_batch_size() -> None:
    def mixed(batch_size: int) -> torch.Tensor:
        options = {"augmentation": Augmentation.parse("mixup=0.4"), "mixed_target": ("label", 3)}
        whole = source_with("label", np.arange(NUM_ROWS) % 3, batch_size, shuffle=True, **options)
        return torch.cat([b["label"] for b in whole.batches(0)])

    torch.testing.assert_close(mixed(4), mixed(11), rtol=0, atol=0)
    # Mixed targets stay probabilities.
    torch.testing.assert_close(mixed(5).sum(dim=1), torch.ones(NUM_ROWS))


@pytest.mark.parametrize("chunk_bytes", [1, 1 << 22])
@pytest.mark.parametrize("batch_size", [4, 11])
def test_an_example_is_mixed_with_the_next_one_of_the_epoch_also_where_a_chunk_ends(
    chunk_bytes: int, batch_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("derin.data.source._CHUNK_BYTES", chunk_bytes)
    names = {"augmentation": Augmentation.parse("mixup=1"), "mixed_target": ("label", NUM_ROWS)}
    # Each row is a class of its own, and says where it came from.
    whole = source_with("label", np.arange(NUM_ROWS), batch_size, shuffle=True, **names)
    batches = list(whole.batches(1))
    order = torch.cat([batch.rows for batch in batches])
    labels, pictures = torch.cat([b["label"] for b in batches]), torch.cat([b["input"] for b in batches])
    own, partner = labels.gather(1, order[:, None])[:, 0], labels.gather(1, order.roll(-1)[:, None])[:, 0]
    torch.testing.assert_close(own + partner, torch.ones(NUM_ROWS))
    assert (partner > 0).all()
    torch.testing.assert_close(pictures[:, 0, 0, 0], own * order + partner * order.roll(-1), rtol=1e-5, atol=1e-4)


def test_classes_held_as_floats_and_several_labels_are_mixed_too() -> None:
    rows = np.arange(NUM_ROWS)
    several = np.stack([rows % 2, rows % 3 == 0], axis=1).astype(np.float32)
    for target in ((rows % 2).astype(np.float32), several):
        whole = source_with("label", target, 7, augmentation=Augmentation.parse("mixup=1"), mixed_target=("label", 2))
        mixed = torch.cat([b["label"] for b in whole.batches(0)])
        plain = torch.from_numpy(several if target.ndim == 2 else np.eye(2, dtype=np.float32)[rows % 2])
        # The picture of row i is i everywhere, so that the mixed one tells the weight of its partner.
        pictures = torch.cat([b["input"] for b in whole.batches(0)])[:-1, 0, 0, 0]
        weight = (pictures - torch.arange(NUM_ROWS - 1))[:, None]
        torch.testing.assert_close(mixed[:-1], torch.lerp(plain[:-1], plain[1:], weight), rtol=1e-4, atol=1e-4)


def test_single_left_over_example_joins_the_batch_before_it_in_training_only() -> None:
    assert [len(b) for b in source(11, shuffle=True).batches(0)] == [11, 12]
    assert [len(b) for b in source(11).batches(0)] == [11, 11, 1]


def test_empty_split_is_refused() -> None:
    with pytest.raises(DataError, match="empty"):
        source(4, rows=np.zeros(0, dtype=np.int64))
