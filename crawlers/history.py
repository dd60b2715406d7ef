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
#: A gap less likely than this in a day, by the source's own rhythm, is silence: .8 false alarms a day at fifty sources.
SILENT_BELOW = 0.016
#: Hours watched before the history says anything: one whole week.
ENOUGH = 168
#: What is usual at this hour on like days counts as much as so many active hours of the slot's own; and within that,
#: what is usual at any hour. So a slow source's slots say what all of them say, a lively one's speak for themselves.
PRIOR, PRIOR_OF_PRIOR = 2.0, 0.3
#: Each new week weighs the older ones down by this, each new gap the older gaps, each new day the older days.
FADE, GAP_FADE, DAY_FADE = 0.9, 0.99, 0.97
#: Hours watched before gaps and days are measured: chances of a week alone are too rough to measure with.
MEASURED = 336
#: Variance of a day's mood taken for granted, its weight in squares of expected active hours, and its bounds.
MOOD, PRIOR_MOOD, MOODS = 0.1, 30.0, (0.001, 1.0)
#: An hour that never failed may still fail.
SUREST = 0.999
#: Shapes of gaps believed in: from bursts to a clock.
SHAPES = (0.4, 4.0)
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
    The running hour is left open; what falls into it goes into the next call. Hours since the last active one wait
    for the next: a silence must not teach that it is usual.
    """
    running = _full_hour(now)
    start = max(history.until or running, running - LONGEST_GAP * HOUR)
    live = {hour for hour in map(_full_hour, new_at) if start <= hour < running}
    end = max(live, default=start - HOUR) + HOUR
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
    return _steadied(history, index, _everything(history))


@lru_cache(maxsize=8)
def _chances(history: History) -> tuple[float, ...]:
    """The chance of every slot."""
    everything = _everything(history)
    return tuple(_steadied(history, index, everything) for index in range(SLOTS))


def _everything(history: History) -> float:
    """Chance of any hour."""
    return (sum(history.active) + 0.5) / (sum(history.watched) + 1)


def _steadied(history: History, index: int, everything: float) -> float:
    peers = slice(index % 24, 120, 24) if index < 120 else slice(120 + index % 24, SLOTS, 24)
    watched, active = sum(history.watched[peers]), sum(history.active[peers])
    usual = (active + PRIOR_OF_PRIOR) / (watched + PRIOR_OF_PRIOR / everything)
    return (history.active[index] + PRIOR) / (history.watched[index] + PRIOR / usual)


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
    2. Its tail: exponential, or Weibull when past gaps were surely more even or more uneven than that.
    3. Times the gaps of a day: a source with fifty gaps a day has its longest ones daily.
    """
    if history.hours < ENOUGH or now <= since:
        return Silence(probability=1.0, expected=0.0)
    start, chances = _full_hour(since) + HOUR, _chances(history)
    shape = _shape(history)
    tail = math.exp(-((_hazard(history, start, now) * math.gamma(1 + 1 / shape)) ** shape))
    expected = sum(share * chances[slot(at)] for at, share in _parts(start, now))
    return Silence(probability=min(1.0, tail * max(sum(chances) / 7, 1 / 7)), expected=expected)


def _hazard(history: History, start: datetime, now: datetime) -> float:
    """-ln of the chance that nothing comes between the end of an active hour and `now`.

    1. The mood of a day multiplies its rate λ and is gamma-distributed with mean 1 and variance θ, so that nothing comes
       with (1 + θλ)^(-1/θ); a day that has brought something is likelier in a good mood: (1 + θλ)^(-1/θ - 1).
    2. The rates themselves are known from n active hours only: (1 + Λ/n)^-n for exp(-Λ).
    """
    mood, chances = _mood(history), _chances(history)
    days: dict[date, float] = {}
    for at, share in _parts(start, now):
        day = at.astimezone(SHANGHAI).date()
        days[day] = days.get(day, 0.0) + share * _rate(chances[slot(at)])
    total = sum((1 / mood + (number == 0)) * math.log1p(mood * rate) for number, rate in enumerate(days.values()))
    known = sum(history.active) + 1
    return known * math.log1p(total / known)


def _mood(history: History) -> float:
    """Variance of a day's mood."""
    excess, weight = history.moods
    return _between((excess + MOOD * PRIOR_MOOD) / (weight + PRIOR_MOOD), MOODS)


def _shape(history: History) -> float:
    """Weibull shape of past gaps by their variation (shape ≈ variation^-1.086, Justus 1978).

    Chance alone makes the variation of n exponential gaps differ from 1 by 1/√n; twice that may be chance.
    """
    weight, total, squares = history.gaps
    if total <= 0:
        return 1.0
    variation = math.sqrt(max(squares * weight / total**2 - 1, 0.0))
    doubt = 2 / math.sqrt(weight)
    sure = min(variation + doubt, 1.0) if variation < 1 else max(variation - doubt, 1.0)
    return _between(sure**-1.086, SHAPES)


def _between(value: float, bounds: tuple[float, float]) -> float:
    return min(max(value, bounds[0]), bounds[1])


def _parts(start: datetime, now: datetime) -> Iterator[tuple[datetime, float]]:
    """The hours between, each with the share of it that lies between."""
    start = max(start, now - LONGEST_GAP * HOUR)
    while start < now:
        end = min(_full_hour(start) + HOUR, now)
        yield start, (end - start) / HOUR
        start = end


def recent_rate(history: History, now: datetime) -> tuple[int, float]:
    """Active hours of the last day, and how many were to be expected."""
    if history.hours < ENOUGH or history.until is None:
        return 0, 0.0
    end = _full_hour(now)
    silent = (end - history.until) // HOUR
    active = history.recent[-(24 - silent) :].count("1") if silent < 24 else 0
    return active, sum(_chances(history)[slot(end - HOUR * back)] for back in range(1, 25))
