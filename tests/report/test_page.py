"""The report as a page: whole, harmless, without outside references, and leaving out what is not there."""

from __future__ import annotations

import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.report.runs import CLASSES, HOSTILE, classification_run, regression_run

from derin.core.errors import RefusedFileError, UsageError
from derin.core.messages import Message
from derin.data.report import DataReport, Outcome, sentences
from derin.data.schema import Column, Kind, Role, Schema
from derin.report import write_report
from derin.report.charts import scatter
from derin.strategy.numbers import number_text

VOID = {"br", "img", "meta", "hr"}


class Page(HTMLParser):
    """What a browser would see: elements with attributes, texts by the element around them, and nesting that closes."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open[-1] if self._open else "", data))

    @property
    def text(self) -> str:
        return " ".join(data for tag, data in self.texts if tag != "style")

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "en")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return classification_run(tmp_path / "run")


def test_the_page_has_every_section_and_links_to_it(run: Path) -> None:
    page = Page(write_report(run))
    anchors = [a["href"] for a in page.all("a")]
    names = [
        "result",
        "diagnosis",
        "learning",
        "measurements",
        "mistakes",
        "examples",
        "data",
        "network",
        "plan",
        "reproduce",
    ]
    assert anchors == [f"#{name}" for name in names]
    assert [s["id"] for s in page.all("section")] == names


def test_nothing_is_loaded_from_elsewhere(run: Path) -> None:
    page = Page(write_report(run))
    for name, attributes in page.elements:
        for key, value in attributes.items():
            if key in ("src", "href", "srcset", "data", "action", "poster", "background"):
                assert (value or "").startswith(("#", "data:image/png;base64,")), (name, key, value)
    style = "".join(data for tag, data in page.texts if tag == "style")
    assert "url(" not in style
    assert "@import" not in style
    assert page.all("script") == []
    assert page.all("link") == []
    policies = [m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_hostile_names_are_text_and_never_markup(tmp_path: Path) -> None:
    breakout = '"><img src=x onerror=alert(1)>'
    run = classification_run(tmp_path / "run", command=f"derin train {breakout}")
    record = json.loads((run / "run.json").read_text())
    record["data"]["name"] = record["model"]["name"] = breakout
    record["data"]["schema"][0]["name"] = "</style><script>x</script>"
    (run / "run.json").write_text(json.dumps(record))
    page = Page(write_report(run))
    assert page.all("script") == []
    assert all((image["src"] or "").startswith("data:image/png") for image in page.all("img"))
    assert not any(key.startswith("on") for _, attributes in page.elements for key in attributes)
    assert HOSTILE in page.text
    assert f"{breakout} on {breakout}" in page.text
    assert "</style><script>x</script>" in page.text


def test_the_headline_comes_with_interval_baseline_and_what_was_trained(run: Path) -> None:
    text = Page(write_report(run)).text
    assert "80.0%" in text  # 96 of 120
    assert "with 95% confidence it lies between 72.3% and 85.7%" in text
    assert "24 of 120 answers are wrong" in text
    assert "Always answering “cat” would reach 36.7%." in text  # 44 of 120
    assert (
        "convnet (66,154 parameters) was trained on photos for classification: 600 examples, 12 epochs, 1 min 23 s."
        in text
    )
    assert "The test split was measured once" in text


def test_a_run_that_goes_on_from_weights_says_which_and_what_learned(tmp_path: Path) -> None:
    tuning = {
        "mode": "head",
        "reason": "45 examples are few",
        "weights": {"source": "mobilenet", "license": "Apache 2.0"},
        "features_computed_once": True,
    }
    text = Page(write_report(classification_run(tmp_path / "run", finetune=tuning))).text
    assert "Going on from mobilenet (Apache 2.0): the output layer learns from features that are" in text
    assert "45 examples are few" in text


def test_every_count_of_the_confusion_matrix_stands_in_its_cell(run: Path) -> None:
    titles = [data for tag, data in Page(write_report(run)).texts if tag == "title"]
    assert f"bird → {HOSTILE}: 12 (63.2%)" in titles
    assert "cat → cat: 40 (90.9%)" in titles
    assert sum(" → " in title for title in titles) == len(CLASSES) ** 2


def test_many_classes_get_a_table_of_confusions_instead_of_a_matrix(tmp_path: Path) -> None:
    num = 31
    confusion = np.eye(num, dtype=int) * 5
    confusion[3, 17] = 4
    run = classification_run(tmp_path / "run", details={"test": {"confusion": confusion.tolist()}})
    page = Page(write_report(run))
    assert not any("matrix" in (figure.get("class") or "") for figure in page.all("figure"))
    rows = re.findall(
        r"<tr><td>3</td><td>17</td><td class=\"number\">4</td><td class=\"number\">44\.4%</td></tr>", page.source
    )
    assert len(rows) == 1


def test_pictures_are_embedded_as_they_were(run: Path) -> None:
    page = Page(write_report(run))
    wanted = np.load(run / "examples.npz", allow_pickle=False)["pictures"]
    images = page.all("img")
    assert len(images) == len(wanted)
    for image, pixels in zip(images, wanted):
        encoded = (image["src"] or "").removeprefix("data:image/png;base64,")
        with Image.open(io.BytesIO(base64.b64decode(encoded))) as decoded:
            assert np.array_equal(np.asarray(decoded), pixels)
    assert "This page embeds pictures of your data." in page.text


def test_without_pictures_no_piece_of_the_data_is_left(run: Path) -> None:
    page = Page(write_report(run, pictures=False))
    assert page.all("img") == []
    assert "Written without examples of the data." in page.text
    for name in ("test/cat/9.jpg", "cat/12.jpg", "bird/3.gif", "test/<script>"):
        assert name not in page.text
    assert "the file is truncated" in page.text  # what happened is still told, though not to which file


def test_what_was_noticed_about_the_data_is_told(run: Path) -> None:
    text = Page(write_report(run)).text
    assert "CMYK to RGB" in text
    assert "cat/12.jpg" in text
    assert "2 groups of examples have equal content." in text
    assert "1 of them lies in more than one split" in text
    assert "train/cat/1.jpg, test/cat/9.jpg" in text
    assert "train/cat/4.jpg" not in text  # equal within one split is no leak
    assert "seeded and stratified" in text


def test_what_was_said_while_reading_is_told_in_the_readers_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = classification_run(tmp_path / "run")
    record = json.loads((run / "run.json").read_text())
    reading = DataReport(notes=[Message("reading.resized", height=32, width=48), "A note of the user's own."])
    reading.add("a.jpg", Outcome.SKIPPED, Message("reading.truncated"))
    label = Column(name="label", kind=Kind.CATEGORY, role=Role.TARGET, note=Message("reading.from_folders"))
    schema = Schema((label,))
    record["data"] |= {"reading": reading.to_json(), "schema": schema.to_json()}
    record["data"]["sentences"] = sentences(reading, schema)
    (run / "run.json").write_text(json.dumps(record))
    english = Page(write_report(run)).text
    for text in ("All pictures were resized to 32 x 48.", "truncated picture", "from the names of the folders"):
        assert text in english
    monkeypatch.setenv("DERIN_LANG", "tr")
    turkish = Page(write_report(run)).text
    for text in ("Bütün resimler 32 x 48 boyutuna getirildi.", "yarım kalmış resim", "klasör adlarından"):
        assert text in turkish
    assert "A note of the user's own." in turkish
    assert "truncated picture" not in turkish


@pytest.mark.parametrize("damage", [None, 3, {"truncated picture": 7}, {"cat": {"key": "reading.enlarged"}}])
def test_a_damaged_record_of_sentences_leaves_the_english(run: Path, damage: object) -> None:
    record = json.loads((run / "run.json").read_text())
    record["data"]["sentences"] = damage
    (run / "run.json").write_text(json.dumps(record))
    assert "the file is truncated" in Page(write_report(run)).text


def test_the_plan_table_tells_how_much_faster_the_taken_plan_is(run: Path) -> None:
    text = Page(write_report(run)).text
    assert "Each training step was executed as bf16,channels-last,fused." in text
    assert "3.05×" in text  # 35.1 / 11.5
    assert "dropped: out of memory" in text


def test_how_to_reproduce_names_command_seed_versions_and_fingerprint(run: Path) -> None:
    text = Page(write_report(run)).text
    for part in ("derin train ./photos --epochs 12 --seed 7", "2.13.0", "ab" * 32, "flip,crop_padding=4"):
        assert part in text


def test_a_run_from_python_is_reproduced_from_python(tmp_path: Path) -> None:
    text = Page(write_report(classification_run(tmp_path / "run", command=None))).text
    assert "derin.fit('./photos', epochs=12, seed=7)" in text


def test_regression_shows_predicted_against_true_and_the_residuals(tmp_path: Path) -> None:
    run = regression_run(tmp_path / "run", num_points=40)
    page = Page(write_report(run))
    dots = [c for c in page.all("circle") if "cloud" in (c.get("class") or "")]
    assert len(dots) == 40
    bars = [b for b in page.all("rect") if b.get("class") == "bar"]
    counted = [int(m) for m in re.findall(r" to \S+: (\d+) examples?<", page.source)]
    assert len(bars) == len(counted)
    assert sum(counted) == 40
    assert "This page shows rows of your data." in page.text
    assert "line " in page.text


def test_rows_and_what_decides_the_bits_are_named_in_the_readers_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DERIN_LANG", "tr")
    page = Page(write_report(regression_run(tmp_path / "run", num_points=40)))
    assert re.search(r"satır \d+", page.text)
    assert not re.search(r"\bline \d+", page.text)
    facts = re.findall(r"<dt>([^<]+)</dt>", page.source)
    assert {"tohum", "iş parçacığı"} <= set(facts)
    assert not {"seed", "threads", "device", "processor"} & set(facts)


def test_large_numbers_are_grouped_along_both_axes() -> None:
    drawn = str(
        scatter(
            [(0.0, 0.0), (600_000.0, 600_000.0)],
            x_label="x",
            y_label="y",
            format_number=number_text,
            hover=lambda x, y: "",
        )
    )
    assert drawn.count(">400,000<") == 2


def test_texts_are_shown_with_their_names_and_left_out_on_request(tmp_path: Path) -> None:
    run = classification_run(tmp_path / "run")
    arrays = dict(np.load(run / "examples.npz", allow_pickle=False))
    del arrays["pictures"]
    arrays["inputs"] = np.array([f"sentence {i} & <b>" for i in range(len(arrays["rows"]))])
    np.savez(run / "examples.npz", **arrays)
    page = Page(write_report(run))
    assert "sentence 3 & <b>" in page.text
    assert f"test/{HOSTILE}/3.jpg" in page.text
    assert "sentence 3" not in Page(write_report(run, pictures=False)).text


@pytest.mark.parametrize("same", [True, False])
def test_mistakes_that_are_worst_and_surest_stand_once(tmp_path: Path, same: bool) -> None:
    run = classification_run(tmp_path / "run")
    arrays = dict(np.load(run / "examples.npz", allow_pickle=False))
    chosen = [0, 1, 2, 0, 1, 2, 3] if same else [0, 1, 2, 1, 0, 2, 3]
    arrays = {name: values[chosen] for name, values in arrays.items()}
    arrays["reason"] = np.array(["loss"] * 3 + ["confident"] * 3 + ["unsure"])
    np.savez(run / "examples.npz", **arrays)
    page = Page(write_report(run))
    assert ("Confidently wrong" in page.text) == (not same)
    assert ("They are also the wrong answers given with the highest probability." in page.text) == same
    assert len(page.all("img")) == (4 if same else 7)


def test_a_run_that_is_still_going_shows_what_there_is(tmp_path: Path) -> None:
    run = classification_run(tmp_path / "run", finished=False)
    (run / "examples.npz").unlink()
    record = json.loads((run / "run.json").read_text())
    for name in ("metrics", "intervals", "details", "num_examples", "best_epoch", "epochs", "seconds", "plan"):
        del record[name]
    (run / "run.json").write_text(json.dumps(record))
    page = Page(write_report(run))
    assert "This run is not finished" in page.text
    assert [s["id"] for s in page.all("section")] == [
        "result",
        "diagnosis",
        "learning",
        "measurements",
        "data",
        "network",
        "reproduce",
    ]
    assert "12 epochs" in page.text


def test_a_bare_record_without_a_log_still_gives_a_page(tmp_path: Path) -> None:
    tmp_path.joinpath("run.json").write_text('{"format": 1}')
    assert "This run is not finished" in Page(write_report(tmp_path)).text


@pytest.mark.parametrize("language", ["en", "tr"])
def test_the_page_says_its_language(run: Path, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", language)
    page = Page(write_report(run))
    assert page.all("html")[0]["lang"] == language
    assert ("Test setinde doğruluk" in page.text) == (language == "tr")
    assert ("%80,0" in page.text) == (language == "tr")


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no run"):
        write_report(tmp_path)


def test_examples_that_would_run_code_are_refused(run: Path) -> None:
    np.savez(run / "examples.npz", reason=np.array([{"a": 1}], dtype=object))
    with pytest.raises(RefusedFileError, match=r"examples\.npz.* is refused"):
        write_report(run)


@pytest.mark.parametrize(
    "arrays",
    [
        {"reason": np.array(["loss"]), "pictures": np.zeros((2, 3, 3, 3), np.uint8)},
        {"reason": np.array(["loss"]), "pictures": np.zeros((1, 3, 3), np.uint8)},
        {"reason": np.array(["loss"]), "probability": np.array(["high"])},
        {"reason": np.array([1])},
    ],
)
def test_examples_that_do_not_fit_together_are_refused(run: Path, arrays: dict[str, np.ndarray]) -> None:
    np.savez(run / "examples.npz", **arrays)
    with pytest.raises(RefusedFileError, match="has shape"):
        write_report(run)


def test_examples_that_are_no_archive_are_refused(run: Path) -> None:
    (run / "examples.npz").write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(RefusedFileError, match=r"examples\.npz.* is refused"):
        write_report(run)
