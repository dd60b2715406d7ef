"""Packed sitemaps: read when they are of an honest size, refused before they have grown."""

from __future__ import annotations

import gzip

import pytest

from core.errors import Rejected
from crawlers.sitemaps import MAX_SIZE, read_sitemap

ONE = b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>https://example.invalid/1</loc></url></urlset>'


def test_a_packed_sitemap_is_read() -> None:
    found = read_sitemap(gzip.compress(ONE), "https://example.invalid/sitemap.xml.gz")

    assert [link.url for link in found.links] == ["https://example.invalid/1"]


def test_a_bomb_is_refused_with_its_limit() -> None:
    bomb = gzip.compress(b" " * (MAX_SIZE + 1))

    with pytest.raises(Rejected, match="超过"):
        read_sitemap(bomb, "https://example.invalid/sitemap.xml.gz")


def test_a_broken_package_is_named_as_such() -> None:
    with pytest.raises(Rejected, match="压缩包坏了"):
        read_sitemap(gzip.compress(ONE)[:10] + b"\xff\xff\xff\xff", "https://example.invalid/sitemap.xml.gz")
