"""The desk on rows: what each action changes, starts, stops and tells."""

from __future__ import annotations

from typing import Any

import pytest

from alerts import audit, desk
from alerts.desk import Action, Command
from alerts.models import Alert, AlertEvent, Deadline, Notification
from core.errors import Conflict, Refused
from tests.fixtures.county import NINE, a_county, a_finding, a_post, minutes

pytestmark = [pytest.mark.django_db, pytest.mark.workflow]

COUNTY = a_county()


def an_alert(after: float = 0, **finding: Any) -> Alert:
    return desk.open_or_join(
        a_finding(**finding),
        rule_title="欠薪",
        severity=None,
        owner_hint=None,
        posts=[a_post()],
        profile=COUNTY,
        now=NINE + minutes(after),
    )


def do(alert: Alert, action: Action, after: float = 1, actor: str = "system:test", **fields: Any) -> Alert:
    command = Command(alert=alert.pk, action=action, actor=actor, **fields)
    return desk.act(command, COUNTY, NINE + minutes(after))


def dispatched(**fields: Any) -> Alert:
    alert = an_alert()
    do(alert, Action.CONFIRM, level="III")
    return do(alert, Action.DISPATCH, lead="human_resources", **fields)


def test_whole_way_closes_with_an_intact_chain() -> None:
    alert = dispatched(co=("police",))

    do(alert, Action.ACKNOWLEDGE, actor="unit:human_resources")
    do(alert, Action.HANDLE, note="已到场")
    do(alert, Action.REPORT, note="已核实")
    do(alert, Action.RESPOND, text="已发放", channel="县政府网站")
    closed = do(alert, Action.CLOSE, actor="unit:human_resources")

    assert closed.state == "closed"
    assert not Deadline.objects.filter(alert=alert, met_at=None, cancelled_at=None).exists()
    assert audit.verify().broken == ()
