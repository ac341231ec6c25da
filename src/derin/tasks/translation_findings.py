"""What is measured of a trained translator by searching: BLEU of greedy and beam search, by length, and whose fault."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from derin.core.errors import MissingExtraError
from derin.core.seeds import permutation
from derin.data.table import Ragged, Rows, Table
from derin.data.text.encoder import TextEncoder
from derin.data.text.vocabulary import BOS, EOS
from derin.models.translator import Translator
from derin.tasks.baselines.translation_lookup import nearest_sentences
from derin.tasks.beam_search import BEAM_SIZE, LENGTH_POWER
from derin.tasks.blame import Blame, blame, joined
from derin.tasks.metrics.translation import sentence_scores, text_scores

if TYPE_CHECKING:
    from derin.tasks.translation import Translation

_MOST_MEASURED = 2_000
_NUM_EXAMPLES, _NUM_PICTURES = 6, 3
# Bins of source lengths in words; of fewer sentences no BLEU is told.
_BIN_WORDS, _FEWEST_IN_BIN = 5, 20
_PICTURE_TOKENS = (5, 24)  # a picture of fewer shows nothing, of more it cannot be read


def translation_findings(task: Translation, network: nn.Module, table: Table) -> dict[str, Any]:
    """Measurements of the split that was never trained on, of 2,000 sentences at most.

    Args:
        task: with its vocabularies.
        network: in evaluation mode.
        table: with the pairs.

    Returns:
        the split, ``greedy``, ``beam`` and ``lookup`` scores (the last of the translation of the most similar training
        sentence), ``by_length``, ``blame``, ``examples``, and ``alignments`` where the network has attention. Without
        the extra `text` there is a ``note`` instead of scores.
    """
    if not isinstance(network, Translator):
        return {}
    split = next(name for name in ("test", "val", "train") if name in table.splits)
    rows = _measured_rows(table.splits[split])
    sources, references = (_texts(table, name, rows) for name in task.preparation.columns)
    device = next(network.parameters()).device
    greedy = [
        answer.text
        for answer in task.translate(network, sources, beam_size=1, length_power=LENGTH_POWER, device=device)
    ]
    beam, verdicts = _judged(task, network, sources, references, BEAM_SIZE, device)
    found: dict[str, Any] = {
        "split": split,
        "num_sentences": len(rows),
        "beam_size": BEAM_SIZE,
        "length_power": LENGTH_POWER,
        "blame": verdicts.to_json(),
        "alignments": _alignments(task, network, sources, beam, device),
    }
    try:
        found["greedy"] = text_scores(greedy, references).to_json()
        found["beam"] = text_scores(beam, references).to_json()
        if split != "train" and "train" in table.splits:
            found["lookup"] = text_scores(looked_up(task, table, sources), references).to_json()
        found["by_length"] = scores_by_length(sources, beam, references)
        near = sentence_scores(beam, references)
    except MissingExtraError as error:
        found["note"] = str(error)
        near = [100.0 * (said == meant) for said, meant in zip(beam, references)]
    found["examples"] = [
        {
            "source": sources[place],
            "reference": references[place],
            "greedy": greedy[place],
            "beam": beam[place],
            "chrf": near[place],
            "fault": verdicts.faults[place].value,
            "reference_score": verdicts.reference_scores[place],
            "beam_score": verdicts.hypothesis_scores[place],
        }
        for place in _shown(near)
    ]
    return found


def searched_scores(task: Translation, network: nn.Module, table: Table, rows: Rows) -> dict[str, float]:
    """BLEU and chrF of beam search on some rows of a table, on 2,000 of them at most, as `translation_findings` has it.

    Raises:
        MissingExtraError: sacrebleu is not installed.
    """
    if not isinstance(network, Translator):
        return {}
    sources, references = (_texts(table, name, _measured_rows(rows)) for name in task.preparation.columns)
    device = next(network.parameters()).device
    answers = task.translate(network, sources, beam_size=BEAM_SIZE, length_power=LENGTH_POWER, device=device)
    scores = text_scores([answer.text for answer in answers], references)
    return {"bleu": scores.bleu, "chrf": scores.chrf}


def looked_up(task: Translation, table: Table, sources: Sequence[str]) -> list[str]:
    """The translation of the training sentence that is most like each source."""
    known, translations = (_texts(table, name, table.splits["train"]) for name in task.preparation.columns)
    return [translations[place] for place in nearest_sentences(known, sources).tolist()]


def _measured_rows(rows: Rows) -> Rows:
    """So many of the rows that searching them takes a while and no more, always the same."""
    return np.sort(rows[permutation(0, "measured", 0, len(rows))[:_MOST_MEASURED]])


def scores_by_length(sources: Sequence[str], said: Sequence[str], references: Sequence[str]) -> list[dict[str, Any]]:
    """BLEU of the sentences of each length, in words of the source.

    Raises:
        MissingExtraError: sacrebleu is not installed.

    Example:
        >>> scores_by_length(["a b c"] * 20, ["d e f g"] * 20, ["d e f g"] * 20)
        [{'from': 1, 'to': 5, 'num': 20, 'bleu': 100.0}]
    """
    bins = [(max(1, len(source.split())) - 1) // _BIN_WORDS for source in sources]
    found = []
    for number in sorted(set(bins)):
        places = [place for place, own in enumerate(bins) if own == number]
        if len(places) >= _FEWEST_IN_BIN:
            score = text_scores([said[p] for p in places], [references[p] for p in places]).bleu
            first = number * _BIN_WORDS + 1
            found.append({"from": first, "to": first + _BIN_WORDS - 1, "num": len(places), "bleu": round(score, 2)})
    return found


def _judged(
    task: Translation,
    network: Translator,
    sources: Sequence[str],
    references: Sequence[str],
    beam_size: int,
    device: torch.device,
) -> tuple[list[str], Blame]:
    """What beam search finds for each source, and whose fault it is."""
    encoder = task.preparation.target_encoder
    texts: dict[int, str] = {}
    parts: list[Blame] = []
    order: list[int] = []
    for places, tokens, found in task.searched(
        network, sources, beam_size=beam_size, length_power=LENGTH_POWER, device=device
    ):
        target = padded_tokens(encoder, [references[place] for place in places]).to(device)
        parts.append(blame(network, tokens, target, found, begin=BOS, length_power=LENGTH_POWER))
        texts |= dict(zip(places, task.decoded_texts(found.tokens[:, 0])))
        order += places
    every = joined(parts)
    back = np.argsort(order).tolist()
    verdicts = Blame(
        tuple(every.faults[i] for i in back),
        tuple(every.reference_scores[i] for i in back),
        tuple(every.hypothesis_scores[i] for i in back),
    )
    return [texts[place] for place in range(len(sources))], verdicts


def padded_tokens(encoder: TextEncoder, texts: Sequence[str]) -> Tensor:
    """Texts as tokens with the end, padded at the right.

    Shapes:
        → ``(B, T)`` int64.
    """
    found = encoder.encode(texts, eos=True)
    lengths = np.diff(found.offsets)
    rows = np.zeros((len(texts), int(lengths.max(initial=1))), dtype=np.int64)
    rows[np.arange(rows.shape[1]) < lengths[:, None]] = found.flat
    return torch.from_numpy(rows)


def _alignments(
    task: Translation, network: Translator, sources: Sequence[str], said: Sequence[str], device: torch.device
) -> list[dict[str, Any]]:
    """Where a few translations looked; empty for a network without attention."""
    low, high = _PICTURE_TOKENS
    found: list[dict[str, Any]] = []
    for source, text in zip(sources, said):
        picture = alignment_of(task, network, source, text, device=device)
        if picture is None:
            return []
        if low <= len(picture["source"]) <= high and low <= len(picture["target"]) <= high:
            found.append(picture)
        if len(found) == _NUM_PICTURES:
            break
    return found


def alignment_of(
    task: Translation, network: nn.Module, source: str, said: str, *, device: torch.device | str = "cpu"
) -> dict[str, Any] | None:
    """How much each token of a translation looked at each token of its source.

    Args:
        task: with its vocabularies.
        network: in evaluation mode.
        source: the text that was read.
        said: the text that was said of it.
        device: of the network.

    Returns:
        ``source`` and ``target`` (pieces of text, the end as ``■``) and ``weights``, one row for each target piece;
        None for a network without attention.
    """
    if not isinstance(network, Translator):
        return None
    pair = task.preparation
    read = padded_tokens(pair.source_encoder, [source]).to(device)
    target = padded_tokens(pair.target_encoder, [said]).to(device)
    before = torch.cat([torch.full_like(target[:, :1], BOS), target[:, :-1]], 1)
    with torch.inference_mode():
        weights = network.alignment(read, before)
    if weights is None:
        return None
    return {
        "source": _pieces(pair.source_encoder, read[0]),
        "target": _pieces(pair.target_encoder, target[0]),
        "weights": [[round(value, 4) for value in row] for row in weights[0].float().tolist()],
    }


def _pieces(encoder: TextEncoder, tokens: Tensor) -> list[str]:
    return ["■" if token == EOS else encoder.decode([token]) for token in tokens.tolist()]


def _shown(scores: Sequence[float]) -> list[int]:
    """The worst sentences, and as many from all over."""
    by_score = np.argsort(scores, kind="stable")
    spread = permutation(0, "examples", 0, len(scores)).tolist()
    chosen = by_score[:_NUM_EXAMPLES].tolist()
    return chosen + [place for place in spread if place not in chosen][:_NUM_EXAMPLES]


def _texts(table: Table, name: str, rows: np.ndarray) -> list[str]:
    column = table[name]
    assert isinstance(column, Ragged)
    return column.texts(rows)
