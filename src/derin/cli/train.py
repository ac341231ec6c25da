"""`derin train`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from derin.cli.console import JsonFlag, column_kinds, console, model_options, print_json, progress_bar
from derin.cli.stopping import exit_code, keeping, resuming
from derin.core.messages import translate

_DATA = "Data"
_NETWORK = "Network and task"
_TRAINING = "Training"
_RUN = "Run"


def train(
    data: Annotated[
        str | None,
        typer.Argument(
            help="A named set (derin data --sets), a folder, an archive or a file; may be left out with --resume."
        ),
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="Column to predict, or several: kind,weight.", rich_help_panel=_DATA)
    ] = None,
    weight_column: Annotated[
        str | None, typer.Option(help="Column that says how much each example counts.", rich_help_panel=_DATA)
    ] = None,
    group_column: Annotated[
        str | None,
        typer.Option(help="Column whose equal values (a patient, a shop) stay in one split.", rich_help_panel=_DATA),
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="Column that is no input; repeatable.", rich_help_panel=_DATA)
    ] = None,
    target_kind: Annotated[
        str | None, typer.Option(help="category or number, where it is found out wrongly.", rich_help_panel=_DATA)
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="What a column holds, such as zip=category; repeatable.", rich_help_panel=_DATA),
    ] = None,
    date_order: Annotated[
        str | None,
        typer.Option(help="DD/MM/YYYY or MM/DD/YYYY, where dates could be either.", rich_help_panel=_DATA),
    ] = None,
    missing: Annotated[
        list[str] | None,
        typer.Option(help='Word that means "no value", in place of the usual ones; repeatable.', rich_help_panel=_DATA),
    ] = None,
    size: Annotated[int | None, typer.Option(help="Height and width of pictures.", rich_help_panel=_DATA)] = None,
    augment: Annotated[
        str | None,
        typer.Option(help='Such as "flip,rotate=10,shift=0.1", or "none".', rich_help_panel=_DATA),
    ] = None,
    reader_options: Annotated[
        list[str] | None,
        typer.Option(
            "--reader-option",
            "--reading",
            help="With --task: how the file is read, such as encoding=cp1254; repeatable.",
            rich_help_panel=_DATA,
        ),
    ] = None,
    tokenizer: Annotated[
        str | None, typer.Option(help="Of text: words, characters, bytes or bpe.", rich_help_panel=_DATA)
    ] = None,
    vectors: Annotated[
        str | None,
        typer.Option(help="Word vectors to begin with: a word2vec or GloVe file, or a run.", rich_help_panel=_DATA),
    ] = None,
    horizon: Annotated[
        int | None, typer.Option(help="Of a forecast: steps that are predicted.", rich_help_panel=_DATA)
    ] = None,
    context_length: Annotated[
        int | None,
        typer.Option(
            "--context-length", "--look-back", help="Of a forecast: steps that are looked at.", rich_help_panel=_DATA
        ),
    ] = None,
    input_setting: Annotated[
        list[str] | None,
        typer.Option(
            "--input", help="Other setting of the inputs, such as max_size=20000; repeatable.", rich_help_panel=_DATA
        ),
    ] = None,
    download: Annotated[
        bool,
        typer.Option(
            "--download",
            help="Fetch a named set, or known weights, that are not on this machine.",
            rich_help_panel=_DATA,
        ),
    ] = False,
    model: Annotated[str | None, typer.Option(help="Registered network.", rich_help_panel=_NETWORK)] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="Setting of the network, such as hidden=[512]; repeatable.", rich_help_panel=_NETWORK),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            help="Weights to go on from: a known name or file (derin weights), hub:REPO, or a run.",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    finetune: Annotated[
        str | None,
        typer.Option(
            help="With --weights: head, full, freeze:N (layer groups) or gradual; else chosen by the data.",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    preprocess: Annotated[
        str | None,
        typer.Option(help="How pictures were prepared for weights that are not known.", rich_help_panel=_NETWORK),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            help="classification, binary, multilabel, multitask, regression; of text lm, tagging, translation,"
            " word-vectors, glove; of a series forecasting.",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    class_weights: Annotated[
        str | None,
        typer.Option(help='"balanced", or one number per class: "1,10".', rich_help_panel=_NETWORK),
    ] = None,
    loss_weights: Annotated[
        str | None,
        typer.Option(help="How much each of several targets counts: kind=2,weight=0.5.", rich_help_panel=_NETWORK),
    ] = None,
    label_smoothing: Annotated[float | None, typer.Option(help="0 to 1.", rich_help_panel=_NETWORK)] = None,
    adversarial: Annotated[
        str | None,
        typer.Option(
            help="ε of adversarial training, such as 4/255: pictures changed by so much are learnt from.",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    calibrate: Annotated[
        bool,
        typer.Option("--calibrate", help="Fit a temperature on the validation split.", rich_help_panel=_NETWORK),
    ] = False,
    epochs: Annotated[int | None, typer.Option(help="Passes over the data.", rich_help_panel=_TRAINING)] = None,
    batch_size: Annotated[int | None, typer.Option(help="Examples per step.", rich_help_panel=_TRAINING)] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--lr", "--learning-rate", help="At its highest.", rich_help_panel=_TRAINING)
    ] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(
            help="sgd, momentum, nesterov, adagrad, rmsprop, adam, nadam, adamw, lion, muon;"
            " settings after a colon: adam:betas=0.5/0.999.",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            help="constant, inverse, exponential, inverse-sqrt, step, manual, linear, cosine, one-cycle;"
            " settings after a colon: step:every=10,factor=0.1.",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    warmup: Annotated[float | None, typer.Option(help="Share of training.", rich_help_panel=_TRAINING)] = None,
    weight_decay: Annotated[
        float | None,
        typer.Option(help="Decoupled, or L2 where the optimizer has no such form.", rich_help_panel=_TRAINING),
    ] = None,
    momentum: Annotated[float | None, typer.Option(help="0 to 1.", rich_help_panel=_TRAINING)] = None,
    l1: Annotated[float | None, typer.Option(help="Weight of the sum of |w|.", rich_help_panel=_TRAINING)] = None,
    clip_norm: Annotated[float | None, typer.Option(help="Largest gradient norm.", rich_help_panel=_TRAINING)] = None,
    accumulate: Annotated[int | None, typer.Option(help="Batches per update.", rich_help_panel=_TRAINING)] = None,
    ema_decay: Annotated[float | None, typer.Option(help="Average the weights.", rich_help_panel=_TRAINING)] = None,
    patience: Annotated[
        int | None, typer.Option(help="Stop early after so many epochs.", rich_help_panel=_TRAINING)
    ] = None,
    networks: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Setting of one network of several: discriminator.lr=0.5x, generator.every=2, .optimizer, .ema_decay;"
            " repeatable.",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    sampler: Annotated[
        str | None,
        typer.Option(
            help="uniform; balanced: each class equally often; weighted: drawn by --weight-column.",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random.", rich_help_panel=_TRAINING)] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Stop after so long.", rich_help_panel=_TRAINING)] = None,
    plan: Annotated[
        str | None,
        typer.Option(
            help="auto, auto:fp32, plain, parts (bf16,channels-last,fused), or a run.", rich_help_panel=_TRAINING
        ),
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, mps.", rich_help_panel=_TRAINING)] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads.", rich_help_panel=_TRAINING)] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; else runs/NAME-NUMBER.", rich_help_panel=_RUN)
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run at --out.", rich_help_panel=_RUN)
    ] = False,
    extend: Annotated[
        bool,
        typer.Option(
            "--extend",
            help="With --resume: train on, also a finished run, for more --epochs, --max-seconds or --patience.",
            rich_help_panel=_RUN,
        ),
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(
            help="A run, or a JSON file, whose settings to use; options given here win.", rich_help_panel=_RUN
        ),
    ] = None,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write events for TensorBoard into the run.", rich_help_panel=_RUN)
    ] = False,
    histograms: Annotated[
        bool,
        typer.Option("--histograms", help="With histograms of weights, gradients, activations.", rich_help_panel=_RUN),
    ] = False,
    report: Annotated[bool, typer.Option(help="Write report.html.", rich_help_panel=_RUN)] = True,
    pictures: Annotated[
        bool, typer.Option(help="Embed pictures of the data in the report.", rich_help_panel=_RUN)
    ] = True,
    json_output: JsonFlag = False,
) -> None:
    """Train a network on data, measure it and write a report.

    What is not given is inferred: the task from the target, the network from the inputs, the settings from both.

    Example: [bold]derin train mnist --epochs 3 --seed 1[/bold]
    """
    from derin.api.announcement import Announcement
    from derin.api.fit import fit
    from derin.train.callback import Callback
    from derin.train.progress import ProgressBar

    given = {
        name: value
        for name, value in {
            "target": target,
            "weight_column": weight_column,
            "group_column": group_column,
            "ignore": ignore or None,
            "target_kind": target_kind,
            "kinds": column_kinds(kind),
            "date_order": date_order,
            "missing": missing or None,
            "size": size,
            "augment": augment,
            "model": model,
            "weights": weights,
            "finetune": finetune,
            "preprocess": preprocess,
            "task": task,
            "class_weights": _class_weights(class_weights),
            "label_smoothing": label_smoothing,
            "adversarial": adversarial,
            "loss_weights": _loss_weights(loss_weights),
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "optimizer": optimizer,
            "schedule": schedule,
            "warmup": warmup,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "l1": l1,
            "clip_norm": clip_norm,
            "accumulate": accumulate,
            "ema_decay": ema_decay,
            "patience": patience,
            "networks": ";".join(networks or ()) or None,
            "sampler": sampler,
            "seed": seed,
            "max_seconds": max_seconds,
            "plan": plan,
            "device": device,
            "threads": threads,
            "histograms": histograms or None,
            "model_options": model_options(option) or None,
            "reader_options": model_options(reader_options, "--reader-option") or None,
            "inputs": _inputs(
                input_setting, tokenizer=tokenizer, vectors=vectors, horizon=horizon, context_length=context_length
            ),
        }.items()
        if value is not None
    }
    options = {**_from_config(config), **given}
    terminal = console(json_output=json_output)
    callbacks: list[Callback] = [
        keeping("derin train", out if resume else None),
        Announcement(terminal),
        ProgressBar(terminal),
    ]
    if tensorboard or histograms:
        from derin.train.tensorboard import TensorBoardEvents

        callbacks.append(TensorBoardEvents())
    was_finished = _say_what_resuming_does(out, resume, terminal)
    with progress_bar(translate("data.fetching" if download else "data.reading")) as progress:
        run = fit(
            data,
            out=out,
            resume=resume,
            extend=extend,
            callbacks=callbacks,
            report=report,
            report_pictures=pictures,
            calibrate=calibrate,
            command=shlex.join(["derin", *sys.argv[1:]]),
            download=download,
            progress=progress,
            quiet=True,
            **options,
        )
    if was_finished and not extend:
        terminal.print(translate("run.finished_before", run=str(out)), markup=False, soft_wrap=True)
    _print_end(run, terminal)
    if json_output:
        print_json(_document(run))
    if not run.finished:
        raise typer.Exit(exit_code())


def _say_what_resuming_does(out: Path | None, resume: bool, terminal: Any) -> bool:
    """Whether the run is finished already; says where there is nothing to go on from."""
    from derin.core.files import read_json

    if not resume or out is None:
        return False
    record = read_json(out / "run.json") if (out / "run.json").exists() else {}
    if record.get("finished"):
        return True
    if record and not (out / "state").exists():
        terminal.print(translate("run.nothing_saved", run=str(out)), markup=False, soft_wrap=True)
    return False


def _print_end(run: Any, terminal: Any) -> None:
    from derin.strategy.numbers import metric_name, metric_text, split_name

    record = run.record
    if not run.finished:
        command = resuming("derin train", run.path)
        terminal.print(
            translate("run.interrupted", step=record["steps"], command=command), markup=False, soft_wrap=True
        )
        return
    monitor = record["task"]["headline"]
    for split, values in run.metrics.items():
        value = metric_text(monitor, values.get(monitor), record["num_examples"][split])
        sentence = translate("run.result", metric=metric_name(monitor), split=split_name(split), value=value)
        terminal.print(sentence, markup=False, soft_wrap=True)
    if record["task"]["name"] == "multitask":
        _print_columns(run, terminal)
    for sentence in run.diagnosis:
        terminal.print(sentence, markup=False, soft_wrap=True)
    if record["stopped"] == "time":
        words = {"seconds": record["seconds"], "given": record["config"]["max_seconds"]}
        terminal.print(translate("run.out_of_time", **words), markup=False, soft_wrap=True)
    terminal.print(translate("run.saved", run=str(run.path)), markup=False, soft_wrap=True)
    if run.report.exists():
        terminal.print(translate("run.report", address=run.report.resolve().as_uri()), markup=False, soft_wrap=True)


def _print_columns(run: Any, terminal: Any) -> None:
    """The measurement that counts for each of several target columns."""
    from derin.strategy.numbers import metric_name, metric_text, split_name
    from derin.tasks.registry import TASKS

    for part in run.record["task"]["parts"]:
        (column,) = part["columns"]
        metric = f"{column}/{TASKS[part['name']].monitor}"
        for split, values in run.metrics.items():
            value = metric_text(metric, values.get(metric), run.record["num_examples"][split])
            sentence = translate("run.result", metric=metric_name(metric), split=split_name(split), value=value)
            terminal.print(sentence, markup=False, soft_wrap=True)


def _document(run: Any) -> dict[str, Any]:
    """The promised JSON form."""
    record = run.record
    return {
        "run": str(run.path),
        "model": record["model"]["name"],
        "task": record["task"]["name"],
        "epochs": record.get("epochs"),
        "seconds": record.get("seconds"),
        "plan": record["plan"]["chosen"],
        "stopped": record.get("stopped"),
        "metrics": run.metrics,
    }


def _inputs(settings: list[str] | None, **named: Any) -> dict[str, Any] | None:
    """The settings of the way from data to network; those with a flag of their own win."""
    return (
        model_options(settings, "--input") | {name: value for name, value in named.items() if value is not None} or None
    )


def _class_weights(text: str | None) -> str | list[float] | None:
    from derin.core.errors import UsageError

    if text is None or text == "balanced":
        return text
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f'--class-weights must be "balanced" or numbers with commas; got {text!r}.') from None


def _loss_weights(text: str | None) -> dict[str, float] | None:
    from derin.core.errors import UsageError

    if text is None:
        return None
    found: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = part.rpartition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError:
            raise UsageError(f"--loss-weights must be COLUMN=NUMBER with commas between; got {text!r}.") from None
    return found


def _from_config(path: Path | None) -> dict[str, Any]:
    """The settings of another run or of a JSON file."""
    from derin.api.arguments import check_names
    from derin.core.errors import UsageError
    from derin.core.files import read_json
    from derin.core.run import RunFolder

    if path is None:
        return {}
    if (path / "run.json").exists():
        record = RunFolder.open(path).record()
        request, config = record.get("request", {}), record.get("config", {})
        options = {name: value for name, value in request.get("options", {}).items() if name != "config"}
        return {**options, **config}
    if not path.is_file():
        raise UsageError(f"--config must be a run or a JSON file; there is neither at {path}.")
    settings = read_json(path)
    if not isinstance(settings, dict):
        raise UsageError(f"--config {path} must hold one JSON object of settings; got {type(settings).__name__}.")
    check_names(settings, f"--config {path}")
    return settings
