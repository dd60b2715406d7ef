"""The sweep: acts on every deadline whose next step is due, once, whatever number of sweepers run.

1. Read the rows whose `next_step_at` has come, oldest first.
2. In one transaction: lock their alerts, claim each row by conditional UPDATE, write the events, enqueue the messages.
3. Steps that passed while nobody swept are taken together: everyone they name is told once, with the gravest kind.

Due times stand in the database only: a sweeper that dies leaves a row as it was, or acted on with all its effects.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Min

from alerts import audit, clocks, deadlines, desk, notices, people
from alerts.deadlines import STAGE_NAMES, Step
from alerts.models import Alert, AlertEvent, Deadline
from alerts.notices import Notice, Telling
from alerts.wording import KIND_NAMES, LEADING_ROLES
from core.profile import Profile

log = logging.getLogger(__name__)

ACTOR = "system:sweep"
#: Alerts acted on in one transaction: enough to share its cost, few enough not to keep anybody waiting.
TOGETHER = 25
#: Rows one sweep takes; the bound also lets PostgreSQL walk the index before it has statistics.
AT_ONCE = 1000


def sweep(profile: Profile, now: datetime) -> int:
    """Act on everything that is due; return on how many deadlines. A row that fails is logged and does not stop the rest."""
    rows = Deadline.objects.filter(next_step_at__lte=now).order_by("next_step_at")
    due = list(rows.values_list("alert_id", flat=True)[:AT_ONCE])
    if not due:
        return 0
    telling = desk.telling_at(profile, now)
    alerts = list(dict.fromkeys(due))
    groups = [alerts[start : start + TOGETHER] for start in range(0, len(alerts), TOGETHER)]
    return sum(_together(group, telling, now) for group in groups)


def next_at() -> datetime | None:
    """When the next step of any deadline is due; None when none is left."""
    found: datetime | None = Deadline.objects.filter(next_step_at__isnull=False).aggregate(at=Min("next_step_at"))["at"]
    return found


def _together(alerts: Sequence[int], telling: Telling, now: datetime) -> int:
    """Several alerts in one transaction; if that fails each by itself, so that one bad row harms only itself."""
    try:
        with transaction.atomic():
            return sum(_one(alert, telling, now) for alert in sorted(alerts))
    except Exception as error:
        if len(alerts) == 1:
            log.exception("deadline not acted on", extra={"alert": alerts[0]})
            if isinstance(error, OperationalError | InterfaceError):
                # The database itself fails: nothing else would fare better, the next sweep tries again.
                raise
            return 0
        return sum(_together([alert], telling, now) for alert in alerts)


def _one(alert_id: int, telling: Telling, now: datetime) -> int:
    alert = Alert.objects.select_for_update().get(pk=alert_id)
    rows = Deadline.objects.filter(alert=alert, next_step_at__lte=now).order_by("due_at", "id")
    return sum(_act(alert, row, telling, now) for row in rows)


def _act(alert: Alert, row: Deadline, telling: Telling, now: datetime) -> bool:
    """Claim a row's reached steps and do what they say; False when another sweeper was first."""
    ladder = clocks.steps(row, telling.profile)
    reached = [step for step in ladder if step.percent > row.escalated_percent and step.at <= now]
    percent = max((step.percent for step in reached), default=row.escalated_percent)
    lapsed = row.stage in deadlines.RIGHTS
    claimed = Deadline.objects.filter(
        pk=row.pk,
        next_step_at=row.next_step_at,
        escalated_percent=row.escalated_percent,
        met_at=None,
        cancelled_at=None,
        paused_at=None,
    ).update(
        escalated_percent=percent,
        next_step_at=clocks.next_step(ladder, percent),
        missed_at=row.missed_at or (row.due_at if now >= row.due_at and not lapsed else None),
        cancelled_at=row.due_at if lapsed and reached else None,
    )
    if claimed != 1 or not reached:
        return claimed == 1
    found = [] if lapsed else notices.for_steps(row.stage, reached, notices.case_of(alert, telling.profile), telling)
    event = _record(alert, row, reached, found, telling.profile, now)
    if found:
        notices.send(
            alert,
            found,
            cause=event.seq,
            title=f"{KIND_NAMES.get(_gravest(reached).kind, '提醒')}：{alert.title}",
            text=_text(alert, row, percent, telling.profile, now),
            profile=telling.profile,
            now=now,
            stage=row.stage,
            round=row.round,
        )
    return True


def _gravest(reached: Sequence[Step]) -> Step:
    return max(reached, key=lambda step: step.percent)


def _record(
    alert: Alert, row: Deadline, reached: Sequence[Step], found: Sequence[Notice], profile: Profile, now: datetime
) -> AlertEvent:
    last = _gravest(reached)
    return audit.append(
        alert,
        at=now,
        actor=ACTOR,
        kind=last.kind,
        note=_words(row, last, found, profile),
        data={
            "stage": row.stage,
            "round": row.round,
            "percent": [step.percent for step in sorted(reached, key=lambda step: step.percent)],
        },
    )


def _words(row: Deadline, last: Step, found: Sequence[Notice], profile: Profile) -> str:
    """`核查初报已用 80%，提醒县市场监管局负责人。`"""
    stage = STAGE_NAMES[row.stage]
    if last.kind == "lapse":
        return f"{stage}时限已过"
    told = "、".join(dict.fromkeys(_who(notice, profile) for notice in found if not notice.skipped))
    used = f"{stage}超时" if last.percent == deadlines.OVERDUE else f"{stage}已用 {last.percent}%"
    missed = "".join(f"；{notice.skipped}" for notice in found if notice.skipped)
    return f"{used}，{KIND_NAMES.get(last.kind, '提醒')}{told or '无人可告'}{missed}"


def _who(notice: Notice, profile: Profile) -> str:
    """Units by their post, leaders and the shift by name."""
    post = people.post_of(notice.unit, notice.role, profile)
    by_post = profile.department(notice.unit) is not None and notice.role not in LEADING_ROLES
    return post if by_post else f"{post}{notice.name}"


def _text(alert: Alert, row: Deadline, percent: int, profile: Profile, now: datetime) -> str:
    """What the message says: the stage, its end, how far it is, what to do."""
    stage, due = STAGE_NAMES[row.stage], notices.local(row.due_at, now)
    if now < row.due_at:
        left = deadlines.span(row.due_at - now)
        return f"{stage}已用 {percent}%，限 {due}，剩 {left}。请按时办理。\n{alert.reason}"
    over = deadlines.span(now - row.due_at)
    unit = profile.department(alert.lead_unit) if alert.dispatched_at else None
    owing = f"责任单位 {unit.short}。" if unit and row.stage not in deadlines.DUTY_STAGES else ""
    return f"{stage}限 {due}，已超时 {over}。{owing}请立即办理并说明原因。\n{alert.reason}"
