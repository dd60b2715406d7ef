"""Rates and waits: pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import delivery, pace
from alerts.channels.dingtalk import Dingtalk
from alerts.channels.feishu import Feishu
from alerts.channels.wecom import Wecom
from alerts.pace import Limit
from core.errors import CaifengError, Permanent, Retry

NINE = datetime(2026, 11, 23, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def admitted(limit: Limit, arrivals: list[float]) -> list[datetime]:
    """When each of these messages goes, asked for one at a time, again and again until it may."""
    free_at, gone = NINE, []
    for arrival in sorted(arrivals):
        now = NINE + timedelta(seconds=arrival)
        now = max(now, gone[-1]) if gone else now
        allowed = pace.share(1, free_at, now, limit)
        if not allowed.count:
            now = allowed.next_at
            allowed = pace.share(1, free_at, now, limit)
        free_at = allowed.free_at
        gone.append(now)
    return gone


@pytest.mark.parametrize(
    ("limit", "window", "most"),
    [
        (Wecom.limit, MINUTE, 20),
        (Dingtalk.limit, MINUTE, 20),
        (Feishu.limit, MINUTE, 100),
        (Feishu.limit, timedelta(seconds=1), 5),
    ],
)
@given(arrivals=st.lists(st.floats(0, 200), max_size=120))
def test_no_window_holds_more_than_the_provider_allows(
    limit: Limit, window: timedelta, most: int, arrivals: list[float]
) -> None:
    gone = admitted(limit, arrivals)

    assert all(sum(start <= moment < start + window for moment in gone) <= most for start in gone)


def test_a_burst_goes_at_once_and_then_one_at_a_time() -> None:
    limit = Limit(burst=3, every=timedelta(seconds=4))

    allowed = pace.share(10, NINE, NINE, limit)

    assert (allowed.count, allowed.next_at) == (3, NINE + timedelta(seconds=4))


def test_a_lane_that_was_held_takes_one_message_at_the_end_of_it() -> None:
    limit, until = Limit(burst=3, every=timedelta(seconds=4)), NINE + MINUTE
    clock = pace.held(until, limit)

    assert pace.closed(clock, until - timedelta(milliseconds=1), limit)
    assert pace.share(5, clock, until, limit).count == 1


def test_waits_double_up_to_a_quarter_of_an_hour_and_differ_by_message() -> None:
    waits = [pace.backoff(failures, "m1") for failures in (1, 2, 3, 20)]

    assert [round(wait / pace.FIRST_WAIT) for wait in waits[:3]] == pytest.approx([1, 2, 4], abs=1)
    assert waits[3] <= pace.LONGEST_WAIT * 1.2
    assert pace.backoff(3, "m2") != pace.backoff(3, "m1")


@pytest.mark.parametrize(
    ("error", "failures", "age", "state", "tell"),
    [
        (Retry("忙"), 1, timedelta(), "pending", False),
        # told once, while it is still tried
        (Retry("忙"), 5, timedelta(), "pending", True),
        (Retry("忙"), 6, timedelta(), "pending", False),
        (Retry("忙"), 60, timedelta(hours=24), "failed", True),
        # put back into the queue by a person
        (Retry("忙"), 1, timedelta(hours=24), "pending", False),
        (Permanent("拒绝"), 1, timedelta(), "failed", True),
    ],
)
def test_failures_are_retried_told_or_given_up(
    error: CaifengError, failures: int, age: timedelta, state: str, tell: bool
) -> None:
    verdict = delivery.after_failure(error, seed="m1", failures=failures, created_at=NINE - age, now=NINE)

    assert (verdict.state, verdict.tell) == (state, tell)


def test_a_wait_the_provider_asked_for_is_kept_but_bounded() -> None:
    long = delivery.after_failure(Retry("忙", after=10**9), seed="m", failures=1, created_at=NINE, now=NINE)

    assert long.due_at == NINE + timedelta(hours=1)


@pytest.mark.parametrize(
    ("error", "gave_up", "rest"),
    [
        (Retry("忙", after=30), False, timedelta(seconds=30)),
        (Retry("断线"), True, pace.LANE_REST),
        (Retry("断线"), False, None),
        (Permanent("拒绝"), False, None),
    ],
)
def test_a_lane_rests_as_asked_or_a_little_when_it_seems_dead(
    error: CaifengError, gave_up: bool, rest: timedelta | None
) -> None:
    assert delivery.lane_rest(error, gave_up=gave_up) == rest
