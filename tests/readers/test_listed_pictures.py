"""Pictures in an archive with a list of classes: named by the list, every oddity said."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from derin.core.errors import DataError
from derin.data.table import Table
from derin.readers.listed_pictures import read_listed_pictures


def write(folder: Path, labels: str, names: object = ("ant", "bee", "cat", "dog")) -> Table:
    """Three pictures: the place of a file's name in the alphabet is its gray value."""
    with zipfile.ZipFile(folder / "images.zip", "w") as archive:
        for gray, file in enumerate(("a.png", "b.png", "c.png")):
            content = io.BytesIO()
            Image.new("RGB", (9, 7), (gray, gray, gray + 50)).save(content, "PNG")
            archive.writestr(f"all/{file}", content.getvalue())
    (folder / "labels.csv").write_text(labels, encoding="utf-8")
    (folder / "names.json").write_text(json.dumps(names), encoding="utf-8")
    return read_listed_pictures(
        folder / "images.zip", folder / "labels.csv", folder / "names.json", name="samples", channels=3
    )


def test_classes_that_occur_are_in_the_order_of_the_list(tmp_path: Path) -> None:
    table = write(tmp_path, "file,class_index,remark\nc.png,1,x\na.png,3,y\nb.png,1,z\n")
    assert table.target().classes == ("bee", "dog")
    assert table.row_names == ["a.png", "b.png", "c.png"]
    assert table["label"].take(np.arange(3)).tolist() == [1, 0, 0]
    assert table["picture"].take(np.arange(3))[:, 0, 0, 0].tolist() == [0, 1, 2]
    assert table.report.counts == {"all": {"bee": 2, "dog": 1}}


def test_a_listed_picture_that_is_missing_is_told(tmp_path: Path) -> None:
    table = write(tmp_path, "file,class_index\na.png,0\nb.png,1\nc.png,2\nd.png,3\n")
    assert [finding.where for finding in table.report.findings] == ["d.png"]
    assert table.target().classes == ("ant", "bee", "cat")


@pytest.mark.parametrize(
    ("labels", "names", "reason"),
    [
        ("file,class_index\na.png,0\n", ("x", "y"), r"2 are not \(b\.png, c\.png\)"),
        ("file,class_index\na.png,0\nb.png,1\nc.png,2\n", ("x", "y"), "below 2, the number of names; got 2"),
        ("file,class\na.png,0\n", ("x", "y"), "columns file and class_index"),
        ("file,class_index\na.png,zero\n", ("x", "y"), "columns file and class_index"),
        ("file,class_index\na.png,-1\n", ("x", "y"), "from 0"),
        ("file,class_index\na.png,0\nb.png,1\nc.png,1\n", ("x", "x"), "each once"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(labels: str, names: object, reason: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=reason):
        write(tmp_path, labels, names)
