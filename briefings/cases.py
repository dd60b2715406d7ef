"""Facts of one alert or one incident: for flash reports, follow-ups and special reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from alerts.deadlines import RIGHTS, STAGE_NAMES
from alerts.lifecycle import STATE_LABELS, Action, State
from alerts.models import Alert, AlertEvent, AlertPost, Deadline, Instruction, Response, Statement
from briefings.facts import Quote
from briefings.figures import Figure, Operation
from briefings.gather import KIND_NAMES, MOODS, Book, posts_of, quotes, source_name, unit_name
from briefings.periods import span_query
from core.clock import SHANGHAI
from core.errors import ConfigError
from core.ports import PostStore
from core.profile import Profile
from storage import incidents, query
from storage.models import Incident

#: Events worth a line in the course of a matter → how the line begins.
COURSE = {
    Action.CONFIRM: "值班确认定级",
    Action.GRADE: "调整级别",
    Action.DISPATCH: "指派责任单位",
    Action.ACKNOWLEDGE: "责任单位签收",
    Action.RETURN: "责任单位退回",
    Action.HANDLE: "处置",
    Action.FEEDBACK: "核查初报",
    Action.REPORT: "核查报告",
    Action.AUTHORITATIVE: "发布权威信息",
    Action.PRESS: "召开新闻发布会",
    Action.RESPOND: "公开回应",
    Action.CONSULT: "会商",
    Action.CLOSE: "办结",
    Action.REOPEN: "重新办理",
}
#: A query holds no more ids than this.
_MOST_IDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """A stage's deadline: running, met or missed."""

    stage: str
    due_at: datetime
    is_running: bool
    is_missed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """One alert with its course."""

    number: str
    title: str
    level: str
    rank: int
    place: str
    state: str
    reason: str
    unit: str
    co_units: tuple[str, ...]
    first_post_at: datetime | None
    detected_at: datetime
    #: (when, what), oldest first.
    course: tuple[tuple[datetime, str], ...]
    #: Words of 核查初报 and 核查报告; empty while nothing is verified.
    verified: tuple[str, ...]
    responses: tuple[tuple[datetime, str, str], ...]
    instructions: tuple[tuple[str, str], ...]
    #: The agreed 口径, empty when there is none.
    statement: str
    clocks: tuple[Clock, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFacts:
    """What a report on one matter is written from."""

    profile: Profile
    now: datetime
    title: str
    first_seen_at: datetime
    matters: tuple[Matter, ...]
    figures: Mapping[str, Figure]
    #: (id, name) of kinds of source; figures `kind.<id>`.
    kinds: tuple[tuple[str, str], ...]
    first_source: str
    quotes: tuple[Quote, ...]
    #: Labels and keys of the hourly or daily chart.
    bars: tuple[tuple[str, tuple[str, ...]], ...] = ()
    #: The report before this one; None for the first.
    since: datetime | None = None


def of_alert(
    number: str, *, profile: Profile, store: PostStore, now: datetime, since: datetime | None = None
) -> CaseFacts:
    """Facts of an alert. Raises ConfigError when there is none of that number."""
    alert = Alert.objects.filter(number=number).first()
    if alert is None:
        raise ConfigError(f"没有编号为 {number} 的告警")
    first = alert.first_post_at or alert.detected_at
    return _facts(alert.title, first, _posts_of(alert), [alert], profile, store, now, since, with_bars=False)


def of_incident(incident: str, *, profile: Profile, store: PostStore, now: datetime) -> CaseFacts:
    """Facts of an incident with all its alerts. Raises ConfigError when there is none of that id."""
    row = Incident.objects.filter(id=incident).first()
    if row is None:
        raise ConfigError(f"没有编号为 {incident} 的事件")
    members = incidents.families([incident])
    found = Alert.objects.filter(incident__in=members).exclude(state__in=(State.DISMISSED, State.MERGED))
    field = posts_of(incident)
    return _facts(
        row.title,
        row.first_seen_at,
        field,
        found.order_by("detected_at", "pk"),
        profile,
        store,
        now,
        None,
        with_bars=True,
    )


def _posts_of(alert: Alert) -> str:
    """The query for an alert's posts: its incident, or its evidence by id."""
    if alert.incident:
        return posts_of(alert.incident)
    ids = AlertPost.objects.filter(alert=alert).order_by("-pk").values_list("post", flat=True)[:_MOST_IDS]
    return f"({' OR '.join(f'id:{chr(34)}{post}{chr(34)}' for post in ids)})" if ids else "id:none"


def _facts(
    title: str,
    first: datetime,
    posts: str,
    alerts: Iterable[Alert],
    profile: Profile,
    store: PostStore,
    now: datetime,
    since: datetime | None,
    *,
    with_bars: bool,
) -> CaseFacts:
    book, until = Book(store, now), now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    text = f"{posts} published:<{until.astimezone(SHANGHAI):%Y-%m-%dT%H:%M}"
    total = book.posts("total", "相关帖文数", text)
    for mood, name in MOODS:
        count = book.posts(f"mood.{mood}", f"{name}帖文数", f"{text} sentiment:{mood}")
        book.derive(f"mood.{mood}.share", f"{name}帖文占比", Operation.SHARE, count, total)
    hour = until - timedelta(hours=1)
    book.posts("hour", "近1小时帖文数", f"{posts} {span_query(hour, until)}")
    book.posts("hour.before", "前1小时帖文数", f"{posts} {span_query(hour - timedelta(hours=1), hour)}")
    if since is not None:
        book.posts(
            "new", "上次报告后新增帖文数", f"{posts} {span_query(since.replace(second=0, microsecond=0), until)}"
        )
    node = query.parse(text, now)
    kinds = store.terms(node, "kind", limit=6)
    for kind, known in kinds:
        name = KIND_NAMES.get(kind, kind)
        of_kind = book.posts(f"kind.{kind}", f"{name}帖文数", f'{text} kind:"{kind}"', known)
        book.derive(f"kind.{kind}.share", f"{name}占比", Operation.SHARE, of_kind, total)
    earliest = next(iter(store.scan(node)), None)
    return CaseFacts(
        profile=profile,
        now=now,
        title=title,
        first_seen_at=first,
        matters=tuple(matter(alert, profile) for alert in alerts),
        kinds=tuple((kind, KIND_NAMES.get(kind, kind)) for kind, _ in kinds),
        first_source=source_name(earliest) if earliest else "",
        quotes=quotes(store.search(node, limit=200).posts, 3),
        bars=_bars(book, posts, first, until) if with_bars else (),
        figures=book.figures,
        since=since,
    )


def _bars(book: Book, posts: str, first: datetime, until: datetime) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Posts per day from the first sight on, the last fortnight at most."""
    today = until.astimezone(SHANGHAI).replace(hour=0, minute=0)
    days = min(14, (today.date() - first.astimezone(SHANGHAI).date()).days + 1)
    found = []
    for offset in range(days - 1, -1, -1):
        day = today - timedelta(days=offset)
        text = span_query(day, day + timedelta(days=1))
        keys = []
        for mood, name in MOODS:
            key = f"day.{day:%Y-%m-%d}.{mood}"
            book.posts(key, f"{day.month}月{day.day}日{name}帖文数", f"{posts} {text} sentiment:{mood}")
            keys.append(key)
        found.append((f"{day.month}.{day.day}", tuple(keys)))
    return tuple(found)


def matter(alert: Alert, profile: Profile) -> Matter:
    """An alert with everything that happened to it."""
    level = profile.level(alert.level or alert.suggested_level)
    events = AlertEvent.objects.filter(alert=alert).order_by("seq")
    agreed = Statement.objects.filter(alert=alert, agreed_at__isnull=False).order_by("-version").first()
    return Matter(
        number=alert.number,
        title=alert.title,
        level=(level.name if level else alert.suggested_level) + ("" if alert.level else "（建议）"),
        rank=level.rank if level else len(profile.levels),
        place=alert.jurisdiction,
        state=STATE_LABELS[State(alert.state)],
        reason=alert.reason,
        unit=unit_name(alert.lead_unit, profile) if alert.dispatched_at else "",
        co_units=tuple(unit_name(unit, profile) for unit in alert.co_units),
        first_post_at=alert.first_post_at,
        detected_at=alert.detected_at,
        course=tuple((event.at, _line(event)) for event in events if event.kind in COURSE),
        verified=tuple(event.note for event in events if event.kind in {Action.FEEDBACK, Action.REPORT} and event.note),
        responses=tuple(
            (row.published_at, row.channel, row.text)
            for row in Response.objects.filter(alert=alert).order_by("published_at")
        ),
        instructions=tuple(Instruction.objects.filter(alert=alert).order_by("at").values_list("leader", "text")),
        statement=agreed.text if agreed else "",
        clocks=_clocks(alert),
    )


def _line(event: AlertEvent) -> str:
    what = COURSE[Action(event.kind)]
    return f"{what}：{event.note}" if event.note else what


def _clocks(alert: Alert) -> tuple[Clock, ...]:
    rows = Deadline.objects.filter(alert=alert).filter(Q(cancelled_at=None) | Q(missed_at__isnull=False))
    return tuple(
        Clock(
            stage=STAGE_NAMES.get(row.stage, row.stage),
            due_at=row.due_at,
            is_running=row.met_at is None and row.cancelled_at is None and row.paused_at is None,
            is_missed=row.missed_at is not None,
        )
        for row in rows.exclude(stage__in=RIGHTS).order_by("due_at")
    )
