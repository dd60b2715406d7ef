"""Records from files, pushes and interfaces: which of their fields is which of ours. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import jmespath

from crawlers.sources import Paths, Source

#: Our field → the names exports and interfaces use for it, in order of trust. Compared by `_plain_name`.
NAMES: dict[str, tuple[str, ...]] = {
    "id": (
        "id", "external_id", "guid", "uuid", "编号", "留言编号", "工单编号", "工单号", "诉求编号", "信件编号", "受理编号",
        "帖子id", "流水号", "序号",
    ),
    "url": ("url", "link", "href", "链接", "网址", "原文链接", "地址链接", "mobileurl"),
    "title": (
        "title", "subject", "headline", "标题", "主题", "留言主题", "留言标题", "诉求标题", "工单标题", "信件标题", "来信标题",
        "事由",
    ),
    "text": (
        "text", "content", "body", "description", "message", "summary", "留言详情", "留言内容", "内容", "正文", "诉求内容",
        "诉求详情", "来信内容", "信件内容", "工单内容", "问题描述", "详情", "全文", "摘要",
    ),
    "author": (
        "author", "user", "username", "nickname", "作者", "留言用户", "用户", "用户名", "昵称", "网友", "留言人", "来信人",
        "诉求人", "来电人", "发布人",
    ),
    "published_at": (
        "published_at", "published", "pubdate", "publish_time", "created_at", "create_time", "date", "time", "timestamp",
        "留言时间", "发布时间", "发表时间", "来信时间", "来电时间", "受理时间", "诉求时间", "提交时间", "登记时间", "创建时间",
        "时间", "日期",
    ),
    "views": ("views", "view_count", "reads", "hits", "阅读数", "浏览数", "浏览量", "阅读量", "点击数", "点击量"),
    "comments": ("comments", "comment_count", "replies", "评论数", "回复数", "跟帖数"),
    "shares": ("shares", "share_count", "reposts", "转发数", "分享数"),
    "likes": ("likes", "like_count", "attitudes", "点赞数", "赞", "支持数"),
    "reply": ("reply", "answer", "答复意见", "答复内容", "回复内容", "答复", "回复", "办理结果", "处理结果"),
    "replied_at": ("replied_at", "reply_time", "answered_at", "答复时间", "回复时间", "办结时间"),
    "replied_by": ("replied_by", "reply_unit", "答复单位", "回复单位", "承办单位", "办理单位", "责任单位"),
    "status": ("status", "state", "状态", "办理状态", "处理状态", "工单状态"),
    "category": ("category", "诉求类型", "诉求分类", "留言类型", "类别", "分类"),
    "place": ("place", "address", "事发地点", "诉求地址", "所属区域", "所在地区", "地点"),
}  # fmt: skip

_FIELD_OF_NAME = {name: (field, rank) for field, names in NAMES.items() for rank, name in enumerate(names)}
COUNTS = ("views", "comments", "shares", "likes")
#: Facts that go into a draft's `extra`. A list of what may pass: exports also hold phone numbers and addresses.
FACTS = ("reply", "replied_at", "replied_by", "status", "category", "place")


def fields(record: Mapping[str, Any], source: Source) -> dict[str, str]:
    """Our fields as far as the record has them, as text.

    1. What the source's `columns` or `paths` name, they find.
    2. The rest is found by its usual English or Chinese name; of two the more trusted one counts.
    """
    found = _by_name(record)
    for field, theirs in source.columns.items():
        found[field] = _as_text(record.get(theirs))
    for field, expression in _named_paths(source.paths).items():
        found[field] = _as_text(jmespath.search(expression, record))
    return {field: value for field, value in found.items() if value}


def count(value: str | None) -> int | None:
    """`1,234`, `1.2万`, `阅读 56`; None when there is no number."""
    match = re.search(r"(\d[\d,]*(?:\.\d+)?)\s*([万亿wk]?)", unicodedata.normalize("NFKC", value or ""), re.IGNORECASE)
    if match is None:
        return None
    scale = {"万": 10_000, "w": 10_000, "亿": 100_000_000, "k": 1_000}.get(match[2].lower(), 1)
    return round(float(match[1].replace(",", "")) * scale)


def _by_name(record: Mapping[str, Any]) -> dict[str, str]:
    best: dict[str, tuple[int, str]] = {}
    for name, value in record.items():
        field, rank = _FIELD_OF_NAME.get(_plain_name(name), ("", 0))
        text = _as_text(value)
        if field and text and (field not in best or rank < best[field][0]):
            best[field] = (rank, text)
    return {field: text for field, (_, text) in best.items()}


def _named_paths(paths: Paths) -> dict[str, str]:
    own = {name: getattr(paths, name) for name in Paths.model_fields if name not in ("items", "cursor", "extra")}
    return {name: path for name, path in {**own, **paths.extra}.items() if path}


def _plain_name(name: object) -> str:
    return re.sub(r"[\s\ufeff]+|[（(].*?[)）]", "", unicodedata.normalize("NFKC", str(name))).casefold()


def _as_text(value: Any) -> str:
    if value is None or isinstance(value, bool | Mapping):
        return ""
    if isinstance(value, list | tuple):
        return " ".join(filter(None, map(_as_text, value)))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()
