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
    EACH,
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
from derin.models.blueprint import without_memory
from derin.models.building import describe
from derin.models.signature import example_inputs, signature_of
from derin.models.summary import summarize

BATCH = 3
# Their outputs have a form of their own, step by step or place by place; each is tested by its own file too.
SEQUENCE_MODELS = [name for name in NAMES if MODELS[name].output_kind in ("sequence", "boxes", "points")]
PICTURE_MODELS = [name for name in NAMES if MODELS[name].input_kind == "picture"]
LIMITED_MODELS = [name for name in REPRESENTATIVES if MODELS[name].smallest_input is not None]


# Of the scope of the module, so that all tests of one network run one after the other, on one copy of its weights.
# Deeper siblings run the code of a network that is here, with more layers: the slow tests go over them too.
@pytest.fixture(
    params=EACH,
    scope="module",
)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def fresh(name: str) -> nn.Module:
    """A small network in evaluation mode that no test may change."""
    return build_small(name).eval()


@pytest.fixture(scope="module")
def answers(name: str, fresh: nn.Module) -> Any:
    """What it gives for `inputs_for` it."""
    with torch.no_grad():
        return fresh(*inputs_for(fresh, name))


def only(names: list[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", names, scope="module")


def inputs_for(model: nn.Module, name: str, batch: int = BATCH) -> tuple[Tensor, ...]:
    """Random inputs; tokens are no special ones, in rows of full length, and those of a small vocabulary."""
    generator = torch.Generator().manual_seed(2)
    return tuple(
        torch.randn(x.shape, generator=generator)
        if x.is_floating_point()
        else torch.randint(4, CLASSES, x.shape, generator=generator)
        for x in example_inputs(model, batch)
    )


def beside(model: nn.Module, name: str, batch: int = BATCH) -> tuple[Tensor, ...]:
    """What a network reads beside its first input, where that has a form of its own."""
    return inputs_for(model, name, batch)[1:] if MODELS[name].beside else ()


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


def test_outputs_are_finite_and_every_parameter_gets_a_gradient(name: str, fresh: nn.Module) -> None:
    model = copy.deepcopy(fresh).train()
    outputs = model(*inputs_for(model, name))
    require_outputs(name, outputs, BATCH, CLASSES)
    generator = torch.Generator().manual_seed(3)
    labels = torch.tensor([0, 2, 6])
    losses = []
    for output in all_outputs(outputs):
        of_pixels = labels.view(-1, *[1] * (output.ndim - 2)).expand(BATCH, *output.shape[2:])
        # Outputs of a form of their own are weighed by random numbers: none of them is left without a gradient.
        random = torch.randn(output.shape, generator=generator)
        losses.append((output * random).sum() if name in SEQUENCE_MODELS else F.cross_entropy(output, of_pixels))
    sum(losses).backward()
    # A CRF's scores of transitions belong to the loss of whole sequences; see tests/models/test_tagger.py.
    gradients = {name: p.grad for name, p in model.named_parameters() if not name.startswith("crf.")}
    assert [n for n, gradient in gradients.items() if gradient is None or not gradient.any()] == []
    assert [n for n, gradient in gradients.items() if not gradient.isfinite().all()] == []


@only([name for name in REPRESENTATIVES if name not in (*SEQUENCE_MODELS, *LIMITED_MODELS)])
def test_a_single_output_is_possible(name: str) -> None:
    model = build_small(name, 1)
    require_outputs(name, model(*inputs_for(model, name)), BATCH, 1)


@only(REPRESENTATIVES)
def test_description_survives_json_and_rebuilds_the_same_network_with_weights_of_its_own(
    name: str, fresh: nn.Module, answers: Any
) -> None:
    torch.manual_seed(4)
    again = from_spec(json.loads(json.dumps(fresh.spec))).eval()
    assert again.spec == fresh.spec
    assert list(again.state_dict()) == list(fresh.state_dict())
    drawn = [p for p in fresh.parameters() if p.ndim > 1 and p.any()]
    differs = any(not torch.equal(a, b) for a, b in zip(fresh.parameters(), again.parameters()))
    assert differs == bool(drawn)
    again.load_state_dict(fresh.state_dict())
    with torch.no_grad():
        require_equal(again(*inputs_for(again, name)), answers)


@only(REPRESENTATIVES)
def test_network_without_memory_is_filled_by_a_saved_state(name: str, fresh: nn.Module, answers: Any) -> None:
    again = from_spec(fresh.spec, device="meta").eval()
    again.load_state_dict(fresh.state_dict(), assign=True)
    with torch.no_grad():
        require_equal(again(*inputs_for(again, name)), answers)


@only(REPRESENTATIVES)
def test_a_network_describes_itself_as_without_memory_and_says_what_it_chose(name: str, fresh: nn.Module) -> None:
    options = SMALL_OPTIONS.get(name, {})
    assert describe(name, input_shape=small_shape(name), num_outputs=CLASSES, **options) == fresh.spec
    assert set(fresh.spec["options"]) == {field.name for field in dataclasses.fields(MODELS[name].options)}
    assert "auto" not in fresh.spec["options"].values()


@only(REPRESENTATIVES)
def test_registered_networks_say_what_they_read_and_give(name: str, fresh: nn.Module, answers: Any) -> None:
    signature = signature_of(fresh)
    assert signature is not None
    assert [spec.name for spec in signature.inputs] == list(MODELS[name].inputs)
    examples = example_inputs(fresh, 2)
    assert all(x.is_floating_point() or bool((x > 0).all()) for x in examples)  # 0 is a filling
    if signature.outputs:
        assert isinstance(answers, Tensor)
        assert tuple(answers.shape) == (BATCH, *signature.outputs[0].shape)


@only([name for name in REPRESENTATIVES if name not in SEQUENCE_MODELS])
def test_wrong_input_is_refused_in_our_words(name: str, fresh: nn.Module) -> None:
    shape = small_shape(name)
    for wrong in ((BATCH, shape[0] + 1, *shape[1:]), (BATCH, *shape, 2), shape):
        with pytest.raises(ShapeError, match=r"got \("):
            fresh(torch.zeros(wrong), *beside(fresh, name))


@only(LIMITED_MODELS)
def test_smallest_input_is_taken_for_one_output_and_a_smaller_one_refused_when_built_and_when_run(name: str) -> None:
    smallest = MODELS[name].smallest_input
    assert smallest is not None
    model = build(name, input_shape=smallest, num_outputs=1, **SMALL_OPTIONS.get(name, {}))
    with torch.no_grad():
        require_outputs(name, model(*inputs_for(model, name)), BATCH, 1)
    too_small = (smallest[0], smallest[1] - 1, smallest[2])
    with pytest.raises(ShapeError, match=f"{name} needs an input of at least"):
        build(name, input_shape=too_small, num_outputs=2)
    with pytest.raises(ShapeError):
        model(torch.zeros(2, *too_small), *beside(model, name, 2))


@only(LIMITED_MODELS)
def test_a_network_for_larger_pictures_still_reads_the_smallest_ones_where_it_reads_any_size(
    name: str, fresh: nn.Module
) -> None:
    if getattr(fresh, "smallest", None) is None:
        return  # its dense layers are made for one size
    _, height, width = MODELS[name].smallest_input or (1, 1, 1)
    channels, *larger = small_shape(name)
    assert larger[1] > width
    with torch.no_grad():
        require_shape(name, fresh(torch.zeros(2, channels, height, width)), 2, CLASSES)
    for less in ((height - 1, width), (height, width - 1)):
        with pytest.raises(ShapeError, match=f"at least {height} × {width} pixels"):
            fresh(torch.zeros(2, channels, *less))


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
def test_evaluation_is_deterministic_and_changes_no_buffer(name: str, fresh: nn.Module, answers: Any) -> None:
    assert not isinstance(answers, WithAuxiliary)  # auxiliary classifiers speak in training alone
    before = {key: buffer.clone() for key, buffer in fresh.named_buffers()}
    with torch.no_grad():
        require_equal(fresh(*inputs_for(fresh, name)), answers)
    assert all(torch.equal(buffer, before[key]) for key, buffer in fresh.named_buffers())


@only([name for name in REPRESENTATIVES if name in PICTURE_MODELS])
def test_memory_layout_does_not_change_the_outputs(name: str, fresh: nn.Module, answers: Any) -> None:
    model = copy.deepcopy(fresh).to(memory_format=torch.channels_last)
    x, *others = inputs_for(model, name)
    # Another layout takes other kernels, which add in another order: single precision leaves about six digits.
    # Boxes are pixels of a picture, and small ones are differences of large numbers.
    near = {"rtol": 1e-4, "atol": 1e-3 if MODELS[name].output_kind == "boxes" else 1e-5}
    with torch.no_grad():
        torch.testing.assert_close(fresh(x.to(memory_format=torch.channels_last), *others), answers, **near)
        torch.testing.assert_close(model(x.to(memory_format=torch.channels_last), *others), answers, **near)


@only(REPRESENTATIVES)
def test_one_example_gives_the_same_as_within_a_batch(name: str, fresh: nn.Module, answers: Any) -> None:
    with torch.no_grad():
        alone = all_outputs(fresh(*(x[:1] for x in inputs_for(fresh, name))))[0]
    # Matrix products of other sizes add in another order.
    near = 1e-3 if MODELS[name].output_kind == "boxes" else 1e-5  # pixels of a picture
    torch.testing.assert_close(alone, all_outputs(answers)[0][:1], rtol=1e-4, atol=near)


def test_facts_of_the_paper_are_complete(name: str, fresh: nn.Module) -> None:
    info = MODELS[name]
    assert info.name == name
    assert info.paper
    assert 1800 < info.year < 2100
    counts = summarize(fresh)
    if name not in SEQUENCE_MODELS:
        assert counts.layers[-1].output_shape[0] == CLASSES
    # Boxes and points come from maps, or from one vector.
    if info.output_kind not in ("boxes", "points"):
        assert (len(counts.layers[-1].output_shape) == 3) == (info.output_kind == "map")
    assert sum(row.parameters for row in counts.layers) == counts.parameters > 0
    modules = dict(fresh.named_modules())
    assert info.gradient_layer is None or info.gradient_layer in modules


@only(REPRESENTATIVES)
def test_output_layers_are_what_follows_the_number_of_outputs(name: str, fresh: nn.Module) -> None:
    with without_memory():
        second = build_small(name, CLASSES + 1).state_dict()
    # Auxiliary classifiers, which an option adds, are listed too.
    listed = {layer for layer in MODELS[name].output_layers if layer in dict(fresh.named_modules())}
    changed = [key for key, tensor in fresh.state_dict().items() if tensor.shape != second[key].shape]
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
