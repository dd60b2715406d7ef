"""When a page was published: what it states for machines and what it shows compete."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from core.clock import SHANGHAI
from core.model import Precision
from crawlers.extraction.layout import Layout, Paragraph
from crawlers.extraction.page import Page
from crawlers.times import Moment, parse_time

#: Names that mean publishing, and names that often mean it.
_META_PUBLISHED = (
    "pubdate", "publishdate", "publish_time", "publishtime", "publishedtime", "firstpublishedtime", "published_time",
    "article:published_time", "og:published_time", "og:pubdate", "datepublished", "pub_date", "apub:time", "_pubtime",
    "publication_date", "parsely-pub-date", "weibo: article:create_at", "weibo:article:create_at",
)  # fmt: skip
_META_OFTEN = (
    "og:release_date",
    "releasedate",
    "release_date",
    "createdate",
    "dc.date",
    "dc.date.issued",
    "dcterms.created",
    "date",
)
_SCRIPTED = re.compile(
    r"(?:datePublished|pubDate|publish_?[tT]ime|publishDate|pub_?[tT]ime|create_?[tT]ime|var ct)[\"']?\s?[:=]\s?"
    r"[\"']([^\"'<>]{6,40})[\"']"
)
#: What a script with such a time contains; asked first because most scripts are long and have none.
_SCRIPT_SIGNS = ("ublish", "ubDate", "pub_", "pubTime", "pubtime", "reateTime", "create_", "var ct")
_LONGEST_SCRIPT = 300_000
_DATE = re.compile(r"(?<!\d)(?:19|20)\d\d\s?[-/.年]\s?\d{1,2}\s?[-/.月]\s?\d{1,2}(?![\d.]*\d[.-])")
#: A date with its weekday, clock and zone is no longer.
_REACH = 40
_CLOCK_LINE = re.compile(r"^\d{1,2}[:：]\d{2}")
_IN_URL = re.compile(r"(?<!\d)((?:19|20)\d\d)[-/_]?([01]\d)[-/_]?([0-3]\d)(?!\d{3})")
_PUBLISH_LABEL = re.compile(r"发布|发表|来信|留言时间|提交|时间|日期|发帖|刊发|来源")
_OTHER_LABEL = re.compile(r"更新|截至|截止|修改|打印|注册|登录|今天是|现在是|回复于|回复时间|上次|有效期|办结|答复")
_LABELLED = re.compile(r"(?:发布|发表|发帖|来信|留言|提交|写信)(?:时间|日期|于|在)?\s?[:：]?\s?(.{2,40})")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    moment: Moment
    score: float


def find_published(page: Page, title: str, now: datetime) -> Moment | None:
    """The publish time with its precision; None when the page states none that can be trusted.

    1. Times for machines and times on the page compete; a minute counts more than a day.
    2. A time near the headline, behind a label, or of the day in the address gains; one in running
       text or in a list of links loses.
    3. A winner that knows only the day takes the minute from another time of that day.
    4. Without any, a label may stand before a short or relative time; then the address tells the day.
    """
    addressed = _day_of_address(page, now)
    candidates = [*_stated(page, now), *_visible(page, title, now)]
    if not candidates:
        return _labelled(page.layout, now) or addressed
    day = _day(addressed) if addressed else None
    best = max(candidates, key=lambda each: each.score + (2 if _day(each.moment) == day else 0)).moment
    if best.precision is not Precision.DAY:
        return best
    exact = (each.moment for each in candidates if each.moment.precision is not Precision.DAY)
    return next((moment for moment in exact if _day(moment) == _day(best)), best)


def _day(moment: Moment) -> date:
    return moment.at.astimezone(SHANGHAI).date()


def _exactness(moment: Moment) -> float:
    return 0.0 if moment.precision is Precision.DAY else 2.0


def _stated(page: Page, now: datetime) -> Iterator[_Candidate]:
    for name in (*_META_PUBLISHED, *_META_OFTEN):
        if name in page.meta and (moment := parse_time(page.meta[name], now)):
            # What a page shows behind its headline is still the better minute: metadata may tell of a second edition.
            score = 4 + _exactness(moment) / 2 if name in _META_PUBLISHED else 2.5 + _exactness(moment)
            yield _Candidate(moment=moment, score=score)
    for element in page.root.iter("time"):
        if (stamp := element.get("datetime")) and (moment := parse_time(stamp, now)):
            yield _Candidate(moment=moment, score=1 + _exactness(moment))
    for script in page.scripts:
        if not any(sign in script for sign in _SCRIPT_SIGNS):
            continue
        linked = "@context" in script[:2000]
        for match in _SCRIPTED.finditer(script[:_LONGEST_SCRIPT]):
            if moment := parse_time(match[1], now):
                yield _Candidate(moment=moment, score=(3 if linked else 0.5) + _exactness(moment))


def _visible(page: Page, title: str, now: datetime) -> Iterator[_Candidate]:
    headline = _headline_position(page.layout, title)
    position = 0
    for index, paragraph in enumerate(page.layout.paragraphs):
        for match in _DATE.finditer(paragraph.text):
            written = paragraph.text[match.start() : match.start() + _REACH]
            if match.end() == len(paragraph.text):
                written += _clock_below(page.layout, index)
            if moment := parse_time(written, now):
                score = _score(paragraph, match, position + match.start(), headline)
                yield _Candidate(moment=moment, score=score + _exactness(moment))
        position += len(paragraph.text) + 1


def _clock_below(layout: Layout, index: int) -> str:
    """The next paragraph when it is nothing but a clock."""
    below = layout.paragraphs[index + 1].text if index + 1 < len(layout.paragraphs) else ""
    return f" {below}" if len(below) <= 8 and _CLOCK_LINE.match(below) else ""


def _headline_position(layout: Layout, title: str) -> int | None:
    key = title[:12]
    if len(key) < 4:
        return None
    position, found = 0, None
    for paragraph in layout.paragraphs:
        if key in paragraph.text:
            if paragraph.box.tag in {"h1", "h2"}:
                return position
            found = position if found is None else found
        position += len(paragraph.text) + 1
    return found


def _score(paragraph: Paragraph, match: re.Match[str], position: int, headline: int | None) -> float:
    before = paragraph.text[max(0, match.start() - 14) : match.start()]
    score = 1.0 - position * 0.00002
    if _PUBLISH_LABEL.search(before):
        score += 2
    if _OTHER_LABEL.search(before):
        score -= 3
    if len(paragraph.text) > 150 or (len(paragraph.text) > 60 and "。" in paragraph.text):
        score -= 2.5
    if paragraph.linked * 2 > paragraph.length or (paragraph.linked and paragraph.box.tag == "li"):
        score -= 1.5
    if headline is not None:
        distance = position - headline
        score += 2.5 if 0 <= distance < 160 else 1 if -160 < distance < 0 else 0 if 0 <= distance < 1500 else -1
    return score


def _labelled(layout: Layout, now: datetime) -> Moment | None:
    for paragraph in layout.paragraphs:
        match = _LABELLED.search(paragraph.text) if paragraph.length <= _REACH * 3 else None
        if match and (moment := parse_time(match[1], now)):
            return moment
    return None


def _day_of_address(page: Page, now: datetime) -> Moment | None:
    """The day in the page's own address, or in the one it gives for itself."""
    canonical = page.root.find(".//link[@rel='canonical']")
    for address in (page.url, canonical.get("href") if canonical is not None else "", page.meta.get("og:url")):
        for year, month, day in _IN_URL.findall((address or "").partition("://")[2]):
            if moment := parse_time(f"{year}-{month}-{day}", now):
                return moment
    return None
