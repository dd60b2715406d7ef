"""What rules ask and the packages below cannot know: how quiet sources are, and levels of open alerts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta

from alerts.models import OPEN_STATES, Alert
from core.ports import PostStore
from crawlers import health
from crawlers.history import Silence
from crawlers.sources import Source
from rules.facts import StoreFacts
from rules.windows.facts import SourceSilence

#: Rules ask twice a second; nobody is told of a silence to the second.
_FRESH = timedelta(minutes=1)


class RowFacts(StoreFacts):
    """Facts from the post store, the sources' rows and the alerts' rows."""

    def __init__(self, store: PostStore, sources: Callable[[], Iterable[Source]]) -> None:
        super().__init__(store)
        self._sources = sources
        self._silences: tuple[SourceSilence, ...] = ()
        self._read_at: datetime | None = None

    def silences(self, now: datetime) -> Sequence[SourceSilence]:
        """By what crawls and pushes learned of each source's rhythm: the same judgement as the sources' health."""
        if self._read_at is None or not timedelta() <= now - self._read_at < _FRESH:
            found = health.silences(self._sources(), now)
            self._read_at, self._silences = now, tuple(_silence(source, since, one) for source, since, one in found)
        return self._silences

    def open_levels(self, incident: str) -> Collection[str]:
        """Levels, confirmed or else suggested, of an incident's open alerts."""
        rows = Alert.objects.filter(incident=incident, state__in=OPEN_STATES).values_list("level", "suggested_level")
        return {level or suggested for level, suggested in rows}


def _silence(source: Source, since: datetime, silence: Silence) -> SourceSilence:
    return SourceSilence(
        id=source.id,
        name=source.name,
        last_post_at=since,
        probability=silence.probability,
        expected=silence.expected,
    )
