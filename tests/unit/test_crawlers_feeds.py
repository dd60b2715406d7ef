from __future__ import annotations

import json

import pytest

from core.errors import Rejected
from crawlers.feeds import read_feed, read_json

RSS = """<?xml version="1.0" encoding="{encoding}"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>县政府网</title>
<item><title>停水通知</title><link>/n/1</link><guid>n1</guid><pubDate>2026-11-20 08:30:00</pubDate><dc:creator>水务局</dc:creator>
<description>摘要</description><content:encoded><![CDATA[<p>全文</p>]]></content:encoded></item></channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>tag:1</id><title>停水通知</title>
<link rel="edit" href="/e"/><link rel="alternate" href="/n/1"/><published>2026-11-20T08:30:00+08:00</published>
<author><name>水务局</name></author><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>全文</p></div></content></entry></feed>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<item><title>停水通知</title><link>/n/1</link><dc:date>2026-11-20</dc:date></item></rdf:RDF>"""


@pytest.mark.parametrize("encoding", ["utf-8", "gb2312"])
def test_rss_gives_the_fullest_text_and_the_time_as_written(encoding: str) -> None:
    (entry,) = read_feed(RSS.format(encoding=encoding).encode(encoding))

    assert entry == {
        "id": "n1", "title": "停水通知", "url": "/n/1", "published": "2026-11-20 08:30:00", "author": "水务局", "text": "<p>全文</p>"
    }  # fmt: skip


def test_atom_takes_the_alternate_link_and_the_author_by_name() -> None:
    (entry,) = read_feed(ATOM.encode())

    assert (entry["url"], entry["author"], entry["published"]) == ("/n/1", "水务局", "2026-11-20T08:30:00+08:00")
    assert "全文" in entry["text"]


def test_rdf_is_read_too() -> None:
    assert read_feed(RDF.encode())[0]["published"] == "2026-11-20"


def test_json_feed_is_read_too() -> None:
    body = json.dumps(
        {"version": "https://jsonfeed.org/version/1.1", "items": [{"id": 5, "url": "/5", "content_text": "好"}]}
    )

    assert read_feed(body.encode()) == ({"id": "5", "url": "/5", "text": "好"},)


def test_an_unescaped_ampersand_loses_no_entry() -> None:
    items = "".join(f"<item><title>第{n}条 A&B</title><link>/n/{n}</link></item>" for n in range(50))

    entries = read_feed(f'<rss version="2.0"><channel>{items}</channel></rss>'.encode())

    assert len(entries) == 50


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>\xe7\xb3\xbb\xe7\xbb\x9f\xe7\xbb\xb4\xe6\x8a\xa4\xe4\xb8\xad</body></html>",
        b"",
        b"{}",
        b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><rss><channel>&b;</channel></rss>',
        b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><item><title>&x;</title></item></rss>',
        '<!DOCTYPE r [<!ENTITY x "y">]><rss/>'.encode("utf-16"),
        b'{"items": ' + b"[" * 200_000,
    ],
    ids=["maintenance page", "empty", "no items", "billion laughs", "file reader", "utf-16 entity", "deep json"],
)
def test_what_is_no_feed_or_wants_to_expand_is_refused(body: bytes) -> None:
    with pytest.raises(Rejected):
        read_feed(body)


def test_deep_json_is_refused_before_it_hurts() -> None:
    with pytest.raises(Rejected, match="嵌套"):
        read_json(b"[" * 1_000_000)
