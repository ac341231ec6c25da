"""Small and capital letters; Turkish has two more pairs of them: i–İ and ı–I.

Source: The Unicode Standard, section 5.18 and SpecialCasing.txt; ISO 639 codes of languages.
"""

from __future__ import annotations

import unicodedata

TURKISH = "tr"
# Languages that are written with a dotless ı: Turkish, Azerbaijani.
_DOTLESS = frozenset({TURKISH, "az"})
# In Turkish one letter in twenty is ı; a foreign text has it in a name now and then.
_DOTLESS_SHARE = 0.005


def is_dotless(language: str | None) -> bool:
    """Whether a language, given by its code (``"tr"``, ``"tr-TR"``), has the pairs i–İ and ı–I."""
    return language is not None and language.lower().replace("_", "-").split("-")[0] in _DOTLESS


def to_lower(text: str, language: str | None = None) -> str:
    """The text in small letters, composed (NFC).

    Args:
        text: any.
        language: its code; ``"tr"`` turns I into ı. İ becomes i in every language: Python's own rule leaves a second
            dot behind it, which stands in no text.

    Example:
        >>> to_lower("IŞIK İstanbul", "tr"), to_lower("IN İstanbul")
        ('ışık istanbul', 'in istanbul')
    """
    text = unicodedata.normalize("NFC", text).replace("İ", "i")
    if is_dotless(language):
        text = text.replace("I", "ı")
    return unicodedata.normalize("NFC", text.lower())


def looks_turkish(text: str) -> bool:
    """Whether a text is Turkish by its letters: at least one in 200 is ı or İ.

    Example:
        >>> looks_turkish("Işıklar söndü, çocuklar uyudu."), looks_turkish("The lights went out."), looks_turkish("")
        (True, False, False)
    """
    num_dotless = text.count("ı") + text.count("İ")
    return num_dotless > 0 and num_dotless >= _DOTLESS_SHARE * sum(map(str.isalpha, text))
