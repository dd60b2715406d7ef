"""One worker runs the rules; another takes over when it is gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rules import turn

pytestmark = [pytest.mark.django_db, pytest.mark.workflow]
NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)


def lives(_owner: str) -> bool:
    """Nobody is gone."""
    return False


def test_the_first_worker_keeps_its_turn() -> None:
    """The second is told to leave it alone."""
    assert turn.take("one", NOON, lives)
    assert not turn.take("two", NOON, lives)
    assert turn.take("one", NOON + turn.LEASE, lives)
    assert not turn.take("two", NOON + turn.LEASE, lives)


def test_a_worker_that_is_gone_is_followed_at_once() -> None:
    """Its machine says that the process is no more."""
    assert turn.take("one", NOON, lives)
    assert turn.take("two", NOON, lambda owner: owner == "one")
    assert not turn.take("one", NOON, lives)


def test_a_worker_of_another_machine_is_followed_when_its_lease_ends() -> None:
    """Nobody can know whether it lives."""
    assert turn.take("one", NOON, lives)
    assert turn.take("two", NOON + turn.LEASE, lives)


def test_a_worker_whose_clock_went_wrong_holds_nobody_up() -> None:
    """Its lease of tomorrow does not keep the rules from running today."""
    assert turn.take("one", NOON + timedelta(days=1), lives)
    assert turn.take("two", NOON, lives)
