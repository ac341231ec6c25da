"""What a network makes: samples from the same noise over the epochs, and whether it copies the training."""

from __future__ import annotations

import base64
from pathlib import Path

from derin.core.errors import RefusedFileError
from derin.core.files import open_plain
from derin.core.messages import translate
from derin.report.html import Html, join, tag
from derin.strategy.record import RunRecord

_MOST_BYTES = 16 << 20
_BEGINNINGS = {"png": b"\x89PNG\r\n\x1a\n", "gif": b"GIF89a"}


def section(story: RunRecord) -> Html | None:
    """The sheet of samples, the film of them, and the nearest pictures of the training; None where there are none."""
    sheet = picture_of(story, "samples", "gan.sheet")
    if sheet is None:
        return None
    film, nearest = picture_of(story, "film", "gan.film"), picture_of(story, "nearest", "gan.nearest_alt")
    rebuilt, codes = picture_of(story, "rebuilt", "vae.rebuilt"), picture_of(story, "latent_grid", "vae.grid")
    searched = story.part("findings", "nearest").get("searched")
    return join(
        [
            sheet,
            tag("p", translate("gan.sheet_note"), class_="quiet"),
            join([rebuilt, tag("p", translate("vae.rebuilt"), class_="quiet")]) if rebuilt else None,
            join([codes, tag("p", translate("vae.grid"), class_="quiet")]) if codes else None,
            join([film, tag("p", translate("gan.film"), class_="quiet")]) if film else None,
            join([nearest, tag("p", translate("gan.nearest", searched=searched), class_="quiet")]) if nearest else None,
            _way(story),
        ]
    )


def _way(story: RunRecord) -> Html | None:
    way, told = picture_of(story, "way", "flow.way_alt"), story.part("findings", "way").get("told")
    if way is None:
        return None
    words = [translate("flow.way")]
    if told:
        words.append(translate("flow.told", told=", ".join(map(str, told))))
    return join([way, tag("p", " ".join(words), class_="quiet")])


def picture_of(story: RunRecord, finding: str, alt: str) -> Html | None:
    """A picture file of the run that a finding names."""
    name = story.part("findings", finding).get("file")
    if not isinstance(name, str) or Path(name).name != name or not (story.path / name).exists():
        return None
    with open_plain(story.path / name, max_bytes=_MOST_BYTES) as file:
        content = file.read()
    kind = next((kind for kind, beginning in _BEGINNINGS.items() if content.startswith(beginning)), None)
    if kind is None:
        raise RefusedFileError(f"The samples {story.path / name} are no PNG or GIF picture; train the run again.")
    address = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    return tag("img", src=address, alt=translate(alt), class_="sheet")
