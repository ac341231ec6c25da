"""`derin embed`: what a person reads and what a program reads, on a text and on a published form of vectors."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from derin.cli.embed import app
from derin.data.text.vectors import WordVectors, read_vectors

RNG = np.random.default_rng(1)
WORDS = ("king", "queen", "man", "woman", "sea", "[red]", "prince", "boat")
VALUES = np.vstack([[[2, 1, 0], [2, -1, 0], [0, 1, 0], [0, -1, 0]], RNG.standard_normal((4, 3))]).astype(np.float32)


def run(*arguments: str, code: int = 0) -> tuple[str, str]:
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "120", "TERM": "dumb", "DERIN_LANG": "en"})
    assert result.exit_code == code, result.output
    return result.stdout, result.stderr


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("vectors") / "v.txt"
    WordVectors(WORDS, VALUES).save(path)
    return str(path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("text")
    lines = [" ".join(f"w{i}" for i in RNG.integers(0, 20, 9)) for _ in range(200)]
    (folder / "text.txt").write_text("\n".join(lines))
    settings = ["--epochs", "1", "--dim", "8", "--threads", "1", "--seed", "2", "--out", str(folder / "run")]
    out, _ = run("train", str(folder / "text.txt"), *settings, "--json")
    document = json.loads(out)
    assert document["run"] == str(folder / "run")
    assert (document["model"], document["task"], document["words"]) == ("skip_gram", "word-vectors", 20)
    assert document["metrics"]["val"]["loss"] > 0
    return folder / "run"


def test_a_run_is_asked_measured_and_written_like_a_file(trained: Path, tmp_path: Path) -> None:
    out, _ = run("neighbours", str(trained), "w1", "w2", "--num", "3", "--json")
    assert [len(answer["neighbors"]) for answer in json.loads(out)] == [3, 3]
    run("convert", str(trained), str(tmp_path / "v.bin"))
    again = read_vectors(tmp_path / "v.bin")
    assert (len(again), again.dim) == (20, 8)
    assert (tmp_path / "v.bin").read_bytes()[:5] == b"20 8\n"
    assert "report.html" in {path.name for path in trained.iterdir()}


def test_the_report_shows_neighbors_and_a_map(trained: Path) -> None:
    page = (trained / "report.html").read_text(encoding="utf-8")
    assert "Nearest words" in page
    assert page.count("<circle") >= 20


def test_neighbors_and_analogies_are_printed(vectors: str) -> None:
    out, _ = run("analogy", vectors, "man", "king", "woman", "--num", "1")
    unit = VALUES / np.linalg.norm(VALUES, axis=1, keepdims=True)
    asked = unit[0] + unit[3] - unit[2]
    assert out.split() == ["queen", f"{unit[1] @ asked / np.linalg.norm(asked):.4f}"]
    out, _ = run("neighbours", vectors, "king", "--num", "7")
    assert "[red]" in out
    assert [float(line.split()[-1]) for line in out.splitlines()] == sorted(
        (float(line.split()[-1]) for line in out.splitlines()), reverse=True
    )


def test_questions_and_pairs_are_measured(vectors: str, tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text(": family\nman king woman queen\nman king woman whale\n")
    (tmp_path / "p.csv").write_text("word 1,word 2,score\nking,queen,8\nking,sea,1\nman,king,6\n")
    arguments = ["--questions", str(tmp_path / "q.txt"), "--pairs", str(tmp_path / "p.csv")]
    document = json.loads(run("evaluate", vectors, *arguments, "--json")[0])
    assert document["analogies"][0] == {"name": "family", "correct": 1, "num": 1, "num_asked": 2, "accuracy": 1.0}
    assert document["similarity"]["num"] == 3
    out, _ = run("evaluate", vectors, *arguments)
    assert ["family", "1", "1", "1.000"] in [line.split() for line in out.splitlines()]
    assert "3 of 3 pairs are known" in out


def test_maps_are_written(vectors: str, tmp_path: Path) -> None:
    out, _ = run("map", vectors, *WORDS, "--method", "pca", "--out", str(tmp_path / "map.svg"), "--json")
    assert [place[0] for place in json.loads(out)["words"]] == list(WORDS)
    assert "<svg" in (tmp_path / "map.svg").read_text()


@pytest.mark.parametrize("form", ["word2vec", "word2vec-binary", "glove"])
def test_files_are_converted(vectors: str, tmp_path: Path, form: str) -> None:
    out, _ = run("convert", vectors, str(tmp_path / "w"), "--form", form, "--json")
    assert json.loads(out) == {"path": str(tmp_path / "w"), "form": form, "words": 8, "dim": 3, "left_out": 0}
    np.testing.assert_array_equal(read_vectors(tmp_path / "w").values, VALUES)


def test_mistakes_are_one_sentence_on_stderr(vectors: str, tmp_path: Path) -> None:
    out, err = run("neighbours", vectors, "King", "--json", code=2)
    assert out == ""
    assert err.strip() == "derin embed neighbours: The word 'King' has no vector; 'king' has one."
    _, err = run("analogy", str(tmp_path / "none"), "a", "b", "c", code=2)
    assert "There is nothing at" in err
    _, err = run("train", str(tmp_path), "--method", "fasttext", code=2)
    assert "There is no method of word vectors named 'fasttext'" in err
