"""The headline of a page: what stands on it and in its <title> too."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from crawlers.extraction.layout import Box
from crawlers.extraction.page import Page

_META = ("articletitle", "og:title", "twitter:title", "title")
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5"})
_HEADLINE_NAME = re.compile(r"title|headline|biaoti|activity-name|\btit\b|\bbt\b")
_SEPARATOR = re.compile(
    r"\s*[_|｜]\s*|\s+[-–—»·]+\s+|\s*--+\s*|\s*(?:——|(?<!\d)-|-(?!\d)|–)\s*(?=[^-–—]{2,20}$)"
    r"|\s(?=\S{2,12}(?:网|网站|论坛|频道|日报|晚报|新闻)$)"
)
#: A <title> that names the site and not the page.
_SITE = re.compile(
    r"(?:网|网站|官网|门户|政府|频道|首页|中心|论坛|欢迎您|日报|公司|学会|协会|学院|大学|公开|专栏)$|^(?:首页|欢迎|详情|正文|新闻)"
)
_POWERED = re.compile(r"[\s_|–-]*powered by.*$", re.I)
_LONGEST = 120
_SHORTEST = 4
_SENTENCE = 40


def find_title(page: Page) -> str:
    """The headline; empty when the page has none.

    1. The best heading that <title> contains, else the best line of the page or its metadata.
    2. A heading that <title> cuts short.
    3. The first heading with running text behind it, when <title> names the site or stands nowhere on the page.
    4. <title> without the name of the site; then what the metadata call the page.
    """
    whole = _POWERED.sub("", page.title)
    within = _letters(whole)
    headings = [text for text, _ in _headings(page)]
    lines = [paragraph.text for paragraph in page.layout.paragraphs if paragraph.length <= _LONGEST]
    if named := _contained(headings, within) or _contained([*lines, *_stated(page)], within):
        return named
    short = _without_site(whole)
    if full := next((text for text in headings if _continues(_letters(text), _letters(short))), None):
        return full
    if not short or _SITE.search(short) or not any(_letters(short) in _letters(text) for text in lines):
        return _opening(page) or next(_stated(page), short)
    return short


def _contained(lines: list[str], within: str) -> str | None:
    """The line <title> begins with, else the longest it contains; a part of three letters may be anything."""
    parts = {line: letters for line in dict.fromkeys(lines) if (letters := _letters(line)) in within}
    best = max(parts, key=lambda line: (_opens(parts[line], within), len(parts[line])), default="")
    length = len(parts.get(best, ""))
    stray = length < 8 and length * 3 < len(within) and not within.startswith(parts.get(best, ""))
    return None if length < _SHORTEST or stray or _SITE.search(best) else best


def _opens(letters: str, within: str) -> bool:
    return len(letters) >= 6 and within.startswith(letters)


def _continues(full: str, short: str) -> bool:
    return len(short) >= 8 and full.startswith(short) and len(full) <= 3 * len(short)


def _stated(page: Page) -> Iterator[str]:
    for name in _META:
        if text := " ".join(page.meta.get(name, "").split()):
            yield _without_site(text)


def _headings(page: Page) -> Iterator[tuple[str, Box]]:
    """Short texts marked as headings, in page order."""
    for box in page.layout.boxes:
        if box.last - box.first not in {1, 2, 3} or not (box.tag in _HEADINGS or _HEADLINE_NAME.search(box.name)):
            continue
        if page.layout.length(box) <= _LONGEST:
            yield " ".join(paragraph.text for paragraph in page.layout.paragraphs_of(box)), box


def _opening(page: Page) -> str | None:
    """The first heading that is no link and has running text soon behind it."""
    for text, box in _headings(page):
        following = page.layout.paragraphs[box.last : box.last + 8]
        speaks = any(paragraph.length >= _SENTENCE and paragraph.marks > 1 for paragraph in following)
        if speaks and len(_letters(text)) >= 8 and page.layout.link_share(box) < 0.5:
            return text
    return None


def _without_site(title: str) -> str:
    parts = [part for part in _SEPARATOR.split(title) if part.strip()]
    return max(parts, key=lambda part: len(_letters(part))).strip() if parts else title


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text)).lower()
