"""Every address for every role: a table written by hand, checked against the running console."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from alerts import links
from alerts.desk import Action
from alerts.models import Alert
from console.urls import urlpatterns
from tests.fixtures.console_client import county, wire
from tests.fixtures.console_night import MATTERS, NIGHT, PEOPLE, an_alert, people
from tests.fixtures.console_password import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.workflow]

#: o duty officer, l duty lead, d department, c leader, a administrator, u auditor; * without login.
WHO = {"o": "shenzhihe", "l": "guhuaiqing", "d": "market", "c": "leader", "a": "admin", "u": "auditor"}
TABLE = {
    "login": "*",
    "logout": "*",
    "oidc": "*",
    "oidc_back": "*",
    "levels_css": "*",
    "link": "*",
    "remaining": "oldcau",
    "extend": "oldcau",
    "account": "oldcau",
    "live": "oldcau",
    "stand": "oldcau",
    "desk": "oldcau",
    "feed": "oldcau",
    "tabs": "oldcau",
    "alert": "oldcau",
    "peek": "oldcau",
    "row": "oldcau",
    "act_form": "oldcau",
    "act": "oldca",
    "act_bulk": "oldca",
    "bulk_form": "oldca",
    "posts": "olcau",
    "save_view": "olcau",
    "drop_view": "olcau",
    "post": "olcau",
    "correct": "ol",
    "export": "olc",
    "incidents": "olcau",
    "incident": "olcau",
    "join_incident": "ol",
    "split_incident": "ol",
    "trends": "olcau",
    "handover": "olau",
    "sign_out": "ol",
    "sign_in": "ol",
    "wall": "olcau",
    "wall_body": "olcau",
    "sources": "olau",
    "rules": "olau",
    "rule": "olau",
    "replay": "olau",
    "roster": "olcau",
    "substitute": "la",
    "drop_substitute": "la",
    "sections": "olau",
    "section": "a",
    "section_version": "olau",
    "receipts": "olau",
    "resend": "ola",
    "audit": "lau",
    "users": "au",
    "add_user": "a",
    "edit_user": "a",
}
POSTS = {
    "logout",
    "extend",
    "stand",
    "act",
    "act_bulk",
    "save_view",
    "drop_view",
    "sign_out",
    "sign_in",
    "substitute",
    "drop_substitute",
    "resend",
    "add_user",
    "edit_user",
    "replay",
    "correct",
    "export",
    "join_incident",
    "split_incident",
}
ARGUMENTS = {
    "token": "no-token",
    "number": "2026-0001",
    "action": "note",
    "post_id": "202611-0",
    "incident_id": "sj-0002",
    "rule_id": "school-sickness",
    "name": "rules",
    "version": 1,
}


@pytest.fixture
def alert(tmp_path: Path) -> Alert:
    """One alert in the hands of 县市场监管局, and everybody's account."""
    people()
    return an_alert(2, MATTERS[1], county(), wire(tmp_path), NIGHT)


def ask(client: Client, name: str) -> int:
    """The status of an address."""
    pattern = next(pattern for pattern in urlpatterns if pattern.name == name)
    wanted = pattern.pattern.converters
    known = {**ARGUMENTS, "pk": uuid.UUID(int=0) if name == "resend" else 0}
    url = reverse(name, kwargs={key: known[key] for key in wanted})
    response = client.post(url) if name in POSTS else client.get(url)
    if response.status_code == 302 and response.headers["Location"].startswith("/login"):
        return 302 if name != "logout" else 200
    response.close()
    return 200 if response.status_code == 302 else response.status_code


def test_every_address_stands_in_the_table() -> None:
    assert {pattern.name for pattern in urlpatterns} == TABLE.keys()


def test_without_login_only_the_open_addresses_answer(alert: Alert) -> None:
    sent_to_login = {name for name in TABLE if ask(Client(), name) == 302}

    assert sent_to_login == {name for name, roles in TABLE.items() if roles != "*"}


@pytest.mark.parametrize("role", WHO)
def test_each_role_opens_what_the_table_says_and_nothing_else(role: str, alert: Alert) -> None:
    client = Client()
    client.force_login(User.objects.get(username=WHO[role]))

    opened = {name for name in TABLE if TABLE[name] != "*" and ask(client, name) != 403}

    assert opened == {name for name, roles in TABLE.items() if role in roles}


def test_an_account_without_a_role_opens_nothing(alert: Alert) -> None:
    client = Client()
    client.force_login(User.objects.create_user("nobody"))

    assert {ask(client, name) for name, roles in TABLE.items() if roles != "*"} == {403}


def everywhere(patterns: list[URLPattern | URLResolver]) -> list[URLPattern]:
    """All addresses below a list of patterns."""
    found: list[URLPattern] = []
    for pattern in patterns:
        found += everywhere(pattern.url_patterns) if isinstance(pattern, URLResolver) else [pattern]
    return found


def test_every_console_view_is_marked_with_its_page() -> None:
    views = [pattern.callback for pattern in everywhere(get_resolver().url_patterns)]

    unmarked = [view for view in views if view.__module__.startswith("console.") and not hasattr(view, "page")]

    assert unmarked == []


@pytest.mark.parametrize("name", ["alert", "peek", "row", "act_form"])
def test_a_department_cannot_tell_a_foreign_alert_from_none(name: str, alert: Alert) -> None:
    client = Client()
    client.force_login(User.objects.get(username="housing"))
    kwargs = {"number": alert.number} | ({"action": "note"} if name == "act_form" else {})
    foreign = client.get(reverse(name, kwargs=kwargs))
    missing = client.get(reverse(name, kwargs=kwargs | {"number": "2026-9999"}))

    assert (foreign.status_code, missing.status_code) == (404, 404)


def test_a_department_sees_its_own_alert_in_the_feed_and_no_other(alert: Alert, tmp_path: Path) -> None:
    other = an_alert(1, MATTERS[0], county(), None, NIGHT)
    client = Client()
    client.force_login(User.objects.get(username="market"))

    page = client.get("/").content.decode()

    assert alert.number in page
    assert other.number not in page


def test_a_department_does_not_see_what_was_not_dispatched(tmp_path: Path) -> None:
    people()
    wire(tmp_path)
    alert = an_alert(6, MATTERS[5], county(), None, NIGHT)  # returned, so proposed again
    client = Client()
    client.force_login(User.objects.get(username="market"))

    assert client.get(f"/alerts/{alert.number}/").status_code == 404


def test_acting_on_a_foreign_alert_changes_nothing(alert: Alert) -> None:
    client = Client()
    client.force_login(User.objects.get(username="housing"))

    status = client.post(f"/alerts/{alert.number}/act", {"action": "note", "note": "x"}).status_code

    assert status == 404
    assert not alert.events.filter(kind="note").exists()


def test_a_bulk_action_tells_the_number_of_each_failure(alert: Alert) -> None:
    client = Client()
    client.force_login(User.objects.get(username="housing"))

    page = client.post("/alerts/act", {"action": "note", "note": "x", "alert": [f"{alert.number}:0"]})

    assert "成功 0，失败 1" in page.content.decode()
    assert "不在可见范围" in page.content.decode()


def test_a_form_without_its_token_is_refused(alert: Alert) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get(username="shenzhihe"))

    assert client.post(f"/alerts/{alert.number}/act", {"action": "note", "note": "x"}).status_code == 403


def test_a_signed_link_opens_one_alert_for_its_unit_and_acts_for_it(alert: Alert) -> None:
    token = links.sign(alert.pk, "market_regulation", {Action.NOTE}, NIGHT.replace(year=2027))
    client = Client()

    assert client.get(f"/act/{token}").status_code == 200
    assert client.post(f"/act/{token}", {"action": "note", "note": "已到现场"}).status_code == 200
    assert alert.events.get(kind="note").actor == "unit:market_regulation"


@pytest.mark.parametrize(
    ("unit", "action", "year"),
    [("market_regulation", "feedback", 2027), ("housing_bureau", "note", 2027), ("market_regulation", "note", 2020)],
)
def test_a_signed_link_does_no_more_than_it_says(unit: str, action: str, year: int, alert: Alert) -> None:
    token = links.sign(alert.pk, unit, {Action.NOTE}, NIGHT.replace(year=year))
    before = alert.events.count()

    status = Client().post(f"/act/{token}", {"action": action, "note": "x"}).status_code

    assert status in (410, 422)
    assert alert.events.count() == before


def test_five_wrong_passwords_lock_the_login(alert: Alert) -> None:
    client = Client()
    wrong = {"username": PEOPLE[0][0], "password": "wrong", "next": ""}

    statuses = [client.post("/login", wrong).status_code for _ in range(5)]

    assert statuses[-1] == 429
    assert set(statuses[:-1]) == {422}


def test_a_login_leads_nowhere_but_here(alert: Alert) -> None:
    sent = {"username": "shenzhihe", "password": PASSWORD, "next": "https://elsewhere.example/"}

    assert Client().post("/login", sent).headers["Location"] == "/"


def test_every_answer_forbids_foreign_and_inline_code(alert: Alert) -> None:
    policy = Client().get("/login").headers["Content-Security-Policy"]

    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
