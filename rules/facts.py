"""What rules ask about sources, incidents and open alerts; the answers come from outside."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from django.db.models import Q

from core.clock import SHANGHAI
from core.ports import Bucket, PostStore
from core.query import And, Everything, Field, Or, Range
from rules.schema import IncidentOptions
from rules.windows.facts import HOURS_OF_WEEK, IncidentState, SourceRhythm
from storage.models import Incident

#: Half-life of an incident's heat, as the merge counts it.
_HALF_LIFE = timedelta(hours=6)
_HOUR = timedelta(hours=1)
#: Posts older than this add less than a hundredth to a heat.
_HEAT_MEMORY = timedelta(hours=42)
#: Weeks from which a source's rhythm is learned.
_WEEKS = 4
_EVIDENCE = 20
_TIERS = ("provincial", "central")
#: Incidents in the media looked at; a province's papers report on fewer in two days.
_IN_MEDIA = 1000


class Facts(Protocol):
    """Facts that are not matches."""

    def rhythms(self, now: datetime) -> Sequence[SourceRhythm]:
        """How often each source usually posts, and when it last did."""

    def incidents(self, options: IncidentOptions, now: datetime) -> Sequence[IncidentState]:
        """Incidents with posts within the rule's timeframe that may have reached one of its bounds."""

    def open_levels(self, incident: str) -> Collection[str]:
        """Levels of the open alerts of an incident."""


class NoFacts:
    """Nothing is known; for replay, tests and installations without sources."""

    def rhythms(self, now: datetime) -> Sequence[SourceRhythm]:
        """None."""
        return ()

    def incidents(self, options: IncidentOptions, now: datetime) -> Sequence[IncidentState]:
        """None."""
        return ()

    def open_levels(self, incident: str) -> Collection[str]:
        """None."""
        return ()


class StoreFacts(NoFacts):
    """Facts read from the post store; the alerts' levels are for whoever knows alerts."""

    def __init__(self, store: PostStore) -> None:
        self.store = store
        #: Hours of the last four weeks by source, and when they were read: they are learned anew once an hour.
        self._bars: dict[str, list[Bucket]] = {}
        self._read_at: datetime | None = None

    def rhythms(self, now: datetime) -> Sequence[SourceRhythm]:
        """From the last four weeks by hour of the week; a source with less than one week of posts has no rhythm yet."""
        if self._read_at is None or now - self._read_at >= _HOUR:
            self._read_at, self._bars = now, self._hours(now)
        found = [self._rhythm(source, bars, now) for source, bars in self._bars.items()]
        return [rhythm for rhythm in found if rhythm is not None]

    def _hours(self, now: datetime) -> dict[str, list[Bucket]]:
        end = now.replace(minute=0, second=0, microsecond=0) + _HOUR
        start = end - timedelta(weeks=_WEEKS)
        buckets = self.store.histogram(Everything(), start=start, end=end, step=_HOUR, facet="source")
        by_source: dict[str, list[Bucket]] = {}
        for bucket in buckets:
            by_source.setdefault(bucket.value, []).append(bucket)
        return by_source

    def _rhythm(self, source: str, bars: Sequence[Bucket], now: datetime) -> SourceRhythm | None:
        first = min(bar.start for bar in bars)
        weeks = (now - first) / timedelta(weeks=1)
        newest = self.store.search(Field("source", source), limit=1).posts
        if weeks < 1 or not newest:
            return None
        hourly = [0.0] * HOURS_OF_WEEK
        for bar in bars:
            local = bar.start.astimezone(SHANGHAI)
            hourly[local.weekday() * 24 + local.hour] += bar.count / weeks
        last = newest[0].post.published_at
        return SourceRhythm(id=source, name=source, last_post_at=last, hourly=tuple(hourly))

    def incidents(self, options: IncidentOptions, now: datetime) -> Sequence[IncidentState]:
        """Heat from the hours of each incident's posts. Neither heat nor sources can exceed the number of posts."""
        bounds = Q()
        if options.growth:
            bounds |= Q(size__gte=options.min_heat)
        if options.sources:
            bounds |= Q(size__gte=options.sources)
        if options.media_tier:
            bounds |= Q(id__in=self._in_media(now - options.timeframe - _HEAT_MEMORY, now))
        rows = Incident.objects.filter(bounds, last_seen_at__gt=now - options.timeframe, merged_into=None)
        return [self._state(row, options.timeframe, now) for row in rows] if bounds else []

    def _in_media(self, start: datetime, end: datetime) -> list[str]:
        tiers = Or(tuple(Field("flag", f"media_{tier}") for tier in _TIERS))
        recent = Range("published", low=start, high=end)
        return [incident for incident, _ in self.store.terms(And((tiers, recent)), "incident", limit=_IN_MEDIA)]

    def _state(self, row: Incident, timeframe: timedelta, now: datetime) -> IncidentState:
        its_posts = Field("incident", row.id)
        recent = Range("published", low=now - timeframe - _HEAT_MEMORY, high=now)
        times = [post.post.published_at for post in self.store.scan(And((its_posts, recent)))]
        tiers = {tier for tier in _TIERS if self.store.count(And((its_posts, Field("flag", f"media_{tier}"))))}
        posts = self.store.search(its_posts, limit=_EVIDENCE).posts
        return IncidentState(
            id=row.id,
            title=row.title,
            heat=_heat(times, now),
            earlier_heat=_heat(times, now - timeframe) or None,
            sources=len(row.sources),
            media_tiers=frozenset(tiers),
            posts=tuple(post.post.id for post in posts),
        )


def _heat(times: Sequence[datetime], now: datetime) -> float:
    """Posts weighted by age."""
    return float(sum(0.5 ** ((now - at) / _HALF_LIFE) for at in times if at <= now))
