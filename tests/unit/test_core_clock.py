"""Time at the door: aware, or refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.clock import aware, parse_duration, parse_instant


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        aware(datetime(2026, 1, 1))  # noqa: DTZ001  # the naive time is what is tested


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("5m", timedelta(minutes=5)),
        ("1h30m", timedelta(minutes=90)),
        ("2 d", timedelta(days=2)),
        ({"minutes": 5}, timedelta(minutes=5)),
        (90, timedelta(seconds=90)),
    ],
)
def test_durations_are_read_in_every_form(given: object, expected: timedelta) -> None:
    assert parse_duration(given) == expected  # type: ignore[arg-type]  # the table holds every form


@pytest.mark.parametrize("given", ["", "5", "m5", "5 parsecs", {"fortnights": 1}])
def test_what_is_no_duration_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(given)  # type: ignore[arg-type]  # the table holds every form


def test_a_time_without_offset_is_local_time_in_china() -> None:
    assert parse_instant("2026-11-19T00:23") == datetime(2026, 11, 18, 16, 23, tzinfo=UTC)
