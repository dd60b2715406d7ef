"""Deadlines as rows: started, met, cancelled, paused. Every function joins the transaction of its caller."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from django.db.models import F, Max, QuerySet

from alerts import deadlines
from alerts.deadlines import PlannedDeadline, Step
from alerts.models import Alert, Deadline
from core.profile import Profile


def running(alert: Alert) -> QuerySet[Deadline]:
    """Clocks that still ask for something, paused ones included."""
    return Deadline.objects.filter(alert=alert, met_at=None, cancelled_at=None)


def begin(alert: Alert, planned: Iterable[PlannedDeadline]) -> list[str]:
    """Start the first clocks of a new alert; return the stages."""
    return _create(alert, planned, {})


def start(alert: Alert, planned: Iterable[PlannedDeadline]) -> list[str]:
    """Begin the next round of each planned stage; return the stages."""
    rows = Deadline.objects.filter(alert=alert).values_list("stage").annotate(last=Max("round"))
    return _create(alert, planned, dict(rows.values_list("stage", "last")))


def _create(alert: Alert, planned: Iterable[PlannedDeadline], rounds: Mapping[str, int]) -> list[str]:
    rows = [
        Deadline(
            alert=alert,
            stage=deadline.stage,
            level=deadline.level,
            round=rounds.get(deadline.stage, 0) + 1,
            started_at=deadline.started_at,
            due_at=deadline.due_at,
            basis=deadline.basis,
            working_days=deadline.working_days,
            next_step_at=next_step(deadline.steps, 0),
        )
        for deadline in planned
    ]
    Deadline.objects.bulk_create(rows)
    return [row.stage for row in rows]


def meet(alert: Alert, stages: Collection[str], now: datetime) -> list[str]:
    """Stop the clocks of these stages; one that ran out before is missed as well. Return what was stopped."""
    met = list(running(alert).filter(stage__in=stages))
    for row in met:
        late = row.paused_at is None and now > row.due_at
        Deadline.objects.filter(pk=row.pk).update(
            met_at=now, missed_at=row.missed_at or (row.due_at if late else None), next_step_at=None, paused_at=None
        )
    return [row.stage for row in met]


def cancel(alert: Alert, stages: Collection[str] | None, now: datetime) -> list[str]:
    """End clocks that lost their meaning; None means all. What ran out before stays missed."""
    rows = running(alert) if stages is None else running(alert).filter(stage__in=stages)
    ended = []
    for row in rows:
        late = row.paused_at is None and now > row.due_at and row.stage not in deadlines.RIGHTS
        Deadline.objects.filter(pk=row.pk).update(
            cancelled_at=now, missed_at=row.missed_at or (row.due_at if late else None), next_step_at=None
        )
        ended.append(row.stage)
    return ended


def pause(alert: Alert, stage: str | None, reason: str, now: datetime) -> list[str]:
    """Hold the clocks (of one stage, or all of them)."""
    rows = running(alert).filter(paused_at=None)
    rows = rows.filter(stage=stage) if stage else rows
    stages = [row.stage for row in rows]
    rows.filter(due_at__lt=now, missed_at=None).update(missed_at=F("due_at"))
    rows.update(paused_at=now, pause_reason=reason, next_step_at=None)
    return stages


def resume(alert: Alert, stage: str | None, now: datetime, profile: Profile) -> list[str]:
    """Let held clocks run on from where they stood."""
    rows = running(alert).exclude(paused_at=None)
    rows = rows.filter(stage=stage) if stage else rows
    stages = []
    for row in rows:
        held_at = row.paused_at or now
        row.due_at = deadlines.resumed(
            row.due_at, working_days=row.working_days is not None, paused_at=held_at, now=now, profile=profile
        )
        row.paused_for += now - held_at
        row.paused_at = None
        row.next_step_at = next_step(steps(row, profile), row.escalated_percent)
        row.save(update_fields=["due_at", "paused_for", "paused_at", "next_step_at"])
        stages.append(row.stage)
    return stages


def last_met(alert: Alert, stages: Collection[str]) -> datetime | None:
    """When one of these stages was last met."""
    found: datetime | None = Deadline.objects.filter(alert=alert, stage__in=stages).aggregate(at=Max("met_at"))["at"]
    return found


def steps(row: Deadline, profile: Profile) -> tuple[Step, ...]:
    """The steps of a row, as the profile sets them now."""
    return deadlines.steps(
        row.stage,
        row.started_at,
        row.due_at,
        working_days=row.working_days,
        paused_for=row.paused_for,
        profile=profile,
    )


def next_step(ladder: Iterable[Step], done_percent: int) -> datetime | None:
    """When something is to be done next, after the steps up to `done_percent`; None when nothing is left."""
    return min((step.at for step in ladder if step.percent > done_percent), default=None)


def next_dues(alerts: Collection[int] | QuerySet[Alert]) -> dict[int, tuple[str, datetime]]:
    """Per alert the soonest clock that asks for something, and its stage; paused ones and rights left out."""
    rows = (
        Deadline.objects.filter(alert__in=alerts, met_at=None, cancelled_at=None, paused_at=None)
        .exclude(stage__in=deadlines.RIGHTS)
        .order_by("-due_at")
        .values_list("alert_id", "stage", "due_at")
    )
    return {alert: (stage, due) for alert, stage, due in rows}
