"""The study of a search: what was drawn and what came of it, in a database that processes share.

Optuna keeps it, proposes settings by TPE, and gives trials up by asynchronous successive halving.

Source: J. Bergstra et al., "Algorithms for hyper-parameter optimization", NeurIPS 2011 (TPE); L. Li et al., "A system
    for massively parallel hyperparameter tuning", MLSys 2020 (asynchronous successive halving); F. Hutter, H. Hoos,
    K. Leyton-Brown, "An efficient approach for assessing hyperparameter importance", ICML 2014.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from derin.core.errors import MissingExtraError, StorageError, UnknownNameError, UsageError
from derin.core.quiet import quiet
from derin.core.seeds import generator
from derin.strategy.choosing import Goal
from derin.strategy.search_space import LOG, ONE_MINUS_LOG, Dimension
from derin.strategy.search_story import FAILED, FINISHED, RUNNING, Trial

if TYPE_CHECKING:
    import optuna

METHODS = ("tpe", "random", "coarse-to-fine")
_REDUCTION = 3  # of the trials of a rung, one in so many goes on
_RUNGS = 2  # before the last epoch: after a ninth and a third of them
_MOST_AT_RANDOM, _SHARE_AT_RANDOM = 10, 1 / 3  # trials of TPE before it knows anything
_SHARE_COARSE, _SHARE_BEST = (
    0.5,
    0.25,
)  # of coarse to fine: trials in the whole space, and those that say where to go on
_KEPT = ("outcome", "run", "seconds", "metrics", "reason")  # of a trial that has ended
_FEWEST_TO_EXPLAIN = 5  # finished trials that say something about importance


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise MissingExtraError("optuna", "tune", "A search") from None
    return optuna


def proposals(
    name: str, space: Sequence[Dimension], defaults: Mapping[str, Any], seed: int, trials: int
) -> optuna.samplers.BaseSampler:
    """What draws the settings of trials: a function of seed, number of the trial and the trials that are done.

    Args:
        name: of `METHODS`.
        space: what may change.
        defaults: the settings of trial 0.
        seed: of the search.
        trials: that are planned.

    Raises:
        UnknownNameError: there is no such method.
        MissingExtraError: Optuna is not installed.
    """
    optuna = _optuna()
    if name not in METHODS:
        raise UnknownNameError("method of a search", name, METHODS)
    by_name = {_key(dimension): dimension for dimension in space}
    at_random = min(_MOST_AT_RANDOM, max(4, round(trials * _SHARE_AT_RANDOM)))

    class Numbered(optuna.samplers.BaseSampler):  # type: ignore[name-defined]
        """Draws each trial from a seed of its own, so that who resumes or takes part draws nothing twice."""

        def before_trial(self, study: Any, trial: Any) -> None:
            drawn = int(generator(seed, "search", trial.number).integers(1 << 31))
            with quiet():
                self._inner = (
                    optuna.samplers.TPESampler(
                        seed=drawn,
                        n_startup_trials=at_random,
                        multivariate=True,
                        constant_liar=True,
                        warn_independent_sampling=False,
                        constraints_func=lambda found: found.user_attrs.get("violations", ()),
                    )
                    if name == "tpe"
                    else optuna.samplers.RandomSampler(seed=drawn)
                )
            self._inner.before_trial(study, trial)

        def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
            found: dict[str, Any] = {} if trial.number == 0 else self._inner.infer_relative_search_space(study, trial)
            return found

        def sample_relative(self, study: Any, trial: Any, search_space: dict[str, Any]) -> dict[str, Any]:
            with quiet():
                found: dict[str, Any] = self._inner.sample_relative(study, trial, search_space)
            return found

        def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
            dimension = by_name[param_name]
            if trial.number == 0:
                return _stored(dimension, defaults[dimension.name])
            if name == "coarse-to-fine" and trial.number >= trials * _SHARE_COARSE:
                random = generator(seed, "search, fine", trial.number, list(by_name).index(param_name))
                near = dimension.around(_best_values(study, param_name, dimension))
                return _stored(dimension, near.draw(random))
            with quiet():
                return self._inner.sample_independent(study, trial, param_name, param_distribution)

        def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
            if name == "tpe":
                with quiet():
                    self._inner.after_trial(study, trial, state, values)

    return Numbered()


def _best_values(study: Any, param_name: str, dimension: Dimension) -> list[Any]:
    """The values of one setting in the best quarter of the finished trials; its bounds where there are none."""
    optuna = _optuna()
    done = [t for t in study.get_trials(states=(optuna.trial.TrialState.COMPLETE,)) if param_name in t.params]
    done.sort(key=lambda t: t.value, reverse=study.direction == optuna.study.StudyDirection.MAXIMIZE)
    best = done[: max(2, round(len(done) * _SHARE_BEST))]
    if not best:
        return list(dimension.choices) or [dimension.low, dimension.high]
    return [_taken(dimension, t.params[param_name]) for t in best]


def _key(dimension: Dimension) -> str:
    """The name in the database, which says on what scale it is drawn."""
    return f"1-{dimension.name}" if dimension.scale == ONE_MINUS_LOG and not dimension.choices else dimension.name


def _stored(dimension: Dimension, value: Any) -> Any:
    """A value as the database has it."""
    if dimension.choices:
        return json.dumps(value)
    return 1 - value if dimension.scale == ONE_MINUS_LOG else value


def _taken(dimension: Dimension, stored: Any) -> Any:
    """The value of what the database has."""
    if dimension.choices:
        value = json.loads(stored)
        return tuple(value) if isinstance(value, list) else value
    return 1 - stored if dimension.scale == ONE_MINUS_LOG else stored


@quiet()
def open_study(
    url: str,
    *,
    name: str,
    maximize: bool,
    sampler: Any,
    epochs: int,
    same_direction: bool,
    about: str,
) -> Study:
    """The study of a name in a database, made where there is none.

    Args:
        url: of the database, as SQLAlchemy has it.
        name: of the study.
        maximize: whether more is better.
        sampler: what `proposals` gave.
        epochs: of a trial that comes to its end.
        same_direction: whether more is better of what epochs are compared by, too.
        about: the space and the goal, as text, which must be those of the study.

    Raises:
        StorageError: the database cannot be reached.
        UsageError: the study is about something else.
    """
    optuna = _optuna()
    fewest = max(1, math.ceil(epochs / _REDUCTION**_RUNGS))  # rounded up, so that no third rung stands before the end
    told = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        storage = optuna.storages.RDBStorage(url)
        study = optuna.create_study(
            storage=storage,
            study_name=name,
            direction="maximize" if maximize else "minimize",
            sampler=sampler,
            pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=fewest, reduction_factor=_REDUCTION),
            load_if_exists=True,
        )
    except Exception as error:
        if not type(error).__module__.startswith(("sqlalchemy", "optuna")) and not isinstance(error, ImportError):
            raise
        raise StorageError(f"The database of the search cannot be used: {str(error).splitlines()[0]}.") from None
    finally:
        optuna.logging.set_verbosity(told)
    known = study.user_attrs.get("about")
    if known is None:
        study.set_user_attr("about", about)
    elif known != about:
        raise UsageError(
            f"The database has a study {name!r} over another space or for another goal; name another one: --study NAME."
        )
    return Study(study, same_direction, storage.engine.dispose)


class Study:
    """A study of Optuna in the words of a search.

    Args:
        study: of Optuna.
        same_direction: whether what epochs are compared by is better where the goal is.
        close: ends the connections to its database; what is asked of the study afterwards opens new ones.
    """

    def __init__(self, study: optuna.Study, same_direction: bool, close: Callable[[], None]) -> None:
        self._study, self._sign, self.close = study, 1.0 if same_direction else -1.0, close

    @quiet()
    def ask(self, space: Sequence[Dimension], defaults: Mapping[str, Any], *, place: str) -> optuna.Trial:
        """A new trial with its settings; trial 0 has those that are known, and leaves the others to be inferred."""
        trial = self._study.ask()
        trial.set_user_attr("place", place)
        for dimension in space:
            if trial.number > 0 or dimension.name in defaults:
                self._draw(trial, dimension)
        return trial

    def _draw(self, trial: optuna.Trial, dimension: Dimension) -> None:
        name = _key(dimension)
        if dimension.choices:
            trial.suggest_categorical(name, [json.dumps(choice) for choice in dimension.choices])
        elif dimension.whole:
            trial.suggest_int(name, int(dimension.low), int(dimension.high), log=dimension.scale == LOG)
        elif dimension.scale == ONE_MINUS_LOG:
            trial.suggest_float(name, 1 - dimension.high, 1 - dimension.low, log=True)
        else:
            trial.suggest_float(name, dimension.low, dimension.high, log=dimension.scale == LOG)

    def running(self, place: str) -> list[optuna.Trial]:
        """The trials of a folder that are not known to have ended."""
        optuna = _optuna()
        found = self._study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,))
        # Their settings stand in the database; nothing is drawn again.
        return [optuna.Trial(self._study, t._trial_id) for t in found if t.user_attrs.get("place") == place]

    def num_counting(self) -> int:
        """How many trials there are, those that are under way among them."""
        return len(self._study.get_trials(deepcopy=False))

    def settings_of(self, trial: optuna.Trial, space: Sequence[Dimension]) -> dict[str, Any]:
        """The settings of a trial by their names; those that are to be inferred are not there."""
        return {d.name: _taken(d, trial.params[_key(d)]) for d in space if _key(d) in trial.params}

    def report(self, trial: optuna.Trial, value: float, epoch: int) -> None:
        """How a trial fares after an epoch."""
        with quiet():
            trial.report(self._sign * value, epoch)

    def is_left_behind(self, trial: optuna.Trial) -> bool:
        """Whether it is no use to go on with a trial."""
        return bool(trial.should_prune())

    def note_seconds(self, trial: optuna.Trial, seconds: float) -> None:
        """Keeps the time of a trial that goes on later."""
        trial.set_user_attr("seconds", seconds)

    def seconds_of(self, trial: optuna.Trial) -> float:
        """The time that a trial took before."""
        return float(trial.user_attrs.get("seconds", 0.0))

    @quiet()
    def tell(self, trial: optuna.Trial, ended: Trial, goal: Goal) -> None:
        """How a trial ended."""
        optuna = _optuna()
        for name in _KEPT:
            trial.set_user_attr(name, getattr(ended, name))
        if ended.outcome == FINISHED:
            missed = [each.shortfall(ended.metrics.get(each.metric)) for each in goal.constraints]
            trial.set_user_attr("violations", missed)
            self._study.tell(trial, ended.metrics[goal.metric])
        else:
            state = optuna.trial.TrialState.FAIL if ended.outcome == FAILED else optuna.trial.TrialState.PRUNED
            self._study.tell(trial, state=state)

    def trials(self, space: Sequence[Dimension]) -> list[Trial]:
        """All trials, by number."""
        found = []
        for trial in self._study.get_trials(deepcopy=False):
            about = trial.user_attrs
            found.append(
                Trial(
                    number=trial.number,
                    outcome=about.get("outcome", RUNNING),
                    settings={d.name: _taken(d, trial.params[_key(d)]) for d in space if _key(d) in trial.params},
                    metrics=about.get("metrics", {}),
                    curve=tuple((epoch, self._sign * v) for epoch, v in sorted(trial.intermediate_values.items())),
                    run=about.get("run", ""),
                    seconds=float(about.get("seconds", 0.0)),
                    reason=about.get("reason", ""),
                )
            )
        return found

    @quiet()
    def importance(self, space: Sequence[Dimension]) -> tuple[dict[str, float], int]:
        """How much of the differences between trials each setting explains, by fANOVA; together 1.

        Where too few came to their end, trials are compared at the last epoch that most of them reached: that is the
        second number, else 0.
        """
        optuna = _optuna()
        keys = [_key(dimension) for dimension in space]
        whole = [t for t in self._study.get_trials(deepcopy=False) if all(key in t.params for key in keys)]
        results = {t.number: t.value for t in whole if t.state == optuna.trial.TrialState.COMPLETE}
        epoch = 0
        if len(results) < _FEWEST_TO_EXPLAIN:
            reached = sorted(max(t.intermediate_values) for t in whole if t.intermediate_values)
            epoch = reached[len(reached) // 2] if reached else 0
            results = {t.number: t.intermediate_values[epoch] for t in whole if epoch in t.intermediate_values}
        results = {number: value for number, value in results.items() if value is not None and math.isfinite(value)}
        if len(results) < _FEWEST_TO_EXPLAIN or len(set(results.values())) < 2 or len(keys) < 2:
            return {}, 0
        told = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        try:
            compared = optuna.create_study(direction=self._study.direction)
        finally:
            optuna.logging.set_verbosity(told)
        compared.add_trials(
            [
                optuna.trial.create_trial(
                    params={key: t.params[key] for key in keys},
                    distributions={key: t.distributions[key] for key in keys},
                    value=results[t.number],
                )
                for t in whole
                if t.number in results
            ]
        )
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        found = optuna.importance.get_param_importances(compared, evaluator=evaluator, params=keys)
        names = dict(zip(keys, (dimension.name for dimension in space)))
        return {names[key]: float(value) for key, value in found.items()}, epoch
