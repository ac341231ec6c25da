"""Searching over settings: trials that are normal runs, in a study that processes and machines share."""

from __future__ import annotations

import json
import secrets
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.api.arguments import SETTINGS, check_names
from derin.api.fit import fit
from derin.api.prepare import prepare
from derin.api.resuming import plain, source_name
from derin.api.run import Run
from derin.api.search_study import Study, open_study, proposals
from derin.core.errors import BusyError, DerinError, DivergenceError, UnknownNameError, UsageError
from derin.core.fields import refusing_misfits
from derin.core.files import read_json, usable_path, write_json
from derin.core.formats import checked_format
from derin.core.lock import FolderLock
from derin.core.run import next_free
from derin.strategy.choosing import Choice, Goal
from derin.strategy.record import is_number
from derin.strategy.search_space import Dimension, default_space, read_space
from derin.strategy.search_story import DIVERGED, FAILED, FINISHED, HALVED, RUNNING, SearchStory, Trial
from derin.tasks.metrics.chosen import ChosenMetric
from derin.tasks.supervised import SupervisedTask
from derin.train.callback import Callback, Training

if TYPE_CHECKING:
    from derin.api.prepared import Prepared

SEARCH_FORMAT = 1
_RECORD_NAME, _STUDY_NAME, _TRIALS = "search.json", "study.db", "trials"
_CLAIM_SECONDS = 60.0  # that a process waits while another one takes its next trial
# What says how data is fetched and who is told, and nothing about what is trained.
_NOT_RECORDED = ("download", "progress")
_OF_A_MACHINE = ("device", "threads")  # another one that takes part may have others


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search on disk and what it has found so far.

    Attributes:
        path: its folder.
        story: its trials, baselines and the importance of each setting.
        choice: which trial is best, by the name of its run in the folder; None where none has come to its end.
        best: the run of the best trial, trained to its end and measured on test; None where that lies on another
            machine, nothing has come to its end, or somebody stopped the search.
        report: the page.
        finished: whether all trials that were asked for have come to their end.
        interrupted: whether somebody stopped it.
    """

    path: Path
    story: SearchStory
    choice: Choice | None
    best: Run | None
    report: Path
    finished: bool
    interrupted: bool

    def to_json(self) -> dict[str, Any]:
        story = self.story
        return {
            "search": str(self.path),
            "goal": str(story.goal),
            "space": [str(each) for each in story.space],
            "trials": [trial.to_json() for trial in story.trials],
            "baselines": dict(story.baselines),
            "importance": dict(story.importance),
            "best": None if self.choice is None else self.choice.name,
            "run": None if self.best is None else str(self.best.path),
            "test": dict(story.test),
            "report": str(self.report),
            "finished": self.finished,
        }


def search(
    data: Any = None,
    *,
    space: Mapping[str, Any] | Sequence[str] | None = None,
    trials: int | None = None,
    max_seconds: float | None = None,
    maximize: str | None = None,
    minimize: str | None = None,
    subject: Sequence[str] = (),
    method: str | None = None,
    halving: bool | None = None,
    storage: str | None = None,
    study: str | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    on_trial: Callable[[Trial, str], None] | None = None,
    listening: Callable[[Path], list[Callback]] | None = None,
    **options: Any,
) -> Search:
    """Tries settings and keeps the best by its measurement on validation; the test split is measured once, at the end.

    Methods that take seconds are measured first, then trial 0 takes the settings of `derin.fit`, and every further one
    is drawn: at random, by what earlier ones showed (``"tpe"``, after some at random), or at random and then closer
    around the best quarter (``"coarse-to-fine"``). A trial that others have left behind after a ninth or a third of the
    epochs is given up (successive halving); its state stays, and ``derin train --resume`` goes on with it. Each trial
    is a normal run in ``trials``, trained and not yet measured on test: that is done with the best one alone.

    A search that was killed goes on with ``resume``: trials that are done stay, and the one at hand is resumed from
    its saved state. Another process with the same `out` and ``resume``, or another machine with the same `storage`,
    takes part. Trial by trial, what is drawn depends on the seed, the trial's number and the trials that are done, so
    that alone a search comes out the same.

    Args:
        data: whatever `derin.load` takes; None goes on with the data of the search that is resumed.
        space: what may change: ``["lr=1e-4:1e-1:log", "batch_size=32,64", "dropout=0:0.5"]``, or by name
            ``{"lr": (1e-4, 1e-1, "log"), "batch_size": [32, 64]}``: settings of `derin.fit` and options of the network.
            Scales are ``linear``, ``log`` and ``one-minus-log`` (of 1 − x, for momenta). None searches over the
            learning rate, the batch size, weight decay, momentum and dropout around their defaults.
        trials: how many there are in all; 20 by default.
        max_seconds: after which no trial goes on; one that is cut short goes on with `resume`.
        maximize, minimize: the metric, on validation; by default that by which the task tells a better epoch. Costs
            such as ``latency_ms`` and metrics such as ``"f2"`` count too; see `derin.compare`.
        subject: what else has to be good enough, such as ``["latency_ms<=5"]``.
        method: ``"tpe"`` (default), ``"random"`` or ``"coarse-to-fine"``.
        halving: whether trials are given up early; by default where there are at least nine epochs.
        storage: the address of a database that SQLAlchemy knows; None keeps a file of SQLite in the folder.
        study: the name in the database; by default that of the folder.
        out: the folder; None takes the next free one under ``runs/``.
        resume: go on with the search at `out`, or take part in it.
        on_trial: called with each trial that has ended, and the name of the optimized metric.
        listening: gives what listens to each training, for the folder of the search; see `derin.Callback`.
        options: any of `derin.fit`, the same for all trials.

    Raises:
        UsageError: an argument that does not fit, or nothing meets the constraints.
        MissingExtraError: Optuna is not installed.

    Example:
        >>> import derin, tempfile
        >>> found = derin.search("iris", space=["lr=1e-3:1e-1"], trials=3, epochs=3, out=tempfile.mkdtemp() + "/search")
        >>> len(found.story.trials), found.best.metrics["test"]["accuracy"] > 0.5
        (3, True)
    """
    check_names({n: v for n, v in options.items() if n not in _NOT_RECORDED}, "derin.search")
    asked = {
        "space": space,
        "trials": trials,
        "maximize": maximize,
        "minimize": minimize,
        "subject": list(subject) or None,
        "method": method,
        "halving": halving,
        "study": study,
    }
    if trials is not None and trials < 1:
        raise UsageError(f"At least one trial is required; got trials={trials}.")
    started = time.monotonic()
    folder = _folder(data, out, resume)
    options = {name: value for name, value in options.items() if value is not None}
    with FolderLock(folder, wait_seconds=_CLAIM_SECONDS):
        if (folder / _RECORD_NAME).exists():
            record = _resumed(folder, data, options, asked, storage)
        else:
            record = _begun(folder, data, options, asked, storage)
        work = _Work(folder, record, data, options, storage, None if max_seconds is None else started + max_seconds)
    work.on_trial, work.listening = on_trial, listening
    try:
        work.run()
        return work.result()
    finally:
        work.study.close()


def _folder(data: Any, out: str | Path | None, resume: bool) -> Path:
    """Where the search lies; refuses one that is there already unless it is gone on with."""
    if resume and out is None:
        raise UsageError("To resume, name the search: --out FOLDER (out=... in Python).")
    if data is None and not (resume and out is not None and (Path(out) / _RECORD_NAME).exists()):
        raise UsageError(f"There is no search at {out} to take the data from; name the data to search on.")
    if out is None:
        name = source_name(data) or getattr(data, "name", None) or "run"
        return next_free(Path("runs"), f"{Path(name).stem}-search")
    folder = usable_path(out, "The search")
    if (folder / _RECORD_NAME).exists() and not resume:
        raise UsageError(f"There is a search at {folder} already; go on with it by --resume, or choose another --out.")
    if folder.exists() and not resume and any(not entry.name.startswith(".") for entry in folder.iterdir()):
        raise UsageError(f"The folder {folder} holds files that are no search; choose a new or empty folder for --out.")
    return folder


def _begun(folder: Path, data: Any, options: Mapping[str, Any], asked: Mapping[str, Any], storage: str | None) -> Any:
    """The record of a new search; baselines are measured, and what cannot work is refused before anything is drawn."""
    prepared = prepare(data, **options)
    network = getattr(prepared.model, "options", None)
    space = (
        default_space(prepared.config, network, len(prepared.table.splits["train"]))
        if asked["space"] is None
        else read_space(asked["space"], SETTINGS, network)
    )
    for dimension in space:
        if dimension.name in options or dimension.name in (options.get("model_options") or {}):
            raise UsageError(f"The setting {dimension.name} is searched over and given besides; leave one of them out.")
    if "val" not in prepared.table.splits or prepared.task.monitor is None:
        raise UsageError(
            f"A search compares runs on validation; the task {prepared.task.name!r} on {prepared.table.name!r} has "
            "nothing to compare there."
        )
    goal = Goal.of(asked["maximize"], asked["minimize"], asked["subject"] or ())
    goal = goal or Goal(prepared.task.monitor, prepared.task.maximize)
    record: dict[str, Any] = {
        "format": SEARCH_FORMAT,
        "id": secrets.token_hex(8),
        "data": {
            "name": prepared.table.name,
            "source": source_name(data),
            "num_val": len(prepared.table.splits["val"]),
        },
        "options": {n: plain(v) for n, v in options.items() if n not in _NOT_RECORDED},
        "asked": {n: plain(v) for n, v in asked.items()},
        "space": [dimension.to_json() for dimension in space],
        "defaults": _defaults(prepared, space),
        "goal": _goal_to_json(goal),
        "monitor": [prepared.task.monitor, prepared.task.maximize],
        "trials": asked["trials"] or 20,
        "method": asked["method"] or "tpe",
        "halving": prepared.config.epochs >= 9 if asked["halving"] is None else asked["halving"],
        "epochs": prepared.config.epochs,
        "seed": prepared.config.seed,
        "study": asked["study"] or folder.name,
        "elsewhere": storage is not None,
        "baselines": _baselines(prepared),
    }
    proposals(record["method"], space, record["defaults"], record["seed"], record["trials"])  # refuses unknown names
    write_json(folder / _RECORD_NAME, record)
    return record


def _resumed(folder: Path, data: Any, options: Mapping[str, Any], asked: Mapping[str, Any], storage: str | None) -> Any:
    """The record of a search that goes on; only the number of trials may be another one."""
    where = f"The record of search {folder}"
    record = checked_format(read_json(folder / _RECORD_NAME), SEARCH_FORMAT, where)
    with refusing_misfits(where):
        if data is not None and source_name(data) != record["data"]["source"]:
            raise UsageError(
                f"The search {folder} is on {record['data']['source']}; name the same data, or leave it out."
            )
        if data is None and record["data"]["source"] is None:
            raise UsageError(f"The search {folder} is on data that has no name; give it again.")
        for name, value in options.items():
            if name not in (*_NOT_RECORDED, *_OF_A_MACHINE) and record["options"].get(name) != plain(value):
                raise UsageError(
                    f"The search {folder} has {name}={record['options'].get(name)!r}; got {value!r}. Leave it out, or "
                    "start a new search."
                )
        for name, said in asked.items():
            if name != "trials" and said is not None and record["asked"].get(name) != plain(said):
                raise UsageError(
                    f"The search {folder} goes on as it was begun, with {name}={record['asked'].get(name)!r}; got "
                    f"{said!r}. Leave it out, or start a new search."
                )
        if record["elsewhere"] and storage is None:
            raise UsageError(f"The search {folder} keeps its study in a database of its own; name it: --storage URL.")
        if asked["trials"] is not None and asked["trials"] != record["trials"]:
            record["trials"] = asked["trials"]
            write_json(folder / _RECORD_NAME, record)
    return record


def _defaults(prepared: Prepared, space: Sequence[Dimension]) -> dict[str, Any]:
    """What each setting is without a search, where that is known and may be drawn as well."""
    config, network = prepared.config.to_json(), getattr(prepared.model, "options", None)
    found = {}
    for dimension in space:
        value = getattr(network, dimension.name, None) if dimension.is_option else config.get(dimension.name)
        if dimension.holds(value):
            found[dimension.name] = plain(value)
    return found


def _baselines(prepared: Prepared) -> dict[str, float]:
    from derin.tasks.baselines.first import first_baselines

    if not isinstance(prepared.task, SupervisedTask) or prepared.stream is not None or prepared.features is not None:
        return {}
    return first_baselines(prepared.task, prepared.preparation, prepared.table, prepared.split_source)


def _goal_to_json(goal: Goal) -> dict[str, Any]:
    return {
        "metric": goal.metric,
        "maximize": goal.maximize,
        "constraints": [str(each) for each in goal.constraints],
    }


def _goal_of(record: Mapping[str, Any]) -> Goal:
    about = record["goal"]
    named = {"maximize" if about["maximize"] else "minimize": about["metric"]}
    goal = Goal.of(named.get("maximize"), named.get("minimize"), about["constraints"])
    assert goal is not None
    return goal


class _Watching(Callback):
    """Tells the study how a trial fares, and ends it where it is left behind, time is over, or all epochs are done.

    A trial ends like one that is interrupted: its state stays, and nothing is measured on test.
    """

    def __init__(self, goal: Goal, study: Study, trial: Any, *, halving: bool, deadline: float | None) -> None:
        self._goal, self._study, self._trial = goal, study, trial
        self._halving, self._deadline = halving, deadline
        self.outcome = ""

    def on_epoch_end(self, loop: Training, record: dict[str, Any]) -> None:
        value = record["val"].get(self._goal.metric)
        if is_number(value):
            self._study.report(self._trial, value, loop.epoch)
        if loop.epoch >= loop.config.epochs or loop.tracker.exhausted:
            self._end(loop, FINISHED)
        elif self._halving and is_number(value) and self._study.is_left_behind(self._trial):
            self._end(loop, HALVED)

    def on_step(self, loop: Training) -> None:
        if self._deadline is not None and time.monotonic() > self._deadline and not self.outcome:
            loop.interrupt()

    def _end(self, loop: Training, outcome: str) -> None:
        self.outcome = outcome
        loop.interrupt()


class _Work:
    """One process at work on a search."""

    def __init__(
        self,
        folder: Path,
        record: dict[str, Any],
        data: Any,
        options: Mapping[str, Any],
        storage: str | None,
        deadline: float | None,
    ) -> None:
        self.folder, self.record, self.deadline = folder, record, deadline
        self.data = record["data"]["source"] if data is None else data
        # What is not recorded as it is, such as a network of one's own, comes from the caller.
        self.options = {**record["options"], **options}
        self.on_trial: Callable[[Trial, str], None] | None = None
        self.listening: Callable[[Path], list[Callback]] | None = None
        self.interrupted = False
        self.goal = _goal_of(record)
        self.space = [Dimension.from_json(each) for each in record["space"]]
        # What epochs are compared by: the goal where the log has it, else what tells a better epoch.
        monitor, monitor_maximize = record["monitor"]
        measured_late = ChosenMetric.parse(self.goal.metric) is not None and self.goal.metric != "accuracy"
        self.early = Goal(monitor, monitor_maximize) if measured_late or self._is_cost else self.goal
        sampler = proposals(record["method"], self.space, record["defaults"], record["seed"], record["trials"])
        self.study = open_study(
            storage or f"sqlite:///{folder.resolve() / _STUDY_NAME}",
            name=record["study"],
            maximize=self.goal.maximize,
            sampler=sampler,
            epochs=record["epochs"],
            same_direction=self.early.maximize == self.goal.maximize,
            about=json.dumps([record["space"], record["goal"]], sort_keys=True),
        )

    @property
    def _data_again(self) -> Any:
        """The data for a run that goes on, which knows where it came from."""
        return None if self.record["data"]["source"] else self.data

    @property
    def _is_cost(self) -> bool:
        from derin.api.costs import COSTS

        return self.goal.metric in COSTS

    def run(self) -> None:
        """Trial after trial, until there are enough, time is over, or somebody stops."""
        while self.deadline is None or time.monotonic() < self.deadline:
            with self._claimed() as trial:
                if trial is None or not self._try(trial):
                    return

    @contextmanager
    def _claimed(self) -> Iterator[Any]:
        """A trial that is this process's alone: one that a killed process left behind, else a new one.

        The locks of processes that were killed are free again, by which their trials are known.
        """
        with FolderLock(self.folder, wait_seconds=_CLAIM_SECONDS):
            lock, trial = self._left_behind()
            if trial is None and self.study.num_counting() < self.record["trials"]:
                trial = self.study.ask(self.space, self.record["defaults"], place=self.record["id"])
                lock = FolderLock(self._lock_of(trial.number))
                lock.__enter__()
        try:
            yield trial
        finally:
            if lock is not None:
                lock.__exit__(None, None, None)

    def _lock_of(self, number: int) -> Path:
        return self.folder / ".locks" / str(number)

    def _left_behind(self) -> tuple[FolderLock | None, Any]:
        for trial in self.study.running(self.record["id"]):
            lock = FolderLock(self._lock_of(trial.number))
            try:
                lock.__enter__()
            except BusyError:
                continue
            # Its process may have come to its end since the trials were listed.
            if trial.number in (each.number for each in self.study.running(self.record["id"])):
                return lock, trial
            lock.__exit__(None, None, None)
        return None, None

    def _try(self, trial: Any) -> bool:
        """Trains one trial; whether the search goes on."""
        name = f"{_TRIALS}/{trial.number:04d}"
        path = self.folder / name
        settings = self.study.settings_of(trial, self.space)
        watching = _Watching(
            self.early,
            self.study,
            trial,
            halving=bool(self.record["halving"]) and trial.number > 0,
            deadline=self.deadline,
        )
        began, before = time.monotonic(), self.study.seconds_of(trial)
        tell = partial(self._tell, trial, name, settings)
        told = [] if self.listening is None else self.listening(self.folder)
        try:
            run = self._fit(path, settings, callbacks=[*told, watching])
        except DivergenceError as error:
            tell(DIVERGED, seconds=before + time.monotonic() - began, reason=str(error))
            return True
        except DerinError as error:
            if trial.number == 0 or isinstance(error, BusyError):
                raise
            tell(FAILED, seconds=before + time.monotonic() - began, reason=str(error))
            return True
        seconds = before + time.monotonic() - began
        outcome = watching.outcome or (FINISHED if _trained_to_its_end(run) else "")
        if not outcome:  # time is over, or somebody stops: the trial goes on with the search
            self.study.note_seconds(trial, seconds)
            self.interrupted = self.deadline is None or time.monotonic() < self.deadline
            return False
        metrics = self._measured(run, outcome)
        if outcome == FINISHED and self.goal.metric not in metrics:
            raise UnknownNameError("metric", self.goal.metric, metrics)
        tell(outcome, seconds=seconds, metrics=metrics)
        return True

    def _tell(
        self,
        trial: Any,
        run: str,
        settings: Mapping[str, Any],
        outcome: str,
        *,
        seconds: float,
        metrics: Mapping[str, float] | None = None,
        reason: str = "",
    ) -> None:
        """Tells the study, and whoever looks on, how a trial ended."""
        ended = Trial(
            number=trial.number,
            outcome=outcome,
            settings=settings,
            metrics=metrics or {},
            curve=(),
            run=run,
            seconds=seconds,
            reason=reason,
        )
        self.study.tell(trial, ended, self.goal)
        if self.on_trial is not None:
            self.on_trial(ended, self.goal.metric)

    def _fit(self, path: Path, settings: Mapping[str, Any], **more: Any) -> Run:
        """A run with some settings, from its saved state where there is one."""
        if (path / "run.json").exists():
            before = Run(path)
            if _trained_to_its_end(before):
                return before  # a process was killed between that and its word to the study
            return fit(self._data_again, out=path, resume=True, report=False, quiet=True, **more)
        given = dict(self.options)
        own = {d.name: settings[d.name] for d in self.space if d.is_option and d.name in settings}
        if own:
            given["model_options"] = {**(given.get("model_options") or {}), **own}
        given |= {d.name: settings[d.name] for d in self.space if not d.is_option and d.name in settings}
        return fit(self.data, out=path, resume=True, report=False, quiet=True, **given, **more)

    def _measured(self, run: Run, outcome: str) -> dict[str, float]:
        """The metrics of a run's best epoch on validation, and what else the goal names."""
        lines = [line for line in run.history if line.get("best")]
        numbers = {n: float(v) for n, v in (lines[-1]["val"] if lines else {}).items() if is_number(v)}
        if outcome != FINISHED:
            return numbers
        missing = [name for name in self.goal.metrics if name not in numbers]
        if missing:
            from derin.api.compare import measure_for_choice

            numbers |= measure_for_choice(run.path, self.data, missing)
        return numbers

    def result(self) -> Search:
        """What was found; the best run is trained to its end and measured."""
        from derin.report.search_page import write_search_page

        story, choice, best, missed = self._story(), None, None, None
        try:
            choice = story.choice() if story.finished else None
        except UsageError as error:
            missed = error  # nothing meets the constraints, which the page shows as well
        # Who stops a search goes on with it later, and the test split is measured once.
        if choice is not None and not self.interrupted and (self.folder / choice.name / "run.json").exists():
            best = self._promoted(self.folder / choice.name)
            story = replace(story, test=dict(best.metrics.get("test", {})))
        report = write_search_page(self.folder, story, choice)
        if missed is not None:
            raise missed
        done = sum(trial.outcome != RUNNING for trial in story.trials) >= self.record["trials"]
        return Search(
            path=self.folder,
            story=story,
            choice=choice,
            best=best,
            report=report,
            finished=done,
            interrupted=self.interrupted,
        )

    def _promoted(self, path: Path) -> Run:
        """The run, measured on all splits, with its report; two processes may come to it at once."""
        for _ in range(60):
            try:
                return fit(self._data_again, out=path, resume=True, quiet=True)
            except BusyError:
                time.sleep(1)
        raise BusyError(
            f"The best run {path} is still held by another process; when that is done, derin search --resume --out "
            f"{self.folder} measures it and tells what was found."
        )

    def _story(self) -> SearchStory:
        record = self.record
        importance, epoch = self.study.importance(self.space)
        return SearchStory(
            name=self.folder.name,
            data=record["data"]["name"],
            goal=self.goal,
            space=self.space,
            trials=self.study.trials(self.space),
            baselines=record["baselines"],
            importance=importance,
            importance_epoch=epoch,
            num_val=record["data"]["num_val"],
            num_planned=record["trials"],
            command=shlex.join(["derin", "search", "--resume", "--out", str(self.folder)]),
            test={},
        )


def _trained_to_its_end(run: Run) -> bool:
    """Whether all epochs of a run are done."""
    history = run.history
    return run.finished or bool(history and history[-1]["epoch"] >= run.record["config"]["epochs"])
