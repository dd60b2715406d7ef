"""Facts of a period, read from the post store and the workflow. Nothing is written here.

1. Volumes by channel, place, topic, mood and day, with the stretch before beside them.
2. Alerts and deadlines, by level and unit.
3. The incidents and alerts worth naming, and what comes next week.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from alerts import calendar, clocks
from alerts.deadlines import STAGE_NAMES
from alerts.lifecycle import STATE_LABELS, State
from alerts.models import OPEN_STATES, Alert, Deadline, Response
from briefings import selections
from briefings.facts import Answer, Case, Facts, Hotspot, Quote, Unit
from briefings.figures import Figure, Ground, Kind, Operation, count_text, derived
from briefings.periods import Period, span_query
from core.clock import SHANGHAI
from core.model import TaggedPost
from core.ports import PostStore
from core.profile import Profile
from storage import incidents, query
from storage.models import Incident

#: Sorts of source, in the officers' words.
KIND_NAMES = {
    "news": "新闻网站",
    "government": "政务网站",
    "forum": "论坛",
    "board": "留言板",
    "hotline": "热线",
    "microblog": "微博",
    "wechat": "微信",
    "video": "视频平台",
    "app": "客户端",
}
MOODS = (("negative", "负面"), ("neutral", "中性"), ("positive", "正面"))
TOP_KINDS, TOP_PLACES, TOP_TOPICS, TOP_INCIDENTS = 5, 5, 5, 5
#: A topic rises when it has at least so many posts, and so many times those of the stretch before.
RISING_POSTS, RISING_RATIO = 10, 1.5
QUOTE_LENGTH = 60


class Book:
    """Figures as they are counted."""

    def __init__(self, store: PostStore, now: datetime) -> None:
        self.store = store
        self.now = now
        self.figures: dict[str, Figure] = {}

    def posts(self, key: str, label: str, text: str, known: int | None = None) -> Figure:
        """Posts a query finds; `known` when a histogram has counted the same already."""
        value = self.store.count(query.parse(text, self.now)) if known is None else known
        return self._add(key, label, value, Ground(kind=Kind.POSTS, query=text))

    def rows(self, key: str, label: str, text: str, start: datetime, end: datetime) -> Figure:
        """Alerts or deadlines of a selection."""
        kind = Kind.DEADLINES if text.split()[0] in selections.DEADLINES else Kind.ALERTS
        ground = Ground(kind=kind, query=text, start=start, end=end)
        return self._add(key, label, selections.count(text, start, end), ground)

    def derive(self, key: str, label: str, operation: Operation, *operands: Figure) -> Figure:
        """A figure that follows from others."""
        figure = derived(key, label, operation, operands)
        self.figures[key] = figure
        return figure

    def _add(self, key: str, label: str, value: int, ground: Ground) -> Figure:
        figure = Figure(key=key, label=label, value=value, text=count_text(value), ground=ground)
        self.figures[key] = figure
        return figure


def gather(period: Period, *, profile: Profile, store: PostStore, now: datetime) -> Facts:
    """Everything a periodical briefing says."""
    book = Book(store, now)
    span, before = span_query(period.start, period.end), span_query(period.before_start, period.before_end)
    comparable = _volume(book, period, span, before)
    kinds, places = _kinds(book, span), _places(book, span, profile)
    topics = _topics(book, span, before, profile)
    days = tuple(period.days())
    _daily(book, period, days)
    levels, units = _handling(book, period, profile)
    return Facts(
        profile=profile,
        period=period,
        now=now,
        comparable=comparable,
        kinds=kinds,
        places=places,
        topics=topics[:TOP_TOPICS],
        rising=_rising(book, topics) if comparable else (),
        days=days,
        levels=levels,
        hotspots=_hotspots(book, period, span, profile),
        cases=cases(period, profile),
        units=units,
        ahead=_ahead(period),
        figures=book.figures,
    )


def handling(period: Period, *, profile: Profile, store: PostStore, now: datetime) -> Facts:
    """Alerts and deadlines alone, for circulars and handovers."""
    book = Book(store, now)
    levels, units = _handling(book, period, profile)
    return Facts(
        profile=profile,
        period=period,
        now=now,
        comparable=bool(book.figures["flow.detected.before"].value),
        levels=levels,
        cases=cases(period, profile),
        units=units,
        figures=book.figures,
    )


def _volume(book: Book, period: Period, span: str, before: str) -> bool:
    """Total and moods against the stretch before; return whether there was anything before to compare with."""
    total = book.posts("total", "期内帖文总数", span)
    earlier = book.posts("total.before", f"{period.before_name}帖文总数", before)
    book.derive("total.change", "帖文总数环比", Operation.CHANGE, total, earlier)
    for mood, name in MOODS:
        now = book.posts(f"mood.{mood}", f"{name}帖文数", f"{span} sentiment:{mood}")
        then = book.posts(f"mood.{mood}.before", f"{period.before_name}{name}帖文数", f"{before} sentiment:{mood}")
        share = book.derive(f"mood.{mood}.share", f"{name}帖文占比", Operation.SHARE, now, total)
        share_then = book.derive(
            f"mood.{mood}.share.before", f"{period.before_name}{name}帖文占比", Operation.SHARE, then, earlier
        )
        book.derive(f"mood.{mood}.points", f"{name}帖文占比变化（百分点）", Operation.DIFFERENCE, share, share_then)
    if earlier.value:
        return True
    start = period.start.astimezone(SHANGHAI)
    return bool(book.store.search(query.parse(f"published:<{start:%Y-%m-%dT%H:%M}", book.now), limit=1).posts)


def _kinds(book: Book, span: str) -> tuple[tuple[str, str], ...]:
    found = book.store.terms(query.parse(span, book.now), "kind", limit=TOP_KINDS)
    for kind, count in found:
        name = KIND_NAMES.get(kind, kind)
        figure = book.posts(f"kind.{kind}", f"{name}帖文数", f"{span} {_field('kind', kind)}", count)
        book.derive(f"kind.{kind}.share", f"{name}帖文占比", Operation.SHARE, figure, book.figures["total"])
    return tuple((kind, KIND_NAMES.get(kind, kind)) for kind, _ in found)


def _places(book: Book, span: str, profile: Profile) -> tuple[str, ...]:
    """The places just below the root with most posts; a post of a village counts for its town."""
    root = {region.id for region in profile.regions if region.name == profile.name}
    root = root or {region.id for region in profile.regions if region.parent is None}
    towns = {region.name for region in profile.regions if region.parent in root}
    sums: Counter[str] = Counter()
    for path, count in book.store.terms(query.parse(span, book.now), "region", limit=5000):
        for segment in set(path.split("/")) & towns:
            sums[segment] += count
    # A post can name two villages of a town: the candidates are counted exactly.
    exact = {
        name: book.store.count(query.parse(f"{span} {_field('region', name)}", book.now))
        for name, _ in sums.most_common(TOP_PLACES + 3)
    }
    best = sorted(exact, key=lambda name: (-exact[name], name))[:TOP_PLACES]
    for rank, name in enumerate(best, 1):
        book.posts(f"place.{rank}", f"涉{name}帖文数", f"{span} {_field('region', name)}", exact[name])
    if len(best) >= 3:
        any_of = " OR ".join(_field("region", name) for name in best[:3])
        together = book.posts("place.first3", f"涉{'、'.join(best[:3])}帖文数（同帖只计一次）", f"{span} ({any_of})")
        book.derive("place.first3.share", "三地合计占比", Operation.SHARE, together, book.figures["total"])
    return tuple(best)


def _topics(book: Book, span: str, before: str, profile: Profile) -> tuple[tuple[str, str], ...]:
    """All topics of the period, the most frequent first, with the stretch before."""
    found = book.store.terms(query.parse(span, book.now), "topic", limit=200)
    earlier = dict(book.store.terms(query.parse(before, book.now), "topic", limit=200))
    for topic, count in found:
        name = _topic_name(topic, profile)
        field = _field("topic", topic)
        now = book.posts(f"topic.{topic}", f"{name}类帖文数", f"{span} {field}", count)
        book.derive(f"topic.{topic}.share", f"{name}类帖文占比", Operation.SHARE, now, book.figures["total"])
        then = book.posts(
            f"topic.{topic}.before", f"上一时段{name}类帖文数", f"{before} {field}", earlier.get(topic, 0)
        )
        book.derive(f"topic.{topic}.change", f"{name}类帖文环比", Operation.CHANGE, now, then)
    return tuple((topic, _topic_name(topic, profile)) for topic, _ in found)


def _rising(book: Book, topics: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    def growth(topic: str) -> float:
        now, then = book.figures[f"topic.{topic}"].value or 0, book.figures[f"topic.{topic}.before"].value or 0
        return now / then if then else float("inf")

    enough = [item for item in topics if (book.figures[f"topic.{item[0]}"].value or 0) >= RISING_POSTS]
    rising = [item for item in enough if growth(item[0]) >= RISING_RATIO]
    return tuple(sorted(rising, key=lambda item: (-growth(item[0]), item[0]))[:3])


def _daily(book: Book, period: Period, days: tuple[date, ...]) -> None:
    everything = query.parse(span_query(period.start, period.end), book.now)
    bars = book.store.histogram(
        everything, start=period.start, end=period.end, step=timedelta(days=1), facet="sentiment"
    )
    counts = {(bar.start.astimezone(SHANGHAI).date(), bar.value): bar.count for bar in bars}
    for day in days:
        midnight = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)
        text = span_query(max(midnight, period.start), min(midnight + timedelta(days=1), period.end))
        for mood, name in MOODS:
            count = counts.get((day, mood), 0)
            label = f"{day.month}月{day.day}日{name}帖文数"
            book.posts(f"day.{day}.{mood}", label, f"{text} sentiment:{mood}", count)


def _handling(book: Book, period: Period, profile: Profile) -> tuple[tuple[tuple[str, str], ...], tuple[Unit, ...]]:
    start, end = period.start, period.end
    for name, meaning in selections.MEANINGS.items():
        book.rows(f"flow.{name}", f"{meaning}数", name, start, end)
    book.rows(
        "flow.detected.before", f"{period.before_name}发现的告警数", "detected", period.before_start, period.before_end
    )
    book.derive(
        "flow.detected.change", "告警数环比", Operation.CHANGE, *_pair(book, "flow.detected", "flow.detected.before")
    )
    book.derive("rate.on_time", "按时率", Operation.SHARE, *_pair(book, "flow.on_time", "flow.judged"))
    for stage in ("acknowledge", "first_feedback", "closure"):
        _rate(book, f"stage.{stage}", f"{STAGE_NAMES[stage]}", f"stage:{stage}", start, end)
    for level in profile.levels:
        for name in ("detected", "closed", "left"):
            label = f"{level.name}：{selections.MEANINGS[name]}数"
            book.rows(f"level.{level.id}.{name}", label, f"{name} level:{level.id}", start, end)
    return tuple((level.id, level.name) for level in profile.levels), _units(book, start, end, profile)


def _units(book: Book, start: datetime, end: datetime, profile: Profile) -> tuple[Unit, ...]:
    """Units that were given something or had something fall due, the busiest first."""
    given = selections.alerts(selections.read("dispatched"), start, end).values_list("lead_unit", flat=True)
    due = selections.deadlines(selections.read("judged"), start, end).values_list("alert__lead_unit", flat=True)
    names = {unit: unit_name(unit, profile) for unit in {*given.order_by(), *due.order_by()} if unit}
    for unit, short in names.items():
        for name in ("dispatched", "closed", "returned", "escalated"):
            label = f"{short}：{selections.MEANINGS[name]}数"
            book.rows(f"unit.{unit}.{name}", label, f"{name} unit:{unit}", start, end)
        _rate(book, f"unit.{unit}", short, f"unit:{unit}", start, end)
    order = sorted(names, key=lambda unit: (-(book.figures[f"unit.{unit}.dispatched"].value or 0), unit))
    return tuple(Unit(id=unit, short=names[unit]) for unit in order)


def _rate(book: Book, key: str, name: str, filters: str, start: datetime, end: datetime) -> None:
    """Deadlines judged, met in time and missed, and the on-time rate."""
    for part in ("judged", "on_time", "missed"):
        label = f"{name}：{selections.MEANINGS[part]}数"
        book.rows(f"{key}.{part}", label, f"{part} {filters}", start, end)
    book.derive(f"{key}.rate", f"{name}按时率", Operation.SHARE, *_pair(book, f"{key}.on_time", f"{key}.judged"))


def _pair(book: Book, first: str, second: str) -> tuple[Figure, Figure]:
    return book.figures[first], book.figures[second]


def _hotspots(book: Book, period: Period, span: str, profile: Profile) -> tuple[Hotspot, ...]:
    """The incidents with most posts; one that went into another counts there."""
    found = dict(book.store.terms(query.parse(span, book.now), "incident", limit=4 * TOP_INCIDENTS))
    root = incidents.roots(found)
    sums: Counter[str] = Counter()
    for incident, count in found.items():
        sums[root[incident]] += count
    rows = {row.id: row for row in Incident.objects.filter(id__in=sums)}
    best = [rows[incident] for incident, _ in sums.most_common() if incident in rows][:TOP_INCIDENTS]
    return tuple(hotspot(book, rank, row, period, span, profile) for rank, row in enumerate(best, 1))


def hotspot(book: Book, rank: int, row: Incident, period: Period, span: str, profile: Profile) -> Hotspot:
    """One incident within the period."""
    key, field = f"incident.{rank}", posts_of(row.id)
    here = f"{span} {field}"
    total = book.posts(f"{key}.total", f"“{row.title}”期内帖文数", here)
    negative = book.posts(f"{key}.negative", f"“{row.title}”期内负面帖文数", f"{here} sentiment:negative")
    book.derive(f"{key}.negative.share", f"“{row.title}”负面占比", Operation.SHARE, negative, total)
    node = query.parse(here, book.now)
    peak_day = _peak(book, key, row.title, period, field)
    alerts = list(
        Alert.objects.filter(incident__in=incidents.families([row.id]))
        .exclude(state__in=(State.DISMISSED, State.MERGED))
        .order_by("pk")
    )
    return Hotspot(
        rank=rank,
        id=row.id,
        title=row.title,
        place=alerts[0].jurisdiction.rpartition("/")[2] if alerts else "",
        first_seen_at=row.first_seen_at,
        peak_day=peak_day,
        kinds=tuple(KIND_NAMES.get(kind, kind) for kind, _ in book.store.terms(node, "kind", limit=6)),
        sources=len(book.store.terms(node, "source", limit=500)),
        quote=next(iter(quotes(book.store.search(node, limit=50).posts, 1)), None),
        cases=tuple(alert.number for alert in alerts),
        answer=_answer(book, key, row, alerts, period, profile),
    )


def _peak(book: Book, key: str, title: str, period: Period, field: str) -> date | None:
    bars = book.store.histogram(
        query.parse(f"{span_query(period.start, period.end)} {field}", book.now),
        start=period.start,
        end=period.end,
        step=timedelta(days=1),
    )
    if not bars:
        return None
    peak = max(bars, key=lambda bar: (bar.count, bar.start))
    start = max(peak.start, period.start)
    text = f"{span_query(start, min(peak.start + timedelta(days=1), period.end))} {field}"
    book.posts(f"{key}.peak", f"“{title}”单日最多帖文数", text, peak.count)
    return peak.start.astimezone(SHANGHAI).date()


def _answer(
    book: Book, key: str, row: Incident, alerts: list[Alert], period: Period, profile: Profile
) -> Answer | None:
    """The first public response, with the negative share before and after when there are posts on both sides."""
    first = (
        Response.objects.filter(alert__in=alerts, published_at__lt=period.end)
        .select_related("alert")
        .order_by("published_at")
        .first()
    )
    if first is None:
        return None
    unit = unit_name(first.alert.lead_unit, profile)
    at = first.published_at.replace(second=0, microsecond=0)
    keys = []
    for side, start, end in (("before", period.start, at), ("after", at, period.end)):
        if not start < end:
            return Answer(unit=unit, channel=first.channel, at=first.published_at)
        text = f"{span_query(start, end)} {_field('incident', row.id)}"
        total = book.posts(f"{key}.{side}", f"“{row.title}”回应{'前' if side == 'before' else '后'}帖文数", text)
        label = f"“{row.title}”回应{'前' if side == 'before' else '后'}负面帖文数"
        negative = book.posts(f"{key}.{side}.negative", label, f"{text} sentiment:negative")
        share = book.derive(f"{key}.{side}.share", label.replace("帖文数", "占比"), Operation.SHARE, negative, total)
        keys.append(share)
    if any(share.value is None for share in keys):
        return Answer(unit=unit, channel=first.channel, at=first.published_at)
    return Answer(
        unit=unit,
        channel=first.channel,
        at=first.published_at,
        negative_before=keys[0].key,
        negative_after=keys[1].key,
    )


def quotes(posts: Iterable[TaggedPost], limit: int) -> tuple[Quote, ...]:
    """The posts most spoken about, in their own words; one of each story, the earliest of equals first."""
    ordered = sorted(posts, key=lambda tagged: (-_echo(tagged), tagged.post.published_at, tagged.post.id))
    stories: dict[str, TaggedPost] = {}
    for tagged in ordered:
        stories.setdefault(tagged.story or tagged.post.content_hash, tagged)
    return tuple(
        Quote(
            post=tagged.post.id,
            text=excerpt(tagged.post.text or tagged.post.title),
            source=source_name(tagged),
            url=tagged.post.url,
            at=tagged.post.published_at,
        )
        for tagged in list(stories.values())[:limit]
    )


def source_name(tagged: TaggedPost) -> str:
    """论坛（caichuan_forum）: the sort of source and its id."""
    return f"{KIND_NAMES.get(tagged.post.kind, tagged.post.kind)}（{tagged.post.source}）"


def _echo(tagged: TaggedPost) -> int:
    counts = tagged.post.engagement
    return (counts.comments or 0) + 2 * (counts.shares or 0) + (counts.likes or 0)


def excerpt(text: str) -> str:
    """The beginning of a text, cut after a sentence where one ends in time."""
    line = " ".join(text.split())
    if len(line) <= QUOTE_LENGTH:
        return line
    cut = line[:QUOTE_LENGTH]
    end = max(cut.rfind(mark) for mark in "。！？；")
    return cut[: end + 1] if end >= QUOTE_LENGTH // 3 else f"{cut}……"


def cases(period: Period, profile: Profile, *, numbers: Iterable[str] | None = None) -> tuple[Case, ...]:
    """Alerts found in the period or still open at its end, the gravest first; or those named."""
    if numbers is not None:
        found = Alert.objects.filter(number__in=list(numbers))
    else:
        left = selections.alerts(selections.read("left"), period.start, period.end)
        new = selections.alerts(selections.read("detected"), period.start, period.end)
        found = Alert.objects.filter(pk__in={*left.values_list("pk", flat=True), *new.values_list("pk", flat=True)})
        found = found.exclude(state__in=(State.DISMISSED, State.MERGED, State.DETECTED))
    rows = list(found)
    missed, dues = _missed(rows, period), clocks.next_dues([row.pk for row in rows])
    every = [_case(row, missed.get(row.pk, ()), dues.get(row.pk), profile) for row in rows]
    return tuple(sorted(every, key=lambda case: (case.rank, not case.overdue, case.number)))


def _missed(rows: list[Alert], period: Period) -> dict[int, tuple[str, ...]]:
    found: dict[int, list[str]] = defaultdict(list)
    missed = Deadline.objects.filter(alert__in=[row.pk for row in rows], missed_at__lt=period.end)
    for alert, stage in missed.order_by("due_at").values_list("alert_id", "stage"):
        found[alert].append(STAGE_NAMES.get(stage, stage))
    return {alert: tuple(dict.fromkeys(stages)) for alert, stages in found.items()}


def _case(row: Alert, overdue: tuple[str, ...], due: tuple[str, datetime] | None, profile: Profile) -> Case:
    level = profile.level(row.level or row.suggested_level)
    return Case(
        number=row.number,
        title=row.title,
        level=(level.name if level else row.suggested_level) + ("" if row.level else "（建议）"),
        rank=level.rank if level else len(profile.levels),
        unit=unit_name(row.lead_unit, profile),
        state=STATE_LABELS[State(row.state)],
        is_open=row.state in OPEN_STATES,
        detected_at=row.detected_at,
        overdue=overdue,
        next_stage=STAGE_NAMES.get(due[0], due[0]) if due else "",
        next_due=due[1] if due else None,
        responded=row.responded_at is not None,
    )


def _ahead(period: Period) -> tuple[tuple[date, str], ...]:
    """Holidays and shifted working days of the week after the period."""
    found = []
    for offset in range(1, 8):
        day = period.last_day + timedelta(days=offset)
        works, is_weekday = calendar.look_up(day).works, day.weekday() < 5
        if works != is_weekday:
            found.append((day, "调休上班" if works else "放假"))
    return tuple(found)


def posts_of(incident: str) -> str:
    """The query for an incident's posts, those of incidents that went into it included."""
    return f"({' OR '.join(_field('incident', member) for member in incidents.families([incident]))})"


def _field(name: str, value: str) -> str:
    """A field of the query language with its value quoted."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}:"{escaped}"'


def _topic_name(topic: str, profile: Profile) -> str:
    found = profile.topic(topic)
    return found.name if found else topic


def unit_name(unit: str, profile: Profile) -> str:
    """A department's short name."""
    found = profile.department(unit)
    return found.short if found else unit
