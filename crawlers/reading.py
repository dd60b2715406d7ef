"""From a raw item to drafts: the fields a source's pages and records state. Pure; runs in the work role.

The crawler wraps what it cuts out of larger documents in a mapping with a `form`:

| form  | of                | holds                                             |
|-------|-------------------|---------------------------------------------------|
| page  | list, feed, board | html, and what the index said: title, published    |
| post  | forum             | html of one contribution, title of its thread      |
| entry | feed              | the entry's own texts                              |

Bytes are a page as fetched; any other mapping is a record of an api, hotlist, push or file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from parsel.csstranslator import HTMLTranslator

from core.errors import Rejected
from core.model import Draft, Engagement, Precision, RawItem
from crawlers.extraction import Selectors, article, decode
from crawlers.markup import plain_text
from crawlers.pages import fields_of, login_wall
from crawlers.records import COUNTS, FACTS, count, fields
from crawlers.sources import FETCHED, Source, is_xpath
from crawlers.times import Moment, parse_time

#: Key of a mapping that says which form it has; only what we fetched ourselves is asked for it.
FORM = "_form"


def drafts(raw: RawItem, source: Source, now: datetime) -> list[Draft]:
    """The posts a raw item holds. Raises Rejected with a reason in Chinese when it holds none."""
    payload = raw.payload
    if isinstance(payload, bytes):
        return [_page(raw, payload, {}, source, now)]
    form = payload.get(FORM) if source.kind in FETCHED else None
    match form:
        case "page":
            return [_page(raw, str(payload["html"]).encode(), payload, source, now)]
        case "post":
            return [_contribution(raw, payload, source, now)]
        case "entry":
            return [_entry(raw, payload, now)]
    return [_record(raw, payload, source, now)]


def _page(raw: RawItem, body: bytes, hints: Mapping[str, object], source: Source, now: datetime) -> Draft:
    """An article, or a message with its reply; the index fills what the page does not say."""
    content_type = "text/html; charset=utf-8" if hints else raw.content_type
    if source.encoding and not hints:
        body, content_type = body.decode(source.encoding, "replace").encode(), "text/html; charset=utf-8"
    found = article(body, url=raw.url, content_type=content_type, now=now, selectors=_for_extraction(source))
    text = decode(body, content_type).text
    if reason := login_wall(text, url=raw.url, asked=raw.url):
        raise Rejected(reason)
    stated = fields_of(text, source)
    title = found.title or str(hints.get("title", ""))
    _need_content(title, found.text)
    moment = found.published or parse_time(str(hints.get("published", "")), now)
    return _timed(
        Draft(
            url=raw.url,
            title=title,
            text=found.text or title,
            author=found.author or str(hints.get("author", "")) or None,
            engagement=_engagement(stated),
            external_id=raw.external_id,
            extra=_facts(stated, now),
        ),
        moment,
    )


def _for_extraction(source: Source) -> Selectors | None:
    places = source.selectors
    if not (places.title or places.text or places.time or places.author or places.remove):
        return None
    return Selectors(
        title=_xpath(places.title),
        text=_xpath(places.text),
        published=_xpath(places.time),
        author=_xpath(places.author),
        remove=tuple(_xpath(place) for place in places.remove),
    )


def _xpath(place: str | None) -> str:
    """Extraction knows CSS without `::text` and `::attr()`; as XPath it knows everything."""
    if place is None or is_xpath(place):
        return place or ""
    return f"({HTMLTranslator().css_to_xpath(place)})"


def _contribution(raw: RawItem, payload: Mapping[str, object], source: Source, now: datetime) -> Draft:
    html = str(payload["html"])
    stated = fields_of(html, source)
    text = stated.get("text") or plain_text(html)
    title = stated.get("title") or str(payload.get("title", ""))
    _need_content("", text)
    draft = Draft(
        url=raw.url,
        title=title,
        text=text,
        author=stated.get("author"),
        engagement=_engagement(stated),
        external_id=raw.external_id,
        extra=_facts(stated, now),
    )
    return _timed(draft, parse_time(stated.get("time", ""), now))


def _entry(raw: RawItem, payload: Mapping[str, object], now: datetime) -> Draft:
    title = plain_text(str(payload.get("title", "")))
    text = plain_text(str(payload.get("text", "")))
    _need_content(title, text)
    author = plain_text(str(payload.get("author", "")))
    draft = Draft(url=raw.url, title=title, text=text or title, author=author or None, external_id=raw.external_id)
    return _timed(draft, parse_time(str(payload.get("published", "")), now))


def _record(raw: RawItem, record: Mapping[str, object], source: Source, now: datetime) -> Draft:
    found = fields(record, source)
    title, text = plain_text(found.get("title", "")), plain_text(found.get("text", ""))
    _need_content(title, text)
    draft = Draft(
        url=raw.url or found.get("url", ""),
        title=title,
        text=text or title,
        author=found.get("author"),
        engagement=_engagement(found),
        external_id=raw.external_id or found.get("id"),
        extra=_facts(found, now),
    )
    return _timed(draft, parse_time(found.get("published_at", ""), now))


def _need_content(title: str, text: str) -> None:
    if not title.strip() and not text.strip():
        raise Rejected("没有标题也没有正文")


def _timed(draft: Draft, moment: Moment | None) -> Draft:
    if moment is None:
        return replace(draft, published_at=None, precision=Precision.SEEN)
    return replace(draft, published_at=moment.at, precision=moment.precision)


def _engagement(stated: Mapping[str, str]) -> Engagement:
    return Engagement(**{name: count(stated.get(name)) for name in COUNTS})


def _facts(stated: Mapping[str, str], now: datetime) -> dict[str, str]:
    """Facts that may pass; `replied_at` in ISO 8601 when it can be read."""
    facts = {name: plain_text(stated[name]) for name in FACTS if stated.get(name)}
    replied = parse_time(facts.get("replied_at", ""), now)
    if replied is not None:
        facts["replied_at"] = replied.at.isoformat()
    return facts
