"""A network as an ONNX file, which other programs and languages run without Derin."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from derin.core.errors import DerinError, MissingExtraError, UsageError
from derin.core.files import write_bytes
from derin.core.quiet import is_quiet, quiet

TOLERANCE = 1e-4  # of the largest output, between the network and its file
_BATCHES_TRIED = (1, 7)
_RECORDED_BATCH = 3  # no other size of a network, so that an axis that only looks like the batch is told from it
_MOST_BYTES = (1 << 31) - (1 << 20)  # an ONNX file is one protobuf message, which ends at 2 GiB
_ML_DOMAIN, _ML_VERSION = "ai.onnx.ml", 3  # where LabelEncoder lives


@dataclass(frozen=True, kw_only=True)
class GraphInput:
    """One input of the file.

    Args:
        name: in the file.
        shape: of one example.
        dtype: of what the network reads.
        codes: for an input of strings, the number that the network reads for each of them; None for numbers.
        unknown: the number for every other string.
    """

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype = torch.float32
    codes: Mapping[str, int] | None = None
    unknown: int = 0

    def to_json(self) -> dict[str, Any]:
        """Name, type and shape, with the batch, as ``derin export --json`` tells them."""
        kind = "string" if self.codes is not None else _type_name(self.dtype)
        return {"name": self.name, "type": kind, "shape": ["batch", *self.shape]}


@dataclass(frozen=True, kw_only=True)
class GraphOutput:
    """One output of the file.

    Args:
        name: in the file.
        shape: of one example.
        dtype: of its numbers.
    """

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype

    def to_json(self) -> dict[str, Any]:
        """Name, type and shape, with the batch, as ``derin export --json`` tells them."""
        return {"name": self.name, "type": _type_name(self.dtype), "shape": ["batch", *self.shape]}


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written.

    Args:
        path: the file.
        num_bytes: its size.
        inputs: of the file.
        outputs: of the file.
        largest_difference: between the file's and the network's outputs, relative to the largest of each.
    """

    path: Path
    num_bytes: int
    inputs: tuple[GraphInput, ...]
    outputs: tuple[GraphOutput, ...]
    largest_difference: float

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Of the first output, for one example."""
        return self.outputs[0].shape


Samples = Callable[[int, torch.Generator], Sequence[Tensor]]
Metadata = Callable[[Sequence[GraphInput], Sequence[GraphOutput]], Mapping[str, str]]


def export_onnx(
    network: nn.Module,
    path: str | Path,
    inputs: Tensor | Sequence[GraphInput],
    *,
    output_names: Sequence[str] = ("output",),
    metadata: Mapping[str, str] | Metadata | None = None,
    samples: Samples | None = None,
    name: str | None = None,
) -> Exported:
    """Writes a network as ONNX. The file is run at two batch sizes and compared with the network before it is kept.

    Args:
        network: in eval mode, on the CPU; takes one tensor for each input and gives one for each output.
        path: of the file; an existing one is replaced.
        inputs: of the file; or one example without the batch, for shape and type of an input called ``"input"``.
        output_names: of the outputs.
        metadata: texts that go into the file's ``metadata_props``, or a function of inputs and outputs that gives them.
        samples: gives inputs of the network to compare with, for a batch size and a generator; None draws them.
        name: of the network, for messages; None takes that of its class.

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
    if isinstance(inputs, Tensor):
        inputs = (GraphInput(name="input", shape=tuple(inputs.shape), dtype=inputs.dtype),)
    name = name or type(network).__name__
    draw = samples or (lambda batch, generator: [_drawn(given, batch, generator) for given in inputs])
    model = _record(network, draw(_RECORDED_BATCH, torch.Generator().manual_seed(0)), output_names, name)
    inputs = _named_inputs(model, inputs)
    outputs = _outputs(network, draw(_RECORDED_BATCH, torch.Generator().manual_seed(0)), output_names)
    texts = metadata(inputs, outputs) if callable(metadata) else metadata or {}
    data = _finished(model, texts)
    difference = _compare(network, data, inputs, draw)
    if not difference <= TOLERANCE:  # also where it is NaN
        raise DerinError(
            f"The ONNX form of {name} gives outputs that differ by {difference:.1e} of the largest; "
            f"at most {TOLERANCE:.0e} is allowed, so nothing was written. Look for steps that draw random numbers."
        )
    path = Path(path)
    write_bytes(path, data)
    return Exported(
        path=path, num_bytes=len(data), inputs=tuple(inputs), outputs=outputs, largest_difference=difference
    )


def _drawn(given: GraphInput, batch: int, generator: torch.Generator) -> Tensor:
    shape = (batch, *given.shape)
    if given.dtype.is_floating_point:
        return torch.randn(shape, generator=generator, dtype=given.dtype)
    return torch.randint(0, 256, shape, generator=generator, dtype=given.dtype)


def _record(network: nn.Module, inputs: Sequence[Tensor], output_names: Sequence[str], name: str) -> Any:
    num_bytes = sum(t.numel() * t.element_size() for t in (*network.parameters(), *network.buffers()))
    if num_bytes > _MOST_BYTES:
        raise UsageError(
            f"An ONNX file holds at most 2 GiB; {name} has {num_bytes / 2**30:.1f} GiB of weights. "
            "Export them as safetensors."
        )
    batch = torch.export.Dim("batch")
    axes = tuple({0: batch} for _ in inputs)
    try:
        with _quietly(), torch.no_grad():
            program: Any = torch.onnx.export(
                network,
                tuple(inputs),
                dynamo=True,
                dynamic_shapes=(axes,) if _takes_any_number(network) else axes,
                input_names=[f"input {place}" for place in range(len(inputs))],
                output_names=list(output_names),
                verbose=False,
            )
    except torch.onnx.errors.OnnxExporterError as error:
        cause = error.__cause__ or error
        reason = str(cause).strip().partition("\n")[0].rstrip(".")
        raise UsageError(
            f"The network {name} cannot be written as ONNX with any batch size: {reason}. "
            "Take branches on data and fixed batch sizes out of its forward."
        ) from error
    model = program.model_proto
    if not all(given.type.tensor_type.shape.dim[0].dim_param for given in model.graph.input):
        raise UsageError(
            f"The network {name} cannot be written as ONNX with any batch size: its forward takes "
            "the number of examples as a fixed number. Use x.shape[0] or flatten(1) in place of len(x) and constants."
        )
    return model


def _takes_any_number(network: nn.Module) -> bool:
    """Whether the forward of a network is written for any number of inputs, ``forward(self, *inputs)``."""
    import inspect

    kinds = [parameter.kind for parameter in inspect.signature(network.forward).parameters.values()]
    return kinds == [inspect.Parameter.VAR_POSITIONAL]


def _named_inputs(model: Any, inputs: Sequence[GraphInput]) -> tuple[GraphInput, ...]:
    """The inputs under their names in the graph; those of strings go through a LabelEncoder first.

    A name that stands for something else within the graph gets ``input/`` before it.
    """
    import onnx

    graph = model.graph
    taken = {name for node in graph.node for name in node.output} | {tensor.name for tensor in graph.initializer}
    found = []
    encoders = []
    for given, recorded in zip(inputs, graph.input, strict=True):
        name, before = given.name, recorded.name
        while name in taken:
            name = f"input/{name}"
        taken.add(name)
        recorded.name = name
        if given.codes is None:
            for node in graph.node:
                for place, value in enumerate(node.input):
                    if value == before:
                        node.input[place] = name
        else:
            recorded.type.tensor_type.elem_type = onnx.TensorProto.STRING
            encoders.append(
                onnx.helper.make_node(
                    "LabelEncoder",
                    [name],
                    [before],
                    domain=_ML_DOMAIN,
                    keys_strings=list(given.codes),
                    values_int64s=list(given.codes.values()),
                    default_int64=given.unknown,
                )
            )
        found.append(
            GraphInput(name=name, shape=given.shape, dtype=given.dtype, codes=given.codes, unknown=given.unknown)
        )
    if encoders:
        nodes = [*encoders, *graph.node]
        del graph.node[:]
        graph.node.extend(nodes)
        model.opset_import.append(onnx.helper.make_opsetid(_ML_DOMAIN, _ML_VERSION))
    return tuple(found)


def _outputs(network: nn.Module, inputs: Sequence[Tensor], names: Sequence[str]) -> tuple[GraphOutput, ...]:
    return tuple(
        GraphOutput(name=name, shape=tuple(output.shape[1:]), dtype=output.dtype)
        for name, output in zip(names, _run(network, inputs), strict=True)
    )


def _run(network: nn.Module, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    with torch.inference_mode():
        outputs = network(*inputs)
    return (outputs,) if isinstance(outputs, Tensor) else outputs


def _finished(model: Any, metadata: Mapping[str, str]) -> bytes:
    import onnx

    model.producer_name = "derin"
    # The recorder leaves notes on every step, with the paths of the source files that it came from.
    for step in [*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.value_info]:
        del step.metadata_props[:]
    del model.graph.metadata_props[:]
    onnx.helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def _compare(network: nn.Module, data: bytes, inputs: Sequence[GraphInput], draw: Samples) -> float:
    """The largest difference on sample inputs, relative to the largest number of its output.

    That is the largest of all samples: a single number may lie close to zero, where a sum cancels out.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    generator = torch.Generator().manual_seed(0)
    differences: dict[int, float] = {}
    scales: dict[int, float] = {}
    for batch in _BATCHES_TRIED:
        given = draw(batch, generator)
        feeds = {one.name: _fed(one, values) for one, values in zip(inputs, given, strict=True)}
        outputs = [torch.from_numpy(output) for output in session.run(None, feeds)]
        for place, (wanted, found) in enumerate(zip(_wanted(network, given, outputs), outputs, strict=True)):
            if found.shape != wanted.shape or found.dtype != wanted.dtype:
                return float("inf")
            if not wanted.is_floating_point():
                continue  # decisions follow from the numbers beside them, and may fall either way where those are equal
            difference = float((found - wanted).abs().max())
            if difference != difference:
                return difference
            differences[place] = max(differences.get(place, 0.0), difference)
            scales[place] = max(scales.get(place, 0.0), float(wanted.abs().max()))
    return max((difference / (scales[place] or 1.0) for place, difference in differences.items()), default=0.0)


def _wanted(network: nn.Module, given: Sequence[Tensor], found: Sequence[Tensor]) -> Sequence[Tensor]:
    """What the outputs of the file are to be: those of the network, or where that says so what follows from the file's
    first ones, since an order of near equals may fall either way.
    """
    wanted = _run(network, given)
    settled = getattr(network, "settled", None)
    return wanted if settled is None else settled(wanted, found)


def _fed(given: GraphInput, values: Tensor) -> np.ndarray[Any, Any]:
    """What goes into the file where the network reads these values: for codes a string that has the code."""
    if given.codes is None:
        return values.numpy()
    strings = {code: text for text, code in given.codes.items()}
    free = next(text for text in ("another", "another one", "yet another one") if text not in given.codes)
    return np.array([strings.get(code, free) for code in values.tolist()], dtype=object)


def _type_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


@contextmanager
def _quietly() -> Iterator[None]:
    logger = logging.getLogger("torch.onnx")
    for place in (logger, *logger.handlers):
        place.addFilter(_passes)  # which stays, and is added once; it holds back nothing of other threads
    with quiet():
        yield


def _passes(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR or not is_quiet()
