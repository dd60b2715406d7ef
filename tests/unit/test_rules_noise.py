"""Who is disturbed when: rests, quiet times, silences, inhibition."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.clock import SHANGHAI
from rules import noise
from rules.noise import Hush, Rest
from rules.schema import Rule, parse

#: A Monday.
NOON = datetime(2026, 11, 23, 12, tzinfo=SHANGHAI)


def a_rule(**changes: Any) -> Rule:
    return parse({"id": "r", "type": "any", **changes})


def test_a_key_rests_until_and_not_longer() -> None:
    rest = noise.rest_after(a_rule(realert="10m"), None, NOON)

    assert [noise.rests(rest, NOON + timedelta(minutes=minute)) for minute in (9, 10)] == [True, False]


def test_without_realert_nothing_rests() -> None:
    assert noise.rest_after(a_rule(realert=0), None, NOON) is None
    assert noise.rest_after(a_rule(aggregation="5m"), None, NOON) is None


@pytest.mark.parametrize(
    ("minutes_after", "exponent", "wait"),
    [(5, 2, 40), (19, 2, 40), (20, 1, 20), (25, 0, 10), (100, 0, 10)],
)
def test_waits_grow_while_findings_keep_coming_and_shrink_after(minutes_after: int, exponent: int, wait: int) -> None:
    rule = a_rule(realert="10m", exponential_realert="10h")

    now = NOON + timedelta(minutes=minutes_after)
    rest = noise.rest_after(rule, Rest(until=NOON, exponent=1), now)

    assert rest == Rest(until=now + timedelta(minutes=wait), exponent=exponent)


@pytest.mark.parametrize(
    ("hours", "covered"),
    [(9, False), (10, True), (17.9, True), (18, False)],
)
def test_a_quiet_time_may_run_past_midnight(hours: float, covered: bool) -> None:
    rule = a_rule(quiet=[{"reason": "夜间", "start": "22:00", "end": "06:00", "weekdays": [1]}])

    quiet = noise.quiet_time(rule, NOON + timedelta(hours=hours))

    assert (quiet is not None) is covered


def test_a_quiet_time_says_when_it_ends() -> None:
    rule = a_rule(quiet=[{"reason": "夜间", "start": "22:00", "end": "06:00"}])

    assert noise.quiet_time(rule, NOON + timedelta(hours=11)) == (
        NOON + timedelta(hours=18),
        "免打扰时段 22:00–06:00：夜间",
    )


@pytest.mark.parametrize(
    ("changes", "covered"),
    [({}, True), ({"rule": "other"}, False), ({"key": "石澜镇"}, True), ({"incident": "fire"}, False)],
)
def test_a_silence_covers_what_it_names(changes: dict[str, str], covered: bool) -> None:
    given = {"rule": "", "key": "", "incident": "", "owner": "周岚", "reason": "已知", **changes}
    hush = Hush(ends_at=NOON, **given)

    assert bool(noise.hushed(a_rule(), "石澜镇", None, [hush])) is covered


@pytest.mark.parametrize(
    ("severity", "inhibited_by", "levels", "muted"),
    [("IV", [], {"I"}, True), ("III", [], {"I"}, False), ("III", ["II"], {"II"}, True), ("IV", [], {"II"}, False)],
)
def test_a_graver_alert_mutes_the_lesser_rules(
    severity: str, inhibited_by: list[str], levels: set[str], muted: bool
) -> None:
    assert bool(noise.inhibited(a_rule(severity=severity, inhibited_by=inhibited_by), levels)) is muted


def test_groups_go_by_local_cron() -> None:
    rule = a_rule(aggregation={"schedule": "0 8 * * *"})

    assert noise.group_due(rule, NOON.astimezone(UTC)) == NOON + timedelta(hours=20)
