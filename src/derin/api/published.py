"""Published weights in use: found on this machine, fetched when asked, and made into a model or a bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.core.bundle import Bundle
from derin.core.errors import DataError, UnknownNameError, UsageError
from derin.core.files import sha256_file
from derin.core.library_settings import downloads_folder
from derin.core.lock import FolderLock
from derin.datasets.download import Progress, RemoteFile, fetch
from derin.models.registry import MODELS
from derin.models.weights.known import BY_NAME, DOWNLOADED, KnownWeights
from derin.models.weights.published import Published, load_published

if TYPE_CHECKING:
    from torch import nn

    from derin.data.pictures.codec import PictureCodec
    from derin.data.preparation import Preparation


def read_published(
    source: str | Path,
    *,
    model: str | None = None,
    options: Mapping[str, Any] | None = None,
    preprocess: str | None = None,
    classes: Sequence[str] | None = None,
    download: bool = False,
    progress: Progress | None = None,
) -> Published:
    """As `derin.models.weights.load_published`, also by the name of known weights, which wins over a file of that name.

    Args:
        source: a known name (`derin weights`), a file, or ``"hub:OWNER/NAME"``.
        model: registered name, for a file that is not known.
        options: of that model.
        preprocess: what its pictures went through.
        classes: names in the order of the outputs.
        download: whether known weights that are not on this machine may be fetched from their public address.
        progress: of that.

    Raises:
        DataError: the weights are known and not on this machine, or another file is in their place.
    """
    known = BY_NAME.get(str(source))
    if known is not None:
        place = known.find()
        if place is None and download and known.address is not None:
            place = fetch_known(known.name, progress)
        if place is None:
            raise DataError(f"The weights {known.name} are not on this machine. {_remedy(known)}")
        if not known.is_file_of(sha256_file(place)):
            raise DataError(f"The file {place} is not the published {known.name}: its SHA-256 is another. Replace it.")
        source = place
    return load_published(source, model=model, options=options, preprocess=preprocess, classes=classes)


def fetch_known(name: str, progress: Progress | None = None) -> Path:
    """Known weights from their public address, checked by SHA-256; nothing is fetched where they are here already.

    Raises:
        UnknownNameError: there are none of this name.
        DataError: they have no public address, or cannot be fetched.
    """
    known = known_by_name(name)
    place = known.find()
    if place is not None:
        return place
    if known.address is None:
        raise DataError(f"The weights {known.name} cannot be fetched. {_remedy(known)}")
    remote = RemoteFile(
        address=known.address,
        name=known.file_name,
        num_bytes=known.num_bytes,
        sha256=known.sha256,
        is_rounded=known.is_rounded,
    )
    with FolderLock(downloads_folder()):
        return fetch(remote, downloads_folder() / DOWNLOADED, progress)


def known_by_name(name: str) -> KnownWeights:
    """The entry of the table.

    Raises:
        UnknownNameError: there is none of this name.
    """
    if name not in BY_NAME:
        raise UnknownNameError("file of known weights", name, BY_NAME)
    return BY_NAME[name]


def model_parts(published: Published) -> tuple[nn.Module, Any, Preparation, dict[str, Any]]:
    """The network with all its published weights, its task and preparation, and what its card says of their origin.

    Raises:
        UsageError: the network tells no classes apart, or nobody says what its classes are called.
    """
    from derin.data.columns import INPUT, ColumnsPreparation
    from derin.tasks.classification import Classification

    info = MODELS[published.model]
    if info.output_kind != "vector":
        raise UsageError(
            f"The weights {published.source} are of {published.model}, whose answers are {info.output_kind}s and no "
            "classes, which a bundle needs; in Python, derin.models.weights.load_published(…).network() gives it."
        )
    if not published.classes:
        raise UsageError(
            f"The names of the {published.num_outputs} classes of {published.source} are not known; give them with "
            "--classes FILE, one name to a line in the order of the outputs."
        )
    origin: dict[str, Any] = {"file": published.source.name, "sha256": published.sha256}
    if (known := published.known) is not None:
        said = {"name": known.name, "origin": known.origin, "address": known.address, "accuracy": known.published}
        origin |= {field: value for field, value in said.items() if value}
    facts: dict[str, Any] = {"data": {"size": max(published.preprocess.size)}, "published": origin}
    if published.licence is not None:
        facts["license"] = published.licence
    task = Classification(columns=["label"], classes=published.classes)
    return published.network(), task, ColumnsPreparation({INPUT: picture_codec(published)}), facts


def picture_codec(published: Published) -> PictureCodec:
    """What pictures go through before the published network reads them."""
    from derin.data.pictures.codec import PictureCodec

    asked = published.preprocess
    return PictureCodec(
        column="picture",
        size=asked.size,
        channels=MODELS[published.model].native_input[0],
        mean=asked.mean,
        std=asked.std,
        rule=asked.rule,
    )


def open_published(source: str | Path) -> tuple[nn.Module, Any, Preparation, Bundle]:
    """Known weights as `derin.api.bundles.load_model` gives a bundle.

    Raises:
        UsageError: the file is not known: model and preprocessing have to be said with `import_weights`.
    """
    from derin.api.bundles import model_entry

    published = read_published(source)
    network, task, preparation, facts = model_parts(published)
    card = {
        "model": model_entry(network),
        "task": task.to_json(),
        "preparation": preparation.to_json(),
        **facts,
    }
    return network, task, preparation, Bundle(published.source, card, {}, {}, {}, {})


def import_weights(
    source: str | Path,
    out: str | Path,
    *,
    model: str | None = None,
    options: Mapping[str, Any] | None = None,
    preprocess: str | None = None,
    classes: Sequence[str] | None = None,
    download: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Writes published weights as a bundle that predicts, is measured and explained like a trained one.

    Args:
        source: as `read_published` takes it, as all others but `out`.
        out: the bundle's folder; a bundle that is there is replaced.

    Returns:
        path, model, classes (how many), size, license and SHA-256 of the file.

    Raises:
        UsageError: something must be said about the weights that the table does not know.
        RefusedFileError: the file is damaged or hostile, or belongs to another network.
    """
    from derin.api.bundles import save_model

    published = read_published(
        source,
        model=model,
        options=options,
        preprocess=preprocess,
        classes=classes,
        download=download,
        progress=progress,
    )
    network, task, preparation, facts = model_parts(published)
    save_model(Path(out), network, task, preparation, facts)
    return {
        "path": str(out),
        "model": published.model,
        "classes": len(published.classes),
        "size": list(published.preprocess.size),
        "license": published.licence,
        "sha256": published.sha256,
    }


def _remedy(known: KnownWeights) -> str:
    if known.address is not None:
        return (
            f"Fetch them ({known.num_bytes / 1e6:,.1f} MB) with `derin weights fetch {known.name}`, or with --download "
            f"where the command has it, or set DERIN_DATA to a folder that holds {known.places[0]}."
        )
    return (
        f"The file has no public address, as it was {known.origin}: put it at {known.places[0]} and set DERIN_DATA "
        "to the folder above."
    )
