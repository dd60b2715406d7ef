"""Links by which a department without an account acts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core import signing

from alerts import links
from alerts.lifecycle import Action
from core.errors import Refused

NINE = datetime(2026, 11, 23, 1, tzinfo=UTC)
LATER = NINE + timedelta(hours=1)


def a_token() -> str:
    return links.sign(7, "human_resources", {Action.ACKNOWLEDGE, Action.RETURN}, LATER)


def test_a_link_names_alert_unit_and_what_may_be_done() -> None:
    link = links.read(a_token(), NINE)

    assert (link.alert, link.actor, link.expires) == (7, "unit:human_resources", LATER)
    assert link.actions == {Action.ACKNOWLEDGE, Action.RETURN}


def test_an_expired_link_is_refused_in_words() -> None:
    with pytest.raises(Refused, match="已过期"):
        links.read(a_token(), LATER)


@pytest.mark.parametrize("at", range(0, 60, 7))
def test_a_changed_link_is_refused(at: int) -> None:
    token = a_token()
    changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]

    with pytest.raises(Refused, match="无效"):
        links.read(changed, NINE)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ":",
        "a:b:c",
        "é",
        signing.dumps([7, "x", ["acknowledge"], 9], salt="other"),
        signing.dumps(5, salt="alerts.links"),
    ],
    # Signatures hold the time; ids must be equal in every process of a parallel run.
    ids=["empty", "colon", "three-parts", "not-ascii", "another-salt", "no-list"],
)
def test_what_is_no_link_is_refused(token: str) -> None:
    with pytest.raises(Refused, match="无效"):
        links.read(token, NINE)


def test_a_link_does_not_carry_what_it_does_not_name() -> None:
    link = links.read(a_token(), NINE)

    with pytest.raises(Refused, match="不能用于办结"):
        link.check(Action.CLOSE)


@pytest.mark.parametrize(("unit", "actions"), [("", {Action.HANDLE}), ("x", set()), ("x", {Action.DISMISS})])
def test_nothing_beyond_a_unit_s_own_actions_can_be_signed(unit: str, actions: set[Action]) -> None:
    with pytest.raises(ValueError, match="links may carry"):
        links.sign(7, unit, actions, LATER)


def test_a_link_fits_into_a_path() -> None:
    address = links.url(7, "human_resources", NINE)

    assert "/act/" in address
    assert len(address) < 300
    assert links.read(address.rpartition("/")[2], NINE + timedelta(days=13)).unit == "human_resources"
