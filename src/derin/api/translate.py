"""Texts in another language from a trained translator, and where it looked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from derin.core.errors import DataError, UsageError

if TYPE_CHECKING:
    from derin.api.model import Model
    from derin.explain.alignment import Alignment
    from derin.tasks.metrics.translation import TextScores
    from derin.tasks.translation import Translated, Translation

# Those of `derin.tasks.beam_search`, which loads torch.
BEAM_SIZE = 3
LENGTH_POWER = 0.7


def translate(
    model: Model,
    texts: Sequence[str],
    *,
    beam_size: int = BEAM_SIZE,
    length_power: float = LENGTH_POWER,
    num_best: int = 1,
    batch_size: int = 64,
) -> list[Translated]:
    """Texts in the other language, by greedy or beam search.

    Args:
        model: a saved translator, of `derin.open`.
        texts: in the language of its sources; an empty one gives an empty one.
        beam_size: hypotheses kept at each step; 1 is greedy search.
        length_power: α, by which log P(y | x) / T_y^α is compared; 0 compares probabilities themselves.
        num_best: further texts given for each, up to `beam_size`.
        batch_size: texts searched at once.

    Raises:
        UsageError: the model translates nothing, or settings that cannot be.
        DataError: there are no texts.
    """
    task = _translation(model)
    if not texts:
        raise DataError("translate: at least one text is required; got none.")
    device = next(model.network.parameters()).device
    return task.translate(
        model.network,
        texts,
        beam_size=beam_size,
        length_power=length_power,
        num_best=num_best,
        batch_size=batch_size,
        device=device,
    )


def alignment(model: Model, text: str, translated: str | None = None) -> Alignment:
    """Where a translation looked at its source.

    Args:
        model: a saved translator with attention.
        text: the source.
        translated: what was said of it, or what a person would say; None translates.

    Raises:
        UsageError: the network has no attention.
    """
    import numpy as np

    from derin.explain.alignment import Alignment
    from derin.tasks.translation_findings import alignment_of

    task = _translation(model)
    said = translate(model, [text])[0].text if translated is None else translated
    found = alignment_of(task, model.network, text, said, device=next(model.network.parameters()).device)
    if found is None:
        raise UsageError(
            f"An attention picture needs a network with attention; this one is {type(model.network).__name__}. "
            "Train seq2seq_attention or transformer."
        )
    return Alignment(found["source"], found["target"], np.array(found["weights"]))


def score_translations(translated: Sequence[str], references: Sequence[str]) -> TextScores:
    """BLEU, chrF and exact matches; see `derin.tasks.metrics.translation.text_scores`."""
    from derin.tasks.metrics.translation import text_scores

    return text_scores(translated, references)


def _translation(model: Model) -> Translation:
    from derin.tasks.translation import Translation

    task: Any = model.task
    if not isinstance(task, Translation):
        raise UsageError(
            f"Only a model of the task 'translation' translates; this one is of the task {task.name!r}. Train one: "
            "derin train PAIRS --task translation."
        )
    return task
