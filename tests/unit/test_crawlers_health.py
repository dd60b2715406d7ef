from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from core.clock import SHANGHAI
from crawlers.health import Facts, duration, judge
from crawlers.history import HOUR, History, from_json, observe, recent_rate, silence, skip
from tests.fixtures.collect import NOW, a_source

MONDAY = datetime(2026, 10, 5, tzinfo=SHANGHAI)


def watched(days: int, active: range = range(9, 18), weekend: bool = False) -> History:
    """A source watched for days, with news in every active hour."""
    history = History(until=MONDAY)
    for hour in range(days * 24):
        at = MONDAY + hour * HOUR
        live = at.hour in active and (weekend or at.weekday() < 5)
        history = observe(history, new_at=[at] if live else [], now=at + HOUR)
    return history


STEADY = watched(28)
LAST = MONDAY + timedelta(days=25, hours=17)  # a Friday, 17:00


def test_a_weekend_is_no_silence_for_an_office() -> None:
    assert silence(STEADY, LAST, LAST + timedelta(days=2, hours=15)).probability > 0.05


def test_a_working_morning_without_news_is_silence() -> None:
    found = silence(STEADY, LAST, LAST + timedelta(days=2, hours=21))

    assert found.probability < 0.01
    assert 4 < found.expected < 8


def test_too_short_a_history_says_nothing() -> None:
    assert silence(watched(6), LAST, LAST + timedelta(days=30)).probability == 1.0


def test_the_same_gap_says_more_of_a_lively_source_than_of_a_slow_one() -> None:
    slow, end = watched(28, active=range(9, 10)), LAST + timedelta(days=3, hours=2)

    assert silence(slow, LAST, end).probability > silence(STEADY, LAST, end).probability


def test_a_history_survives_its_row() -> None:
    again = from_json(STEADY.as_json())

    assert silence(again, LAST, LAST + 80 * HOUR).probability == pytest.approx(
        silence(STEADY, LAST, LAST + 80 * HOUR).probability, rel=0.01
    )


def test_a_running_silence_does_not_teach_that_it_is_usual() -> None:
    end = LAST + timedelta(days=10)

    again = observe(STEADY, new_at=[], now=end)

    assert silence(again, LAST, end) == silence(STEADY, LAST, end)


def test_hours_of_a_running_silence_count_as_recent() -> None:
    friday_evening = LAST + HOUR

    assert recent_rate(STEADY, friday_evening)[0] == 9
    assert recent_rate(STEADY, friday_evening + 19 * HOUR)[0] == 5


def test_a_source_with_moody_days_is_missed_later() -> None:
    def lively(day: int) -> range:
        return range(8, 20) if day % 3 else range(8, 11)

    moody, even = History(until=MONDAY), History(until=MONDAY)
    for day in range(42):
        start, end = MONDAY + timedelta(days=day), MONDAY + timedelta(days=day + 1)
        moody = observe(moody, new_at=[start + hour * HOUR for hour in lively(day)], now=end)
        even = observe(even, new_at=[start + hour * HOUR for hour in range(8, 17)], now=end)

    assert (
        silence(moody, end - 5 * HOUR, end + 12 * HOUR).probability
        > silence(even, end - 8 * HOUR, end + 12 * HOUR).probability
    )


def test_what_came_while_we_were_blind_is_no_gap() -> None:
    blind_until = LAST + timedelta(days=6)

    after = observe(skip(STEADY, blind_until), new_at=[blind_until], now=blind_until + HOUR)

    assert after.gaps == STEADY.gaps
    assert after.hours == STEADY.hours + 1


def judged(**changes: Any) -> tuple[str, str]:
    values: dict[str, Any] = {"failures": 0, "last_ok_at": NOW, "last_new_at": NOW, "history": History(), "outcome": {}}
    source = a_source(silence_after=changes.pop("silence_after", None)) if "silence_after" in changes else a_source()
    found = judge(source, Facts(**(values | changes)), NOW)
    return found.health, found.reason


@pytest.mark.parametrize(
    ("changes", "health", "words"),
    [
        ({"last_ok_at": None, "last_new_at": None}, "new", "还没有采集过"),
        ({}, "ok", "正常"),
        ({"failures": 1, "outcome": {"reason": "超时"}}, "ok", "会再试"),
        ({"failures": 3, "outcome": {"reason": "超时"}}, "broken", "连续 3 次采集失败：超时"),
        ({"outcome": {"blocked": True, "reason": "对方返回 403，不让采集"}}, "blocked", "403"),
        ({"read": 10, "unreadable": 6}, "broken", "10 条里有 6 条读不出"),
        ({"read": 4, "unreadable": 4}, "ok", "正常"),
        ({"outcome": {"stale": "旧副本"}}, "slow", "旧副本"),
        ({"last_new_at": NOW - timedelta(hours=30), "silence_after": "1d"}, "silent", "已 1 天 6 小时没有新内容"),
    ],
)
def test_each_state_has_its_word_and_its_reason(changes: dict[str, Any], health: str, words: str) -> None:
    word, reason = judged(**changes)

    assert word == health
    assert words in reason


def test_silence_says_how_long_and_how_unusual() -> None:
    end = LAST + timedelta(days=3, hours=2)

    facts = Facts(failures=0, last_ok_at=end, last_new_at=LAST, history=STEADY, outcome={})

    found = judge(a_source(), facts, end)

    assert found.health == "silent"
    assert "已 3 天 2 小时没有新内容" in found.reason


def test_hours_in_which_we_were_blind_are_not_the_sources_silence() -> None:
    facts = Facts(failures=1, last_ok_at=LAST + HOUR, last_new_at=LAST, history=STEADY, outcome={"reason": "超时"})

    assert judge(a_source(), facts, LAST + timedelta(days=3)).health == "ok"


def test_a_hotline_that_stops_pushing_falls_silent() -> None:
    last = NOW - timedelta(days=3)
    hotline = a_source(kind="push", url="", silence_after="2d")

    assert (
        judge(hotline, Facts(failures=0, last_ok_at=last, last_new_at=last, history=History(), outcome={}), NOW).health
        == "silent"
    )


@pytest.mark.parametrize(
    ("span", "words"),
    [
        ({"minutes": 5}, "5 分钟"),
        ({"hours": 3, "minutes": 59}, "3 小时"),
        ({"days": 2}, "2 天"),
        ({"hours": 25}, "1 天 1 小时"),
    ],
)
def test_durations_are_said_as_people_say_them(span: dict[str, int], words: str) -> None:
    assert duration(timedelta(**span)) == words
