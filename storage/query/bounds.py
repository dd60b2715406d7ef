"""A range as whole numbers, for the stores."""

from __future__ import annotations

from datetime import datetime

from core.query import Range
from storage.moments import microseconds


def bounds_of(span: Range) -> tuple[int | None, int | None]:
    """Both ends, included, times in microseconds since 1970; None is open."""
    low, high = _number(span.low), _number(span.high)
    return (
        None if low is None else low + span.open_low,
        None if high is None else high - span.open_high,
    )


def _number(end: int | datetime | None) -> int | None:
    return microseconds(end) if isinstance(end, datetime) else end
