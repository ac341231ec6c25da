"""Tagging from a file to answers: what is learned, measured, found and said."""

from __future__ import annotations

import dataclasses
import json
import random
import re
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.tasks.task_tables import classes_table
from torch import Tensor, nn

import derin
from derin.cli.predict import predict
from derin.core.errors import DataError, RefusedFileError, ShapeError
from derin.data.batch import Batch
from derin.data.schema import Schema
from derin.data.table import Ragged
from derin.models.tagger import Tagger, TaggerOptions
from derin.readers.conll import read_conll
from derin.tasks.registry import task_from_json
from derin.tasks.tagged_sentence import Entity, TaggedSentence, as_written
from derin.tasks.tagging import Tagging
from derin.tasks.tagging_findings import tagging_findings
from derin.train.callback import Callback

CLASSES = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
SMALL = {"word_dim": 12, "hidden": 10, "filters": 5, "character_dim": 6, "dropout": 0.1}
QUICK: dict[str, Any] = {"report": False, "plan": "plain", "threads": 1, "device": "cpu"}


def save(folder: Path, num: int = 40, name: str = "a.conll") -> Path:
    """Sentences in which a capital word before "lives" is a person and one after "in" a place."""
    random_ = random.Random(5)
    people, places = ("Ada", "Ali", "Zeynep", "Hall"), ("Oslo", "Rome", "Lima")
    lines = []
    for _ in range(num):
        first, last, place = random_.choice(people), random_.choice(people), random_.choice(places)
        surname = [f"{last} I-PER"] if random_.random() < 0.5 else []
        lines += [f"{first} B-PER", *surname, "lives O", "in O", f"{place} B-LOC", ". O", ""]
    path = folder / name
    path.write_text("\n".join(lines))
    return path


def test_a_file_of_sentences_gives_a_tagger_that_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = derin.fit(
        save(tmp_path), task="tagging", out=tmp_path / "run", epochs=12, batch_size=8, learning_rate=0.02,
        model_options=SMALL, **QUICK,
    )  # fmt: skip
    model = derin.open(run.path)
    assert run.record["metrics"]["test"]["f1"] > 0.95
    answer = model.predict("Zeynep Hall lives in Rome.")
    sure = pytest.approx(0.75, abs=0.25)
    assert answer.to_json() == {
        "words": ["Zeynep", "Hall", "lives", "in", "Rome", "."],
        "tags": ["B-PER", "I-PER", "O", "O", "B-LOC", "O"],
        "probabilities": [sure] * 6,
        "entities": [
            {"text": "Zeynep Hall", "type": "PER", "start": 0, "end": 2, "probability": sure},
            {"text": "Rome", "type": "LOC", "start": 4, "end": 5, "probability": sure},
        ],
    }
    # A span is at most as sure as each of its tags.
    assert answer.entities[0].probability <= min(answer.probabilities[:2]) + 1e-6
    several = model.predict(["Ada lives in Rome.", "Zeynep Hall lives in Rome."])
    assert several[1].entities[0].text == "Zeynep Hall"
    assert several[1].probabilities == pytest.approx(answer.probabilities, abs=1e-5)  # other sizes, other roundings
    assert model.predict([["Ada", "lives", "in", "Rome", "."]])[0].tags == several[0].tags
    predict(run.path, ["Öz lives in Rome."], out=tmp_path / "answers.csv")
    assert "Öz" in (tmp_path / "answers.csv").read_text(encoding="utf-8").splitlines()[1].split('"[', 1)[1]
    predict(run.path, ["Zeynep Hall lives in Rome."])
    assert re.search(r"\[LOC Rome\] \.  \(Zeynep Hall: PER 0\.\d{3}, Rome: LOC 0\.\d{3}\)", capsys.readouterr().out)
    found = run.record["findings"]
    assert found["split"] == "test"
    assert set(found) == {"split", "baseline", "seen", "new", "mistakes", "examples"}
    metrics, num = model.evaluate(tmp_path / "a.conll")
    assert (metrics["f1"], num) == (run.record["metrics"]["test"]["f1"], 8)
    json.dumps(found)


def test_an_interrupted_run_resumes_to_the_same_bits(tmp_path: Path) -> None:
    class Interrupt(Callback):
        def on_step(self, loop: Any) -> None:
            if loop.step == 7:
                signal.raise_signal(signal.SIGINT)
                time.sleep(0.3)  # the handler runs in the main thread

    path = save(tmp_path)
    settings = {"task": "tagging", "epochs": 3, "batch_size": 5, "model_options": SMALL, "ema_decay": 0.9, **QUICK}
    whole = derin.fit(path, out=tmp_path / "whole", **settings)
    part = derin.fit(path, out=tmp_path / "part", callbacks=[Interrupt()], **settings)
    assert not part.finished
    resumed = derin.fit(out=tmp_path / "part", resume=True, report=False)
    assert resumed.finished
    names = [run.path / "model" / "model.safetensors" for run in (whole, resumed)]
    assert names[0].read_bytes() == names[1].read_bytes()


def example_batch() -> Batch:
    generator = torch.Generator().manual_seed(1)
    mask = torch.arange(5) < torch.tensor([[5], [2], [4]])
    inputs = torch.randint(1, 9, (3, 5, 4), generator=generator) * mask[..., None]
    target = torch.randint(0, 5, (3, 5), generator=generator) * mask
    return Batch({"input": inputs, "target": target}, torch.arange(3))


def small_network() -> Tagger:
    torch.manual_seed(0)
    return Tagger((5, 4), 5, TaggerOptions(vocabulary=9, characters=9, word_dim=7, hidden=6, filters=3)).eval()


def test_the_loss_is_per_word_whatever_the_batch() -> None:
    task, network, batch = Tagging(columns=["tags"], classes=CLASSES), small_network(), example_batch()
    losses = task.loss(network, batch)
    sums = []
    for row, length in enumerate((5, 2, 4)):
        part = Batch({name: v[row : row + 1, :length] for name, v in batch.columns.items()}, batch.rows[row : row + 1])
        found = task.loss(network, part)
        assert int(found["weight_sum"]) == length
        sums.append(found["loss"] * length)
    torch.testing.assert_close(losses["loss"], torch.stack(sums).sum() / 11)
    measured = task.metrics()
    measured.update(task.predict(network, batch), batch)
    assert measured.compute()["loss"] == pytest.approx(float(losses["loss"].detach()), rel=1e-5)


class WordByWord(nn.Module):
    """A network without a random field."""

    def __init__(self, num_tags: int) -> None:
        super().__init__()
        self.table = nn.Embedding(9, num_tags)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.table(x[..., 0])
        return scores


def test_a_network_without_a_random_field_learns_each_tag_by_itself() -> None:
    task, network, batch = Tagging(columns=["tags"], classes=CLASSES), WordByWord(5), example_batch()
    scores, mask = network(batch["input"]), batch["input"][..., 0] != 0
    expected = nn.functional.cross_entropy(scores[mask], batch["target"][mask])
    torch.testing.assert_close(task.loss(network, batch)["loss"], expected)
    outputs = task.predict(network, batch)
    assert torch.equal(outputs["tags"][mask], scores.argmax(dim=2)[mask])


def test_without_a_random_field_a_tag_is_as_sure_as_its_softmax_and_a_span_as_the_product() -> None:
    task, network = Tagging(columns=["tags"], classes=CLASSES), WordByWord(5)
    words = ("Ada", "Hall", "sat", "in", "Rome")
    numbers = torch.arange(1, 6)[None, :, None]
    with torch.no_grad():
        network.table.weight.copy_(torch.randn(9, 5, generator=torch.Generator().manual_seed(3)))
        for word, tag in enumerate([3, 4, 0, 0, 1], start=1):
            network.table.weight[word, tag] += 3
    outputs = task.predict(network, Batch({"input": numbers}, torch.arange(1)))
    with torch.no_grad():
        (answer,) = task._tagged_sentences(network, outputs, [words], [None])
    p = network.table.weight[1:6].detach().double().softmax(dim=1)
    expected = [float(p[place, tag]) for place, tag in enumerate([3, 4, 0, 0, 1])]
    assert answer.probabilities == pytest.approx(expected, rel=1e-5)
    assert [entity.text for entity in answer.entities] == ["Ada Hall", "Rome"]
    # "Ada Hall" ends where no I-PER follows; nothing can follow "Rome".
    person = float(p[0, 3] * p[1, 4] * (1 - p[2, 4]))
    assert [entity.probability for entity in answer.entities] == pytest.approx([person, expected[4]], rel=1e-5)


def test_a_network_with_other_outputs_is_refused() -> None:
    task = Tagging(columns=["tags"], classes=CLASSES)
    with pytest.raises(ShapeError, match="must give 5 scores for each word"):
        task.check_batch(WordByWord(4), example_batch())


def test_the_card_brings_the_task_back_and_a_damaged_one_does_not() -> None:
    task = Tagging(columns=["tags"], classes=CLASSES)
    assert task_from_json(task.to_json()) == task
    changes: list[dict[str, Any]] = [{"classes": []}, {"classes": [3]}, {"more": 1}]
    for change in changes:
        with pytest.raises(RefusedFileError):
            task_from_json(task.to_json() | change)


def test_plain_tags_are_headed_by_accuracy() -> None:
    assert Tagging(columns=["tags"], classes=["NOUN", "VERB"]).monitor == "accuracy"


def test_tags_of_another_table_are_matched_by_name(tmp_path: Path) -> None:
    (tmp_path / "b.conll").write_text("Ada B-PER\nsat O\n")
    other = read_conll(tmp_path / "b.conll", name="b")
    found = Tagging(columns=["tags"], classes=CLASSES).batch_columns(other)["target"]
    assert found.flat.tolist() == [3, 0]
    with pytest.raises(DataError, match="the tags B-PER are unknown to this tagger, which knows LOC"):
        Tagging(columns=["tags"], classes=CLASSES[:3]).batch_columns(other)


def test_the_one_column_of_tags_is_taken_whatever_its_name_and_of_several_the_named_one(tmp_path: Path) -> None:
    (tmp_path / "b.conll").write_text("Ada B-PER\nsat O\n")
    table = read_conll(tmp_path / "b.conll", name="b")
    (column,) = table.targets
    other = Tagging(columns=["another"], classes=CLASSES)
    assert other.batch_columns(table)["target"].flat.tolist() == [3, 0]
    # With a second column of tags of the same words, its name decides, and a name that is neither decides nothing.
    twin = dataclasses.replace(column, name="twin")
    two = dataclasses.replace(
        table,
        schema=Schema((*table.schema.columns, twin)),
        columns={**table.columns, "twin": table.columns[column.name]},
    )
    assert Tagging(columns=["twin"], classes=CLASSES).batch_columns(two)["target"].flat.tolist() == [3, 0]
    with pytest.raises(DataError, match="'another' with a tag for each word is required"):
        other.batch_columns(two)


def test_tables_without_tags_are_refused() -> None:
    table = classes_table([0, 1, 1], ("no", "yes"))
    with pytest.raises(DataError, match="needs a column of tags"):
        Tagging.from_table(table, np.arange(3), {})


def test_entities_are_told_as_they_stand_in_the_text() -> None:
    words = ("In", "New", "York", ",", "Ada", "'s")
    found = [as_written(words, start, end, "In New  York, Ada's") for start, end in ((1, 3), (4, 5))]
    assert found == ["New  York", "Ada"]
    assert as_written(words, 1, 3, None) == "New York"
    entities = (Entity("New  York", "LOC", 1, 3, 0.75), Entity("Ada", "PER", 4, 5, 0.5))
    answer = TaggedSentence(words, ("O", "B-LOC", "I-LOC", "O", "B-PER", "O"), (0.9,) * 6, entities)
    assert str(answer) == "In [LOC New  York] , [PER Ada] 's"
    plain = TaggedSentence(("go", "on"), ("VERB", "PART"), (0.5, 0.5), ())
    assert repr(plain) == "TaggedSentence(go/VERB on/PART)"


def test_findings_count_every_wrong_span_once() -> None:
    sentences = [["Ada", "Hall", "sat"], ["Oslo", "is", "Lima"], ["so", "Rome"], ["Ada"]]
    true = [[3, 4, 0], [1, 0, 1], [0, 1], [3]]
    predicted = {0: [3, 0, 0], 1: [3, 0, 1], 2: [1, 0], 3: [3]}
    words = Ragged.from_texts(["\n".join(sentence) for sentence in sentences])
    offsets = np.cumsum([0] + [len(t) for t in true])
    tags = Ragged(np.array([tag for of_sentence in true for tag in of_sentence]), offsets)
    found = tagging_findings(words, tags, np.array([3]), predicted, CLASSES, "val")
    assert found["mistakes"] == {"type": 1, "ends": 1, "both": 0, "missed": 1, "invented": 1}
    assert found["seen"] == {"num": 1, "recall": 1.0}
    assert found["new"] == {"num": 4, "recall": 0.25}
    # Only "Ada" was in training: right in the last sentence, too short in the first.
    assert found["baseline"] == {"precision": 0.5, "recall": 0.2, "f1": pytest.approx(2 / 7)}
    assert found["examples"][0]["words"] == ["Ada", "Hall", "sat"]
    assert found["examples"][-1] == {"words": ["Ada"], "true": [["PER", 0, 1]], "predicted": [["PER", 0, 1]]}


@pytest.mark.data
def test_looking_spans_up_reaches_the_published_baseline(data_folder: Path) -> None:
    """Tjong Kim Sang and De Meulder, CoNLL 2003, table 5: 71.91, 50.90 and 59.61 % on the English test set."""
    table = read_conll(data_folder / "conll2003_en", name="conll2003_en")
    words, tags, classes = table.columns["words"], table.columns["tags"], table.target().classes
    assert isinstance(words, Ragged)
    assert isinstance(tags, Ragged)
    assert classes is not None
    bounds = tags.offsets.tolist()
    nothing = {row: [0] * (bounds[row + 1] - bounds[row]) for row in table.splits["test"].tolist()}
    found = tagging_findings(words, tags, table.splits["train"], nothing, classes, "test")
    assert found["baseline"] == {
        "precision": pytest.approx(0.7191, abs=0.001),
        "recall": pytest.approx(0.5090, abs=0.001),
        "f1": pytest.approx(0.5961, abs=0.001),
    }


@pytest.mark.slow
def test_words_that_only_the_imported_vectors_know_get_the_tags_of_words_like_them(tmp_path: Path) -> None:
    random_ = random.Random(2)
    made = ["".join(random_.choice(pair) for pair in ("btmk", "aeio", "lnrs", "aeiu", "dgpz")) for _ in range(24)]
    people, places = made[:12], made[12:]
    noise = np.random.default_rng(0).normal(0, 0.1, (24, 3))
    with (tmp_path / "vectors.txt").open("w") as file:
        for number, (word, extra) in enumerate(zip(made, noise, strict=True)):
            values = np.array([1.0, 0.0, 0.5] if number < 12 else [0.0, 1.0, 0.5]) + extra
            print(word, *(f"{value:.3f}" for value in values), file=file)
    known = [("PER", word) for word in people[:6]] + [("LOC", word) for word in places[:6]]
    sentences = [f"see O\n{word} B-{kind}\nnow O\n" for kind, word in known]
    for split in ("train", "val"):
        (tmp_path / f"{split}.conll").write_text("\n".join(sentences))
    run = derin.fit(
        tmp_path, task="tagging", out=tmp_path / "run", epochs=20, batch_size=4, learning_rate=0.02,
        inputs={"vectors": str(tmp_path / "vectors.txt")}, model_options={**SMALL, "word_dropout": 0.2}, **QUICK,
    )  # fmt: skip
    answers = derin.open(run.path).predict([["see", word, "now"] for word in people[6:] + places[6:]])
    right = sum(answer.tags[1] == ("B-PER" if number < 6 else "B-LOC") for number, answer in enumerate(answers))
    assert right >= 11


def ragged(tags: list[list[int]]) -> Ragged:
    return Ragged(np.array([t for own in tags for t in own]), np.cumsum([0] + [len(own) for own in tags]))


def test_spans_are_looked_up_longest_first_and_mistakes_told_apart() -> None:
    """B-LOC is 1, I-LOC 2, B-PER 3, I-PER 4."""
    known = [["New", "York", "City"], ["York"], ["York"], ["York", "so"]]
    sentences = [*known, ["New", "York", "City", "York", "New"], ["a", "b", "c", "d"], ["e", "f", "g", "h"]]
    true = [[1, 2, 2], [3], [1], [3, 0], [1, 2, 2, 3, 0], [1, 2, 3, 4], [0, 1, 2, 0]]
    predicted = {4: [1, 2, 2, 1, 0], 5: [0, 3, 4, 0], 6: [3, 0, 0, 1]}
    words = Ragged.from_texts(["\n".join(sentence) for sentence in sentences])
    found = tagging_findings(words, ragged(true), np.arange(4), predicted, CLASSES, "test")
    # The whole of New York City, then York as the person that it was most often; nothing for New alone.
    assert found["baseline"] == {"precision": 1.0, "recall": 0.4, "f1": pytest.approx(4 / 7)}
    assert found["seen"] == {"num": 2, "recall": 0.5}
    assert found["new"] == {"num": 3, "recall": 0.0}
    # York has the wrong type. "b c", a person, touches the place "a b" (both differ) and the person "c d" (ends alone).
    # Spans side by side do not touch: "f g" was missed, "e" and "h" were invented.
    assert found["mistakes"] == {"type": 1, "ends": 1, "both": 1, "missed": 1, "invented": 2}
    assert [example["words"][0] for example in found["examples"]] == ["a", "e", "New"]  # 3, 3 and 2 wrong spans


def test_examples_are_the_worst_sentences_and_the_richest_right_ones_of_readable_length() -> None:
    lengths = [40, 41, *range(1, 31)]
    words = Ragged.from_texts(["\n".join(["w"] * num) for num in lengths])
    tags = [[1] * num for num in lengths]
    wrong = {row: [0] * num if row % 2 else [1] * num for row, num in enumerate(lengths)}
    found = tagging_findings(words, ragged(tags), np.arange(0), wrong, CLASSES, "val")
    shown = [(len(example["words"]), bool(example["predicted"])) for example in found["examples"]]
    assert shown == [(num, False) for num in range(30, 14, -2)] + [(num, True) for num in (40, 29, 27, 25)]
    assert found["baseline"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    assert found["seen"] == {"num": 0, "recall": None}


def test_of_plain_tags_each_word_is_a_span() -> None:
    words = Ragged.from_texts(["go\non", "on\nit"])
    found = tagging_findings(words, ragged([[0, 1], [1, 2]]), np.array([0]), {1: [1, 0]}, ("A", "B", "C"), "val")
    assert "mistakes" not in found
    assert found["baseline"] == {"precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3)}
    assert (found["seen"], found["new"]) == ({"num": 1, "recall": 1.0}, {"num": 1, "recall": 0.0})
    assert found["examples"] == [
        {"words": ["on", "it"], "true": [["B", 0, 1], ["C", 1, 2]], "predicted": [["B", 0, 1], ["A", 1, 2]]}
    ]


def test_a_split_without_sentences_has_no_findings_to_count() -> None:
    words = Ragged.from_texts(["go\non"])
    found = tagging_findings(words, ragged([[0, 1]]), np.array([0]), {}, ("A", "B"), "test")
    assert (found["seen"]["num"], found["new"]["num"], found["examples"]) == (0, 0, [])
