"""Spike against the same hour of earlier weeks, so that nights and weekends do not lie."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Self

from rules.schema import SpikeOptions
from rules.windows.events import Event, Key, Outcome, Windows, span

_HOUR = 3_600_000_000
_DAY = 24 * _HOUR
_WEEK = 7 * _DAY
#: Earlier weeks compared; earlier days while there are not yet two weeks.
_WEEKS = 4
_DAYS = 13
#: Comparable spans there must be before anything is said.
_ENOUGH = 3


class Seasonal(Windows):
    """Posts younger than `timeframe` against the mean of the same span in earlier weeks (or days of the same sort).

    A reference under `threshold_ref` counts as `threshold_ref`: three posts are no spike over none. After a match a
    key rests for one `timeframe`.
    """

    def __init__(self, options: SpikeOptions) -> None:
        self.options = options
        self.ticking = options.spike_type != "up"
        self.length = span(options.timeframe)
        self.recent: dict[Key, deque[Event]] = {}
        #: Key → hour since 1970 → posts.
        self.hours: dict[Key, dict[int, int]] = {}
        self.first: dict[Key, int] = {}
        self.rest_until: dict[Key, int] = {}

    def add(self, event: Event) -> Sequence[Outcome]:
        """A post."""
        key = event.key
        self.first.setdefault(key, event.at)
        recent = self.recent.setdefault(key, deque())
        recent.append(event)
        hours = self.hours.setdefault(key, {})
        hour = event.at // _HOUR
        if hour not in hours:
            oldest = (event.at - (_WEEKS + 1) * _WEEK) // _HOUR
            for stale in [old for old in hours if old < oldest]:
                del hours[stale]
        hours[hour] = hours.get(hour, 0) + 1
        return self._judge(key, event.at)

    def tick(self, at: int) -> Sequence[Outcome]:
        """Only a dip can come true without a post."""
        return [outcome for key in self.recent for outcome in self._judge(key, at)]

    def awake(self) -> bool:
        """Whether silence could be a dip."""
        return self.options.spike_type != "up" and bool(self.recent)

    def _judge(self, key: Key, at: int) -> list[Outcome]:
        recent = self.recent[key]
        while recent and recent[0].at <= at - self.length:
            recent.popleft()
        expected = self._expected(key, at)
        if expected is None or at < self.rest_until.get(key, at) or not self._spiked(len(recent), expected):
            return []
        self.rest_until[key] = at + self.length
        evidence = tuple(event.ref for event in reversed(recent))
        stamp, post = (recent[0].at, recent[0].ref) if recent else (at, None)
        return [
            Outcome(key, stamp, {"spike_count": len(recent), "reference_count": round(expected, 2)}, evidence, post)
        ]

    def _spiked(self, now: int, expected: float) -> bool:
        options = self.options
        if now < options.threshold_cur:
            return False
        up = options.spike_type in ("up", "both") and now >= max(expected, options.threshold_ref) * options.spike_height
        dip = options.spike_type in ("down", "both") and expected >= max(options.threshold_ref, 1)
        return up or (dip and now <= expected / options.spike_height)

    def _expected(self, key: Key, at: int) -> float | None:
        """Mean of the comparable earlier spans; None while there are too few."""
        known = at - self.first[key] - self.length
        spans = [week * _WEEK for week in range(1, _WEEKS + 1) if week * _WEEK <= known]
        if len(spans) < 2:
            spans = [day * _DAY for day in range(1, _DAYS + 1) if day * _DAY <= known and _alike(at, at - day * _DAY)]
        if len(spans) < min(_ENOUGH, _WEEKS) and known < 2 * _WEEK:
            return None
        return sum(self._count(key, at - back) for back in spans) / len(spans)

    def _count(self, key: Key, end: int) -> float:
        """Posts in (end - length, end] by whole hours, the hours at both ends by their share."""
        start = end - self.length
        hours = self.hours[key]
        total = 0.0
        for hour in range(start // _HOUR, end // _HOUR + 1):
            overlap = min(end, (hour + 1) * _HOUR) - max(start, hour * _HOUR)
            total += hours.get(hour, 0) * overlap / _HOUR
        return total

    def copy(self) -> Self:
        """The same state, on its own from here."""
        twin = type(self)(self.options)
        twin.recent = {key: recent.copy() for key, recent in self.recent.items()}
        twin.hours = {key: dict(hours) for key, hours in self.hours.items()}
        twin.first, twin.rest_until = dict(self.first), dict(self.rest_until)
        return twin


def _alike(one: int, other: int) -> bool:
    """Both on working days, or both on a weekend, in China."""
    return _is_weekend(one) == _is_weekend(other)


def _is_weekend(at: int) -> bool:
    # 1970-01-01 was a Thursday; China is eight hours ahead.
    return ((at + 8 * _HOUR) // _DAY + 3) % 7 >= 5
