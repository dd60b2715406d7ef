"""What the inside asks of the outside. Adapters do not inherit; the contract suites prove them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from core.model import RawItem, TaggedPost
from core.query import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRow:
    """A raw item under a worker's lease."""

    id: int
    item: RawItem
    attempts: int


class Inbox(Protocol):
    """The durable door between collecting and understanding."""

    def put(self, items: Sequence[RawItem], now: datetime) -> int:
        """Take in items once each (by source and key); return how many were new. Joins the caller's transaction."""

    def claim(self, limit: int, owner: str, now: datetime) -> list[InboxRow]:
        """Lease the oldest rows that nobody holds."""

    def finish(self, ids: Sequence[int], now: datetime) -> None:
        """Mark rows done; in the transaction that holds their results."""

    def reject(self, row: InboxRow, reason: str, now: datetime) -> None:
        """Put a row aside with its reason; it is never lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a search, newest first; `after` is the key of the next one, None at the end."""

    posts: tuple[TaggedPost, ...]
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """One bar of a histogram: start of the hour or day, facet value (empty without facet), count."""

    start: datetime
    value: str
    count: int


class PostWriter(Protocol):
    """The writing half of the post store."""

    def upsert(self, posts: Sequence[TaggedPost]) -> int:
        """Write by id; return how many were new. Writing the same again changes nothing but engagement."""

    def expire(self, before: datetime) -> int:
        """Drop posts published before; return how many."""


class PostReader(Protocol):
    """The reading half of the post store. `Node` comes from `storage.query.parse`."""

    def get(self, ids: Sequence[str]) -> list[TaggedPost]:
        """Posts by id, in the order asked; unknown ids are left out."""

    def search(self, query: Node, *, limit: int = 20, after: str | None = None) -> Page:
        """Newest first, by (published_at, id) descending."""

    def scan(self, query: Node) -> Iterator[TaggedPost]:
        """Every match of one snapshot, oldest first; for exports and replay."""

    def count(self, query: Node) -> int:
        """Exact number of matches."""


class PostStatistics(Protocol):
    """Counts over the post store."""

    def histogram(
        self, query: Node, *, start: datetime, end: datetime, step: timedelta, facet: str | None = None
    ) -> list[Bucket]:
        """Posts per hour or day (Asia/Shanghai) in [start, end), by facet when given; empty buckets left out."""

    def terms(self, query: Node, facet: str, *, limit: int = 20) -> list[tuple[str, int]]:
        """Most frequent values of topic, sentiment, region, source, kind, flag, incident or keyword."""

    def similar(self, post_id: str, *, limit: int = 20) -> list[TaggedPost]:
        """Other posts of the same story, newest first."""


class PostStore(PostWriter, PostReader, PostStatistics, Protocol):
    """All of it, as bootstrap hands it out."""

    def maintain(self) -> None:
        """Work for quiet hours: merge, shorten logs, send what waits."""

    def close(self) -> None:
        """Let go of connections and files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A notification as a channel gets it; already due, already decided."""

    #: Stable over retries; the receiver may drop repeats by it.
    id: str
    recipient: str
    title: str
    #: Plain text; channels escape and cut it to their own limits.
    text: str
    #: Level id, alert number, url, buttons, thread: what richer channels show.
    data: Mapping[str, Any] = field(default_factory=dict)


class Notifier(Protocol):
    """A channel."""

    def send(self, message: Message) -> str:
        """Deliver and return the provider's id. Raises Retry (later) or Permanent (tell a person)."""
