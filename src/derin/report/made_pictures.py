"""What a generator makes: samples from the same noise over the epochs."""

from __future__ import annotations

import base64
from pathlib import Path

from derin.core.errors import RefusedFileError
from derin.core.files import open_plain
from derin.core.messages import translate
from derin.report.html import Html, join, tag
from derin.strategy.record import RunRecord

_MOST_BYTES = 16 << 20
_PNG = b"\x89PNG\r\n\x1a\n"


def section(story: RunRecord) -> Html | None:
    """The sheet of samples; None where the run made none."""
    name = story.part("findings", "samples").get("file")
    if not isinstance(name, str) or Path(name).name != name or not (story.path / name).exists():
        return None
    with open_plain(story.path / name, max_bytes=_MOST_BYTES) as file:
        content = file.read()
    if not content.startswith(_PNG):
        raise RefusedFileError(f"The samples {story.path / name} are no PNG picture; train the run again.")
    address = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    picture = tag("img", src=address, alt=translate("gan.sheet"), class_="sheet")
    return join([picture, tag("p", translate("gan.sheet_note"), class_="quiet")])
