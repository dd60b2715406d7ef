"""What rules ask about sources, incidents and open alerts; the answers come from outside."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from django.db.models import Q

from core.ports import PostStore
from core.query import And, Field, Or, Range
from rules.schema import IncidentOptions
from rules.windows.facts import IncidentState, SourceSilence
from storage.models import Incident

#: Half-life of an incident's heat, as the merge counts it.
_HALF_LIFE = timedelta(hours=6)
#: Posts older than this add less than a hundredth to a heat.
_HEAT_MEMORY = timedelta(hours=42)
_EVIDENCE = 20
_TIERS = ("provincial", "central")
#: Incidents in the media looked at; a province's papers report on fewer in two days.
_IN_MEDIA = 1000


class Facts(Protocol):
    """Facts that are not matches."""

    def silences(self, now: datetime) -> Sequence[SourceSilence]:
        """How long each source has been quiet, and how usual that is for it."""

    def incidents(self, options: IncidentOptions, now: datetime) -> Sequence[IncidentState]:
        """Incidents with posts within the rule's timeframe that may have reached one of its bounds."""

    def open_levels(self, incident: str) -> Collection[str]:
        """Levels of the open alerts of an incident."""


class NoFacts:
    """Nothing is known; for replay, tests and installations without sources."""

    def silences(self, now: datetime) -> Sequence[SourceSilence]:
        """None."""
        return ()

    def incidents(self, options: IncidentOptions, now: datetime) -> Sequence[IncidentState]:
        """None."""
        return ()

    def open_levels(self, incident: str) -> Collection[str]:
        """None."""
        return ()


class StoreFacts(NoFacts):
    """Facts read from the post store; sources and the alerts' levels are for whoever knows those."""

    def __init__(self, store: PostStore) -> None:
        self.store = store

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
