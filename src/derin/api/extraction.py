"""Feature extraction: the frozen trunk of a network runs once over the data, and its head learns from what it gave.

What was computed is kept in the cache, keyed by all that it follows from: data, weights, preparation, augmentation,
number of threads and version of torch.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from derin.core.cache import cache_folder, describe, keep_within_limit, mark_used, work_folder
from derin.core.errors import RefusedFileError, StorageError, UsageError
from derin.core.folders import replace_folder, temporary_folder
from derin.core.strict_json import dump_json
from derin.core.tensors import load_tensors, save_tensors
from derin.core.threads import using_threads
from derin.data.batch import Source
from derin.data.extracted import ExtractedFeatures
from derin.data.preparation import Batching, Preparation
from derin.data.table import Table

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from derin.data.augment import Augmentation

_ROOM = "features"
_BATCH_SIZE = 32
# Each view costs a pass over the training pictures; four and the picture itself have most of what many would give.
NUM_VIEWS = 4


def head_to_train(network: nn.Module, output_layers: Sequence[str], inputs: Tensor) -> str | None:
    """The name of the layer that makes the network's outputs of one vector for each example; None where there is none.

    Args:
        network: in eval mode, in which auxiliary classifiers are idle.
        output_layers: of its `ModelInfo`.
        inputs: two examples that tell whether that layer's outputs are the network's.
    """
    import torch

    seen: dict[str, tuple[Tensor, Tensor]] = {}

    def note(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        return lambda _, given, output: seen.update({name: (given[0], output)})

    hooks = [network.get_submodule(name).register_forward_hook(note(name)) for name in output_layers]
    try:
        with torch.inference_mode():
            outputs = network(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    makers = [name for name, (given, output) in seen.items() if given.ndim == 2 and torch.equal(output, outputs)]
    return makers[0] if makers else None


def extract(
    network: nn.Module,
    layer: str,
    table: Table,
    encoded: Any,
    preparation: Preparation,
    *,
    augmentation: Augmentation | None,
    seed: int,
    threads: int,
    weights_sha256: str,
    progress: Callable[[int, int], None] | None = None,
) -> ExtractedFeatures:
    """The input of a layer for every row of a table's splits, from the cache where it is known.

    Args:
        network: on its device; computed with in eval mode and left as it came.
        layer: the name of the head.
        table: the data.
        encoded: its inputs.
        preparation: finishes them.
        augmentation: of further views of the training pictures, or None for none.
        seed: of the augmentation.
        threads: of the CPU; 0 leaves their number as it is.
        weights_sha256: tells the network's weights.
        progress: called with (pictures done, pictures in all).
    """
    import torch

    if augmentation is not None and augmentation.num_partners:
        raise UsageError(
            "Joining examples (mixup, cutmix, mosaic) needs their pictures at each step, and finetune=head computes "
            "features once; use finetune=gradual, or leave it out."
        )
    about = {
        "data": table.fingerprint(),
        "splits": {name: hashlib.sha256(np.sort(rows).tobytes()).hexdigest() for name, rows in table.splits.items()},
        "weights": weights_sha256,
        "network": getattr(network, "spec", {}) | {"num_outputs": None},
        "layer": layer,
        "preparation": preparation.to_json(),
        "augmentation": None if augmentation is None else [str(augmentation), seed, NUM_VIEWS],
        "device": str(next(network.parameters()).device),
        "threads": threads or torch.get_num_threads(),
        "torch": torch.__version__,
    }
    key = hashlib.sha256(dump_json(about)).hexdigest()[:16]
    place = cache_folder() / _ROOM / f"{''.join(c if c.isalnum() else '-' for c in table.name)[:40]}-{key}"
    train = np.sort(table.splits["train"])
    found = _read(place, len(table), train)
    if found is None:
        with using_threads(threads):
            found = _compute(network, layer, table, encoded, preparation, augmentation, seed, train, progress)
        _write(place, found, f"features of {len(table):,} rows of {table.name} before the layer {layer}")
    else:
        mark_used(place)
    return found


def _compute(
    network: nn.Module,
    layer: str,
    table: Table,
    encoded: Any,
    preparation: Preparation,
    augmentation: Augmentation | None,
    seed: int,
    train: np.ndarray,
    progress: Callable[[int, int], None] | None,
) -> ExtractedFeatures:
    import torch

    network = copy.deepcopy(network).eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    device = next(network.parameters()).device
    rows = np.unique(np.concatenate(list(table.splits.values())))
    num_views = 0 if augmentation is None else NUM_VIEWS
    total, done = len(rows) + num_views * len(train), 0
    plain: np.ndarray | None = None
    views: np.ndarray | None = None

    def source(of: np.ndarray, augmented: bool) -> Source:
        batching = Batching(
            batch_size=_BATCH_SIZE,
            seed=seed,
            shuffle=augmented,
            augmentation=augmentation if augmented else None,
            device=device,
        )
        return preparation.source(encoded, {}, of, input_name="input", batching=batching)

    passes: list[tuple[int, Source]] = [(-1, source(rows, augmented=False))]
    passes += [(view, source(train, augmented=True)) for view in range(num_views)]
    captured: list[Tensor] = []
    hook = network.get_submodule(layer).register_forward_pre_hook(lambda _, given: captured.append(given[0]))
    try:
        for view, batches in passes:
            for batch in batches.batches(max(view, 0)):
                with torch.inference_mode():
                    network(batch["input"])
                values = captured.pop().float().cpu().numpy()
                if plain is None or views is None:
                    plain = np.zeros((len(table), values.shape[1]), dtype=np.float32)
                    views = np.zeros((num_views, len(train), values.shape[1]), dtype=np.float32)
                if view < 0:
                    plain[batch.rows.numpy()] = values
                else:
                    views[view, np.searchsorted(train, batch.rows.numpy())] = values
                done += len(batch)
                if progress is not None:
                    progress(done, total)
    finally:
        hook.remove()
    assert plain is not None
    assert views is not None
    return ExtractedFeatures(plain, views, train)


def _read(place: Path, num_rows: int, train: np.ndarray) -> ExtractedFeatures | None:
    """What the cache holds; None where it holds nothing that fits."""
    try:
        tensors: Mapping[str, torch.Tensor] = load_tensors(place / "features.safetensors")
        plain, views = tensors["plain"].numpy(), tensors["views"].numpy()
    except (FileNotFoundError, UsageError, RefusedFileError, StorageError, KeyError):
        return None
    if plain.ndim != 2 or len(plain) != num_rows or views.shape[1:] != (len(train), plain.shape[1]):
        return None
    return ExtractedFeatures(plain, views, train)


def _write(place: Path, features: ExtractedFeatures, about: str) -> None:
    """Keeps features in the cache. They are at hand already, so that a full disk is no reason to stop."""
    import torch

    with suppress(StorageError, OSError), temporary_folder(work_folder(place)) as temporary:
        tensors: dict[str, Any] = {"plain": features.plain, "views": features.views}
        save_tensors(
            temporary / "features.safetensors", {name: torch.from_numpy(values) for name, values in tensors.items()}
        )
        describe(temporary, about)
        replace_folder(temporary, place)
        keep_within_limit(place)
