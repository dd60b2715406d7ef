"""The alert feed: which alerts, in which order, under which heads, and each row's values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery

from alerts.calendar import working_days_between
from alerts.deadlines import RIGHTS, STAGE_NAMES
from alerts.lifecycle import STATE_LABELS
from alerts.models import OPEN_STATES, Alert, AlertEvent, Deadline, State
from console.access import visible_alerts
from console.clocks import SOON, Left, left, moment
from console.duty import Turn
from console.models import Opened
from console.roles import Officer
from core.clock import SHANGHAI
from core.profile import Profile

#: Rows of one page of the feed; more would cost the browser more than a screen shows.
PAGE = 40
#: How far 上一条 and 下一条 look.
NEIGHBOURS = 500
#: More alerts than anybody has.
EVERY = 10_000_000


class Tab(StrEnum):
    """Filters above the feed."""

    OPEN = "open"
    OVER = "over"
    SOON = "soon"
    CONFIRM = "confirm"
    MINE = "mine"
    DONE = "done"


TAB_NAMES: Mapping[Tab, str] = {
    Tab.OPEN: "未结",
    Tab.OVER: "超时",
    Tab.SOON: "30 分钟内",
    Tab.CONFIRM: "待确认",
    Tab.MINE: "我经办",
    Tab.DONE: "本班办结",
}


class Group(StrEnum):
    """Heads of the feed: when the soonest clock ends."""

    OVER = "over"
    SOON = "soon"
    SHIFT = "shift"
    LATER = "later"
    NONE = "none"


GROUP_NAMES: Mapping[Group, str] = {
    Group.OVER: "已超时",
    Group.SOON: "30 分钟内到时",
    Group.SHIFT: "本班内到时",
    Group.LATER: "下一班及以后",
    Group.NONE: "没有在走的时限",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What the feed shows: a tab, words to look for, a level."""

    tab: Tab = Tab.OPEN
    words: str = ""
    level: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How many alerts there are, how many wait to be confirmed, and how many stand under each head."""

    all: int
    confirm: int
    groups: Mapping[Group, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """A running clock as a row shows it."""

    stage: str
    started: datetime
    due: datetime
    left: Left
    limit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One alert in the feed."""

    id: int
    number: str
    version: int
    title: str
    level: str
    level_name: str
    #: The level is the machine's proposal, nobody has graded yet.
    suggested: bool
    place: str
    owner: str
    posts: int
    sources: int
    state: str
    found: str
    clock: Clock | None
    group: Group
    unread: bool


def running() -> QuerySet[Deadline]:
    """Clocks somebody still has to stop; a right that lapses asks nothing of anybody."""
    return Deadline.objects.filter(met_at=None, cancelled_at=None, paused_at=None).exclude(stage__in=RIGHTS)


def with_due(alerts: QuerySet[Alert]) -> QuerySet[Alert]:
    """Alerts with `due`: the end of the soonest running clock, None without one."""
    soonest = running().filter(alert=OuterRef("pk")).order_by("due_at").values("due_at")[:1]
    return alerts.annotate(due=Subquery(soonest))


def asked(ask: Ask, officer: Officer, turn: Turn, now: datetime) -> QuerySet[Alert]:
    """The alerts of a tab that this person may see, with their `due`."""
    rows = visible_alerts(officer)
    if ask.tab is Tab.DONE:
        rows = rows.filter(state=State.CLOSED, closed_at__gte=turn.start)
    else:
        rows = rows.filter(state__in=OPEN_STATES)
    if ask.tab is Tab.CONFIRM:
        rows = rows.filter(state=State.DETECTED)
    if ask.tab is Tab.MINE:
        rows = rows.filter(Exists(AlertEvent.objects.filter(alert=OuterRef("pk"), actor=officer.login)))
    if ask.level:
        rows = rows.filter(Q(level=ask.level) | Q(level=None, suggested_level=ask.level))
    if ask.words:
        rows = rows.filter(Q(number__contains=ask.words) | Q(title__icontains=ask.words))
    rows = with_due(rows)
    if ask.tab is Tab.OVER:
        rows = rows.filter(Q(due__lt=now))
    if ask.tab is Tab.SOON:
        rows = rows.filter(Q(due__gte=now, due__lte=now + SOON))
    return rows


def page(alerts: QuerySet[Alert], after: str) -> tuple[list[Alert], str]:
    """Up to `PAGE` alerts after the key, soonest first, and the key of the next page ("" at the end)."""
    rows = list(ordered(_behind(alerts, after))[: PAGE + 1])
    if len(rows) <= PAGE:
        return rows, ""
    last = rows[PAGE - 1]
    due: datetime | None = last.due  # type: ignore[attr-defined]  # annotated by with_due
    return rows[:PAGE], f"{due.isoformat() if due else ''}~{last.pk}"


def ordered(alerts: QuerySet[Alert]) -> QuerySet[Alert]:
    """Least time left first."""
    return alerts.order_by(F("due").asc(nulls_last=True), "id")


def _behind(alerts: QuerySet[Alert], after: str) -> QuerySet[Alert]:
    """Rows after a key made by `page`; a key that cannot be read is the start."""
    due_text, _, id_text = after.partition("~")
    if not id_text.isdigit():
        return alerts
    if not due_text:
        return alerts.filter(Q(due=None, id__gt=int(id_text)))
    try:
        due = datetime.fromisoformat(due_text)
    except ValueError:
        return alerts
    return alerts.filter(Q(due__gt=due) | Q(due=due, id__gt=int(id_text)) | Q(due=None))


def opened(officer: Officer) -> QuerySet[Alert]:
    """Every open alert this person may see, with its `due`."""
    return with_due(visible_alerts(officer).filter(state__in=OPEN_STATES))


def standing(alerts: QuerySet[Alert], turn: Turn, now: datetime) -> Standing:
    """Where alerts with their `due` stand, by the same rule as `group_of`."""
    later = Q(due__gt=now + SOON)
    # Without the slice SQLite would look up each soonest clock once per figure.
    counted = alerts.order_by()[:EVERY].aggregate(
        all=Count("id"),
        confirm=Count("id", filter=Q(state=State.DETECTED)),
        over=Count("id", filter=Q(due__lt=now)),
        soon=Count("id", filter=Q(due__gte=now, due__lte=now + SOON)),
        shift=Count("id", filter=later & Q(due__lte=turn.end)),
        later=Count("id", filter=later & Q(due__gt=turn.end)),
        none=Count("id", filter=Q(due=None)),
    )
    groups = {group: counted[group] for group in Group}
    return Standing(all=counted["all"], confirm=counted["confirm"], groups=groups)


def counts(standing: Standing, officer: Officer, turn: Turn, now: datetime) -> dict[Tab, int]:
    """How many alerts each tab holds; exact. `standing` is that of all open alerts."""
    return {
        Tab.OPEN: standing.all,
        Tab.OVER: standing.groups[Group.OVER],
        Tab.SOON: standing.groups[Group.SOON],
        Tab.CONFIRM: standing.confirm,
        Tab.MINE: asked(Ask(tab=Tab.MINE), officer, turn, now).count(),
        Tab.DONE: asked(Ask(tab=Tab.DONE), officer, turn, now).count(),
    }


def level_counts(alerts: QuerySet[Alert]) -> dict[str, int]:
    """How many alerts of each level, a proposal counting as its level."""
    found: dict[str, int] = {}
    for level, suggested, number in alerts.values_list("level", "suggested_level").annotate(n=Count("id")).order_by():
        found[level or suggested] = found.get(level or suggested, 0) + number
    return found


def group_of(due: datetime | None, turn: Turn, now: datetime) -> Group:
    """The head a clock's end belongs under."""
    if due is None:
        return Group.NONE
    if due < now:
        return Group.OVER
    if due <= now + SOON:
        return Group.SOON
    return Group.SHIFT if due <= turn.end else Group.LATER


def rows(alerts: Sequence[Alert], officer: Officer, profile: Profile, turn: Turn, now: datetime) -> list[Row]:
    """The values a page of rows shows."""
    clocks = soonest_clocks([alert.pk for alert in alerts])
    seen = set(Opened.objects.filter(login=officer.login, alert__in=alerts).values_list("alert_id", flat=True))
    return [row(alert, clocks.get(alert.pk), alert.pk in seen, profile, turn, now) for alert in alerts]


def soonest_clocks(ids: Iterable[int]) -> dict[int, Deadline]:
    """Alert id → its soonest running clock."""
    first = running().filter(alert=OuterRef("alert")).order_by("due_at", "id").values("pk")[:1]
    return {deadline.alert_id: deadline for deadline in running().filter(alert__in=ids, pk=Subquery(first))}


def row(alert: Alert, deadline: Deadline | None, seen: bool, profile: Profile, turn: Turn, now: datetime) -> Row:
    """One alert as the feed shows it."""
    level_id = alert.level or alert.suggested_level
    level = profile.level(level_id)
    return Row(
        id=alert.pk,
        number=alert.number,
        version=alert.version,
        title=alert.title,
        level=level_id,
        level_name=level.name if level else level_id,
        suggested=alert.level is None,
        place=alert.jurisdiction.rsplit("/", 1)[-1],
        owner=owner_words(alert, profile),
        posts=alert.post_count,
        sources=alert.source_count,
        state="已退回" if alert.state == State.ASSESSED and alert.returned_count else STATE_LABELS[State(alert.state)],
        found=moment(alert.detected_at, now),
        clock=clock(deadline, now) if deadline else None,
        group=group_of(deadline.due_at if deadline else None, turn, now),
        unread=alert.state == State.DETECTED and not seen,
    )


def clock(deadline: Deadline, now: datetime) -> Clock:
    """A running clock in words."""
    return Clock(
        stage=STAGE_NAMES.get(deadline.stage, deadline.stage),
        started=deadline.started_at,
        due=deadline.due_at,
        left=left(
            started=deadline.started_at,
            due=deadline.due_at,
            now=now,
            working_days=working_days_left(deadline, now),
        ),
        limit=moment(deadline.due_at, now),
    )


def working_days_left(deadline: Deadline, now: datetime) -> int | None:
    """Whole working days left of a clock counted in them; None for one counted by the clock or nearly over."""
    if deadline.working_days is None or deadline.due_at - now < timedelta(days=1):
        return None
    return working_days_between(now.astimezone(SHANGHAI).date(), deadline.due_at.astimezone(SHANGHAI).date()) or None


def owner_words(alert: Alert, profile: Profile) -> str:
    """`牵头 县住建局`, or who is proposed while nobody was charged."""
    unit = profile.department(alert.lead_unit)
    name = unit.short if unit else alert.lead_unit
    if alert.state == State.DETECTED:
        return f"建议 {name}" if name else "归属待核"
    if alert.state == State.ASSESSED:
        return f"待指派，建议 {name}" if name else "待指派"
    return f"牵头 {name}" if name else "归属待核"


def running_or_paused(alert: Alert) -> QuerySet[Deadline]:
    """Clocks of an alert that still ask for something, held ones included."""
    return Deadline.objects.filter(alert=alert, met_at=None, cancelled_at=None).exclude(stage__in=RIGHTS)
