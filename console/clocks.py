"""Countdowns in words. The browser says the same with the same rules (`static/console/clock.js`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.clock import SHANGHAI

SOON = timedelta(minutes=30)
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


class Tone(StrEnum):
    """How a clock is shown; normal has no colour."""

    CALM = ""
    SOON = "soon"
    OVER = "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A countdown at one moment: words, tone, share of the window used (0–100)."""

    words: str
    tone: Tone
    percent: int


def span(length: timedelta) -> str:
    """`7分34秒` under ten minutes, `26分`, `2时20分`, `1天8时`; never negative."""
    seconds = max(0, int(length.total_seconds()))
    if seconds < 10 * _MINUTE:
        minutes, rest = divmod(seconds, _MINUTE)
        return f"{minutes}分{rest:02d}秒" if minutes else f"{rest}秒"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE}分"
    if seconds < _DAY:
        return f"{seconds // _HOUR}时{seconds % _HOUR // _MINUTE:02d}分"
    return f"{seconds // _DAY}天{seconds % _DAY // _HOUR}时"


def left(*, started: datetime, due: datetime, now: datetime, working_days: int | None = None) -> Left:
    """The countdown to `due`; `working_days` replaces the words of a clock counted in them."""
    percent = _percent(started, due, now)
    if now > due:
        return Left(words=_late(now - due), tone=Tone.OVER, percent=100)
    words = f"剩 {working_days} 工作日" if working_days else f"剩 {span(due - now)}"
    return Left(words=words, tone=Tone.SOON if due - now <= SOON else Tone.CALM, percent=percent)


def _late(length: timedelta) -> str:
    """Overdue is told in minutes at the finest; before the first is full it is `刚超时`."""
    if length < timedelta(minutes=1):
        return "刚超时"
    whole = span(length) if length >= timedelta(minutes=10) else f"{int(length.total_seconds()) // _MINUTE}分"
    return f"超时 {whole}"


def _percent(started: datetime, due: datetime, now: datetime) -> int:
    whole = (due - started).total_seconds()
    return 100 if whole <= 0 else max(0, min(100, round(100 * (now - started).total_seconds() / whole)))


def moment(at: datetime, now: datetime) -> str:
    """`02:15` today, `昨日 18:35`, `11-17 21:58`, `2025-11-17 21:58`; local time."""
    here, today = at.astimezone(SHANGHAI), now.astimezone(SHANGHAI).date()
    if here.date() == today:
        return f"{here:%H:%M}"
    if here.date() == today - timedelta(days=1):
        return f"昨日 {here:%H:%M}"
    return f"{here:%m-%d %H:%M}" if here.year == today.year else f"{here:%Y-%m-%d %H:%M}"


_WEEKDAYS = "一二三四五六日"


def day(at: datetime) -> str:
    """`11月19日 周四`, local."""
    here = at.astimezone(SHANGHAI)
    return f"{here.month}月{here.day}日 周{_WEEKDAYS[here.weekday()]}"
