"""Text from outside made fit for documents and sheets: nothing invisible, nothing XML refuses, no formula, words kept."""

from __future__ import annotations

import functools
import re

#: Excel's own limit.
_CELL_LENGTH = 32_767
#: Signs that make a spreadsheet read a text as a formula.
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]")
_SPACES = re.compile(r"\s+")
#: Controls, surrogates, private use, noncharacters, and format signs that hide or reorder text (categories Cc, Cs, Co,
#: Cf); the joiner U+200D stays, emoji and some scripts need it.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200c\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0001\U000e0020-\U000e007f\U000f0000-\U0010ffff]"
    "|[" + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 15)) + "]"
)


def legible(text: str) -> str:
    """One line without invisible or forbidden characters; everything that can be read stays."""
    return _UNSEEN.sub("", _SPACES.sub(" ", text))


@functools.lru_cache(maxsize=4096)
def cell_text(text: str) -> str:
    """Text as a cell may hold it: no control characters, no more than Excel takes."""
    return legible(text)[:_CELL_LENGTH]


def neutral(text: str) -> str:
    """A text no spreadsheet takes for a formula: those that could be one begin with an apostrophe."""
    clean = cell_text(text)
    return f"'{clean}" if _FORMULA.match(clean) else clean
