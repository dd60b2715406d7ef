"""The chain: every way to tamper with it is found and named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection

from alerts import audit
from alerts.desk import Action
from alerts.models import Alert, AlertEvent
from tests.fixtures.desk import an_alert, dispatched, do

pytestmark = [pytest.mark.django_db, pytest.mark.workflow]


def third() -> AlertEvent:
    return AlertEvent.objects.get(seq=3)


def change(**columns: object) -> Callable[[], object]:
    return lambda: AlertEvent.objects.filter(pk=third().pk).update(**columns)


def reseal() -> None:
    """Change an event and make its own hash fit again."""
    event = third()
    event.note = "另一种说法"
    event.hash = audit.seal(event.alert.number, event)
    event.save()


def postpone() -> None:
    """Move an event by the least there is."""
    change(at=third().at + timedelta(microseconds=1))()


def cut_off() -> None:
    """Take the last event away."""
    AlertEvent.objects.order_by("-seq")[0].delete()


def forge_tail() -> None:
    """Append an event with a fitting hash, as someone who knows the code would."""
    last = AlertEvent.objects.order_by("-seq")[0]
    forged = AlertEvent(alert=last.alert, seq=last.seq + 1, at=last.at, actor="x", kind="note", previous_hash=last.hash)
    forged.hash = audit.seal(last.alert.number, forged)
    forged.save()


def raw(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def delete_alert() -> None:
    for table in ("alerts_notification", "alerts_deadline", "alerts_alertpost", "alerts_alertevent", "alerts_alert"):
        raw(f"DELETE FROM {table}")


@pytest.mark.parametrize(
    ("tamper", "reason"),
    [
        (change(note="另一种说法"), "内容与校验值不符"),
        (change(actor="somebody"), "内容与校验值不符"),
        (change(to_state="closed"), "内容与校验值不符"),
        (change(data={}), "内容与校验值不符"),
        (postpone, "内容与校验值不符"),
        (lambda: raw("UPDATE alerts_alertevent SET at = '2020-01-01 00:00:00' WHERE seq = 3"), "内容与校验值不符"),
        (change(hash="0" * 64), "内容与校验值不符"),
        (change(previous_hash="0" * 64), "与上一条不衔接"),
        (reseal, "与上一条不衔接"),
        (lambda: AlertEvent.objects.filter(seq=2).delete(), "序号不连续"),
        (cut_off, "可能被截断"),
        (forge_tail, "可能被截断"),
        (lambda: Alert.objects.update(level="I"), "level 为 I，记录为 III"),
        (lambda: Alert.objects.update(state="closed"), "状态为 closed，记录为 acknowledged"),
        (lambda: Alert.objects.update(co_units=[]), "co_units"),
        (delete_alert, "告警缺失"),
    ],
    ids=[
        "note",
        "actor",
        "state",
        "data",
        "time",
        "raw time",
        "hash",
        "previous",
        "resealed",
        "deleted",
        "cut off",
        "forged",
        "level",
        "alert state",
        "units",
        "alert",
    ],
)
def test_tampering_is_found(tamper: Callable[[], object], reason: str) -> None:
    do(dispatched(co=("police",)), Action.ACKNOWLEDGE)

    tamper()

    assert any(reason in broken.reason for broken in audit.verify().broken)


def test_untouched_record_holds_and_has_a_head() -> None:
    dispatched()
    an_alert(key="青禾乡")

    verdict = audit.verify()

    assert (verdict.alerts, verdict.broken, len(verdict.head)) == (2, (), 64)


def test_break_names_its_place() -> None:
    alert = dispatched()

    AlertEvent.objects.filter(alert=alert, seq=2).update(note="另一种说法")

    assert [(broken.number, broken.seq) for broken in audit.verify().broken] == [(alert.number, 2)]
