"""What cuts a text into tokens: the interface of all tokenizers, and their names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from derin.core.errors import RefusedFileError
from derin.core.registry import Registry
from derin.data.table import Ragged
from derin.data.text.vocabulary import Vocabulary

VOCABULARY_FILE = "vocabulary.json"


class Tokenizer(ABC):
    """Cuts texts into tokens, and knows their numbers.

    Attributes:
        name: in `TOKENIZERS`.
        lowercases: whether small and capital letters are one by default.
        network_options: further options of a network that reads its tokens.
        vocabulary: all tokens; numbers 0 to 3 are special.
    """

    name: ClassVar[str]
    lowercases: ClassVar[bool] = False
    network_options: ClassVar[Mapping[str, Any]] = {}
    vocabulary: Vocabulary

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self):,} tokens)"

    def __len__(self) -> int:
        """How many numbers of tokens there are."""
        return len(self.vocabulary)

    @classmethod
    @abstractmethod
    def fit(cls, texts: Sequence[str], *, max_size: int | None = None, min_count: int = 1) -> Self:
        """The tokenizer that fits some texts.

        Args:
            texts: of the training rows.
            max_size: of the vocabulary, the special tokens included.
            min_count: rarer tokens are unknown.
        """

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> Ragged:
        """The numbers of the tokens of each text.

        Shapes:
            flat ``(total,)`` int32, offsets ``(N + 1,)`` int64.
        """

    @abstractmethod
    def decode(self, ids: npt.NDArray[np.int64]) -> str:
        """The text of some tokens, of which none is ``<PAD>``, ``<BOS>`` or ``<EOS>``."""

    def files(self) -> dict[str, bytes]:
        """What has to be kept, by file name."""
        return {VOCABULARY_FILE: self.vocabulary.to_bytes()}

    @classmethod
    @abstractmethod
    def from_files(cls, files: Mapping[str, bytes], where: str) -> Self:
        """The tokenizer that `files` described.

        Args:
            files: the contents by name.
            where: what is read, for messages.

        Raises:
            RefusedFileError: a file is missing or damaged.
        """


TOKENIZERS: Registry[type[Tokenizer]] = Registry(
    "tokenizer",
    {
        "words": "derin.data.text.words:WordTokenizer",
        "characters": "derin.data.text.characters:CharacterTokenizer",
        "bytes": "derin.data.text.byte_tokens:ByteTokenizer",
        "bpe": "derin.data.text.bpe:BytePairTokenizer",
        "ngrams": "derin.data.text.ngrams:NgramTokenizer",
    },
)


def needed_file(files: Mapping[str, bytes], name: str, where: str) -> bytes:
    """The content of a file that a tokenizer cannot do without.

    Raises:
        RefusedFileError: it is missing.
    """
    if name not in files:
        raise RefusedFileError(f"{where}: the file {name!r} is missing; restore the model's folder.")
    return files[name]
