"""The page of a search: what it says in both languages, with hostile names, and where little is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from derin.report.search_page import render, result_sentences
from derin.strategy.choosing import Constraint, Goal
from derin.strategy.search_space import Dimension
from derin.strategy.search_story import SearchStory, Trial

HOSTILE = '<script>alert("1")</script>'
SPACE = [
    Dimension(name="learning_rate", low=1e-4, high=1e-1, scale="log"),
    Dimension(name="momentum", low=0.8, high=0.99, scale="one-minus-log"),
    Dimension(name="optimizer", choices=("sgd", HOSTILE)),
]


def trial(number: int, accuracy: float | None, outcome: str = "finished", **more: object) -> Trial:
    settings = {"learning_rate": 0.001 * (number + 1), "momentum": 0.9, "optimizer": "sgd" if number % 2 else HOSTILE}
    metrics = {} if accuracy is None else {"accuracy": accuracy, "latency_ms": 2.0, "loss": 1 - accuracy}
    curve = tuple((epoch, (accuracy or 0) * epoch / 3) for epoch in (1, 2, 3))
    about = {"settings": settings, "metrics": metrics, "curve": curve, "run": f"trials/{number:04d}", "seconds": 2.5}
    return Trial(number=number, outcome=outcome, **{**about, **more})  # type: ignore[arg-type]


STORY = SearchStory(
    name="search-1",
    data=HOSTILE,
    goal=Goal("accuracy", True, (Constraint("latency_ms", 5.0),)),
    space=SPACE,
    trials=[
        trial(0, 0.90),
        trial(1, 0.95),
        trial(2, 0.95, metrics={"accuracy": 0.95, "latency_ms": 9.0, "loss": 0.0}),
        trial(3, 0.40, "halved"),
        trial(4, None, "diverged", reason=f"NaN in {HOSTILE}"),
        trial(5, None, "running"),
    ],
    baselines={"majority": 0.1, "linear": 0.88, "neighbors": 0.93},
    importance={"learning_rate": 0.7, "momentum": 0.2, "optimizer": 0.1},
    num_val=200,
    num_planned=6,
    command=f"derin search --resume --out '{HOSTILE}'",
    test={"accuracy": 0.93},
)


@pytest.mark.parametrize("spoken", ["en", "tr"])
def test_nothing_of_a_name_is_markup_and_every_section_is_there(spoken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", spoken)
    page = render(STORY, STORY.choice())
    assert "<script" not in page
    assert f'lang="{spoken}"' in page
    for anchor in ("result", "history", "together", "settings", "importance", "trials", "again"):
        assert f'id="{anchor}"' in page
    assert page.count("<svg") == 2 + len(SPACE) + 1
    assert "1 − momentum" in page


def test_the_best_of_those_that_are_good_enough_is_named_with_default_and_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "en")
    assert STORY.choice().name == "trials/0001"
    first, settings, test, baselines = result_sentences(STORY, STORY.trials[1])
    assert first == ("The best run, trials/0001, has accuracy 95.0% on validation; the default settings have 90.0%.")
    assert settings == "Its settings: learning_rate=0.002, momentum=0.9, optimizer=sgd."
    assert "93.0%" in test
    assert "majority 10.0%, linear model 88.0%, nearest neighbors 93.0%" in baselines
    assert STORY.best_so_far() == [(0, 0.90), (1, 0.95), (2, 0.95)]


@pytest.mark.parametrize(("spoken", "told"), [("en", "came to epoch 3"), ("tr", "3. epoğa gelmiş")])
def test_that_settings_are_weighed_at_an_early_epoch_is_said(
    spoken: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DERIN_LANG", spoken)
    assert told in render(replace(STORY, importance_epoch=3), STORY.choice())
    assert told not in render(STORY, STORY.choice())


def test_where_nothing_has_ended_the_page_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "en")
    page = render(replace(STORY, trials=[trial(0, None, "running")], importance={}, test={}), None)
    assert "No trial has come to its end yet." in page
    assert "Too few trials with different results" in page
