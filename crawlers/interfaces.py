"""JSON answers: records of an interface by JMESPath, and hot lists as newsnow gives them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import jmespath
from jmespath.exceptions import JMESPathError

from core.errors import Rejected
from crawlers.feeds import read_json
from crawlers.sources import Source, origin_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Records of one answer and where the next page begins."""

    records: tuple[Mapping[str, Any], ...]
    cursor: str = ""
    #: Records that were left out, with the reason in Chinese.
    dropped: tuple[str, ...] = ()
    #: When the aggregator says it last asked the platform; None when it does not say.
    updated_at: datetime | None = None
    #: The aggregator itself says that this is an old copy.
    stale: bool = False


def read_api(body: bytes, source: Source) -> Answer:
    """Records at `paths.items`. Raises Rejected when there is no list."""
    answer = read_json(body)
    try:
        found = jmespath.search(source.paths.items, answer)
        cursor = jmespath.search(source.paths.cursor, answer) if source.paths.cursor else None
    except JMESPathError as error:
        raise Rejected(f"按 {source.paths.items} 取不到记录：{error}") from error
    if not isinstance(found, list):
        raise Rejected(f"按 {source.paths.items} 取到的不是列表，接口可能变了")
    records = tuple(record for record in found if isinstance(record, dict))
    return Answer(records=records, cursor="" if cursor is None else str(cursor))


def page_url(url: str, *, cursor: str, page: int) -> str:
    """The address of one page of an interface."""
    return url.replace("{cursor}", quote(cursor, safe="")).replace("{page}", str(page))


#: What is kept of a hot list's entry; rank and heat change by the minute and are no news.
_KEPT = ("id", "title", "url", "mobileUrl", "pubDate")


def read_hotlist(body: bytes, source: Source) -> Answer:
    """Entries of a hot list. Links that leave the platform's own domains are dropped with a reason.

    newsnow answers 200 `cache` with old entries when the platform fails, and `success` within its own
    interval: an answer is judged by its entries, never by its status.
    """
    answer = read_json(body)
    if not isinstance(answer, dict):
        raise Rejected("热榜应答应是一个 JSON 对象")
    items = answer.get("items", answer.get("data"))
    if not isinstance(items, list):
        raise Rejected("热榜应答里没有 items")
    records: list[Mapping[str, Any]] = []
    dropped: list[str] = []
    for item in items:
        if not isinstance(item, dict) or not str(item.get("title") or "").strip():
            dropped.append("一条没有标题")
        elif reason := _foreign(str(item.get("url") or ""), source):
            dropped.append(reason)
        else:
            records.append({name: item[name] for name in _KEPT if item.get(name)})
    return Answer(
        records=tuple(records),
        dropped=tuple(dropped),
        updated_at=_moment(answer.get("updatedTime")),
        stale=answer.get("status") == "cache",
    )


def _foreign(url: str, source: Source) -> str:
    """Why a link is not believed; empty when it is. `https://weibo.com@evil.cn` names evil.cn."""
    if not url:
        return ""
    origin = origin_of(url)
    if origin is None:
        return f"链接不是网址：{url[:80]}"
    if source.allowed_domains and not any(
        origin[0] == d or origin[0].endswith(f".{d}") for d in source.allowed_domains
    ):
        return f"链接不在平台的域名下：{origin[0]}"
    return ""


def _moment(value: object) -> datetime | None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 1e12 < value < 4e12:
        return None
    return datetime.fromtimestamp(value / 1000, UTC)
