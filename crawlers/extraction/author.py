"""Who signed a page; pipeline keeps only a keyed hash of it."""

from __future__ import annotations

import re

from crawlers.extraction.page import Page

_META = ("author", "article:author", "dc.creator", "byl", "weibo: article:author")
_LABEL = re.compile(
    r"(?:作者|发帖人|楼主|网友|留言人|来信人|写信人|撰文|记者)\s?[:：]\s?([^\s:：|,，。;；()（）\[\]【】/]{2,20})"
)
_NO_NAME = re.compile(r"^(?:https?:|www\.|\d+$|admin$|匿名$|未知$|佚名$)|[.](?:com|cn|net)$", re.I)
#: A signature stands near the headline, not in the middle of the text.
_LINE = 120


def find_author(page: Page) -> str | None:
    """The author named in the metadata or behind a label; None when nobody is named."""
    named = [page.meta.get(name, "").strip() for name in _META]
    for paragraph in page.layout.paragraphs:
        if len(paragraph.text) <= _LINE and (match := _LABEL.search(paragraph.text)):
            named.append(match[1])
            break
    return next((name for name in named if 2 <= len(name) <= 40 and not _NO_NAME.search(name)), None)
