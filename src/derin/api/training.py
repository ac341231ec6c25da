"""A prepared run from its first step to its last number: trained, its best state measured, analyzed and saved."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from derin.api.bundles import load_model, save_model
from derin.api.evaluation import has_examples
from derin.api.head_first import KeepsBeginning, train_head
from derin.api.prepared import Prepared
from derin.api.results import measure, num_measured
from derin.core.errors import DerinWarning
from derin.core.fields import refusing_misfits
from derin.core.messages import translate
from derin.core.run import RunFolder
from derin.data.known_rows import KNOWN_ROWS, pack, row_hashes
from derin.data.report import MAX_RECORDED
from derin.tasks.own_functions import with_own_functions
from derin.train.budget import TimeBudget
from derin.train.callback import Callback
from derin.train.config import TrainConfig
from derin.train.freezing import Unfreezing
from derin.train.plan import Plan

if TYPE_CHECKING:
    from derin.train.loop import TrainingState

# Of a limited time that is left, the most that a head takes which is trained before the layers beneath it.
_SHARE_OF_THE_HEAD = 0.25


@dataclass(frozen=True, kw_only=True)
class Training:
    """A run that is being trained.

    Args:
        folder: of the run, which is locked.
        record: what run.json says; it grows as more is known.
        prepared: network, task, data and settings.
        config: the settings of the record.
        budget: of the whole command.
        calibrate: whether a temperature is fitted on the validation split.
        compare: whether simpler methods are measured beside the network.
        keeps_pictures: whether the run keeps what the network was shown.
    """

    folder: RunFolder
    record: dict[str, Any]
    prepared: Prepared
    config: TrainConfig
    budget: TimeBudget
    calibrate: bool
    compare: bool
    keeps_pictures: bool

    def run(self, callbacks: Sequence[Callback], *, resume: bool) -> None:
        """Trains, and unless that was interrupted measures, analyzes and saves the best state."""
        state = self._trained(callbacks, resume=resume)
        self._record_end(state)
        if state.stopped == "interrupted":
            self.folder.write_record(self.record)
        else:
            self._finish(state)

    @cached_property
    def _facts(self) -> dict[str, Any]:
        """What the card says beside model, task and preparation."""
        data = {name: value for name, value in self.record["data"].items() if name != "damaged"}
        facts = {"data": data | {"reading": None}, "training": self.record["config"]}
        if "adversarial" in self.record:
            facts["adversarial"] = self.record["adversarial"]
        if weights := self.record.get("finetune", {}).get("weights"):
            facts["finetuned_from"] = weights
        return facts

    @cached_property
    def _files(self) -> dict[str, bytes]:
        """What the bundle holds beside its weights: by which the training examples are known again."""
        table = self.prepared.table
        return {KNOWN_ROWS: pack(row_hashes(table, table.splits["train"]))} if has_examples(table) else {}

    def _on_plan(self, state: TrainingState) -> None:
        # Of a resumed run, the timings are those of the process that started it.
        trials: list[Any] = self.record.get("plan", {}).get("table", [])
        self.record["plan"] = {
            "chosen": state.plan.to_json(),
            "table": [t.to_json() for t in state.trials] or trials,
            "prefetch": bool(getattr(state.source, "prefetches", False)),
        }
        self.folder.write_record(self.record)

    def _on_best(self, state: TrainingState, epoch: Mapping[str, Any]) -> None:
        prepared = self.prepared
        about = self._facts | {"metrics": {split: epoch[split] for split in ("train", "val") if split in epoch}}
        save_model(self.folder.model_path, prepared.model, prepared.task, prepared.preparation, about, self._files)

    def _trained(self, callbacks: Sequence[Callback], *, resume: bool) -> TrainingState:
        from derin.train.loop import train

        prepared, record = self.prepared, self.record
        if prepared.warm_up is not None:
            train_head(prepared.warm_up, self.budget.part(_SHARE_OF_THE_HEAD))
            callbacks = [KeepsBeginning(self._on_best), *callbacks]
        with refusing_misfits(f"The record of run {self.folder.path}"):
            # Functions of the caller's own are recorded by name.
            given = {name: getattr(prepared.config, name) for name in ("optimizer", "schedule")}
            config = replace(self.config, **{name: value for name, value in given.items() if callable(value)})
            plan = Plan.from_json(record["plan"]["chosen"]) if "plan" in record else None
            # As the record has it, so that a resumed run unfreezes in the epochs that were settled at its start.
            groups = record.get("finetune", {}).get("groups")
            unfreezing = Unfreezing.from_json(groups) if groups else None

        def on_trials() -> None:
            for callback in callbacks:
                callback.on_prepare(record)

        return train(
            prepared.learner(prepared.model),
            prepared.task,
            prepared.train_source,
            config,
            validation=prepared.val_source,
            train_sample=prepared.train_sample,
            run=self.folder,
            plan=plan,
            unfreezing=unfreezing,
            callbacks=callbacks,
            on_trials=on_trials,
            on_plan=self._on_plan,
            on_best=self._on_best,
            resume=resume,
            budget=self.budget,
            sample=prepared.split_source,
            num_after=num_measured(prepared) if self.budget.is_limited else 0,
        )

    def _record_end(self, state: TrainingState) -> None:
        """Notes how far training came, and what of a stream could not be read."""
        self.record.update(epochs=state.epoch, steps=state.step, seconds=state.seconds, stopped=state.stopped)
        unread = {} if self.prepared.stream is None else self.prepared.stream.damaged
        if unread:
            rows = dict(islice(unread.items(), MAX_RECORDED))
            self.record["data"]["damaged"] = {"count": len(unread), "rows": rows}
            name, reason = next(iter(unread.items()))
            sentence = translate("fit.stream_damaged", count=len(unread), name=name, reason=reason)
            warnings.warn(sentence, DerinWarning, stacklevel=4)

    def _finish(self, state: TrainingState) -> None:
        """Measures the best state, lets the task analyze it, and writes the last bundle and record.

        Interrupted here, the run is resumed with its last state, which needs no more training.
        """
        prepared, record, folder = self.prepared, self.record, self.folder
        own = prepared.model if record["model"]["spec"].get("name") is None else None
        network, task, preparation, _ = load_model(folder.model_path, own)
        task = with_own_functions(task, **prepared.functions) if prepared.functions else task
        network.to(prepared.device)
        # Epoch 0 is the network before the first one, where something came before the loop.
        best_epoch = state.epoch if state.tracker.best_epoch is None else state.tracker.best_epoch
        best = {} if task.monitor is None else {"best_epoch": best_epoch}
        learner = prepared.learner(network)
        measured = measure(
            learner,
            task,
            prepared,
            folder.path,
            calibrate_on="val" if self.calibrate else None,
            keeps_pictures=self.keeps_pictures,
            budget=self.budget,
        )
        # Before the last bundle: a task may learn here what its answers need, such as the width of an interval.
        learner.eval()
        if self.compare and self.budget.is_limited and not preparation.reads_pictures:
            key = "fit.findings_follow" if self.budget.left > 0 else "fit.no_time_for_findings"
            warnings.warn(translate(key, seconds=self.budget.seconds), DerinWarning, stacklevel=4)
        task.analysis_seconds, task.keeps_pictures = self.budget.left, self.keeps_pictures
        task.threshold_criterion = prepared.threshold
        measured["findings"] = (
            task.final_analysis(learner, preparation, prepared.table, prepared.split_source, folder.path)
            if task.analysis_decides or (self.compare and self.budget.left > 0)
            else {}
        )
        about = self._facts | {"metrics": measured["metrics"]}
        save_model(folder.model_path, network, task, preparation, about, self._files)
        folder.write_record(record | measured | best | {"finished": True})
