"""Drafts as rows: made once for each period or cause, composed again on demand until they are reviewed."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from briefings import document as documents
from briefings import periods
from briefings.compose import weekly
from briefings.compose.head import head
from briefings.document import Document
from briefings.gather import gather
from briefings.models import Briefing, Step
from briefings.periods import Period
from core.errors import Refused
from core.ports import PostStore
from core.profile import Profile

log = logging.getLogger(__name__)

PERIODICALS = {"weekly": periods.week, "daily": periods.day, "monthly": periods.month}
SYSTEM = "system:schedule"


def periodical(
    kind: str, name: str, *, profile: Profile, store: PostStore, now: datetime, actor: str = SYSTEM
) -> Briefing:
    """The briefing of a period: a new draft, the draft composed again, or what is under review, as it stands."""
    period = PERIODICALS[kind](name, now)
    ref = f"{kind}-{period.id}"
    found = Briefing.objects.filter(ref=ref).first()
    if found is not None and found.state != Briefing.State.DRAFT:
        return found
    issue = found.issue if found else _issue(kind, period)
    facts = gather(period, profile=profile, store=store, now=now)
    composed = weekly.compose(kind, facts, head(kind, issue, profile, now))
    return save(ref, period.id, composed, year=_year(period), issue=issue, now=now, actor=actor)


def save(ref: str, subject: str, composed: Document, *, year: int, issue: int, now: datetime, actor: str) -> Briefing:
    """Write a draft, new or composed again; edits stay. Raises Refused once it is under review."""
    body = documents.to_json(composed)
    with transaction.atomic():
        briefing, is_new = Briefing.objects.get_or_create(
            ref=ref,
            defaults={
                "kind": composed.kind,
                "subject": subject,
                "year": year,
                "issue": issue,
                "body": body,
                "composed_at": now,
            },
        )
        if not is_new:
            again = Briefing.objects.filter(pk=briefing.pk, version=briefing.version, state=Briefing.State.DRAFT)
            if again.update(body=body, composed_at=now, version=briefing.version + 1) != 1:
                raise Refused("简报已送审，不能重新取数")
            briefing.refresh_from_db()
        kind = "draft" if is_new else "recompose"
        Step.objects.create(briefing=briefing, kind=kind, actor=actor, actor_name=actor, at=now)
    return briefing


def next_issue(kind: str, year: int) -> int:
    """The number after the last of the year."""
    last = Briefing.objects.filter(kind=kind, year=year).aggregate(last=Max("issue"))["last"]
    return (last or 0) + 1


def _issue(kind: str, period: Period) -> int:
    """Weeks, days and months are numbered by the calendar, so that a missing one shows."""
    if kind == "weekly":
        return period.first_day.isocalendar().week
    return period.first_day.timetuple().tm_yday if kind == "daily" else period.first_day.month


def _year(period: Period) -> int:
    return period.first_day.isocalendar().year if "W" in period.id else period.first_day.year
