"""From text as it came to text as it is kept and read: the original characters stay, noise goes."""

from __future__ import annotations

import functools
import re
from operator import ne

import opencc

#: Longer posts are cut before anything reads them; no honest post is that long.
LONGEST = 100_000

_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ud800-\udfff\ufffe\uffff]"
)
_BLANKS = re.compile(r"[ \t\u00a0\u3000]+")
_LINES = re.compile(r" ?(?:\r\n|\r|\n) ?")
_BLANK_LINES = re.compile(r"\n{3,}")
_EDITORS = [
    rf"{bracket}{role}[:：][^\n）)\]】]{{1,12}}[）)\]】]?\s*$"
    for bracket in ("", "（", r"\(", r"\[", "【")
    for role in ("责任编辑", "责编", "编辑", "校对")
]
# Every alternative begins with a plain character: the engine leaps to those and tries nothing between them.
_BOILERPLATE = re.compile(
    "展开全文|收起全文|收起d|网页链接|查看图片|点击查看原文|阅读原文|抱歉，此微博已被作者删除[^\n]{0,40}|"
    "扫描(?:上方|下方)?二维码[^\n]{0,20}|长按(?:上方|下方)?二维码[^\n]{0,20}|" + "|".join(_EDITORS),
    re.MULTILINE,
)
_REPOST = re.compile(r"(?:回复)?//?@[^\s:：@/]{1,30}[:：]|回复@[^\s:：@/]{1,30}[:：]|//@[^\s:：@/]{1,30}\s")
_REPOST_WORDS = re.compile(r"(?:转发微博|转发理由|转发|快转|轉發微博|Repost|RT)[:：，,。!！~～ ]*", re.IGNORECASE)
_SHORT_COMMENT = 12

_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_LATIN = re.compile("[A-Za-zＡ-Ｚａ-ｚ][A-Za-zＡ-Ｚａ-ｚ]*")
_KANA_HANGUL = re.compile("[\u3040-\u30ff\uac00-\ud7af\uff66-\uffdc][\u3040-\u30ff\uac00-\ud7af\uff66-\uffdc]*")


def readable(text: str) -> str:
    """The text as it is kept: no invisible characters, no boilerplate, tidy white space, at most `LONGEST` characters."""
    text = _BLANKS.sub(" ", _INVISIBLE.sub("", text[:LONGEST]))
    if "\n" in text or "\r" in text:
        text = _BLANK_LINES.sub("\n\n", _LINES.sub("\n", text))
    return _BOILERPLATE.sub("", text).strip()


@functools.cache
def _simplifier() -> tuple[opencc.OpenCC, re.Pattern[str]]:
    """OpenCC, and what finds a traditional character: most texts have none and need not go through it."""
    converter = opencc.OpenCC("t2s")
    characters = "\n".join(map(chr, (*range(0x3400, 0xA000), *range(0xF900, 0xFB00))))
    changed = {
        before
        for before, after in zip(characters.split("\n"), converter.convert(characters).split("\n"), strict=True)
        if before != after
    }
    return converter, re.compile(f"[{''.join(sorted(changed))}]")


def simplified(text: str) -> str:
    """The text in simplified characters, width and case untouched."""
    converter, traditional = _simplifier()
    return str(converter.convert(text)) if traditional.search(text) else text


def without_reposts(text: str) -> str:
    """What the post itself says, or, when it only passes something on, what it passes on.

    `转发微博//@甲:路断了` and `好惨//@乙:路断了` both become `路断了`: the nearly equal texts of a story.
    A comment longer than a phrase is a text of its own.
    """
    if "@" not in text:
        return _REPOST_WORDS.sub("", text, count=1) if text.startswith("转发") else text
    own, *quoted = _REPOST.split(text)
    own = _REPOST_WORDS.sub("", own).strip()
    if len(own) >= _SHORT_COMMENT or not any(part.strip() for part in quoted):
        return own or text
    return max((part.strip() for part in quoted), key=len)


def language(text: str) -> str:
    """BCP 47 tag by script: `zh-Hans`, `zh-Hant`, `ja`/`ko` as `und`, `en`, `und`."""
    sample = text[:2000]
    han, latin = _count(_HAN, sample), _count(_LATIN, sample)
    if _count(_KANA_HANGUL, sample) * 4 > han:
        return "und"
    if han * 4 >= latin and han:
        plain = simplified(sample)
        changed = 0 if plain == sample else sum(map(ne, sample, plain))
        return "zh-Hant" if changed * 12 > han else "zh-Hans"
    return "en" if latin else "und"


def _count(script: re.Pattern[str], text: str) -> int:
    return sum(map(len, script.findall(text)))
