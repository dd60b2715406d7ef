"""Handover, roster, receipts, accounts, configuration: what a person does there, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pyotp
import pytest
from django.contrib.auth.models import User
from django.test import Client

from alerts.models import Alert, DutyOverride, Handover, Notification
from caifeng import profile
from console import totp
from console.models import SecondFactor
from storage import documents
from tests.fixtures.console_client import county, wire
from tests.fixtures.console_night import MATTERS, NIGHT, an_alert, people
from tests.fixtures.console_password import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.workflow]


@pytest.fixture
def alert(tmp_path: Path) -> Alert:
    """One alert, everybody's account, the configuration's first versions."""
    people()
    for name, text in profile.texts(profile.find("example-county")).items():
        documents.save(name, text, based_on=0, actor="system:setup", now=NIGHT)
    return an_alert(2, MATTERS[1], county(), wire(tmp_path), NIGHT)


def as_(login: str) -> Client:
    """Somebody's browser."""
    client = Client()
    client.force_login(User.objects.get(username=login))
    return client


def test_a_handover_is_signed_by_two_different_people(alert: Alert) -> None:
    as_("shenzhihe").post("/handover/out", {"notes": "石澜镇一事待续报"})
    row = Handover.objects.get()
    as_("shenzhihe").post(f"/handover/{row.pk}/in")
    assert Handover.objects.get().incoming == ""

    as_("zhushuyan").post(f"/handover/{row.pk}/in")

    row.refresh_from_db()
    assert (row.outgoing, row.incoming, row.summary["未结"]) == ("shenzhihe", "zhushuyan", 1)


def test_a_shift_is_handed_over_once(alert: Alert) -> None:
    for _ in range(2):
        as_("shenzhihe").post("/handover/out", {"notes": ""})

    assert Handover.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({}, 1),
        ({"login": "nobody"}, 0),
        ({"replaces": "taoxingjian"}, 0),
        ({"end": "2026-11-19T20:00"}, 0),
        ({"start": "tomorrow"}, 0),
    ],
)
def test_a_substitute_is_taken_only_when_it_makes_sense(changes: dict[str, str], kept: int, alert: Alert) -> None:
    given = {"login": "taoxingjian", "replaces": "shenzhihe", "start": "2026-11-19T20:00", "end": "2026-11-20T08:00"}

    as_("guhuaiqing").post("/roster/substitutes", given | changes)

    assert DutyOverride.objects.count() == kept


def test_a_failed_message_is_queued_again_under_its_own_id(alert: Alert) -> None:
    row = Notification.objects.filter(alert=alert)[0]
    Notification.objects.filter(pk=row.pk).update(state="failed", error="超时", attempts=9)

    as_("guhuaiqing").post(f"/receipts/{row.pk}/resend")

    row.refresh_from_db()
    assert (row.state, row.attempts, row.error) == ("pending", 0, "")


def test_an_administrator_cannot_lock_themselves_out(alert: Alert) -> None:
    admin = User.objects.get(username="admin")

    as_("admin").post(f"/users/{admin.pk}/", {"role": ["auditor"], "active": "1"})

    assert {group.name for group in admin.groups.all()} == {"administrator"}


def test_a_weak_password_makes_no_account(alert: Alert) -> None:
    as_("admin").post("/users/add", {"login": "new", "password": "12345", "role": ["auditor"]})

    assert not User.objects.filter(username="new").exists()


def test_a_new_account_gets_its_role_and_unit(alert: Alert) -> None:
    given = {"login": "new", "name": "新人", "password": PASSWORD, "role": ["department"], "unit": "police"}

    as_("admin").post("/users/add", given)

    user = User.objects.get(username="new")
    assert (user.groups.get().name, user.contact.unit) == ("department", "police")


def test_a_faulty_section_is_refused_with_file_and_line_and_the_text_stays(alert: Alert) -> None:
    response = as_("admin").post("/setup/levels/", {"text": "levels:\n  - {id: I}\n", "version": "1"})

    assert response.status_code == 422
    assert "levels.yaml:" in response.content.decode()
    assert "  - {id: I}" in response.content.decode()
    assert documents.newest("levels").version == 1


def test_a_section_becomes_the_next_version_with_its_difference(alert: Alert) -> None:
    text = str(documents.newest("roster").body).replace("白班", "日班")

    as_("admin").post("/setup/roster/", {"text": text, "version": "1", "note": "改名"})

    assert documents.newest("roster").version == 2
    assert "日班" in as_("auditor").get("/setup/roster/2/").content.decode()


def test_whoever_saves_second_is_told(alert: Alert) -> None:
    text = str(documents.newest("roster").body)
    as_("admin").post("/setup/roster/", {"text": text + "\n# 一", "version": "1"})

    response = as_("admin").post("/setup/roster/", {"text": text + "\n# 二", "version": "1"})

    assert response.status_code == 422
    assert documents.newest("roster").version == 2


def test_a_rule_is_replayed_and_compared_with_a_draft(alert: Alert) -> None:
    url = "/rules/school-sickness/replay"
    wide = "title: 试\ntype: any\nquery: 肚子疼\n"

    response = as_("admin").post(url, {"draft": wide, "days": "7"}).content.decode()

    assert "试跑新增" in response
    assert as_("admin").post(url, {"draft": "type: nothing", "days": "7"}).status_code == 422


def test_a_second_factor_counts_once_confirmed_and_each_code_once(alert: Alert) -> None:
    user = User.objects.get(username="leader")
    totp.begin(user)
    secret = SecondFactor.objects.get(user=user).secret
    assert not totp.confirmed(user)
    code = pyotp.TOTP(secret).at(NIGHT)

    assert totp.confirm(user, code, NIGHT)
    assert not totp.accepts(user, code, NIGHT)
    assert totp.accepts(user, pyotp.TOTP(secret).at(NIGHT + timedelta(seconds=30)), NIGHT + timedelta(seconds=30))


def test_a_login_with_a_second_factor_needs_its_code(alert: Alert) -> None:
    user = User.objects.get(username="leader")
    totp.begin(user)
    secret = SecondFactor.objects.get(user=user).secret
    totp.confirm(user, pyotp.TOTP(secret).at(NIGHT), NIGHT)
    given = {"username": "leader", "password": PASSWORD}

    assert Client().post("/login", given).status_code == 422
    code = pyotp.TOTP(secret).at(NIGHT + timedelta(seconds=30))
    assert Client().post("/login", given | {"code": code}).status_code == 302


def test_the_audit_says_whether_the_chain_holds(alert: Alert) -> None:
    page = as_("auditor").get("/audit/?verify=1").content.decode()

    assert "全部相符" in page
