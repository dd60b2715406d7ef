"""Looking things up in pages: selectors, texts, links. Pure."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from lxml import etree
from parsel import Selector
from w3lib.html import get_base_url
from w3lib.url import canonicalize_url, safe_url_string

from core.errors import Rejected
from crawlers.sources import Place, is_xpath

_BLOCKS = frozenset(
    {"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "section", "article", "dd", "dt"}
)
_SILENT = frozenset({"script", "style", "noscript", "template"})
#: More nested than any page a person wrote; deeper trees exhaust the stack of C libraries.
_DEEPEST = 400


def parse_page(text: str) -> Selector:
    """A page as a tree. Raises Rejected when there is nothing to parse."""
    if not text.strip():
        raise Rejected("页面是空的")
    return Selector(text=text, type="html")


def look_up(node: Selector, place: Place) -> list[Selector]:
    """What stands at a place within a node, in page order."""
    return list(node.xpath(place) if is_xpath(place) else node.css(place))


def text_at(node: Selector, place: Place | None) -> str:
    """Text of the first thing at a place, in one line; empty when there is none."""
    if place is None:
        return ""
    found = next(iter(look_up(node, place)), None)
    return "" if found is None else " ".join(plain_text(found.get()).split())


def block_at(node: Selector, place: Place | None) -> str:
    """Text of everything at a place, paragraphs kept."""
    if place is None:
        return ""
    return "\n".join(filter(None, (plain_text(found.get()) for found in look_up(node, place))))


def plain_text(html: str) -> str:
    """The text of a fragment, one line per block, without scripts."""
    if "<" not in html and "&" not in html:
        return html.strip()
    root = Selector(text=html, type="html").root
    pieces: list[str] = []
    if isinstance(root, etree._Element):
        _collect(root, pieces, 0)
    lines = (" ".join(line.split()) for line in "".join(pieces).split("\n"))
    return "\n".join(line for line in lines if line)


def _collect(element: etree._Element, pieces: list[str], depth: int) -> None:
    if depth > _DEEPEST or not isinstance(element.tag, str) or element.tag in _SILENT:
        pieces.append(element.tail or "")
        return
    edge = "\n" if element.tag in _BLOCKS else ""
    pieces += [edge, element.text or ""]
    for child in element:
        _collect(child, pieces, depth + 1)
    pieces += [edge, element.tail or ""]


def base_of(text: str, url: str) -> str:
    """The address links of a page are relative to; a `<base>` on another host is not believed."""
    base = str(get_base_url(text[:4096], url))
    return base if urlsplit(base).netloc == urlsplit(url).netloc else url


def absolute(link: str, base: str) -> str | None:
    """A link as an http(s) address without fragment; None for mail, scripts and nonsense."""
    link = link.strip()
    if not link or re.match(r"(?i)(?:javascript|mailto|tel|data|file|ftp|blob|about):|#", link):
        return None
    try:
        address = urljoin(base, link)
        if urlsplit(address).scheme not in ("http", "https") or not urlsplit(address).hostname:
            return None
        return str(safe_url_string(address)).split("#", 1)[0]
    except ValueError:
        return None


def canonical(url: str) -> str:
    """One form of an address: parameters in order, no fragment. Names a page within its source."""
    return str(canonicalize_url(url))
