"""`derin data`: what a person reads, and the document that a program reads."""

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from derin.cli.console import cli_errors
from derin.cli.data import data
from derin.data.sheet import contact_sheet

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(cli_errors(data))
runner = CliRunner()


def run(*arguments: str, code: int = 0) -> tuple[str, str]:
    result = runner.invoke(app, list(arguments), env={"COLUMNS": "120", "TERM": "dumb"})
    assert result.exit_code == code, result.output
    return result.stdout, result.stderr


def test_a_person_sees_columns_splits_classes_and_notes() -> None:
    out, _ = run("iris")
    assert "150 examples" in out
    assert "sepal length (cm)  number" in out
    assert "3: setosa, versicolor, virginica" in out
    assert ["in", "total", "90", "30", "30"] in [line.split() for line in out.splitlines()]
    assert "row 101 (" in out
    assert "cut from all rows" in out


def test_a_program_gets_one_document() -> None:
    out, _ = run("iris", "--json")
    document = json.loads(out)
    assert sorted(document) == ["name", "near_copies", "report", "schema", "splits"]
    assert document["splits"] == {"train": 90, "val": 30, "test": 30}
    assert document["schema"][-1]["classes"] == ["setosa", "versicolor", "virginica"]
    assert document["report"]["counts"]["val"] == {"setosa": 10, "versicolor": 10, "virginica": 10}
    assert len(document["report"]["duplicates"]) == 1


def test_near_copies_are_counted_and_named_and_left_out_aloud_where_they_would_take_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = np.random.default_rng(0).permutation([f"{a}{b}{c}" for a in "kmprst" for b in "aeiou" for c in "bdglnvz"])
    texts = [" ".join(words[i : i + 20]) for i in range(0, 200, 5)]
    for split, chosen in {
        "train": texts[:30],
        "val": texts[30:35],
        "test": [*texts[35:], texts[3].upper() + "!"],
    }.items():
        lines = "".join(f"{text}\t{'ab'[i % 2]}\n" for i, text in enumerate(chosen))
        (tmp_path / f"{split}.tsv").write_text("text\tkind\n" + lines)
    out, _ = run(str(tmp_path))
    assert "1 example of test is nearly the same as one of training" in out
    document = json.loads(run(str(tmp_path), "--json")[0])["near_copies"]
    assert document["num"] == 1
    assert document["listed"][0]["splits"] == ["train", "test"]
    monkeypatch.setattr("derin.cli.data._MOST_SECONDS", 0.0)
    assert "Not looked for among 41 examples, which would take about 0.0 s; --all" in run(str(tmp_path))[0]
    assert json.loads(run(str(tmp_path), "--json")[0])["near_copies"] is None
    assert "1 example of test is nearly the same" in run(str(tmp_path), "--all")[0]


def test_findings_are_summed_up_by_reason_and_listed_on_request(tmp_path: Path) -> None:
    lines = ["x,kind"] + [f"{i}.5,{'ab'[i % 2] if i % 10 else ''}" for i in range(60)]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    out, _ = run(str(tmp_path / "a.csv"))
    assert "6 skipped: " in out
    assert "… and 3 more" in out
    everything, _ = run(str(tmp_path / "a.csv"), "--all")
    assert "… and 3 more" not in everything


def test_square_brackets_in_names_are_shown(tmp_path: Path) -> None:
    lines = ["[red] size,kind"] + [f"{i}.5,{'ab'[i % 2]}" for i in range(30)]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    assert "[red] size" in run(str(tmp_path / "a.csv"))[0]


def test_named_sets_are_listed_with_where_they_are() -> None:
    out, _ = run("--sets")
    assert [line.split()[:2] for line in out.splitlines() if line.startswith("digits")] == [["digits", "scikit-learn"]]
    assert [line.split()[:2] for line in out.splitlines() if line.startswith("food")] == [["food", "Derin"]]
    document = json.loads(run("--sets", "--json")[0])
    entries = {entry["name"]: entry for entry in document["sets"]}
    assert entries["iris"]["available"] is True
    assert entries["mnist"]["download_bytes"] == 9_912_422 + 28_881 + 1_648_877 + 4_542


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ((), 2, "DATA is required"),
        (("iris", "--sets"), 2, "takes no DATA"),
        (("irsi",), 1, "did you mean 'iris'"),
        (("iris", "--sheet", "a.png"), 1, "a sheet needs pictures or sounds; the inputs are number"),
        (("digits", "--sheet", "a.jpg"), 2, "must be a file that ends in .png"),
        (("digits", "--sheet", "no/such/folder/a.png"), 1, "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_stdout_stays_empty(
    arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    out, err = run(*arguments, code=code)
    assert out == ""
    assert sentence in err
    assert len(err.strip().splitlines()) == 1


def test_the_sheet_shows_a_line_for_each_class(tmp_path: Path) -> None:
    out, _ = run("digits", "--sheet", str(tmp_path / "sheet.png"))
    assert "sheet.png" in out
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size[0] == 2 * 16 + 10 * (112 + 8) - 8
        assert sheet.size[1] > 10 * 112


def test_small_pictures_are_enlarged_without_smoothing_and_large_ones_fit() -> None:
    small = np.array([[[0], [255]], [[255], [0]]], dtype=np.uint8)
    large = np.full((300, 600, 3), (200, 10, 10), dtype=np.uint8)
    sheet = np.asarray(contact_sheet([small, large], ["", ""], columns=2, cell=100))
    first, second = sheet[16:116, 16:116], sheet[16:116, 124:224]
    np.testing.assert_array_equal(
        first, np.kron(small[..., 0], np.ones((50, 50), dtype=np.uint8))[..., None].repeat(3, 2)
    )
    # 600 × 300 becomes 100 × 50, in the middle of its square.
    assert (second[25:75] == (200, 10, 10)).all()
    assert (second[:25] == 255).all()


def test_lines_that_go_into_a_file_are_whole() -> None:
    result = runner.invoke(app, ["--sets"], env={"COLUMNS": None, "TERM": "dumb"})
    (line,) = (line for line in result.stdout.splitlines() if line.startswith("dates_en"))
    assert line.rstrip().endswith("12,000 English dates in 20 forms and their ISO form, made by a rule")


def test_it_speaks_turkish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "tr")
    out, _ = run("iris")
    assert "her sınıf kendi oranında" in out
    assert "150 örnek" in out
    assert ["toplam", "90", "30", "30"] in [line.split() for line in out.splitlines()]


def test_the_sizes_of_splits_are_explained_and_given_ones_compared(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    lines = ["x,kind,split"]
    for split, shift in (("train", 0.0), ("val", 0.0), ("test", 2.0)):
        lines += [f"{random.normal() + shift:.4f},{random.choice(['a', 'b'])},{split}" for _ in range(100)]
    (tmp_path / "table.csv").write_text("\n".join(lines) + "\n")
    shown, _ = run(str(tmp_path / "table.csv"), "--target", "kind")
    assert "33.3 / 33.3 / 33.3 % of the examples" in shown
    # Wilson's interval of 10 mistakes in 100.
    assert "100 test examples tell an accuracy of 90% to within ±6.0%" in shown
    assert "Validation and test differ: a classifier tells them apart" in shown
    assert "; x)" in shown
