"""What rules read of a post: its key, its event time, and the values its type compares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from core.clock import SHANGHAI
from core.model import Post, Precision, TaggedPost
from rules.schema import (
    BlacklistOptions,
    CardinalityOptions,
    ChangeOptions,
    MetricAggregationOptions,
    NewTermOptions,
    PercentageMatchOptions,
    PolicyOptions,
    Rule,
    SpikeOptions,
    WhitelistOptions,
)

#: Segments of a place's path that make a key: province/city/county/township, so that villages count together.
_KEY_DEPTH = 4

#: Name in a rule → the value of a post; lists are lists.
FIELDS: dict[str, Callable[[TaggedPost], Any]] = {
    "id": lambda post: post.post.id,
    "source": lambda post: post.post.source,
    "kind": lambda post: post.post.kind,
    "title": lambda post: post.post.title,
    "language": lambda post: post.post.language,
    "author": lambda post: post.post.author_hash,
    "views": lambda post: post.post.engagement.views,
    "comments": lambda post: post.post.engagement.comments,
    "shares": lambda post: post.post.engagement.shares,
    "likes": lambda post: post.post.engagement.likes,
    "topic": lambda post: [topic.id for topic in post.tags.topics],
    "sentiment": lambda post: post.tags.sentiment.label.value,
    "negative": lambda post: post.tags.sentiment.negative,
    "region": lambda post: list(post.tags.regions),
    "institution": lambda post: list(post.tags.institutions),
    "flag": lambda post: list(post.tags.flags),
    "keyword": lambda post: list(post.tags.keywords),
    "risk": lambda post: post.tags.risk,
    "story": lambda post: post.story,
    "incident": lambda post: post.incident,
}


def event_time(post: Post) -> datetime:
    """When it was published as far as known, never after we saw it; a post dated by day counts as late as it can be."""
    published = post.published_at
    if post.precision is Precision.DAY:
        local = published.astimezone(SHANGHAI)
        published = local.replace(hour=23, minute=59, second=59, microsecond=0)
    return min(published, post.first_seen_at)


def key_of(rule: Rule, post: TaggedPost) -> str:
    """The post's value of the rule's key: best topic, first place; several fields joined by a comma."""
    return ", ".join(_key_value(name, post) for name in rule.key_fields)


def _key_value(name: str, post: TaggedPost) -> str:
    value = FIELDS[name](post)
    if isinstance(value, list):
        value = value[0] if value else ""
    if name == "region":
        return "/".join(str(value).split("/")[:_KEY_DEPTH])
    return "" if value is None else str(value)


def fields_of(rule: Rule, post: TaggedPost) -> Mapping[str, Any] | None:
    """The values the rule's type reads; None for a type that only counts."""
    wanted = names(rule)
    return {name: FIELDS[name](post) for name in wanted} if wanted else None


def names(rule: Rule) -> tuple[str, ...]:
    """Names of the fields a type compares, sums or remembers."""
    match rule.options:
        case BlacklistOptions(compare_key=name) | WhitelistOptions(compare_key=name):
            return (name,)
        case CardinalityOptions(cardinality_field=name):
            return (name,)
        case SpikeOptions(field_value=str(name)):
            return (name,)
        case ChangeOptions(compare_key=compared):
            return tuple(compared)
        case NewTermOptions(fields=fields):
            return tuple(name for field in fields for name in ([field] if isinstance(field, str) else field))
        case MetricAggregationOptions(metric=metric):
            return (metric.field,)
        case PolicyOptions():
            return ("sentiment", "title")
        case PercentageMatchOptions(match=dict(match)):
            return tuple(match)
        case _:
            return ()


def unknown_fields(rule: Rule) -> list[str]:
    """Names a live rule uses that no post has."""
    return [name for name in (*rule.key_fields, *names(rule)) if name not in FIELDS]


def is_listed(value: Any, wanted: Any) -> bool:
    """Whether a field's value, or an element of it, is the wanted value or one of the wanted list."""
    have = value if isinstance(value, list) else [value]
    return any(item in (wanted if isinstance(wanted, list) else [wanted]) for item in have)
