"""How probable a trained language model finds sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from derin.api.generate import check_known

if TYPE_CHECKING:
    from derin.api.model import Model
    from derin.tasks.scoring import TextScore


def score(model: Model, texts: Sequence[str], *, batch_size: int = 64) -> list[TextScore]:
    """ln P of sentences, whole and token by token, each read as a line of its own.

    Args:
        model: a saved language model, of `derin.open`.
        texts: sentences.
        batch_size: sentences at once.

    Raises:
        UsageError: the model is no language model, a text is empty or has characters that the model does not know.
    """
    from derin.tasks.scoring import score_texts

    check_known(model, list(texts), where="text")
    return score_texts(model.network, model.preparation, texts, batch_size=batch_size)
