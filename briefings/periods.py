"""Weeks, days and months of China, half-open, and how they are named and queried."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from core.clock import SHANGHAI
from core.errors import ConfigError

_WEEK = re.compile(r"(\d{4})-?W(\d{1,2})", re.IGNORECASE)
_MONTH = re.compile(r"(\d{4})-(\d{1,2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """[start, end), in UTC. A running period ends at the moment it was asked for."""

    #: `2026-W47`, `2026-11-22`, `2026-11`.
    id: str
    start: datetime
    end: datetime
    #: What the same stretch before is called: 上周, 前一日, 上月.
    before_name: str
    before_start: datetime
    before_end: datetime
    #: False while it still runs; then the same part of the one before is compared.
    is_whole: bool

    @property
    def first_day(self) -> date:
        """Local date it begins on."""
        return self.start.astimezone(SHANGHAI).date()

    @property
    def last_day(self) -> date:
        """Local date of its last moment."""
        return (self.end - timedelta(microseconds=1)).astimezone(SHANGHAI).date()

    def days(self) -> list[date]:
        """Its local dates."""
        count = (self.last_day - self.first_day).days + 1
        return [self.first_day + timedelta(days=day) for day in range(count)]


def week(name: str, now: datetime) -> Period:
    """`2026-W47`, `last` or `current`. Raises ConfigError for anything else and for weeks to come."""
    today = now.astimezone(SHANGHAI).date()
    if name in {"last", "current"}:
        year, number, _ = (today - timedelta(days=7 if name == "last" else 0)).isocalendar()
    elif found := _WEEK.fullmatch(name.strip()):
        year, number = int(found[1]), int(found[2])
    else:
        raise ConfigError(f"不是周次：{name}；写作 2026-W47、last 或 current")
    try:
        first = date.fromisocalendar(year, number, 1)
    except ValueError as error:
        raise ConfigError(f"没有这一周：{name}") from error
    return _period(f"{year}-W{number:02d}", first, first + timedelta(days=7), first - timedelta(days=7), "上周", now)


def day(name: str, now: datetime) -> Period:
    """A date. Raises ConfigError."""
    try:
        first = date.fromisoformat(name)
    except ValueError as error:
        raise ConfigError(f"不是日期：{name}；写作 2026-11-22") from error
    return _period(name, first, first + timedelta(days=1), first - timedelta(days=1), "前一日", now)


def month(name: str, now: datetime) -> Period:
    """`2026-11`. Raises ConfigError."""
    found = _MONTH.fullmatch(name.strip())
    if not found or not 1 <= int(found[2]) <= 12:
        raise ConfigError(f"不是月份：{name}；写作 2026-11")
    first = date(int(found[1]), int(found[2]), 1)
    after = (first + timedelta(days=31)).replace(day=1)
    before = (first - timedelta(days=1)).replace(day=1)
    return _period(f"{first:%Y-%m}", first, after, before, "上月", now)


def between(first: date, last: date, now: datetime) -> Period:
    """Any stretch of days, both included. Raises ConfigError when it ends before it begins."""
    if last < first:
        raise ConfigError(f"止日 {last} 早于起日 {first}")
    length = last - first + timedelta(days=1)
    return _period(f"{first}_{last}", first, last + timedelta(days=1), first - length, "上期", now)


def shift(start: datetime, end: datetime, now: datetime) -> Period:
    """A turn of duty, up to now while it runs."""
    length = end - start
    return Period(
        id=f"{start.astimezone(SHANGHAI):%Y%m%dT%H%M}",
        start=start,
        end=min(end, max(now, start + timedelta(minutes=1))),
        before_name="上一班",
        before_start=start - length,
        before_end=start,
        is_whole=end <= now,
    )


def _period(name: str, first: date, after: date, before: date, before_name: str, now: datetime) -> Period:
    start, end, before_start = midnight(first), midnight(after), midnight(before)
    if start > now:
        raise ConfigError(f"{name} 尚未开始")
    is_whole = end <= now
    running_end = now.astimezone(UTC).replace(second=0, microsecond=0)
    end = end if is_whole else max(running_end, start + timedelta(minutes=1))
    return Period(
        id=name,
        start=start,
        end=end,
        before_name=before_name if is_whole else f"{before_name}同期",
        before_start=before_start,
        before_end=start if is_whole else min(before_start + (end - start), start),
        is_whole=is_whole,
    )


def midnight(day: date) -> datetime:
    """The instant a local day begins, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).astimezone(UTC)


def span_query(start: datetime, end: datetime) -> str:
    """[start, end) in the query language: whole days as officers write them, else to the minute."""
    first, last = start.astimezone(SHANGHAI), end.astimezone(SHANGHAI)
    if (first.hour, first.minute, last.hour, last.minute) == (0, 0, 0, 0):
        return f"since:{first:%Y-%m-%d} until:{last - timedelta(days=1):%Y-%m-%d}"
    return f"published:[{first:%Y-%m-%dT%H:%M} TO {last:%Y-%m-%dT%H:%M}}}"


def span_text(first: date, last: date) -> str:
    """11月9日至15日; years are named only when they differ."""
    if first == last:
        return f"{first.month}月{first.day}日"
    if first.year != last.year:
        return f"{first.year}年{first.month}月{first.day}日至{last.year}年{last.month}月{last.day}日"
    if first.month != last.month:
        return f"{first.month}月{first.day}日至{last.month}月{last.day}日"
    return f"{first.month}月{first.day}日至{last.day}日"


def moment_text(moment: datetime) -> str:
    """11月12日14时05分, local."""
    here = moment.astimezone(SHANGHAI)
    return f"{here.month}月{here.day}日{here.hour}时{here.minute:02d}分"


def stamp_text(moment: datetime) -> str:
    """11-12 14:05, local: for the cells of a table."""
    return f"{moment.astimezone(SHANGHAI):%m-%d %H:%M}"
