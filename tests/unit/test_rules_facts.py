"""Silence against a source's own rhythm, incidents past their bounds, documents after release, seasons."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from core.clock import SHANGHAI
from rules.reasons import reason
from rules.replay import difference, replay
from rules.schema import IncidentOptions, SilentSourceOptions, parse
from rules.windows.facts import IncidentState, SourceRhythm, growing, silence, silent

#: A Monday.
NOON = datetime(2026, 11, 23, 12, tzinfo=SHANGHAI)
HOUR = timedelta(hours=1)


def a_rhythm(*, day: float = 2, night: float = 0) -> SourceRhythm:
    hourly = tuple(day if 8 <= hour % 24 < 20 else night for hour in range(168))
    return SourceRhythm(id="bbs", name="论坛", last_post_at=NOON, hourly=hourly)


def test_the_probability_of_silence_is_that_of_no_post_at_the_usual_rate() -> None:
    assert silence(a_rhythm(), NOON + HOUR).probability == pytest.approx(0.1353, abs=1e-4)


def test_a_night_without_posts_is_no_silence() -> None:
    evening = SourceRhythm(id="bbs", name="论坛", last_post_at=NOON + 8 * HOUR, hourly=a_rhythm().hourly)

    found = silent(SilentSourceOptions(type="silent_source"), [silence(evening, NOON + 19 * HOUR)], NOON + 19 * HOUR)

    assert found == []


def test_an_unlikely_silence_is_said_with_its_probability() -> None:
    rule = parse({"type": "silent_source"})

    now = NOON + 3 * HOUR

    (outcome,) = silent(SilentSourceOptions(type="silent_source"), [silence(a_rhythm(), now)], now)

    assert reason(rule, outcome) == "论坛已 3 小时没有新内容，按以往规律这种情况的概率为 0.25%"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"growth": 2}, ["heat"]),
        ({"growth": 3}, []),
        ({"growth": None, "sources": 4}, ["sources"]),
        ({"growth": None, "media_tier": "provincial"}, ["media_tier"]),
    ],
)
def test_an_incident_past_a_bound(options: dict[str, object], said: list[str]) -> None:
    state = IncidentState(id="i", title="停水", heat=10, earlier_heat=5, sources=4, media_tiers=frozenset({"central"}))

    found = growing(IncidentOptions(type="incident", **options), [state], NOON)  # type: ignore[arg-type]

    assert [name for outcome in found for name in outcome.values if name in said] == said


def test_a_replay_of_nothing_finds_nothing() -> None:
    rule = parse({"type": "frequency", "num_events": 2, "timeframe": "1h"})

    found = replay(rule, [], since=NOON, now=NOON + HOUR)

    assert found == []
    assert difference(found, found).both == ()
