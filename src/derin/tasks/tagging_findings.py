"""What is to be known of a tagger beside its F1: what looking spans up reaches, what was new to it, how it errs.

The baseline marks every longest place where a span of training stands, with the type that it had most often there:
E. F. Tjong Kim Sang, F. De Meulder, "Introduction to the CoNLL-2003 shared task", CoNLL 2003, section 4.1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from derin.data.table import Ragged, Rows
from derin.data.tag_schemes import span_types
from derin.tasks.tagged_sentence import Span, spans_in

_NUM_WRONG, _NUM_RIGHT = 8, 4  # sentences that are kept as examples
_LONGEST_EXAMPLE = 40  # words
Key = tuple[str, ...]


def tagging_findings(
    words: Ragged, tags: Ragged, train: Rows, found: Mapping[int, Sequence[int]], classes: Sequence[str], split: str
) -> dict[str, Any]:
    """Baseline, recall of seen and of new spans, kinds of mistakes, and sentences to look at.

    Args:
        words: of the table.
        tags: the true ones of the table.
        train: rows that were learned from.
        found: the tags that the network gave to each row of a split.
        classes: the names of the tags.
        split: the name of that split.

    Returns:
        ``split``; ``baseline`` (precision, recall and f1 of looking spans up); ``seen`` and ``new`` (how many true
        spans stood in training with the same words and type or did not, and the share that was found); ``mistakes``
        (how many spans were missed, were invented, have a wrong type, a wrong end, or both); ``examples`` (words, true
        and predicted spans).
    """
    types = span_types(classes)
    rows = sorted(found)
    sentences = words.word_lists(np.array(rows, dtype=np.int64))
    true_tags = _lists(tags, rows)
    true = [_spans(numbers, types) for numbers in true_tags]
    predicted = [_spans(found[row], types) for row in rows]
    known = _known_spans(words.word_lists(train), [_spans(numbers, types) for numbers in _lists(tags, train)])
    looked_up = _look_up(sentences, known)
    seen, new = _recall(sentences, true, predicted, known)
    names = list(classes if types is None else types)
    result: dict[str, Any] = {
        "split": split,
        "baseline": _scores(true, looked_up),
        "seen": seen,
        "new": new,
    }
    if types is not None:
        result["mistakes"] = _mistakes(true, predicted)
    result["examples"] = _examples(sentences, true, predicted, names)
    return result


def _lists(tags: Ragged, rows: Iterable[int]) -> list[list[int]]:
    bounds = tags.offsets.tolist()
    flat = tags.flat.tolist()
    return [flat[bounds[row] : bounds[row + 1]] for row in map(int, rows)]


def _spans(tags: Sequence[int], types: Sequence[str] | None) -> list[Span]:
    """The spans of a sentence; of plain tags each word is one."""
    if types is not None:
        return spans_in(tags)
    return [(tag, place, place + 1) for place, tag in enumerate(tags)]


def _known_spans(sentences: Sequence[Sequence[str]], spans: Sequence[Sequence[Span]]) -> dict[Key, Counter[int]]:
    """How often the words of each span of training were of each type."""
    known: dict[Key, Counter[int]] = {}
    for words, of_sentence in zip(sentences, spans, strict=True):
        for kind, start, end in of_sentence:
            known.setdefault(tuple(words[start:end]), Counter())[kind] += 1
    return known


def _look_up(sentences: Sequence[Sequence[str]], known: Mapping[Key, Counter[int]]) -> list[list[Span]]:
    """The longest known spans of each sentence from left to right, each with its commonest type."""
    commonest = {key: kinds.most_common(1)[0][0] for key, kinds in known.items()}
    longest = max(map(len, commonest), default=0)
    result = []
    for words in sentences:
        spans: list[Span] = []
        start = 0
        while start < len(words):
            for end in range(min(len(words), start + longest), start, -1):
                kind = commonest.get(tuple(words[start:end]))
                if kind is not None:
                    spans.append((kind, start, end))
                    start = end
                    break
            else:
                start += 1
        result.append(spans)
    return result


def _scores(true: Sequence[Sequence[Span]], found: Sequence[Sequence[Span]]) -> dict[str, float]:
    right = sum(len(set(a) & set(b)) for a, b in zip(true, found, strict=True))
    num_found, num_true = sum(map(len, found)), sum(map(len, true))
    return {
        "precision": right / num_found if num_found else 0.0,
        "recall": right / num_true if num_true else 0.0,
        "f1": 2 * right / (num_found + num_true) if num_found + num_true else 0.0,
    }


def _recall(
    sentences: Sequence[Sequence[str]],
    true: Sequence[Sequence[Span]],
    predicted: Sequence[Sequence[Span]],
    known: Mapping[Key, Counter[int]],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Number and recall of the true spans that stood in training with their type, and of the others."""
    nums, rights = [0, 0], [0, 0]
    for words, of_truth, of_network in zip(sentences, true, predicted, strict=True):
        right = set(of_network)
        for span in of_truth:
            kinds = known.get(tuple(words[span[1] : span[2]]))
            place = 0 if kinds is not None and span[0] in kinds else 1
            nums[place] += 1
            rights[place] += span in right
    seen, new = ({"num": num, "recall": right / num if num else None} for num, right in zip(nums, rights))
    return seen, new


def _mistakes(true: Sequence[Sequence[Span]], predicted: Sequence[Sequence[Span]]) -> dict[str, int]:
    """Each wrong span once: by the type, by the ends, by both, missed, or invented."""
    counts = {"type": 0, "ends": 0, "both": 0, "missed": 0, "invented": 0}
    for of_truth, of_network in zip(true, predicted, strict=True):
        right = set(of_truth) & set(of_network)
        left, wrong = [s for s in of_truth if s not in right], [s for s in of_network if s not in right]
        for span in left:
            touching = [other for other in wrong if other[1] < span[2] and span[1] < other[2]]
            if not touching:
                counts["missed"] += 1
            elif any(other[1:] == span[1:] for other in touching):
                counts["type"] += 1
            else:
                counts["ends" if any(other[0] == span[0] for other in touching) else "both"] += 1
        counts["invented"] += sum(not any(s[1] < other[2] and other[1] < s[2] for s in left) for other in wrong)
    return counts


def _examples(
    sentences: Sequence[Sequence[str]],
    true: Sequence[Sequence[Span]],
    predicted: Sequence[Sequence[Span]],
    names: Sequence[str],
) -> list[dict[str, Any]]:
    """Sentences of readable length with the most wrong spans, then right ones with the most spans."""
    short = [place for place, words in enumerate(sentences) if len(words) <= _LONGEST_EXAMPLE]
    num_wrong = {place: len(set(true[place]) ^ set(predicted[place])) for place in short}
    wrong = sorted((p for p in short if num_wrong[p]), key=lambda p: (-num_wrong[p], p))[:_NUM_WRONG]
    right = sorted((p for p in short if not num_wrong[p] and true[p]), key=lambda p: (-len(true[p]), p))[:_NUM_RIGHT]
    return [
        {
            "words": list(sentences[place]),
            "true": [[names[kind], start, end] for kind, start, end in true[place]],
            "predicted": [[names[kind], start, end] for kind, start, end in predicted[place]],
        }
        for place in (*wrong, *right)
    ]
