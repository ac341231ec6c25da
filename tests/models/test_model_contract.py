"""What every registered model keeps, whoever wrote it: a new model is tested by being in the table."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch
import torch.nn.functional as F

from derin.core.errors import ShapeError, UnknownNameError
from derin.models import MODELS, build, from_spec
from derin.models.building import describe
from derin.models.summary import summarize

BATCH, CLASSES = 3, 7
NAMES = list(MODELS)
PICTURE_MODELS = [name for name in NAMES if MODELS[name].input_kind == "picture"]
LIMITED_MODELS = [name for name in NAMES if MODELS[name].smallest_input is not None]


def small_shape(name: str) -> tuple[int, ...]:
    """A small input that the model takes, odd and unequal along its axes where it may be."""
    info = MODELS[name]
    if info.input_kind != "picture":
        return (5,)
    if info.smallest_input is None:
        return info.native_input
    height, width = (max(side, 9) for side in info.smallest_input[1:])
    return (3, height, width + 2)


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def build_small(name: str, num_outputs: int = CLASSES, seed: int | None = 1) -> torch.nn.Module:
    return build(name, input_shape=small_shape(name), num_outputs=num_outputs, seed=seed)


def inputs_for(name: str, batch: int = BATCH) -> torch.Tensor:
    return torch.randn(batch, *small_shape(name), generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("num_outputs", [1, CLASSES])
def test_outputs_are_finite_for_any_class_count_and_an_odd_batch(name: str, num_outputs: int) -> None:
    outputs = build_small(name, num_outputs)(inputs_for(name))
    assert outputs.shape == (BATCH, num_outputs)
    assert outputs.isfinite().all()


def test_every_parameter_gets_a_gradient(name: str) -> None:
    model = build_small(name)
    x = inputs_for(name, batch=5)
    F.cross_entropy(model(x), torch.tensor([0, 1, 2, 3, 6])).backward()
    gradients = {name: p.grad for name, p in model.named_parameters()}
    assert [n for n, gradient in gradients.items() if gradient is None or not gradient.any()] == []
    assert [n for n, gradient in gradients.items() if not gradient.isfinite().all()] == []


def test_description_survives_json_and_rebuilds_the_same_network(name: str) -> None:
    model = build_small(name).eval()
    again = from_spec(json.loads(json.dumps(model.spec))).eval()
    assert again.spec == model.spec
    assert list(again.state_dict()) == list(model.state_dict())
    again.load_state_dict(model.state_dict())
    assert torch.equal(again(inputs_for(name)), model(inputs_for(name)))


def test_network_without_memory_is_filled_by_a_saved_state(name: str) -> None:
    model = build_small(name).eval()
    again = from_spec(model.spec, device="meta").eval()
    again.load_state_dict(model.state_dict(), assign=True)
    assert torch.equal(again(inputs_for(name)), model(inputs_for(name)))


def test_options_say_what_the_network_chose_itself(name: str) -> None:
    model = build_small(name)
    assert set(model.spec["options"]) == {field.name for field in dataclasses.fields(MODELS[name].options)}
    assert "auto" not in model.spec["options"].values()
    assert describe(name, input_shape=small_shape(name), num_outputs=CLASSES) == model.spec


def test_wrong_input_is_refused_in_our_words(name: str) -> None:
    model, shape = build_small(name), small_shape(name)
    for wrong in ((BATCH, shape[0] + 1, *shape[1:]), (BATCH, *shape, 2), shape):
        with pytest.raises(ShapeError, match=r"got \("):
            model(torch.zeros(wrong))


@pytest.mark.parametrize("name", LIMITED_MODELS)
def test_input_below_the_smallest_is_refused_when_built_and_when_run(name: str) -> None:
    smallest = MODELS[name].smallest_input
    assert smallest is not None
    build(name, input_shape=smallest, num_outputs=2, seed=0)
    too_small = (smallest[0], smallest[1] - 1, smallest[2])
    with pytest.raises(ShapeError, match=f"{name} needs an input of at least"):
        build(name, input_shape=too_small, num_outputs=2)
    with pytest.raises(ShapeError):
        build(name, input_shape=smallest, num_outputs=2)(torch.zeros(2, *too_small))


@pytest.mark.parametrize("shape", [(), (0,), (2.5,), (True,), (3, -8, 8), (3, 8, 8, 8, 0)])
def test_impossible_input_shape_is_refused(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError):
        build(name, input_shape=shape, num_outputs=2)


@pytest.mark.parametrize("name", PICTURE_MODELS)
def test_models_of_pictures_need_three_axes(name: str) -> None:
    with pytest.raises(ShapeError, match=r"input_shape=\(channels, height, width\)"):
        build(name, input_shape=(5,), num_outputs=2)


def test_number_of_outputs_must_be_a_whole_number_above_zero(name: str) -> None:
    for wrong in (0, -1, 2.0, True):
        with pytest.raises(ShapeError, match="num_outputs"):
            build(name, input_shape=small_shape(name), num_outputs=wrong)  # type: ignore[arg-type]


def test_weights_are_a_function_of_the_seed_alone(name: str) -> None:
    torch.manual_seed(5)
    first = build_small(name, seed=3).state_dict()
    torch.manual_seed(6)
    second = build_small(name, seed=3).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_seeded_weights_leave_torchs_generator_alone(name: str) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    build_small(name, seed=3)
    assert torch.equal(torch.get_rng_state(), before)


def test_another_seed_gives_other_weights_unless_they_begin_at_zero(name: str) -> None:
    first, second = build_small(name, seed=3), build_small(name, seed=4)
    drawn = [p for p in first.parameters() if p.ndim > 1 and p.any()]
    differs = any(not torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters()))
    assert differs == bool(drawn)


def test_evaluation_is_deterministic_and_changes_no_buffer(name: str) -> None:
    model = build_small(name).eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    assert torch.equal(model(inputs_for(name)), model(inputs_for(name)))
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize("name", PICTURE_MODELS)
def test_memory_layout_does_not_change_the_outputs(name: str) -> None:
    model, x = build_small(name).eval(), inputs_for(name)
    expected = model(x)
    # Another layout takes other kernels, which add in another order: single precision leaves about six digits.
    torch.testing.assert_close(model(x.to(memory_format=torch.channels_last)), expected, rtol=1e-4, atol=1e-5)
    model.to(memory_format=torch.channels_last)
    torch.testing.assert_close(model(x.to(memory_format=torch.channels_last)), expected, rtol=1e-4, atol=1e-5)


def test_one_example_gives_the_same_as_within_a_batch(name: str) -> None:
    model, x = build_small(name).eval(), inputs_for(name)
    # Matrix products of other sizes add in another order.
    torch.testing.assert_close(model(x[:1]), model(x)[:1], rtol=1e-4, atol=1e-5)


def test_facts_of_the_paper_are_complete(name: str) -> None:
    info = MODELS[name]
    assert info.name == name
    assert info.paper
    assert 1800 < info.year < 2100
    model = from_spec(describe(name, input_shape=info.native_input, num_outputs=info.native_outputs), device="meta")
    counts = summarize(model, info.native_input)
    assert counts.layers[-1].output_shape == (info.native_outputs,)
    assert sum(row.parameters for row in counts.layers) == counts.parameters > 0
    if info.gradient_layer is not None:
        assert info.gradient_layer in dict(model.named_modules())


def test_unknown_option_is_answered_with_near_matches(name: str) -> None:
    fields = [field.name for field in dataclasses.fields(MODELS[name].options)]
    wrong = fields[0] + "s" if fields else "width"
    with pytest.raises(UnknownNameError, match=f"'{fields[0]}'" if fields else "none is registered"):
        build(name, input_shape=small_shape(name), num_outputs=2, **{wrong: 1})


def test_unknown_model_is_answered_with_near_matches() -> None:
    with pytest.raises(UnknownNameError, match="'resnet18'"):
        build("resnet_18", input_shape=(3, 32, 32), num_outputs=2)
