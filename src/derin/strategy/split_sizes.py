"""Why splits have the sizes that they have, and what measuring on so few or many examples can tell.

Source: A. Ng, "Machine Learning Yearning", 2018, chapter 7: 60/20/20 of few examples, 98/1/1 of a million,
    99.5/0.25/0.25 of more.
"""

from __future__ import annotations

from collections.abc import Mapping

from derin.core.messages import format_number, translate
from derin.data.splits import LARGEST, SHARE
from derin.strategy.intervals import share_interval
from derin.strategy.numbers import split_name

_ERROR = 0.1  # for which it is said how exactly it is known


def split_reasons(sizes: Mapping[str, float], tells_shares: bool) -> list[str]:
    """The shares of the splits with the rule behind them, and how exactly the last one tells an accuracy.

    Args:
        sizes: examples by split, in the order of train, val, test.
        tells_shares: whether what is measured is a share of right answers.

    Example:
        >>> import os; os.environ["DERIN_LANG"] = "en"
        >>> for sentence in split_reasons({"train": 980_000, "val": 10_000, "test": 10_000}, True):
        ...     print(sentence[:64])
        training, validation, test: 98 / 1 / 1 % of the examples. What D
        10,000 test examples tell an accuracy of 90% to within ±0.6%: le
        >>> del os.environ["DERIN_LANG"]
    """
    shown = [split for split, size in sizes.items() if size]
    whole = sum(sizes.values())
    if len(shown) < 2:
        return []
    shares = " / ".join(format_number(100 * sizes[split] / whole, ".3g") for split in shown)
    names = ", ".join(map(split_name, shown))
    found = [translate("splits.shares", splits=names, shares=shares, share=SHARE, largest=LARGEST)]
    num = int(sizes[shown[-1]])
    if tells_shares and shown[-1] in ("val", "test"):
        low, high = share_interval(round(_ERROR * num), num)
        words = {"split": split_name(shown[-1]), "accuracy": 1 - _ERROR, "half": (high - low) / 2}
        found.append(translate("splits.tells", count=num, **words))
    return found
