"""A post as rows: its key, its tokens, and what it adds to the counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from core.model import TaggedPost
from storage.codec import encode
from storage.grams import index_tokens, whole_token
from storage.moments import HOUR, microseconds
from storage.query import fields

SEQUENCE_BITS = 19
#: Slots of time per hour.
SLOTS = 6

#: Facets counted per hour; few values each.
HOURLY = ("", "sentiment", "topic", "source", "kind", "region", "flag")
#: Facets counted per day of Shanghai; many values.
DAILY = ("keyword", "institution", "incident")

#: Facet token that every post has.
ALL = "\x03"


def slot(at: int) -> int:
    """Number of the slot that microseconds since 1970 lie in."""
    return at // (HOUR // SLOTS)


def first_key(at: int) -> int:
    """Lowest key of the slot that `at` lies in."""
    return slot(at) << SEQUENCE_BITS


def last_key(at: int) -> int:
    """Highest key of the slot that `at` lies in."""
    return ((slot(at) + 1) << SEQUENCE_BITS) - 1


def hour(at: int) -> int:
    """Hour since 1970; the same hours in Shanghai."""
    return at // HOUR


def day(at: int) -> int:
    """Day since 1970 by Shanghai's midnights."""
    return (hour(at) + 8) // 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one post is in the tables, apart from its key."""

    post: TaggedPost
    at: int
    record: str

    @classmethod
    def of(cls, post: TaggedPost) -> Row:
        """Prepare a post."""
        return cls(post=post, at=microseconds(post.post.published_at), record=encode(post).decode())

    def columns(self) -> tuple[object, ...]:
        """Columns of `post` after the key."""
        tags = self.post.tags
        topics = [topic.id for topic in tags.topics]
        lists = [json.dumps(sorted(set(values)), ensure_ascii=False) for values in (topics, tags.regions, tags.flags)]
        post = self.post.post
        return (post.id, self.at, tags.risk, post.source, post.kind, tags.sentiment.label.value, *lists)

    def tokens(self) -> tuple[str, str, str]:
        """Columns of `gram`: whole, title, facet."""
        return index_tokens(fields.body(self.post)), index_tokens(fields.title(self.post)), self._facets()

    def _facets(self) -> str:
        named = (facet_token(name, value) for name in fields.FIELDS for value in sorted(fields.values(self.post, name)))
        return " ".join([ALL, *named])

    def counts(self) -> Iterator[tuple[str, str, int, str]]:
        """(table, facet, hour or day, value) that the post adds one to."""
        for facet in HOURLY:
            for value in {""} if not facet else set(fields.FACETS[facet](self.post)):
                yield "hourly", facet, hour(self.at), value
        for facet in DAILY:
            for value in set(fields.FACETS[facet](self.post)):
                yield "daily", facet, day(self.at), value


def facet_token(name: str, form: str) -> str:
    """The token of a field's value."""
    return f"{ALL}{name}={whole_token(form)}"
