"""When a source is asked again. The decisions are pure; `mark_due` is the rim."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from crawlers.models import SourceState
from crawlers.sources import Source

#: A source never asked before begins here.
FIRST_PERIOD = timedelta(minutes=30)
#: However long a site is down, it is asked this often: feeds with 404 come back.
LONGEST_WAIT = timedelta(hours=24)
#: Factors of the period. With them about two polls of five find something, so an item waits a quarter
#: of the usual gap on average.
NEWS, NO_NEWS, FLOOD = 0.8, 1.15, 0.5
#: This share of new entries on an index means that some may have scrolled by between two polls.
FLOOD_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """What a crawl found, as far as the next one depends on it."""

    failed: bool = False
    #: Entries the index showed, and how many of them were new.
    shown: int = 0
    new: int = 0
    #: What the server asked for with Retry-After.
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """When to ask next."""

    at: datetime
    period: timedelta
    #: Failed crawls in a row.
    failures: int


def plan(source: Source, *, period: timedelta, failures: int, poll: Poll, now: datetime) -> Plan:
    """When to ask next.

    1. A failure waits one period more each time (2×, 3×, …), a day at most; nothing is given up.
    2. Success adapts the period to what was found, within the source's bounds.
    3. Retry-After is honoured up to a day; it never makes a wait shorter.
    """
    base = _within(source, period or FIRST_PERIOD)
    if poll.failed:
        failures += 1
        wait = min(base * (1 + failures), max(LONGEST_WAIT, base))
    else:
        failures, base = 0, _within(source, base * _factor(poll))
        wait = base
    if poll.retry_after is not None:
        wait = max(wait, min(poll.retry_after, LONGEST_WAIT))
    return Plan(at=now + wait, period=base, failures=failures)


def _factor(poll: Poll) -> float:
    if poll.new == 0:
        return NO_NEWS
    return FLOOD if poll.shown and poll.new / poll.shown >= FLOOD_SHARE else NEWS


def _within(source: Source, period: timedelta) -> timedelta:
    if source.every is not None:
        return source.every
    return min(max(period, source.every_min), source.every_max)


def mark_due(now: datetime) -> int:
    """Write on rows since when they wait for a crawl worker; return how many do.

    The worker itself goes by `next_fetch_at` and needs nobody's mark, so sources are crawled while the
    scheduler is down; an old `due_since` shows that the worker is.
    """
    due = Q(next_fetch_at__lte=now)
    SourceState.objects.filter(due, due_since__isnull=True).update(due_since=now)
    SourceState.objects.filter(~due, due_since__isnull=False).update(due_since=None)
    return SourceState.objects.filter(due).count()
