"""A dense layer as a convolution: a classifier of small windows reads a whole picture at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from derin.core.errors import UsageError
from derin.layers import Conv, Dense, Flatten, MaxPool
from derin.layers.options import require_range
from derin.lessons.descent import descend
from derin.lessons.drawing import COLORS, GRAY, INK, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.models.sequential import Sequential
from derin.models.summary import summarize
from derin.tasks.losses import cross_entropy

Pixels = npt.NDArray[np.float32]

WINDOW = 14
_MIDDLE = (WINDOW - 1) / 2
STRIDE = 2  # that of the pooling layer: neighboring numbers of the map belong to windows two pixels apart
NAMES = (Text("nothing", "boş"), Text("disc", "daire"), Text("frame", "çerçeve"), Text("cross", "çarpı"))


@dataclass(frozen=True, kw_only=True)
class SlidingWindowOptions:
    """Options of the lesson.

    Args:
        size: of the picture, even and at least that of the window, 14.
        examples: windows on which the classifier is trained.
        steps: of its training.
        seed: of windows, weights and picture.
    """

    size: int = 28
    examples: int = 600
    steps: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        require_range("sliding-window", "size", self.size, WINDOW, 200)
        if self.size % STRIDE:
            raise UsageError(f"sliding-window.size must be even, or the last windows do not fit; got {self.size}.")
        require_range("sliding-window", "examples", self.examples, 1, 10_000)
        require_range("sliding-window", "steps", self.steps, 0, 10_000)


def run(options: SlidingWindowOptions) -> Outcome:
    """Trains a classifier of windows, writes it as convolutions, and slides it over a picture both ways."""
    generator = np.random.default_rng(options.seed)
    # In double precision nothing but the order of the sums is between the two ways.
    dense = classifier(options, generator).double()
    picture = torch.from_numpy(scene(options.size, generator)).double()[None]
    maps = {size: convolutional(dense, size).output_shape for size in sorted({14, 16, 28, options.size})}
    whole = convolutional(dense, options.size).double()
    with torch.no_grad():
        at_once = whole(picture)[0]
        by_window = slide(dense, picture)
    difference = float((at_once - by_window).abs().max())
    num_windows = at_once[0].numel()
    each = summarize(dense, (3, WINDOW, WINDOW), dtype=torch.float64)
    once = summarize(whole, (3, options.size, options.size), dtype=torch.float64)

    shapes = Text("{size}×{size} → {side}×{side}×4", "{size}×{size} → {side}×{side}×4")
    lines = [shapes.fill(size=size, side=shape[-1]) for size, shape in maps.items() if shape is not None]
    lines += [
        Text(
            "{num} windows one by one and all at once: largest difference {difference:.1e}",
            "{num} pencere tek tek ve hep birden: en büyük fark {difference:.1e}",
        ).fill(num=num_windows, difference=difference),
    ]
    products = Text(
        "multiplications, {part}: {num}·{each:,} = {apart:,} against {once:,}, {ratio:.1f} times as many",
        "çarpmalar, {part}: {num}·{each:,} = {apart:,}, birden {once:,}; {ratio:.1f} katı",
    )
    # The maps of the first convolution overlap from window to window; the dense layers see each place once either way.
    parts = {
        "first_convolution": (each.layers[0].multiply_adds, once.layers[0].multiply_adds),
        "whole_network": (each.multiply_adds, once.multiply_adds),
    }
    names = (Text("first convolution", "ilk evrişim"), Text("whole network", "bütün ağ"))
    for name, (apart, together) in zip(names, parts.values()):
        ratio = num_windows * apart / together
        filled = {"num": num_windows, "each": apart, "apart": num_windows * apart, "once": together}
        lines.append(products.fill(part=str(name), ratio=ratio, **filled))
    chances = torch.softmax(at_once, 0).numpy()
    numbers = {
        "maps": {str(size): list(shape or ()) for size, shape in maps.items()},
        "largest_difference": difference,
        "windows": num_windows,
        "multiplications": {
            part: {"one_by_one": num_windows * apart, "at_once": together} for part, (apart, together) in parts.items()
        },
        "classes": chances.argmax(0).tolist(),
    }
    return Outcome(numbers=numbers, lines=tuple(lines), pictures={"map.png": draw(picture[0], chances)})


def classifier(options: SlidingWindowOptions, generator: np.random.Generator) -> Sequential:
    """The network of the course: 14×14×3, convolution to 10×10×16, pooling to 5×5×16, dense 400, 400 and 4."""
    layers = [
        Conv(16, 5, padding="valid", activation="relu"),
        MaxPool(2),
        Flatten(),
        Dense(400, activation="relu"),
        Dense(400, activation="relu"),
        Dense(4),
    ]
    network = Sequential(layers, input_shape=(3, WINDOW, WINDOW), seed=options.seed)
    drawn = [example(number % 4, generator) for number in range(options.examples)]
    inputs, targets = torch.from_numpy(np.stack(drawn)), torch.arange(options.examples) % 4

    def cost() -> Tensor:
        return cross_entropy(network(inputs), targets)[0]

    for _ in descend(network, cost, optimizer="adam", learning_rate=0.001, num_steps=options.steps):
        pass
    return network.eval()


def convolutional(dense: Sequential, size: int) -> Sequential:
    """The classifier for larger pictures: its first dense layer as a 5×5 convolution, the others as 1×1."""
    layers = [
        Conv(16, 5, padding="valid", activation="relu"),
        MaxPool(2),
        Conv(400, 5, padding="valid", activation="relu"),
        Conv(400, 1, activation="relu"),
        Conv(4, 1),
    ]
    network = Sequential(layers, input_shape=(3, size, size), seed=0).eval()
    with torch.no_grad():
        for own, known in zip(_with_weights(network), _with_weights(dense)):
            # (outputs, 16·5·5) and (outputs, 16, 5, 5) are the same numbers in the same order.
            own.weight.copy_(known.weight.reshape(own.weight.shape))
            own.bias.copy_(known.bias)  # type: ignore[union-attr, arg-type]
    return network


def _with_weights(network: Sequential) -> list[nn.Conv2d | nn.Linear]:
    return [module for module in network.children() if isinstance(module, nn.Conv2d | nn.Linear)]


def slide(dense: Sequential, picture: Tensor) -> Tensor:
    """The answers for all windows, cut out one after the other; ``(1, 3, H, W)`` → ``(4, H', W')``."""
    starts = range(0, picture.shape[-1] - WINDOW + 1, STRIDE)
    answers = [
        [dense(picture[:, :, row : row + WINDOW, column : column + WINDOW])[0] for column in starts] for row in starts
    ]
    return torch.stack([torch.stack(row, dim=-1) for row in answers], dim=-2)


def example(kind: int, generator: np.random.Generator) -> Pixels:
    """A window of a class: its shape within a pixel of the middle, or none there; maybe another shape at the rim."""
    while True:
        rim = generator.uniform(-5, 18, 2)
        # What is three pixels off the middle is in the middle of another window; two shapes do not touch.
        if abs(rim - _MIDDLE).max() >= (10 if kind else 3):
            break
    shapes = [(int(generator.integers(4)), *rim)]
    if kind:
        shapes.append((kind, *(_MIDDLE + generator.uniform(-1.1, 1.1, 2))))
    return draw_shapes(WINDOW, shapes, generator)


def scene(size: int, generator: np.random.Generator) -> Pixels:
    """A picture with up to three shapes, each in the middle of some window."""
    far = size - 8.5
    places = [(1, 8.5, 8.5), (2, far, far), (3, 8.5, far)]
    # In a picture that hardly exceeds a window they would lie on one another.
    return draw_shapes(size, places if size >= 2 * WINDOW else places[:1], generator)


def draw_shapes(size: int, shapes: list[tuple[int, float, float]], generator: np.random.Generator) -> Pixels:
    """Colored shapes of about nine pixels on a dark, noisy ground; ``(3, size, size)``.

    Args:
        size: of the picture.
        shapes: class, row and column of the middle; class 0 draws nothing.
        generator: of colors and noise.
    """
    row, column = np.mgrid[:size, :size].astype(np.float32)
    picture = generator.uniform(0, 0.2, (3, size, size))
    for kind, middle_row, middle_column in shapes:
        down, right = abs(row - middle_row), abs(column - middle_column)
        box = np.maximum(down, right) <= 4.2
        cover = (
            np.zeros_like(box),
            down**2 + right**2 <= 4.2**2,
            box & (np.maximum(down, right) > 2.6),
            box & (abs(down - right) <= 1.2),
        )[kind]
        color = generator.uniform(0.55, 1.0, 3)
        picture = np.where(cover, color[:, None, None], picture)
    return picture.astype(np.float32)


def draw(picture: Tensor, chances: Pixels) -> bytes:
    """The picture with the surest window of each class, and the map of answers beside it."""
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Rectangle

    figure = new_figure(7.2, 3.5)
    left, right = figure.subplots(1, 2)
    left.imshow(picture.permute(1, 2, 0).numpy(), vmin=0, vmax=1)
    classes = chances.argmax(0)
    colors = [GRAY, *COLORS[:3]]
    right.imshow(classes, cmap=ListedColormap(colors), vmin=0, vmax=3, alpha=0.5)
    if classes.shape[0] <= 12:
        for (row, column), kind in np.ndenumerate(classes):
            words = Text("{p:.2f}", "{p:.2f}").fill(p=float(chances[kind, row, column]))
            right.text(column, row, words, ha="center", va="center", fontsize=6.5, color=INK)
    for kind in range(1, 4):
        if not (classes == kind).any():
            continue
        row, column = np.unravel_index(chances[kind].argmax(), classes.shape)
        place = (column * STRIDE - 0.5, row * STRIDE - 0.5)
        left.add_patch(Rectangle(place, WINDOW, WINDOW, fill=False, edgecolor=colors[kind], linewidth=2))
    high, wide = classes.shape
    style(left, title=str(Text("picture, surest windows", "resim, en emin pencereler")), grid=False)
    title = Text("answers of {high}×{wide} windows", "{high}×{wide} pencerenin yanıtları")
    style(right, title=title.fill(high=high, wide=wide), grid=False)
    for axes in (left, right):
        axes.set_xticks([])
        axes.set_yticks([])
    marks = [Rectangle((0, 0), 1, 1, facecolor=color, alpha=0.5) for color in colors]
    figure.legend(marks, [str(name) for name in NAMES], loc="outside lower right", ncols=4, fontsize=8, frameon=False)
    return png(figure)


LESSON = Lesson(
    name="sliding-window",
    rows=("D7",),
    title=Text("Dense as convolution: the sliding window", "Evrişim olarak yoğun katman: kayan pencere"),
    about=Text(
        "A dense layer on a 5×5×16 volume is a convolution with 5×5 filters that fit exactly once: the same weights, "
        "the same sums. Written like this, a classifier of 14×14 windows takes larger pictures as they are: 16×16 "
        "gives 2×2 answers and 28×28 gives 8×8, one for every window two pixels apart (the stride of its pooling "
        "layer). All windows are read at once, and what they have in common is computed once.",
        "5×5×16'lık bir hacme uygulanan yoğun katman, tam bir kez sığan 5×5 filtrelerle yapılan evrişimdir: aynı "
        "ağırlıklar, aynı toplamlar. Böyle yazılınca 14×14'lük pencerelerin sınıflandırıcısı daha büyük resimleri "
        "olduğu gibi alır: 16×16, 2×2 yanıt, 28×28, 8×8 yanıt verir; iki piksel arayla (havuzlama katmanının adımı) "
        "her pencereye bir tane. Bütün pencereler birden okunur, ortak olanlar bir kez hesaplanır.",
    ),
    formula=r"o_k = \sum_{u,v,c} W_{k,(c,u,v)}\, x_{c,u,v} + b_k \;=\; (X * F_k)_{0,0} + b_k, \qquad "
    r"n' = \frac{n - 14}{2} + 1",
    run=run,
    options=SlidingWindowOptions,
)
