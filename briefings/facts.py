"""What a briefing of a period is written from: figures with their grounds, and the matters worth naming."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from briefings.figures import Figure
from briefings.periods import Period
from core.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A sentence of a post, word for word."""

    post: str
    text: str
    source: str
    url: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A public response."""

    unit: str
    channel: str
    at: datetime
    #: Share of negative posts of the incident before and after it: figure keys; empty when there were none.
    negative_before: str = ""
    negative_after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hotspot:
    """An incident of the period. Its figures have keys `incident.<rank>.…`."""

    rank: int
    id: str
    title: str
    place: str
    first_seen_at: datetime
    peak_day: date | None
    kinds: tuple[str, ...]
    sources: int
    quote: Quote | None
    cases: tuple[str, ...]
    answer: Answer | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An alert as the table of handled matters shows it."""

    number: str
    title: str
    level: str
    rank: int
    unit: str
    state: str
    is_open: bool
    detected_at: datetime
    #: Stages that ran out, in words.
    overdue: tuple[str, ...]
    #: The soonest clock still running: stage in words, and when.
    next_stage: str = ""
    next_due: datetime | None = None
    responded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A responsible unit; figures have keys `unit.<id>.…`."""

    id: str
    short: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All of it, for one period."""

    profile: Profile
    period: Period
    now: datetime
    figures: Mapping[str, Figure]
    #: False in the first week: nothing was watched before, so nothing can be compared.
    comparable: bool
    #: (id, name), the most frequent first; figures `kind.<id>.…`, `place.<n>.…`, `topic.<id>.…`.
    kinds: tuple[tuple[str, str], ...] = ()
    places: tuple[str, ...] = ()
    topics: tuple[tuple[str, str], ...] = ()
    rising: tuple[tuple[str, str], ...] = ()
    days: tuple[date, ...] = ()
    levels: tuple[tuple[str, str], ...] = ()
    hotspots: tuple[Hotspot, ...] = ()
    cases: tuple[Case, ...] = ()
    units: tuple[Unit, ...] = ()
    #: Days of next week that are worth preparing for: (day, what).
    ahead: tuple[tuple[date, str], ...] = field(default=())

    def value(self, key: str) -> float:
        """A figure's value, 0 when unknown: for deciding between words, never for showing."""
        return self.figures[key].value or 0
