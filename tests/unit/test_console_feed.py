"""The feed: order, heads, pages, counts – on the real workflow tables."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from alerts.models import Alert, Deadline
from console import feed
from console.duty import Turn
from console.feed import Ask, Group, Tab
from console.roles import Officer, Role
from tests.fixtures.console_client import county, wire
from tests.fixtures.console_night import NIGHT, a_night

pytestmark = [pytest.mark.django_db, pytest.mark.workflow]

OFFICER = Officer(login="shenzhihe", name="沈知禾", roles=frozenset({Role.DUTY_OFFICER}))
TURN = Turn(name="夜班", start=NIGHT - timedelta(hours=6), end=NIGHT + timedelta(hours=6))


@pytest.fixture(scope="module", autouse=True)
def night(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Alert]]:
    """Sixteen open alerts under every test, each of which takes back what it changed."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield a_night(county(), wire(tmp_path_factory.mktemp("night")))
        transaction.set_rollback(True)


def many(number: int, due: datetime = NIGHT) -> None:
    """Alerts by the hundred, two with each end."""
    rows = [
        Alert(
            number=f"2025-{at:04d}",
            title=f"第 {at} 条",
            state="handling",
            rule=f"r{at}",
            reason="试验",
            level="IV",
            suggested_level="IV",
            lead_unit="housing_bureau",
            detected_at=NIGHT,
        )
        for at in range(number)
    ]
    Alert.objects.bulk_create(rows)
    Deadline.objects.bulk_create(
        Deadline(
            alert=row,
            stage="closure",
            started_at=NIGHT - timedelta(hours=1),
            due_at=due + timedelta(minutes=at // 2),
            basis="试验",
        )
        for at, row in enumerate(rows)
    )


def test_least_time_left_comes_first() -> None:
    alerts, _ = feed.page(feed.asked(Ask(), OFFICER, TURN, NIGHT), "")
    shown = feed.rows(alerts, OFFICER, county(), TURN, NIGHT)

    ends = [row.clock.due for row in shown if row.clock]

    assert len(shown) == 16
    assert ends == sorted(ends)
    assert [row.group for row in shown] == sorted((row.group for row in shown), key=list(Group).index)


def test_pages_follow_each_other_without_gap_or_repeat() -> None:
    many(150)
    wanted, seen, after = feed.asked(Ask(), OFFICER, TURN, NIGHT), [], ""
    while True:
        alerts, after = feed.page(wanted, after)
        seen += [alert.number for alert in alerts]
        if not after:
            break

    assert [number for number in seen if number.startswith("2025-")] == [f"2025-{at:04d}" for at in range(150)]
    assert len(seen) == len(set(seen)) == 16 + 150


def test_the_heads_count_what_stands_under_them() -> None:
    wanted = feed.asked(Ask(), OFFICER, TURN, NIGHT)
    alerts, _ = feed.page(wanted, "")
    rows = feed.rows(alerts, OFFICER, county(), TURN, NIGHT)

    counted = feed.standing(wanted, TURN, NIGHT).groups

    assert counted == {group: sum(row.group is group for row in rows) for group in Group}


@pytest.mark.parametrize("tab", Tab)
def test_the_tabs_count_what_they_show(tab: Tab) -> None:
    shown = feed.asked(Ask(tab=tab), OFFICER, TURN, NIGHT).count()

    assert feed.counts(feed.standing(feed.opened(OFFICER), TURN, NIGHT), OFFICER, TURN, NIGHT)[tab] == shown


def test_a_met_a_paused_and_a_cancelled_clock_do_not_run(night: list[Alert]) -> None:
    alert = night[0]
    due = feed.with_due(Alert.objects.filter(pk=alert.pk)).values_list("due", flat=True)
    before = due.get()
    Deadline.objects.filter(alert=alert, due_at=before).update(met_at=NIGHT)

    assert before < due.get()
    Deadline.objects.filter(alert=alert).update(paused_at=NIGHT)
    assert due.get() is None


def test_an_alert_is_new_until_its_person_opened_it(night: list[Alert]) -> None:
    from console.models import Opened

    fresh = next(alert for alert in night if alert.state == "detected")
    [before] = feed.rows([fresh], OFFICER, county(), TURN, NIGHT)
    Opened.objects.create(login=OFFICER.login, alert=fresh, at=NIGHT)
    [after] = feed.rows([fresh], OFFICER, county(), TURN, NIGHT)

    assert (before.unread, after.unread) == (True, False)


@pytest.mark.parametrize("key", ["", "~", "x~1", "2026-13-99~4", "~abc", "2026-11-19T02:00:00+00:00~x"])
def test_a_key_that_cannot_be_read_is_the_start(key: str) -> None:
    alerts, _ = feed.page(feed.asked(Ask(), OFFICER, TURN, NIGHT), key)

    assert len(alerts) == 16


def test_words_find_numbers_and_titles() -> None:
    found = feed.asked(Ask(words="停电"), OFFICER, TURN, NIGHT)

    assert [alert.title for alert in found] == ["三个村停电超 6 小时，抢修进度未公布"]
