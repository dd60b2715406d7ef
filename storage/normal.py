"""The one form in which texts and queries are compared."""

from __future__ import annotations

import functools
import re
import unicodedata

import opencc

_HAN = (*range(0x3400, 0xA000), *range(0x20000, 0x32400))
#: From here on characters are rare; whoever writes one has his text translated.
_ASTRAL = 0x10000
_SURROGATES = range(0xD800, 0xE000)
_CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
_SPACES = re.compile(r"\s+")
#: What nearly every text holds that is not in NFKC, with its form there; a text without it is in NFKC at a glance.
_WIDE = [(char, unicodedata.normalize("NFKC", char)) for char in "，！？：；（）～…％\u3000"]


@functools.cache
def _characters() -> dict[int, str]:
    """Traditional → simplified one character at a time, control characters → space, lone surrogates → U+FFFD.

    OpenCC's phrase tables would turn 乾 into 干 here and leave it there, and a part of a text would no longer be a
    part of its form; so only its character table is used (docs/decisions.md).
    """
    # One a line: no phrase goes over the end of a line.
    converted = opencc.OpenCC("t2s").convert("\n".join(map(chr, _HAN))).split("\n")
    table = dict(zip(_HAN, converted, strict=True))
    # 薴 becomes 苧, which stands for a traditional character itself.
    table = {code: table.get(ord(simple), simple) for code, simple in table.items() if simple != chr(code)}
    return table | dict.fromkeys(_SURROGATES, "\ufffd") | dict.fromkeys(_CONTROLS, " ")


@functools.cache
def _changing() -> re.Pattern[str]:
    """Whatever `_characters` changes, white space apart; few texts hold any, and translating costs the most."""
    common = "".join(chr(code) for code in _characters() if code < _ASTRAL and not chr(code).isspace())
    return re.compile(f"[{re.escape(common)}{chr(_ASTRAL)}-\U0010ffff]")


def matching_form(text: str) -> str:
    """NFKC, case folded, simplified characters, white space runs as one space.

    A substring of a text stays a substring of its form; applying it twice changes nothing more.
    """
    for wide, plain in _WIDE:
        text = text.replace(wide, plain)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    if _changing().search(folded):
        folded = folded.translate(_characters())
    return _SPACES.sub(" ", folded)
