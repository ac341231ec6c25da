"""`derin translate`: texts, files, scores and the picture, on a bundle of a network that learned nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from derin.api.bundles import save_model
from derin.api.translate import score_translations
from derin.cli.console import cli_errors
from derin.cli.translate import translate
from derin.data.text.pair_preparation import PairPreparation
from derin.datasets.generated.dates import generate_dates
from derin.models import build
from derin.tasks.translation import Translation

app = typer.Typer()
app.command()(cli_errors(translate))


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "80", "TERM": "dumb"})


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = generate_dates("en", num=24)
    rows = data.splits["train"]
    task, preparation = Translation.from_table(data, rows, {}), PairPreparation.fit(data, rows)
    task.bind(preparation)
    options: dict[str, Any] = {"units": 12, "dim": 10, **preparation.network_options()}
    network = build(
        "seq2seq_attention", input_shape=preparation.input_shape, num_outputs=task.num_outputs, seed=0, **options
    )
    path = tmp_path_factory.mktemp("bundles") / "model"
    save_model(path, network, task, preparation, {})
    return path


def test_json_holds_the_translations_in_order(bundle: Path) -> None:
    result = invoke(str(bundle), "May 3, 2009", "3.5.09", "--n", "2", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)["translations"]
    assert [answer["input"] for answer in found] == ["May 3, 2009", "3.5.09"]
    assert all(len(answer["alternatives"]) == 1 for answer in found)
    assert invoke(str(bundle), "May 3, 2009").stdout.strip() == found[0]["text"].strip()


def test_files_are_translated_and_scored_line_by_line(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("May 3, 2009\r\n3.5.09\r\n", encoding="utf-8")
    (tmp_path / "meant.txt").write_text("2009-05-03\n2009-05-03\n", encoding="utf-8")
    arguments = ["--file", str(tmp_path / "in.txt"), "--out", str(tmp_path / "out.txt"), "--beam", "1", "--json"]
    result = invoke(str(bundle), *arguments, "--reference", str(tmp_path / "meant.txt"))
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    lines = (tmp_path / "out.txt").read_text(encoding="utf-8").split("\n")
    assert lines == [*(answer["text"] for answer in document["translations"]), ""]
    assert set(document["scores"]) == {"bleu", "chrf", "exact_match", "bleu_signature", "chrf_signature"}


def test_a_document_keeps_its_empty_lines_and_they_are_not_scored(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("May 3, 2009\n\n \n3.5.09\u2028now\n\n", encoding="utf-8")
    (tmp_path / "meant.txt").write_text("2009-05-03\n\nx\n2009-05-03\n\n", encoding="utf-8")
    arguments = ["--file", str(tmp_path / "in.txt"), "--out", str(tmp_path / "out.txt"), "--beam", "1"]
    result = invoke(str(bundle), *arguments, "--reference", str(tmp_path / "meant.txt"), "--json")
    assert result.exit_code == 0, result.stderr
    lines = (tmp_path / "out.txt").read_text(encoding="utf-8").split("\n")
    assert len(lines) == 6
    assert [place for place, line in enumerate(lines) if not line] == [1, 2, 4, 5]
    document = json.loads(result.stdout)
    assert document["left_out_of_scores"] == 3
    said = [answer["text"] for answer in document["translations"]]
    alone = score_translations([said[0], said[3]], ["2009-05-03"] * 2).to_json()
    assert document["scores"] == alone
    told = invoke(str(bundle), *arguments, "--reference", str(tmp_path / "meant.txt"))
    assert "3 empty lines are not scored" in told.stdout


def test_of_a_file_of_pairs_the_source_is_translated(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "pairs.tsv").write_text("May 3, 2009\t2009-05-03\n3.5.09\t2009-05-03\n", encoding="utf-8")
    result = invoke(str(bundle), "--file", str(tmp_path / "pairs.tsv"), "--json")
    assert [answer["input"] for answer in json.loads(result.stdout)["translations"]] == ["May 3, 2009", "3.5.09"]


def test_the_picture_shows_where_one_text_was_looked_at(bundle: Path, tmp_path: Path) -> None:
    result = invoke(str(bundle), "May 3, 2009", "--attention", str(tmp_path / "look.png"), "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)["attention"]
    assert (tmp_path / "look.png").read_bytes().startswith(b"\x89PNG")
    assert found["source"] == [*"May 3, 2009", "■"]
    assert len(found["weights"]) == len(found["target"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "needs a text or --file"),
        (["a", "b", "--attention", "x.png"], "draws one text"),
        (["a", "--attention", "x.svg"], "into a .png file"),
        (["a", "--beam", "0"], "num_best must lie"),
        ([" "], "something to translate is required"),
        (["a", "--reference", "{empty}"], "the file is empty"),
        (["--file", "{empty}"], "the file is empty"),
    ],
)
def test_what_cannot_be_translated_is_one_sentence(
    bundle: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    (tmp_path / "empty").write_text("")
    filled = [argument.format(empty=tmp_path / "empty") for argument in arguments]
    result = invoke(str(bundle), *filled, "--json")
    assert result.exit_code in (1, 2)
    assert result.stdout == ""
    assert message in " ".join(result.stderr.split())
