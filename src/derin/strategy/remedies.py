"""What moves which part of an error: the knobs that turn one thing and leave the others alone, as exact commands.

============== =========================================================================================
part           knobs, those that usually bring most first
============== =========================================================================================
avoidable_bias published weights, more training, another rate, less regularization, a larger network
variance       published weights, more training, augmentation, regularization, more data
data_mismatch  examples of the other kind in training, training examples made more like them
dev_overfit    another and larger dev set
============== =========================================================================================

What is in force decides: a run that was cut off is told to train longer and not to take a larger network, options that
the user set are named before those that nobody chose, and weights only where they fit the data.

Source: A. Ng, "Machine Learning Yearning", 2018, chapters 20 to 27 and 36 to 43.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import Any

from derin.core.messages import translate
from derin.models.registry import MODELS
from derin.models.weights.known import KNOWN, KnownWeights
from derin.strategy.commands import data_from_here, option_words, train_command
from derin.strategy.curves import Curves
from derin.strategy.diagnosis import Diagnosis, Suggestion
from derin.strategy.diagnosis_text import counts_text
from derin.strategy.record import RunRecord, is_number
from derin.tasks.recipes import Facts
from derin.tasks.recipes.facts import budget, light_augmentation
from derin.tasks.registry import TASKS

_FEW_PHOTOGRAPHS = 20_000  # up to so many, a network that has seen a million others knows more than they teach
_LONGER, _MUCH_LONGER = 3, 4  # times the epochs, times the seconds
_SMALL_PICTURE = 64  # pixels
_WEIGHTS = "mobilenet_v2"
_LEARNS_FROM_WEIGHTS = ("classification", "binary", "multilabel", "regression")
# What belongs to one network or to one way of training it, and is chosen anew for another.
_OF_THE_NETWORK = ("model", "model_options", "size", "learning_rate", "weight_decay", "momentum", "optimizer",
                   "schedule", "warmup", "batch_size", "epochs", "clip_norm", "patience", "config")  # fmt: skip
# What `derin find-lr` takes of a training's settings.
_OF_FINDING = ("target", "model", "task", "weights", "optimizer", "batch_size", "seed", "download")
_REGULARIZING = ("weight_decay", "l1", "label_smoothing", "augment", "adversarial")
# The next larger network of a kind of input; that of pictures depends on their size.
_LARGER = {
    **dict.fromkeys(("perceptron", "linear", "logistic"), "mlp"),
    **dict.fromkeys(("text_bag", "text_average"), "text_cnn"),
    "text_cnn": "text_lstm",
    **dict.fromkeys(("nlinear", "dlinear"), "series_mlp"),
    "series_mlp": "series_tcn",
    "neural_lm": "lstm_lm",
    "lstm_lm": "transformer_lm",
    "seq2seq_gru": "seq2seq_attention",
    "seq2seq_attention": "transformer",
    "yolo": "yolo_large",
}
# Of a network that stands on a classifier.
_LARGER_TRUNK = {
    **dict.fromkeys(("mobilenet_v1", "mobilenet_v2", "efficientnet_b0", "resnet18"), "resnet34"),
    "resnet34": "resnet50",
}
_LARGER_FOR_PICTURES = {
    **dict.fromkeys(("perceptron", "linear", "logistic", "mlp", "lenet5", "lenet5_1998"), ("convnet", "convnet")),
    "convnet": ("resnet20", "resnet18"),
    "resnet20": ("resnet56", "resnet18"),
    "resnet18": ("resnet34", "resnet50"),
}
# Without a run: what is tried first, as a command whose data the reader fills in.
_GENERAL = {
    "avoidable_bias": (
        ("larger", "derin train DATA --model resnet18"),
        ("longer", "derin train DATA --epochs 100"),
        ("rate", "derin find-lr DATA"),
    ),
    "variance": (
        ("weights", f"derin train DATA --weights {_WEIGHTS}_imagenet"),
        ("augment", "derin train DATA --augment flip,rotate=15,zoom=0.2"),
        ("regularize", "derin train DATA --weight-decay 0.1"),
        ("data", "derin diagnose RUN --learning-curve"),
    ),
    "data_mismatch": (("mismatch", "derin train DATA --train-on-dev 0.5"), ("differences", "derin errors RUN")),
    "dev_overfit": (("dev", "derin train DATA --seed 1"),),
}


def with_general_remedies(diagnosis: Diagnosis) -> Diagnosis:
    """The diagnosis with what to try, where nothing is known of the system but its errors."""
    knobs = _GENERAL.get(_name_of_work(diagnosis), ())
    found = (Suggestion(translate(f"remedy.general_{key}"), command) for key, command in knobs)
    return replace(diagnosis, suggestions=(*_more_examples(diagnosis, "RUN"), *found))


def with_remedies(diagnosis: Diagnosis, story: RunRecord) -> Diagnosis:
    """The diagnosis of a run with what to try next, most promising first."""
    curves = Curves(story)
    found: list[Suggestion] = []
    if story.record.get("stopped") == "interrupted":
        command = shlex.join(["derin", "train", "--resume", "--out", str(story.path)])
        found.append(Suggestion(translate("remedy.interrupted"), command))
    found += _more_examples(diagnosis, str(story.path))
    found += [each for knob in _KNOBS.get(_name_of_work(diagnosis), ()) for each in knob(story, curves)]
    several: dict[str, Suggestion] = {}
    for each in found:
        several.setdefault(each.command, each)
    return replace(diagnosis, suggestions=tuple(several.values()))


def _name_of_work(diagnosis: Diagnosis) -> str:
    part = diagnosis.worth_work
    return part.name if part is not None else ""


def _more_examples(diagnosis: Diagnosis, run: str) -> tuple[Suggestion, ...]:
    """Before anything else is tried: measuring on so many more examples that it can be told what to try."""
    if not diagnosis.more_examples:
        return ()
    why = translate("remedy.more_examples", counts=counts_text(diagnosis))
    if set(diagnosis.more_examples) == {"reference"}:
        asked = (diagnosis.errors["reference"].num_examples or 0) + diagnosis.more_examples["reference"]
        return (Suggestion(why, shlex.join(["derin", "label", run, "--num", str(asked)])),)
    return (Suggestion(why, shlex.join(["derin", "eval", run, "DATA"])),)


def _weights(story: RunRecord, _: Curves) -> Iterator[Suggestion]:
    """Weights that know pictures of the world, for few photographs of it."""
    num, task = story.part("data", "splits").get("train"), story.part("task").get("name")
    begins = task in _LEARNS_FROM_WEIGHTS or (task in TASKS and TASKS[str(task)].trunk_model is not None)
    if story.part("finetune").get("weights") or not _has_photographs(story) or not begins:
        return
    if not is_number(num) or num > _FEW_PHOTOGRAPHS:
        return
    known, here = _published()
    without = [*_OF_THE_NETWORK, *(["max_seconds"] if story.record.get("stopped") == "time" else [])]
    command = train_command(story, without=without, weights=known.name, **({} if here else {"download": True}))
    yield Suggestion(translate("remedy.weights", count=int(num), weights=known.name), command)


def _published() -> tuple[KnownWeights, bool]:
    """The weights to begin with, and whether they are on this machine."""
    fitting = [known for known in KNOWN if known.model == _WEIGHTS and known.classes == "imagenet"]
    here = next((known for known in fitting if known.find() is not None), None)
    return (here, True) if here is not None else (next(k for k in fitting if k.address is not None), False)


def _more_time(story: RunRecord, _: Curves) -> Iterator[Suggestion]:
    """More time, where training was cut off: nothing else is known of the network yet."""
    seconds = story.part("config").get("max_seconds")
    if story.record.get("stopped") == "time" and is_number(seconds) and seconds > 0:
        command = train_command(story, max_seconds=round(seconds * _MUCH_LONGER))
        yield Suggestion(translate("remedy.out_of_time", seconds=float(seconds)), command)


def _longer(story: RunRecord, curves: Curves) -> Iterator[Suggestion]:
    """More epochs, where they were few or validation was still getting better."""
    epochs, num = story.part("config").get("epochs"), story.part("data", "splits").get("train")
    if not is_number(epochs) or story.record.get("stopped") in ("patience", "interrupted", "time"):
        return
    usual = budget(int(num))[0]["epochs"] if is_number(num) and "epochs" in _asked(story) else 0
    if curves.is_too_short or curves.improves or (curves.learns and not curves.rise):
        command = train_command(story, epochs=max(int(epochs) * _LONGER, usual))
        yield Suggestion(translate("remedy.still_learning", count=int(epochs)), command)
    elif epochs < usual:
        command = train_command(story, without=["epochs"])
        yield Suggestion(translate("remedy.few_epochs", count=int(epochs)), command)


def _rate(story: RunRecord, curves: Curves) -> Iterator[Suggestion]:
    """Another learning rate, where training loss jumped or never moved."""
    rate = story.part("config").get("learning_rate")
    if not is_number(rate) or not (curves.jumps or curves.is_flat):
        return
    key = "jumps" if curves.jumps else "flat"
    if "learning_rate" in _asked(story):
        command = train_command(story, without=["learning_rate"])
        yield Suggestion(translate(f"remedy.{key}_asked", lr=float(rate)), command)
    elif curves.jumps:
        yield Suggestion(
            translate("remedy.jumps", lr=float(rate)), train_command(story, learning_rate=float(f"{rate / 10:.1g}"))
        )
    else:
        yield Suggestion(translate("remedy.flat", lr=float(rate)), _find_rate(story))


def _find_rate(story: RunRecord) -> str:
    data, model = story.part("request").get("data"), story.part("model").get("name")
    where = data_from_here(data, story.path) if isinstance(data, str) else "DATA"
    # The weights name a network of their own, unless the run named one that stands on it.
    asked = {"model": model} if "weights" not in _asked(story) else {}
    asked |= {name: _asked(story)[name] for name in _OF_FINDING if name in _asked(story)}
    words = [word for name, value in asked.items() for word in option_words(name, value)]
    return shlex.join(["derin", "find-lr", where, *words])


def _options(story: RunRecord, _: Curves) -> Iterator[Suggestion]:
    """The network as it is by default, where options of it were chosen by hand."""
    name, asked = str(story.part("model").get("name")), _asked(story).get("model_options") or {}
    usual = asdict(MODELS[name].options()) if name in MODELS else {}
    # As run.json holds them; what was named and is the usual value changes nothing.
    usual = {option: list(value) if isinstance(value, tuple) else value for option, value in usual.items()}
    chosen = {option: value for option, value in asked.items() if option not in usual or value != usual[option]}
    if chosen:
        options = ", ".join(f"{option}={value}" for option, value in chosen.items())
        command = train_command(story, without=["model_options"])
        yield Suggestion(translate("remedy.options", options=options), command)


def _regularization(story: RunRecord, _: Curves) -> Iterator[Suggestion]:
    """Less of what holds a network back, as far as the user set it."""
    asked = [name for name in _REGULARIZING if _asked(story).get(name) not in (None, 0, "none")]
    if asked:
        names = ", ".join(name.replace("_", " ") for name in asked)
        yield Suggestion(translate("remedy.unregularize", names=names), train_command(story, without=asked))


def _larger(story: RunRecord, curves: Curves) -> Iterator[Suggestion]:
    """The next larger network; not for a run that was cut off, of which nobody knows what its network can."""
    if story.record.get("stopped") in ("time", "interrupted") or story.part("finetune").get("weights"):
        return
    name = str(story.part("model").get("name"))
    trunk = story.part("model", "spec", "options").get("trunk")
    if name not in _LARGER and trunk in _LARGER_TRUNK:
        asked = {n: v for n, v in (_asked(story).get("model_options") or {}).items() if n != "trunk_options"}
        options = {**asked, "trunk": _LARGER_TRUNK[trunk]}
        command = train_command(story, without=_OF_THE_NETWORK, model=name, model_options=options)
        yield Suggestion(translate("remedy.larger", model=trunk, larger=f"trunk={_LARGER_TRUNK[trunk]}"), command)
        return
    if story.input_kind == "picture" and name not in _LARGER:
        if name in MODELS and MODELS[name].output_kind != "vector":
            return
        small, large = _LARGER_FOR_PICTURES.get(name, ("resnet56", "resnet50"))
        larger: str | None = small if _picture_side(story) <= _SMALL_PICTURE else large
    else:
        larger = _LARGER.get(name)
    if larger is not None and larger != name:
        command = train_command(story, without=_OF_THE_NETWORK, model=larger)
        yield Suggestion(translate("remedy.larger", model=name, larger=larger), command)
    elif name == "mlp":
        command = train_command(story, model_options={"hidden": [512, 512]})
        yield Suggestion(translate("remedy.larger", model=name, larger="hidden=[512, 512]"), command)


def _best_rate(story: RunRecord, _: Curves) -> Iterator[Suggestion]:
    yield Suggestion(translate("remedy.find_rate"), _find_rate(story))


def _augmentation(story: RunRecord, _: Curves) -> Iterator[Suggestion]:
    """Changed pictures, where none are made, or more changes where some are."""
    if story.input_kind != "picture" or story.part("finetune").get("features_computed_once"):
        return
    now, channels = story.record.get("augmentation"), _picture_channels(story)
    side = _picture_side(story)
    facts = Facts(num_train=0, picture_size=(side, side), channels=channels)
    usual = light_augmentation(facts)
    if not now:
        yield Suggestion(translate("remedy.augment"), train_command(story, augment=usual))
    elif "cutout" not in str(now):
        more = train_command(story, augment=f"{now},cutout=0.3")
        yield Suggestion(translate("remedy.augment_more", now=str(now)), more)


def _restraint(story: RunRecord, curves: Curves) -> Iterator[Suggestion]:
    """More weight decay or dropout, where validation turned upwards or nothing else holds the network back."""
    options = story.part("model", "spec", "options")
    drops = {name: value for name, value in options.items() if name == "dropout" and is_number(value)}
    if drops and drops["dropout"] < 0.5:
        kept = _asked(story).get("model_options") or {}
        command = train_command(story, model_options={**kept, "dropout": 0.5})
        yield Suggestion(translate("remedy.dropout", now=float(drops["dropout"])), command)
    decay = story.part("config").get("weight_decay")
    if is_number(decay):
        larger = float(f"{decay * 10:.1g}") if decay else 0.01
        yield Suggestion(translate("remedy.decay", now=float(decay)), train_command(story, weight_decay=larger))


def _more_data(story: RunRecord, _: Curves) -> Iterator[Suggestion]:
    command = shlex.join(["derin", "diagnose", str(story.path), "--learning-curve"])
    yield Suggestion(translate("remedy.data"), command)


def _other_dev(story: RunRecord, _: Curves) -> Iterator[Suggestion]:
    seed = story.part("config").get("seed")
    if has_given_dev(story):
        command = shlex.join(["derin", "eval", str(story.path), "DATA"])
        yield Suggestion(translate("remedy.new_dev"), command)
    else:
        yield Suggestion(translate("remedy.other_dev"), train_command(story, seed=int(seed or 0) + 1))


def _dev_in_training(story: RunRecord, _: Curves) -> Iterator[Suggestion]:
    """A part of the few examples of the right kind trains beside the many others."""
    if "train_on_dev" not in _asked(story):
        yield Suggestion(translate("remedy.train_on_dev"), train_command(story, train_on_dev=0.5))


def _differences(story: RunRecord, _: Curves) -> Iterator[Suggestion]:
    yield Suggestion(translate("remedy.mismatch"), shlex.join(["derin", "errors", str(story.path)]))


def _training_dev(story: RunRecord, _: Curves) -> Iterator[Suggestion]:
    """A set that tells variance from mismatch, where validation came with the data and may be of another kind."""
    if "traindev" not in story.metrics and has_given_dev(story):
        yield Suggestion(translate("remedy.training_dev"), train_command(story, training_dev=0.1))


def has_given_dev(story: RunRecord) -> bool:
    """Whether the validation data came with the set, and may be of another kind than the training data."""
    return "val" in (story.part("data").get("given_splits") or ())


_KNOBS: dict[str, tuple[Callable[[RunRecord, Curves], Iterator[Suggestion]], ...]] = {
    "avoidable_bias": (_weights, _more_time, _options, _rate, _longer, _regularization, _larger, _best_rate),
    "variance": (_weights, _more_time, _longer, _augmentation, _restraint, _training_dev, _more_data),
    "data_mismatch": (_dev_in_training, _differences, _augmentation),
    "dev_overfit": (_other_dev,),
}


def _asked(story: RunRecord) -> dict[str, Any]:
    return dict(story.part("request", "options"))


def _picture_shape(story: RunRecord) -> list[Any]:
    columns = story.part("data").get("schema") or ()
    shapes = [c.get("shape") for c in columns if isinstance(c, dict) and c.get("kind") == "picture"]
    shape = shapes[0] if shapes and isinstance(shapes[0], list) else []
    return shape if len(shape) == 3 and all(map(is_number, shape)) else []


def _picture_side(story: RunRecord) -> int:
    """The longer side in pixels; larger than any where it varies."""
    shape = _picture_shape(story)
    return 1 << 20 if not shape or min(shape[:2]) < 1 else int(max(shape[:2]))


def _picture_channels(story: RunRecord) -> int:
    shape = _picture_shape(story)
    return int(shape[2]) if shape else 3


def _has_photographs(story: RunRecord) -> bool:
    return story.input_kind == "picture" and _picture_channels(story) == 3 and _picture_side(story) > _SMALL_PICTURE
