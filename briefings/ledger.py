"""台账: alerts as the rows of an office's own table, in .xlsx and .csv.

Columns are named in Chinese; `profile.report.ledger_columns` chooses and renames them (`责任部门=责任单位`).
Nothing from outside ever becomes a formula or a link.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from xml.sax.saxutils import escape

from django.db.models import QuerySet

from alerts.deadlines import STAGE_NAMES
from alerts.lifecycle import STATE_LABELS, State
from alerts.models import Alert, AlertEvent, AlertPost, Deadline, Instruction, Response
from briefings.gather import KIND_NAMES, excerpt
from briefings.periods import Period, span_text
from core.clock import SHANGHAI
from core.errors import ConfigError
from core.legible import cell_text, neutral
from core.model import TaggedPost
from core.ports import PostReader
from core.profile import Profile

UNKNOWN = "—"
#: What a cell may hold: words, a count, a moment; None is unknown.
Value = str | int | datetime | None
_BATCH = 500
#: Where Excel counts its days from.
_DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001  # Excel's days have no zone
#: What Excel would read as an escaped character.
_ESCAPED = re.compile(r"(_x[0-9a-fA-F]{4}_)")
#: The extent of the sheet, which may be left out and would be wrong once rows are put in.
_DIMENSION = re.compile(rb"<dimension [^>]*/>")
_WIDTHS = {
    "标题": 32,
    "链接": 30,
    "原贴摘要": 40,
    "办结回复摘要": 40,
    "线上情况": 30,
    "线下情况": 30,
    "批示": 24,
    "督办记录": 24,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An alert with what its columns need."""

    place: int
    alert: Alert
    post: TaggedPost | None
    profile: Profile
    address: str
    people: Mapping[str, str] = field(default_factory=dict)
    #: First actor of each kind of event, and the last note of it.
    actors: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    missed: tuple[str, ...] = ()
    next_due: datetime | None = None
    supervisions: tuple[str, ...] = ()
    instructions: tuple[str, ...] = ()
    responses: tuple[tuple[datetime, str], ...] = ()

    def person(self, kind: str) -> str:
        """Name of who did it first; empty when nobody did."""
        login = self.actors.get(kind, "")
        return self.people.get(login, login)

    def unit(self, unit: str) -> str:
        """A department's short name."""
        found = self.profile.department(unit)
        return found.short if found else unit


def _engagement(entry: Entry, name: str) -> int | None:
    value: int | None = getattr(entry.post.post.engagement, name) if entry.post else None
    return value


def _platform(entry: Entry) -> str:
    return KIND_NAMES.get(entry.post.post.kind, entry.post.post.kind) if entry.post else ""


def _topic(entry: Entry) -> str:
    topic = entry.profile.topic(entry.alert.topic)
    return topic.name if topic else entry.alert.topic


def _level(entry: Entry) -> str:
    level = entry.profile.level(entry.alert.level or "")
    return level.name if level else entry.alert.level or "待定"


def _closing_words(entry: Entry) -> str:
    return entry.notes.get("close", "") or (entry.responses[-1][1] if entry.responses else "")


#: Title → value. The first twenty are the columns of a district office's own ledger (domain.md §2.4), then ours.
COLUMNS: Mapping[str, Callable[[Entry], Value]] = {
    "序号": lambda entry: entry.place,
    "巡查单位": lambda entry: entry.unit(entry.profile.offices.get("cyberspace", "")),
    "发布时间": lambda entry: entry.alert.first_post_at,
    "发布平台": _platform,
    "标题": lambda entry: entry.alert.title,
    "链接": lambda entry: entry.post.post.url if entry.post else "",
    "责任单位": lambda entry: entry.unit(entry.alert.lead_unit),
    "涉及领域": _topic,
    "首接人": lambda entry: entry.person("acknowledge"),
    "交办时间": lambda entry: entry.alert.dispatched_at,
    "首回时间": lambda entry: entry.responses[0][0] if entry.responses else None,
    "办结时间": lambda entry: entry.alert.closed_at,
    "关注量": lambda entry: _engagement(entry, "views"),
    "跟帖数": lambda entry: _engagement(entry, "comments"),
    "原贴摘要": lambda entry: excerpt(entry.post.post.text) if entry.post else "",
    "办结回复摘要": lambda entry: excerpt(_closing_words(entry)),
    "线上情况": lambda entry: excerpt("；".join(text for _, text in entry.responses)),
    "线下情况": lambda entry: excerpt(entry.notes.get("report", "") or entry.notes.get("feedback", "")),
    "原文截图": lambda entry: "",
    "备注": lambda entry: entry.notes.get("note", ""),
    "编号": lambda entry: entry.alert.number,
    "级别": _level,
    "状态": lambda entry: STATE_LABELS[State(entry.alert.state)],
    "发现时间": lambda entry: entry.alert.detected_at,
    "研判人": lambda entry: entry.person("confirm"),
    "签收时间": lambda entry: entry.alert.acknowledged_at,
    "时限": lambda entry: entry.next_due,
    "是否超时": lambda entry: "是" if entry.missed else "否",
    "超时环节": lambda entry: "、".join(entry.missed),
    "协办单位": lambda entry: "、".join(entry.unit(unit) for unit in entry.alert.co_units),
    "地域": lambda entry: entry.alert.jurisdiction,
    "帖文数": lambda entry: entry.alert.post_count,
    "退回次数": lambda entry: entry.alert.returned_count,
    "督办记录": lambda entry: "；".join(entry.supervisions),
    "批示": lambda entry: "；".join(entry.instructions),
    "归档号": lambda entry: entry.alert.number if entry.alert.state == State.CLOSED else "",
    "系统地址": lambda entry: entry.address,
}
#: What an office gets that names no columns of its own.
DEFAULT = (
    *(
        "序号",
        "编号",
        "级别",
        "状态",
        "发布时间",
        "发布平台",
        "标题",
        "链接",
        "责任单位",
        "涉及领域",
        "研判人",
        "首接人",
    ),
    *(
        "交办时间",
        "签收时间",
        "时限",
        "是否超时",
        "首回时间",
        "办结时间",
        "关注量",
        "跟帖数",
        "原贴摘要",
        "办结回复摘要",
    ),
    *("线上情况", "线下情况", "退回次数", "督办记录", "批示", "归档号", "系统地址", "备注"),
)


def chosen(profile: Profile) -> list[tuple[str, Callable[[Entry], Value]]]:
    """(title, value) of each column. Raises ConfigError with every unknown name."""
    wanted = [name.partition("=")[::2] for name in profile.report.ledger_columns or DEFAULT]
    pairs = [(title.strip(), (source or title).strip()) for title, source in wanted]
    if unknown := [source for _, source in pairs if source not in COLUMNS]:
        raise ConfigError(f"台账没有这些列：{'、'.join(unknown)}；可用：{'、'.join(COLUMNS)}")
    return [(title, COLUMNS[source]) for title, source in pairs]


def title(period: Period) -> str:
    """What stands above it in print."""
    return f"政务舆情办理台账（{span_text(period.first_day, period.last_day)}）"


def of_period(start: datetime, end: datetime) -> QuerySet[Alert]:
    """Alerts found in [start, end) that were not dismissed or merged, oldest first."""
    found = Alert.objects.filter(detected_at__gte=start, detected_at__lt=end)
    kept = found.exclude(state__in=(State.DISMISSED, State.MERGED)).order_by("detected_at", "pk")
    return kept.defer("values", "suggestion", "flags", "owner_reasons", "guidance_units", "reason", "key")


def entries(alerts: QuerySet[Alert], *, profile: Profile, store: PostReader, public_url: str) -> Iterator[Entry]:
    """The alerts with their first posts, people, notes and clocks; some hundred at a time."""
    people = {member.login: member.name for member in profile.roster.members}
    people |= {f"unit:{unit.id}": unit.short for unit in profile.departments}
    place = 0
    found = alerts.iterator(chunk_size=_BATCH)
    while rows := list(islice(found, _BATCH)):
        about = _About([row.pk for row in rows], store)
        for row in rows:
            place += 1
            yield about.entry(row, place, profile, people, f"{public_url}/alerts/{row.number}/")


class _About:
    """What stands in other tables about a batch of alerts."""

    def __init__(self, alerts: Sequence[int], store: PostReader) -> None:
        self.actors: dict[int, dict[str, str]] = defaultdict(dict)
        self.notes: dict[int, dict[str, str]] = defaultdict(dict)
        self.supervisions: dict[int, list[str]] = defaultdict(list)
        self._events(alerts)
        self.missed: dict[int, dict[str, None]] = defaultdict(dict)
        self._deadlines(alerts)
        self.responses = _grouped(Response, alerts, "published_at", "text")
        self.instructions = _grouped(Instruction, alerts, "leader", "text")
        first: dict[int, str] = {}
        for alert, post in AlertPost.objects.filter(alert__in=alerts).order_by("pk").values_list("alert_id", "post"):
            first.setdefault(alert, post)
        posts = {tagged.post.id: tagged for tagged in store.get(list(first.values()))}
        self.posts = {alert: posts[post] for alert, post in first.items() if post in posts}

    def _events(self, alerts: Sequence[int]) -> None:
        rows = AlertEvent.objects.filter(alert__in=alerts).order_by("alert_id", "seq")
        for alert, kind, actor, note in rows.values_list("alert_id", "kind", "actor", "note"):
            self.actors[alert].setdefault(kind, actor)
            if note:
                self.notes[alert][kind] = note
        for alert, note, at in rows.filter(kind="supervision_order").values_list("alert_id", "note", "at"):
            self.supervisions[alert].append(f"{at.astimezone(SHANGHAI):%m-%d %H:%M} {note}".strip())

    def _deadlines(self, alerts: Sequence[int]) -> None:
        rows = Deadline.objects.filter(alert__in=alerts).order_by("-due_at")
        missed = rows.filter(missed_at__isnull=False).values_list("alert_id", "stage")
        for alert, stage in missed:
            self.missed[alert][STAGE_NAMES.get(stage, stage)] = None
        running = rows.filter(met_at=None, cancelled_at=None, paused_at=None)
        self.dues = dict(running.values_list("alert_id", "due_at"))

    def entry(self, row: Alert, place: int, profile: Profile, people: Mapping[str, str], address: str) -> Entry:
        """One alert's share of it."""
        return Entry(
            place=place,
            alert=row,
            post=self.posts.get(row.pk),
            profile=profile,
            address=address,
            people=people,
            actors=self.actors[row.pk],
            notes=self.notes[row.pk],
            missed=tuple(reversed(self.missed[row.pk])),
            next_due=self.dues.get(row.pk),
            supervisions=tuple(self.supervisions[row.pk]),
            instructions=tuple(f"{leader}：{text}" for leader, text in self.instructions[row.pk]),
            responses=tuple(self.responses[row.pk]),
        )


def _grouped(
    model: type[Response | Instruction], alerts: Sequence[int], *fields: str
) -> dict[int, list[tuple[Any, ...]]]:
    found: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for alert, *values in model.objects.filter(alert__in=alerts).order_by("pk").values_list("alert_id", *fields):
        found[alert].append(tuple(values))
    return found


def xlsx(rows: Iterable[Entry], profile: Profile, *, title: str) -> bytes:
    """The ledger as a workbook: every text written as text, dates as dates, head frozen and repeated in print.

    1. XlsxWriter makes the workbook with its head alone, for the number of the date style.
    2. The rows are written as XML: cell by cell through the library they would take twice as long.
    3. The workbook is made again for that many rows, and they are put into its sheet.
    """
    from xlsxwriter.utility import xl_col_to_name  # 14 MB that only a ledger needs

    columns = chosen(profile)
    names = [name for name, _ in columns]
    _, moment = _workbook(names, 0, title)
    places = [(xl_col_to_name(at), value) for at, (_, value) in enumerate(columns)]
    lines = [
        "".join(
            (f'<row r="{at}">', *(_cell(f"{place}{at}", value(entry), moment) for place, value in places), "</row>")
        )
        for at, entry in enumerate(rows, 2)
    ]
    book, _ = _workbook(names, len(lines), title)
    return _filled(book, "".join(lines).encode())


def _workbook(names: Sequence[str], last: int, title: str) -> tuple[bytes, int]:
    """A workbook dressed for so many rows that holds the head alone, and the number of its date style."""
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet("台账")
        head = book.add_format(
            {"bold": True, "bg_color": "#EEF0F2", "border": 1, "text_wrap": True, "valign": "vcenter"}
        )
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for at, name in enumerate(names):
            wide = "时间" in name or name == "时限"
            sheet.set_column(at, at, _WIDTHS.get(name, 16 if wide else 11), moment if wide else None)
            sheet.write_string(0, at, cell_text(name), head)
        # The style has a number only where it is used; the office may have named its columns anyhow.
        sheet.set_column(len(names), len(names), None, moment)
        _dress(book, sheet, names, last, title)
    return out.getvalue(), moment.xf_index


def _filled(book: bytes, rows: bytes) -> bytes:
    """The workbook with these rows after its head."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as empty, zipfile.ZipFile(out, "w") as full:
        for part in empty.infolist():
            data = empty.read(part)
            if part.filename == "xl/worksheets/sheet1.xml":
                head, end, rest = _DIMENSION.sub(b"", data).partition(b"</row>")
                data = head + end + rows + rest
            full.writestr(part, data, zipfile.ZIP_DEFLATED, compresslevel=2)
    return out.getvalue()


def _cell(place: str, value: Value, moment: int) -> str:
    """A cell as the sheet's XML has it; texts stand inline and are never anything else."""
    match value:
        case "":
            return ""
        case str():
            words = _ESCAPED.sub(r"_x005F\1", cell_text(value))
            return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(words)}</t></is></c>'
        case datetime():
            days = (value.astimezone(SHANGHAI).replace(tzinfo=None, microsecond=0) - _DAY_ZERO) / timedelta(days=1)
            return f'<c r="{place}" s="{moment}"><v>{days:.8f}</v></c>'
        case None:
            return f'<c r="{place}" t="inlineStr"><is><t>{UNKNOWN}</t></is></c>'
        case _:
            return f'<c r="{place}"><v>{value}</v></c>'


def _dress(book: Any, sheet: Any, names: Sequence[str], last: int, title: str) -> None:
    """Filter, frozen head, print titles, landscape, list of states, red overdue."""
    sheet.freeze_panes(1, min(2, len(names)))
    sheet.autofilter(0, 0, max(last, 1), len(names) - 1)
    sheet.repeat_rows(0)
    sheet.set_row(0, 20)
    sheet.set_landscape()
    # All thirty columns abreast on one page cannot be read: A3, as many pages wide as it takes, each with the first two.
    sheet.set_paper(8)
    sheet.fit_to_pages(max(1, round(len(names) / 14)), 0)
    sheet.repeat_columns(0, min(1, len(names) - 1))
    sheet.set_header(f"&C{title.replace('&', '&&')}")
    sheet.set_footer("&C第 &P 页，共 &N 页")
    if "状态" in names and last:
        at = names.index("状态")
        sheet.data_validation(1, at, last, at, {"validate": "list", "source": [*STATE_LABELS.values()]})
    if "是否超时" in names and last:
        at = names.index("是否超时")
        red = book.add_format({"font_color": "#B3141C", "bold": True})
        sheet.conditional_format(1, at, last, at, {"type": "cell", "criteria": "==", "value": '"是"', "format": red})


def csv_text(rows: Iterable[Entry], profile: Profile) -> str:
    """The ledger as CSV with a byte order mark, so that Excel reads it as UTF-8."""
    columns, out = chosen(profile), io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow([neutral(name) for name, _ in columns])
    for entry in rows:
        writer.writerow([_csv_value(value(entry)) for _, value in columns])
    return out.getvalue()


def _csv_value(value: Value) -> str:
    match value:
        case datetime():
            return f"{value.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
        case int():
            return str(value)
        case None:
            return UNKNOWN
        case _:
            return neutral(value)
