"""Text written and scored by a saved model: what goes on from a prompt, what ends it, what is refused."""

from pathlib import Path

import numpy as np
import pytest

import derin
from derin.api.generate import generate
from derin.api.model import Model
from derin.api.score import score
from derin.core.errors import DerinWarning, UsageError
from derin.datasets.generated.food_grammar import food

SMALL = {"model_options": {"hidden": 24, "dim": 8}, "plan": "plain", "report": False, "epochs": 1}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Model]:
    folder = tmp_path_factory.mktemp("runs")
    table = food(name="food", num=150)
    return {
        tokenizer: derin.open(
            derin.fit(table, task="lm", inputs={"tokenizer": tokenizer}, out=folder / tokenizer, **SMALL).path
        )
        for tokenizer in ("characters", "words")
    }


def test_texts_begin_with_the_prompt_and_have_the_asked_length(models: dict[str, Model]) -> None:
    texts = generate(models["characters"], "The apple", num_texts=3, num_tokens=17)
    assert [len(text.text) for text in texts] == [len("The apple") + 17] * 3
    assert all(text.text.startswith("The apple") for text in texts)
    assert len({text.text for text in texts}) == 3
    assert texts[0].to_json() == {"prompt": "The apple", "text": texts[0].text}


def test_the_same_seed_writes_the_same(models: dict[str, Model]) -> None:
    first, again, other = (generate(models["characters"], seed=seed, num_tokens=30)[0].text for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_a_text_ends_before_the_asked_characters_and_those_of_the_prompt_do_not_count(
    models: dict[str, Model],
) -> None:
    whole = generate(models["characters"], "a b", num_tokens=200, temperature=1.0)[0].text
    assert " " in whole[3:]
    ended = generate(models["characters"], "a b", num_tokens=200, temperature=1.0, until=" ")[0].text
    assert ended == "a b" + whole[3:].split(" ")[0]


def test_a_model_of_words_writes_sentences(models: dict[str, Model]) -> None:
    texts = generate(models["words"], "The apple", num_texts=5, num_tokens=30)
    assert all(text.text.startswith("The apple") for text in texts)
    assert not any("<" in text.text for text in texts)


def test_greedy_text_is_the_likeliest_that_scoring_sees(models: dict[str, Model]) -> None:
    model = models["characters"]
    text = generate(model, "The", num_tokens=1, temperature=0)[0].text
    letters = [token for token in model.preparation.encoder.vocabulary.tokens[4:] if token != "\n"]
    scores = score(model, ["The" + letter for letter in letters])
    best = letters[int(np.argmax([found.log_probability for found in scores]))]
    assert text in ("The" + best, "The\n")


def test_predicting_and_scoring_say_the_same(models: dict[str, Model]) -> None:
    sentences = ["The apple tart was good.", "good was tart apple The."]
    assert score(models["words"], sentences) == models["words"].predict(sentences)


def test_unknown_characters_are_refused_and_unknown_words_told(models: dict[str, Model]) -> None:
    with pytest.raises(UsageError, match="'ğ', '€'"):
        generate(models["characters"], "dağ €")
    with pytest.raises(UsageError, match="'€'"):
        score(models["characters"], ["5 €"])
    with pytest.warns(DerinWarning, match="'wolf'"):
        score(models["words"], ["The wolf was good."])


def test_empty_sentences_and_other_models_are_refused(models: dict[str, Model], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="text 1 is empty"):
        score(models["characters"], [""])
    other = derin.open(derin.fit("iris", out=tmp_path / "iris", epochs=1, report=False).path)
    with pytest.raises(UsageError, match="--task lm"):
        generate(other, "a")
    with pytest.raises(UsageError, match="--task lm"):
        score(other, ["a"])
