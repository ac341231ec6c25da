"""The bytes of UTF-8 as tokens: 256 of them, whatever the language, and none is ever unknown."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from derin.data.table import Ragged
from derin.data.text.tokenizers import Tokenizer
from derin.data.text.vocabulary import SPECIAL_TOKENS, Vocabulary

_FIRST = len(SPECIAL_TOKENS)


class ByteTokenizer(Tokenizer):
    """Byte b has the number b + 4. Nothing is fitted and nothing is saved; ``max_size`` and ``min_count`` change
    nothing.

    Example:
        >>> tokenizer = ByteTokenizer.fit([])
        >>> ids = tokenizer.encode(["aç", "k"])
        >>> ids.flat.tolist(), ids.offsets.tolist()
        ([101, 199, 171, 111], [0, 3, 4])
        >>> tokenizer.decode(ids.flat)
        'açk'
    """

    name: ClassVar[str] = "bytes"

    def __init__(self) -> None:
        self.vocabulary = Vocabulary.from_tokens(f"<0x{byte:02X}>" for byte in range(256))

    @classmethod
    def fit(cls, texts: Sequence[str], *, max_size: int | None = None, min_count: int = 1) -> Self:
        return cls()

    def encode(self, texts: Sequence[str]) -> Ragged:
        encoded = [text.encode("utf-8", errors="replace") for text in texts]
        flat = np.frombuffer(b"".join(encoded), dtype=np.uint8).astype(np.int32) + _FIRST
        return Ragged(flat, np.fromiter(itertools.accumulate(map(len, encoded), initial=0), dtype=np.int64))

    def decode(self, ids: npt.NDArray[np.int64]) -> str:
        # A network may end within a character: what is no UTF-8 is shown as U+FFFD.
        return (ids[ids >= _FIRST] - _FIRST).astype(np.uint8).tobytes().decode("utf-8", errors="replace")

    def files(self) -> dict[str, bytes]:
        return {}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], where: str) -> Self:
        return cls()
