"""Instants as the stores keep them: whole microseconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

#: Microseconds.
HOUR = 3_600_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """Exact microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def instant(microseconds: int) -> datetime:
    """The moment, in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)
