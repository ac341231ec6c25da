"""A folder of pictures with everything that goes wrong in real ones."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

# Path → the reason that the report must give for it.
SKIPPED = {
    ".DS_Store": "hidden file",
    "Thumbs.db": "hidden file",
    "train/cats/.hidden.jpg": "hidden file",
    "train/.ipynb_checkpoints": "hidden folder",
    "__MACOSX": "hidden folder",
    "train/cats/notes.txt": "no picture by its name",
    "train/cats/truncated.jpg": "truncated picture",
    "train/cats/empty.png": "empty file (0 bytes)",
    "train/cats/text.jpg": "no picture that can be read",
    "train/cats/bomb.png": "too large (more than 178,956,970 pixels)",
    "train/stray.png": "it lies in no class folder",
    "fish": "class without files",
    "mice": "class without files that can be read",
}
CONVERTED = {
    "train/dogs/cmyk.jpg": "CMYK picture: converted to RGB",
    "train/dogs/palette.png": "palette picture: its colours were written out",
    "train/dogs/sixteen.png": "values from 0 to 65535 became 0 to 255, as in the whole set",
    "train/dogs/animated.gif": "animated: first frame taken",
    "train/dogs/turned.jpg": "turned upright as its EXIF orientation says",
    "train/dogs/glass.png": "transparent parts were laid on white",
    "train/dogs/one_bit.png": "1-bit picture: black and white became 0 and 255",
    "train/dogs/strip.png": "very long picture: only its middle was kept",
}
NOTED = {"birds": "class with files in val only"}
USUAL = (
    "train/cats/1.jpg",
    "train/cats/2.JPEG",
    "train/cats/10.PNG",
    "train/dogs/köpek ğü.png",
    "train/dogs/deeper/inside.bmp",
    "val/birds/1.png",
    "val/cats/1.png",
    "val/dogs/1.webp",
)


def picture(height: int, width: int, seed: int) -> Image.Image:
    """A smooth picture that survives compression and resizing."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
    return coarse.resize((width, height), Image.Resampling.BICUBIC)


def bomb() -> bytes:
    """A PNG of a few hundred bytes that says it has 3.6 thousand million pixels."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 1, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    parts = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def make_troubled_folder(root: Path) -> Path:
    """Writes the folder; returns its path."""
    for seed, name in enumerate(USUAL):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(30 + seed, 41, seed).save(path)
    cats, dogs = root / "train" / "cats", root / "train" / "dogs"
    for folder in (
        root / "train" / ".ipynb_checkpoints",
        root / "__MACOSX",
        root / "train" / "fish",
        root / "val" / "fish",
    ):
        folder.mkdir(parents=True)
    (root / "train" / "mice").mkdir()
    (root / "train" / "mice" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    (root / ".DS_Store").write_bytes(b"x")
    (root / "Thumbs.db").write_bytes(b"x")
    picture(9, 9, 0).save(cats / ".hidden.jpg")
    picture(9, 9, 0).save(root / "train" / ".ipynb_checkpoints" / "copy.png")
    picture(9, 9, 0).save(root / "__MACOSX" / "copy.png")
    picture(9, 9, 0).save(root / "train" / "stray.png")
    (cats / "notes.txt").write_text("not a picture")
    (cats / "text.jpg").write_text("not a picture either, whatever its name says")
    (cats / "empty.png").write_bytes(b"")
    (cats / "bomb.png").write_bytes(bomb())
    picture(300, 200, 7).save(cats / "whole.jpg")
    whole = (cats / "whole.jpg").read_bytes()
    (cats / "whole.jpg").unlink()
    (cats / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    picture(40, 50, 11).convert("CMYK").save(dogs / "cmyk.jpg")
    picture(40, 50, 12).quantize(16).save(dogs / "palette.png")
    ramp = np.linspace(0, 65535, 40 * 50).reshape(40, 50).astype(np.uint16)
    Image.fromarray(ramp).save(dogs / "sixteen.png")
    frames = [picture(40, 50, 20 + n) for n in range(3)]
    frames[0].save(dogs / "animated.gif", save_all=True, append_images=frames[1:])
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(40, 60, 13).save(dogs / "turned.jpg", exif=exif)
    glass = picture(40, 50, 14).convert("RGBA")
    glass.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, 50).astype(np.uint8), (40, 1))))
    glass.save(dogs / "glass.png")
    picture(40, 50, 15).convert("1").save(dogs / "one_bit.png")
    picture(3, 200, 16).save(dogs / "strip.png")
    return root
