"""Times in a query: `7d`, `3天`, `今天`, `2026-11-01`, `2026-11-01T08:00`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.clock import SHANGHAI, aware, parse_duration, parse_instant

_UNITS = {"秒": "s", "分钟": "m", "分": "m", "小时": "h", "时": "h", "天": "d", "日": "d", "周": "w"}
_CHINESE_DURATION = re.compile(r"(\d+(?:\.\d+)?)个?(分钟|小时|秒|分|时|天|日|周)")
_DATE = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}")
_DAYS_AGO = {"今天": 0, "昨天": 1, "前天": 2}


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant, or a whole day when `end` is later than `start`; `end` itself no longer belongs to it."""

    start: datetime
    end: datetime

    @property
    def is_day(self) -> bool:
        """Whether a day was meant."""
        return self.end > self.start


def read_moment(text: str, now: datetime) -> Moment:
    """Read a duration before `now`, a day or an instant in Chinese time. Raises ValueError."""
    if text in _DAYS_AGO:
        return _day(now.astimezone(SHANGHAI) - timedelta(days=_DAYS_AGO[text]))
    if _DATE.fullmatch(text):
        year, month, day = (int(part) for part in re.split("[-/]", text))
        return _day(datetime(year, month, day, tzinfo=SHANGHAI))
    try:
        instant = now - parse_duration(_CHINESE_DURATION.sub(lambda match: match[1] + _UNITS[match[2]], text))
    except OverflowError as error:
        raise ValueError(text) from error
    except ValueError:
        instant = parse_instant(text)
    return Moment(instant, instant)


def _day(moment: datetime) -> Moment:
    start = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return Moment(aware(start), aware(start + timedelta(days=1)))
