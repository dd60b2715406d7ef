"""Countdowns say what the mock says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from console.clocks import Tone, left, moment, span

NOW = datetime(2026, 11, 18, 18, 17, 36, tzinfo=UTC)  # 02:17:36 on the 19th in China


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0秒"),
        (34, "34秒"),
        (454, "7分34秒"),
        (484, "8分04秒"),
        (26 * 60, "26分"),
        (8400, "2时20分"),
        (7500, "2时05分"),
        (32 * 3600, "1天8时"),
        (-5, "0秒"),
    ],
)
def test_a_span_is_as_exact_as_it_needs_to_be(seconds: int, words: str) -> None:
    assert span(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("minutes", "words", "tone"),
    [
        (-19, "超时 19分", Tone.OVER),
        (-0.5, "刚超时", Tone.OVER),
        (5.4, "剩 5分24秒", Tone.SOON),
        (30, "剩 30分", Tone.SOON),
        (73, "剩 1时13分", Tone.CALM),
    ],
)
def test_a_clock_changes_tone_at_thirty_minutes_and_at_its_end(minutes: float, words: str, tone: Tone) -> None:
    shown = left(started=NOW - timedelta(hours=2), due=NOW + timedelta(minutes=minutes), now=NOW)

    assert (shown.words, shown.tone) == (words, tone)


def test_working_days_replace_the_words_but_not_the_share() -> None:
    shown = left(started=NOW - timedelta(days=1), due=NOW + timedelta(days=3), now=NOW, working_days=2)

    assert (shown.words, shown.percent) == ("剩 2 工作日", 25)


@pytest.mark.parametrize(
    ("back", "words"),
    [
        (timedelta(minutes=2), "02:15"),
        (timedelta(hours=8), "昨日 18:17"),
        (timedelta(days=2), "11-17 02:17"),
        (timedelta(days=400), "2025-10-15 02:17"),
    ],
)
def test_a_moment_is_told_in_local_time_as_near_as_today_needs_it(back: timedelta, words: str) -> None:
    assert moment(NOW - back, NOW) == words
