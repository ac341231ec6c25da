"""Files of which a network reads many inputs, by what people hand over for it: pictures, sounds, texts, rows,
steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from derin.api.model import Model


@dataclass(frozen=True)
class FileForm:
    """How files are answered.

    Args:
        holds: whether the name that was handed over is that of such a file, and no input itself.
        answers: to everything in the file, in order; what has to be said of it is a warning.
        is_many: whether the answers are a list also where there is but one.
    """

    holds: Callable[[str | Path], bool]
    answers: Callable[[Model, Path, int], list[Any]]
    is_many: bool = True


def file_form(medium: str) -> FileForm | None:
    """How files are answered by a network for which people hand over a medium; None where files mean nothing to it."""
    return _FORMS.get(medium)


def _is_of_many(given: str | Path) -> bool:
    from derin.api.example_files import holds_many

    return Path(given).is_dir() or holds_many(Path(given))


def _is_of_texts(given: str | Path) -> bool:
    from derin.api.texts import names_texts

    return names_texts(given)


def _examples(model: Model, path: Path, batch_size: int) -> list[Any]:
    from derin.api.example_files import answer_examples

    return _noted(answer_examples(model, path))


def _texts(model: Model, path: Path, batch_size: int) -> list[Any]:
    from derin.api.texts import answer_text_file

    return _noted(answer_text_file(model, path))


def _rows(model: Model, path: Path, batch_size: int) -> list[Any]:
    from derin.api.rows import answer_rows

    return _noted(answer_rows(model, path, batch_size=batch_size))


def _steps(model: Model, path: Path, batch_size: int) -> list[Any]:
    return list(model.forecast(path))


def _noted(answered: Any) -> list[Any]:
    answered.warn()
    return list(answered.answers)


_FORMS = {
    "pictures": FileForm(_is_of_many, _examples),
    "sounds": FileForm(_is_of_many, _examples),
    "texts": FileForm(_is_of_texts, _texts),
    "rows": FileForm(lambda given: True, _rows),
    "steps": FileForm(lambda given: True, _steps, is_many=False),
}
