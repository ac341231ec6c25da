"""Events for TensorBoard, beside the run's own log: ``tensorboard --logdir RUN/events``."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from derin.core.errors import MissingExtraError, UsageError
from derin.core.global_generator import global_generator
from derin.data.batch import Batch
from derin.train.callback import Callback, Training

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_STEPS_BETWEEN_RATES = 50
_MAX_EMBEDDINGS = 1000
_MAX_EMBEDDING_SECONDS = 20.0
_NUM_WATCHED = 32  # examples whose activations are written
_MAX_ACTIVATIONS = 200_000  # numbers of a layer in a histogram; of more, every second, third, ...
_MAX_SPRITE_SIZE = 64  # pixels; TensorBoard refuses a sheet of more than 8192


class TensorBoardEvents(Callback):
    """Writes what TensorBoard shows.

    After every epoch each metric as ``metric/split`` and the learning rate (this one also every 50 steps); at the
    start the graph of the network; at the end what goes into its last linear layer for up to 1 000 validation
    examples, with labels and pictures, for the projector. With ``config.histograms`` also, after every epoch, the
    weights and what every layer gives for the same few examples, and the gradients of every epoch's first step. The
    steps are the optimizer's. A resumed run goes on in the
    same folder; events after the restored state are marked as void, so that no step is shown twice.

    Args:
        folder: where the events go; None takes ``events`` in the run's folder.

    Raises:
        MissingExtraError: tensorboard is not installed.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        if importlib.util.find_spec("tensorboard") is None:
            raise MissingExtraError("tensorboard", "tensorboard", "Writing events for TensorBoard")
        self._folder = None if folder is None else Path(folder)
        self._writer: SummaryWriter | None = None
        self._last_rate = -1
        self._gradients: dict[str, Tensor] = {}
        self._hooks: list[Any] = []
        self._few: Batch | None = None  # the examples whose activations are written

    def on_start(self, loop: Training) -> None:
        from torch.utils.tensorboard import SummaryWriter

        folder = self._folder or (None if loop.run is None else Path(loop.run.path) / "events")
        if folder is None:
            raise UsageError("TensorBoardEvents needs a folder for a training without a run; give folder=...")
        continued = folder.is_dir() and any(folder.iterdir())
        self._writer = SummaryWriter(str(folder), purge_step=loop.step + 1 if continued else None)
        if not continued:
            self._write_graph(loop)
        if loop.config.histograms:
            self._watch_gradients(loop.model)

    def on_step(self, loop: Training) -> None:
        assert self._writer is not None
        if loop.step % _STEPS_BETWEEN_RATES == 0 and loop.step != self._last_rate:
            self._last_rate = loop.step
            self._writer.add_scalar("learning_rate", loop.learning_rate, loop.step)
        if self._gradients:
            for name, gradient in self._gradients.items():
                self._write_histogram(f"gradients/{name}", gradient, loop.step)
            self._stop_watching()

    def on_epoch_end(self, loop: Training, record: dict[str, Any]) -> None:
        assert self._writer is not None
        for split, values in record.items():
            if isinstance(values, Mapping):
                for name, value in values.items():
                    if isinstance(value, int | float) and not isinstance(value, bool):
                        self._writer.add_scalar(f"{name}/{split}", value, loop.step)
        if loop.step != self._last_rate:
            self._last_rate = loop.step
            self._writer.add_scalar("learning_rate", loop.learning_rate, loop.step)
        if loop.config.histograms:
            for name, parameter in loop.model.named_parameters():
                self._write_histogram(f"weights/{name}", parameter.detach(), loop.step)
            self._write_activations(loop)
            self._watch_gradients(loop.model)
        self._writer.flush()

    def on_stop(self, loop: Training) -> None:
        self._stop_watching()
        if self._writer is None:
            return
        try:
            if loop.stopped and loop.validation is not None:
                self._write_embeddings(loop)
        finally:
            self._writer.close()
            self._writer = None

    def _write_histogram(self, tag: str, values: Tensor, step: int) -> None:
        """A value that is not finite has no place in a histogram, and must not hide the guard's own error."""
        assert self._writer is not None
        finite = values.float()
        finite = finite[torch.isfinite(finite)]
        if len(finite):
            self._writer.add_histogram(tag, finite.cpu(), step)

    def _watch_gradients(self, model: nn.Module) -> None:
        """Copies the gradients of the next update, which the loop frees before it calls `on_step`."""
        self._stop_watching()

        def keep(name: str) -> Callable[[Tensor], None]:
            def hook(parameter: Tensor) -> None:
                if parameter.grad is not None:
                    self._gradients[name] = parameter.grad.detach().clone()

            return hook

        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                self._hooks.append(parameter.register_post_accumulate_grad_hook(keep(name)))

    def _stop_watching(self) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()
        self._gradients.clear()

    def _write_activations(self, loop: Training) -> None:
        """What each layer without parts gives for the same examples; hooks are there for this one pass only."""
        if self._few is None:
            self._few = _first_examples(loop, _NUM_WATCHED)
        few = self._few
        if few is None:
            return
        seen: dict[str, Tensor] = {}

        def keep(name: str) -> Callable[[nn.Module, Any, Any], None]:
            def hook(module: nn.Module, args: Any, output: Any) -> None:
                if isinstance(output, Tensor) and output.is_floating_point():
                    # A copy, since what comes after may work in place.
                    seen[name] = output.flatten()[:: -(-output.numel() // _MAX_ACTIVATIONS) or 1].clone()

            return hook

        leaves = [(name, module) for name, module in loop.model.named_modules() if name and not any(module.children())]
        hooks = [module.register_forward_hook(keep(name)) for name, module in leaves]
        try:
            with _measuring(loop.model):
                loop.task.predict(loop.model, few)
        finally:
            for hook in hooks:
                hook.remove()
        for name, values in seen.items():
            self._write_histogram(f"activations/{name}", values, loop.step)

    def _write_graph(self, loop: Training) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        from derin.train.network_graph import network_graph

        assert self._writer is not None
        few = _first_examples(loop, 2)
        if few is None:
            return
        with _measuring(loop.model):
            graph = network_graph(loop.model, lambda: loop.task.predict(loop.model, few))
        self._writer._get_file_writer().add_event(Event(graph_def=graph.SerializeToString()), step=0)

    def _write_embeddings(self, loop: Training) -> None:
        from torch.nn import functional

        assert self._writer is not None
        assert loop.validation is not None
        with _measuring(loop.model), loop.average.applied(loop.model) if loop.average else nullcontext():
            batches = list(_features(loop))
        if not batches:
            return
        features = torch.cat([f for f, _ in batches])[:_MAX_EMBEDDINGS]
        if not torch.isfinite(features).all():
            return
        rows = torch.cat([batch.rows for _, batch in batches])[:_MAX_EMBEDDINGS]
        labels = [label for _, batch in batches for label in _labels(loop.task, batch)][:_MAX_EMBEDDINGS]
        pictures = [p for _, batch in batches if (p := _pictures(batch)) is not None]
        sprites = None
        if len(pictures) == len(batches):
            sheet = torch.cat(pictures)[:_MAX_EMBEDDINGS]
            size = min(max(sheet.shape[2:]), _MAX_SPRITE_SIZE)
            sheet = functional.interpolate(sheet, size=(size, size), mode="bilinear", antialias=True)
            low, high = sheet.amin((0, 2, 3), keepdim=True), sheet.amax((0, 2, 3), keepdim=True)
            sprites = ((sheet - low) / (high - low).clamp(min=1e-6)).clamp(0, 1).expand(-1, 3, -1, -1)
        self._writer.add_embedding(
            features,
            metadata=[[str(row), label] for row, label in zip(rows.tolist(), labels, strict=True)],
            metadata_header=["row", "label"],
            label_img=sprites,
            global_step=loop.step,
            tag="last_layer_inputs",
        )


def _first_examples(loop: Training, num: int) -> Batch | None:
    """The first few examples of the validation split, or of training where there is none."""
    batch = next(iter((loop.validation or loop.source).batches(0)), None)
    if batch is None:
        return None
    return Batch({name: column[:num] for name, column in batch.columns.items()}, batch.rows[:num])


@contextmanager
def _measuring(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients, then every layer's own mode and the random numbers back."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with global_generator(), torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


def _features(loop: Training) -> Iterator[tuple[Tensor, Batch]]:
    """What enters the linear layer that runs last, batch by batch, with the batches; nothing where there is none."""
    assert loop.validation is not None
    entering: list[Tensor] = []

    def keep(module: nn.Module, args: Any) -> None:
        entering[:] = [args[0]]

    hooks = [m.register_forward_pre_hook(keep) for m in loop.model.modules() if isinstance(m, nn.Linear)]
    num, deadline = 0, time.monotonic() + _MAX_EMBEDDING_SECONDS
    try:
        for batch in loop.validation.batches(0):
            loop.task.predict(loop.model, batch)
            if not entering or entering[0].ndim != 2 or len(entering[0]) != len(batch):
                return
            yield entering[0].float().cpu(), batch
            num += len(batch)
            if num >= _MAX_EMBEDDINGS or time.monotonic() > deadline:
                return
    finally:
        for hook in hooks:
            hook.remove()


def _labels(task: Any, batch: Batch) -> list[str]:
    """What each example is, in the task's words where it has any, without what would break the table of labels."""
    target = batch.columns.get(getattr(task, "target", ""))
    if target is None:
        return [""] * len(batch)
    words = task.truths(target) if hasattr(task, "truths") else target.reshape(len(batch), -1)[:, 0].tolist()
    return [" ".join(str(word).split()) for word in words]


def _pictures(batch: Batch) -> Tensor | None:
    """The first column of pictures with one or three channels, on the CPU."""
    for column in batch.columns.values():
        if column.ndim == 4 and column.shape[1] in (1, 3) and column.is_floating_point() and column.numel():
            return column.float().cpu()
    return None
