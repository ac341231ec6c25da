"""From picture to picture: what is taken away, how it is measured, and pictures of any size without seams."""

from __future__ import annotations

import importlib
import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import correlate1d, gaussian_filter

import derin
from derin.core.errors import ShapeError, UsageError
from derin.data.pictures.colors import lab_to_rgb, rgb_to_lab
from derin.models.building import build
from derin.models.tiling import tiled
from derin.tasks.ab_classes import classes_of, colors_of, num_classes
from derin.tasks.baselines.denoising import non_local_means
from derin.tasks.degradations import Degradation, enlarged, jpeg, reduced
from derin.tasks.metrics.restoration import colorfulness, psnr, ssim
from derin.tasks.registry import task_from_json
from derin.tasks.restoration import Restoration
from derin.tasks.restoration_findings import noise_level


def smooth(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    """A picture with edges and gradients, in 0..1."""
    random = np.random.default_rng(seed)
    rough = gaussian_filter(random.normal(size=(height, width, channels)), (2, 2, 0))
    return ((rough - rough.min()) / (rough.max() - rough.min())).astype(np.float32)


def planes(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float()


def test_pictures_are_made_smaller_and_larger_as_pillow_does_it() -> None:
    channel = smooth(36, 28)[..., 0]
    for change, size in ((reduced, (14, 18)), (enlarged, (56, 72))):
        ours = change(planes(channel[..., None]), 2)[0, 0].numpy()
        theirs = np.asarray(Image.fromarray(channel).resize(size, Image.Resampling.BICUBIC))
        # Pillow clips nothing of floats; ours is a picture. Both compute in float32.
        np.testing.assert_allclose(ours, theirs.clip(0, 1) if change is enlarged else theirs, atol=2e-6)


def test_the_enlargement_in_edsr_is_bicubic_inside() -> None:
    network = build("edsr", input_shape=(3, 9, 7), num_outputs=3, seed=0, width=2, blocks=1, scale=4)
    x = planes(smooth(9, 7))
    inner = (slice(None), slice(None), slice(12, -12), slice(12, -12))  # at the edges Pillow weighs what is there
    np.testing.assert_allclose(network.enlarge(x, torch.zeros(())).clamp(0, 1)[inner], enlarged(x, 4)[inner], atol=2e-6)


def test_jpeg_is_what_a_file_holds() -> None:
    pixels = (smooth(17, 23) * 255).round().astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=30)
    found = jpeg(planes(pixels / np.float32(255)), [30])[0].permute(1, 2, 0).numpy()
    np.testing.assert_array_equal((found * 255).round(), np.asarray(Image.open(file)))


def test_noise_has_the_strength_that_was_asked_for() -> None:
    generator = torch.Generator().manual_seed(3)
    noisy = Degradation.parse("noise=25").apply(torch.full((2, 3, 64, 64), 0.5), generator)
    assert (noisy - 0.5).std().item() * 255 == pytest.approx(25, rel=0.02)  # of 24 576 numbers, 3 standard errors
    assert noise_level(noisy) * 255 == pytest.approx(25, rel=0.06)
    spread = Degradation.parse("noise=5-50").apply(torch.zeros(64, 1, 32, 32), generator).flatten(1).std(1) * 255
    assert 4 < spread.min() < 12
    assert 43 < spread.max() < 53


@pytest.mark.parametrize(
    "text", ["noise", "noise=300", "noise=50-5", "sr=3", "jpeg=0", "gray=1", "blur=2", "sr=two", ""]
)
def test_what_is_no_degradation_is_answered_with_those_there_are(text: str) -> None:
    with pytest.raises(UsageError, match="degrade must be noise=25"):
        Degradation.parse(text)


def test_lab_is_that_of_the_standard() -> None:
    # Lindbloom's calculator, sRGB and D65: red, green, blue, a gray.
    colors = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.5, 0.5]]).T[None, :, :, None]
    expected = np.array([[53.24, 80.09, 67.20], [87.73, -86.18, 83.18], [32.30, 79.19, -107.86], [53.39, 0, 0]])
    np.testing.assert_allclose(rgb_to_lab(colors)[0, :, :, 0].T.numpy(), expected, atol=0.02)  # two decimals of both
    random = torch.rand(1, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    np.testing.assert_allclose(lab_to_rgb(rgb_to_lab(random)), random, atol=2e-5)


def test_color_classes_are_squares_of_ten() -> None:
    ab = rgb_to_lab(torch.rand(1, 3, 30, 30, generator=torch.Generator().manual_seed(1)))[:, 1:]
    sure = torch.nn.functional.one_hot(classes_of(ab), num_classes()).permute(0, 3, 1, 2) * 50.0
    assert (colors_of(sure) - ab).abs().max() <= 5.01


def test_ssim_and_psnr_follow_their_formulas() -> None:
    x, y = smooth(23, 31).astype(np.float64), smooth(23, 31, seed=1).astype(np.float64)
    line = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    line /= line.sum()

    def mean(values: np.ndarray) -> np.ndarray:
        return correlate1d(correlate1d(values, line, axis=0), line, axis=1)[5:-5, 5:-5]

    at_x, at_y = mean(x), mean(y)
    of_x, of_y, both = mean(x * x) - at_x**2, mean(y * y) - at_y**2, mean(x * y) - at_x * at_y
    c1, c2 = 0.01**2, 0.03**2
    wanted = (2 * at_x * at_y + c1) * (2 * both + c2) / ((at_x**2 + at_y**2 + c1) * (of_x + of_y + c2))
    assert ssim(planes(x), planes(y)).item() == pytest.approx(wanted.mean(), abs=1e-6)  # pictures in float32
    assert psnr(planes(x), planes(y)).item() == pytest.approx(-10 * np.log10(((x - y) ** 2).mean()), abs=1e-4)
    assert ssim(torch.zeros(1, 1, 10, 40), torch.zeros(1, 1, 10, 40)).isnan().all()
    assert colorfulness(torch.full((1, 3, 4, 4), 0.3)).item() == 0


def test_ssim_and_psnr_are_those_of_scikit_image() -> None:
    metrics = importlib.import_module("skimage.metrics")  # it has no types
    x, y = smooth(23, 31), smooth(23, 31, seed=1)
    how = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0}
    theirs = metrics.structural_similarity(x.astype(np.float64), y.astype(np.float64), channel_axis=-1, **how)
    assert ssim(planes(x), planes(y)).item() == pytest.approx(theirs, abs=1e-6)
    assert psnr(planes(x), planes(y)).item() == pytest.approx(metrics.peak_signal_noise_ratio(x, y), abs=1e-4)


def test_non_local_means_is_its_definition() -> None:
    picture, sigma = smooth(9, 8, 1)[..., 0].astype(np.float64), 0.1
    whole = np.pad(picture, 8, mode="reflect")
    wanted = np.zeros_like(picture)
    for y, x in np.ndindex(picture.shape):
        patch = whole[y + 6 : y + 11, x + 6 : x + 11]
        total = weights = 0.0
        for down, along in np.ndindex(13, 13):
            other = whole[y + down : y + down + 5, x + along : x + along + 5]
            weight = np.exp(-max(((patch - other) ** 2).mean() - 2 * sigma**2, 0) / (0.8 * sigma) ** 2)
            total, weights = total + weight * other[2, 2], weights + weight
        wanted[y, x] = total / weights
    found = non_local_means(planes(picture[..., None]), sigma)[0, 0].numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-5)  # float32 beside float64


@pytest.mark.parametrize(
    ("name", "options"),
    [("unet", {"width": 3, "depth": 2, "residual": True}), ("edsr", {"width": 3, "blocks": 2, "scale": 2})],
)
@pytest.mark.parametrize("size", [(90, 75), (2, 3), (33, 200)])
def test_tiles_together_are_the_whole(name: str, options: dict[str, object], size: tuple[int, int]) -> None:
    network = build(name, input_shape=(3, 16, 16), num_outputs=3, seed=0, **options).eval()
    x = planes(smooth(*size, seed=2))
    with torch.inference_mode():
        whole, parts = tiled(network, x), tiled(network, x, tile=32)
    scale = getattr(network, "scale", 1)
    assert whole.shape == (1, 3, size[0] * scale, size[1] * scale)
    np.testing.assert_allclose(parts, whole, atol=1e-5)  # convolutions of other sizes sum in another order


def test_unet_that_adds_to_the_picture_gives_as_many_channels() -> None:
    with pytest.raises(ShapeError, match="as many outputs as channels"):
        build("unet", input_shape=(3, 16, 16), num_outputs=2, seed=0, width=2, residual=True)


def test_the_card_holds_the_task() -> None:
    task = Restoration("picture", degrade="noise=5-50", color="classes")
    assert task_from_json(task.to_json()) == task


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("pictures")
    for number, size in enumerate([(40, 33), (50, 61), (35, 70), (64, 64), (30, 31), (48, 40), (20, 18), (37, 45)]):
        pixels = (smooth(*size, seed=number) * 255).round().astype(np.uint8)
        Image.fromarray(pixels).save(path / f"{number}.png")
    return str(path)


SMALL = {"size": 16, "batch_size": 2, "epochs": 1, "threads": 1, "plan": "plain", "quiet": True}


@pytest.mark.parametrize(
    ("degrade", "options"),
    [("sr=2", {"blocks": 1, "width": 4}), ("noise=25", {"width": 2, "depth": 1}), ("gray", {"width": 2, "depth": 1})],
)
def test_pictures_of_any_size_come_back_whole(folder: str, tmp_path, degrade: str, options: dict[str, int]) -> None:
    run = derin.fit(folder, task="restore", degrade=degrade, out=tmp_path / "run", model_options=options, **SMALL)
    assert {"psnr", "ssim", "input_psnr"} <= set(run.metrics["val"])
    model = derin.open(run.path)
    scale = 2 if degrade == "sr=2" else 1
    pixels = (smooth(21, 13) * 255).round().astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "one.png")
    (of_file,), (of_array,) = (model.predictions(each) for each in (tmp_path / "one.png", pixels))
    assert of_file.picture.shape == (21 * scale, 13 * scale, 3)
    np.testing.assert_array_equal(of_file.picture, of_array.picture)
    for odd in (pixels[:2, :2], pixels[..., 0], np.dstack([pixels, pixels[..., :1]])):
        (answer,) = model.predictions(odd)
        assert answer.picture.shape == (odd.shape[0] * scale, odd.shape[1] * scale, 3)
    assert model.evaluate(folder, split="val").metrics["psnr"] > 5
