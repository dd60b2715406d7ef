"""The clocks: tables of instants and the due times the norms give them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from alerts import calendar, deadlines
from core.clock import SHANGHAI, parse_instant
from core.errors import ConfigError
from tests.fixtures.county import NINE, a_county, a_window, minutes

COUNTY = a_county()


def due(stage: str, level: str, since: str) -> str:
    moment = parse_instant(since)
    planned = deadlines.plan(level, detected_at=moment, confirmed_at=moment, profile=COUNTY)
    found = next(deadline for deadline in planned if deadline.stage == stage)
    return f"{found.due_at.astimezone(SHANGHAI):%Y-%m-%dT%H:%M}"


@pytest.mark.parametrize(
    ("stage", "level", "since", "expected"),
    [
        # The night of the mock: every clock of level II.
        ("confirm", "II", "2026-11-19T00:15+08:00", "2026-11-19T00:25"),
        ("acknowledge", "II", "2026-11-19T00:23+08:00", "2026-11-19T00:53"),
        ("flash_report", "II", "2026-11-19T00:23+08:00", "2026-11-19T01:23"),
        ("first_feedback", "II", "2026-11-19T00:23+08:00", "2026-11-19T02:23"),
        ("authoritative_info", "II", "2026-11-19T00:23+08:00", "2026-11-19T05:23"),
        ("press_conference", "II", "2026-11-19T00:23+08:00", "2026-11-20T00:23"),
        ("verification_report", "II", "2026-11-19T00:23+08:00", "2026-11-20T18:00"),
        # The offset of the writer does not matter, the day in China does.
        ("verification_report", "II", "2026-11-18T16:23Z", "2026-11-20T18:00"),
        ("verification_report", "II", "2026-11-18T15:59Z", "2026-11-19T18:00"),
        # Clock hours run through nights, weekends and Golden Week.
        ("public_response", "III", "2026-09-30T23:30+08:00", "2026-10-02T23:30"),
        ("authoritative_info", "I", "2026-02-16T22:00+08:00", "2026-02-17T03:00"),
        # Golden Week 2026 is 10-01 to 10-07; Saturday 10-10 is worked in exchange.
        ("verification_report", "II", "2026-09-30T10:00+08:00", "2026-10-08T18:00"),
        ("verification_report", "III", "2026-10-08T10:00+08:00", "2026-10-10T18:00"),
        ("closure", "III", "2026-10-08T10:00+08:00", "2026-10-12T18:00"),
        # Sunday 2026-09-20 is worked; 09-25 to 09-27 is Mid-Autumn.
        ("verification_report", "II", "2026-09-19T12:00+08:00", "2026-09-20T18:00"),
        ("closure", "III", "2026-09-23T12:00+08:00", "2026-09-29T18:00"),
        # Spring Festival 2026 is 02-15 to 02-23; Saturdays 02-14 and 02-28 are worked.
        ("verification_report", "II", "2026-02-13T17:59+08:00", "2026-02-14T18:00"),
        ("verification_report", "III", "2026-02-13T17:59+08:00", "2026-02-24T18:00"),
        ("closure", "IV", "2026-02-23T08:00+08:00", "2026-02-28T18:00"),
        # May Day 2026 is 05-01 to 05-05; Saturday 05-09 is worked.
        ("closure", "III", "2026-04-30T09:00+08:00", "2026-05-08T18:00"),
        ("verification_report", "II", "2026-05-08T09:00+08:00", "2026-05-09T18:00"),
        # Confirmed on a Saturday or after the office closed: the next working day is the first.
        ("verification_report", "II", "2026-11-21T12:00+08:00", "2026-11-23T18:00"),
        ("verification_report", "II", "2026-11-20T18:00+08:00", "2026-11-23T18:00"),
        ("verification_report", "II", "2026-11-20T23:59:59+08:00", "2026-11-23T18:00"),
        # Leap day.
        ("press_conference", "I", "2024-02-28T12:00+08:00", "2024-02-29T12:00"),
        ("verification_report", "II", "2024-02-28T12:00+08:00", "2024-02-29T18:00"),
        ("press_conference", "I", "2028-02-28T12:00+08:00", "2028-02-29T12:00"),
        ("verification_report", "II", "2027-02-26T12:00+08:00", "2027-03-01T18:00"),
        # Year end: 2026-01-01 to 01-03 are free, Sunday 01-04 is worked.
        ("confirm", "I", "2025-12-31T23:58+08:00", "2026-01-01T00:03"),
        ("verification_report", "II", "2025-12-31T12:00+08:00", "2026-01-04T18:00"),
        ("public_response", "IV", "2026-12-31T12:00+08:00", "2027-01-02T12:00"),
        # A year whose notice is not known: weekends only.
        ("verification_report", "II", "2026-12-31T12:00+08:00", "2027-01-01T18:00"),
        ("closure", "IV", "2030-09-30T12:00+08:00", "2030-10-07T18:00"),
    ],
)
def test_due_times(stage: str, level: str, since: str, expected: str) -> None:
    assert due(stage, level, since) == expected


def test_confirmation_counts_from_detection_and_the_rest_from_the_confirmation() -> None:
    planned = deadlines.plan("II", detected_at=NINE, confirmed_at=NINE + minutes(8), profile=COUNTY)

    by_stage = {deadline.stage: deadline.due_at - NINE for deadline in planned}

    assert by_stage["confirm"] == minutes(10)
    assert by_stage["acknowledge"] == minutes(38)


@pytest.mark.parametrize(
    ("level", "missing"),
    [
        ("I", {"public_response", "closure", "dispatch"}),
        ("IV", {"flash_report", "press_conference", "follow_up_report", "dispatch"}),
    ],
)
def test_stages_without_a_window_have_no_deadline(level: str, missing: set[str]) -> None:
    planned = deadlines.plan(level, detected_at=NINE, confirmed_at=NINE, profile=COUNTY)

    assert set(deadlines.STAGES) - {deadline.stage for deadline in planned} == missing


def test_unknown_year_is_said_aloud() -> None:
    planned = deadlines.date_window(a_window("closure", "IV", "5wd"), parse_instant("2030-09-30"), COUNTY)

    assert "2030 年放假安排未收录" in planned.basis


def test_office_of_the_profile_ends_the_last_day() -> None:
    county = a_county(office_closes=datetime(2026, 1, 1, 17, 30, tzinfo=UTC).time())

    planned = deadlines.date_window(a_window("closure", "IV", "1wd"), NINE, county)

    assert planned.due_at == datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("typed", ["II", "Ⅱ", "ii", " II "])
def test_level_is_found_however_its_numeral_is_typed(typed: str) -> None:
    assert deadlines.known_level(typed, COUNTY) == "II"


@pytest.mark.parametrize("changes", [{"level": "V"}, {"topic": "nothing"}])
def test_what_the_profile_does_not_have_is_a_configuration_error(changes: dict[str, str]) -> None:
    values = {"level": "II", "topic": ""} | changes

    with pytest.raises(ConfigError, match="可用"):
        deadlines.plan(values["level"], detected_at=NINE, confirmed_at=NINE, profile=COUNTY, topic=values["topic"])


def test_steps_of_clock_time_are_shares_of_the_window() -> None:
    planned = deadlines.date_window(a_window("first_feedback", "II", "2h"), NINE, COUNTY)

    assert [(step.percent, step.at - NINE) for step in planned.steps] == [
        (50, minutes(60)),
        (80, minutes(96)),
        (100, minutes(120)),
        (150, minutes(180)),
        (200, minutes(240)),
    ]


def test_steps_of_working_days_fall_into_office_hours() -> None:
    planned = deadlines.date_window(a_window("closure", "III", "1wd"), NINE, COUNTY)

    shown = [(step.percent, f"{step.at.astimezone(SHANGHAI):%d %H:%M}") for step in planned.steps]

    assert shown == [(50, "20 13:30"), (80, "20 16:12"), (100, "20 18:00"), (150, "23 13:30"), (200, "23 18:00")]


def test_every_window_ends_even_when_the_profile_has_no_step_there() -> None:
    county = a_county(escalations=())

    planned = deadlines.date_window(a_window("closure", "III", "1h"), NINE, county)

    assert [(step.percent, step.kind) for step in planned.steps] == [(100, "overdue")]


def test_right_to_return_lapses_without_reminders() -> None:
    planned = deadlines.date_window(a_window("return_assignment", "II", "30m"), NINE, COUNTY)

    assert [(step.percent, step.kind) for step in planned.steps] == [(100, "lapse")]


def test_pause_moves_clock_time_by_its_length() -> None:
    moved = deadlines.resumed(
        NINE + minutes(60), working_days=False, paused_at=NINE, now=NINE + minutes(45), profile=COUNTY
    )

    assert moved == NINE + minutes(105)


@pytest.mark.parametrize(
    ("paused", "resumed", "expected"),
    [
        ("2026-11-20T17:00", "2026-11-22T12:00", "2026-11-23T18:00"),  # over a weekend: nothing was lost
        ("2026-11-20T17:00", "2026-11-23T10:00", "2026-11-24T18:00"),
        ("2026-09-30T09:00", "2026-10-08T09:00", "2026-11-24T18:00"),  # Golden Week counts as one day
    ],
)
def test_pause_moves_working_days_by_the_working_days_in_it(paused: str, resumed: str, expected: str) -> None:
    moved = deadlines.resumed(
        parse_instant("2026-11-23T18:00"),
        working_days=True,
        paused_at=parse_instant(paused),
        now=parse_instant(resumed),
        profile=COUNTY,
    )

    assert moved == parse_instant(expected)


@pytest.mark.parametrize("start", [date(2024, 2, 28), date(2026, 2, 13), date(2026, 9, 30), date(2026, 10, 9)])
@pytest.mark.parametrize("count", [1, 2, 5, 20])
def test_counting_back_undoes_counting_on_from_a_working_day(start: date, count: int) -> None:
    end = calendar.working_days_after(start, count).day

    assert calendar.working_days_before(end, count) == start
    assert calendar.working_days_between(start, end) == count


def test_length_in_words_has_no_zero_parts() -> None:
    lengths = [timedelta(minutes=90), timedelta(hours=48), timedelta(hours=96), timedelta(seconds=5), timedelta()]

    assert [deadlines.span(length) for length in lengths] == ["1 小时 30 分钟", "48 小时", "4 天", "5 秒", "0 分钟"]
