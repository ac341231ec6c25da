"""Networks by name, and the same networks again from what a saved model says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from derin.core.errors import DerinError, RefusedFileError
from derin.core.registry import Registry
from derin.layers.options import options_to_json, read_options
from derin.models.info import ModelInfo
from derin.models.registry import MODELS
from derin.models.spec import read_shape, read_spec, require_size

if TYPE_CHECKING:
    from torch import nn

    from derin.models.system import SystemInfo

MOST_PARAMETERS = 2_000_000_000  # 8 GB in fp32; a description that wants more is refused before anything is allocated

# Structures that a person writes down layer by layer; a description of theirs lists layers of the closed registry
# `derin.layers`.
STRUCTURES: Registry[Any] = Registry(
    "structure",
    {
        "sequential": "derin.models.sequential:Sequential",
        "graph": "derin.models.graph:Graph",
        "system": "derin.models.system:System",
    },
)

# Networks that are trained together, by the name of the whole.
SYSTEMS: Registry[SystemInfo] = Registry("system", {"dcgan": "derin.models.dcgan:DCGAN", "vae": "derin.models.vae:VAE"})


def build(
    name: str, *, input_shape: tuple[int, ...], num_outputs: int, seed: int | None = None, **options: Any
) -> nn.Module:
    """A network of the registry, with fresh weights.

    Args:
        name: a key of `MODELS`, or of `SYSTEMS` for several networks as a `System`.
        input_shape: of one example, without the batch: ``(channels, height, width)`` or ``(features,)``.
        num_outputs: classes, or values to predict.
        seed: the weights are a function of it alone and torch's own generator stays untouched; None draws from
            torch's generator.
        **options: of the model, see the dataclass `MODELS[name].options`.

    Shapes:
        the network maps ``(B, *input_shape)`` → ``(B, num_outputs)``; its attribute ``spec`` describes it to
        `from_spec`.

    Raises:
        UnknownNameError: no such model or option; lists near matches.
        ShapeError: the input is too small or has the wrong number of axes.
        UsageError: an option's value is refused.

    Example:
        >>> net = build("lenet5", input_shape=(1, 28, 28), num_outputs=10, seed=0)
        >>> net.spec["options"]
        {'activation': 'tanh', 'padding': 2}
    """
    if name in SYSTEMS:
        return _build_system(SYSTEMS[name], input_shape, seed, options)
    info = MODELS[name]
    shape = read_shape(info, input_shape)
    require_size("num_outputs", num_outputs)
    chosen: Any = read_options(info.options, options, where=name)
    return _construct(info, shape, num_outputs, chosen, seed)


def _build_system(
    info: SystemInfo, input_shape: tuple[int, ...], seed: int | None, given: Mapping[str, Any]
) -> nn.Module:
    from derin.models.seeding import seeded

    options: Any = read_options(info.options, given, where=info.name)
    with seeded(seed):
        system: nn.Module = STRUCTURES["system"](info.build(tuple(input_shape), options))
    return system


def describe(name: str, *, input_shape: tuple[int, ...], num_outputs: int, **options: Any) -> dict[str, Any]:
    """The description that `build` with the same arguments would give its network, without taking memory for weights.

    Args:
        name: a key of `MODELS`.
        input_shape: of one example, without the batch.
        num_outputs: classes, or values to predict.
        **options: of the model.

    Raises:
        DerinError: whatever `build` would raise.

    Example:
        >>> describe("lenet5", input_shape=(1, 32, 32), num_outputs=10)["options"]
        {'activation': 'tanh', 'padding': 0}
    """
    from derin.models.blueprint import without_memory

    with without_memory():
        network = build(name, input_shape=input_shape, num_outputs=num_outputs, **options)
    return dict(network.spec)  # type: ignore[arg-type]


def from_spec(spec: Mapping[str, Any], *, device: str = "cpu", max_parameters: int = MOST_PARAMETERS) -> nn.Module:
    """The network that a saved description names, with fresh weights. Nothing in the description is run or imported.

    Args:
        spec: what `build` put into the attribute ``spec``: name, input_shape, num_outputs, options.
        device: ``"cpu"``, or ``"meta"`` for a network without memory, to be filled by ``load_state_dict(…,
            assign=True)``.
        max_parameters: more are refused before memory is taken.

    Raises:
        RefusedFileError: the description is damaged or hostile, or needs a model that is not installed.

    Example:
        >>> net = build("mlp", input_shape=(5,), num_outputs=3, hidden=(7,), seed=0)
        >>> again = from_spec(net.spec)
        >>> again.spec == net.spec, list(again.state_dict()) == list(net.state_dict())
        (True, True)
    """
    from derin.models.blueprint import without_memory

    name, shape, num_outputs, options = read_spec(spec, known=(*STRUCTURES, *MODELS))
    try:
        with without_memory():
            network = _from_parts(name, shape, num_outputs, options)
    except RefusedFileError:
        raise
    except DerinError as error:
        raise RefusedFileError(f"The model description {name!r} cannot be built: {error}") from error
    except RuntimeError as error:  # sizes whose product torch itself refuses, such as more than 2⁶³ bytes
        raise RefusedFileError(f"The model description {name!r} has sizes that torch refuses: {error}") from error
    num_parameters = sum(p.numel() for p in network.parameters()) + sum(b.numel() for b in network.buffers())
    if num_parameters > max_parameters:
        raise RefusedFileError(
            f"The model description {name!r} asks for {num_parameters} parameters; "
            f"at most {max_parameters} are accepted here."
        )
    if device == "meta":
        return network
    return _from_parts(name, shape, num_outputs, options)


def _from_parts(name: str, shape: tuple[int, ...], num_outputs: int, options: Mapping[str, Any]) -> nn.Module:
    if name in STRUCTURES:
        return STRUCTURES[name].from_options(shape, num_outputs, options)
    info = MODELS[name]
    chosen: Any = read_options(info.options, {**info.older_options, **options}, where=name)
    return _construct(info, read_shape(info, shape), num_outputs, chosen, seed=None)


def _construct(info: ModelInfo, shape: tuple[int, ...], num_outputs: int, options: Any, seed: int | None) -> nn.Module:
    from derin.models.seeding import seeded

    with seeded(seed):
        network = info.build(shape, num_outputs, options)
    network.output_layers = info.output_layers  # type: ignore[assignment]
    network.signature = info.signature(shape, num_outputs, options)  # type: ignore[assignment]
    in_force = getattr(network, "options", options)
    network.spec = {  # type: ignore[assignment]
        "name": info.name,
        "input_shape": list(shape),
        "num_outputs": num_outputs,
        "options": options_to_json(in_force if isinstance(in_force, info.options) else options),
    }
    return network
