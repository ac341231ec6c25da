"""From what stands on the command line to a network, its inputs and its targets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.cli.console import model_options

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from derin.api.model import Model
    from derin.explain.trace.trace import Trace

_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff")


def trace_network(
    name: str,
    given: str | None,
    target: str | None,
    *,
    loss: str | None,
    optimizer: str | None,
    learning_rate: float | None,
    training: bool,
    classes: int | None,
    options: list[str] | None,
    seed: int,
) -> Trace:
    """Traces one step of a registered network with fresh weights, or of a saved one.

    Raises:
        UnknownNameError: there is neither a network nor a run of this name.
        UsageError: input or target is missing, or cannot be read.
    """
    from derin.core.errors import UnknownNameError, UsageError
    from derin.explain.trace.trace import trace
    from derin.models.registry import MODELS

    if given is None or target is None:
        lacking = "--input" if given is None else "--target"
        raise UsageError(f"Tracing a network needs --input and --target; {lacking} is missing. --help has an example.")
    if learning_rate is not None and optimizer is None:
        raise UsageError(f"--lr is the learning rate of --optimizer, which is missing; got --lr {learning_rate}.")
    inputs: tuple[Tensor, ...]
    if name in MODELS:
        network, alone = _registered(name, given, classes, options, seed)
        inputs, criterion = (alone,), None
        targets = _targets(target, len(alone))
    elif Path(name).is_dir():
        if classes is not None or options:
            raise UsageError(f"{name} is a saved network, whose sizes are known; leave --classes and --option out.")
        model = _opened(name)
        network, inputs = model.network, _named(model, given, seed)
        targets = _saved_targets(model, target, len(inputs[0]))
        criterion = None if loss is not None else _criterion(model)
    else:
        raise UnknownNameError("model or run", name, MODELS)
    return trace(
        network,
        inputs[0] if len(inputs) == 1 else inputs,
        targets,
        loss=loss or criterion,
        optimizer=optimizer,
        learning_rate=learning_rate,
        training=training,
    )


def _registered(
    name: str, given: str, classes: int | None, options: list[str] | None, seed: int
) -> tuple[nn.Module, Tensor]:
    import torch

    from derin.models.building import build
    from derin.models.registry import MODELS

    info = MODELS[name]
    native = info.native_input
    if given == "random":
        inputs = torch.randn(1, *native, generator=torch.Generator().manual_seed(seed))
    elif _suffix(given) in _PICTURES:
        inputs = _picture(Path(given), native)
    else:
        inputs = _with_batch(_numbers(given, "--input"), native)
    outputs = info.native_outputs if classes is None else classes
    network = build(name, input_shape=tuple(inputs.shape[1:]), num_outputs=outputs, seed=seed, **model_options(options))
    return network.eval(), inputs


def _opened(name: str) -> Model:
    from derin.api.model import open

    return open(name)


def _named(model: Model, given: str, seed: int) -> tuple[Tensor, ...]:
    """What a saved network reads, in its order; arrays by name come from a file, or are drawn."""
    import torch

    from derin.core.errors import UsageError

    if model.preparation.medium != "arrays":
        return (_prepared(model, given),)
    names = model.task.arguments.names
    if model.task.arguments.keywords:
        raise UsageError(f"{model.path} takes inputs by keyword alone ({', '.join(names)}), which are not traced.")
    if given == "random":
        rows = model.preparation.random_arrays(1, torch.Generator().manual_seed(seed))
    elif _suffix(given) in (".npz", ".npy"):
        read = model.preparation.read(given)
        rows = read if isinstance(read, dict) else {names[0]: read}
    else:
        raise UsageError(f"--input must be a .npz with {', '.join(names)}, or random; got {given!r}.")
    found = model.preparation.finished({name: torch.as_tensor(values) for name, values in rows.items()})
    return tuple(found[name] if len(names) > 1 else next(iter(found.values())) for name in names)


def _prepared(model: Model, given: str) -> Tensor:
    """What a saved network reads, by its own preparation."""
    import numpy as np
    import torch

    if given == "random":
        return model.preparation.random_inputs(1, torch.Generator().manual_seed(0))
    if model.preparation.reads_pictures and _suffix(given) in _PICTURES:
        rows = model.preparation.read(Path(given))
    elif model.preparation.reads_pictures:
        return _with_batch(_numbers(given, "--input"), model.preparation.input_shape)
    else:
        parsed = _json(given)
        rows = model.preparation.read(parsed if isinstance(parsed, dict) else _numbers(given, "--input").numpy())
    finished: Tensor = model.preparation.to_model_input(torch.from_numpy(np.ascontiguousarray(rows)))
    return finished


def _targets(text: str, num: int) -> Tensor:
    """Class numbers where whole numbers are given, else numbers."""
    from derin.core.errors import UsageError

    try:
        return _answers(text, num)
    except (TypeError, ValueError) as error:
        raise UsageError(f"--target must be a class number or numbers such as [1,0,0]; got {text!r}.") from error


def _saved_targets(model: Model, text: str, num: int) -> Tensor:
    """The answers as the task of a saved network compares them with its outputs."""
    import torch

    from derin.core.errors import UnknownNameError

    task = model.task
    # A name goes before a number: the classes of digits are names.
    named = task.classes.index(text) if text in task.classes else None
    if not task.classes:
        return task.encode_targets(_targets(text, num))
    try:
        classes = torch.tensor([named] * num) if named is not None else _answers(text, num)
    except (TypeError, ValueError):
        raise UnknownNameError("class", text, task.classes) from None
    return task.encode_targets(classes)


def _criterion(model: Model) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss of a saved network's task, without what only makes training better."""

    def loss(output: Tensor, target: Tensor) -> Tensor:
        raw = output.squeeze(1) if model.task.num_outputs == 1 else output
        found: Tensor = model.task.plain_criterion(raw, target)[0]
        return found

    return loss


def _answers(text: str, num: int) -> Tensor:
    """Numbers from words, one answer for each input.

    Raises:
        ValueError: the words are no numbers.
        DataError: there are not as many answers as inputs.
    """
    import torch

    from derin.core.errors import DataError

    parsed = _json(text)
    if parsed is None:
        parsed = [float(word) if "." in word or "e" in word.lower() else int(word) for word in text.split(",")]
    answers = torch.tensor(parsed)
    if answers.ndim == 0:
        return answers.repeat(num)
    if len(answers) != num and num == 1:
        answers = answers.unsqueeze(0)
    if len(answers) != num:
        raise DataError(f"--target must hold one answer for each of the {num} inputs; got {len(answers)}.")
    return answers.double() if answers.is_floating_point() else answers


def _numbers(text: str, option: str) -> Tensor:
    """Numbers from a .npy or .csv file, or from the words themselves."""
    import numpy as np
    import torch

    from derin.core.arrays import read_npy
    from derin.core.errors import DataError, UsageError

    suffix = _suffix(text)
    try:
        if suffix == ".npy":
            array = read_npy(Path(text))
        elif suffix == ".csv":
            array = np.loadtxt(text, delimiter=",", ndmin=2)
        else:
            parsed = _json(text)
            array = np.array(parsed if parsed is not None else [float(word) for word in text.split(",")], dtype=float)
        return torch.from_numpy(array.astype(np.float64))
    except FileNotFoundError as error:
        raise DataError(f"{option}: there is no file {text}.") from error
    except (ValueError, TypeError, OSError) as error:
        raise UsageError(
            f"{option} must be a picture, a .npy or .csv file with numbers, or numbers such as 0.1,0.2,0.7; "
            f"got {text!r}."
        ) from error


def _with_batch(numbers: Tensor, native: tuple[int, ...]) -> Tensor:
    """With a batch axis in front: a single example, or features in one row, may come without."""
    if numbers.ndim == 0:
        return numbers.reshape(1, 1)
    alone = numbers.ndim == 1 or numbers.ndim == len(native) > 2
    return numbers.unsqueeze(0) if alone else numbers


def _picture(path: Path, native: tuple[int, ...]) -> torch.Tensor:
    """A picture in the size and colors that a network was published for, from 0 to 1."""
    import numpy as np
    import torch
    from PIL import Image, UnidentifiedImageError

    from derin.core.errors import DataError, UsageError

    if len(native) != 3:
        raise UsageError(f"--input {path} is a picture; the network reads {native[0]} numbers.")
    channels, height, width = native
    try:
        with Image.open(path) as opened:
            picture = opened.convert("L" if channels == 1 else "RGB").resize((width, height))
    except FileNotFoundError as error:
        raise DataError(f"--input: there is no file {path}.") from error
    except (UnidentifiedImageError, OSError) as error:
        raise DataError(f"--input: {path} is no picture that can be read.") from error
    pixels = np.asarray(picture, dtype=np.float64).reshape(height, width, channels) / 255
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]))


def _suffix(text: str) -> str:
    return Path(text).suffix.lower() if "," not in text and "[" not in text else ""


def _json(text: str) -> Any:
    """What the text means as JSON; None where it is none."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return None
