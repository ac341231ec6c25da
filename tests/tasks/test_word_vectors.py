"""Word vectors end to end, on sentences made by a rule in which words of one kind stand in the same places."""

import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from derin.api.vectors import open_word_vectors
from derin.api.word_vectors import train_word_vectors
from derin.core.errors import DataError, RefusedFileError, UnknownNameError, UsageError
from derin.data.batch import Batch
from derin.tasks.glove import GloveTask
from derin.tasks.registry import task_from_json
from derin.tasks.word_vectors import WordVectorTask
from derin.train.callback import Callback

KINDS = {
    "animals": ["cat", "dog", "horse", "goat", "duck"],
    "foods": ["bread", "soup", "rice", "cheese", "apple"],
    "places": ["Rome", "Ankara", "Paris", "Izmir", "Oslo"],
    "tools": ["hammer", "saw", "drill", "file", "plane"],
}
RULES = [
    "the {animals} barked at the other {animals} in the yard",
    "my {animals} sleeps and eats {foods} every morning",
    "she cooked {foods} with salt and fresh {foods}",
    "they travelled from {places} to {places} by train",
    "a carpenter holds his {tools} and a heavy {tools}",
    "the train to {places} leaves the station late",
    "rust covers the {tools} in the workshop",
]
QUICK: dict[str, Any] = {"dim": 16, "min_count": 2, "report": False, "threads": 1, "batch_size": 256, "sample": 0}


def sentences(num: int, seed: int = 0) -> str:
    rng = np.random.default_rng(seed)
    lines = []
    for _ in range(num):
        words = RULES[rng.integers(len(RULES))].split()
        lines.append(" ".join(KINDS[w[1:-1]][rng.integers(5)] if w[0] == "{" else w for w in words))
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "rules.txt"
    path.write_text(sentences(1_500), encoding="utf-8")
    return path


def share_of_kin(path: Path) -> float:
    """Of the four nearest words of each named one, how many are of its kind."""
    vectors = open_word_vectors(path)
    right = 0
    for kind in KINDS.values():
        words = {word.lower() for word in kind}
        for word in words:
            right += sum(other in words for other, _ in vectors.neighbors(word, 4))
    return right / (4 * sum(map(len, KINDS.values())))


@pytest.mark.parametrize(
    "settings",
    [
        {"method": "skip-gram", "epochs": 5, "learning_rate": 0.1},
        {"method": "skip-gram", "hierarchical": True, "epochs": 5, "learning_rate": 0.1},
        {"method": "cbow", "epochs": 5, "learning_rate": 0.2},
        {"method": "cbow", "hierarchical": True, "epochs": 5, "learning_rate": 0.2},
        {"method": "glove", "epochs": 25, "window": 4, "sample": None, "batch_size": 32},
    ],
    ids=["skip-gram", "skip-gram-tree", "cbow", "cbow-tree", "glove"],
)
def test_words_of_a_kind_become_neighbors(text: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    run = train_word_vectors(text, out=tmp_path / "run", **{**QUICK, **settings})
    # GloVe learns nothing of pairs that never meet, and sees few others here; by chance it would be a tenth.
    assert share_of_kin(run.path) > (0.5 if settings["method"] == "glove" else 0.9)
    losses = [epoch["val"]["loss"] for epoch in run.history]
    assert losses[-1] < losses[0]
    found = run.record["findings"]
    assert (found["words"], found["dim"]) == (len(open_word_vectors(run.path)), 16)
    assert all(len(near) == 6 for _, near in found["neighbors"])


@pytest.mark.parametrize("method", ["skip-gram", "glove"])
def test_interrupted_run_resumes_to_the_same_bits(text: Path, tmp_path: Path, method: str) -> None:
    class Interrupt(Callback):
        def on_step(self, loop: Any) -> None:
            if loop.step == 7:
                signal.raise_signal(signal.SIGINT)
                time.sleep(0.3)  # the handler runs in the main thread

    settings = {**QUICK, "epochs": 3, "method": method, "sample": None, "batch_size": 64}
    whole = train_word_vectors(text, out=tmp_path / "whole", **settings)
    part = train_word_vectors(text, out=tmp_path / "part", callbacks=[Interrupt()], **settings)
    assert not part.finished
    resumed = train_word_vectors(out=tmp_path / "part", resume=True, report=False)
    assert resumed.finished
    names = [run.path / "model" / "model.safetensors" for run in (whole, resumed)]
    assert names[0].read_bytes() == names[1].read_bytes()


def test_a_saved_network_answers_with_neighbors(text: Path, tmp_path: Path) -> None:
    import derin

    run = train_word_vectors(text, out=tmp_path / "run", epochs=1, **QUICK)
    model = derin.open(run.path)
    answer = model.predict("Ankara")
    assert answer.to_json()["input"] == "ankara"
    assert len(answer.words) == 10
    assert str(answer).startswith(f"{answer.words[0][0]} {answer.words[0][1]:.2f}, ")
    assert [found.word for found in model.predict(["cat", "rice"])] == ["cat", "rice"]
    with pytest.raises(DataError, match="'unheard' is no word"):
        model.predict("unheard")
    with pytest.raises(DataError, match="at least one text is required"):
        model.predict(run.path)


@pytest.mark.parametrize("kind", [WordVectorTask, GloveTask])
def test_a_task_is_rebuilt_from_its_card(kind: type[WordVectorTask]) -> None:
    task = kind(["text"])
    assert task_from_json(task.to_json()) == task
    with pytest.raises(RefusedFileError):
        task_from_json({**task.to_json(), "more": 1})


def test_bad_input_is_one_sentence_each(text: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "short.txt").write_text("once upon a time there was a text")
    with pytest.raises(DataError, match="the file is empty"):
        train_word_vectors(tmp_path / "empty.txt", out=tmp_path / "a")
    with pytest.raises(DataError, match="two different words that occur 5 times"):
        train_word_vectors(tmp_path / "short.txt", out=tmp_path / "b")
    with pytest.raises(UnknownNameError, match="'skip-gram'"):
        train_word_vectors(text, method="skipgram")
    with pytest.raises(UsageError, match="'glove' has no option 'negatives'"):
        train_word_vectors(text, method="glove", negatives=3)
    with pytest.raises(UsageError, match="'skip-gram' has no option 'x_max'"):
        train_word_vectors(text, x_max=3)
    with pytest.raises(UsageError, match="leave ema_decay and accumulate out"):
        train_word_vectors(text, out=tmp_path / "c", accumulate=2, **QUICK)
    with pytest.raises(UsageError, match="leave clip_norm and l1 out"):
        train_word_vectors(text, out=tmp_path / "d", clip_norm=1.0, **QUICK)


def test_a_network_without_words_has_no_vectors(tmp_path: Path) -> None:
    import derin

    run = derin.fit("iris", model="linear", epochs=1, out=tmp_path / "run", report=False)
    with pytest.raises(UsageError, match="Word vectors come from skip_gram, cbow or glove"):
        open_word_vectors(run.path)
    with pytest.raises(UsageError, match="There is nothing at"):
        open_word_vectors(tmp_path / "none")


def test_the_loss_of_glove_is_the_weighted_mean_of_squared_errors() -> None:
    from derin.models.glove import Glove, GloveOptions

    net = Glove((5,), 1, GloveOptions(vocabulary=11, dim=3, x_max=4.0)).double()
    words, others = torch.tensor([4, 5, 9]), torch.tensor([6, 6, 10])
    counts = torch.tensor([0.5, 4.0, 100.0], dtype=torch.float64)
    batch = Batch({"input": words, "other": others, "count": counts}, words)
    loss = GloveTask(["text"]).loss(net, batch)
    tables = [t.weight.detach().numpy() for t in (net.input, net.output, net.input_bias, net.output_bias)]
    total = weight_sum = 0.0
    for i, j, x in zip(words.tolist(), others.tolist(), counts.tolist(), strict=True):
        weight = min(1.0, (x / 4) ** 0.75)
        predicted = tables[0][i] @ tables[1][j] + tables[2][i, 0] + tables[3][j, 0]
        total += weight * (predicted - np.log(x)) ** 2
        weight_sum += weight
    assert float(loss["loss"].detach()) == pytest.approx(total / weight_sum, rel=1e-12)
    assert float(loss["weight_sum"]) == pytest.approx(weight_sum)


def test_other_networks_are_refused() -> None:
    batch = Batch({"input": torch.zeros(16), "sentence": torch.zeros(16), "reach": torch.zeros(16)}, torch.arange(16))
    with pytest.raises(UsageError, match="got Linear"):
        WordVectorTask(["text"]).loss(nn.Linear(2, 2), batch)
    with pytest.raises(UsageError, match="got Linear"):
        GloveTask(["text"]).loss(nn.Linear(2, 2), batch)


def test_where_no_word_was_predicted_the_loss_is_unknown() -> None:
    metrics = WordVectorTask(["text"]).metrics()
    assert np.isnan(metrics.compute()["loss"])
    assert metrics.intervals() == {}
