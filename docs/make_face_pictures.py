"""Makes the pictures of docs/faces.md again, by way of the commands that a user types.

They show faces of the ORL set (AT&T Laboratories Cambridge) alone. Faces and weights are read from ``DERIN_DATA`` or
``../shared/data``; where they are missing, the picture stays as it was and a sentence says so.
"""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import numpy as np
from make_explain_pictures import at_hand, save
from make_pictures import Missing, derin, make_all
from PIL import Image

ENROLLED = ("s3/1", "s8/1", "s11/1", "s20/1")
SEARCHED = ("s3/7", "s8/9", "s11/8", "s20/4", "s2/1", "s15/3")


def main() -> None:
    """Makes the pictures that can be made here."""
    make_all({"faces-roc.png": curve, "faces-matches.png": matches}, save)


def curve(work: Path) -> Image.Image:
    """The ROC of all pairs of ORL, and the threshold."""
    derin(work, "faces", "calibrate", faces(work), "--out", "roc.png")
    return Image.open(work / "roc.png").convert("RGB")


def matches(work: Path) -> Image.Image:
    """Some faces, each above the enrolled one that is nearest."""
    from derin.data.sheet import contact_sheet

    folder = Path(faces(work))
    for name in ENROLLED:
        derin(work, "faces", "enrol", name, str(folder / f"{name}.pgm"))
    shown, captions = [], []
    for name in SEARCHED:
        document = json.loads(derin(work, "faces", "identify", str(folder / f"{name}.pgm"), "--json"))
        face = document["pictures"][0]["faces"][0]
        nearest = face["candidates"][0]["name"]
        shown.append([pixels(folder, name), pixels(folder, nearest)])
        captions.append([name, f"{nearest}: {face['distance']:.2f} {'✓' if face['name'] else '✗'}"])
    rows = list(zip(*shown, strict=True))
    return contact_sheet([p for row in rows for p in row], [c for row in zip(*captions) for c in row], len(SEARCHED))


def pixels(folder: Path, name: str) -> np.ndarray:
    """A picture, twice as large: what is small is drawn smoothly then."""
    with Image.open(folder / f"{name}.pgm") as picture:
        return np.asarray(picture)[..., None]


def faces(work: Path) -> str:
    """The ORL faces, unpacked."""
    archive = at_hand("faces_orl", "orl_faces.zip")
    if not at_hand("pretrained", "mobilefacenet", "068.ckpt").is_file():
        raise Missing("it needs the published weights")
    os.environ.setdefault("DERIN_DATA", str(archive.parent.parent))
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(work)
    return str(work / "orl_faces")


if __name__ == "__main__":
    main()
