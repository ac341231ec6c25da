"""Answers to texts, of the command line or of a file that is read as the training data was: one for each, in order."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.api.rows import notes_of
from derin.core.errors import DataError, DerinWarning
from derin.core.files import usable_path
from derin.core.messages import Message, localize
from derin.data.recipe import ReadingRecipe
from derin.data.schema import Kind
from derin.data.table import Ragged, Table
from derin.readers.content import EXCEL, PARQUET, content_of
from derin.readers.csv_table import looks_like_csv
from derin.readers.fasta import FASTA
from derin.readers.labelled_text import TEXTS
from derin.readers.table_recipe import SUBJECT
from derin.tasks.prediction import NoAnswer

if TYPE_CHECKING:
    from derin.api.model import Model

# What a recipe calls the data that a preparation reads. Language models read a text for each line.
_SUBJECTS = {"words": "tags", "pairs": "pairs"}
_LONGEST_NAME = 255  # bytes that file systems allow; what is longer is a text
_FOLDERS = (".", "..")


@dataclass(frozen=True)
class AnsweredTexts:
    """The answers to texts.

    Args:
        texts: what was answered; the words of a sentence that came cut into words stand with spaces between.
        answers: one for each; a `NoAnswer` where there is no text.
        places: where each stands in its file; empty for texts that were handed over.
        notes: what is to be known: texts without an answer, words that training did not have.
    """

    texts: Sequence[str]
    answers: Sequence[Any]
    places: Sequence[str]
    notes: Sequence[str]

    def warn(self) -> None:
        """Tells the notes where Python tells warnings."""
        for note in self.notes:
            warnings.warn(localize(note), DerinWarning, stacklevel=3)


def names_texts(given: str | Path) -> bool:
    """Whether it is a file of texts, or a folder by its path, and no text: a text may be called as a folder is.

    Example:
        >>> names_texts("so good"), names_texts("./"), names_texts(Path("reviews.csv"))
        (False, True, True)
    """
    if isinstance(given, Path):
        return True
    if len(given) > _LONGEST_NAME or "\0" in given:
        return False
    path = Path(given)
    return path.is_file() or (path.is_dir() and (given in _FOLDERS or any(mark in given for mark in ("/", "\\"))))


def answer_texts(model: Model, given: Sequence[str]) -> AnsweredTexts:
    """What a network says about texts that were handed over as they are."""
    called = [text for text in given if len(text) <= _LONGEST_NAME and "\0" not in text and Path(text).is_dir()]
    return _answered(model, list(given), {}, (), [Message("predict.called_as_folder", text=text) for text in called])


def answer_text_file(model: Model, path: Path) -> AnsweredTexts:
    """What a network says about each text of a file or folder, which is read as the training data was.

    Args:
        model: whose preparation reads texts.
        path: of a file in the form of training, whose labels are not read; of a plain file with a text on each line; or
            of a folder with a text in each file.

    Raises:
        DataError: the file cannot be read, lacks the column of the texts, or holds no text.
    """
    table = _read(model, usable_path(path, "The data"))
    column = table.inputs[0]
    data = table.columns[column.name]
    assert isinstance(data, Ragged)
    inputs: list[Any] = data.word_lists() if column.kind is Kind.WORDS else data.texts()
    empty = Message("reading.text_empty")
    unanswered = {**{row: empty for row, text in enumerate(inputs) if not text}, **table.unanswered}
    places = [f"{path.name} {name}" if name.startswith("line ") else name for name in table.row_names or ()]
    named = replace(table, row_names=places, unanswered=unanswered)
    return _answered(model, inputs, unanswered, places, notes_of(named))


def _read(model: Model, path: Path) -> Table:
    from derin.api.load import read_inputs

    subject = _SUBJECTS.get(model.preparation.input_kind, TEXTS)
    recipe: ReadingRecipe = model.recipe
    if recipe.part(SUBJECT) and path.is_file() and (looks_like_csv(path) or content_of(path) in (EXCEL, PARQUET)):
        return read_inputs(path, recipe)
    if FASTA not in recipe.found and subject not in recipe.found:
        # The network was trained before it was kept how texts are read, or on plain text.
        recipe = replace(recipe, found={**recipe.found, subject: {}})
    return read_inputs(path, replace(recipe, task=None, target=None, reader_options={}))


def _answered(
    model: Model, inputs: list[Any], unanswered: Mapping[int, str], places: Sequence[str], notes: Sequence[str]
) -> AnsweredTexts:
    there = [row for row in range(len(inputs)) if row not in unanswered]
    if not there:
        raise DataError(f"{places[0] if places else 'The input'}: a text is required; every one is empty or broken.")
    asked = [inputs[row] for row in there]
    found = dict(zip(there, model.predictions(asked), strict=True))
    fields = tuple(found[there[0]].to_json())
    answers = [found[row] if row in found else NoAnswer(unanswered[row], fields) for row in range(len(inputs))]
    texts = [text if isinstance(text, str) else " ".join(text) for text in inputs]
    return AnsweredTexts(texts, answers, places, [*notes, *_unknown(model, asked)])


def _unknown(model: Model, texts: Sequence[Any]) -> list[str]:
    """How many of the words the network does not know; nothing where it knows them all, or reads letters."""
    unknown, total = model.preparation.count_unknown(texts)
    return [Message("predict.unknown_words", count=unknown, total=total)] if unknown else []
