"""What the commands of `derin faces` share: their options, the recognizer, and lines for people."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from derin.apps.faces.deciding import Threshold
    from derin.apps.faces.gallery import Gallery
    from derin.apps.faces.recognizer import FaceRecognizer

GALLERY, NETWORKS, PICTURES, DECISION = "Gallery", "Networks", "Pictures", "Decision"

Database = Annotated[
    str, typer.Option("--db", metavar="FILE|URL", help="A file, or postgresql://….", rich_help_panel=GALLERY)
]
Weights = Annotated[
    str | None,
    typer.Option(
        help="Network of embeddings: known weights, their file, or a run of the task embedding; else mobilefacenet.",
        show_default=False,
        rich_help_panel=NETWORKS,
    ),
]
Finder = Annotated[
    Path | None,
    typer.Option(
        help="Folder with pnet.pt, rnet.pt and onet.pt; else the known weights.",
        show_default=False,
        rich_help_panel=NETWORKS,
    ),
]
MinFace = Annotated[
    int, typer.Option(help="Side of the smallest face that is looked for, in pixels.", rich_help_panel=NETWORKS)
]
Device = Annotated[str, typer.Option(help="cpu, cuda or mps.", rich_help_panel=NETWORKS)]
Cropped = Annotated[
    bool,
    typer.Option("--cropped", help="Pictures are faces as they stand: none is looked for.", rich_help_panel=PICTURES),
]
Largest = Annotated[
    bool,
    typer.Option("--largest", help="Of several faces in a picture take the largest.", rich_help_panel=PICTURES),
]
Limit = Annotated[
    float | None,
    typer.Option(
        "--threshold",
        help="Largest distance of one person, 0 to 2; else the gallery's.",
        show_default=False,
        rich_help_panel=DECISION,
    ),
]
By = Annotated[
    str,
    typer.Option(help="nearest: a person's nearest picture counts; mean: the mean of them.", rich_help_panel=DECISION),
]

DEFAULT_DATABASE = "faces.db"


def recognizer_of(weights: str | None, finder: Path | None, min_face: int, device: str) -> FaceRecognizer:
    """What the options of a command name."""
    from derin.apps.faces.recognizer import PUBLISHED_EMBEDDER, FaceRecognizer

    return FaceRecognizer(weights or PUBLISHED_EMBEDDER, finder, min_face=min_face, device=device)


def gallery_of(database: str, recognizer: FaceRecognizer, *, new: bool = False) -> Gallery:
    """The gallery, opened with the model; one that is not there is made only where something is to be stored.

    Raises:
        UsageError: there is none.
    """
    from derin.apps.faces.gallery import Gallery

    if not new:
        # Without a model a gallery that is not there is refused, and no file is made.
        Gallery.open(database).close()
    return Gallery.open(database, model=recognizer.fingerprint, dim=recognizer.dim)


def check_gallery(database: str, recognizer: FaceRecognizer) -> None:
    """Refuses a file of another model, or with another key, before pictures are read for it."""
    if Path(database).exists():
        gallery_of(database, recognizer).close()


def threshold_for(
    gallery: Gallery | None, given: float | None, weights: str | None, *, identifying: bool = False
) -> Threshold:
    """What decides, see `threshold_of`."""
    from derin.apps.faces.deciding import PUBLISHED_THRESHOLD, threshold_of

    published = PUBLISHED_THRESHOLD if weights is None else None
    return threshold_of(gallery, given=given, published=published, identifying=identifying)


def nearest_or_mean(by: str) -> Any:
    """The value of ``--by``.

    Raises:
        UsageError: it is another word.
    """
    from derin.core.errors import UsageError

    if by not in ("nearest", "mean"):
        raise UsageError(f"--by must be nearest or mean; got {by!r}.")
    return by


def require_ending(path: Path, flag: str, *endings: str) -> None:
    """Refuses a file to write whose form its name does not tell.

    Raises:
        UsageError: it ends otherwise.
    """
    from derin.core.errors import UsageError

    if path.suffix.lower() not in endings:
        raise UsageError(f"{flag} must end in {' or '.join(endings)}; got {path}.")


def say(terminal: Console, key: str, /, **values: Any) -> None:
    """A line of the catalogue."""
    from derin.core.messages import translate

    terminal.print(translate(key, **values), markup=False, soft_wrap=True)


def say_left_out(terminal: Console, sentences: Iterable[str]) -> None:
    """What was left out, the first ten of it."""
    listed = list(sentences)
    for sentence in listed[:10]:
        say(terminal, "faces.left_out", reason=sentence)
    if len(listed) > 10:
        say(terminal, "list.more", count=len(listed) - 10)


def say_origin(terminal: Console, threshold: Threshold) -> None:
    """What a decision goes by."""
    if threshold.origin == "calibrated":
        return
    say(terminal, f"faces.threshold_{threshold.origin}", threshold=threshold.value)
