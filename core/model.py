"""The values that cross borders between packages: frozen, keyword-only, times aware and in UTC.

Reading order is the way of a post: RawItem → Draft → Post → Tags → TaggedPost → Match → Finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from core.clock import aware


class Precision(StrEnum):
    """How exactly a publish time is known."""

    SECOND = "second"
    MINUTE = "minute"
    DAY = "day"
    #: The page gave no time; the moment we first saw the post stands in.
    SEEN = "seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawItem:
    """What came from outside, untouched: a page's bytes, or a mapping from an API, push or file."""

    source: str
    url: str
    fetched_at: datetime
    #: First time this (source, key) was ever taken in; fixes the post's id for good.
    first_seen_at: datetime
    content_type: str
    payload: bytes | Mapping[str, Any]
    #: The source's own id of the item; None when it has none.
    external_id: str | None = None
    #: Where it stood: file and line, or the page it was linked from.
    trace: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "fetched_at", aware(self.fetched_at))
        object.__setattr__(self, "first_seen_at", aware(self.first_seen_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Engagement:
    """Counts a page shows; None means not shown, which is not zero."""

    views: int | None = None
    comments: int | None = None
    shares: int | None = None
    likes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Fields extraction found in a raw item, still unmasked: never stored, never logged."""

    url: str
    title: str
    text: str
    author: str | None = None
    published_at: datetime | None = None
    precision: Precision = Precision.SEEN
    engagement: Engagement = field(default_factory=Engagement)
    external_id: str | None = None
    #: Anything else the source says in so many words (status of a ticket, reply of an office).
    extra: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.published_at is not None:
            object.__setattr__(self, "published_at", aware(self.published_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A cleaned and masked post."""

    id: str
    source: str
    #: Sort of place it stood: news, government, forum, board, hotline, microblog, wechat, video, app.
    kind: str
    url: str
    title: str
    text: str
    #: BCP 47, `zh-Hans`, `zh-Hant`, `en`, `und`.
    language: str
    #: Publish time, or first sight when `precision` is SEEN; the event time of rules.
    published_at: datetime
    precision: Precision
    first_seen_at: datetime
    #: Keyed hash; only ever compared, never resolved.
    author_hash: str
    #: `石**禾`: what a page may show.
    author_label: str
    engagement: Engagement
    content_hash: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "published_at", aware(self.published_at))
        object.__setattr__(self, "first_seen_at", aware(self.first_seen_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A label with its score 0–1 and the terms that decided it."""

    id: str
    score: float
    terms: tuple[str, ...] = ()


class Mood(StrEnum):
    """The three sentiment labels."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentiment:
    """Calibrated probabilities; they add up to 1."""

    label: Mood
    negative: float
    neutral: float
    positive: float

    @property
    def score(self) -> float:
        """Probability of the label itself."""
        return float(getattr(self, self.label.value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """What Caifeng understood; a pure function of the text and `model_version`."""

    #: The profile's topics, best first.
    topics: tuple[Score, ...]
    #: The learned head's seven government classes, best first; empty when it is no matter of government.
    class7: tuple[Score, ...]
    sentiment: Sentiment
    #: Paths `省/市/县/乡镇[/村]`, the place the post is about first. A query names any segment.
    regions: tuple[str, ...]
    institutions: tuple[str, ...]
    #: casualty, collective, rumor_suspect, minor_involved, call_for_help, media_central, media_provincial, policy_related.
    flags: tuple[str, ...]
    keywords: tuple[str, ...]
    #: 0–100.
    risk: int
    #: `危害标记 casualty +25`: one line per addend, in Chinese.
    risk_reasons: tuple[str, ...]
    #: False when the models doubt; pages say so.
    confident: bool
    model_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggedPost:
    """A post as it is matched, stored and shown."""

    post: Post
    tags: Tags
    #: Near-duplicates share a story; id of its first post.
    story: str | None = None
    #: Stories about one matter share an incident.
    incident: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A matter several stories are about."""

    id: str
    title: str
    first_seen_at: datetime
    last_seen_at: datetime
    #: Posts, sources.
    size: int
    sources: tuple[str, ...]
    #: Posts weighted by age (half-life 6 h) now, and the highest value it ever had.
    heat: float
    peak: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A rule's expression is true of a post."""

    rule: str
    post: str
    key: str
    event_time: datetime
    #: Position in the match log; ever rising.
    seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule says: this needs a person."""

    rule: str
    #: Value of the rule's key; empty when the rule has none.
    key: str
    at: datetime
    #: Why, in Chinese, with the counts.
    reason: str
    #: Ids of the posts behind it, newest first.
    evidence: tuple[str, ...]
    #: The counts as data.
    values: Mapping[str, Any] = field(default_factory=dict)
    incident: str | None = None
