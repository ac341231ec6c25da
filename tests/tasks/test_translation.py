"""The task of translation: its loss against torch, its search, whose fault a mistake is, and whole runs."""

from __future__ import annotations

import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import derin
from derin.core.errors import MissingExtraError, RefusedFileError, UsageError
from derin.data.preparation import Batching, preparation_from_json
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Ragged, Table
from derin.data.text.pair_preparation import PairPreparation
from derin.data.text.vocabulary import BOS, EOS
from derin.datasets.generated.dates import generate_dates
from derin.models import build
from derin.models.translator import Translator
from derin.tasks import translation_findings as translation_findings_module
from derin.tasks.beam_search import Hypotheses, beam_search
from derin.tasks.blame import Fault, blame
from derin.tasks.registry import task_from_json
from derin.tasks.translation import Translation
from derin.tasks.translation_findings import alignment_of, scores_by_length, searched_scores, translation_findings
from derin.train.callback import Callback

SOURCES = ["the cat sleeps", "a dog runs fast", "the dog sleeps", "a cat", "the bird sings today", "birds fly"]
TARGETS = ["le chat dort", "un chien court vite", "le chien dort", "un chat", "l'oiseau chante", "les oiseaux volent"]


def table(sources: list[str] = SOURCES, targets: list[str] = TARGETS) -> Table:
    columns = (("en", Role.INPUT, sources), ("fr", Role.TARGET, targets))
    rows = np.arange(len(sources))
    return Table(
        name="pairs",
        schema=Schema(tuple(Column(name=name, kind=Kind.TEXT, role=role) for name, role, _ in columns)),
        columns={name: Ragged.from_texts(texts) for name, _, texts in columns},
        splits={"train": rows, "val": rows[:3], "test": rows[3:]},
        task="translation",
    )


def bound(**inputs: Any) -> tuple[Translation, PairPreparation]:
    data = table()
    preparation = PairPreparation.fit(data, data.splits["train"], **inputs)
    task = Translation.from_table(data, data.splits["train"], {})
    task.bind(preparation)
    return task, preparation


def network(task: Translation, preparation: PairPreparation, name: str = "seq2seq_attention") -> Translator:
    options: dict[str, Any] = preparation.network_options()
    options |= {"units": 12, "dim": 10} if name != "transformer" else {"dim": 12, "num_heads": 3, "hidden": 20}
    model = build(name, input_shape=preparation.input_shape, num_outputs=task.num_outputs, seed=1, **options)
    assert isinstance(model, Translator)
    return model.eval()


def first_batch(preparation: PairPreparation, data: Table) -> Any:
    source = preparation.source(
        preparation.encode_table(data), {}, data.splits["train"], input_name="input", batching=Batching(batch_size=60)
    )
    return next(iter(source.batches(0)))


def test_sources_end_and_targets_begin_and_end() -> None:
    _, preparation = bound(tokenizer="words")
    batch = first_batch(preparation, table())
    source, target = batch["input"], batch["target"]
    for row in source.tolist():
        kept = [token for token in row if token]
        assert kept[-1] == EOS
        assert kept.count(EOS) == 1
    assert (target[:, 0] == BOS).all()
    place = batch.rows.tolist().index(1)
    assert preparation.source_encoder.decode(source[place].numpy()) == SOURCES[1]
    assert preparation.target_encoder.decode(target[place].numpy()) == TARGETS[1]


@pytest.mark.parametrize("tokenizer", ["words", "characters", "bpe"])
def test_a_preparation_survives_card_and_files(tokenizer: str) -> None:
    _, preparation = bound(tokenizer=tokenizer)
    again = preparation_from_json(preparation.to_json(), preparation.files())
    assert isinstance(again, PairPreparation)
    assert again.shared == preparation.shared == (tokenizer != "words")
    for text in (*SOURCES, "an unseen text, ışık"):
        assert again.read(text).tolist() == preparation.read(text).tolist()
    damaged = {**preparation.to_json(), "longest": -1}
    with pytest.raises(RefusedFileError, match="preparation of pairs is refused: longest"):
        preparation_from_json(damaged, preparation.files())


def test_codes_are_read_by_characters_and_sentences_by_byte_pairs() -> None:
    dates = generate_dates("tr", num=60)
    assert PairPreparation.fit(dates, dates.splits["train"]).source_encoder.tokenizer.name == "characters"
    assert bound()[1].source_encoder.tokenizer.name == "bpe"
    assert Translation.default_model(dates) == "seq2seq_attention"
    assert Translation.default_model(table()) == "seq2seq_attention"


def test_longer_pairs_are_left_out_of_training_only() -> None:
    _, preparation = bound(tokenizer="words", max_length=4)
    data = table()
    host = preparation.encode_table(data)
    counts = [
        preparation.source(
            host, {}, data.splits["train"], input_name="input", batching=Batching(batch_size=2, shuffle=shuffle)
        ).num_examples
        for shuffle in (True, False)
    ]
    short = [
        len(s.split()) + 1 <= 4 and len(preparation.target_encoder.encode([t]).flat) + 2 <= 4
        for s, t in zip(SOURCES, TARGETS)
    ]
    assert counts == [sum(short), 6]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_torchs_over_the_tokens_that_are_there(smoothing: float) -> None:
    task, preparation = bound(tokenizer="words")
    task = Translation(task.columns, label_smoothing=smoothing)
    task.bind(preparation)
    model, batch = network(task, preparation), first_batch(preparation, table())
    losses = task.loss(model, batch)
    read, said = batch["target"][:, :-1], batch["target"][:, 1:]
    there = said != 0
    expected = F.cross_entropy(model(batch["input"], read)[there], said[there], label_smoothing=smoothing)
    torch.testing.assert_close(losses["loss"], expected)
    assert int(losses["weight_sum"]) == int(there.sum())
    outputs = task.predict(model, batch)
    plain = F.cross_entropy(model(batch["input"], read)[there], said[there])
    torch.testing.assert_close(outputs["nll"].sum() / outputs["num_tokens"].sum(), plain)


def test_a_card_keeps_the_task_and_a_damaged_one_is_refused() -> None:
    task = Translation(["fr"], label_smoothing=0.1)
    assert task_from_json(task.to_json()) == task
    with pytest.raises(RefusedFileError, match="label_smoothing"):
        task_from_json({**task.to_json(), "label_smoothing": 2})
    with pytest.raises(UsageError, match="no vocabularies"):
        _ = task.num_outputs


def test_translations_keep_the_order_of_the_texts() -> None:
    task, preparation = bound(tokenizer="words")
    model = network(task, preparation)
    together = task.translate(model, SOURCES, beam_size=2, num_best=2, batch_size=4)
    alone = [task.translate(model, [text], beam_size=2, num_best=2)[0] for text in SOURCES]
    assert [t.text for t in together] == [t.text for t in alone]
    with pytest.raises(UsageError, match="num_best"):
        task.translate(model, SOURCES, beam_size=2, num_best=3)
    with pytest.raises(UsageError, match="encode, start and step"):
        task.translate(torch.nn.Linear(2, 2), SOURCES)


def test_the_fault_is_the_searchs_where_the_model_prefers_the_persons_words() -> None:
    task, preparation = bound(tokenizer="words")
    model = network(task, preparation)
    source = torch.from_numpy(preparation.read(SOURCES[:3]))
    best = beam_search(model, source, begin=BOS, end=EOS, beam_size=20)
    worst = Hypotheses(best.tokens[:, -1:], best.log_probs[:, -1:], best.scores[:, -1:])
    settings: dict[str, Any] = {"begin": BOS, "length_power": 0.7}
    # A person says what the search of a wide beam likes best, and a poor search found its last hypothesis.
    found = blame(model, source, best.tokens[:, 0], worst, **settings)
    assert found.faults == (Fault.SEARCH,) * 3
    torch.testing.assert_close(torch.tensor(found.reference_scores), best.scores[:, 0], rtol=1e-4, atol=1e-4)
    # The other way round, the model itself is wrong.
    assert blame(model, source, worst.tokens[:, 0], best, **settings).faults == (Fault.MODEL,) * 3
    same = blame(model, source, best.tokens[:, 0], best, **settings)
    assert same.counts() == {"none": 3, "search": 0, "model": 0}
    assert same.to_json()["shares"] == {"search": 0.0, "model": 0.0}


def test_an_alignment_names_the_pieces_of_both_sides() -> None:
    task, preparation = bound(tokenizer="words")
    found = alignment_of(task, network(task, preparation), "the cat sleeps", "le chat dort")
    assert found is not None
    assert (found["source"], found["target"]) == (["the", "cat", "sleeps", "■"], ["le", "chat", "dort", "■"])
    np.testing.assert_allclose(np.sum(found["weights"], axis=1), 1, atol=1e-3)
    assert alignment_of(task, network(task, preparation, "seq2seq_gru"), "a cat", "un chat") is None


def test_bleu_by_length_counts_the_words_of_the_source() -> None:
    sources = ["a b"] * 20 + ["a b c d e f g"] * 25 + ["x " * 30]
    found = scores_by_length(sources, sources, sources)
    assert [(part["from"], part["to"], part["num"]) for part in found] == [(1, 5, 20), (6, 10, 25)]


def small_run(folder: Path, **settings: Any) -> Any:
    data = replace(generate_dates("en", num=240), task="translation")
    options: dict[str, Any] = {"units": 16, "dim": 12}
    return derin.fit(
        data, model="seq2seq_attention", model_options=options, out=folder, batch_size=20, plan="plain", **settings
    )


def test_a_run_is_measured_by_search_and_opens_again(tmp_path: Path) -> None:
    run = small_run(tmp_path / "run", epochs=1)
    findings = run.record["findings"]
    assert findings["split"] == "test"
    assert findings["num_sentences"] == 20
    # Greedy search gets wholly right what is right token by token given the truth.
    assert findings["greedy"]["exact_match"] == pytest.approx(run.metrics["test"]["exact_match"])
    assert sum(findings["blame"]["counts"].values()) == 20
    model = derin.open(run.path)
    answer = model.predict("May 3rd, 2009")
    assert answer.text == model.predict(["May 3rd, 2009"])[0].text
    assert set(answer.to_json()) == {"text", "log_probability", "alternatives"}
    metrics, num = model.evaluate(replace(generate_dates("en", num=240), task="translation"), split="test")
    assert (num, metrics["loss"]) == (20, pytest.approx(run.metrics["test"]["loss"], rel=1e-4))
    for name in ("bleu", "chrf"):
        assert metrics[name] == pytest.approx(findings["beam"][name], rel=1e-6)
    assert 0 <= findings["lookup"]["bleu"] <= 100


class Interrupt(Callback):
    def on_step(self, loop: Any) -> None:
        if loop.step == 14:
            signal.raise_signal(signal.SIGINT)
            time.sleep(0.3)  # the handler runs in the main thread


def test_an_interrupted_run_resumes_to_the_same_bits(tmp_path: Path) -> None:
    dates = generate_dates("tr", num=144)
    columns = [column.texts() for column in dates.columns.values() if isinstance(column, Ragged)]
    path = tmp_path / "dates.tsv"
    path.write_text("".join(f"{said}\t{meant}\n" for said, meant in zip(*columns)), encoding="utf-8")
    options = {
        "dim": 12,
        "num_heads": 3,
        "hidden": 20,
        "num_encoder_layers": 1,
        "num_decoder_layers": 1,
        "dropout": 0.2,
    }
    settings: dict[str, Any] = {"task": "translation", "model": "transformer", "model_options": options}
    settings |= {"epochs": 2, "batch_size": 12, "plan": "plain", "report": False}
    whole = derin.fit(str(path), out=tmp_path / "whole", **settings)
    part = derin.fit(str(path), out=tmp_path / "part", callbacks=[Interrupt()], **settings)
    assert not part.finished
    resumed = derin.fit(out=tmp_path / "part", resume=True, report=False)
    names = [run.path / "model" / "model.safetensors" for run in (whole, resumed)]
    assert names[0].read_bytes() == names[1].read_bytes()
    assert whole.metrics == resumed.metrics


@pytest.mark.slow
def test_a_small_network_learns_a_few_dates_by_heart(tmp_path: Path) -> None:
    data = generate_dates("en", num=96)
    data = replace(data, task="translation", splits={name: np.arange(8) for name in ("train", "val", "test")})
    run = derin.fit(
        data,
        model="seq2seq_attention",
        model_options={"units": 32, "dim": 24, "dropout": 0.0},
        out=tmp_path / "run",
        epochs=150,
        batch_size=8,
        learning_rate=1e-2,
        plan="plain",
    )
    assert run.metrics["train"]["exact_match"] == 1.0
    assert run.record["findings"]["beam"]["exact_match"] == 1.0


def test_without_sacrebleu_findings_say_so_and_keep_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Any:
        raise MissingExtraError("sacrebleu", "text", "BLEU and chrF")

    monkeypatch.setattr("derin.tasks.metrics.translation._sacrebleu", missing)
    task, preparation = bound(tokenizer="words")
    found = translation_findings(task, network(task, preparation), table())
    assert "pip install" in found["note"]
    assert "greedy" not in found
    assert sum(found["blame"]["counts"].values()) == 3
    assert {example["source"] for example in found["examples"]} == set(SOURCES[3:])


def test_findings_are_of_the_split_that_training_saw_least_of(monkeypatch: pytest.MonkeyPatch) -> None:
    task, preparation = bound(tokenizer="words")
    net, data = network(task, preparation), table()
    assert translation_findings(task, torch.nn.Linear(1, 1), data) == {}
    assert searched_scores(task, torch.nn.Linear(1, 1), data, np.arange(3)) == {}
    for splits, chosen in (("train val test", "test"), ("train val", "val"), ("train", "train"), ("test", "test")):
        only = replace(data, splits={name: data.splits[name] for name in splits.split()})
        found = translation_findings(task, net, only)
        assert (found["split"], found["num_sentences"]) == (chosen, len(data.splits[chosen]))
        assert ("lookup" in found) == (splits in ("train val test", "train val"))  # never of what it was looked up in
        # The worst six and six from all over: none twice, and none left out of so few.
        assert sorted(e["source"] for e in found["examples"]) == sorted(np.array(SOURCES)[data.splits[chosen]])
    monkeypatch.setattr(translation_findings_module, "_MOST_MEASURED", 2)
    assert translation_findings(task, net, data)["num_sentences"] == 2


def test_bleu_is_told_of_bins_of_five_words_with_twenty_sentences() -> None:
    sources = ["a"] * 20 + ["a b c d e f"] * 19 + ["a b c d e f g h i j"] * 1 + ["a b c d e f g h i j k"] * 19
    said = ["d e f g"] * 40 + ["other words than those there"] * 19
    assert scores_by_length(sources, said, ["d e f g"] * 59) == [
        {"from": 1, "to": 5, "num": 20, "bleu": 100.0},
        {"from": 6, "to": 10, "num": 20, "bleu": 100.0},
    ]


def test_six_of_the_worst_are_shown_and_six_from_all_over() -> None:
    scores = np.random.default_rng(0).permutation(40).astype(float)
    shown = translation_findings_module._shown(scores)
    assert [scores[place] for place in shown[:6]] == [0, 1, 2, 3, 4, 5]
    assert len(set(shown)) == 12
    assert max(scores[shown]) > 20


def test_three_translations_of_readable_length_are_drawn_and_none_without_attention() -> None:
    task, preparation = bound(tokenizer="words")
    found = translation_findings(task, network(task, preparation, "seq2seq_gru"), table())
    assert found["alignments"] == []
    net = network(task, preparation)
    lengths = [(3, 9), (9, 3), (4, 23), (24, 9), (9, 24), (23, 4), (5, 5), (6, 6)]  # words; the end is one token more
    sources, said = (["cat " * pair[side] for pair in lengths] for side in (0, 1))
    drawn = translation_findings_module._alignments(task, net, sources, said, torch.device("cpu"))
    assert [(len(d["source"]) - 1, len(d["target"]) - 1) for d in drawn] == [(4, 23), (23, 4), (5, 5)]
    assert [len(d["weights"]) for d in drawn] == [24, 5, 6]
    assert all(sum(row) == pytest.approx(1, abs=2e-3) for d in drawn for row in d["weights"])
