"""The cascade: what the source says, then our own reading, then readability, then trafilatura."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lxml import etree, html

from core.errors import Rejected
from crawlers.extraction import selectors as chosen
from crawlers.extraction.author import find_author
from crawlers.extraction.body import find_body
from crawlers.extraction.encoding import decode
from crawlers.extraction.layout import read_layout
from crawlers.extraction.page import Page, parse, read_page, refuse_binary
from crawlers.extraction.published import find_published
from crawlers.extraction.selectors import Selectors
from crawlers.extraction.title import find_title
from crawlers.times import Moment, parse_time

#: Under this many characters another reading is asked for; it must find far more to be preferred.
_TOO_SHORT = 80
#: The others take time that grows faster than the page.
_LONGEST_FOR_OTHERS = 1_500_000
_MOST_BOXES_FOR_OTHERS = 15_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """What a page says; `text` has one paragraph a line and no headline."""

    title: str
    text: str
    #: None when the page states no time that can be trusted.
    published: Moment | None
    author: str | None
    encoding: str


def article(body: bytes, *, url: str, content_type: str, now: datetime, selectors: Selectors | None = None) -> Article:
    """Read a page as it was fetched. Raises Rejected, with the reason, for what is no readable page."""
    refuse_binary(body)
    decoded = decode(body, content_type)
    parsed = parse(decoded.text)
    root = parsed.root
    wanted = selectors or Selectors()
    for selector in wanted.remove:
        _remove(chosen.select(root, selector))
    page = read_page(parsed, url)
    title = _first_line(root, wanted.title) or find_title(page)
    text = _lines(root, wanted.text) or _text(page, title)
    if not title and not text:
        raise Rejected("the page has neither title nor text")
    return Article(
        title=title,
        text=text,
        published=_chosen_time(root, wanted.published, now) or find_published(page, title, now),
        author=_first_line(root, wanted.author) or find_author(page),
        encoding=decoded.encoding,
    )


def _remove(found: list[Any]) -> None:
    for element in found:
        if not isinstance(element, str):
            element.clear(keep_tail=True)


def _first_line(root: Any, selector: str) -> str | None:
    found = chosen.select(root, selector) if selector else []
    return next((text for each in found if (text := chosen.line(each))), None)


def _lines(root: Any, selector: str) -> str:
    """The text under the selector, with the paragraphs the page has."""
    found = chosen.select(root, selector) if selector else []
    return "\n".join(text for each in found if (text := _block_text(each)))


def _block_text(found: Any) -> str:
    if isinstance(found, str):
        return chosen.line(found)
    return "\n".join(paragraph.text for paragraph in read_layout(found).paragraphs)


def _chosen_time(root: Any, selector: str, now: datetime) -> Moment | None:
    found = chosen.select(root, selector) if selector else []
    return next((moment for each in found if (moment := parse_time(chosen.line(each), now))), None)


def _text(page: Page, title: str) -> str:
    """Our own reading for Chinese; another's when ours is thin or the page is not Chinese."""
    if not page.is_chinese:
        return _another(_trafilatura, page) or _own(page, title)
    own = _own(page, title)
    if len(own) >= _TOO_SHORT:
        return own
    second = _another(_readability, page)
    if len(second) > max(3 * len(own), _TOO_SHORT) or not own:
        own = second
    return own or _another(_trafilatura, page)


def _own(page: Page, title: str) -> str:
    return "\n".join(paragraph.text for paragraph in find_body(page.layout, title))


def _another(reader: Callable[[str], str], page: Page) -> str:
    """Another's reading; on pages beyond its bounds, or that it stumbles over, it has nothing to say."""
    if len(page.markup) > _LONGEST_FOR_OTHERS or len(page.layout.boxes) > _MOST_BOXES_FOR_OTHERS:
        return ""
    try:
        return reader(page.markup)
    except (RecursionError, ValueError, TypeError, LookupError, AttributeError, AssertionError, etree.LxmlError):
        return ""


def _readability(markup: str) -> str:
    from readability import Document

    summary = Document(markup).summary(html_partial=True)
    return _block_text(html.fragment_fromstring(summary, create_parent="div"))


def _trafilatura(markup: str) -> str:
    import trafilatura

    return trafilatura.extract(markup, include_comments=False, favor_precision=True) or ""
