"""Augmentation: a sheet of what training sees instead of the same pictures again and again."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from derin.api.load import load
from derin.core import seeds
from derin.core.errors import DataError
from derin.data.augment import Augmentation, preview
from derin.data.pictures.decode import UnreadablePictureError, open_picture
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Table
from derin.layers.options import require_range
from derin.lessons.lesson import Lesson, Outcome, Text

_COUNTED = 2_000  # pictures whose flips are counted
_SIDE = 120  # pixels, of a picture of the user's own on the sheet


@dataclass(frozen=True, kw_only=True)
class AugmentationOptions:
    """Options of the lesson.

    Args:
        image: a picture of your own, instead of data.
        data: pictures, anything that derin.load takes, such as a folder of your own.
        augment: what may happen to a picture, as derin train takes it.
        pictures: lines of the sheet.
        variants: augmented pictures on each line.
        seed: of the choice of pictures and of the augmentation.
    """

    image: str | None = None
    data: str = "digits"
    augment: str = "rotate=20,zoom=0.15,shift=0.1,shear=0.2,brightness=0.3"
    pictures: int = 3
    variants: int = 6
    seed: int = 0

    def __post_init__(self) -> None:
        require_range("augmentation", "pictures", self.pictures, 1, 20)
        require_range("augmentation", "variants", self.variants, 1, 20)
        Augmentation.parse(self.augment)


def run(options: AugmentationOptions) -> Outcome:
    """Draws the sheet, and shows that a variant is a function of seed, epoch and example."""
    augmentation = Augmentation.parse(options.augment)
    table = load(options.data, seed=options.seed) if options.image is None else one_picture(options.image)
    sheet = preview(
        table,
        augmentation,
        num_pictures=1 if options.image else options.pictures,
        num_variants=options.variants,
        seed=options.seed,
    )
    file = io.BytesIO()
    sheet.quantize(128).save(file, "PNG", optimize=True)

    picture = np.indices((8, 8)).sum(axis=0).astype(np.uint8)[None, None]  # no two mirror images are equal
    again = [variant(augmentation, picture, options.seed, epoch, row=4) for epoch in (0, 0, 1)]
    flips = flipped_share(options.seed)
    numbers = {
        "augmentation": str(augmentation),
        "numbers_per_picture": augmentation.num_uniforms,
        "same_epoch_alike": bool(torch.equal(again[0], again[1])),
        "next_epoch_alike": bool(torch.equal(again[0], again[2])),
        "flipped_share": flips,
    }
    yes, no = Text("alike", "aynı"), Text("different", "farklı")
    lines = (
        Text(
            "{augmentation}: {count} random numbers per picture and epoch",
            "{augmentation}: resim ve epok başına {count} rastgele sayı",
        ).fill(augmentation=str(augmentation), count=augmentation.num_uniforms),
        Text(
            "The same picture in the same epoch: {same}; in the next epoch: {other}",
            "Aynı resim aynı epokta: {same}; sonraki epokta: {other}",
        ).fill(
            same=str(yes if numbers["same_epoch_alike"] else no), other=str(yes if numbers["next_epoch_alike"] else no)
        ),
        Text(
            "flip=0.5 mirrors {share:.1%} of {count:,} pictures.",
            "flip=0.5, {count:,} resmin {share:.1%}'(s)ini aynalar.",
        ).fill(share=flips, count=_COUNTED),
    )
    return Outcome(numbers=numbers, lines=lines, pictures={"sheet.png": file.getvalue()})


def one_picture(path: str) -> Table:
    """A table of a single picture in RGB, its shorter side at most `_SIDE` pixels.

    Raises:
        DataError: the file is missing or no picture.
    """
    try:
        picture = open_picture(Path(path).read_bytes()).image.convert("RGB")
    except (OSError, UnreadablePictureError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"--image must be a picture that can be read; {path!r}: {why}. Name another file.") from None
    factor = min(1.0, _SIDE / min(picture.size))
    picture = picture.resize((max(1, round(picture.width * factor)), max(1, round(picture.height * factor))))
    pixels = np.asarray(picture)[None]
    schema = Schema((Column(name="picture", kind=Kind.PICTURE, role=Role.INPUT, shape=pixels.shape[1:]),))
    return Table(
        name=Path(path).name, schema=schema, columns={"picture": Dense(pixels)}, splits={"train": np.array([0])}
    )


def variant(augmentation: Augmentation, pictures: np.ndarray, seed: int, epoch: int, row: int) -> torch.Tensor:
    """What a row's picture is in an epoch.

    Shapes:
        ``(1, C, H, W)`` uint8 → the same.
    """
    rows = np.array([row])
    uniforms = seeds.uniforms(seed, "augment", epoch, rows, augmentation.num_uniforms)
    return augmentation.apply(torch.from_numpy(pictures), torch.from_numpy(uniforms))


def flipped_share(seed: int) -> float:
    """How many of many pictures a flip of probability ½ mirrors; the picture is dark at the left and light at the
    right.
    """
    pictures = torch.tensor([[[[0, 255]]]], dtype=torch.uint8).expand(_COUNTED, 1, 1, 2).contiguous()
    augmentation = Augmentation(flip_horizontal=0.5)
    uniforms = seeds.uniforms(seed, "augment", 0, np.arange(_COUNTED), augmentation.num_uniforms)
    flipped = augmentation.apply(pictures, torch.from_numpy(uniforms))
    return float((flipped[:, 0, 0, 0] == 255).double().mean())


LESSON = Lesson(
    name="augmentation",
    rows=("C5",),
    title=Text("Data augmentation", "Veri artırma"),
    about=Text(
        "A picture that is turned, moved or brighter keeps its meaning, and a network that sees another variant in "
        "every epoch cannot learn pixels by heart. Choose what keeps the meaning: a mirrored cat is a cat, a mirrored "
        "2 is no digit. Only training pictures are changed. Each line of the sheet shows a picture and what the first "
        "epochs see of it; a variant is a function of seed, epoch and example, so that a run can be repeated exactly.",
        "Döndürülmüş, kaydırılmış ya da parlatılmış bir resim anlamını korur; her epokta başka bir çeşidini gören ağ "
        "pikselleri ezberleyemez. Anlamı koruyanı seçin: aynalanmış kedi kedidir, aynalanmış 2 rakam değildir. "
        "Yalnızca eğitim resimleri değiştirilir. Her satır bir resmi ve ilk epokların onda gördüğünü gösterir; çeşit, "
        "tohumun, epokun ve örneğin fonksiyonudur; bu yüzden eğitim birebir yinelenebilir.",
    ),
    formula=r"x' = T_{u}(x), \quad y' = y, \qquad u = \mathrm{random}(\text{seed}, \text{epoch}, \text{example})",
    run=run,
    options=AugmentationOptions,
)
