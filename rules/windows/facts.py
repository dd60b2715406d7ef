"""Types that are fed by facts instead of posts: silent sources and growing incidents."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rules.schema import IncidentOptions, SilentSourceOptions
from rules.windows.events import Outcome, span, ticks

_HOUR = 3_600_000_000
HOURS_OF_WEEK = 168


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRhythm:
    """How often a source usually posts, as a rule's own tests state it."""

    id: str
    name: str
    last_post_at: datetime
    #: Mean posts in each hour of the week, Monday 00:00 in China first.
    hourly: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSilence:
    """A source's present gap, and how usual it is for it."""

    id: str
    name: str
    last_post_at: datetime
    #: Chance of a gap this long by the source's own rhythm.
    probability: float
    #: Signs of life it would usually have given since.
    expected: float


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentState:
    """An incident now and one `timeframe` ago."""

    id: str
    title: str
    heat: float
    #: None when it did not exist yet.
    earlier_heat: float | None
    sources: int
    #: provincial, central.
    media_tiers: frozenset[str] = frozenset()


def silence(rhythm: SourceRhythm, now: datetime) -> SourceSilence:
    """P(no post since the last one), posts being independent at the source's own hourly rates: for rules' own tests."""
    expected = _expected_posts(rhythm, now)
    return SourceSilence(
        id=rhythm.id,
        name=rhythm.name,
        last_post_at=rhythm.last_post_at,
        probability=math.exp(-expected),
        expected=expected,
    )


def _expected_posts(rhythm: SourceRhythm, now: datetime) -> float:
    start, end = ticks(rhythm.last_post_at), ticks(now)
    expected = 0.0
    for hour in range(start // _HOUR, end // _HOUR + 1):
        overlap = min(end, (hour + 1) * _HOUR) - max(start, hour * _HOUR)
        expected += rhythm.hourly[_hour_of_week(hour)] * overlap / _HOUR
    return expected


def _hour_of_week(hour: int) -> int:
    # 1970-01-01 was a Thursday; China is eight hours ahead.
    return (hour + 8 + 3 * 24) % HOURS_OF_WEEK


def silent(options: SilentSourceOptions, silences: Sequence[SourceSilence], now: datetime) -> list[Outcome]:
    """Sources whose silence is unlikely; each silence is said once."""
    outcomes = []
    for one in silences:
        if one.probability < options.probability:
            values = {
                "source": one.name,
                "probability": one.probability,
                "expected": round(one.expected, 1),
                "hours": round((now - one.last_post_at).total_seconds() / 3600, 1),
            }
            outcomes.append(Outcome(one.id, ticks(now), values, (), None, f"silent {one.last_post_at.isoformat()}"))
    return outcomes


def growing(options: IncidentOptions, states: Sequence[IncidentState], now: datetime) -> list[Outcome]:
    """Incidents past one of the rule's bounds; sources and media are said once, growth once per `timeframe`."""
    return [outcome for state in states for outcome in _grown(options, state, now)]


def _grown(options: IncidentOptions, state: IncidentState, now: datetime) -> list[Outcome]:
    at = ticks(now)
    said: list[tuple[str, dict[str, object]]] = []
    earlier = state.earlier_heat
    if options.growth and state.heat >= options.min_heat and earlier and state.heat >= earlier * options.growth:
        period = at // span(options.timeframe)
        said.append((f"growth {period}", {"heat": round(state.heat, 1), "earlier_heat": round(earlier, 1)}))
    if options.sources and state.sources >= options.sources:
        said.append((f"sources {options.sources}", {"sources": state.sources}))
    if options.media_tier and _reaches(options.media_tier, state.media_tiers):
        said.append((f"media {options.media_tier}", {"media_tier": options.media_tier}))
    return [Outcome(state.id, at, {"title": state.title, **values}, (), None, once) for once, values in said]


def _reaches(wanted: str, tiers: frozenset[str]) -> bool:
    return "central" in tiers or (wanted == "provincial" and "provincial" in tiers)
