"""Found posts as a sheet, .xlsx or .csv: masked as stored, every text written as text, unknown is `—`."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from console import wording
from core.clock import SHANGHAI
from core.legible import cell_text, neutral
from core.model import TaggedPost

#: More than this in one file nobody reads; the search is to be narrowed.
LIMIT = 20_000
FORMS: Mapping[str, str] = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}
Value = str | int | datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Ids of the profile in words."""

    sources: Mapping[str, str]
    topics: Mapping[str, str]


COLUMNS: Mapping[str, Callable[[TaggedPost, Names], Value]] = {
    "编号": lambda tagged, names: tagged.post.id,
    "发布时间": lambda tagged, names: tagged.post.published_at,
    "信源": lambda tagged, names: names.sources.get(tagged.post.source, tagged.post.source),
    "类别": lambda tagged, names: wording.word(wording.KINDS, tagged.post.kind),
    "标题": lambda tagged, names: tagged.post.title,
    "正文": lambda tagged, names: tagged.post.text,
    "链接": lambda tagged, names: tagged.post.url,
    "话题": lambda tagged, names: "、".join(names.topics.get(topic.id, topic.id) for topic in tagged.tags.topics),
    "情感": lambda tagged, names: wording.word(wording.MOODS, tagged.tags.sentiment.label),
    "地域": lambda tagged, names: "、".join(tagged.tags.regions),
    "标记": lambda tagged, names: "、".join(wording.word(wording.FLAGS, flag) for flag in tagged.tags.flags),
    "风险": lambda tagged, names: tagged.tags.risk,
    "阅读": lambda tagged, names: tagged.post.engagement.views,
    "评论": lambda tagged, names: tagged.post.engagement.comments,
    "转发": lambda tagged, names: tagged.post.engagement.shares,
    "点赞": lambda tagged, names: tagged.post.engagement.likes,
    "事件": lambda tagged, names: tagged.incident,
}


def as_csv(posts: Iterable[TaggedPost], names: Names) -> bytes:
    """With a byte order mark, so that Excel reads it as UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows([neutral(_words(value(tagged, names))) for value in COLUMNS.values()] for tagged in posts)
    return out.getvalue().encode("utf-8-sig")


def as_xlsx(posts: Iterable[TaggedPost], names: Names) -> bytes:
    """Each value by the writer of its own type: `write` would make formulas and links of texts."""
    import xlsxwriter  # 14 MB that only an export needs

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"constant_memory": True, "in_memory": True}) as book:
        sheet = book.add_worksheet("帖文")
        head = book.add_format({"bold": True, "bg_color": "#EEF0F2", "border": 1})
        for at, name in enumerate(COLUMNS):
            sheet.set_column(at, at, {"标题": 32, "正文": 60, "链接": 30}.get(name, 14))
            sheet.write_string(0, at, name, head)
        last = 0
        for last, tagged in enumerate(posts, 1):
            for at, value in enumerate(COLUMNS.values()):
                found = value(tagged, names)
                if isinstance(found, int):
                    sheet.write_number(last, at, found)
                else:
                    sheet.write_string(last, at, cell_text(_words(found)))
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(last, 1), len(COLUMNS) - 1)
    return out.getvalue()


def _words(value: Value) -> str:
    match value:
        case datetime():
            return f"{value.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
        case None:
            return "—"
        case _:
            return str(value)
