"""Late posts are put in their places, whatever the windows, and little is kept for it."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from rules.schema import parse
from rules.timeline import Stream, Timeline, name_of
from rules.windows.events import Event, span
from rules.windows.families import machine, pace

MINUTE = 60_000_000
NOON = 1_795_400_000_000_000
TOGETHER = 50
RULES: list[dict[str, Any]] = [
    {"type": "frequency", "num_events": 40, "timeframe": "5m"},
    {"type": "flatline", "threshold": 6, "timeframe": "10m"},
    {"type": "spike", "spike_height": 3, "spike_type": "up", "threshold_cur": 5, "timeframe": "10m"},
    {"type": "cardinality", "cardinality_field": "source", "max_cardinality": 18, "timeframe": "20m"},
]


def a_stream(given: dict[str, Any]) -> Stream:
    rule = parse({"id": "r", **given})
    return Stream(machine(rule), pace(rule), NOON - span(rule.lateness))


def arrivals(luck: Random, count: int) -> list[Event]:
    """A post every few seconds and now and then a pause, in the order they come: most a little late, a few much."""
    at, found = NOON, []
    for number in range(count):
        at += int(luck.expovariate(1 / 4) * 1e6) + (15 * MINUTE if luck.random() < 0.002 else 0)
        delay = luck.expovariate(1 / 30) if luck.random() < 0.98 else luck.uniform(0, 3 * 3600)
        event = Event(at, fields={"source": luck.randrange(20)}, ref=f"p{number:05d}")
        found.append((at + int(delay * 1e6), event))
    return [event for _, event in sorted(found)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["type"])
def test_late_posts_give_what_one_run_in_order_gives(rule: dict[str, Any]) -> None:
    events = arrivals(Random(20261122), 3000)
    timeline, told = Timeline(a_stream(rule)), set()
    for first in range(0, len(events), TOGETHER):
        delta = timeline.add(events[first : first + TOGETHER])
        told = (told - {name_of(outcome) for outcome in delta.vanished}) | set(map(name_of, delta.appeared))

    clean = a_stream(rule)
    expected = {
        name_of(outcome)
        for event in sorted(events, key=lambda event: (event.at, event.ref))
        for outcome in clean.push(event)
    }

    assert told == expected != set()


def test_copies_stay_few_however_many_posts_are_held() -> None:
    timeline = Timeline(a_stream(RULES[0]))
    for number in range(20_000):
        timeline.add([Event(NOON + number * 1_000_000, ref=f"p{number:05d}")])

    assert len(timeline.copies) < 60


def test_copies_stand_near_where_late_posts_are_likely() -> None:
    timeline = Timeline(a_stream(RULES[0]))
    timeline.add([Event(NOON + number * 1_000_000, ref=f"p{number:05d}") for number in range(20_000)])

    behind = [20_000 - copy.index for copy in timeline.copies]

    assert min(abs(after - 1000) for after in behind) <= 1000 / 4 + 20_000 / 256
