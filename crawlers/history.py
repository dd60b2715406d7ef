"""A source's own rhythm: in which hours of the week something new comes, and how even its gaps are. Pure.

Hours count, not items: ten articles at nine o'clock are one sign of life, so bursts do not deceive.
A gap is measured in hazard: -ln of the chance of so long a gap, which is one on average whatever the source.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
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
#: Each new week weighs the older ones down by this, each new gap the older gaps, each new day the older days.
FADE, GAP_FADE, DAY_FADE = 0.9, 0.99, 0.97
#: Hours watched before gaps and days are measured: chances of a week alone are too rough to measure with.
MEASURED = 336
#: Gaps as in a Poisson process, which a young history is steadied with.
PRIOR_GAPS = 10.0
#: Variance of a day's mood taken for granted, and its weight in squares of expected active hours.
MOOD, PRIOR_MOOD = 0.1, 30.0
#: An hour that never failed may still fail.
SUREST = 0.999
#: Hours a gap is followed back at most; beyond, it is certain.
LONGEST_GAP = 24 * 45


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Weights by local weekday and hour; Monday 00:00 is slot 0."""

    watched: tuple[float, ...] = (0.0,) * SLOTS
    active: tuple[float, ...] = (0.0,) * SLOTS
    #: Weight, sum and sum of squares of past gaps in hazard.
    gaps: tuple[float, float, float] = (0.0, 0.0, 0.0)
    #: What days varied more than chance explains, and the weight to divide it by: the variance of a day's mood.
    moods: tuple[float, float] = (0.0, 0.0)
    #: Of the running day: active hours, how many were to be expected, their variance, and what they would
    #: change were the day twice as lively.
    today: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    #: The last active hour; None when it is not known.
    last: datetime | None = None
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
            "moods": list(self.moods),
            "today": list(self.today),
            "last": self.last.isoformat() if self.last else "",
            "recent": self.recent,
            "until": self.until.isoformat() if self.until else "",
            "hours": self.hours,
        }


def from_json(values: Mapping[str, Any]) -> History:
    """From the row; an empty one is a source never watched."""
    if not values:
        return History()
    weight, total, squares = values["gaps"]
    excess, trials = values.get("moods", (0.0, 0.0))
    active, expected, variance, slope = values.get("today", (0.0, 0.0, 0.0, 0.0))
    return History(
        watched=tuple(values["watched"]),
        active=tuple(values["active"]),
        gaps=(weight, total, squares),
        moods=(excess, trials),
        today=(active, expected, variance, slope),
        last=datetime.fromisoformat(values["last"]) if values.get("last") else None,
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
        history = _count(history, hour, hour in live)
    return replace(history, until=end)


def skip(history: History, now: datetime) -> History:
    """Leave the hours up to now out: something came in them, and nobody saw when."""
    return replace(history, until=_full_hour(now), last=None)


def _count(history: History, hour: datetime, live: bool) -> History:
    index = slot(hour)
    chance = _chance(history, index)
    watched, active = list(history.watched), list(history.active)
    watched[index] = watched[index] * FADE + 1
    active[index] = active[index] * FADE + live
    gaps, moods, today = history.gaps, history.moods, history.today
    if history.hours >= MEASURED:
        gaps = _with_gap(history, hour) if live else gaps
        today = _with_hour(today, chance, live)
        if index % 24 == 23:
            moods, today = _with_day(moods, today), (0.0, 0.0, 0.0, 0.0)
    return replace(
        history,
        watched=tuple(watched),
        active=tuple(active),
        gaps=gaps,
        moods=moods,
        today=today,
        last=hour if live else history.last,
        recent=(history.recent + ("1" if live else "0"))[-24:],
        hours=history.hours + 1,
    )


def _with_gap(history: History, hour: datetime) -> tuple[float, float, float]:
    """The gap that ended somewhere within `hour`; where is left to chance, or lively sources would look even."""
    if history.last is None:
        return history.gaps
    before = _hazard(history, history.last + HOUR, hour)
    mean, square = _within(_hazard(history, history.last + HOUR, hour + HOUR) - before)
    weight, total, squares = (value * GAP_FADE for value in history.gaps)
    return weight + 1, total + before + mean, squares + before * before + 2 * before * mean + square


def _within(width: float) -> tuple[float, float]:
    """Mean and mean square of an exponential variable known to lie below `width`."""
    if width < 0.01:
        return width / 2, width * width / 3
    odds = 1 / math.expm1(width)
    return 1 - width * odds, 2 - (width + 2) * width * odds


def _with_hour(
    today: tuple[float, float, float, float], chance: float, live: bool
) -> tuple[float, float, float, float]:
    active, expected, variance, slope = today
    spread = chance * (1 - chance)
    return active + live, expected + chance, variance + spread, slope + _rate(chance) * (1 - chance)


def _with_day(moods: tuple[float, float], today: tuple[float, float, float, float]) -> tuple[float, float]:
    """Variance of active hours = that of chance + variance of the mood × slope²."""
    active, expected, variance, slope = today
    excess, weight = moods
    return excess * DAY_FADE + (active - expected) ** 2 - variance, weight * DAY_FADE + slope * slope


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


def _rate(chance: float) -> float:
    """Events an hour that make an hour with any so likely."""
    return -math.log1p(-min(chance, SUREST))


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """How usual a gap is for this source."""

    #: Chance of a gap this long beginning within a day, by the source's own rhythm; 1 when too little is known.
    probability: float
    #: Hours with something new that one would have expected.
    expected: float


def silence(history: History, since: datetime, now: datetime) -> Silence:
    """How usual it is that nothing came between `since` and `now`.

    1. The gap's hazard: nights and weekends weigh little, and days may be in a low mood.
    2. Past gaps in that measure give a Weibull distribution: even sources are missed sooner than chance would have it.
    3. Its tail times the gaps of a day: a source with fifty gaps a day has its longest ones daily.
    """
    if history.hours < ENOUGH or now <= since:
        return Silence(probability=1.0, expected=0.0)
    start = _full_hour(since) + HOUR
    shape, scale = _weibull(history)
    daily = sum(_chances(history)) / 7
    tail = math.exp(-((_hazard(history, start, now) / scale) ** shape))
    expected = sum(share * _chances(history)[slot(at)] for at, share in _parts(start, now))
    return Silence(probability=min(1.0, tail * max(daily, 1 / 7)), expected=expected)


def _hazard(history: History, start: datetime, now: datetime) -> float:
    """-ln of the chance that nothing comes between the end of an active hour and `now`.

    The mood of a day multiplies its rate λ and is gamma-distributed with mean 1 and variance θ, so that nothing comes
    with (1 + θλ)^(-1/θ); a day that has brought something is likelier in a good mood: (1 + θλ)^(-1/θ - 1).
    """
    excess, weight = history.moods
    mood = max((excess + MOOD * PRIOR_MOOD) / (weight + PRIOR_MOOD), 0.001)
    days: dict[date, float] = {}
    for at, share in _parts(start, now):
        local = at.astimezone(SHANGHAI)
        rate = share * _rate(_chances(history)[local.weekday() * 24 + local.hour])
        days[local.date()] = days.get(local.date(), 0.0) + rate
    return sum((1 / mood + (number == 0)) * math.log1p(mood * rate) for number, rate in enumerate(days.values()))


def _parts(start: datetime, now: datetime) -> Iterator[tuple[datetime, float]]:
    """The hours between, each with the share of it that lies between."""
    start = max(start, now - LONGEST_GAP * HOUR)
    while start < now:
        end = min(_full_hour(start) + HOUR, now)
        yield start, (end - start) / HOUR
        start = end


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
