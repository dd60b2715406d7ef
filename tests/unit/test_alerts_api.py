"""The API: tokens, scopes, what a unit may see, and refusals as answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from ninja.testing import TestClient

from alerts import api
from alerts.models import ApiToken, Contact
from core.errors import ConfigError
from tests.fixtures.county import NINE
from tests.fixtures.desk import COUNTY, an_alert, at, dispatched

CLIENT = TestClient(api.router(lambda: COUNTY, lambda: at(2)))

pytestmark = [pytest.mark.django_db, pytest.mark.workflow]


def a_token(role: str = "duty_officer", unit: str = "", scopes: tuple[str, ...] = api.SCOPES) -> str:
    user = User.objects.create_user(f"{role}{unit}{len(scopes)}")
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    Contact.objects.create(name=role, unit=unit, role=role, user=user)
    return api.issue(user.username, user, scopes, NINE)


def get(token: str, address: str) -> Any:
    return CLIENT.get(f"/{address}", headers={"Authorization": f"Bearer {token}"})


def post(token: str, address: str, body: dict[str, Any]) -> Any:
    return CLIENT.post(f"/{address}", json=body, headers={"Authorization": f"Bearer {token}"})


def test_list_holds_open_alerts_with_their_next_deadline() -> None:
    alert = an_alert()

    found = get(a_token(), "alerts").json()["alerts"]

    assert [(row["number"], row["next_stage"]) for row in found] == [(alert.number, "confirm")]
    assert datetime.fromisoformat(found[0]["next_due_at"]) == at(30).astimezone(UTC)


def test_list_is_paged_by_the_last_id() -> None:
    for key in "甲乙丙":
        an_alert(key=key)
    token = a_token()

    first = get(token, "alerts?limit=2").json()
    second = get(token, f"alerts?limit=2&after={first['after']}").json()

    assert [row["key"] for row in first["alerts"] + second["alerts"]] == ["丙", "乙", "甲"]
    assert second["after"] is None


def test_act_confirms_and_answers_with_the_new_state() -> None:
    alert = an_alert()

    answer = post(a_token(), f"alerts/{alert.number}/act", {"action": "confirm", "level": "II", "version": 0})

    assert (answer.status_code, answer.json()["state"], answer.json()["version"]) == (200, "assessed", 1)
    assert answer.json()["events"][-1]["actor"].startswith("duty_officer")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"action": "confirm", "level": "II", "version": 7}, 409),
        ({"action": "confirm", "level": "V"}, 422),
        ({"action": "vanish"}, 422),
    ],
)
def test_refusals_are_answers(body: dict[str, Any], status: int) -> None:
    alert = an_alert()

    assert post(a_token(), f"alerts/{alert.number}/act", body).status_code == status


@pytest.mark.parametrize(("scopes", "status"), [(("alerts:read",), 403), (("alerts:act",), 422)])
def test_scope_is_needed_to_act(scopes: tuple[str, ...], status: int) -> None:
    alert = an_alert()

    assert post(a_token(scopes=scopes), f"alerts/{alert.number}/act", {"action": "dismiss"}).status_code == status


def test_department_sees_its_own_alerts_only() -> None:
    own = dispatched()
    an_alert(key="青禾乡")

    found = get(a_token("department", "human_resources"), "alerts").json()["alerts"]
    foreign = get(a_token("department", "education"), f"alerts/{own.number}")

    assert [row["number"] for row in found] == [own.number]
    assert foreign.status_code == 404


def test_detail_says_what_one_may_not_do_and_why() -> None:
    alert = an_alert()

    actions = get(a_token(), f"alerts/{alert.number}").json()["actions"]

    assert (actions["confirm"], actions["dispatch"]) == ("", "须先确认定级")


def test_why_lists_the_told() -> None:
    alert = dispatched()

    assert "指派" in {row["kind"] for row in get(a_token(), f"alerts/{alert.number}/why").json()["told"]}


@pytest.mark.parametrize("token", ["", "wrong"])
def test_without_a_valid_token_nothing_is_said(token: str) -> None:
    assert get(token, "alerts").status_code == 401


def test_revoked_token_is_dead() -> None:
    token = a_token()
    ApiToken.objects.update(revoked_at=NINE)

    assert get(token, "alerts").status_code == 401


def test_token_itself_is_not_kept() -> None:
    token = a_token()

    assert token not in str(ApiToken.objects.values().get())


def test_unknown_scope_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="没有权限 root"):
        a_token(scopes=("root",))


def test_health_tells_signs_of_life() -> None:
    assert get(a_token(), "health").json() == {"ok": True, "roles": []}
