"""Language modelling: what a loss counts, what is carried on, runs that resume, and what a run finds."""

import itertools
import math
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import derin
from derin.api.score import score
from derin.core.errors import DataError, RefusedFileError, ShapeError
from derin.data.batch import Batch
from derin.data.table import Ragged
from derin.data.text.encoder import TextEncoder
from derin.data.text.stream import MeasuredStream, StreamSource
from derin.data.text.stream_preparation import StreamPreparation
from derin.datasets.generated.food_grammar import food
from derin.models.lstm_lm import LSTMLM, LSTMLMOptions
from derin.tasks import language_modelling
from derin.tasks.baselines.ngram_language_model import NgramLanguageModel
from derin.tasks.language_modelling import LanguageModelling
from derin.tasks.registry import task_from_json
from derin.train.callback import Callback
from derin.train.evaluation import evaluate

WORDS = ["elma", "armut", "ile", "ekmek", "yedi", "içti", "ılık", "İstanbul'da", "süt", "ve", "çok", "güzel"]
SMALL = {"model_options": {"hidden": 24, "dim": 8}, "plan": "plain", "report": False}


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    lines = [" ".join(rng.choice(WORDS, 6)) for _ in range(300)]
    path = tmp_path / "foods.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def network(num_tokens: int = 23, **options: Any) -> LSTMLM:
    torch.manual_seed(0)
    sizes = {"vocabulary": num_tokens, "dim": 5, "hidden": 12}
    return LSTMLM((9,), num_tokens, LSTMLMOptions(**sizes, **options)).double().eval()


def task(num_tokens: int = 23) -> LanguageModelling:
    return LanguageModelling(("text",), num_tokens=num_tokens)


def tokens(num: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(4, 23, num).astype(np.int32)


def test_measuring_counts_every_token_once_and_carries_the_state_on() -> None:
    net, text = network(), tokens(103)
    source = MeasuredStream(text, start=3, batch_size=2, window=7)
    found = evaluate(net, task(), source)
    # The same streams, each read in one piece.
    bounds = np.arange(source.batch_size + 1) * len(text) // source.batch_size
    whole = np.concatenate([[3], text])
    nats = 0.0
    for begin, end in itertools.pairwise(bounds):
        logits, _ = net(torch.from_numpy(whole[begin:end].astype(np.int64))[None])
        wanted = torch.from_numpy(text[begin:end].astype(np.int64))
        nats += F.cross_entropy(logits[0], wanted, reduction="sum").item()
    assert found["loss"] == pytest.approx(nats / 103, rel=1e-5)
    assert found["perplexity"] == pytest.approx(math.exp(nats / 103), rel=1e-5)
    assert found["bits_per_character"] == pytest.approx(nats / 103 / math.log(2), rel=1e-5)


def test_training_windows_go_on_from_each_other_and_begin_anew_with_an_epoch() -> None:
    net, the_task = network(), task()
    source = StreamSource(tokens(60), batch_size=2, window=7)
    for epoch in (0, 1):
        batches = list(source.batches(epoch))
        whole, _ = net(torch.cat([batch["input"] for batch in batches], 1))
        for number, batch in enumerate(batches):
            part = whole[:, number * 7 : number * 7 + 7].flatten(0, 1).float()
            wanted = F.cross_entropy(part, batch["target"].flatten())
            assert the_task.loss(net, batch)["loss"].item() == pytest.approx(wanted.item(), rel=1e-6)


def test_training_forgets_the_past_of_some_windows_above_all_where_a_line_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(language_modelling, "_FORGETS_AT_START", 1.0)
    monkeypatch.setattr(language_modelling, "_FORGETS_ELSEWHERE", 0.0)
    net, the_task = network().train(), task()
    the_task.bind(StreamPreparation(column="text", encoder=TextEncoder.fit(["a b\n"], tokenizer="characters")))
    the_task.num_tokens, line_feed = 23, 4
    before = Batch(
        {"input": torch.full((2, 3), 9), "target": torch.full((2, 3), 9), "fresh": torch.ones(2) > 0}, torch.arange(2)
    )
    the_task.loss(net, before)
    _, kept = net(before["input"])
    inputs, target = torch.tensor([[line_feed, 5, 6], [7, 5, 6]]), torch.tensor([[5, 6, 7], [5, 6, 8]])
    loss = the_task.loss(net, Batch({"input": inputs, "target": target, "fresh": torch.zeros(2) > 0}, torch.arange(2)))[
        "loss"
    ]
    logits = torch.cat([net(inputs[:1])[0][0], net(inputs[1:], tuple(part[:, 1:] for part in kept))[0][0]])
    assert loss.item() == pytest.approx(F.cross_entropy(logits, target.flatten()).item(), rel=1e-6)


def test_measuring_leaves_the_training_state_alone() -> None:
    net, the_task = network(), task()
    first, second = list(StreamSource(tokens(60), batch_size=2, window=7).batches(0))[:2]
    the_task.loss(net, first)
    kept = {name: value.clone() for name, value in the_task.state.items()}
    evaluate(net, the_task, MeasuredStream(tokens(50, 1), start=3, batch_size=2, window=5))
    assert all(torch.equal(the_task.state[name], value) for name, value in kept.items())
    assert not any(value.requires_grad for value in the_task.state.values())
    the_task.loss(net, second)


def test_padding_counts_neither_in_the_loss_nor_in_the_weight() -> None:
    net, the_task = network(), task()
    batch = Batch(
        {
            "input": torch.tensor([[4, 5, 6], [7, 8, 0]]),
            "target": torch.tensor([[5, 6, 7], [8, 0, 0]]),
            "fresh": torch.ones(2, dtype=torch.bool),
        },
        torch.arange(2),
    )
    found = the_task.loss(net, batch)
    logits = torch.cat([net(batch["input"][:1])[0][0], net(batch["input"][1:, :1])[0][0]])
    assert found["weight_sum"] == 4
    assert found["loss"].item() == pytest.approx(F.cross_entropy(logits, torch.tensor([5, 6, 7, 8])).item(), rel=1e-6)


def test_a_network_of_ones_own_that_gives_scores_alone_is_trained() -> None:
    own = nn.Sequential(nn.Embedding(23, 6), nn.Linear(6, 23))
    batch = next(StreamSource(tokens(60), batch_size=2, window=7).batches(0))
    assert task().loss(own, batch)["loss"].isfinite()
    with pytest.raises(ShapeError, match="score for each of 23 tokens"):
        task().loss(nn.Embedding(23, 6), batch)


def test_the_card_gives_the_same_task_and_damaged_cards_are_refused() -> None:
    card = {"name": "lm", "columns": ["text"], "num_tokens": 23, "characters_per_token": 1.5}
    assert task_from_json(card).to_json() == card
    for field, value in (
        ("num_tokens", -1),
        ("num_tokens", True),
        ("characters_per_token", 0.0),
        ("columns", []),
        ("num_tokens", 2.5),
    ):
        with pytest.raises(RefusedFileError, match=field):
            task_from_json({**card, field: value})


def test_a_run_learns_writes_and_is_beside_its_baseline(text_file: Path, tmp_path: Path) -> None:
    run = derin.fit(text_file, task="lm", epochs=5, learning_rate=2e-2, out=tmp_path / "run", **SMALL)
    first, last = run.history[0]["val"]["loss"], run.metrics["val"]["loss"]
    assert last < first
    findings = run.record["findings"]
    text = text_file.read_text(encoding="utf-8")
    train, val = text[: int(len(text) * 0.9)], text[int(len(text) * 0.9) :]
    codes = {c: number for number, c in enumerate(sorted(set(train)), start=4)}
    rows = [[codes[c] for c in part] for part in (train, val)]
    model = NgramLanguageModel.fit(Ragged(np.array(rows[0]), np.array([0, len(train)])), num_tokens=len(codes) + 4)
    wanted = model.loss(Ragged(np.array(rows[1]), np.array([0, len(val)]))) / math.log(2)
    assert findings["baseline"]["bits_per_character"]["val"] == pytest.approx(wanted)
    assert findings["characters_per_token"] == {"val": 1.0}
    assert findings["sentences"]["num"] > 20
    assert all(set(text) <= set(train) for text in findings["samples"]["texts"])
    # İ and ı are letters of their own, and survive.
    assert {"İ", "ı"} <= set(derin.open(run.path).preparation.encoder.vocabulary.tokens)


@pytest.mark.parametrize("model", ["lstm_lm", "neural_lm"])
def test_an_interrupted_run_resumes_to_the_same_bits(model: str, text_file: Path, tmp_path: Path) -> None:
    class Interrupt(Callback):
        def on_step(self, loop: Any) -> None:
            if loop.step == 12:  # in the midst of an epoch: the carried state has to come back
                signal.raise_signal(signal.SIGINT)
                time.sleep(0.2)  # the handler runs in the main thread

    settings = {**SMALL, "task": "lm", "epochs": 2, "batch_size": 4, "inputs": {"window": 64}, "model": model}
    settings["model_options"] = {**SMALL["model_options"], "dropout": 0.2}
    whole = derin.fit(text_file, out=tmp_path / "whole", **settings)
    part = derin.fit(text_file, out=tmp_path / "part", callbacks=[Interrupt()], **settings)
    assert part.record["stopped"] == "interrupted"
    assert part.record["steps"] % (whole.record["steps"] // 2) != 0
    resumed = derin.fit(out=tmp_path / "part", resume=True, report=False)
    weights = [(run.path / "model" / "model.safetensors").read_bytes() for run in (whole, resumed)]
    assert weights[0] == weights[1]


@pytest.mark.parametrize("tokenizer", ["words", "bytes"])
def test_other_tokens_are_told_in_bits_per_character(tokenizer: str, text_file: Path, tmp_path: Path) -> None:
    run = derin.fit(text_file, task="lm", epochs=1, out=tmp_path / "run", inputs={"tokenizer": tokenizer}, **SMALL)
    val = run.metrics["val"]
    ratio = derin.open(run.path).preparation.characters_per_token
    assert val["bits_per_character"] == pytest.approx(val["loss"] / ratio / math.log(2))
    assert (ratio > 2) == (tokenizer == "words")


def test_an_empty_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(DataError, match="empty"):
        derin.fit(tmp_path / "empty.txt", task="lm", out=tmp_path / "run", **SMALL)


def test_a_text_shorter_than_a_window_is_trained_on(tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text("a short text, no more\n")
    run = derin.fit(tmp_path / "short.txt", task="lm", epochs=1, out=tmp_path / "run", **SMALL)
    assert math.isfinite(run.metrics["val"]["loss"])


@pytest.mark.slow
def test_words_of_the_food_grammar_tell_a_pear_from_a_pair(tmp_path: Path) -> None:
    table = food(name="food", num=3000)
    options = {"hidden": 64, "dim": 32, "num_layers": 1, "dropout": 0.2}
    inputs = {"tokenizer": "words", "window": 32}
    settings: dict[str, Any] = {"epochs": 4, "learning_rate": 1e-2, "plan": "plain", "report": False}
    run = derin.fit(table, task="lm", model_options=options, inputs=inputs, out=tmp_path / "run", **settings)
    pear, pair = score(derin.open(run.path), ["The apple and pear salad", "The apple and pair salad"])
    assert pear.log_probability > pair.log_probability + 2
    assert run.record["findings"]["sentences"]["share"] >= 0.95
    assert run.metrics["val"]["perplexity"] < 4


def test_what_counts_and_what_hits_is_told_of_every_token() -> None:
    net, the_task = network(), task()
    inputs = torch.tensor([[4, 5, 6, 7], [7, 8, 9, 0]])
    likeliest = net(inputs)[0].argmax(dim=2)
    target = likeliest.clone()
    target[0, 1] = (target[0, 1] + 1) % 19 + 4
    target[1, 3] = 0
    batch = Batch({"input": inputs, "target": target, "fresh": torch.ones(2, dtype=torch.bool)}, torch.arange(2))
    found = the_task.predict(net, batch)
    is_pad = target == 0
    assert torch.equal(found["counted"], ~is_pad)
    assert torch.equal(found["hit"], (likeliest == target) & ~is_pad)
    assert not found["hit"][0, 1]
    assert found["hit"].sum() >= 4
