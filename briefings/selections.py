"""Named selections of alerts and deadlines in a period: what the numbers about handling count.

A selection is written `dispatched unit:water level:II`: a name, then filters. `count` and `rows` read the same
query set, so a number and the rows behind it cannot differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from alerts import statistics
from alerts.deadlines import DUTY_STAGES
from alerts.models import Alert, AlertEvent, Deadline
from core.errors import ConfigError

#: Name → what it means, as the trace shows it.
MEANINGS: Mapping[str, str] = {
    "detected": "期内发现的告警",
    "confirmed": "期内经值班确认的告警",
    "dismissed": "期内排除的告警",
    "dispatched": "期内指派责任单位的告警",
    "responded": "期内有公开回应的告警",
    "closed": "期内办结的告警",
    "returned": "期内被退回过的告警",
    "reopened": "期内重新办理的告警",
    "escalated": "期内发出督办单的告警",
    "left": "期末未结的告警",
    "judged": "期内到期且已有结果的时限",
    "on_time": "期内到期并按时完成的时限",
    "missed": "期内到期而超时的时限",
}
DEADLINES = frozenset({"judged", "on_time", "missed"})

_BY_EVENT: Mapping[str, tuple[str, ...]] = {
    "confirmed": ("confirm",),
    "dismissed": ("dismiss",),
    "dispatched": ("dispatch",),
    "responded": ("respond",),
    "closed": ("close",),
    "returned": ("return",),
    "reopened": ("reopen",),
    "escalated": ("supervision_order",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A name and its filters: unit, level, topic, stage, incident."""

    name: str
    filters: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return " ".join([self.name, *(f"{name}:{value}" for name, value in self.filters)])


def read(text: str) -> Selection:
    """`dispatched unit:water`. Raises ConfigError for an unknown name or filter."""
    name, *parts = text.split()
    filters = tuple((part.partition(":")[0], part.partition(":")[2]) for part in parts)
    known = _DEADLINE_FILTERS if name in DEADLINES else _ALERT_FILTERS
    if name not in MEANINGS or any(field not in known for field, _ in filters):
        raise ConfigError(f"不是选取条件：{text}")
    return Selection(name=name, filters=filters)


def alerts(selection: Selection, start: datetime, end: datetime) -> QuerySet[Alert]:
    """The alerts of a selection, oldest first."""
    found = Alert.objects.filter(_chosen(selection.name, start, end)).order_by("detected_at", "pk")
    for name, value in selection.filters:
        found = found.filter(_ALERT_FILTERS[name](value))
    return found


def deadlines(selection: Selection, start: datetime, end: datetime) -> QuerySet[Deadline]:
    """The deadlines of a selection, overdue ones first."""
    found = statistics.judged(start, end).order_by("-missed_at", "due_at", "pk")
    if selection.name == "on_time":
        found = found.filter(missed_at=None)
    if selection.name == "missed":
        found = found.exclude(missed_at=None)
    for name, value in selection.filters:
        found = found.filter(_DEADLINE_FILTERS[name](value))
    return found


def count(text: str, start: datetime, end: datetime) -> int:
    """How many rows the selection has."""
    selection = read(text)
    if selection.name in DEADLINES:
        return deadlines(selection, start, end).count()
    return alerts(selection, start, end).count()


def _chosen(name: str, start: datetime, end: datetime) -> Q:
    if name == "detected":
        return Q(detected_at__gte=start, detected_at__lt=end)
    if name == "left":
        over = AlertEvent.objects.filter(at__lt=end, kind__in=("dismiss", "merge")).values("alert")
        return Q(detected_at__lt=end) & ~Q(closed_at__lt=end) & ~Q(pk__in=over)
    happened = AlertEvent.objects.filter(kind__in=_BY_EVENT[name], at__gte=start, at__lt=end).values("alert")
    return Q(pk__in=happened)


def _level(prefix: str) -> Callable[[str], Q]:
    def of(value: str) -> Q:
        graded, suggested = f"{prefix}level", f"{prefix}suggested_level"
        return Q(**{graded: value}) | Q(**{f"{graded}__isnull": True, suggested: value})

    return of


def _is(field: str) -> Callable[[str], Q]:
    return lambda value: Q(**{field: value})


_ALERT_FILTERS: Mapping[str, Callable[[str], Q]] = {
    "unit": _is("lead_unit"),
    "level": _level(""),
    "topic": _is("topic"),
    "incident": _is("incident"),
}
_DEADLINE_FILTERS: Mapping[str, Callable[[str], Q]] = {
    # The duty office's own stages are not counted against a unit.
    "unit": lambda value: Q(alert__lead_unit=value) & ~Q(stage__in=DUTY_STAGES),
    "level": _level("alert__"),
    "stage": _is("stage"),
}
