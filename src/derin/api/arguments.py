"""What `fit` may be asked for: the one table of all settings, each of its type before anything is done with it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from derin.core.errors import UnknownNameError, UsageError
from derin.core.settings import (
    ANY,
    CONFIG,
    FLAG,
    FUNCTION,
    LIST,
    MAP,
    NETWORK,
    NUMBER,
    PATH,
    TEXT,
    WHOLE,
    Setting,
    setting,
    settings_of,
)
from derin.train.config import TrainConfig, spelled_out

if TYPE_CHECKING:
    from derin.data.augment import Augmentation
    from derin.readers.targets import TargetKind

P = ParamSpec("P")
R = TypeVar("R")

_DATA, _NETWORK, _RUN = "Data", "Network and task", "Run"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked for beside the settings of training; None is found out from the data."""

    target: str | None = setting(None, "Column to predict, or several: kind,weight.", TEXT, group=_DATA)
    weight_column: str | None = setting(None, "Column that says how much each example counts.", TEXT, group=_DATA)
    group_column: str | None = setting(
        None, "Column whose equal values (a patient, a shop) stay in one split.", TEXT, group=_DATA
    )
    time_column: str | None = setting(
        None, "Column by which rows are cut: the earliest train, the latest are the test split.", TEXT, group=_DATA
    )
    ignore: Sequence[str] | None = setting(
        None, "Column that is no input; repeatable.", LIST, group=_DATA, repeats=True
    )
    target_kind: TargetKind | None = setting(
        None, "category or number, where it is found out wrongly.", TEXT, group=_DATA
    )
    kinds: Mapping[str, str] | None = setting(
        None,
        "What a column holds, such as zip=category; repeatable.",
        MAP,
        group=_DATA,
        flags="--kind",
        repeats=True,
    )
    date_order: str | None = setting(None, "DD/MM/YYYY or MM/DD/YYYY, where dates could be either.", TEXT, group=_DATA)
    missing: Sequence[str] | None = setting(
        None, 'Word that means "no value", in place of the usual ones; repeatable.', LIST, group=_DATA, repeats=True
    )
    hold_out: str | Sequence[str] | None = setting(
        None,
        "With --task embedding: classes of the test split, such as 7,8,9 or Greek-*; none keeps every class in each.",
        TEXT,
        LIST,
        group=_DATA,
    )
    dev_from: str | None = setting(
        None,
        "Cut validation and test from these rows alone: source=app, or app/* of files; all others train.",
        TEXT,
        group=_DATA,
    )
    training_dev: float | None = setting(
        None,
        "Share of the training examples that is only measured: tells variance from data mismatch; 0.1 with "
        "--dev-from, or where validation is clearly of another kind; 0 refuses.",
        NUMBER,
        group=_DATA,
    )
    train_on_dev: float | None = setting(
        None,
        "Share of the validation examples that trains, where they are of the kind that counts.",
        NUMBER,
        group=_DATA,
    )
    size: int | None = setting(None, "Height and width of pictures.", WHOLE, group=_DATA)
    augment: str | Augmentation | None = setting(
        None, 'Such as "flip,rotate=10,shift=0.1", or "none".', TEXT, CONFIG, group=_DATA
    )
    reader_options: Mapping[str, Any] | None = setting(
        None,
        "How files are read, such as encoding=cp1254 or classes=innermost; repeatable.",
        MAP,
        group=_DATA,
        flags="--reader-option --reading",
        repeats=True,
    )
    inputs: Mapping[str, Any] | None = setting(
        None,
        "Setting of the inputs, such as max_size=20000; repeatable.",
        MAP,
        group=_DATA,
        flags="--input",
        repeats=True,
    )
    model: Any = setting(None, "Registered network.", TEXT, NETWORK, group=_NETWORK)
    model_options: Mapping[str, Any] | None = setting(
        None,
        "Setting of the network, such as hidden=[512]; repeatable.",
        MAP,
        group=_NETWORK,
        flags="--option",
        repeats=True,
    )
    weights: str | Path | None = setting(
        None,
        "Weights to go on from: a known name or file (derin weights), hub:REPO, a run, or RUN:NETWORK of a system.",
        PATH,
        group=_NETWORK,
    )
    finetune: str | None = setting(
        None,
        "With --weights: head, full, freeze:N (layer groups) or gradual; else chosen by the data.",
        TEXT,
        group=_NETWORK,
    )
    preprocess: str | None = setting(
        None, "How pictures were prepared for weights that are not known.", TEXT, group=_NETWORK
    )
    task: str | None = setting(
        None,
        "classification, binary, multilabel, multitask, regression, embedding; of text lm, tagging, translation, "
        "word-vectors, glove; of a series forecasting; of pictures gan, vae, flow, restore.",
        TEXT,
        group=_NETWORK,
    )
    loss: Callable[..., Any] | Mapping[str, Callable[..., Any]] | None = setting(
        None,
        "A function of (outputs, targets) that gives their mean loss, or one for each output by its name.",
        FUNCTION,
        MAP,
        group=_NETWORK,
        flags="",
    )
    metrics: Mapping[str, Any] | None = setting(
        None, "Functions of (outputs, targets) by name, measured beside the loss.", MAP, group=_NETWORK, flags=""
    )
    class_weights: str | Sequence[float] | None = setting(
        None, '"balanced", or one number per class: "1,10".', TEXT, LIST, group=_NETWORK
    )
    loss_weights: Mapping[str, float] | None = setting(
        None, "How much each of several targets or outputs counts: kind=2,weight=0.5.", MAP, group=_NETWORK
    )
    label_smoothing: float | None = setting(
        None, "Share of the target that is spread over all classes, 0 to 1.", NUMBER, group=_NETWORK
    )
    threshold: str | float | None = setting(
        None,
        "Of binary, multilabel and boxes: probability from which on the answer is yes; or f1, accuracy, "
        "balanced_accuracy or a required precision=0.9, for which it is chosen on validation.",
        TEXT,
        NUMBER,
        group=_NETWORK,
    )
    degrade: str | None = setting(
        None,
        "With --task restore, what is taken from good pictures: noise=25, noise=5-50, jpeg=30, sr=2, sr=4, gray.",
        TEXT,
        group=_NETWORK,
    )
    task_options: Mapping[str, Any] | None = setting(
        None,
        "Other setting of the task, such as loss=ntxent of embedding, label_noise=0.05 of gan; repeatable.",
        MAP,
        group=_NETWORK,
        flags="--task-option",
        repeats=True,
    )
    adversarial: str | float | None = setting(
        None,
        "ε of adversarial training, such as 4/255: pictures changed by so much are learned from.",
        TEXT,
        NUMBER,
        group=_NETWORK,
    )

    def __post_init__(self) -> None:
        for each in settings_of(Request):
            each.check(getattr(self, each.name))
        if self.augment is not None and not isinstance(self.augment, str) and not hasattr(self.augment, "num_uniforms"):
            raise UsageError(
                f'The argument augment must be text, such as "flip,rotate=10"; got {str(self.augment)[:40]!r}.'
            )


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What is asked for beside what is trained: where it goes, and who is told."""

    out: str | Path | None = setting(None, "Folder of the run; else runs/NAME-NUMBER.", PATH, group=_RUN)
    resume: bool = setting(False, "Go on with the run at --out.", FLAG, group=_RUN)
    extend: bool = setting(
        False,
        "With --resume: train on, also a finished run, for more --epochs, --max-seconds or --patience.",
        FLAG,
        group=_RUN,
    )
    callbacks: Sequence[Any] = setting(
        (), "Objects that are told of starts, steps, epochs and the end.", LIST, group=_RUN, flags=""
    )
    calibrate: bool = setting(False, "Fit a temperature on the validation split.", FLAG, group=_NETWORK)
    download: bool = setting(
        False, "Fetch a named set, or known weights, that are not on this machine.", FLAG, group=_DATA
    )
    report: bool = setting(True, "Write report.html.", FLAG, group=_RUN, flags="--report/--no-report")
    report_pictures: bool = setting(
        True, "Keep pictures of the data in the run and its report.", FLAG, group=_RUN, flags="--pictures/--no-pictures"
    )
    compare: bool = setting(
        True, "Measure simpler methods beside the network.", FLAG, group=_RUN, flags="--compare/--no-compare"
    )
    command: str | None = setting(None, "The command line, for the report.", TEXT, group=_RUN, flags="")
    progress: Any = setting(None, "Called with (done, total) while much is read or fetched.", ANY, group=_RUN, flags="")
    quiet: bool = setting(False, "Whether a terminal or notebook is told nothing.", FLAG, group=_RUN, flags="")


REQUESTED, TRAINING = settings_of(Request), settings_of(TrainConfig)
# Everything that may be set, in the order of `derin train --help`.
SETTINGS: tuple[Setting, ...] = (*REQUESTED, *TRAINING, *settings_of(RunOptions))
# What files of settings may hold: what is trained, and neither where nor for whom.
_IN_FILES = frozenset(each.name for each in (*REQUESTED, *TRAINING) if each.flags or each in TRAINING)


def named_arguments(function: Callable[P, R]) -> Callable[P, R]:
    """A function whose unknown arguments are answered with near matches.

    Raises:
        UnknownNameError: an argument that does not exist.

    Example:
        >>> @named_arguments
        ... def area(*, width, height): return width * height
        >>> area(width=2, heigth=3)
        Traceback (most recent call last):
        derin.core.errors.UnknownNameError: There is no argument of area named 'heigth'; did you mean 'height'?
    """
    known = inspect.signature(function).parameters

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in kwargs:
            if name not in known:
                raise UnknownNameError(f"argument of {function.__name__}", name, known)
        return function(*args, **kwargs)

    return checked


def request_of(options: Mapping[str, Any]) -> tuple[Request, dict[str, Any]]:
    """What is asked for and the settings of training, each of its type.

    Args:
        options: fields of `Request` and of `TrainConfig` by name; None is not said.

    Raises:
        UsageError: naming the argument, what it must be and what came.
        UnknownNameError: a setting that does not exist.

    Example:
        >>> request_of({"task": 2})
        Traceback (most recent call last):
        derin.core.errors.UsageError: The argument task must be text; got 2.
    """
    said = {name: value for name, value in options.items() if value is not None}
    asked = {each.name for each in REQUESTED}
    training = {name: value for name, value in said.items() if name not in asked}
    known = {*asked, *(each.name for each in TRAINING)}
    for name in training:
        if name not in known:
            raise UnknownNameError("training setting", name, known)
    request = Request(**{name: value for name, value in said.items() if name in asked})
    training = spelled_out(training, overrides=False)
    TrainConfig.from_json({name: str(value) if isinstance(value, Path) else value for name, value in training.items()})
    return request, training


def check_names(given: Mapping[str, Any], where: str) -> None:
    """Refuses what a file of settings may not say.

    Args:
        given: settings by name.
        where: the file, as the beginning of a sentence.

    Raises:
        UnknownNameError: a name that is no setting; lists near matches.
    """
    for name in given:
        if name not in _IN_FILES:
            raise UnknownNameError(f"setting of {where}", name, _IN_FILES)
