"""What rules ask about sources, incidents and open alerts; the answers come from outside."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from django.db.models import Q

from core.ports import PostStore
from core.query import And, Field, Or, Range
from rules.schema import IncidentOptions
from rules.windows.facts import IncidentState, SourceSilence
from storage.incidents import families, roots
from storage.models import Incident
from storage.stories import HALF_LIFE, heat_now

#: A heat that says nothing any more: a single post after forty hours.
_COLD = 0.01
#: How long before a rule's timeframe a paper's report still counts.
_MEDIA_MEMORY = timedelta(hours=42)
_EVIDENCE = 20
_TIERS = ("provincial", "central")
#: Incidents in the media looked at; a province's papers report on fewer in two days.
_IN_MEDIA = 1000
#: Incidents asked about in one query.
_TOGETHER = 200


class Facts(Protocol):
    """Facts that are not matches."""

    def silences(self, now: datetime) -> Sequence[SourceSilence]:
        """How long each source has been quiet, and how usual that is for it."""

    def incidents(self, options: IncidentOptions, now: datetime) -> Sequence[IncidentState]:
        """Incidents with posts within the rule's timeframe that may have reached one of its bounds."""

    def newest_posts(self, incident: str) -> tuple[str, ...]:
        """Ids of an incident's posts, newest first: the evidence of what is said of it."""

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

    def newest_posts(self, incident: str) -> tuple[str, ...]:
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
        """Heat as the merge counts it. Neither heat nor sources can exceed the number of posts."""
        since = now - options.timeframe
        media = self._in_media(since - _MEDIA_MEMORY, now) if options.media_tier else {}
        bounds = Q(id__in=media)
        if options.growth:
            bounds |= Q(size__gte=options.min_heat, first_seen_at__lte=since)
        if options.sources:
            bounds |= Q(size__gte=options.sources)
        found = Incident.objects.filter(bounds, last_seen_at__gt=since, merged_into=None).defer("centre")
        heats = {row: heat_now(row.heat, row.heat_at, now) for row in found}
        earlier = self._earlier({row.id: heat for row, heat in heats.items() if heat >= options.min_heat}, options, now)
        return [
            IncidentState(
                id=row.id,
                title=row.title,
                heat=heat,
                earlier_heat=earlier.get(row.id),
                sources=len(row.sources),
                media_tiers=frozenset(media.get(row.id, ())),
            )
            for row, heat in heats.items()
        ]

    def newest_posts(self, incident: str) -> tuple[str, ...]:
        """As the store orders them."""
        found = self.store.search(_of(families([incident])), limit=_EVIDENCE)
        return tuple(post.post.id for post in found.posts)

    def _in_media(self, start: datetime, end: datetime) -> dict[str, set[str]]:
        """Incident → tiers of the papers that reported on it."""
        found: dict[str, set[str]] = {}
        for tier in _TIERS:
            reports = And((Field("flag", f"media_{tier}"), Range("published", low=start, high=end)))
            for incident in roots(name for name, _ in self.store.terms(reports, "incident", limit=_IN_MEDIA)).values():
                found.setdefault(incident, set()).add(tier)
        return found

    def _earlier(self, heats: Mapping[str, float], options: IncidentOptions, now: datetime) -> dict[str, float]:
        """Heat one timeframe ago, of those whose newest posts are enough to have made them grow so much.

        It is what these posts leave of the heat now, before it cooled. A post gives 1 at most, so a count tells
        for most incidents that they cannot have grown, and their posts need not be read.
        """
        if not options.growth:
            return {}
        cooled = 0.5 ** (options.timeframe / HALF_LIFE)
        least = 1 - cooled / options.growth
        fresh = self._counts(heats, now - options.timeframe)
        rest = {
            name: heats[name] - self._fresh_heat(name, options, now)
            for name in fresh
            if fresh[name] >= heats[name] * least
        }
        return {name: heat / cooled for name, heat in rest.items() if heat / cooled >= _COLD}

    def _counts(self, incidents: Iterable[str], since: datetime) -> dict[str, int]:
        """Incident → its posts published since."""
        members = families(incidents)
        left, found = iter(members), Counter[str]()
        while some := tuple(itertools.islice(left, _TOGETHER)):
            fresh = And((_of(some), _published_after(since)))
            for member, count in self.store.terms(fresh, "incident", limit=len(some)):
                found[members[member]] += count
        return found

    def _fresh_heat(self, incident: str, options: IncidentOptions, now: datetime) -> float:
        fresh = And((_of(families([incident])), _published_after(now - options.timeframe)))
        return sum(heat_now(1, post.post.published_at, now) for post in self.store.scan(fresh))


def _of(incidents: Iterable[str]) -> Or:
    """Posts of these; `families` gives those of one, for posts keep the name of an incident that went into it."""
    return Or(tuple(Field("incident", name) for name in incidents))


def _published_after(since: datetime) -> Range:
    return Range("published", low=since, open_low=True)
