"""`derin data`: look at data before training on it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from derin.cli.console import JsonFlag, column_kinds, console, model_options, plain, print_json, progress_bar
from derin.core.messages import format_number, localize, translate

if TYPE_CHECKING:
    from rich.console import Console

    from derin.data.near_duplicates import NearCopy
    from derin.data.report import DataReport, Duplicate
    from derin.data.table import Table

_FEW_CLASSES, _FEW_NAMES, _FEW_GROUPS = 20, 3, 5
_MOST_SECONDS = 15.0  # for which near copies are looked for unasked
_LISTED_PAIRS = 100  # of near copies, in the document


def data(
    source: Annotated[
        str | None,
        typer.Argument(metavar="DATA", help="A named data set, a file or a folder.", show_default=False),
    ] = None,
    target: Annotated[str | None, typer.Option(help="Column to be predicted.", show_default=False)] = None,
    weight_column: Annotated[
        str | None, typer.Option(help="Column that says how much each example counts.", show_default=False)
    ] = None,
    group_column: Annotated[
        str | None,
        typer.Option(help="Column whose equal values (a patient, a shop) stay in one split.", show_default=False),
    ] = None,
    time_column: Annotated[
        str | None,
        typer.Option(
            help="Column by which rows are cut: the earliest train, the latest are the test split.", show_default=False
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="Column that is no input; repeatable.", show_default=False)
    ] = None,
    target_kind: Annotated[
        str | None, typer.Option(help="category or number, where it is found out wrongly.", show_default=False)
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="What a column holds, such as zip=category; repeatable.", show_default=False),
    ] = None,
    date_order: Annotated[
        str | None,
        typer.Option(help="DD/MM/YYYY or MM/DD/YYYY, where dates could be either.", show_default=False),
    ] = None,
    missing: Annotated[
        list[str] | None,
        typer.Option(help='Word that means "no value", in place of the usual ones; repeatable.', show_default=False),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            help="What it is read for: lm, tagging, translation, word-vectors, forecasting, segmentation, detection, "
            "landmarks.",
            show_default=False,
        ),
    ] = None,
    reader_options: Annotated[
        list[str] | None,
        typer.Option(
            "--reader-option",
            "--reading",
            help="How files are read, such as encoding=cp1254 or classes=innermost; repeatable.",
            show_default=False,
        ),
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Side in pixels at which pictures are read.", show_default=False)
    ] = None,
    dev_from: Annotated[
        str | None,
        typer.Option(
            help="Cut validation and test from these rows alone: source=app, or app/* of files; all others train.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the splits that are cut.")] = 0,
    sheet: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Write a sheet of pictures with their classes.", show_default=False),
    ] = None,
    preview: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Write pictures beside their augmented variants.", show_default=False),
    ] = None,
    augment: Annotated[
        str | None,
        typer.Option(help='For --preview: "flip,rotate=10"; the default is that of training.', show_default=False),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(help="Write marked pictures in another form: coco, voc, yolo or masks.", show_default=False),
    ] = None,
    out_folder: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="The new folder for --to.", show_default=False),
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch a named data set that is not on this machine.")
    ] = False,
    show_all: Annotated[bool, typer.Option("--all", help="List every finding, class and duplicate.")] = False,
    sets: Annotated[bool, typer.Option("--sets", help="List the named data sets and where each was found.")] = False,
    json_output: JsonFlag = False,
) -> None:
    """Show what data holds: columns, splits, classes, and everything unusual.

    Example: [bold]derin data digits --sheet digits.png[/bold]
    """
    from derin.core.errors import UsageError

    out = console(json_output=json_output)
    if sets:
        if source is not None:
            raise UsageError(f"--sets lists all data sets and takes no DATA; got {source!r}. Leave one of them out.")
        _list_sets(out, json_output)
        return
    if source is None:
        raise UsageError("DATA is required: a named data set, a file or a folder. `derin data --sets` lists the names.")
    if (to is None) != (out_folder is None):
        raise UsageError("--to FORM and --out FOLDER belong together; name both.")
    from derin.api.load import load

    with progress_bar(translate("data.reading" if not download else "data.fetching")) as progress:
        table = load(
            source,
            target=target,
            weight_column=weight_column,
            ignore=ignore or (),
            group_column=group_column,
            time_column=time_column,
            target_kind=target_kind,  # type: ignore[arg-type]  # checked by load
            kinds=column_kinds(kind),
            date_order=date_order,
            missing=missing or None,
            task=task,
            reader_options=model_options(reader_options, "--reader-option"),
            size=size,
            dev_from=dev_from,
            seed=seed,
            download=download,
            progress=progress,
        )
    if sheet is not None:
        _write_sheet(table, sheet, seed)
    if preview is not None:
        _write_preview(table, augment, preview, seed)
    elif augment is not None:
        raise UsageError("--augment shows what it does in a picture; name one with --preview FILE.png.")
    notes: list[str] = []
    if to is not None and out_folder is not None:
        from derin.readers.annotations.writing import write_marked

        notes = write_marked(table, to, out_folder)
    near = _near_copies(table, show_all)
    if json_output:
        from derin.data.box_statistics import box_statistics

        document = {
            "name": table.name,
            "schema": table.schema.to_json(),
            "splits": {name: len(rows) for name, rows in table.splits.items()},
            "report": table.report.to_json(),
            "near_copies": None
            if near is None
            else {"num": len(near), "listed": [pair.to_json() for pair in near[:_LISTED_PAIRS]]},
        }
        boxes = box_statistics(table)
        print_json(document if boxes is None else {**document, "boxes": boxes.to_json()})
    else:
        _show(table, near, out, show_all)
    if sheet is not None:
        out.print("\n" + translate("data.sheet", path=plain(str(sheet))), soft_wrap=True)
    if to is not None:
        out.print("\n" + translate("data.written", form=to, path=plain(str(out_folder))), soft_wrap=True)
        _points([localize(note) for note in notes], out)
    if preview is not None:
        out.print("\n" + translate("data.preview", path=plain(str(preview))), soft_wrap=True)


def _write_sheet(table: Table, path: Path, seed: int) -> None:
    from derin.data.marked_sheet import marked_column, marked_sheet
    from derin.data.sheet import table_sheet, write_sheet

    column = marked_column(table)
    write_sheet(table_sheet(table, seed=seed) if column is None else marked_sheet(table, column, seed=seed), path)


def _write_preview(table: Table, text: str | None, path: Path, seed: int) -> None:
    """The sheet for a given augmentation, or for the one with which the data would be trained."""
    from derin.core.errors import UsageError
    from derin.data.augment import Augmentation
    from derin.data.augment.preview import write_preview
    from derin.tasks.recipes import recipe

    words = recipe("convnet", table).augmentation if text is None else text
    if not words:
        raise UsageError(
            'This data is trained without augmentation by default; choose one, as in --augment "rotate=10".'
        )
    write_preview(table, Augmentation.parse(words), path, seed=seed)


def _list_sets(out: Console, json_output: bool) -> None:
    from derin.core.library_settings import data_folder
    from derin.datasets.catalog import NAMED_SETS
    from derin.datasets.named import find_named

    found = {name: find_named(name) for name in NAMED_SETS}
    if json_output:
        document: list[dict[str, Any]] = []
        for name, named in NAMED_SETS.items():
            document.append(
                {
                    "name": name,
                    "about": named.about,
                    "available": not named.places or found[name] is not None,
                    "path": None if found[name] is None else str(found[name]),
                    "download_bytes": sum(f.num_bytes for f in named.files) or None,
                }
            )
        print_json({"sets": document})
        return
    from rich.table import Table as Grid

    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for heading in ("name", "where", "what"):
        grid.add_column(translate(f"sets.{heading}"), overflow="fold")
    root = data_folder()
    for name, named in NAMED_SETS.items():
        if not named.places:
            where = named.comes_with
        elif (place := found[name]) is not None:
            inside = root is not None and place.is_relative_to(root)
            where = f"DERIN_DATA/{place.relative_to(root).as_posix()}" if inside and root is not None else str(place)
        elif named.files:
            where = f"--download: {format_number(sum(f.num_bytes for f in named.files) / 1e6, ',.0f')} MB"
        else:
            where = translate("sets.not_here")
        grid.add_row(name, plain(where), named.about)
    out.print(grid)
    out.print()
    out.print(
        translate("sets.folder", folder=plain(str(root))) if root else translate("sets.no_folder"), soft_wrap=True
    )


def _show(table: Table, near: Sequence[NearCopy] | None, out: Console, show_all: bool) -> None:
    from derin.strategy.split_sizes import split_reasons

    read = translate("data.read_from", count=len(table), source=plain(table.report.source))
    out.print(f"[bold]{plain(table.name)}[/bold]: {read}", soft_wrap=True)
    _show_schema(table, out, show_all)
    _show_splits(table.report, out, show_all)
    _show_boxes(table, out, show_all)
    out.print()
    reasons = split_reasons({split: len(rows) for split, rows in table.splits.items()}, _tells_shares(table))
    _points([*reasons, *_alike(table)], out)
    _show_findings(table.report, out, show_all)
    _show_duplicates(table.report, out, show_all)
    _show_near_copies(table, near, out, show_all)
    if table.report.notes:
        out.print(f"\n[bold]{translate('data.notes')}[/bold]")
        _points([localize(note) for note in table.report.notes], out)


def _alike(table: Table) -> list[str]:
    """Whether validation and test are of one distribution, where they were not both cut at random here."""
    from derin.strategy.drift import LEVEL, drift_between

    if not {"val", "test"} <= set(table.splits) or {"val", "test"}.isdisjoint(table.given_splits):
        return []
    found = drift_between(table, table.splits["val"], table.splits["test"])
    if found is None:
        return []
    if not found.is_found:
        return [translate("splits.alike", p=found.p_value)]
    features = [localize(each.name) for each in found.features if each.adjusted <= LEVEL]
    named = plain(", ".join(features[:_FEW_NAMES])) or translate("splits.no_feature")
    return [translate("splits.differ", auc=found.auc, features=named)]


def _tells_shares(table: Table) -> bool:
    """Whether what is measured is a share of right answers."""
    from derin.data.schema import Kind

    return len(table.targets) == 1 and table.targets[0].kind is Kind.CATEGORY and not table.targets[0].shape


def _show_schema(table: Table, out: Console, show_all: bool) -> None:
    from rich.table import Table as Grid

    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for heading in ("column", "kind", "role", "shape", "classes", "note"):
        grid.add_column(translate(f"data.{heading}"), overflow="fold")
    for column in table.schema:
        shape = "×".join("*" if n < 0 else str(n) for n in column.shape)
        classes = _class_names(column.classes or (), show_all)
        unit = column.unit and column.unit not in column.note and translate("data.unit", unit=column.unit)
        note = "; ".join(part for part in (unit, localize(column.note)) if part)
        grid.add_row(plain(column.name), column.kind.value, column.role.value, shape, plain(classes), plain(note))
    out.print()
    out.print(grid)


def _show_splits(report: DataReport, out: Console, show_all: bool) -> None:
    from rich.table import Table as Grid

    splits = list(report.counts)
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column(translate("class.name"), overflow="fold")
    for split in splits:
        grid.add_column(split, justify="right")
    classes = [name for name in dict.fromkeys(n for counts in report.counts.values() for n in counts) if name]
    shown = classes if show_all or len(classes) <= _FEW_CLASSES else classes[: _FEW_CLASSES - 1]
    for name in shown:
        grid.add_row(plain(name), *(format_number(report.counts[split].get(name, 0), ",") for split in splits))
    if len(shown) < len(classes):
        rest = classes[len(shown) :]
        sums = (sum(report.counts[split].get(name, 0) for name in rest) for split in splits)
        grid.add_row(translate("list.more", count=len(rest)), *(format_number(n, ",") for n in sums))
    totals = {split: sum(report.counts[split].values()) for split in splits}
    if classes:
        grid.add_section()
    grid.add_row(
        f"[bold]{translate('data.total')}[/bold]" if classes else translate("class.support"),
        *(f"[bold]{format_number(totals[split], ',')}[/bold]" for split in splits),
    )
    out.print()
    out.print(grid)


def _show_boxes(table: Table, out: Console, show_all: bool) -> None:
    """How many boxes of each class, in each picture, and of which size."""
    from rich.table import Table as Grid

    from derin.data.box_statistics import box_statistics

    found = box_statistics(table)
    if found is None:
        return
    splits = list(found.empty)
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for heading in (translate("data.boxes"), *splits):
        grid.add_column(heading, overflow="fold", justify="left" if heading not in splits else "right")
    order = sorted(found.classes, key=lambda name: -sum(found.classes[name].values()))
    shown = order if show_all or len(order) <= _FEW_CLASSES else order[: _FEW_CLASSES - 1]
    for name in shown:
        grid.add_row(plain(name), *(format_number(found.classes[name][split], ",") for split in splits))
    if rest := order[len(shown) :]:
        sums = (sum(found.classes[name][split] for name in rest) for split in splits)
        grid.add_row(translate("list.more", count=len(rest)), *(format_number(n, ",") for n in sums))
    totals = (sum(counts[split] for counts in found.classes.values()) for split in splits)
    grid.add_section()
    grid.add_row(f"[bold]{translate('data.total')}[/bold]", *(f"[bold]{format_number(n, ',')}[/bold]" for n in totals))
    grid.add_row(translate("data.empty_pictures"), *(format_number(found.empty[split], ",") for split in splits))
    out.print()
    out.print(grid)
    least, median, most = found.per_picture
    total = max(1, sum(found.sizes.values()))
    sizes = {name: f"{format_number(number / total, '.0%')}" for name, number in found.sizes.items()}
    lines = [
        translate("data.per_picture", least=least, median=f"{median:g}", most=most),
        translate("data.box_sizes", **sizes),
    ]
    if found.crowds:
        lines.append(translate("data.crowds", count=found.crowds))
    out.print()
    _points(lines, out)


def _show_findings(report: DataReport, out: Console, show_all: bool) -> None:
    if not report.findings:
        return
    out.print(f"\n[bold]{translate('data.findings')}[/bold]")
    groups: dict[tuple[str, str], list[str]] = {}
    for finding in report.findings:
        groups.setdefault((finding.outcome.value, finding.reason), []).append(finding.where)
    often = report.summary()
    lines = []
    for (outcome, reason), places in groups.items():
        count = often[outcome][reason]
        named = _names(places, None if show_all else _FEW_NAMES, count)
        lines.append(f"{format_number(count, ',')} {translate(f'data.{outcome}')}: {localize(reason)} ({named})")
    _points(lines, out)


def _show_duplicates(report: DataReport, out: Console, show_all: bool) -> None:
    if not report.duplicates:
        return
    num_leaks = sum(group.is_leak for group in report.duplicates)
    out.print(f"\n[bold]{translate('data.equal')}[/bold]")
    num = len(report.duplicates)
    text = translate("data.duplicates", count=num)
    if num_leaks:
        text += " " + translate("data.leaks", count=num_leaks)
    out.print(text, soft_wrap=True)
    shown = islice(report.ordered_duplicates(), None if show_all else _FEW_GROUPS)
    lines = [_members(group, show_all) for group in shown]
    if len(lines) < num:
        lines.append(translate("data.more_groups", count=num - len(lines)))
    _points(lines, out)


def _near_copies(table: Table, show_all: bool) -> Sequence[NearCopy] | None:
    """Pairs that are nearly the same; None where such rows are not compared, or that would take long."""
    from derin.data.duplicates import first_equal_rows
    from derin.data.near_duplicates import expected_seconds, near_copies

    seconds = expected_seconds(table)
    if seconds is None or (seconds > _MOST_SECONDS and not show_all):
        return None
    return near_copies(table, first_equal_rows(table))


def _show_near_copies(table: Table, near: Sequence[NearCopy] | None, out: Console, show_all: bool) -> None:
    from derin.data.near_duplicates import expected_seconds
    from derin.strategy.near_copies import near_copy_sentences
    from derin.strategy.numbers import time_text

    seconds = expected_seconds(table)
    if seconds is None or near == []:
        return
    out.print(f"\n[bold]{translate('data.near')}[/bold]")
    if near is None:
        out.print(translate("data.near_left_out", count=len(table), time=time_text(round(seconds))), soft_wrap=True)
        return
    _points(near_copy_sentences(near), out)
    shown = near if show_all else near[:_FEW_GROUPS]
    if len(near) > 1:
        lines = [" ≈ ".join(f"{name} ({split})" for name, split in zip(pair.names, pair.splits)) for pair in shown]
        if len(shown) < len(near):
            lines.append(translate("data.more_pairs", count=len(near) - len(shown)))
        _points(lines, out)


def _members(group: Duplicate, show_all: bool) -> str:
    named = [f"{name} ({split})" if split else name for name, split in zip(group.names, group.splits)]
    return " = ".join(named if show_all else named[:_FEW_NAMES]) + (
        f" = {translate('list.more', count=len(named) - _FEW_NAMES)}"
        if not show_all and len(named) > _FEW_NAMES
        else ""
    )


def _points(lines: list[str], out: Console) -> None:
    """Sentences as a list whose wrapped lines stay indented."""
    from rich.table import Table as Grid

    grid = Grid.grid(padding=(0, 1))
    grid.add_column()
    grid.add_column(overflow="fold")
    for line in lines:
        grid.add_row("·", plain(line))
    out.print(grid)


def _class_names(classes: tuple[str, ...], show_all: bool) -> str:
    """``"10: airplane, bird, cat, …"``."""
    if not classes:
        return ""
    shown = classes if show_all else classes[:3]
    return f"{format_number(len(classes), ',')}: {', '.join(shown)}" + (", …" if len(shown) < len(classes) else "")


def _names(names: Any, limit: int | None, count: int | None = None) -> str:
    """Names with commas, the first ones where there are many; `count` is how many things they stand for."""
    if limit is None or len(names) <= limit:
        return ", ".join(names)
    return ", ".join([*names[:limit], translate("list.more", count=(len(names) if count is None else count) - limit)])
