"""Makes every picture of the documentation again, by way of the commands that a user types. Called by ``make docs``.

Digits come with scikit-learn; Fashion-MNIST (Zalando, MIT) is read from ``DERIN_DATA`` or ``../shared/data``. Pages
are photographed by a headless Chromium. Where one of the two is missing, the picture stays as it was and a sentence
says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import matplotlib
from PIL import Image, ImageChops, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parent.parent
PICTURES = Path(__file__).resolve().parent / "pictures"
WIDTH = 1100  # px, of a page
LARGEST = 200_000  # bytes of one picture
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
_PAGE_COLOR = (246, 247, 249)  # the paper of report.html


class Missing(Exception):
    """What a picture needs is not on this machine."""


def main() -> None:
    """Makes the pictures that can be made here."""
    make_all(
        {
            "seven.png": seven,
            "terminal.png": terminal,
            "report.png": report_top,
            "report-mistakes.png": report_mistakes,
            "report-turkish.png": report_in_turkish,
            "find-lr.png": rate_curve,
            "data-sheet.png": data_sheet,
            "augmentation.png": augmentation,
        },
        save,
    )


def make_all(makers: Mapping[str, Callable[[Path], Image.Image]], write: Callable[[Image.Image, Path], int]) -> None:
    """Makes and writes pictures by name; one whose data are not here stays as it was, and that is said."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="derin-docs-") as temporary:
        for name, make in makers.items():
            try:
                size = write(make(Path(temporary)), PICTURES / name)
            except Missing as reason:
                print(f"{name} was left as it is: {reason}.")
            else:
                print(f"{name}: {size:,} bytes")


def seven(work: Path) -> Image.Image:
    """A digit of the test split, for the README's first prediction."""
    from derin.api.load import load

    data = load("digits")
    labels = data["label"].take(data.splits["test"])
    row = data.splits["test"][labels.tolist().index(7)]
    return Image.fromarray(data["picture"].take(row)[..., 0]).resize((64, 64), Image.Resampling.NEAREST)


def terminal(work: Path) -> Image.Image:
    """What the first commands of the README print, in a window."""
    shutil.copy(PICTURES / "seven.png", work)
    trained = derin(work, "train", "digits").splitlines()
    epochs = [place for place, line in enumerate(trained) if line.startswith("epoch ")]
    shown = [*trained[: epochs[3]], "…", *trained[epochs[-3] :]]
    lines = ["$ derin train digits", *shown, "", "$ derin predict runs/digits-1 seven.png"]
    lines += derin(work, "predict", "runs/digits-1", "seven.png").splitlines()
    return window([line.replace(work.resolve().as_uri(), "file:///home/you") for line in lines])


def report_top(work: Path) -> Image.Image:
    """Result and curves of the run that `terminal` trained."""
    return page(work, sections=("result", "learning"), with_header=True)


def report_mistakes(work: Path) -> Image.Image:
    """Confusion, and the examples with the largest losses."""
    return page(work, sections=("mistakes", "examples"), hidden=("#examples > div:nth-of-type(n+2)",))


def report_in_turkish(work: Path) -> Image.Image:
    """The same result in Turkish."""
    derin(work, "report", "runs/digits-1", language="tr")
    try:
        return page(work, sections=("result", "learning"), with_header=True)
    finally:
        derin(work, "report", "runs/digits-1")


def rate_curve(work: Path) -> Image.Image:
    """The curve of the learning-rate range finder."""
    derin(work, "find-lr", "digits", "--out", "rates.png")
    return Image.open(work / "rates.png").convert("RGB")


def data_sheet(work: Path) -> Image.Image:
    """The sheet that shows some pictures of each class."""
    derin(work, "data", fashion_mnist(), "--sheet", "sheet.png")
    return Image.open(work / "sheet.png").convert("RGB")


def augmentation(work: Path) -> Image.Image:
    """Pictures, each followed by what augmentation makes of it."""
    from derin.api.load import load
    from derin.data.augment import Augmentation, preview

    fashion_mnist()
    settings = Augmentation.parse("flip,rotate=15,zoom=0.15,shift=0.1,cutout=0.4")
    return preview(load("fashion_mnist"), settings, num_pictures=4, num_variants=7)


def fashion_mnist() -> str:
    """The name of the set, if its files are at hand."""
    beside = ROOT.parent / "shared" / "data"
    if "DERIN_DATA" not in os.environ and beside.is_dir():
        os.environ["DERIN_DATA"] = str(beside)
    folder = os.environ.get("DERIN_DATA")
    if folder is None or not (Path(folder) / "fashion_mnist").is_dir():
        raise Missing("it shows fashion_mnist, and DERIN_DATA names no folder that holds it")
    return "fashion_mnist"


def derin(work: Path, *arguments: str, language: str = "en") -> str:
    """What a command prints, in a folder of its own and with a cache of its own."""
    environment = {
        **os.environ,
        "DERIN_CACHE": str(work / "cache"),
        "DERIN_LANG": language,
        "COLUMNS": "100",
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "derin", *arguments],
        cwd=work,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"derin {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def page(work: Path, *, sections: Sequence[str], hidden: Sequence[str] = (), with_header: bool = False) -> Image.Image:
    """Some sections of the run's report, as a browser shows them."""
    browser = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise Missing(f"a page is photographed by one of {', '.join(_BROWSERS)}, and none is installed")
    others = "main > section" + "".join(f":not(#{name})" for name in sections)
    gone = [others, "footer", "nav", *hidden, *([] if with_header else ["header"])]
    rules = f"<style>{', '.join(gone)} {{ display: none !important }} main {{ padding-top: 20px }}</style></head>"
    report = work / "runs" / "digits-1" / "report.html"
    part = work / "part.html"
    part.write_text(report.read_text(encoding="utf-8").replace("</head>", rules, 1), encoding="utf-8")
    photograph = work / "page.png"
    photograph.unlink(missing_ok=True)
    subprocess.run(
        [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *(f"--user-data-dir={work / 'browser'}", f"--screenshot={photograph}", f"--window-size={WIDTH},3000"),
            part.as_uri(),
        ],
        capture_output=True,
        timeout=120,
        check=False,
    )
    if not photograph.exists():
        raise Missing(f"{browser} took no picture")
    return without_empty_rows(Image.open(photograph).convert("RGB"))


def without_empty_rows(picture: Image.Image, margin: int = 16) -> Image.Image:
    """The picture down to its last row that is not plain paper."""
    box = ImageChops.difference(picture, Image.new("RGB", picture.size, _PAGE_COLOR)).getbbox()
    return picture if box is None else picture.crop((0, 0, picture.width, min(box[3] + margin, picture.height)))


def window(lines: Sequence[str], columns: int = 100) -> Image.Image:
    """Lines of text in the window of a terminal; commands stand out."""
    font_path = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSansMono.ttf")
    size, step, margin, bar = 15, 22, 20, 34
    font = ImageFont.truetype(str(font_path), size)
    bold = ImageFont.truetype(str(font_path.with_name("DejaVuSansMono-Bold.ttf")), size)
    wrapped = [part for line in lines for part in textwrap.wrap(line, columns, drop_whitespace=False) or [""]]
    width = round(font.getlength("m") * columns) + 2 * margin
    picture = Image.new("RGB", (width, bar + len(wrapped) * step + 2 * margin - 8), "#161a22")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, width, bar), fill="#262c38")
    for place, color in enumerate(("#ff5f57", "#febc2e", "#28c840")):
        draw.ellipse((18 + 22 * place, 11, 30 + 22 * place, 23), fill=color)
    for place, line in enumerate(wrapped):
        is_command = line.startswith("$ ")
        at = (margin, bar + margin - 4 + place * step)
        draw.text(at, line, fill="#8fd3ff" if is_command else "#d6dbe6", font=bold if is_command else font)
    return picture


def save(picture: Image.Image, path: Path) -> int:
    """Writes a picture with 256 colors, narrower where it would be too large; its size in bytes."""
    small = picture
    while True:
        small.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
        size = path.stat().st_size
        if size <= LARGEST:
            return size
        small = small.resize((small.width * 9 // 10, small.height * 9 // 10), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
