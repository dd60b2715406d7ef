"""Heat of incidents: how it cools, how it orders, what joining makes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from storage.stories import HALF_LIFE, IncidentState, heat_now, joined, warmth

NINE = datetime(2026, 11, 18, 1, tzinfo=UTC)


def an_incident(name: str, *, heat: float, at: datetime = NINE) -> IncidentState:
    return IncidentState(
        id=name, title="停水", first_seen_at=at, last_seen_at=at, size=2, sources=(name,), heat=heat, heat_at=at
    )


def test_heat_halves_with_every_half_life() -> None:
    assert heat_now(8.0, NINE, NINE + 2 * HALF_LIFE) == 2.0


@pytest.mark.parametrize(("heat", "hours"), [(7.9, 0), (4.1, 6), (0, 40), (1e-30, 1)])
def test_warmth_orders_as_heat_does_at_any_later_moment(heat: float, hours: int) -> None:
    at = NINE + timedelta(hours=hours)
    later = NINE + timedelta(days=9)

    assert (warmth(8, NINE) > warmth(heat, at)) == (heat_now(8, NINE, later) > heat_now(heat, at, later))


def test_joining_adds_the_heat_that_is_left() -> None:
    both = joined(an_incident("a", heat=4), an_incident("b", heat=3, at=NINE + HALF_LIFE))

    assert (both.id, both.size, both.sources, both.heat, both.heat_at) == ("a", 4, ("a", "b"), 5.0, NINE + HALF_LIFE)
