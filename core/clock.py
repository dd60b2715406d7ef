"""Time as Caifeng writes it: aware UTC inside, Asia/Shanghai for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")

_UNITS = {
    "s": "seconds",
    "m": "minutes",
    "h": "hours",
    "d": "days",
    "w": "weeks",
}


def aware(moment: datetime) -> datetime:
    """Return the same instant in UTC; a naive time is refused, for nobody knows what it means."""
    if moment.tzinfo is None:
        raise ValueError(f"naive time {moment.isoformat()}: give it a time zone")
    return moment.astimezone(UTC)


def parse_instant(text: str) -> datetime:
    """Read ISO 8601; without an offset it is local time in China. Raises ValueError."""
    moment = datetime.fromisoformat(text.strip().replace("/", "-"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)).astimezone(UTC)


def parse_duration(value: str | int | float | Mapping[str, float]) -> timedelta:
    """Read `5m`, `1h30m`, `{minutes: 5}` or a number of seconds. Raises ValueError."""
    if isinstance(value, Mapping):
        try:
            return timedelta(**value)
        except TypeError as error:
            raise ValueError(f"not a duration: {dict(value)}; write {{minutes: 5}} or 5m") from error
    if isinstance(value, int | float):
        return timedelta(seconds=value)
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([smhdw])", value)
    if not parts or re.sub(r"(\d+(?:\.\d+)?)\s*[smhdw]", "", value).strip():
        raise ValueError(f"not a duration: {value!r}; write 30s, 5m, 1h30m, 7d")
    return sum((timedelta(**{_UNITS[unit]: float(number)}) for number, unit in parts), timedelta())
