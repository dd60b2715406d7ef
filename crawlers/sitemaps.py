"""Sitemaps: pages with the time they changed, and the sitemaps an index names. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree

from core.errors import Rejected
from crawlers.feeds import refuse_entities
from crawlers.markup import absolute
from crawlers.pages import Link

#: Entries of one sitemap, as its norm (sitemaps.org) fixes them.
MAX_ENTRIES = 50_000
#: Bytes unpacked; the norm allows 50 MB, a tree of that takes ten times as much.
MAX_SIZE = 8 * 1024 * 1024
_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitemap:
    """One sitemap: newest pages first, and further sitemaps."""

    links: tuple[Link, ...]
    sitemaps: tuple[str, ...]


def read_sitemap(body: bytes, url: str) -> Sitemap:
    """Read a sitemap or a sitemap index. Raises Rejected when it is neither or too large."""
    body = _unpacked(body)
    refuse_entities(body)
    try:
        root = etree.fromstring(body, parser=etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Rejected(f"站点地图不是完整的 XML：{error}") from error
    kind = etree.QName(root).localname
    if kind not in ("urlset", "sitemapindex"):
        raise Rejected(f"不是站点地图：根元素是 <{kind}>")
    if len(root) > MAX_ENTRIES:
        raise Rejected(f"站点地图有 {len(root):,} 条，最多 {MAX_ENTRIES:,} 条")
    found = [link for child in root if isinstance(child.tag, str) and (link := _link(child, url))]
    if kind == "sitemapindex":
        newest = sorted(found, key=lambda link: link.published, reverse=True)
        return Sitemap(links=(), sitemaps=tuple(link.url for link in newest))
    return Sitemap(links=tuple(sorted(found, key=lambda link: link.published, reverse=True)), sitemaps=())


def _unpacked(body: bytes) -> bytes:
    """Sitemaps are often kept as .gz files; a bomb is measured piece by piece and refused before any of it is kept."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        if sum(map(len, _pieces(body))) > MAX_SIZE:
            raise Rejected(f"站点地图解开后超过 {MAX_SIZE:,} 字节")
        return b"".join(_pieces(body))
    except zlib.error as error:
        raise Rejected(f"站点地图的压缩包坏了：{error}") from error


def _pieces(packed: bytes) -> Iterator[bytes]:
    """What a gzip file holds, at most one piece more than is allowed."""
    unpack, size = zlib.decompressobj(wbits=31), 0
    while packed and size <= MAX_SIZE:
        piece = unpack.decompress(packed, _PIECE)
        packed, size = unpack.unconsumed_tail, size + len(piece)
        yield piece


def _link(element: Any, base: str) -> Link | None:
    """`lastmod` in ISO 8601 sorts as text; Google's news extension has title and publication date."""
    by_name = {
        etree.QName(one).localname: (one.text or "").strip() for one in element.iter() if isinstance(one.tag, str)
    }
    url = absolute(by_name.get("loc", ""), base)
    if url is None:
        return None
    published = by_name.get("publication_date", "")
    modified = by_name.get("lastmod", "")
    return Link(url=url, title=by_name.get("title", ""), published=published or modified, mark=modified[:32])
