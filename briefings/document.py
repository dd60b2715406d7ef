"""A briefing as a value: head, blocks, foot. All formats are written from it, so they say the same.

The JSON form (`to_json`, `from_json`) is what is stored, frozen and hashed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from typing import Any

from briefings.figures import Figure, Ground, Kind, Operation
from core.legible import legible


@dataclass(frozen=True, slots=True)
class Number:
    """A place in a text where the figure of that key stands."""

    key: str


#: Words and numbers in the order they are read.
Run = str | Number
Runs = tuple[Run, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """`level` 1 一、 in 黑体, 2 （一） in 楷体."""

    text: str
    level: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """Running text; `key` names it for editing and stays the same when the numbers change."""

    key: str
    runs: Runs
    #: Who changed it by hand, and when (local, for people); empty when it stands as composed.
    edited_by: str = ""
    edited_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table; `weight` is its share of the width."""

    title: str
    weight: int = 1
    #: Numbers stand at the right.
    right: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A captioned table; a cell holds runs like a paragraph."""

    key: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Runs, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One colour of a chart: a figure per label."""

    name: str
    figures: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Stacked columns. `description` says in words what is to be seen; it is the text for those who cannot."""

    key: str
    caption: str
    description: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]


Block = Heading | Paragraph | Table | Chart


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The 简报 head and foot."""

    #: 采川舆情周报, in red.
    name: str
    #: 第46期.
    issue: str
    secrecy: str
    #: 编号 0046.
    serial: str
    issuer: str
    date: date
    signer: str
    report_to: tuple[str, ...]
    send_to: tuple[str, ...]
    copies: int
    line_points: float = 28.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole briefing. `title` is the headline of the text, empty for kinds that have none."""

    kind: str
    head: Head
    title: str
    blocks: tuple[Block, ...]
    figures: Mapping[str, Figure] = field(default_factory=dict)

    def words(self, runs: Runs) -> str:
        """Runs as plain text."""
        return "".join(self.figures[run.key].text if isinstance(run, Number) else run for run in runs)

    def paragraphs(self) -> Iterator[Paragraph]:
        """The running texts, in order."""
        return (block for block in self.blocks if isinstance(block, Paragraph))

    def charts(self) -> Iterator[Chart]:
        """The charts, in order."""
        return (block for block in self.blocks if isinstance(block, Chart))

    def used(self) -> tuple[str, ...]:
        """Keys of the figures that are shown, each once, in reading order."""
        return tuple(dict.fromkeys(key for block in self.blocks for key in _keys(block)))


def _keys(block: Block) -> Iterator[str]:
    match block:
        case Paragraph():
            yield from (run.key for run in block.runs if isinstance(run, Number))
        case Table():
            yield from (run.key for row in block.rows for cell in row for run in cell if isinstance(run, Number))
        case Chart():
            yield from (key for series in block.series for key in series.figures)


def finished(document: Document) -> Document:
    """The document made legible, with only the figures it shows and those they follow from."""
    keep, queue = set[str](), list(document.used())
    while queue:
        key = queue.pop()
        if key not in keep:
            keep.add(key)
            queue += document.figures[key].ground.operands
    blocks = tuple(_legible_block(block) for block in document.blocks)
    return replace(
        document,
        title=legible(document.title),
        blocks=tuple(_numbered(_numbered(blocks, Table, "表"), Chart, "图")),
        figures={key: figure for key, figure in document.figures.items() if key in keep},
    )


def _numbered(blocks: Iterable[Block], kind: type[Table | Chart], word: str) -> Iterator[Block]:
    """表1, 表2 …: numbers follow the order on the page."""
    count = 0
    for block in blocks:
        if isinstance(block, kind):
            count += 1
            yield replace(block, caption=f"{word}{count}　{block.caption}")
        else:
            yield block


def _legible_block(block: Block) -> Block:
    match block:
        case Heading():
            return replace(block, text=legible(block.text))
        case Paragraph():
            return replace(block, runs=_legible_runs(block.runs))
        case Table():
            return replace(block, rows=tuple(tuple(_legible_runs(cell) for cell in row) for row in block.rows))
        case Chart():
            return block


def _legible_runs(runs: Runs) -> Runs:
    return tuple(legible(run) if isinstance(run, str) else run for run in runs)


def text_lines(document: Document) -> list[str]:
    """Everything a reader sees, line by line; the formats are compared by it."""
    head = document.head
    lines = [head.secrecy, head.serial, head.name, head.issue, head.issuer, date_text(head.date), document.title]
    for block in document.blocks:
        match block:
            case Heading():
                lines.append(block.text)
            case Paragraph():
                lines.append(document.words(block.runs))
            case Table():
                lines += [block.caption, *(column.title for column in block.columns)]
                lines += [document.words(cell) for row in block.rows for cell in row]
            case Chart():
                lines.append(block.caption)
    return [line for line in (*lines, *foot_lines(head)) if line]


def foot_lines(head: Head) -> list[str]:
    """签发, 报, 送 and the number of copies."""
    lines = [f"签发：{head.signer}"] if head.signer else []
    lines += [f"报：{'，'.join(head.report_to)}"] if head.report_to else []
    lines += [f"送：{'，'.join(head.send_to)}"] if head.send_to else []
    return [*lines, f"共印{head.copies}份"] if head.copies else lines


def date_text(day: date) -> str:
    """2026年11月9日: no leading zeros, as the norm has it."""
    return f"{day.year}年{day.month}月{day.day}日"


def digest(document: Document) -> str:
    """The hash a published briefing is frozen under."""
    canonical = json.dumps(to_json(document), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def to_json(document: Document) -> dict[str, Any]:
    """The stored form."""
    return {
        "kind": document.kind,
        "title": document.title,
        "head": asdict(document.head) | {"date": document.head.date.isoformat()},
        "blocks": [_block_json(block) for block in document.blocks],
        "figures": [_figure_json(figure) for figure in document.figures.values()],
    }


def from_json(data: Mapping[str, Any]) -> Document:
    """Read the stored form back."""
    head = dict(data["head"])
    lists = {name: tuple(head[name]) for name in ("report_to", "send_to")}
    figures = [_figure(item) for item in data["figures"]]
    return Document(
        kind=data["kind"],
        title=data["title"],
        head=Head(**head | lists | {"date": date.fromisoformat(head["date"])}),
        blocks=tuple(_block(item) for item in data["blocks"]),
        figures={figure.key: figure for figure in figures},
    )


def runs_json(runs: Runs) -> list[Any]:
    """Runs as JSON: words as text, numbers as their key in a list."""
    return [[run.key] if isinstance(run, Number) else run for run in runs]


def runs_from(data: list[Any]) -> Runs:
    """Read runs back."""
    return tuple(Number(item[0]) if isinstance(item, list) else item for item in data)


def _block_json(block: Block) -> dict[str, Any]:
    match block:
        case Heading():
            return {"type": "heading", "text": block.text, "level": block.level}
        case Paragraph():
            return {"type": "paragraph", "key": block.key, "runs": runs_json(block.runs)} | (
                {"edited_by": block.edited_by, "edited_at": block.edited_at} if block.edited_by else {}
            )
        case Table():
            rows = [[runs_json(cell) for cell in row] for row in block.rows]
            columns = [asdict(column) for column in block.columns]
            return {"type": "table", "key": block.key, "caption": block.caption, "columns": columns, "rows": rows}
        case Chart():
            return {"type": "chart", **asdict(block)}


def _block(data: Mapping[str, Any]) -> Block:
    rest = {name: value for name, value in data.items() if name != "type"}
    match data["type"]:
        case "heading":
            return Heading(**rest)
        case "paragraph":
            return Paragraph(**rest | {"runs": runs_from(rest["runs"])})
        case "table":
            columns = tuple(Column(**column) for column in rest["columns"])
            rows = tuple(tuple(runs_from(cell) for cell in row) for row in rest["rows"])
            return Table(**rest | {"columns": columns, "rows": rows})
        case _:
            series = tuple(Series(name=item["name"], figures=tuple(item["figures"])) for item in rest["series"])
            return Chart(**rest | {"labels": tuple(rest["labels"]), "series": series})


def _figure_json(figure: Figure) -> dict[str, Any]:
    ground = figure.ground
    times = {
        name: moment.isoformat()
        for name, moment in (("start", ground.start), ("end", ground.end))
        if moment is not None
    }
    return {
        "key": figure.key,
        "label": figure.label,
        "value": figure.value,
        "text": figure.text,
        "ground": {"kind": ground.kind, "query": ground.query, "operation": ground.operation}
        | {"operands": list(ground.operands)}
        | times,
    }


def _figure(data: Mapping[str, Any]) -> Figure:
    ground = data["ground"]
    times = {name: datetime.fromisoformat(ground[name]) for name in ("start", "end") if name in ground}
    return Figure(
        key=data["key"],
        label=data["label"],
        value=data["value"],
        text=data["text"],
        ground=Ground(
            kind=Kind(ground["kind"]),
            query=ground["query"],
            operation=Operation(ground["operation"]) if ground["operation"] else None,
            operands=tuple(ground["operands"]),
            **times,
        ),
    )
