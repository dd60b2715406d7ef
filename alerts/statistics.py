"""Stage times and rates, from stored rows only; every rate carries its numerator and denominator.

Periods are half-open [start, end), instants in UTC.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet

from alerts import deadlines
from alerts.deadlines import STAGES
from alerts.models import Alert, AlertEvent, Deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`part` of `whole`."""

    part: int
    whole: int

    @property
    def share(self) -> float | None:
        """None when there is nothing to divide by: no rate is not a rate of 0."""
        return self.part / self.whole if self.whole else None

    def __str__(self) -> str:
        return "—" if self.share is None else f"{self.share:.1%}（{self.part} / {self.whole}）"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTime:
    """How long a stage took, pauses left out."""

    stage: str
    met: int
    median: timedelta
    #: Nine of ten took no longer.
    slow: timedelta
    on_time: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFigures:
    """One responsible unit in a period."""

    unit: str
    dispatched: int
    closed: int
    returned: int
    #: Of its deadlines that came due in the period.
    on_time: Rate
    #: (alert number, stage) of each deadline missed.
    overdue: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What came in and what became of it in a period."""

    detected: int
    dismissed: int
    dispatched: int
    responded: int
    closed: int
    #: Not ended at the end of the period.
    left: int


def judged(start: datetime, end: datetime) -> QuerySet[Deadline]:
    """Deadlines due in the period that were met or missed; rights, and clocks that lost their meaning in time, are none."""
    verdict = Q(met_at__isnull=False) | Q(missed_at__isnull=False)
    return (
        Deadline.objects.filter(verdict, due_at__gte=start, due_at__lt=end)
        .exclude(stage__in=deadlines.RIGHTS)
        .select_related("alert")
    )


def on_time(rows: Iterable[Deadline]) -> Rate:
    """Deadlines met before they ran out, of those judged."""
    verdicts = [row.missed_at is None for row in rows]
    return Rate(part=sum(verdicts), whole=len(verdicts))


def rate(rows: QuerySet[Deadline]) -> Rate:
    """`on_time` counted by the database."""
    counted = rows.aggregate(part=Count("id", filter=Q(missed_at=None)), whole=Count("id"))
    return Rate(part=counted["part"], whole=counted["whole"])


def stage_times(start: datetime, end: datetime) -> list[StageTime]:
    """Per stage, in the order of the procedure: how long it took and how often in time."""
    by_stage: dict[str, list[Deadline]] = defaultdict(list)
    for row in judged(start, end):
        by_stage[row.stage].append(row)
    return [_stage_time(stage, by_stage[stage]) for stage in STAGES if stage in by_stage]


def _stage_time(stage: str, rows: list[Deadline]) -> StageTime:
    lengths = sorted(row.met_at - row.started_at - row.paused_for for row in rows if row.met_at is not None)
    return StageTime(
        stage=stage,
        met=len(lengths),
        median=statistics.median_low(lengths) if lengths else timedelta(),
        slow=lengths[max(0, -(-9 * len(lengths) // 10) - 1)] if lengths else timedelta(),
        on_time=on_time(rows),
    )


def by_unit(start: datetime, end: datetime) -> list[UnitFigures]:
    """Per lead unit, the busiest first. The duty office's own stages are not counted against a unit."""
    rows = [row for row in judged(start, end) if row.stage not in deadlines.DUTY_STAGES and row.alert.lead_unit]
    taken = Alert.objects.filter(dispatched_at__gte=start, dispatched_at__lt=end)
    units = sorted({*taken.values_list("lead_unit", flat=True), *(row.alert.lead_unit for row in rows)})
    figures = [_unit(unit, [row for row in rows if row.alert.lead_unit == unit], start, end) for unit in units]
    return sorted(figures, key=lambda figure: (-figure.dispatched, figure.unit))


def _unit(unit: str, rows: list[Deadline], start: datetime, end: datetime) -> UnitFigures:
    alerts = Alert.objects.filter(lead_unit=unit)
    missed = [(row.alert.number, row.stage) for row in rows if row.missed_at is not None]
    return UnitFigures(
        unit=unit,
        dispatched=alerts.filter(dispatched_at__gte=start, dispatched_at__lt=end).count(),
        closed=alerts.filter(closed_at__gte=start, closed_at__lt=end).count(),
        returned=_returns(unit, start, end),
        on_time=on_time(rows),
        overdue=tuple(sorted(missed)),
    )


def _returns(unit: str, start: datetime, end: datetime) -> int:
    rows = AlertEvent.objects.filter(kind="return", at__gte=start, at__lt=end).values_list("data", flat=True)
    return sum(data.get("unit") == unit for data in rows)


def flow(start: datetime, end: datetime) -> Flow:
    """Count what came in and what became of it."""
    period = Q(at__gte=start, at__lt=end)
    ended = Q(closed_at__lt=end)
    dismissed = AlertEvent.objects.filter(period, kind="dismiss").values("alert").distinct().count()
    before_end = Alert.objects.filter(detected_at__lt=end)
    over_before_end = AlertEvent.objects.filter(at__lt=end, kind__in=("dismiss", "merge")).values("alert")
    return Flow(
        detected=Alert.objects.filter(detected_at__gte=start, detected_at__lt=end).count(),
        dismissed=dismissed,
        dispatched=AlertEvent.objects.filter(period, kind="dispatch").values("alert").distinct().count(),
        responded=AlertEvent.objects.filter(period, kind="respond").values("alert").distinct().count(),
        closed=AlertEvent.objects.filter(period, kind="close").values("alert").distinct().count(),
        left=before_end.exclude(ended).exclude(pk__in=over_before_end).count(),
    )
