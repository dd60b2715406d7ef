"""Hostile text made fit to show: everything escaped, found terms and masked places marked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from django.utils.html import escape
from django.utils.safestring import SafeString

#: `138****2107`, `石**禾`: what `pipeline.mask` leaves.
_MASKED = re.compile(r"[\w@.+-]{0,8}\*{2,}[\w@.+-]{0,12}")
#: Marks that turn the direction of what follows, and controls that are not line breaks.
_TURNING = re.compile("[\u0000-\u0008\u000b-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def plain(text: str) -> str:
    """Text without characters that only deceive the eye."""
    return _TURNING.sub("", unicodedata.normalize("NFC", text))


def mark(text: str, terms: Sequence[str] = ()) -> SafeString:
    """Escape `text`; wrap finds of `terms` (folded by case) in <mark> and masked places in .mask."""
    return SafeString("".join(_pieces(plain(text), _pattern(terms))))


def _pattern(terms: Sequence[str]) -> re.Pattern[str]:
    longest_first = sorted({term for term in terms if term.strip()}, key=len, reverse=True)
    parts = [f"(?P<find>{'|'.join(re.escape(term) for term in longest_first)})"] if longest_first else []
    return re.compile("|".join([*parts, f"(?P<mask>{_MASKED.pattern})"]), re.IGNORECASE)


def _pieces(text: str, pattern: re.Pattern[str]) -> Iterator[str]:
    at = 0
    for found in pattern.finditer(text):
        yield escape(text[at : found.start()])
        kind = found.lastgroup
        yield f"<mark>{escape(found[0])}</mark>" if kind == "find" else f'<span class="mask">{escape(found[0])}</span>'
        at = found.end()
    yield escape(text[at:])


def cut(text: str, terms: Sequence[str], limit: int) -> str:
    """At most `limit` characters around the first find, with … where something was left out."""
    text = plain(text)
    if len(text) <= limit:
        return text
    folded = text.casefold()
    finds = [at for term in terms if term and (at := folded.find(term.casefold())) >= 0]
    start = max(0, min(finds, default=0) - limit // 4)
    start = 0 if start + limit >= len(text) and start < limit // 4 else start
    piece = text[start : start + limit]
    return f"{'…' if start else ''}{piece}{'…' if start + limit < len(text) else ''}"
