from __future__ import annotations

from datetime import timedelta

import pytest

from crawlers.politeness import next_delay, read_robots, retry_after
from crawlers.schedule import LONGEST_WAIT, Poll, plan
from crawlers.validators import TRUST, Validator, Verdict, from_json, headers, judge
from tests.fixtures.collect import NOW, a_source

HOUR = timedelta(hours=1)
AGENT = "Caifeng/0.1 (+https://example.gov.cn)"


def planned(
    poll: Poll, *, period: timedelta = HOUR, failures: int = 0, **source: object
) -> tuple[timedelta, timedelta, int]:
    found = plan(a_source(**source), period=period, failures=failures, poll=poll, now=NOW)
    return found.at - NOW, found.period, found.failures


@pytest.mark.parametrize(
    ("new", "minutes"),
    [(0, 69), (1, 48), (15, 30)],
    ids=["nothing new: later", "something new: sooner", "mostly new: at half"],
)
def test_the_period_follows_what_is_found(new: int, minutes: int) -> None:
    assert planned(Poll(shown=20, new=new))[1] == timedelta(minutes=minutes)


def test_the_period_stays_within_the_sources_bounds() -> None:
    assert planned(Poll(shown=20, new=20), period=timedelta(minutes=10))[1] == timedelta(minutes=10)
    assert planned(Poll(shown=20), period=timedelta(hours=24))[1] == timedelta(hours=24)


def test_a_fixed_period_stays_fixed() -> None:
    assert planned(Poll(shown=20), every="3s")[0] == timedelta(seconds=3)


def test_failures_wait_longer_each_time_and_never_give_up() -> None:
    waits = [planned(Poll(failed=True), failures=failures)[0] for failures in (0, 1, 2, 500)]

    assert waits == [2 * HOUR, 3 * HOUR, 4 * HOUR, LONGEST_WAIT]


def test_success_forgets_failures() -> None:
    assert planned(Poll(shown=1), failures=7)[2] == 0


def test_retry_after_is_honoured_up_to_a_day() -> None:
    assert planned(Poll(retry_after=5 * HOUR))[0] == 5 * HOUR
    assert planned(Poll(retry_after=timedelta(days=9)))[0] == LONGEST_WAIT
    assert planned(Poll(failed=True, retry_after=timedelta(seconds=1)))[0] == 2 * HOUR


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("Sun, 22 Nov 2026 03:10:00 GMT", 600),
        ("Sun, 22 Nov 2020 03:10:00 GMT", 0),
        ("999999999", 86400),
        ("soon", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(value: str, seconds: int | None) -> None:
    assert retry_after(value, NOW) == (None if seconds is None else timedelta(seconds=seconds))


def test_pauses_follow_latency_and_errors_never_shorten_them() -> None:
    assert next_delay(1.0, floor=1.0, latency=3.0, status=200) == 2.0
    assert next_delay(8.0, floor=1.0, latency=0.1, status=500) == 8.0
    assert next_delay(2.0, floor=1.0, latency=0.1, status=429) == 4.0
    assert next_delay(0.0, floor=5.0, latency=0.1, status=200) == 5.0
    assert next_delay(50.0, floor=1.0, latency=500.0, status=503) == 60.0


@pytest.mark.parametrize(
    ("status", "body", "refused"),
    [
        (200, b"User-agent: *\nDisallow: /a", True),
        (200, b"User-agent: Caifeng\nDisallow: /\n\nUser-agent: *\nDisallow:", True),
        (200, b"User-agent: other\nDisallow: /", False),
        (404, b"", False),
        (403, b"", False),
        (500, b"", True),
        (429, b"", True),
        (0, b"", True),
    ],
)
def test_robots_txt_is_obeyed_and_a_missing_one_is_no_answer(status: int, body: bytes, refused: bool) -> None:
    robots = read_robots(status, body, NOW)

    assert bool(robots.refusal("https://a.cn/a/1", AGENT)) is refused


def test_crawl_delay_and_request_rate_are_read() -> None:
    assert read_robots(200, b"User-agent: *\nCrawl-delay: 7", NOW).delay(AGENT) == 7.0
    assert read_robots(200, b"User-agent: *\nRequest-rate: 1/10s", NOW).delay(AGENT) == 10.0


KNOWN = Validator(etag='"1"', body_hash="x", full_at=NOW)


def test_a_known_page_is_asked_for_conditionally_for_a_day() -> None:
    assert headers(KNOWN, NOW + TRUST / 2) == {"If-None-Match": '"1"'}
    assert headers(KNOWN, NOW + TRUST) == {}
    assert headers(Validator(), NOW) == {}


def answered(before: Validator, body: bytes, etag: str = '"1"', status: int = 200) -> tuple[Verdict, Validator]:
    return judge(before, status=status, etag=etag, modified="", body=body, now=NOW)


def test_an_answer_is_judged_by_its_body() -> None:
    _, first = answered(Validator(), b"one")

    assert answered(first, b"", status=304)[0] is Verdict.UNCHANGED
    assert answered(first, b"one", etag='"2"')[0] is Verdict.UNCHANGED
    assert answered(first, b"two", etag='"2"')[0] is Verdict.CHANGED


def test_a_server_that_lies_is_asked_in_full_for_a_week() -> None:
    _, first = answered(Validator(), b"one")

    verdict, after = answered(first, b"two", etag='"1"')

    assert verdict is Verdict.LIED
    assert headers(after, NOW + timedelta(days=6)) == {}
    assert from_json(after.as_json()) == after
