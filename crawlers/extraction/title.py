"""The headline of a page: what stands large on it and in its <title> too."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crawlers.extraction.page import Page

_META = ("articletitle", "og:title", "twitter:title", "title")
_HEADLINES = (
    "//h1",
    "//*[@id='activity-name']",
    "//h2",
    "//*[contains(@class,'title') or contains(@class,'Title') or contains(@id,'title') or contains(@id,'Title')]",
    "//h3",
)
_SEPARATOR = re.compile(r"\s*[_|｜]\s*|\s+[-–—»·]+\s+|\s*--+\s*|\s*(?:——|-|–)\s*(?=[^-–—]{2,20}$)")
_LONGEST = 200
_SHORTEST = 4


def find_title(page: Page) -> str:
    """The headline; empty when the page has none.

    1. The longest headline, marked as one, that the <title> contains.
    2. The <title> without the name of the site.
    3. The first marked headline.
    """
    within = _letters(page.title)
    headlines = list(_headlines(page))
    for headline in headlines:
        letters = _letters(headline)
        if len(letters) >= _SHORTEST and letters in within and len(letters) < len(within):
            return headline
    for headline in headlines:
        if len(_letters(headline)) >= _SHORTEST and _letters(headline) == within:
            return _without_site(headline)
    if page.title:
        return _without_site(page.title)
    return headlines[0] if headlines else ""


def _headlines(page: Page) -> Iterator[str]:
    for path in _HEADLINES:
        for element in page.root.xpath(path):
            text = " ".join("".join(element.itertext()).split())
            if element.tag != "title" and 0 < len(text) <= _LONGEST:
                yield text
    for name in _META:
        if text := " ".join(page.meta.get(name, "").split()):
            yield text


def _without_site(title: str) -> str:
    parts = [part for part in _SEPARATOR.split(title) if part.strip()]
    return max(parts, key=lambda part: len(_letters(part))).strip() if parts else title


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()
