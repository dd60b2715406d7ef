"""Text from outside made fit for documents: nothing invisible, nothing XML refuses, words kept."""

from __future__ import annotations

import re
import unicodedata

#: Controls, surrogates, private use, and signs that reorder or hide text.
_UNSEEN = frozenset({"Cc", "Cs", "Co", "Cf"})
#: Joins emoji and scripts that need it; harmless.
_KEPT = frozenset("\u200d\ufe0f")
_SPACES = re.compile(r"\s+")


def legible(text: str) -> str:
    """One line without invisible or forbidden characters; everything that can be read stays."""
    line = _SPACES.sub(" ", text)
    if line.isascii() and line.isprintable():
        return line
    return "".join(sign for sign in line if sign in _KEPT or not _hidden(sign))


def _hidden(sign: str) -> bool:
    point = ord(sign)
    is_noncharacter = point & 0xFFFE == 0xFFFE or 0xFDD0 <= point <= 0xFDEF
    return is_noncharacter or unicodedata.category(sign) in _UNSEEN
