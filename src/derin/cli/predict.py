"""`derin predict`."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from derin.cli.console import JsonFlag, console, print_json

if TYPE_CHECKING:
    from derin.api.model import Model
    from derin.api.rows import AnsweredRows

_CHUNK = 512
_WRITTEN = "predictions.json"
_FORMS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


def predict(
    run: Annotated[Path, typer.Argument(help="A run, or a bundle.")],
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Pictures or sounds, folders of them, a video, tables, texts, or files with a text in each line."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write a CSV file with one line per input; of masks, boxes and points a folder; of video one; of a "
            "picture that is made a .png or .jpg, or a folder."
        ),
    ] = None,
    top: Annotated[
        str | None, typer.Option(help="List so many of the most probable classes, or all; five by default.")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", help="Of boxes: coco writes the pictures and a COCO file of them into --out.")
    ] = None,
    track: Annotated[
        bool, typer.Option("--track", help="Of a video: number the boxes, each thing by one number throughout.")
    ] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Say what a trained network sees in pictures, videos, sounds, rows or texts.

    The CSV file holds the probability of every class in a column of its own, p(CLASS). A video (or a folder of frames
    with --out VIDEO.mp4) is answered frame by frame; --json then prints a document on a line of its own for each.

    Example: [bold]derin predict runs/mnist-1 seven.png[/bold]
    """
    from derin.api.model import open
    from derin.api.video import is_video
    from derin.core.errors import UsageError
    from derin.core.printable import printable

    model = open(run, device=device)
    if any(is_video(Path(path), out) for path in inputs):
        if len(inputs) > 1 or top is not None:
            raise UsageError("A video is answered alone, and without --top; name one video.")
        _video(model, inputs[0], out, track=track, json_output=json_output)
        return
    if track:
        raise UsageError("--track follows boxes through a video; name one, or --out VIDEO.mp4 for a folder of frames.")
    if to is not None and (to != "coco" or out is None or model.task.name not in ("detection", "localization")):
        raise UsageError("--to coco writes boxes that were found, with their pictures, into a folder: --out FOLDER.")
    answers: Iterable[_Answered] = _skipping_unreadable(model, inputs)
    if top is not None:
        answers = _with_top(answers, top)
    if out is not None and model.task.name == "restore" and out.suffix.lower() in _FORMS:
        answers, out = _written_as_picture(answers, inputs, out), None
    if model.task.answers_in_original and out is not None:
        answers, out = (_written if to is None else _written_as_coco)(answers, out), None
    if json_output:
        answers = list(answers)
        print_json([each.to_json() for each in answers])
    elif out is None:
        terminal = console()
        for each in answers:
            terminal.print(f"{printable(each.name)}  {printable(_in_words(each.answer))}", markup=False, soft_wrap=True)
    if out is not None:
        count = _write_csv(out, answers)
        console(json_output=json_output).print(f"{count} predictions in {printable(out)}", markup=False, soft_wrap=True)


def _video(model: Model, path: str, out: Path | None, *, track: bool, json_output: bool) -> None:
    """The answers to each frame as they come, a line each; of a video that is written, how quickly it goes."""
    from derin.core.messages import translate
    from derin.core.printable import printable

    video = model.predict_video(path, out=out, track=track)
    notices = console(json_output=True)
    terminal = console(json_output=json_output)
    said = 0

    def tell() -> None:
        nonlocal said
        for note in video.notes[said:]:
            notices.print(printable(note), markup=False, soft_wrap=True)
        said = len(video.notes)

    tell()
    shows_lines = out is None and not json_output
    with closing(video), notices.status("") if not shows_lines and notices.is_terminal else nullcontext() as status:
        for each in video:
            if json_output:
                print(json.dumps({"input": path, **each.to_json()}, ensure_ascii=False), flush=True)
            elif shows_lines:
                line = f"{each.frame}  {each.seconds:.3f} s  {printable(_in_words(each.answer))}"
                terminal.print(line, markup=False, soft_wrap=True)
            if status is not None:
                status.update(translate("video.running", count=video.num_answered, rate=video.frames_per_second))
    tell()
    key = "video.running" if out is None else "video.written"
    values = {"count": video.num_answered, "rate": video.frames_per_second, "path": str(out)}
    notices.print(printable(translate(key, **values)), markup=False, soft_wrap=True)


@dataclass(frozen=True)
class _Answered:
    """An input and what is predicted for it.

    Args:
        name: of the input.
        answer: to it.
        identifiers: the cells that name a row of a table, by their column.
        place: where a text stands in its file.
    """

    name: str
    answer: Any
    identifiers: Mapping[str, str] = field(default_factory=dict)
    place: str = ""

    def to_json(self) -> dict[str, Any]:
        named = {"id": dict(self.identifiers)} if self.identifiers else {}
        place = {"place": self.place} if self.place else {}
        return {"input": self.name, **place, **named, **self.answer.to_json()}


def _with_top(answers: Iterable[_Answered], top: str) -> Iterator[_Answered]:
    """The answers with so many of the most probable classes."""
    from derin.core.errors import UsageError
    from derin.tasks.prediction import Answers, Labels, NoAnswer, Prediction

    if top != "all" and not (top.isdecimal() and int(top)):
        raise UsageError(f"--top must be a whole number from 1 on, or all; got {top!r}.")
    num = None if top == "all" else int(top)
    for each in answers:
        if isinstance(each.answer, Prediction | Labels | Answers):
            each = replace(each, answer=each.answer.with_top(num))
        elif not isinstance(each.answer, NoAnswer):
            raise UsageError("--top lists the most probable classes; this network's answers are none. Leave it out.")
        yield each


@dataclass(frozen=True)
class _Outputs:
    """What a network on data of its owner's form gives for one example: arrays, in whatever form it has for them."""

    arrays: Any

    def to_json(self) -> dict[str, Any]:
        return {"outputs": _listed(self.arrays)}

    def __str__(self) -> str:
        return json.dumps(_listed(self.arrays), ensure_ascii=False)


def _listed(arrays: Any) -> Any:
    if isinstance(arrays, Mapping):
        return {name: _listed(part) for name, part in arrays.items()}
    return [_listed(part) for part in arrays] if isinstance(arrays, tuple) else arrays.tolist()


def _skipping_unreadable(model: Model, inputs: list[str]) -> Iterator[_Answered]:
    """Names and predictions. A file that was named must be readable; one found in a folder is told and passed over."""
    yield from _ANSWERED.get(model.preparation.medium, _arrays)(model, inputs)


def _examples(model: Model, inputs: list[str]) -> Iterator[_Answered]:
    from derin.api.example_files import answer_examples, holds_many

    for path in map(Path, inputs):
        if path.is_dir():
            yield from _folder(model, path)
        elif holds_many(path):
            yield from _answers(answer_examples(model, path))
        else:
            yield _Answered(str(path), model.predictions(path)[0])


def _texts(model: Model, inputs: list[str]) -> Iterator[_Answered]:
    """A text as it was given, or the texts of the file of that name."""
    from derin.api.texts import answer_text_file, answer_texts, names_texts
    from derin.core.messages import localize
    from derin.core.printable import printable

    for is_file, group in itertools.groupby(inputs, key=names_texts):
        given = list(group)
        for answered in [answer_text_file(model, Path(g)) for g in given] if is_file else [answer_texts(model, given)]:
            for note in answered.notes:
                console(json_output=True).print(printable(localize(note)), markup=False, soft_wrap=True)
            places = answered.places or [""] * len(answered.texts)
            for text, answer, place in zip(answered.texts, answered.answers, places, strict=True):
                yield _Answered(text, answer, place=place)


def _folder(model: Model, folder: Path) -> Iterator[_Answered]:
    import numpy as np

    from derin.core.errors import DataError
    from derin.core.printable import printable
    from derin.readers.file_kinds import FILE_KINDS
    from derin.readers.listing import list_files

    kind = FILE_KINDS[model.preparation.medium]
    paths = list_files(folder, kind)
    if not paths:
        raise DataError(
            f"The folder {folder} holds no {kind.plural}; name a folder with {kind.plural} or the files themselves."
        )
    terminal = console(json_output=True)
    for start in range(0, len(paths), _CHUNK):
        readable, rows = [], []
        for path in paths[start : start + _CHUNK]:
            try:
                if model.task.answers_in_original:
                    yield _Answered(str(path), model.predictions(path)[0])
                    continue
                rows.append(model.preparation.read(path)[0])
                readable.append(path)
            except DataError as error:
                terminal.print(f"skipped: {printable(error)}", markup=False, soft_wrap=True)
        if readable:
            # Rows that were read are brought to their size already: as pictures they would be brought there once more.
            for path, answer in zip(readable, model.row_predictions(np.stack(rows)), strict=True):
                yield _Answered(str(path), answer)


def _rows(model: Model, inputs: list[str]) -> Iterator[_Answered]:
    from derin.api.rows import answer_rows

    for path in map(Path, inputs):
        yield from _answers(answer_rows(model, path))


def _arrays(model: Model, inputs: list[str]) -> Iterator[_Answered]:
    for path in map(Path, inputs):
        for number, answer in enumerate(model.predictions(path), start=1):
            yield _Answered(f"{path}:{number}", answer if hasattr(answer, "to_json") else _Outputs(answer))


def _answers(answered: AnsweredRows) -> Iterator[_Answered]:
    from derin.core.messages import localize
    from derin.core.printable import printable

    for note in answered.notes:
        console(json_output=True).print(printable(localize(note)), markup=False, soft_wrap=True)
    for row, (place, answer) in enumerate(zip(answered.names, answered.answers, strict=True)):
        yield _Answered(place, answer, {column: cells[row] for column, cells in answered.identifiers.items()})


def _steps(model: Model, inputs: list[str]) -> Iterator[_Answered]:
    """The forecast of each series of a file; those that are too short for one are named."""
    from derin.api.forecast import forecast, short_series
    from derin.core.printable import printable

    for path in map(Path, inputs):
        found = forecast(model, path)
        if sentence := short_series(found):
            console(json_output=True).print(printable(sentence), markup=False, soft_wrap=True)
        for number, answer in enumerate(found, start=1):
            yield _Answered(f"{path}:{answer.series or number}", answer)


# By what people hand over for a network; of all else arrays in files.
_ANSWERED = {"pictures": _examples, "sounds": _examples, "texts": _texts, "rows": _rows, "steps": _steps}


def _written(answers: Iterable[_Answered], folder: Path) -> Iterator[_Answered]:
    """The answers, with what is drawn of them written into a folder, and all of them as JSON."""
    from derin.core.files import write_bytes
    from derin.tasks.prediction import NoAnswer

    _make_folder(folder)
    names = _Names()
    written: list[Any] = []
    for each in answers:
        if isinstance(each.answer, NoAnswer):
            written.append(each.to_json())
            yield each
            continue
        name, paths = names.own(each.name), []
        for kind, data in each.answer.files().items():
            path = folder / f"{name}_{kind}.png"
            write_bytes(path, data)
            paths.append((kind, str(path)))
        each = replace(each, answer=replace(each.answer, paths=tuple(paths)))
        written.append(each.to_json())
        yield each
    write_bytes(folder / _WRITTEN, json.dumps(written, ensure_ascii=False, indent=1).encode())


def _written_as_picture(answers: Iterable[_Answered], inputs: list[str], path: Path) -> Iterator[_Answered]:
    """The one answer, whose picture is written as the file that was named."""
    from derin.core.errors import UsageError
    from derin.core.files import write_bytes

    if len(inputs) > 1 or Path(inputs[0]).is_dir():
        raise UsageError(f"--out {path} is one picture; of several pictures name a folder.")
    for each in answers:
        write_bytes(path, each.answer.encoded(_FORMS[path.suffix.lower()]))
        yield replace(each, answer=replace(each.answer, paths=(("made", str(path)),)))


def _written_as_coco(answers: Iterable[_Answered], folder: Path) -> Iterator[_Answered]:
    """The answers, with the pictures and a COCO file of their boxes written into a folder, as `derin data` reads it."""
    from derin.core.files import write_bytes
    from derin.core.strict_json import dump_json
    from derin.data.mask_colors import png
    from derin.readers.annotations.writing import coco_box, coco_categories
    from derin.tasks.detected import Detected

    _make_folder(folder / "images")
    names = _Names()
    images: list[dict[str, Any]] = []
    things: list[dict[str, Any]] = []
    classes: tuple[str, ...] = ()
    for each in answers:
        yield each
        answer = each.answer
        if not isinstance(answer, Detected):
            continue
        classes, name = answer.classes, f"{names.own(each.name)}.png"
        height, width, channels = answer.picture.shape
        # As the network was shown it: upright, whatever the file says.
        write_bytes(folder / "images" / name, png(answer.picture[..., 0] if channels == 1 else answer.picture))
        images.append({"id": len(images) + 1, "file_name": name, "height": height, "width": width})
        for box in answer:
            thing = coco_box(box.xyxy, classes.index(box.label))
            things.append({"id": len(things) + 1, "image_id": len(images), **thing, "score": box.probability})
    document = {"images": images, "annotations": things, "categories": coco_categories(classes)}
    write_bytes(folder / "annotations.json", dump_json(document))


class _Names:
    """A name for each input, without its ending; two folders may hold a picture of one name."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def own(self, path: str) -> str:
        stem = Path(path).stem
        several = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
        name = next(one for one in several if one not in self._used)
        self._used.add(name)
        return name


def _make_folder(folder: Path) -> None:
    from derin.core.errors import UsageError
    from derin.core.storage import storage_errors

    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out names a folder for what is drawn; {folder} is a file. Name another.")
    with storage_errors(f"The folder {folder}"):
        folder.mkdir(parents=True, exist_ok=True)


def _in_words(answer: Any) -> str:
    from derin.core.messages import localize, translate
    from derin.strategy.numbers import number_text
    from derin.tasks.prediction import NoAnswer

    found = answer.to_json()
    if isinstance(answer, NoAnswer):
        return translate("predict.no_answer", reason=localize(answer.reason))
    if "columns" in found:
        return "  ".join(f"{column}: {_in_words(part)}" for column, part in answer.columns.items())
    if "value" in found:
        values = found["value"] if isinstance(found["value"], list) else [found["value"]]
        return ", ".join(number_text(value) for value in values)
    if found.get("entities"):
        sure = (f"{entity['text']}: {entity['type']} {entity['probability']:.3f}" for entity in found["entities"])
        return f"{answer}  ({', '.join(sure)})"
    if "overlay" in found:
        return f"{answer}  {translate('segmentation.written', mask=found['mask'], overlay=found['overlay'])}"
    if "boxes" in found:
        drawn = translate("boxes.written", path=found["drawn"]) if "drawn" in found else ""
        return "  ".join(part for part in (str(answer) or translate("boxes.none"), drawn) if part)
    if "made" in found:
        return f"{answer}  {translate('restore.written', path=found['made'])}"
    if "points" in found:
        drawn = translate("boxes.written", path=found["drawn"]) if "drawn" in found else ""
        return "  ".join(part for part in (str(answer) or translate("points.none"), drawn) if part)
    if "top" in found:
        return "  ".join(f"{name} {probability:.3f}" for name, probability in found["top"])
    return str(answer)


def _write_csv(path: Path, answers: Iterable[_Answered]) -> int:
    """One line per input: its name, what names the row, and the answer; empty where there is no answer."""
    import io

    from derin.core.files import write_bytes
    from derin.core.printable import spreadsheet_cell

    lines = [(each, dict(_cells(each.answer))) for each in answers]
    headings = next((list(cells) for _, cells in lines if cells), ["label"])
    place = ["place"] if any(each.place for each, _ in lines) else []
    names = list(dict.fromkeys(name for each, _ in lines for name in each.identifiers))
    shown: list[str] = []
    for name in names:
        heading = name
        while heading in ("input", *place, *headings, *shown, *(n for n in names if n != name)):
            heading = f"id({heading})"
        shown.append(heading)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(map(spreadsheet_cell, ["input", *place, *shown, *headings]))
    for each, cells in lines:
        line = [
            each.name,
            *([each.place] if place else []),
            *(each.identifiers.get(n, "") for n in names),
            *(cells.get(h, "") for h in headings),
        ]
        writer.writerow(map(spreadsheet_cell, line))
    write_bytes(path, text.getvalue().encode("utf-8"))
    return len(lines)


def _cells(answer: Any) -> Iterator[tuple[str, Any]]:
    """The cells of one answer, each under its heading: of classes the one decided for, and the probability of each."""
    from derin.tasks.prediction import Answers, Labels, NoAnswer, Prediction

    if isinstance(answer, Answers):
        for column, part in answer.columns.items():
            yield from ((f"{column}/{name}", cell) for name, cell in _cells(part))
    elif isinstance(answer, Prediction | Labels):
        if isinstance(answer, Labels):
            yield "labels", ";".join(answer.labels)
        else:
            yield from (("label", answer.label), ("probability", answer.probability))
        yield from ((f"p({name})", probability) for name, probability in answer.probabilities.items())
    elif not isinstance(answer, NoAnswer):
        for name, cell in answer.to_json().items():
            yield name, cell if isinstance(cell, str | int | float) else json.dumps(cell, ensure_ascii=False)
