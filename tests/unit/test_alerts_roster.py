"""The roster: rotation, nights, substitutes, gaps."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest

from alerts import roster
from alerts.roster import OnDuty, Substitution
from core.clock import parse_instant
from core.profile import DutyMember, Profile, Roster, Shift
from tests.fixtures.county import a_county

COUNTY = a_county()


def duty(at: str, *overrides: Substitution, county: Profile = COUNTY) -> OnDuty:
    return roster.on_duty(county, overrides, parse_instant(at))


def a_substitute(**changes: Any) -> Substitution:
    values: dict[str, Any] = {
        "start": parse_instant("2026-11-19T20:00"),
        "end": parse_instant("2026-11-20T08:00"),
        "login": "wen",
        "replaces": "shen",
        "reason": "病假",
    }
    return Substitution(**(values | changes))


@pytest.mark.parametrize(
    ("at", "shift", "officers"),
    [
        ("2026-01-01T08:00", "白班", ["tao"]),
        ("2026-01-02T08:00", "白班", ["wen"]),
        ("2026-01-03T19:59:59", "白班", ["tao"]),
        ("2026-01-03T20:00", "夜班", ["shen"]),
        ("2026-01-04T07:59:59", "夜班", ["shen"]),
        ("2025-12-31T12:00", "白班", ["wen"]),
    ],
)
def test_shifts_rotate_by_day_and_run_past_midnight(at: str, shift: str, officers: list[str]) -> None:
    found = duty(at)

    assert (found.shift, [member.login for member in found.officers]) == (shift, officers)


def test_night_shift_knows_when_it_ends() -> None:
    found = duty("2026-01-04T03:00")

    assert (found.start, found.end) == (parse_instant("2026-01-03T20:00"), parse_instant("2026-01-04T08:00"))


def test_substitute_takes_the_place_and_it_is_said() -> None:
    found = duty("2026-11-19T23:00", a_substitute())

    assert [member.login for member in found.officers] == ["wen"]
    assert found.remarks == ("闻以宁替沈知禾值班（病假）",)


@pytest.mark.parametrize(("at", "login"), [("2026-11-18T20:00", "wen"), ("2026-11-20T20:00", "wen")])
def test_substitution_ends_with_its_time(at: str, login: str) -> None:
    assert login not in [member.login for member in duty(at, a_substitute()).officers]


def test_added_person_joins_the_shift() -> None:
    found = duty("2026-11-19T23:00", a_substitute(replaces=""))

    assert {member.login for member in found.officers} == {"shen", "wen"}


def test_added_lead_joins_the_leads() -> None:
    found = duty("2026-11-19T23:00", a_substitute(replaces="", login="gu"))

    assert [member.login for member in found.officers] == ["shen"]


def test_unknown_substitute_leaves_a_gap_that_is_said() -> None:
    found = duty("2026-11-19T23:00", a_substitute(login="nobody"))

    assert found.officers == ()
    assert "值班表上没有 nobody" in found.remarks


def test_one_person_in_two_posts_is_counted_once() -> None:
    shift = Shift(name="全天", start=time(0), end=time(0), officers=("gu",), leads=("gu",))
    county = a_county(roster=Roster(anchor="2026-01-01", shifts=(shift,), members=COUNTY.roster.members))

    assert len(duty("2026-01-01T12:00", county=county).people) == 1


def test_gaps_ahead_are_found() -> None:
    shifts = (COUNTY.roster.shifts[0],)
    county = a_county(roster=Roster(anchor="2026-01-01", shifts=shifts, members=COUNTY.roster.members))

    found = roster.gaps(county, [], parse_instant("2026-01-01T12:00"), parse_instant("2026-01-02T12:00"))

    assert [(gap.start, gap.end, gap.reason) for gap in found] == [
        (parse_instant("2026-01-01T20:00"), parse_instant("2026-01-02T08:00"), "此时没有班次")
    ]


def test_full_roster_has_no_gap() -> None:
    assert roster.gaps(COUNTY, [], parse_instant("2026-01-01"), parse_instant("2026-01-15")) == []


def test_people_who_cannot_be_reached_are_a_gap() -> None:
    mute = DutyMember(login="shen", name="沈知禾", role="duty_officer")
    members = tuple(mute if member.login == "shen" else member for member in COUNTY.roster.members)
    county = a_county(roster=Roster(anchor="2026-01-01", shifts=COUNTY.roster.shifts, members=members))

    found = roster.gaps(county, [], parse_instant("2026-01-01T08:00"), parse_instant("2026-01-02T08:00"))

    assert [gap.reason for gap in found] == ["沈知禾没有登记联系渠道"]
