"""The log of matches: rows `(rule, post, key, event time, seq)` that windows are built from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import F

from core.model import TaggedPost
from rules.matcher import Hit
from rules.models import Counter, MatchRow
from rules.reading import event_time
from rules.windows.events import ticks
from storage import writing

MATCHES = "matches"


def record(posts_and_hits: Iterable[tuple[TaggedPost, Sequence[Hit]]], now: datetime) -> int:
    """Write a row per hit inside the caller's transaction; return how many were new.

    The same post and rule again writes nothing. `seq` is handed out under a row lock that is held until the
    caller commits, so a reader that has seen a number has seen all smaller ones.
    """
    rows = [_row(post, hit, now) for post, hits in posts_and_hits for hit in hits]
    if not rows:
        return 0
    Counter.objects.get_or_create(name=MATCHES)
    Counter.objects.filter(name=MATCHES).update(value=F("value"))
    # Late posts make windows run again; a batch crawled newest first would do so with every post.
    rows = sorted(_unknown(rows), key=lambda row: row.event_time)
    Counter.objects.filter(name=MATCHES).update(value=F("value") + len(rows))
    first = last_seq() - len(rows) + 1
    writing.insert(MatchRow, ("seq", *_Row._fields), [(seq, *row) for seq, row in enumerate(rows, first)])
    return len(rows)


class _Row(NamedTuple):
    """A row of the log before it has its number."""

    rule: str
    version: str
    post: str
    key: str
    event_time: int
    recorded_at: int
    fields: dict[str, Any] | None
    incident: str | None


def _row(post: TaggedPost, hit: Hit, now: datetime) -> _Row:
    at = min(event_time(post.post), now)
    return _Row(
        rule=hit.rule,
        version=hit.version,
        post=post.post.id,
        key=hit.key[:256],
        event_time=ticks(at),
        recorded_at=ticks(now),
        fields=None if hit.fields is None else dict(hit.fields),
        incident=post.incident,
    )


def _unknown(rows: list[_Row]) -> list[_Row]:
    """Rows that are not in the log yet, each once."""
    posts = {row.post for row in rows}
    known = set(MatchRow.objects.filter(post__in=posts).values_list("rule", "version", "post"))
    fresh: dict[tuple[str, str, str], _Row] = {}
    for row in rows:
        name = (row.rule, row.version, row.post)
        if name not in known:
            fresh.setdefault(name, row)
    return list(fresh.values())


def expire(before: datetime) -> int:
    """Drop rows whose post is older; return how many."""
    return MatchRow.objects.filter(event_time__lt=ticks(before)).delete()[0]


def last_seq() -> int:
    """The newest number handed out and committed."""
    row = Counter.objects.filter(name=MATCHES).first()
    return 0 if row is None else row.value
