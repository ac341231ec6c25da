"""What every registered model keeps, whoever wrote it: a new model is tested by being in the table."""

from __future__ import annotations

import copy
import dataclasses
import json
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from tests.models.small_networks import (
    CLASSES,
    DEEPER_SIBLINGS,
    NAMES,
    REPRESENTATIVES,
    SMALL_OPTIONS,
    build_small,
    small_shape,
)
from torch import Tensor, nn

from derin.core.errors import ShapeError, UnknownNameError
from derin.models import MODELS, build, from_spec
from derin.models.auxiliary import WithAuxiliary
from derin.models.building import describe
from derin.models.signature import example_inputs
from derin.models.summary import summarize

BATCH = 3
# Their outputs have a form of their own, step by step or place by place; each is tested by its own file too.
SEQUENCE_MODELS = [name for name in NAMES if MODELS[name].output_kind in ("sequence", "boxes")]
PICTURE_MODELS = [name for name in NAMES if MODELS[name].input_kind == "picture"]
LIMITED_MODELS = [name for name in REPRESENTATIVES if MODELS[name].smallest_input is not None]


# Of the scope of the module, so that all tests of one network run one after the other, on one copy of its weights.
# Deeper siblings run the code of a network that is here, with more layers: the slow tests go over them too.
@pytest.fixture(
    params=[pytest.param(name, marks=pytest.mark.slow) if name in DEEPER_SIBLINGS else name for name in NAMES],
    scope="module",
)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def fresh(name: str) -> nn.Module:
    """A small network that no test may change."""
    return build_small(name)


@pytest.fixture
def model(fresh: nn.Module) -> nn.Module:
    """A copy to be changed at will."""
    return copy.deepcopy(fresh)


def only(names: list[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", names, scope="module")


def describe_small(name: str) -> dict[str, Any]:
    return describe(name, input_shape=small_shape(name), num_outputs=CLASSES, **SMALL_OPTIONS.get(name, {}))


def inputs_for(model: nn.Module, name: str, batch: int = BATCH) -> tuple[Tensor, ...]:
    """Random inputs; tokens are no special ones, in rows of full length, and those of a small vocabulary."""
    generator = torch.Generator().manual_seed(2)
    return tuple(
        torch.randn(x.shape, generator=generator)
        if x.is_floating_point()
        else torch.randint(4, CLASSES, x.shape, generator=generator)
        for x in example_inputs(model, batch)
    )


def all_outputs(outputs: Any) -> list[Tensor]:
    """Every tensor of floating point that a network gives."""
    if isinstance(outputs, list | tuple) and not isinstance(outputs, WithAuxiliary):
        return [tensor for part in outputs for tensor in all_outputs(part)]
    if outputs is None or (isinstance(outputs, Tensor) and not outputs.is_floating_point()):
        return []
    return [outputs.output, *outputs.auxiliary] if isinstance(outputs, WithAuxiliary) else [outputs]


def require_shape(name: str, outputs: Tensor | WithAuxiliary, batch: int, num_outputs: int) -> None:
    if name in SEQUENCE_MODELS:
        assert all(output.shape[0] == batch for output in all_outputs(outputs)[:1])
        return
    num_axes = 4 if MODELS[name].output_kind == "map" else 2
    for output in all_outputs(outputs):
        assert (output.ndim, output.shape[:2]) == (num_axes, (batch, num_outputs))


def require_outputs(name: str, outputs: Tensor | WithAuxiliary, batch: int, num_outputs: int) -> None:
    require_shape(name, outputs, batch, num_outputs)
    assert all(output.isfinite().all() for output in all_outputs(outputs))


def require_equal(first: Any, second: Any) -> None:
    pairs = list(zip(all_outputs(first), all_outputs(second), strict=True))
    assert pairs
    assert all(torch.equal(a, b) for a, b in pairs)


def test_outputs_are_finite_and_every_parameter_gets_a_gradient(name: str, model: nn.Module) -> None:
    outputs = model(*inputs_for(model, name, batch=5))
    require_outputs(name, outputs, 5, CLASSES)
    generator = torch.Generator().manual_seed(3)
    labels = torch.tensor([0, 1, 2, 3, 6])
    losses = []
    for output in all_outputs(outputs):
        of_pixels = labels.view(-1, *[1] * (output.ndim - 2)).expand(5, *output.shape[2:])
        # Outputs of a form of their own are weighed by random numbers: none of them is left without a gradient.
        random = torch.randn(output.shape, generator=generator)
        losses.append((output * random).sum() if name in SEQUENCE_MODELS else F.cross_entropy(output, of_pixels))
    sum(losses).backward()
    # A CRF's scores of transitions belong to the loss of whole sequences; see tests/models/test_tagger.py.
    gradients = {name: p.grad for name, p in model.named_parameters() if not name.startswith("crf.")}
    assert [n for n, gradient in gradients.items() if gradient is None or not gradient.any()] == []
    assert [n for n, gradient in gradients.items() if not gradient.isfinite().all()] == []


@only([name for name in REPRESENTATIVES if name not in SEQUENCE_MODELS])
def test_a_single_output_is_possible(name: str) -> None:
    model = build_small(name, 1)
    require_outputs(name, model(*inputs_for(model, name)), BATCH, 1)


@only(REPRESENTATIVES)
def test_description_survives_json_and_rebuilds_the_same_network(name: str, fresh: nn.Module, model: nn.Module) -> None:
    again = from_spec(json.loads(json.dumps(fresh.spec))).eval()
    assert again.spec == fresh.spec
    assert list(again.state_dict()) == list(fresh.state_dict())
    again.load_state_dict(fresh.state_dict())
    require_equal(again(*inputs_for(model, name)), model.eval()(*inputs_for(model, name)))


@only(REPRESENTATIVES)
def test_network_without_memory_is_filled_by_a_saved_state(name: str, model: nn.Module) -> None:
    again = from_spec(model.spec, device="meta").eval()
    again.load_state_dict(model.state_dict(), assign=True)
    require_equal(again(*inputs_for(model, name)), model.eval()(*inputs_for(model, name)))


@only(REPRESENTATIVES)
def test_options_say_what_the_network_chose_itself(name: str) -> None:
    spec = describe_small(name)
    assert set(spec["options"]) == {field.name for field in dataclasses.fields(MODELS[name].options)}
    assert "auto" not in spec["options"].values()


@only(REPRESENTATIVES)
def test_a_network_describes_itself_as_without_memory(name: str, fresh: nn.Module) -> None:
    assert describe_small(name) == fresh.spec


@only([name for name in REPRESENTATIVES if name not in SEQUENCE_MODELS])
def test_wrong_input_is_refused_in_our_words(name: str) -> None:
    model, shape = from_spec(describe_small(name), device="meta"), small_shape(name)
    for wrong in ((BATCH, shape[0] + 1, *shape[1:]), (BATCH, *shape, 2), shape):
        with pytest.raises(ShapeError, match=r"got \("):
            model(torch.zeros(wrong))


@only(LIMITED_MODELS)
def test_smallest_input_is_taken_and_a_smaller_one_refused_when_built_and_when_run(name: str) -> None:
    smallest = MODELS[name].smallest_input
    assert smallest is not None
    options = SMALL_OPTIONS.get(name, {})
    model = build(name, input_shape=smallest, num_outputs=2, **options)
    with torch.no_grad():
        require_shape(name, model(torch.zeros(2, *smallest)), 2, 2)
    too_small = (smallest[0], smallest[1] - 1, smallest[2])
    with pytest.raises(ShapeError, match=f"{name} needs an input of at least"):
        build(name, input_shape=too_small, num_outputs=2)
    with pytest.raises(ShapeError):
        model(torch.zeros(2, *too_small))


@only(LIMITED_MODELS)
def test_a_network_for_larger_pictures_still_reads_the_smallest_ones_where_it_reads_any_size(name: str) -> None:
    channels, height, width = MODELS[name].smallest_input or (1, 1, 1)
    larger = (channels, height + 8, width + 9)
    model = build(name, input_shape=larger, num_outputs=2, **SMALL_OPTIONS.get(name, {}))
    if getattr(model, "smallest", None) is None:
        return  # its dense layers are made for one size
    with torch.no_grad():
        require_shape(name, model(torch.zeros(2, channels, height, width)), 2, 2)
    for less in ((height - 1, width), (height, width - 1)):
        with pytest.raises(ShapeError, match=f"at least {height} × {width} pixels"):
            model(torch.zeros(2, channels, *less))


@only(REPRESENTATIVES)
def test_impossible_input_shape_is_refused(name: str) -> None:
    for shape in [(), (0,), (2.5,), (True,), (3, -8, 8), (3, 8, 8, 8, 0)]:
        with pytest.raises(ShapeError):
            build(name, input_shape=shape, num_outputs=2)  # type: ignore[arg-type]


@only([name for name in REPRESENTATIVES if name in PICTURE_MODELS])
def test_models_of_pictures_need_three_axes(name: str) -> None:
    with pytest.raises(ShapeError, match=r"input_shape=\(channels, height, width\)"):
        build(name, input_shape=(5,), num_outputs=2)


@only(REPRESENTATIVES)
def test_number_of_outputs_must_be_a_whole_number_above_zero(name: str) -> None:
    for wrong in (0, -1, 2.0, True):
        with pytest.raises(ShapeError, match="num_outputs"):
            build(name, input_shape=small_shape(name), num_outputs=wrong)  # type: ignore[arg-type]


@only(REPRESENTATIVES)
def test_weights_are_a_function_of_the_seed_alone(name: str, fresh: nn.Module) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, second = fresh.state_dict(), build_small(name).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert torch.equal(torch.get_rng_state(), before)  # torch's own generator is left alone


@only(REPRESENTATIVES)
def test_another_seed_gives_other_weights_unless_they_begin_at_zero(name: str, fresh: nn.Module) -> None:
    second = build_small(name, seed=4)
    drawn = [p for p in fresh.parameters() if p.ndim > 1 and p.any()]
    differs = any(not torch.equal(a, b) for a, b in zip(fresh.parameters(), second.parameters()))
    assert differs == bool(drawn)


@only(REPRESENTATIVES)
def test_evaluation_is_deterministic_and_changes_no_buffer(name: str, fresh: nn.Module, model: nn.Module) -> None:
    model.eval()
    outputs = model(*inputs_for(model, name))
    assert not isinstance(outputs, WithAuxiliary)  # auxiliary classifiers speak in training alone
    require_equal(model(*inputs_for(model, name)), outputs)
    after = model.state_dict()
    assert all(torch.equal(value, after[key]) for key, value in fresh.state_dict().items())


@only([name for name in REPRESENTATIVES if name in PICTURE_MODELS])
def test_memory_layout_does_not_change_the_outputs(name: str, model: nn.Module) -> None:
    (x,) = inputs_for(model, name)
    expected = model.eval()(x)
    # Another layout takes other kernels, which add in another order: single precision leaves about six digits.
    # Boxes are pixels of a picture, and small ones are differences of large numbers.
    near = {"rtol": 1e-4, "atol": 1e-3 if MODELS[name].output_kind == "boxes" else 1e-5}
    torch.testing.assert_close(model(x.to(memory_format=torch.channels_last)), expected, **near)
    model.to(memory_format=torch.channels_last)
    torch.testing.assert_close(model(x.to(memory_format=torch.channels_last)), expected, **near)


@only(REPRESENTATIVES)
def test_one_example_gives_the_same_as_within_a_batch(name: str, model: nn.Module) -> None:
    model, inputs = model.eval(), inputs_for(model, name)
    alone, together = (all_outputs(model(*(x[:num] for x in inputs)))[0] for num in (1, BATCH))
    # Matrix products of other sizes add in another order.
    near = 1e-3 if MODELS[name].output_kind == "boxes" else 1e-5  # pixels of a picture
    torch.testing.assert_close(alone, together[:1], rtol=1e-4, atol=near)


def test_facts_of_the_paper_are_complete(name: str) -> None:
    info = MODELS[name]
    assert info.name == name
    assert info.paper
    assert 1800 < info.year < 2100
    model = from_spec(describe(name, input_shape=info.native_input, num_outputs=info.native_outputs), device="meta")
    counts = summarize(model)
    if name not in SEQUENCE_MODELS:
        assert counts.layers[-1].output_shape[0] == info.native_outputs
    assert (len(counts.layers[-1].output_shape) == 3) == (info.output_kind in ("map", "boxes"))
    assert sum(row.parameters for row in counts.layers) == counts.parameters > 0
    modules = dict(model.named_modules())
    assert info.gradient_layer is None or info.gradient_layer in modules


@only(REPRESENTATIVES)
def test_output_layers_are_what_follows_the_number_of_outputs(name: str) -> None:
    network = from_spec(describe_small(name), device="meta")
    first = network.state_dict()
    second = from_spec({**describe_small(name), "num_outputs": CLASSES + 1}, device="meta").state_dict()
    # Auxiliary classifiers, which an option adds, are listed too.
    listed = {layer for layer in MODELS[name].output_layers if layer in dict(network.named_modules())}
    changed = [key for key in first if first[key].shape != second[key].shape]
    assert {next((layer for layer in listed if key.startswith(f"{layer}.")), key) for key in changed} == listed


@only(REPRESENTATIVES)
def test_unknown_option_is_answered_with_near_matches(name: str) -> None:
    fields = [field.name for field in dataclasses.fields(MODELS[name].options)]
    wrong = fields[0] + "s" if fields else "width"
    with pytest.raises(UnknownNameError, match=f"'{fields[0]}'" if fields else "none is registered"):
        build(name, input_shape=small_shape(name), num_outputs=2, **{wrong: 1})


def test_unknown_model_is_answered_with_near_matches() -> None:
    with pytest.raises(UnknownNameError, match="'resnet18'"):
        build("resnet_18", input_shape=(3, 32, 32), num_outputs=2)
