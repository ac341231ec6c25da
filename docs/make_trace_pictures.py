"""Makes the pictures of docs/trace.md again: pages of `derin trace`, photographed by a headless Chromium.

They show networks with fresh weights and a digit that comes with scikit-learn. Where there is no browser, the picture
stays as it was and a sentence says so.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from make_pictures import _BROWSERS, PICTURES, Missing, derin, save
from PIL import Image

NETWORK = (
    "mlp",
    "--input",
    "0.1,0.2,0.7",
    "--target",
    "0",
    "--classes",
    "3",
    "--option",
    "hidden=[3,3]",
    "--option",
    "activation=sigmoid",
)
STEP = ("--optimizer", "adam", "--lr", "0.01")
# Picture → what is traced, where the page is opened, width and height in pixels.
PAGES: dict[str, tuple[tuple[str, ...], str, tuple[int, int]]] = {
    "trace-expression.png": (("--expr", "J = 3*(a + b*c)", "a=5", "b=3", "c=2"), "node=b&side=gradient", (1000, 560)),
    "trace-cell.png": ((*NETWORK, *STEP), "node=addmm_1&cell=0,1", (1100, 720)),
    "trace-update.png": ((*NETWORK, *STEP), "node=output.bias&side=update&cell=1", (1100, 720)),
    "trace-lenet5.png": (
        ("lenet5", "--input", "seven.png", "--target", "7"),
        "node=c1.weight&side=gradient&cell=2,0,1,3",
        (1300, 860),
    ),
    "trace-dark-turkish.png": (
        ("lenet5", "--input", "seven.png", "--target", "7"),
        "node=tanh&cell=0,1,12,9&lang=tr&theme=dark",
        (1300, 800),
    ),
    "trace-narrow.png": ((*NETWORK, *STEP), "node=_log_softmax&side=gradient&cell=0,0", (400, 860)),
}


def main() -> None:
    """Makes the pictures that can be made here."""
    with tempfile.TemporaryDirectory(prefix="derin-docs-") as temporary:
        work = Path(temporary)
        shutil.copy(PICTURES / "seven.png", work)
        for name, (arguments, fragment, size) in PAGES.items():
            try:
                derin(work, "trace", *arguments, "--out", "trace.html")
                num_bytes = save(photograph(work, "trace.html", fragment, size), PICTURES / name)
            except Missing as reason:
                print(f"{name} was left as it is: {reason}.")
            else:
                print(f"{name}: {num_bytes:,} bytes")


def photograph(work: Path, page: str, fragment: str, size: tuple[int, int]) -> Image.Image:
    """A page that lies in the folder, as a browser shows it at a place within it."""
    browser = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise Missing(f"a page is photographed by one of {', '.join(_BROWSERS)}, and none is installed")
    picture = work / "page.png"
    picture.unlink(missing_ok=True)
    theme = "" if "theme=" in fragment else "&theme=light"
    subprocess.run(
        [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *(f"--user-data-dir={work / 'browser'}", f"--screenshot={picture}"),
            f"--window-size={size[0]},{size[1]}",
            f"{(work / page).as_uri()}#{fragment}{theme}",
        ],
        capture_output=True,
        timeout=120,
        check=False,
    )
    if not picture.exists():
        raise Missing(f"{browser} took no picture")
    return Image.open(picture).convert("RGB")


if __name__ == "__main__":
    main()
