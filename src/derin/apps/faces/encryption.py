"""Encryption of what a gallery stores about people, by a key that stands in no file.

Names are sealed by AES-SIV (RFC 5297), which gives equal text equal bytes, so that a name can still be looked up and
kept unique; embeddings and notes by AES-GCM (NIST SP 800-38D) with a new nonce each. Both take a *data key*, drawn once
for the gallery and stored wrapped (RFC 3394) by a key that scrypt (RFC 7914) derives from what the user keeps.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from typing import Any

from derin.core.errors import MissingExtraError, RefusedFileError

KEY_VARIABLE = "DERIN_GALLERY_KEY"
_DATA_KEY_BYTES = 32 + 64  # AES-256 for embeddings and notes, AES-256-SIV for names
_NONCE_BYTES = 12
# 2¹⁵·8·128 bytes: 32 MiB and about a tenth of a second for every try of whoever guesses.
_SCRYPT = {"n": 1 << 15, "r": 8, "p": 1}


class Cipher:
    """Seals and opens what a gallery stores.

    Args:
        data_key: 96 random bytes, see `Cipher.create`.
    """

    def __init__(self, data_key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV

        self._gcm, self._siv = AESGCM(data_key[:32]), AESSIV(data_key[32:])

    @classmethod
    def create(cls, key: str) -> tuple[Cipher, dict[str, str]]:
        """A cipher with a new data key, and what is stored of it; `Cipher.open` takes both back.

        Args:
            key: what the user keeps, of any length.

        Raises:
            MissingExtraError: cryptography is not installed.
        """
        keywrap = _keywrap()
        data_key, salt = os.urandom(_DATA_KEY_BYTES), os.urandom(16)
        wrapped = keywrap.aes_key_wrap(_derive(key, salt), data_key)
        return cls(data_key), {"salt": salt.hex(), "wrapped": wrapped.hex()}

    @classmethod
    def open(cls, key: str, stored: dict[str, str], place: str) -> Cipher:
        """The cipher of a gallery that is there.

        Args:
            key: what the user keeps.
            stored: what `create` gave.
            place: the gallery's name, for the message.

        Raises:
            RefusedFileError: it is another key than the gallery's.
            MissingExtraError: cryptography is not installed.

        Example:
            >>> cipher, stored = Cipher.create("a long secret")
            >>> sealed = cipher.seal_text("Ada")
            >>> Cipher.open("a long secret", stored, "faces.db").open_text(sealed)
            'Ada'
            >>> Cipher.open("a guess", stored, "faces.db")
            Traceback (most recent call last):
            derin.core.errors.RefusedFileError: The gallery faces.db is encrypted with another key than the one given; \
set DERIN_GALLERY_KEY to the key that it was made with.
        """
        keywrap = _keywrap()
        try:
            wrapping = _derive(key, bytes.fromhex(stored["salt"]))
            return cls(keywrap.aes_key_unwrap(wrapping, bytes.fromhex(stored["wrapped"])))
        except keywrap.InvalidUnwrap:
            raise RefusedFileError(
                f"The gallery {place} is encrypted with another key than the one given; "
                f"set {KEY_VARIABLE} to the key that it was made with."
            ) from None

    def seal_text(self, text: str) -> str:
        """Text as base64 of its sealed bytes; equal texts are equal."""
        return base64.b64encode(self._siv.encrypt(b"\x00" + text.encode(), None)).decode()

    def open_text(self, sealed: str) -> str:
        """What `seal_text` sealed.

        Raises:
            RefusedFileError: the bytes were changed.
        """
        from cryptography.exceptions import InvalidTag

        try:
            return self._siv.decrypt(base64.b64decode(sealed), None)[1:].decode()
        except (InvalidTag, ValueError):
            raise _damaged() from None

    def seal_rows(self, rows: Sequence[bytes], people: Sequence[int]) -> list[bytes]:
        """Bytes of embeddings, each sealed for the person whose it is and for no other."""
        seal, nonces = self._gcm.encrypt, os.urandom(_NONCE_BYTES * len(rows))
        sealed = []
        for at, (row, person) in enumerate(zip(rows, people, strict=True)):
            nonce = nonces[at * _NONCE_BYTES : (at + 1) * _NONCE_BYTES]
            sealed.append(nonce + seal(nonce, row, b"%d" % person))
        return sealed

    def open_rows(self, sealed: Sequence[bytes], people: Sequence[int]) -> list[bytes]:
        """What `seal_rows` sealed.

        Raises:
            RefusedFileError: the bytes were changed, or stand at another person.
        """
        from cryptography.exceptions import InvalidTag

        unseal = self._gcm.decrypt
        try:
            return [
                unseal(row[:_NONCE_BYTES], row[_NONCE_BYTES:], b"%d" % person)
                for row, person in zip(sealed, people, strict=True)
            ]
        except (InvalidTag, ValueError):
            raise _damaged() from None


def _derive(key: str, salt: bytes) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt=salt, length=32, **_SCRYPT).derive(key.encode())


def _keywrap() -> Any:
    try:
        from cryptography.hazmat.primitives import keywrap
    except ImportError:
        raise MissingExtraError("cryptography", "faces", "An encrypted gallery") from None
    return keywrap


def _damaged() -> RefusedFileError:
    return RefusedFileError("The gallery holds an encrypted entry that was changed; restore it from a backup.")
