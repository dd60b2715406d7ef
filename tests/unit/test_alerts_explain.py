"""Why was I (not) told: rows, reasons, routes."""

from __future__ import annotations

from typing import Any

import pytest

from alerts import desk, explain
from alerts.desk import Action
from alerts.models import Alert
from core.errors import ConfigError
from tests.fixtures.county import NINE
from tests.fixtures.desk import COUNTY, an_alert, at, confirmed, dispatched, do

pytestmark = [pytest.mark.django_db, pytest.mark.workflow]


def reasons(alert: Alert) -> dict[str, str]:
    """Who heard nothing, and why."""
    return {missing.who: missing.reason for missing in explain.why_alert(alert, COUNTY).not_told}


def routed(level: str = "II", **changes: Any) -> dict[str, set[str]]:
    values: dict[str, Any] = {"topic": "wages", "places": ("石澜镇",), "flags": ()} | changes
    telling = desk.telling_at(COUNTY, NINE)
    found: dict[str, set[str]] = {}
    for route in explain.routes(level, telling=telling, now=NINE, **values)[1]:
        found.setdefault(route.moment, set()).add(route.who)
    return found


def test_every_message_of_an_alert_is_told() -> None:
    alert = dispatched()

    told = explain.why_alert(alert, COUNTY).told

    assert ("指派", "县人社局联络员 县人社局联络员", "slack", "待发送") in {
        (message.kind, message.who, message.channel, message.state) for message in told
    }


def test_officer_off_duty_is_told_who_was_on() -> None:
    assert reasons(an_alert())["值班员 沈知禾"].startswith("发现时不当班（当班：")


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        ("政府主要负责人 骆明远", "未到条件：III 级不报政府主要负责人，也没有时限升级到此"),
        ("县委宣传部联络员 县委宣传部联络员", "未到条件：III 级不须其参加会商"),
        ("县公安局联络员 县公安局联络员", "未到条件：无谣言、聚集标记"),
        ("县人社局负责人 县人社局局长", "未到条件：没有时限用到 80%"),
    ],
)
def test_everyone_left_out_has_a_reason(who: str, reason: str) -> None:
    assert reasons(dispatched("III"))[who] == reason


def test_nobody_of_a_unit_hears_before_the_dispatch() -> None:
    assert reasons(confirmed("III"))["县人社局联络员 县人社局联络员"] == "尚未指派"


def test_person_sees_what_they_were_told_and_what_not() -> None:
    alert = dispatched()
    other = an_alert(1, key="青禾乡")

    told, missing = explain.why_person("县人社局联络员", COUNTY, at(5))

    assert {message.number for message in told} == {alert.number}
    assert [(row.who.split()[0], row.reason) for row in missing] == [(other.number, "尚未指派")]


def test_skipped_message_keeps_its_reason() -> None:
    alert = do(confirmed(), Action.DISPATCH, lead="gov_office", co=("shilan",))

    rows = explain.why_alert(alert, COUNTY).told

    assert all(row.error for row in rows if row.state == "未通知")


def test_route_goes_to_place_and_department() -> None:
    found = routed()

    assert found["指派"] == {"石澜镇联络员 石澜镇联络员", "县人社局联络员 县人社局联络员"}
    assert "分管领导 闻景澄" in found["核查初报已用 100%"]


def test_route_of_an_unknown_level_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="没有级别"):
        routed("V")
