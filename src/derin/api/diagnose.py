"""What is wrong with a system and what to do next: of a run, or of the errors of any system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from derin.api.run import Run
from derin.core.fields import refusing_misfits
from derin.strategy.diagnosis import Diagnosis, Measured, diagnose_errors, read_error, read_numbers
from derin.strategy.record import read_record
from derin.strategy.remedies import with_general_remedies
from derin.strategy.run_diagnosis import diagnose_record

# An error as it is given: a share or a number in its unit, text, or a share with the number of examples.
Error = float | str | tuple[float, int]


def diagnose(
    run: Run | str | Path,
    *,
    human: Error | None = None,
    levels: Mapping[str, Error] | None = None,
    reference: str | None = None,
    material: float | None = None,
    metric: str | None = None,
) -> Diagnosis:
    """What is wrong with a run and what to try next, from the numbers that it measured itself.

    Args:
        run: a run, or its folder.
        human: the error that people make, as a share: 0.01, ``"1%"``, or with the number of examples that they answered
            ``(0.01, 200)`` or ``"0.01:200"``, so that its interval counts too.
        levels: several reference errors by name: ``{"doctor": 0.01, "team": 0.005}``. Without any those count that
            ``derin label`` measured beside the run.
        reference: the level to measure against; None takes the smallest, as nobody goes below it. Without any,
            avoidable bias is measured against 0, or left out where an error has a unit.
        material: what is smaller is called nothing; None takes 0.01, or 5 % of the dev error where errors have a unit.
        metric: in place of that by which the run's states were compared.

    Returns:
        the principal part, all parts with their 95 % intervals, and what to try, most promising first.

    Raises:
        UsageError: there is no such run, or it has nothing to compare.
        UnknownNameError: there is no such metric or level.

    Example:
        >>> import derin, tempfile
        >>> run = derin.fit("iris", model="linear", epochs=1, report=False, out=tempfile.mkdtemp() + "/iris")
        >>> found = derin.diagnose(run, human=0.02)
        >>> found.principal, found.part("avoidable_bias").value > 0.1
        ('avoidable_bias', True)
    """
    path = run.path if isinstance(run, Run) else Path(run)
    given = {**({} if human is None else {"human": human}), **(levels or {})}
    known = {name: _reference(name, error) for name, error in given.items()}
    with refusing_misfits(f"The run {path}"):
        story = replace(read_record(path), path=path)
        return diagnose_record(story, levels=known, reference=reference, material=material, metric=metric)


def diagnose_numbers(
    *numbers: str,
    material: float | None = None,
    reference: str | None = None,
    paired: Mapping[str, tuple[int, int, int]] | None = None,
    **errors: Any,
) -> Diagnosis:
    """What is wrong with a system of which only the errors are known.

    avoidable bias = train − reference, variance = traindev (or dev) − train, data mismatch = dev − traindev,
    over-fit dev set = test − dev. The principal part is the largest, of equal ones the first; it cannot be told where
    the numbers of examples leave another part the chance to be larger.

    Args:
        numbers: errors as text: ``"train=0.08:5000"``, ``"human=1%"``.
        material: what is smaller is called nothing.
        reference: the level to measure against; None takes the smallest, as nobody goes below it.
        paired: by part, where both errors are of the same examples: on how many the first error alone counts, on how
            many the second alone does, and of how many examples.
        errors: ``train`` and ``dev``, where known ``traindev`` and ``test``, and reference errors by any other name
            (``human``, ``expert``): a share (0.08), text (``"8%"``, ``"0.08:5000"``), or a share with the number of
            examples ``(0.08, 5000)``. Without a number it is exact.

    Raises:
        UsageError: numbers are missing or contradict each other.

    Example:
        >>> found = diagnose_numbers(human=0.01, train=(0.08, 5000), dev=(0.10, 1000))
        >>> found.principal, [(part.name, round(part.value, 3)) for part in found.parts]
        ('avoidable_bias', [('avoidable_bias', 0.07), ('variance', 0.02)])
        >>> diagnose_numbers(human=0, train=0.01, traindev=0.015, dev=0.10).principal
        'data_mismatch'

    Source: A. Ng, "Machine Learning Yearning", 2018.
    """
    texts = [*numbers, *(f"{name}={_text(error)}" for name, error in errors.items())]
    found, levels = read_numbers(texts)
    return with_general_remedies(
        diagnose_errors(found, levels=levels, reference=reference, material=material, paired=paired)
    )


def _reference(name: str, error: Error) -> float | Measured:
    """An error as a number, in any unit, or as a share with its interval."""
    if isinstance(error, int | float):
        return float(error)
    text = _text(error)
    return float(text) if _is_number(text) else read_error(name, text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _text(error: Any) -> str:
    return ":".join(map(str, error)) if isinstance(error, tuple | list) else str(error)
