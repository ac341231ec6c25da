"""A network as an ONNX file, which other programs and languages run without Derin."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from derin.core.errors import DerinError, MissingExtraError, UsageError
from derin.core.files import write_bytes

TOLERANCE = 1e-4  # of the largest output, between the network and its file
_BATCHES_TRIED = (1, 7)
_RECORDED_BATCH = 3  # no other size of a network, so that an axis that only looks like the batch is told from it
_MOST_BYTES = (1 << 31) - (1 << 20)  # an ONNX file is one protobuf message, which ends at 2 GiB


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written.

    Args:
        path: the file.
        num_bytes: its size.
        input_shape: of one example.
        output_shape: of one example.
        largest_difference: between the file's and the network's outputs, relative to the largest of them.
    """

    path: Path
    num_bytes: int
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    largest_difference: float


def export_onnx(
    network: nn.Module,
    path: str | Path,
    example: Tensor,
    *,
    output_name: str = "output",
    metadata: Mapping[str, str] | None = None,
) -> Exported:
    """Writes a network as ONNX. The file is run at two batch sizes and compared with the network before it is kept.

    Args:
        network: in eval mode, on the CPU; takes one tensor and gives one.
        path: of the file; an existing one is replaced.
        example: one input without the batch, for shape and type. Its numbers are not kept.
        output_name: the name of the output; that of the input is ``"input"``.
        metadata: texts that go into the file's ``metadata_props``.

    Shapes:
        example ``(...)``; the file maps ``(batch, ...)`` to the network's outputs, with any batch.

    Raises:
        MissingExtraError: onnx, onnxscript or onnxruntime is not installed.
        UsageError: the network cannot be written: it branches on its data, say, or knows one batch size only.
        DerinError: the file gives other outputs than the network; nothing is written.
    """
    for package in ("onnx", "onnxscript", "onnxruntime"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, "onnx", "Export to ONNX")
    data = _with_metadata(_record(network, example, output_name), metadata or {})
    difference, output_shape = _compare(network, data, example)
    if not difference <= TOLERANCE:  # also where it is NaN
        raise DerinError(
            f"The ONNX form of {type(network).__name__} gives outputs that differ by {difference:.1e} of the largest; "
            f"at most {TOLERANCE:.0e} is allowed, so nothing was written. Look for steps that draw random numbers."
        )
    path = Path(path)
    write_bytes(path, data)
    return Exported(
        path=path,
        num_bytes=len(data),
        input_shape=tuple(example.shape),
        output_shape=output_shape,
        largest_difference=difference,
    )


def _record(network: nn.Module, example: Tensor, output_name: str) -> bytes:
    num_bytes = sum(t.numel() * t.element_size() for t in (*network.parameters(), *network.buffers()))
    if num_bytes > _MOST_BYTES:
        raise UsageError(
            f"An ONNX file holds at most 2 GiB; {type(network).__name__} has {num_bytes / 2**30:.1f} GiB of weights. "
            "Export them as safetensors."
        )
    inputs = example.expand(_RECORDED_BATCH, *example.shape).contiguous()
    try:
        with _quietly(), torch.no_grad():
            program: Any = torch.onnx.export(
                network,
                (inputs,),
                dynamo=True,
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                input_names=["input"],
                output_names=[output_name],
                verbose=False,
            )
    except torch.onnx.errors.OnnxExporterError as error:
        cause = error.__cause__ or error
        reason = str(cause).strip().partition("\n")[0].rstrip(".")
        raise UsageError(
            f"The network {type(network).__name__} cannot be written as ONNX with any batch size: {reason}. "
            "Take branches on data and fixed batch sizes out of its forward."
        ) from error
    model = program.model_proto
    if not model.graph.input[0].type.tensor_type.shape.dim[0].dim_param:
        raise UsageError(
            f"The network {type(network).__name__} cannot be written as ONNX with any batch size: its forward takes "
            "the number of examples as a fixed number. Use x.shape[0] or flatten(1) in place of len(x) and constants."
        )
    data: bytes = model.SerializeToString()
    return data


def _with_metadata(data: bytes, metadata: Mapping[str, str]) -> bytes:
    import onnx

    model = onnx.load_from_string(data)
    model.producer_name = "derin"
    # The recorder leaves notes on every step, with the paths of the source files that it came from.
    for step in [*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.value_info]:
        del step.metadata_props[:]
    del model.graph.metadata_props[:]
    onnx.helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model)
    return model.SerializeToString()


def _compare(network: nn.Module, data: bytes, example: Tensor) -> tuple[float, tuple[int, ...]]:
    """The largest difference on random inputs, relative to the largest output; and the shape of one output."""
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    generator = torch.Generator().manual_seed(0)
    largest = 0.0
    for batch in _BATCHES_TRIED:
        shape = (batch, *example.shape)
        inputs = (
            torch.randn(shape, generator=generator)
            if example.is_floating_point()
            else torch.randint(0, 256, shape, generator=generator, dtype=example.dtype)
        )
        with torch.inference_mode():
            expected = network(inputs)
        found = torch.from_numpy(session.run(None, {"input": inputs.numpy()})[0])
        if found.shape != expected.shape:
            return float("inf"), tuple(expected.shape[1:])
        scale = float(expected.abs().max()) or 1.0
        difference = float((found - expected).abs().max()) / scale
        largest = difference if difference != difference else max(largest, difference)
        if largest != largest:
            break
    return largest, tuple(expected.shape[1:])


@contextmanager
def _quietly() -> Iterator[None]:
    """Keeps the recorder's talk to its own developers from people: warnings, and a log about packages not in use."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
