"""Best state and early stopping."""

import json
import math

import pytest

from derin.train.stopping import BestTracker


def follow(values, **settings):
    tracker = BestTracker("score", **{"maximize": True, **settings})
    return tracker, [tracker.update(value, epoch) for epoch, value in enumerate(values, start=1)]


def test_the_best_is_the_first_of_equals():
    tracker, improved = follow([0.5, 0.7, 0.7, 0.6])
    assert improved == [True, True, False, False]
    assert (tracker.best, tracker.best_epoch, tracker.waited) == (0.7, 2, 2)


def test_of_equals_the_one_with_the_lower_loss_is_best_and_patience_runs_on():
    tracker = BestTracker("score", maximize=True, patience=3)
    improved = [tracker.update(0.7, epoch, loss) for epoch, loss in enumerate([0.5, 0.6, 0.4], start=1)]
    assert improved == [True, False, True]
    assert (tracker.best_epoch, tracker.best_loss, tracker.waited) == (3, 0.4, 2)


def test_less_is_better_where_the_headline_is_minimized():
    tracker, improved = follow([0.5, 0.7, 0.4], maximize=False)
    assert improved == [True, False, True]
    assert tracker.best_epoch == 3


@pytest.mark.parametrize("maximize", [True, False])
def test_what_is_not_finite_is_never_best(maximize):
    tracker, improved = follow([math.nan, math.inf, -math.inf, 0.1, math.nan], maximize=maximize)
    assert improved == [False, False, False, True, False]
    assert tracker.best_epoch == 4


def test_patience_counts_epochs_without_a_better_value():
    tracker = BestTracker("score", maximize=True, patience=2)
    exhausted = []
    for epoch, value in enumerate([0.1, 0.0, 0.2, 0.2, 0.1], start=1):
        tracker.update(value, epoch)
        exhausted.append(tracker.exhausted)
    assert exhausted == [False, False, False, False, True]


def test_no_patience_never_stops():
    assert not follow([0.5] * 100)[0].exhausted


@pytest.mark.parametrize("values", [[], [math.nan], [0.5, 0.7, 0.6]])
def test_state_goes_through_json_and_back(values):
    tracker, _ = follow(values, patience=2)
    again = BestTracker.from_json(json.loads(json.dumps(tracker.to_json(), allow_nan=False)), maximize=True, patience=2)
    assert vars(again) == vars(tracker)
    assert again.update(0.65, 9) == tracker.update(0.65, 9)
    assert again.exhausted == tracker.exhausted


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"headline": "loss"}, ValueError),
        ({"best": "0.7"}, TypeError),
        ({"best": True}, TypeError),
        ({"best": None}, ValueError),
        ({"best": math.nan}, ValueError),
        ({"best_epoch": 1.5}, TypeError),
        ({"waited": -1}, ValueError),
        ({"waited": None}, TypeError),
    ],
)
def test_a_state_that_cannot_be_is_refused_and_changes_nothing(change, error):
    tracker, _ = follow([0.5, 0.7, 0.6])
    before = dict(vars(tracker))
    with pytest.raises(error):
        tracker.load_json({**tracker.to_json(), **change})
    with pytest.raises(KeyError):
        tracker.load_json({})
    assert vars(tracker) == before
