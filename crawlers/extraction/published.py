"""When a page was published: metadata first, then the best of the times on the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from core.clock import SHANGHAI
from core.model import Precision
from crawlers.extraction.layout import Paragraph
from crawlers.extraction.page import Page
from crawlers.times import Moment, parse_time

_META = (
    "pubdate", "publishdate", "publish_time", "publishtime", "article:published_time", "og:release_date",
    "og:published_time", "weibo: article:create_at", "datepublished", "pub_date", "apub:time", "releasedate",
    "createdate", "publication_date", "_pubtime", "dc.date", "dc.date.issued", "dcterms.created", "og:time",
)  # fmt: skip
_LINKED_DATA = re.compile(r'"(?:datePublished|pubDate|uploadDate)"\s*:\s*"([^"]{6,40})"')
_DATE = re.compile(
    r"(?:19|20)\d\d\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}\s*日?\s*(?:[（(]?(?:星期|周).[)）]?)?\s*(?:[上下]午)?\s*"
    r"(?:\d{1,2}\s?[:：时点]\s?\d{2}(?:[:：分]\d{2})?)?"
)
_PUBLISH_LABEL = re.compile(r"发布|发表|来信|留言时间|提交|时间|日期|发帖")
_OTHER_LABEL = re.compile(r"更新|截至|截止|修改|打印|注册|登录|今天是|现在是")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    moment: Moment
    score: float


def find_published(page: Page, title: str, now: datetime) -> Moment | None:
    """The publish time with its precision; None when the page states none that can be trusted.

    1. Times in the metadata and on the page compete; a minute counts more than a day.
    2. A time near the headline, or behind a label, gains; one inside a long paragraph loses.
    3. A winner that knows only the day takes the minute from another time of that day.
    """
    candidates = [*_stated(page, now), *_visible(page, title, now)]
    if not candidates:
        return None
    best = max(candidates, key=lambda candidate: candidate.score).moment
    if best.precision is not Precision.DAY:
        return best
    exact = (c.moment for c in candidates if c.moment.precision is not Precision.DAY and _same_day(c.moment, best))
    return next(exact, best)


def _same_day(one: Moment, other: Moment) -> bool:
    return one.at.astimezone(SHANGHAI).date() == other.at.astimezone(SHANGHAI).date()


def _exactness(moment: Moment) -> float:
    return 0.0 if moment.precision is Precision.DAY else 2.0


def _stated(page: Page, now: datetime) -> Iterator[_Candidate]:
    texts = [page.meta[name] for name in _META if name in page.meta]
    for script in page.scripts:
        if "@context" in script:
            texts += _LINKED_DATA.findall(script)
    for text in texts:
        if moment := parse_time(text, now):
            yield _Candidate(moment=moment, score=3 + _exactness(moment))


def _visible(page: Page, title: str, now: datetime) -> Iterator[_Candidate]:
    headline = _headline_position(page, title)
    position = 0
    for paragraph in page.layout.paragraphs:
        for match in _DATE.finditer(paragraph.text):
            moment = parse_time(match[0], now)
            if moment:
                score = _score(paragraph, match, position + match.start(), headline)
                yield _Candidate(moment=moment, score=score + _exactness(moment))
        position += len(paragraph.text) + 1


def _headline_position(page: Page, title: str) -> int | None:
    key = title[:12]
    if len(key) < 4:
        return None
    position, found = 0, None
    for paragraph in page.layout.paragraphs:
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
    if len(paragraph.text) > 60:
        score -= 2.5
    if headline is not None:
        distance = position - headline
        score += 2.5 if 0 <= distance < 160 else 1 if -160 < distance < 0 else 0 if 0 <= distance < 1500 else -1
    return score
