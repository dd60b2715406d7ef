"""What an administrator says about a source's pages: where title, text, time and author stand."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lxml import etree
from lxml.cssselect import CSSSelector

from core.errors import Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Selectors:
    """CSS, or XPath when it begins with `/`, `.` + `/` or `(`; empty means: find it yourself."""

    title: str = ""
    text: str = ""
    published: str = ""
    author: str = ""
    #: Taken out of the page before anything else is read.
    remove: tuple[str, ...] = ()


def select(root: Any, selector: str) -> list[Any]:
    """Elements, or strings for an XPath that ends in text() or an attribute, in page order.

    Raises Rejected when the selector cannot be read.
    """
    found = _compiled(selector)(root)
    return found if isinstance(found, list) else [str(found)]


@functools.lru_cache(maxsize=512)
def _compiled(selector: str) -> Callable[[Any], Any]:
    try:
        if re.match(r"\.?/|\(", selector):
            path: Callable[[Any], Any] = etree.XPath(selector)
            return path
        css: Callable[[Any], Any] = CSSSelector(selector, translator="html")
    except (etree.XPathError, SyntaxError) as error:
        raise Rejected(f"selector {selector!r} cannot be read: {error}") from error
    return css


def line(found: Any) -> str:
    """The text of one found thing in one line."""
    text = found if isinstance(found, str) else "".join(found.itertext())
    return " ".join(text.split())
