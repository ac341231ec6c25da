"""Augmentation against independent arithmetic: matrices in float64, torch.flip, integer crops, published formulas."""

from __future__ import annotations

import colorsys
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from derin.core import seeds
from derin.core.errors import ShapeError, UnknownNameError, UsageError
from derin.data.augment import Augmentation

B, C, H, W = 5, 3, 9, 13


def pictures(channels: int = C, batch: int = B, height: int = H, width: int = W) -> torch.Tensor:
    values = np.random.default_rng(3).integers(0, 256, (batch, height, width, channels), dtype=np.uint8)
    return torch.from_numpy(values).permute(0, 3, 1, 2)


def draws(augmentation: Augmentation, batch: int = B, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(seeds.uniforms(seed, "test", 0, np.arange(batch), augmentation.num_uniforms))


def source(place: int, side: int, fill: str) -> int | None:
    """Which pixel a place outside stands for, walked step by step."""
    while not 0 <= place < side:
        if fill == "zero":
            return None
        if fill == "edge":
            place = 0 if place < 0 else side - 1
        else:
            place = -1 - place if place < 0 else 2 * side - 1 - place
    return place


def moved_by_hand(picture: np.ndarray, down: int, along: int, fill: str) -> np.ndarray:
    result = np.zeros_like(picture)
    for y in range(picture.shape[1]):
        for x in range(picture.shape[2]):
            from_y = source(y - down, picture.shape[1], fill)
            from_x = source(x - along, picture.shape[2], fill)
            if from_y is not None and from_x is not None:
                result[:, y, x] = picture[:, from_y, from_x]
    return result


def warped_by_hand(picture: np.ndarray, to_original: np.ndarray, fill: str) -> np.ndarray:
    """Bilinear values in float64; `to_original` is a 3 x 3 matrix over pixel indices (x, y, 1)."""
    _, height, width = picture.shape
    result = np.zeros(picture.shape)
    for y in range(height):
        for x in range(width):
            at_x, at_y, _ = to_original @ [x, y, 1]
            if fill == "edge":
                at_x, at_y = min(max(at_x, 0), width - 1), min(max(at_y, 0), height - 1)
            left, top = math.floor(at_x), math.floor(at_y)
            for corner_y, weight_y in ((top, 1 - (at_y - top)), (top + 1, at_y - top)):
                for corner_x, weight_x in ((left, 1 - (at_x - left)), (left + 1, at_x - left)):
                    from_y, from_x = source(corner_y, height, fill), source(corner_x, width, fill)
                    if from_y is not None and from_x is not None:
                        result[:, y, x] += weight_y * weight_x * picture[:, from_y, from_x]
    return result


def test_horizontal_flip_equals_torch_flip() -> None:
    raw = pictures()
    changed = Augmentation(flip_horizontal=1).apply(raw, torch.zeros(B, 1))
    assert changed.dtype == torch.uint8
    assert torch.equal(changed, raw.flip(3))


def test_vertical_flip_equals_torch_flip() -> None:
    raw = pictures()
    assert torch.equal(Augmentation(flip_vertical=1).apply(raw, torch.zeros(B, 1)), raw.flip(2))


def test_a_flip_happens_where_the_uniform_lies_below_the_probability() -> None:
    raw = pictures(batch=2)
    changed = Augmentation(flip_horizontal=0.3).apply(raw, torch.tensor([[0.29], [0.31]]))
    assert torch.equal(changed[0], raw[0].flip(2))
    assert torch.equal(changed[1], raw[1])


@pytest.mark.parametrize("fill", ["zero", "edge", "reflect"])
@pytest.mark.parametrize("padding", [2, 15])  # also more than a whole side
def test_a_padded_crop_equals_the_crop_made_by_hand(fill: str, padding: int) -> None:
    augmentation = Augmentation(crop_padding=padding, fill=fill)
    raw, uniforms = pictures(), draws(augmentation)
    changed = augmentation.apply(raw, uniforms)
    for i in range(B):
        down, along = (math.floor(u * (2 * padding + 1)) - padding for u in uniforms[i].tolist())
        assert np.array_equal(changed[i].numpy(), moved_by_hand(raw[i].numpy(), down, along, fill))


def test_a_shift_moves_by_whole_pixels_up_to_its_share_of_each_side() -> None:
    augmentation = Augmentation(shift=0.3, fill="zero")
    raw = pictures(batch=3)
    changed = augmentation.apply(raw, torch.tensor([[0.0, 0.0], [0.999, 0.999], [0.5, 0.5]]))
    most_down, most_along = 3, 4  # 0.3 of 9 and of 13, rounded
    assert np.array_equal(changed[0].numpy(), moved_by_hand(raw[0].numpy(), -most_down, -most_along, "zero"))
    assert np.array_equal(changed[1].numpy(), moved_by_hand(raw[1].numpy(), most_down, most_along, "zero"))
    assert torch.equal(changed[2], raw[2])


def test_a_flip_comes_before_a_move() -> None:
    augmentation = Augmentation(flip_horizontal=1, shift=0.3, fill="zero")
    raw = pictures(batch=1)
    changed = augmentation.apply(raw, torch.tensor([[0.0, 0.5, 0.999]]))
    assert np.array_equal(changed[0].numpy(), moved_by_hand(raw[0].flip(2).numpy(), 0, 4, "zero"))


@pytest.mark.parametrize("fill", ["zero", "edge", "reflect"])
def test_the_composed_map_equals_five_matrices_in_float64(fill: str) -> None:
    augmentation = Augmentation(
        flip_horizontal=0.5, flip_vertical=0.5, rotate=70, zoom=0.4, shear=0.5, shift=0.3, crop_padding=2, fill=fill
    )
    raw, uniforms = pictures(), draws(augmentation)
    changed = augmentation.apply(raw, uniforms).numpy()
    middle = np.array([[1, 0, (W - 1) / 2], [0, 1, (H - 1) / 2], [0, 0, 1]])
    for i in range(B):
        flip_x, flip_y, angle, zoom, shear, shift_y, shift_x, crop_y, crop_x = uniforms[i].double().tolist()
        radians = math.radians((2 * angle - 1) * 70)
        scale = 1 + (2 * zoom - 1) * 0.4
        along = math.floor(shift_x * 9) - 4 + math.floor(crop_x * 5) - 2
        down = math.floor(shift_y * 7) - 3 + math.floor(crop_y * 5) - 2
        flip = np.diag([-1 if flip_x < 0.5 else 1, -1 if flip_y < 0.5 else 1, 1])
        grow = np.diag([scale, scale, 1])
        slant = np.array([[1, (2 * shear - 1) * 0.5, 0], [0, 1, 0], [0, 0, 1]])
        turn = np.array(
            [[math.cos(radians), -math.sin(radians), 0], [math.sin(radians), math.cos(radians), 0], [0, 0, 1]]
        )
        go = np.array([[1, 0, along], [0, 1, down], [0, 0, 1]])
        forward = middle @ go @ turn @ slant @ grow @ flip @ np.linalg.inv(middle)
        wanted = warped_by_hand(raw[i].double().numpy(), np.linalg.inv(forward), fill)
        # float32 places err by about 1e-6 of a side, and a picture of noise changes by up to 255 within a pixel.
        np.testing.assert_allclose(changed[i], wanted, atol=0.02)


def test_resampling_without_movement_returns_the_picture() -> None:
    raw = pictures()
    changed = Augmentation(rotate=30).apply(raw, torch.full((B, 1), 0.5))
    # Places are exact to float32 rounding; noise changes by up to 255 within a pixel.
    torch.testing.assert_close(changed, raw.float(), atol=1e-2, rtol=0)


def test_positive_angles_turn_clockwise() -> None:
    raw = torch.zeros(1, 1, 7, 7)
    raw[0, 0, 0, 3] = 100.0  # twelve o'clock
    changed = Augmentation(rotate=180).apply(raw, torch.tensor([[0.75]]))  # + 90 degrees
    assert changed[0, 0].argmax().item() == 3 * 7 + 6  # three o'clock


@pytest.mark.parametrize(
    "text",
    [
        "flip,crop_padding=3",
        "flip_vertical,shift=0.3,cutout=0.4",
        "rotate=40,zoom=0.2,shear=0.2,shift=0.2,flip",
        "brightness=0.4,contrast=0.4,saturation=0.4",
        "rotate,cutout=0.3,contrast,saturation=1",
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_an_example_does_not_depend_on_its_batch(text: str, channels: int) -> None:
    augmentation = Augmentation.parse(text)
    raw, uniforms = pictures(channels, batch=11), draws(augmentation, batch=11)
    whole = augmentation.apply(raw, uniforms)
    halves = [augmentation.apply(raw[part], uniforms[part]) for part in (slice(0, 4), slice(4, 5), slice(5, 11))]
    assert torch.equal(whole, torch.cat(halves))


def test_a_batch_that_goes_in_parts_equals_single_examples() -> None:
    augmentation = Augmentation.parse("flip,rotate=20,contrast,saturation,cutout=0.3")
    raw, uniforms = pictures(batch=7, height=301, width=257), draws(augmentation, batch=7)  # 1.6 million values
    whole = augmentation.apply(raw, uniforms)
    assert whole.is_contiguous(memory_format=torch.channels_last)
    for i in range(7):
        assert torch.equal(whole[i], augmentation.apply(raw[i : i + 1], uniforms[i : i + 1])[0])


@pytest.mark.parametrize("text", ["flip", "rotate", "contrast", "saturation", "cutout", "none", "rotate,saturation"])
def test_the_result_is_channels_last(text: str) -> None:
    augmentation = Augmentation.parse(text)
    changed = augmentation.apply(pictures(), draws(augmentation))
    assert changed.shape == (B, C, H, W)
    assert changed.is_contiguous(memory_format=torch.channels_last)


def test_nothing_changes_without_settings_and_the_input_is_left_alone() -> None:
    raw = pictures()
    before = raw.clone()
    assert torch.equal(Augmentation().apply(raw, torch.zeros(B, 0)), raw)
    strong = Augmentation.parse("flip,rotate,brightness,cutout,saturation")
    strong.apply(raw, draws(strong))
    assert torch.equal(raw, before)


def test_float_pictures_move_like_whole_numbered_ones() -> None:
    augmentation = Augmentation.parse("flip,crop_padding=2,cutout=0.4,fill=zero")
    raw, uniforms = pictures(), draws(augmentation)
    from_bytes = augmentation.apply(raw, uniforms).float()
    # The hole's color is rounded to a whole number for bytes.
    torch.testing.assert_close(augmentation.apply(raw.float(), uniforms), from_bytes, atol=0.5, rtol=0)


def test_auto_fill_is_black_for_one_channel_and_mirrored_for_colors() -> None:
    uniforms = torch.tensor([[0.999, 0.999]])
    gray, photo = torch.full((1, 1, 5, 5), 200, dtype=torch.uint8), torch.full((1, 3, 5, 5), 200, dtype=torch.uint8)
    assert Augmentation(shift=0.4).apply(gray, uniforms)[0, 0, 0].tolist() == [0] * 5
    assert Augmentation(shift=0.4).apply(photo, uniforms).unique().tolist() == [200]


def test_brightness_multiplies_and_stays_within_white() -> None:
    raw = torch.tensor([10, 100, 250], dtype=torch.uint8).reshape(1, 1, 1, 3)
    changed = Augmentation(brightness=0.5).apply(raw, torch.tensor([[0.75]]))  # × 1.25
    assert changed.flatten().tolist() == [12.5, 125.0, 255.0]


def test_contrast_scales_the_distance_from_the_mean() -> None:
    raw = torch.tensor([10, 20, 90], dtype=torch.uint8).reshape(1, 1, 1, 3)
    changed = Augmentation(contrast=1).apply(raw, torch.tensor([[0.25]]))  # × 0.5 around 40
    assert changed.flatten().tolist() == [25.0, 30.0, 65.0]


def test_no_saturation_gives_the_luma_of_yiq() -> None:
    raw = pictures()
    gray = Augmentation(saturation=1).apply(raw, torch.zeros(B, 1))
    for i, y, x in [(0, 0, 0), (2, 4, 7), (4, 8, 12)]:
        luma = colorsys.rgb_to_yiq(*(raw[i, :, y, x].double() / 255).tolist())[0]
        # colorsys rounds the weights to 0.30, 0.59, 0.11, which is up to 0.008 of 255.
        assert gray[i, :, y, x].tolist() == pytest.approx([luma * 255] * 3, abs=0.008 * 255)


def test_the_color_map_equals_three_operations_in_turn() -> None:
    augmentation = Augmentation(brightness=0.2, contrast=0.2, saturation=0.3)
    raw = (pictures() / 2 + 50).to(torch.uint8)  # away from black and white, where values are cut
    uniforms = draws(augmentation)
    changed = augmentation.apply(raw, uniforms).numpy()
    weights = np.array([0.299, 0.587, 0.114])[:, None, None]
    for i in range(B):
        bright, contrast, saturation = (
            1 + s * (2 * u - 1) for s, u in zip((0.2, 0.2, 0.3), uniforms[i].double().tolist())
        )
        x = raw[i].double().numpy()
        x = (weights * x).sum(0) * (1 - saturation) + x * saturation
        x = (x - (weights * x).sum(0).mean()) * contrast + (weights * x).sum(0).mean()
        # float32 with seven digits on values up to 255
        np.testing.assert_allclose(changed[i], x * bright, atol=2e-4)


def test_cutout_fills_one_rectangle_with_the_mean_color() -> None:
    augmentation = Augmentation(cutout=0.4)
    raw = pictures()
    uniforms = torch.tensor([[0.5, 0.5]] * B)
    changed = augmentation.apply(raw, uniforms)
    wanted = raw.clone()
    for i in range(B):
        color = raw[i].double().mean((1, 2)).round().to(torch.uint8)
        wanted[i, :, 2:6, 4:9] = color[:, None, None]  # 4 × 5 pixels around line 4 and column 6
    assert torch.equal(changed, wanted)


def test_a_hole_reaches_over_the_edge() -> None:
    changed = Augmentation(cutout=0.4).apply(pictures(), torch.zeros(B, 2))
    same = (changed == pictures()).all(dim=1)
    assert same[:, 2:, :].all()
    assert same[:, :, 3:].all()


def mixed(augmentation: Augmentation, uniforms: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    inputs = torch.randn(B + 1, C, H, W, generator=torch.Generator().manual_seed(1))
    inputs = inputs.contiguous(memory_format=torch.channels_last)
    classes = torch.tensor([0, 1, 2, 3, 0, 2])
    return inputs, *augmentation.mix(inputs, classes, uniforms, 4)


def test_mixup_averages_pictures_and_targets_alike() -> None:
    uniforms = torch.linspace(0.05, 0.9, B + 1)[:, None]
    inputs, result, targets = mixed(Augmentation(mixup=1), uniforms)  # Beta(1, 1) is uniform itself
    one_hot = torch.eye(4, dtype=torch.float64)[[0, 1, 2, 3, 0, 2]]
    for i in range(B):
        share = uniforms[i].double()
        wanted = share * inputs[i].double() + (1 - share) * inputs[i + 1].double()
        torch.testing.assert_close(result[i].double(), wanted, atol=1e-5, rtol=0)  # the quantile table is linear here
        torch.testing.assert_close(
            targets[i].double(), share * one_hot[i] + (1 - share) * one_hot[i + 1], atol=1e-5, rtol=0
        )


def test_cutmix_pastes_a_rectangle_and_counts_its_pixels() -> None:
    augmentation = Augmentation(cutmix=1)
    inputs, result, targets = mixed(augmentation, draws(augmentation, B + 1, seed=4))
    for i in range(B):
        stays = (result[i] == inputs[i]).all(dim=0)
        comes = (result[i] == inputs[i + 1]).all(dim=0)
        assert (stays ^ comes).all()
        lines, columns = comes.any(dim=1), comes.any(dim=0)
        assert torch.equal(comes, lines[:, None] & columns[None])  # a rectangle
        share = stays.double().mean().item()
        first, second = [0, 1, 2, 3, 0, 2][i : i + 2]
        assert targets[i, first].item() == pytest.approx(share, abs=1e-6)
        assert targets[i, second].item() == pytest.approx(1 - share, abs=1e-6)


def test_cutmix_takes_the_area_that_the_share_leaves() -> None:
    inputs = torch.zeros(2, 1, 40, 60)
    inputs[1] = 1
    uniforms = torch.tensor([[0.5, 0.5, 0.75], [0.0, 0.0, 0.0]])  # the middle, 25 % replaced
    result, _ = Augmentation(cutmix=1).mix(inputs, torch.tensor([0, 1]), uniforms, 2)
    assert result[0, 0, 10:30, 15:45].min() == 1
    assert result.sum().item() == 20 * 30


def test_with_both_mixtures_each_example_takes_one() -> None:
    augmentation = Augmentation(mixup=1, cutmix=1)
    uniforms = draws(augmentation, B + 1, seed=2)
    uniforms[:, -1] = torch.tensor([0.2, 0.7, 0.2, 0.7, 0.2, 0.7])
    inputs, result, _ = mixed(augmentation, uniforms)
    pasted = [((result[i] == inputs[i]) | (result[i] == inputs[i + 1])).all().item() for i in range(B)]
    assert pasted == [True, False, True, False, True]


def test_mixing_does_not_depend_on_the_batch() -> None:
    augmentation = Augmentation(mixup=0.4, cutmix=0.7)
    uniforms = draws(augmentation, B + 1)
    inputs, result, targets = mixed(augmentation, uniforms)
    classes = torch.tensor([0, 1, 2, 3, 0, 2])
    part, part_targets = augmentation.mix(inputs[1:4], classes[1:4], uniforms[1:4], 4)
    assert torch.equal(part, result[1:3])
    assert torch.equal(part_targets, targets[1:3])


def test_targets_of_several_labels_are_mixed_as_they_are() -> None:
    labels = torch.tensor([[1.0, 0, 1], [0, 0, 1]])
    _, targets = Augmentation(mixup=1).mix(torch.zeros(2, 1, 2, 2), labels, torch.tensor([[0.25], [0.0]]), 3)
    assert targets.tolist() == [pytest.approx([0.25, 0.0, 1.0])]


@pytest.mark.parametrize("alpha", [0.1, 0.2, 0.5, 1.0, 2.0, 8.0, 100.0])
def test_the_share_is_drawn_from_the_beta_distribution(alpha: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    from derin.data.augment.mix import beta_quantile

    uniforms = np.concatenate([np.linspace(0.001, 0.999, 97), [2.0**-24, 0.5, 1 - 2.0**-24]])
    # The table is linear between 4096 cells; a share of a picture needs no more digits.
    np.testing.assert_allclose(beta_quantile(alpha, uniforms), stats.beta.ppf(uniforms, alpha, alpha), atol=1e-4)


@given(
    st.builds(
        Augmentation,
        flip_horizontal=st.floats(0, 1),
        rotate=st.floats(0, 180),
        zoom=st.floats(0, 0.9),
        shift=st.floats(0, 1),
        crop_padding=st.integers(0, 1024),
        cutmix=st.floats(0, 100),
        fill=st.sampled_from(["auto", "zero", "edge", "reflect"]),
    )
)
@settings(max_examples=60, deadline=None)
def test_text_and_json_read_back_as_the_same_settings(augmentation: Augmentation) -> None:
    assert Augmentation.parse(str(augmentation)) == augmentation
    assert Augmentation.from_json(augmentation.to_json()) == augmentation


@pytest.mark.parametrize("text", ["flip,rotate=10,shift=0.1", "none", "flip=0.3,crop_padding=4,cutout=0.25,fill=edge"])
def test_text_in_the_order_of_the_settings_comes_back_unchanged(text: str) -> None:
    assert str(Augmentation.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("rotat=10", "did you mean 'rotate'"),
        ("flip,flip", "'flip' twice"),
        ("flip,flip_horizontal=1", "'flip_horizontal' twice"),
        ("rotate=ten", "rotate='ten'"),
        ("rotate=nan", "rotate='nan'"),
        ("rotate=", "rotate=''"),
        ("rotate=200", "from 0 to 180 degrees; got rotate=200"),
        ("crop_padding=1.5", "whole number of pixels"),
        ("flip=2", "a probability from 0 to 1"),
        ("mixup=-1", "mixup=-1"),
        ("fill=mirror", "no fill of augmentation named 'mirror'"),
    ],
)
def test_wrong_text_is_refused_in_one_sentence(text: str, part: str) -> None:
    with pytest.raises(UsageError) as caught:
        Augmentation.parse(text)
    assert part in str(caught.value)


def test_unknown_or_mistyped_json_is_refused() -> None:
    with pytest.raises(UnknownNameError):
        Augmentation.from_json({"rotation": 3})
    with pytest.raises(UsageError):
        Augmentation.from_json({"rotate": "3"})
    with pytest.raises(UsageError):
        Augmentation.from_json({"rotate": True})


def test_uniforms_of_another_shape_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"needs uniforms of shape \(5, 2\)"):
        Augmentation.parse("flip,rotate").apply(pictures(), torch.zeros(B, 3))


def test_the_properties_tell_what_has_to_be_done() -> None:
    assert Augmentation().is_identity
    assert not Augmentation(cutmix=1).is_identity
    assert Augmentation(cutmix=1).mixes
    assert Augmentation.parse("flip,shift,crop_padding,cutout").only_whole_pixels
    assert not Augmentation(zoom=0.1).only_whole_pixels
    assert Augmentation(flip_horizontal=True).flip_horizontal == 0.5
    # flip 1, rotate 1, shift 2, cutmix's middle 2, share 1, choice 1
    assert Augmentation.parse("flip,rotate,shift,mixup,cutmix").num_uniforms == 8
