"""Whose turn it is to run the rules: any worker may, and all would find the same, but once is enough."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from rules.models import Turn

#: A worker of another machine that has not renewed its turn for so long is taken for dead.
LEASE = timedelta(seconds=15)
_RULES = "rules"


def take(owner: str, now: datetime, is_gone: Callable[[str], bool]) -> bool:
    """Whether it is this worker's turn; it stays so while the worker asks again in time. Costs one read, mostly.

    Nothing depends on it but the cost: a finding is raised once, however many run the rules at the same time.
    """
    turn = Turn.objects.filter(name=_RULES).first()
    if turn is None:
        return _first(owner, now)
    if turn.owner == owner and turn.until - now > LEASE / 2:
        return True
    # A lease that ends later than leases last is of a clock that went wrong.
    if turn.owner != owner and now < turn.until < now + 2 * LEASE and not is_gone(turn.owner):
        return False
    unchanged = Turn.objects.filter(name=_RULES, owner=turn.owner, until=turn.until)
    return unchanged.update(owner=owner, until=now + LEASE) == 1


def _first(owner: str, now: datetime) -> bool:
    try:
        with transaction.atomic():
            Turn.objects.create(name=_RULES, owner=owner, until=now + LEASE)
    except IntegrityError:
        return False
    return True
