"""A page parsed within bounds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from lxml import etree, html

from core.errors import Rejected
from crawlers.extraction.layout import Layout, read_layout

MAX_BYTES = 8 * 1024 * 1024
#: After inline images are out; the longest law or thread stays far below.
_MAX_CHARACTERS = 6_000_000
_MAX_TAGS = 150_000
_BINARY = (
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP or office file"),
    (b"\xd0\xcf\x11\xe0", "an old office file"),
    (b"\x89PNG", "a picture"),
    (b"GIF8", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x1f\x8b", "gzip; unpack it first"),
)
#: Escape is left out: ISO 2022 uses it. NULs are, too: careless systems pad pages with them.
_BINARY_BYTES = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")
_INLINE_DATA = re.compile(r"data:[\w/+.-]{0,40};base64,[A-Za-z0-9+/=]{64,}")
#: Cases are spelled out below: a pattern that begins with a plain "<" is found many times faster.
_CODE = re.compile(r"<([sS][cC][rR][iI][pP][tT]|[sS][tT][yY][lL][eE])\b[^>]{0,2000}>")
_CODE_END = {name: re.compile(rf"</(?i:{name})\s*>") for name in ("script", "style")}
#: The parser compares every attribute with every other one of its tag.
_LONG_TAG = re.compile(r"<([a-zA-Z][\w:-]{0,30})\s[^<>]{8192,}")
#: Headers pasted in from another file bring a </html> of their own; the parser would stop at it.
_EARLY_END = re.compile(r"</(?:[hH][tT][mM][lL]|[bB][oO][dD][yY])\s*>")
#: Characters XML cannot hold.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_REPAIRS = ((_CONTROLS, ""), (_INLINE_DATA, "data:,"), (_EARLY_END, ""), (_LONG_TAG, r"<\1"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What the finders read: the tree, its layout, the text of <title> and the metadata by lower-case name."""

    markup: str
    root: Any
    scripts: tuple[str, ...]
    layout: Layout
    title: str
    meta: dict[str, str]
    url: str

    @property
    def is_chinese(self) -> bool:
        """Whether Chinese characters make up more than a tenth of the text."""
        return self.layout.chinese_share() > 0.1


def refuse_binary(body: bytes) -> None:
    """Raise Rejected for what is no page: nothing, too much, or another kind of file."""
    if not body.strip(b"\x00 \t\r\n"):
        raise Rejected("the page is empty")
    if len(body) > MAX_BYTES:
        raise Rejected(f"the page has {len(body):,} bytes; the limit is {MAX_BYTES:,}")
    for magic, kind in _BINARY:
        if body.startswith(magic):
            raise Rejected(f"not a page but {kind}")
    head = body[:4096]
    if len(_BINARY_BYTES.findall(head)) * 20 > len(head):
        raise Rejected("not a page but binary data")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """The markup of a page without its code, its tree, and the scripts it had."""

    markup: str
    root: Any
    scripts: tuple[str, ...]


def parse(text: str) -> Parsed:
    """Parse a page; raises Rejected for what no tree can be made of or one beyond bounds."""
    markup, scripts = _part(text)
    for pattern, instead in _REPAIRS:
        markup = pattern.sub(instead, markup)
    if len(markup) > _MAX_CHARACTERS:
        raise Rejected(f"the page has {len(markup):,} characters; the limit is {_MAX_CHARACTERS:,}")
    if (tags := markup.count("<")) > _MAX_TAGS:
        raise Rejected(f"the page has {tags:,} tags; the limit is {_MAX_TAGS:,}")
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = html.document_fromstring(markup.encode(), parser=parser)
    except (etree.LxmlError, ValueError, AssertionError) as error:
        raise Rejected(f"no tree can be made of the page: {error}") from error
    if any("depth" in entry.message for entry in parser.error_log):
        raise Rejected("the page nests elements too deeply")
    return Parsed(markup=markup, root=root, scripts=scripts)


def _part(text: str) -> tuple[str, tuple[str, ...]]:
    """Markup and scripts apart. In one pass: a page of a million open tags takes no longer than another."""
    markup, scripts, position = [], [], 0
    while start := _CODE.search(text, position):
        name = start[1].lower()
        end = _CODE_END[name].search(text, start.end())
        if end is None:
            break
        markup.append(text[position : start.start()])
        if name == "script":
            scripts.append(text[start.end() : end.start()])
        position = end.end()
    markup.append(text[position:])
    return " ".join(markup), tuple(scripts)


def read_page(parsed: Parsed, url: str) -> Page:
    """Lay the page out and gather its metadata."""
    root = parsed.root
    title = root.find(".//title")
    meta: dict[str, str] = {}
    for element in root.iter("meta"):
        name = element.get("property") or element.get("name") or element.get("itemprop")
        content = (element.get("content") or "").strip()
        if name and content:
            meta.setdefault(name.strip().lower(), content)
    return Page(
        markup=parsed.markup,
        root=root,
        scripts=parsed.scripts,
        layout=read_layout(root),
        title=" ".join("".join(title.itertext()).split()) if title is not None else "",
        meta=meta,
        url=url,
    )
