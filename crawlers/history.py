"""A source's own rhythm: in which hours of the week something new comes, and how even its gaps are. Pure.

Hours count, not items: ten articles at nine o'clock are one sign of life, so bursts do not deceive.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from core.clock import SHANGHAI

HOUR = timedelta(hours=1)
SLOTS = 168
#: A gap less likely than this in a day, by the source's own rhythm, is silence.
SILENT_BELOW = 0.01
#: Hours watched before the history says anything: one whole week.
ENOUGH = 168
#: Weight of what is usual at this hour on any like day, in weeks of own experience; and within that, the
#: weight of what is usual at any hour.
PRIOR, PRIOR_OF_PRIOR = 2.0, 0.5
#: Each new week weighs the older ones down by this, each new gap the older gaps by that.
FADE, GAP_FADE = 0.9, 0.99
#: Hours watched before gaps are measured: chances of a week alone are too rough to measure with.
MEASURED = 336
#: Gaps as in a Poisson process, which a young history is steadied with.
PRIOR_GAPS = 10.0
#: Hours a gap is followed back at most; beyond, it is certain.
LONGEST_GAP = 24 * 45


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Weights by local weekday and hour; Monday 00:00 is slot 0."""

    watched: tuple[float, ...] = (0.0,) * SLOTS
    active: tuple[float, ...] = (0.0,) * SLOTS
    #: Weight, sum and sum of squares of past gaps, each measured in active hours it should have had.
    gaps: tuple[float, float, float] = (0.0, 0.0, 0.0)
    #: The running gap in the same measure.
    gap: float = 0.0
    #: Whether each of the last hours brought something, newest last.
    recent: str = ""
    #: All before has been counted; a full hour.
    until: datetime | None = None
    #: Hours ever counted.
    hours: int = 0

    def as_json(self) -> dict[str, Any]:
        """For the row."""
        return {
            "watched": [round(value, 3) for value in self.watched],
            "active": [round(value, 3) for value in self.active],
            "gaps": list(self.gaps),
            "gap": self.gap,
            "recent": self.recent,
            "until": self.until.isoformat() if self.until else "",
            "hours": self.hours,
        }


def from_json(values: Mapping[str, Any]) -> History:
    """From the row; an empty one is a source never watched."""
    if not values:
        return History()
    weight, total, squares = values["gaps"]
    return History(
        watched=tuple(values["watched"]),
        active=tuple(values["active"]),
        gaps=(weight, total, squares),
        gap=values["gap"],
        recent=values["recent"],
        until=until_of(values),
        hours=values["hours"],
    )


def until_of(values: Mapping[str, Any]) -> datetime | None:
    """Up to when a row's history has counted."""
    return datetime.fromisoformat(values["until"]) if values.get("until") else None


def slot(at: datetime) -> int:
    """The hour of the week in China."""
    local = at.astimezone(SHANGHAI)
    return local.weekday() * 24 + local.hour


def observe(history: History, *, new_at: Sequence[datetime], now: datetime) -> History:
    """Count the full hours up to now as watched, those of `new_at` as active.

    Call it for polls that succeeded only: hours in which we were blind say nothing of the source.
    The running hour is left open; what falls into it goes into the next call.
    """
    end = _full_hour(now)
    live = {_full_hour(at) for at in new_at}
    start = max(history.until or end, end - LONGEST_GAP * HOUR)
    for hour in _hours(start, end):
        history = _count(history, slot(hour), hour in live)
    return replace(history, until=end)


def _count(history: History, index: int, live: bool) -> History:
    chance = _chance(history, index)
    watched, active = list(history.watched), list(history.active)
    watched[index] = watched[index] * FADE + 1
    active[index] = active[index] * FADE + live
    gap = history.gap + chance
    weight, total, squares = history.gaps
    if live and history.hours >= MEASURED:
        weight, total, squares = weight * GAP_FADE + 1, total * GAP_FADE + gap, squares * GAP_FADE + gap * gap
    return replace(
        history,
        watched=tuple(watched),
        active=tuple(active),
        gaps=(weight, total, squares),
        gap=0.0 if live else gap,
        recent=(history.recent + ("1" if live else "0"))[-24:],
        hours=history.hours + 1,
    )


def _full_hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _hours(start: datetime, end: datetime) -> Iterator[datetime]:
    while start < end:
        yield start
        start += HOUR


def _chance(history: History, index: int) -> float:
    """Chance that an hour of this slot brings something: own experience, steadied by like days at that hour."""
    everything = (sum(history.active) + 0.5) / (sum(history.watched) + 1)
    return _steadied(history, index, everything)


@lru_cache(maxsize=8)
def _chances(history: History) -> tuple[float, ...]:
    """The chance of every slot."""
    everything = (sum(history.active) + 0.5) / (sum(history.watched) + 1)
    return tuple(_steadied(history, index, everything) for index in range(SLOTS))


def _steadied(history: History, index: int, everything: float) -> float:
    peers = slice(index % 24, 120, 24) if index < 120 else slice(120 + index % 24, SLOTS, 24)
    usual = (sum(history.active[peers]) + everything * PRIOR_OF_PRIOR) / (sum(history.watched[peers]) + PRIOR_OF_PRIOR)
    return (history.active[index] + usual * PRIOR) / (history.watched[index] + PRIOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """How usual a gap is for this source."""

    #: Chance of a gap this long beginning within a day, by the source's own rhythm; 1 when too little is known.
    probability: float
    #: Hours with something new that one would have expected.
    expected: float


def silence(history: History, since: datetime, now: datetime) -> Silence:
    """How usual it is that nothing came between `since` and `now`.

    1. The gap is measured in active hours it should have had, so nights and weekends weigh little.
    2. Past gaps in that measure give a Weibull distribution: even sources are missed soon, moody ones late.
    3. Its tail times the gaps of a day: a source with fifty gaps a day has its longest ones daily.
    """
    if history.hours < ENOUGH or now <= since:
        return Silence(probability=1.0, expected=0.0)
    expected = _expected(history, since, now)
    shape, scale = _weibull(history)
    daily = sum(_chances(history)) / 7
    tail = math.exp(-((expected / scale) ** shape))
    return Silence(probability=min(1.0, tail * max(daily, 1 / 7)), expected=expected)


def _expected(history: History, since: datetime, now: datetime) -> float:
    total, by_slot = 0.0, _chances(history)
    start = max(since, now - LONGEST_GAP * HOUR)
    while start < now:
        end = min(_full_hour(start) + HOUR, now)
        total += (end - start) / HOUR * by_slot[slot(start)]
        start = end
    return total


def _weibull(history: History) -> tuple[float, float]:
    """Shape and scale by mean and variation (shape ≈ variation^-1.086, Justus 1978)."""
    weight, total, squares = history.gaps
    weight, total, squares = weight + PRIOR_GAPS, total + PRIOR_GAPS, squares + 2 * PRIOR_GAPS
    mean = total / weight
    variation = math.sqrt(max(squares / weight - mean * mean, 0.01)) / mean
    shape = min(max(variation**-1.086, 0.4), 4.0)
    return shape, mean / math.gamma(1 + 1 / shape)


def recent_rate(history: History) -> tuple[int, float]:
    """Active hours of the last day, and how many were to be expected."""
    if history.hours < ENOUGH or history.until is None:
        return 0, 0.0
    hours = [history.until - HOUR * back for back in range(1, 25)]
    return history.recent.count("1"), sum(_chances(history)[slot(hour)] for hour in hours)
